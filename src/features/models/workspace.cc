#include "features/models/workspace.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/problem.h"
#include "base/time.h"
#include "features/models/forms.h"
#include "features/models/pictures.h"
#include "json/json.h"

namespace antiphon::models {
namespace {

constexpr std::size_t kPage = 30;

bool has_tag(const Model& m, std::string_view wanted) {
  const json::Array* tags = json::array_at(m.meta, "tags");
  return tags && std::any_of(tags->begin(), tags->end(),
                             [&](const json::Value& t) { return json::text_at(t, "name") == wanted; });
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return out;
}

bool contains(std::string_view text, std::string_view wanted) {
  return lower(text).find(lower(wanted)) != std::string::npos;
}

bool fits(const Registered& r, const ListQuery& q, const Reader& who) {
  if (q.query && !contains(r.row.name, *q.query) && !contains(r.row.id, *q.query)) return false;
  if (q.tag && !q.tag->empty() && !has_tag(r.row, *q.tag)) return false;
  if (q.view_option == "created" && !r.owned_by(who)) return false;
  return q.view_option != "shared" || !r.owned_by(who);
}

/// Names of columns are compared, never put into SQL (U4).
void sort(std::vector<RegisteredPtr>& models, const ListQuery& q) {
  bool rising = q.direction == "asc";
  auto less = [&](const RegisteredPtr& a, const RegisteredPtr& b) {
    const Model &x = a->row, &y = b->row;
    if (q.order_by == "name") return lower(x.name) < lower(y.name);
    if (q.order_by == "created_at") return x.created_at < y.created_at;
    return x.updated_at < y.updated_at;
  };
  std::sort(models.begin(), models.end(), [&](const RegisteredPtr& a, const RegisteredPtr& b) {
    return rising ? less(a, b) : less(b, a);
  });
}

/// What somebody reads who may not edit: no prompt, no parameters (row 69).
void reduce(ModelView& view, bool writes) {
  view.write_access = writes;
  if (!writes) view.params = json::Object();
}

/// Lists come without pictures; each has a route of its own.
void leave_out_picture(ModelView& view) {
  if (view.meta.is_object()) view.meta.as_object().erase("profile_image_url");
}

std::vector<std::string> names_of_tags(const std::vector<RegisteredPtr>& models) {
  std::set<std::string> out;
  for (const RegisteredPtr& m : models)
    if (const json::Array* tags = json::array_at(m->row.meta, "tags"))
      for (const json::Value& tag : *tags)
        if (auto name = json::text_at(tag, "name"); !name.empty()) out.emplace(name);
  return {out.begin(), out.end()};
}

}  // namespace

Task<json::Value> Workspace::person(std::string user_id) {
  auto who = co_await auth::person(models_.parts().principals, std::move(user_id));
  if (!who) co_return nullptr;
  co_return json::Object{
      {"id", who->id}, {"name", who->name}, {"role", who->role}, {"email", who->email}};
}

Task<json::Value> Workspace::author(std::string user_id) {
  json::Value who = co_await person(std::move(user_id));
  co_return who.is_object() ? json::Object{{"name", json::text_at(who, "name")}} : json::Object();
}

Task<ModelList> Workspace::list(const User& me, ListQuery q) {
  Reader who = co_await models_.reader(me);
  RowSetPtr rows = co_await models_.rows().current();
  std::vector<RegisteredPtr> found;
  for (const RegisteredPtr& m : rows->all)
    if (m->row.base_model_id && (m->allows(who, Right::read) || m->allows(who, Right::write)) &&
        fits(*m, q, who))
      found.push_back(m);
  sort(found, q);
  ModelList out{.items = {}, .total = static_cast<std::int64_t>(found.size())};
  std::size_t from = static_cast<std::size_t>(q.page.value - 1) * kPage;
  for (std::size_t i = from; i < std::min(from + kPage, found.size()); ++i) {
    ModelView view = view_of(*found[i]);
    reduce(view, found[i]->allows(who, Right::write));
    leave_out_picture(view);
    view.user = co_await person(view.user_id);
    out.items.push_back(std::move(view));
  }
  co_return out;
}

Task<std::vector<ModelView>> Workspace::base(std::optional<std::string> tag) {
  RowSetPtr rows = co_await models_.rows().current();
  std::vector<ModelView> out;
  for (const RegisteredPtr& m : rows->all)
    if (!m->row.base_model_id && (!tag || has_tag(m->row, *tag))) out.push_back(view_of(*m));
  co_return out;
}

Task<std::vector<ModelView>> Workspace::all() {
  RowSetPtr rows = co_await models_.rows().current();
  std::vector<ModelView> out;
  for (const RegisteredPtr& m : rows->all) out.push_back(view_of(*m));
  co_return out;
}

Task<std::vector<std::string>> Workspace::tags(const User& me, bool base) {
  Reader who = co_await models_.reader(me);
  RowSetPtr rows = co_await models_.rows().current();
  std::vector<RegisteredPtr> found;
  for (const RegisteredPtr& m : rows->all)
    if (m->row.base_model_id.has_value() != base && m->allows(who, Right::read)) found.push_back(m);
  co_return names_of_tags(found);
}

Task<ModelView> Workspace::show(const User& me, std::string id) {
  RegisteredPtr found = co_await models_.registered(me, id, Right::read, 404);
  Reader who = co_await models_.reader(me);
  ModelView view = view_of(*found);
  bool writes = found->allows(who, Right::write);
  reduce(view, writes);
  // Open WebUI's page saves what it reads here as the model's export.
  if (writes) co_await embed_picture(models_.parts().blobs, view.meta);
  view.user = json::Value();
  co_return view;
}

/// The grants a form asks for, as far as the caller may give them.
Task<std::vector<Wanted>> Workspace::permitted(const User& me, std::vector<Wanted> wanted,
                                               bool strict) {
  if (me.admin() || wanted.empty()) co_return wanted;
  auth::Permissions may = co_await models_.parts().access.of(me.id);
  auto allowed = [&](const Wanted& w) {
    if (!may.allows("sharing.models")) return false;
    if (w.principal_type == "group") return may.allows("access_grants.allow_groups");
    return may.allows(w.principal_id == "*" ? "sharing.public_models" : "access_grants.allow_users");
  };
  auto end = std::remove_if(wanted.begin(), wanted.end(), [&](const Wanted& w) { return !allowed(w); });
  if (strict && end != wanted.end())
    throw Problem(Problem::Kind::forbidden, "You may not share models in this way.");
  wanted.erase(end, wanted.end());
  co_return wanted;
}

Task<ModelView> Workspace::fresh(std::string id) {
  RowSetPtr rows = co_await models_.rows().current();
  RegisteredPtr found = rows->find(id);
  if (!found) throw not_found("Model");
  co_return view_of(*found);
}

Task<> Workspace::check_kind(const User& me, const Model& row) {
  if (!row.base_model_id && !me.admin())
    throw Problem(Problem::Kind::forbidden, "Only administrators may change a server's own model.");
  if (!row.base_model_id) co_return;
  auto all = co_await models_.view();
  if (all->listing->find(row.id))
    throw Problem(Problem::Kind::conflict, "A model with this id exists already.").answering(401);
}

Task<ModelView> Workspace::create(const User& me, ModelForm form) {
  co_await models_.parts().access.require(me, "workspace.models");
  Model row = row_of(form, me.id.value);
  co_await check_kind(me, row);
  RowSetPtr rows = co_await models_.rows().current();
  if (rows->find(row.id))
    throw Problem(Problem::Kind::conflict, "A model with this id exists already.").answering(401);
  std::string id = row.id;
  co_await keep_picture(models_, co_await models_.reader(me), row);
  auto grants = co_await permitted(
      me, wanted_grants(form.access_grants.value_or(std::vector<json::Value>())), false);
  co_await models_.rows().create(std::move(row), std::move(grants), form.commit_message);
  co_return co_await fresh(id);
}

Task<ModelView> Workspace::update(const User& me, std::string id, ModelForm form) {
  RegisteredPtr old = co_await models_.registered(me, id, Right::write);
  Model row = row_of(form, old->row.user_id);
  row.id = id;
  row.version_id = old->row.version_id;
  co_await keep_picture(models_, co_await models_.reader(me), row);
  if (row.base_model_id != old->row.base_model_id) co_await check_kind(me, row);
  std::optional<std::vector<Wanted>> grants;
  if (form.access_grants) grants = co_await permitted(me, wanted_grants(*form.access_grants), false);
  co_await models_.rows().update(std::move(row), std::move(grants), me.id, form.commit_message);
  co_return co_await fresh(id);
}

Task<ModelView> Workspace::toggle(const User& me, std::string id) {
  RegisteredPtr old = co_await models_.registered(me, id, Right::write);
  co_await models_.rows().set_active(id, !old->row.is_active);
  co_return co_await fresh(id);
}

Task<ModelView> Workspace::share(const User& me, ModelGrantsForm form) {
  std::string id = form.id;
  co_await models_.registered(me, id, Right::write);
  auto grants = co_await permitted(me, wanted_grants(form.access_grants), true);
  co_await models_.rows().set_grants(id, std::move(grants));
  co_return co_await fresh(id);
}

Task<> Workspace::remove(const User& me, std::string id) {
  co_await models_.registered(me, id, Right::write);
  co_await models_.rows().remove(id);
}

Task<std::vector<ModelView>> Workspace::exported(const User& me,
                                                 std::optional<std::vector<std::string>> ids) {
  co_await models_.parts().access.require(me, "workspace.models_export");
  Reader who = co_await models_.reader(me);
  RowSetPtr rows = co_await models_.rows().current();
  std::vector<ModelView> out;
  for (const RegisteredPtr& m : rows->all) {
    bool wanted = !ids || std::find(ids->begin(), ids->end(), m->row.id) != ids->end();
    if (wanted && m->row.base_model_id && m->allows(who, Right::write)) out.push_back(view_of(*m));
  }
  for (ModelView& view : out) co_await embed_picture(models_.parts().blobs, view.meta);
  co_return out;
}

Task<> Workspace::import(const User& me, std::vector<json::Value> models) {
  co_await models_.parts().access.require(me, "workspace.models_import");
  Reader who = co_await models_.reader(me);
  RowSetPtr rows = co_await models_.rows().current();
  std::vector<std::pair<Model, std::optional<std::vector<Wanted>>>> out;
  std::set<std::string> once;
  for (const json::Value& m : models) {
    auto row = row_of(m, me.id.value);
    if (!row || !once.insert(row->id).second) continue;
    if (RegisteredPtr old = rows->find(row->id)) {
      if (!old->allows(who, Right::write))
        throw Problem(Problem::Kind::forbidden, "You may not change " + row->id + ".");
      row->version_id = old->row.version_id;
    }
    co_await check_kind(me, *row);
    co_await keep_picture(models_, who, *row);
    auto grants = grants_of(m);
    if (grants) grants = co_await permitted(me, std::move(*grants), false);
    out.emplace_back(std::move(*row), std::move(grants));
  }
  co_await models_.rows().put_all(std::move(out), me.id);
}

Task<std::vector<ModelView>> Workspace::sync(const User& me, std::vector<json::Value> models) {
  Reader who = co_await models_.reader(me);
  std::vector<std::pair<Model, std::vector<Wanted>>> out;
  std::set<std::string> once;
  for (const json::Value& m : models) {
    std::string owner(json::text_at(m, "user_id"));
    auto row = row_of(m, owner.empty() ? me.id.value : owner);
    if (!row || !once.insert(row->id).second) continue;
    co_await keep_picture(models_, who, *row);
    out.emplace_back(std::move(*row), grants_of(m).value_or(std::vector<Wanted>()));
  }
  co_await models_.rows().replace_all(std::move(out), me.id);
  co_return co_await all();
}

Task<std::vector<json::Value>> Workspace::history(const User& me, HistoryQuery q) {
  co_await models_.registered(me, q.id, Right::write);
  std::vector<json::Value> out;
  for (const Version& v : co_await models_.rows().history(q.id, q.page)) {
    json::Value view = json::parse_value(json::dump(v));
    view.as_object()["user"] = co_await author(v.user_id);
    out.push_back(std::move(view));
  }
  co_return out;
}

Task<Version> Workspace::version(const User& me, std::string id, std::string version_id) {
  co_await models_.registered(me, id, Right::write);
  auto found = co_await models_.rows().version(id, version_id);
  if (!found) throw not_found("Version");
  found->user = co_await author(found->user_id);
  co_return std::move(*found);
}

Task<bool> Workspace::remove_version(const User& me, std::string id, std::string version_id) {
  RegisteredPtr model = co_await models_.registered(me, id, Right::write);
  if (model->row.version_id == version_id)
    throw Problem(Problem::Kind::conflict, "This version is the current one.").answering(400);
  co_return co_await models_.rows().remove_version(id, version_id);
}

Task<ModelView> Workspace::restore(const User& me, std::string id, std::string version_id) {
  RegisteredPtr old = co_await models_.registered(me, id, Right::write);
  Version saved = co_await version(me, id, version_id);
  Model row = old->row;
  row.updated_at = unix_seconds();
  if (const json::Value* s = saved.snapshot.get()) {
    if (auto name = json::text_at(*s, "name"); !name.empty()) row.name = name;
    if (const json::Object* params = json::object_at(*s, "params")) row.params = *params;
    if (const json::Object* meta = json::object_at(*s, "meta")) row.meta = *meta;
    std::string_view base = json::text_at(*s, "base_model_id");
    row.base_model_id = base.empty() ? std::nullopt : std::optional<std::string>(base);
    row.is_active = json::bool_at(*s, "is_active", row.is_active);
  }
  co_await models_.rows().update(std::move(row), std::nullopt, me.id, "Restored an earlier version");
  co_return co_await fresh(id);
}

}  // namespace antiphon::models
