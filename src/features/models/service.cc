#include "features/models/service.h"

#include <boost/json.hpp>

#include "base/problem.h"
#include "features/models/pictures.h"

namespace antiphon::models {
namespace {

std::string joined(const std::vector<const std::string*>& texts) {
  std::size_t size = 16;
  for (const std::string* t : texts) size += t->size() + 1;
  std::string out;
  out.reserve(size);
  out += R"({"data":[)";
  for (std::size_t i = 0; i != texts.size(); ++i) {
    if (i != 0) out += ',';
    out += *texts[i];
  }
  out += "]}";
  return out;
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < list.size();) {
    std::size_t end = std::min(list.find(',', at), list.size());
    if (end != at) out.push_back(list.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

}  // namespace

Models::Models(Parts parts)
    : p_(parts),
      rows_(p_.db),
      catalog_(p_.settings, [this](Kind kind) -> Backend& { return backend(kind); }, p_.loops) {
  refer_to_pictures(p_.blobs);
  // Whoever changed a connection, here or on another replica: its models are asked for anew.
  p_.store.on_change([this](const std::vector<std::string>& keys) {
    for (const std::string& key : keys)
      if (key.starts_with("openai.") || key.starts_with("ollama.")) return catalog_.forget();
  });
}

Backend& Models::backend(Kind kind) {
  switch (kind) {
    case Kind::openai:
      return p_.openai;
    case Kind::ollama:
      return p_.ollama;
    case Kind::demo:
      return demo_;
  }
  return demo_;
}

Task<std::shared_ptr<const View>> Models::view(Catalog::Wish wish) {
  ListingPtr listing = co_await catalog_.get(wish);
  RowSetPtr rows = co_await rows_.current();
  auto moment = p_.settings.moment();
  {
    std::scoped_lock lock(mutex_);
    if (view_ && view_->listing == listing && view_->rows == rows && moment_ == moment) co_return view_;
  }
  const Settings& s = p_.settings;
  auto made =
      build_view(listing, rows, {s.default_meta(*moment), s.default_params(*moment), s.order(*moment)});
  std::scoped_lock lock(mutex_);
  view_ = made;
  moment_ = moment;
  co_return made;
}

bool Models::uses_everything(bool admin) const {
  return p_.settings.bypass_access() || (admin && p_.auth_settings.bypass_admin_access_control());
}

Task<Reader> Models::reader(const User& me) const {
  bool all = uses_everything(me.admin());
  Reader out{.id = me.id, .admin = me.admin(), .everything = all};
  if (!all) out.groups = co_await p_.access.groups(me.id);
  co_return out;
}

Task<std::vector<std::pair<std::string, std::string>>> Models::usable_by(Reader who) {
  auto all = co_await view();
  who.everything = uses_everything(who.admin);
  std::vector<std::pair<std::string, std::string>> out;
  for (const Item& item : all->items)
    if (item.usable_by(who)) out.emplace_back(item.id, item.name);
  co_return out;
}

Task<std::string> Models::list_text(const User& me, bool refresh) {
  // A caller who is no administrator does not make servers work at will.
  bool fresh = refresh && me.admin();
  auto all = co_await view(fresh ? Catalog::Wish::fresh : Catalog::Wish::usual);
  Reader who = co_await reader(me);
  std::vector<const std::string*> texts;
  for (const Item& item : all->items)
    if (item.usable_by(who)) texts.push_back(&item.text);
  co_return joined(texts);
}

Task<std::string> Models::base_list_text() {
  ListingPtr listing = co_await catalog_.get();
  std::vector<std::string> texts;
  texts.reserve(listing->models.size());
  for (const BaseModelPtr& m : listing->models) texts.push_back(json::serialize(m->shown));
  std::vector<const std::string*> pointers;
  pointers.reserve(texts.size());
  for (const std::string& t : texts) pointers.push_back(&t);
  co_return joined(pointers);
}

Target Models::target_of(const Item& item) {
  Target out{
      .id = item.id, .name = item.name, .base = item.base, .params = item.params, .meta = item.meta};
  const auto& connections = item.base->connections;
  if (!connections.empty()) out.connection = connections[turn_++ % connections.size()];
  return out;
}

Task<std::optional<Target>> Models::find(const User& me, std::string model_id) {
  co_return co_await find_in(co_await view(), me, std::move(model_id));
}

Task<std::optional<Target>> Models::find_in(std::shared_ptr<const View> all, const User& me,
                                            std::string model_id) {
  const Item* item = all->find(model_id);
  if (!item && p_.settings.fallback() && all->rows->find(model_id))
    for (const std::string& id : split(p_.settings.default_models().value_or("")))
      if ((item = all->find(id))) break;
  if (!item) co_return std::nullopt;
  Reader who = co_await reader(me);
  if (!item->usable_by(who)) co_return std::nullopt;
  co_return target_of(*item);
}

Task<Target> Models::resolve(const User& me, std::string model_id) {
  auto all = co_await view();
  auto found = co_await find_in(all, me, model_id);
  // Another replica may know it already, or its server has it only now. Twice: a look that is under way
  // may have begun before that.
  for (int look = 0; look != 2 && !found && !all->find(model_id); ++look) {
    if (!co_await catalog_.look_again(all->listing->number)) break;
    all = co_await view();
    found = co_await find_in(all, me, model_id);
  }
  if (found) co_return std::move(*found);
  throw Problem(Problem::Kind::not_found, "Model not found").answering(me.admin() ? 404 : 403);
}

Task<Target> Models::resolve_at(const User& me, std::string model_id, Kind kind, int place) {
  auto all = co_await view();
  Reader who = co_await reader(me);
  for (const Item& item : all->items) {
    if (item.base->kind != kind) continue;
    for (const ConnectionPtr& c : item.base->connections) {
      bool meant =
          c->index == place &&
          (item.id == model_id || (item.id == item.base->id && item.base->upstream_id == model_id));
      if (!meant || !item.usable_by(who)) continue;
      Target out = target_of(item);
      out.connection = c;
      co_return out;
    }
  }
  throw Problem(Problem::Kind::not_found, "Model not found").answering(me.admin() ? 404 : 403);
}

Task<std::vector<BaseModelPtr>> Models::usable(const User& me, Kind kind) {
  auto all = co_await view();
  Reader who = co_await reader(me);
  std::vector<BaseModelPtr> out;
  for (const Item& item : all->items)
    if (item.base->kind == kind && item.id == item.base->id && item.usable_by(who))
      out.push_back(item.base);
  co_return out;
}

Task<Target> Models::task_model(const User& me, Target target) {
  std::string chosen = target.local() ? p_.settings.task_model() : p_.settings.task_model_external();
  if (chosen.empty()) co_return target;
  auto found = co_await find(me, chosen);
  co_return found ? std::move(*found) : std::move(target);
}

Task<std::unique_ptr<ChunkStream>> Models::stream(Target target, json::Object body, Asker asker) {
  return backend(target.kind()).stream(std::move(target), std::move(body), std::move(asker));
}

Task<std::unique_ptr<ChunkStream>> Models::resume(Target target, std::string cursor, Asker asker) {
  return backend(target.kind()).resume(std::move(target), std::move(cursor), std::move(asker));
}

Task<> Models::abandon(Target target, std::string cursor, Asker asker) {
  return backend(target.kind()).abandon(std::move(target), std::move(cursor), std::move(asker));
}

Task<json::Value> Models::complete(Target target, json::Object body, Asker asker) {
  return backend(target.kind()).complete(std::move(target), std::move(body), std::move(asker));
}

Task<std::optional<http::Response>> Models::pass_on(Target target, json::Object body, Asker asker,
                                                    http::Stream& out) {
  return backend(target.kind()).pass_on(std::move(target), std::move(body), std::move(asker), out);
}

Task<RegisteredPtr> Models::registered(const User& me, std::string id, Right right, int status) {
  RowSetPtr rows = co_await rows_.current();
  RegisteredPtr found = rows->find(id);
  Reader who = co_await reader(me);
  if (found && found->allows(who, right)) co_return found;
  throw Problem(Problem::Kind::not_found, "Model not found").answering(status);
}

}  // namespace antiphon::models
