#include <boost/json.hpp>

#include "features/models/described.h"
#include "features/models/pictures.h"
#include "features/models/workspace.h"
#include "http/bind.h"
#include "http/described.h"
#include "http/router.h"

namespace antiphon::models {
namespace {

using http::bind;
using http::Body;
using http::Cost;
using http::Query;

/// Shown for models without a picture: a letter-free mark, so that nothing has to be fetched from
/// elsewhere.
constexpr std::string_view kNoPicture =
    R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#64748b"/>)"
    R"(<path d="M9 20a7 7 0 0 1 14 0M16 9v4" stroke="#fff" stroke-width="2.5" fill="none" stroke-linecap="round"/></svg>)";

struct Api {
  Models& models;

  Workspace workspace() const { return Workspace(models); }

  Task<http::Response> offered(const User& me, Query<RefreshQuery> q) {
    co_return http::json_response(co_await models.list_text(me, q.refresh));
  }
  Task<http::Response> offered_base(const Admin&) {
    co_return http::json_response(co_await models.base_list_text());
  }

  Task<ModelList> list(const User& me, Query<ListQuery> q) {
    co_return co_await workspace().list(me, q);
  }
  Task<std::vector<ModelView>> all(const Admin&) { co_return co_await workspace().all(); }
  Task<std::vector<ModelView>> base(const Admin&, Query<TagQuery> q) {
    co_return co_await workspace().base(q.tag);
  }
  Task<std::vector<std::string>> base_tags(const Admin& me) {
    co_return co_await workspace().tags(me, true);
  }
  Task<std::vector<std::string>> tags(const User& me) {
    co_return co_await workspace().tags(me, false);
  }
  Task<ModelView> show(const User& me, Query<IdQuery> q) {
    co_return co_await workspace().show(me, q.id);
  }

  Task<ModelView> create(const User& me, Body<ModelForm> form) {
    co_return co_await workspace().create(me, form);
  }
  Task<ModelView> update(const User& me, http::Call& call, Body<ModelForm> form) {
    std::string id = call.request.parameter("id").value_or(form.id);
    co_return co_await workspace().update(me, id, form);
  }
  Task<ModelView> toggle(const User& me, Query<IdQuery> q) {
    co_return co_await workspace().toggle(me, q.id);
  }
  Task<ModelView> share(const User& me, Body<ModelGrantsForm> form) {
    co_return co_await workspace().share(me, form);
  }
  Task<bool> remove(const User& me, Body<ModelIdForm> form) {
    co_await workspace().remove(me, form.id);
    co_return true;
  }
  Task<bool> remove_all(const Admin&) {
    co_await models.rows().remove_all();
    co_return true;
  }

  Task<std::vector<ModelView>> exported(const User& me, Query<IdsQuery> q) {
    co_return co_await workspace().exported(me, q.ids);
  }
  Task<bool> import(const User& me, Body<ModelsForm> form) {
    co_await workspace().import(me, form.models);
    co_return true;
  }
  Task<std::vector<ModelView>> sync(const Admin& me, Body<ModelsForm> form) {
    co_return co_await workspace().sync(me, form.models);
  }

  Task<std::vector<json::Value>> history(const User& me, Query<HistoryQuery> q) {
    co_return co_await workspace().history(me, q);
  }
  Task<Version> version(const User& me, std::string version_id, Query<IdQuery> q) {
    co_return co_await workspace().version(me, q.id, version_id);
  }
  Task<bool> remove_version(const User& me, std::string version_id, Query<IdQuery> q) {
    co_return co_await workspace().remove_version(me, q.id, version_id);
  }
  Task<ModelView> restore(const User& me, Query<IdQuery> q, Body<VersionForm> form) {
    co_return co_await workspace().restore(me, q.id, form.version_id);
  }

  /// Only bytes we hold are answered: no address of another server reaches the viewer's browser (row
  /// 15).
  Task<http::Response> picture(const User& me, Query<IdQuery> q) {
    auto found = co_await models.find(me, q.id);
    std::optional<Picture> image;
    if (found) image = co_await picture_of(models.parts().blobs, json::Value(found->meta));
    http::Response out{.type = "image/svg+xml", .fixed_body = kNoPicture};
    if (image) out = {.type = std::move(image->type), .body = std::move(image->bytes)};
    out.header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox");
    out.header("X-Content-Type-Options", "nosniff").header("Cache-Control", "private, max-age=300");
    co_return out;
  }
};

}  // namespace

void add_routes(http::Router& r, Models& models) {
  Api api{models};
  constexpr http::Options kLarge{.body_limit = 4 << 20};
  constexpr http::Options kMany{.body_limit = 32 << 20};

  r.on("GET /api/models", Cost::read, http::answering<Offered>(bind<&Api::offered>(api)));
  r.on("GET /api/v1/models", Cost::read, http::answering<Offered>(bind<&Api::offered>(api)));
  r.on("GET /api/models/base", Cost::read, http::answering<Offered>(bind<&Api::offered_base>(api)));

  r.on("GET /api/v1/models/list", Cost::read, bind<&Api::list>(api));
  r.on("GET /api/v1/models/all", Cost::read, bind<&Api::all>(api));
  r.on("GET /api/v1/models/base", Cost::read, bind<&Api::base>(api));
  r.on("GET /api/v1/models/base/tags", Cost::read, bind<&Api::base_tags>(api));
  r.on("GET /api/v1/models/tags", Cost::read, bind<&Api::tags>(api));
  r.on("GET /api/v1/models/export", Cost::read, bind<&Api::exported>(api));
  r.on("GET /api/v1/models/model", Cost::read, bind<&Api::show>(api));
  r.on("GET /api/v1/models/model/profile/image", Cost::read, bind<&Api::picture>(api));
  r.on("GET /api/v1/models/model/history", Cost::read, bind<&Api::history>(api));
  r.on("GET /api/v1/models/model/history/{version_id}", Cost::read, bind<&Api::version>(api));
  r.on("DELETE /api/v1/models/model/history/{version_id}", Cost::write,
       bind<&Api::remove_version>(api));

  r.on("POST /api/v1/models/create", Cost::write, bind<&Api::create>(api), kLarge);
  r.on("POST /api/v1/models/import", Cost::write_heavy, bind<&Api::import>(api), kMany);
  r.on("POST /api/v1/models/sync", Cost::write_heavy, bind<&Api::sync>(api), kMany);
  r.on("POST /api/v1/models/model/update", Cost::write, bind<&Api::update>(api), kLarge);
  r.on("POST /api/v1/models/model/update/version", Cost::write, bind<&Api::restore>(api));
  r.on("POST /api/v1/models/model/toggle", Cost::write, bind<&Api::toggle>(api));
  r.on("POST /api/v1/models/model/access/update", Cost::write, bind<&Api::share>(api));
  r.on("POST /api/v1/models/model/delete", Cost::write, bind<&Api::remove>(api));
  r.on("DELETE /api/v1/models/delete/all", Cost::write, bind<&Api::remove_all>(api));
}

}  // namespace antiphon::models
