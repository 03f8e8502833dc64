#include "features/knowledge/routes.h"

#include <boost/json.hpp>
#include <map>

#include "base/problem.h"
#include "features/files/dto.h"
#include "http/bind.h"
#include "http/described.h"

namespace antiphon::knowledge {

struct KnowledgeForm {
  std::string name, description;
  std::optional<std::vector<auth::Grant>> access_grants;
};
ANTIPHON_DTO(KnowledgeForm, name, description, access_grants)
ANTIPHON_DTO_DEFINE(KnowledgeForm)

struct KnowledgeAccessGrantsForm {
  std::vector<auth::Grant> access_grants;
};
ANTIPHON_DTO(KnowledgeAccessGrantsForm, access_grants)
ANTIPHON_DTO_DEFINE(KnowledgeAccessGrantsForm)

struct KnowledgeFileIdForm {
  std::string file_id;
  std::optional<std::string> directory_id;
};
ANTIPHON_DTO(KnowledgeFileIdForm, file_id, directory_id)
ANTIPHON_DTO_DEFINE(KnowledgeFileIdForm)

struct KnowledgeDirectoryCreateForm {
  std::string name;
  std::optional<std::string> parent_id;
};
ANTIPHON_DTO(KnowledgeDirectoryCreateForm, name, parent_id)
ANTIPHON_DTO_DEFINE(KnowledgeDirectoryCreateForm)

struct KnowledgeDirectoryUpdateForm {
  std::optional<std::string> name;
  json::Patch<std::string> parent_id;  ///< Null is the top.
};
ANTIPHON_DTO(KnowledgeDirectoryUpdateForm, name, parent_id)
ANTIPHON_DTO_DEFINE(KnowledgeDirectoryUpdateForm)

struct SyncDiffForm {
  std::vector<ManifestEntry> manifest;
};
ANTIPHON_DTO(SyncDiffForm, manifest)
ANTIPHON_DTO_DEFINE(SyncDiffForm)

struct SyncCleanupForm {
  std::vector<std::string> file_ids;
  json::Defaulted<std::vector<std::string>> dir_ids;
};
ANTIPHON_DTO(SyncCleanupForm, file_ids, dir_ids)
ANTIPHON_DTO_DEFINE(SyncCleanupForm)

struct BasesQuery {
  json::Number<1, 1, 1'000'000> page;
};
ANTIPHON_DTO(BasesQuery, page)
ANTIPHON_DTO_DEFINE(BasesQuery)

struct BasesSearchQuery {
  std::optional<std::string> query, view_option, source, order_by, direction;
  json::Number<1, 1, 1'000'000> page;
};
ANTIPHON_DTO(BasesSearchQuery, query, view_option, source, order_by, direction, page)
ANTIPHON_DTO_DEFINE(BasesSearchQuery)

struct FilesSearchQuery {
  std::optional<std::string> query;
  json::Flag<false> include_content;
  json::Number<1, 1, 1'000'000> page;
};
ANTIPHON_DTO(FilesSearchQuery, query, include_content, page)
ANTIPHON_DTO_DEFINE(FilesSearchQuery)

struct BaseFilesQuery {
  std::optional<std::string> query, view_option, order_by, direction, directory_id;
  json::Flag<false> include_content;
  json::Number<1, 1, 1'000'000> page;
  json::Number<30, 1, 250> limit;
};
ANTIPHON_DTO(BaseFilesQuery, query, view_option, order_by, direction, directory_id, include_content,
             page, limit)
ANTIPHON_DTO_DEFINE(BaseFilesQuery)

struct StreamQuery {
  json::Flag<false> stream;
};
ANTIPHON_DTO(StreamQuery, stream)
ANTIPHON_DTO_DEFINE(StreamQuery)

struct RemoveFileQuery {
  json::Flag<true> delete_file;
};
ANTIPHON_DTO(RemoveFileQuery, delete_file)
ANTIPHON_DTO_DEFINE(RemoveFileQuery)

struct ResetQuery {
  json::Flag<true> include_directories;
};
ANTIPHON_DTO(ResetQuery, include_directories)
ANTIPHON_DTO_DEFINE(ResetQuery)

struct RemoveDirectoryQuery {
  json::Flag<true> move_files;
};
ANTIPHON_DTO(RemoveDirectoryQuery, move_files)
ANTIPHON_DTO_DEFINE(RemoveDirectoryQuery)

// What the routes answer.

struct FileMetadata {
  std::string id;
  std::optional<std::string> hash;
  files::FileMeta meta;
  std::int64_t created_at, updated_at;
};
ANTIPHON_DTO(FileMetadata, id, hash, meta, created_at, updated_at)
ANTIPHON_DTO_DEFINE(FileMetadata)

struct KnowledgeView {
  std::string id, user_id, name, description;
  std::optional<json::Value> meta;
  std::vector<auth::GrantView> access_grants;
  std::int64_t created_at, updated_at;
};
ANTIPHON_DTO(KnowledgeView, id, user_id, name, description, meta, access_grants, created_at, updated_at)
ANTIPHON_DTO_DEFINE(KnowledgeView)

struct KnowledgeResponse : KnowledgeView {
  std::optional<std::vector<FileMetadata>> files;
};
ANTIPHON_DTO_OF(KnowledgeResponse, KnowledgeView, files)
ANTIPHON_DTO_DEFINE(KnowledgeResponse)

struct KnowledgeFilesResponse : KnowledgeResponse {
  bool write_access;
};
ANTIPHON_DTO_OF(KnowledgeFilesResponse, KnowledgeResponse, write_access)
ANTIPHON_DTO_DEFINE(KnowledgeFilesResponse)

struct KnowledgeAccessResponse : KnowledgeView {
  std::optional<auth::Person> user;
  std::int64_t file_count;
  bool write_access;
};
ANTIPHON_DTO_OF(KnowledgeAccessResponse, KnowledgeView, user, file_count, write_access)
ANTIPHON_DTO_DEFINE(KnowledgeAccessResponse)

struct KnowledgeAccessListResponse {
  std::vector<KnowledgeAccessResponse> items;
  std::int64_t total;
};
ANTIPHON_DTO(KnowledgeAccessListResponse, items, total)
ANTIPHON_DTO_DEFINE(KnowledgeAccessListResponse)

struct KnowledgeFile : files::FileModelResponse {
  std::optional<std::string> directory_id;
  std::string directory_path;
  bool has_original;
  std::optional<auth::Person> user;
  std::optional<KnowledgeView> collection;  ///< In lists over several bases.
};
ANTIPHON_DTO_OF(KnowledgeFile, files::FileModelResponse, directory_id, directory_path, has_original,
                user, collection)
ANTIPHON_DTO_DEFINE(KnowledgeFile)

struct KnowledgeFileListResponse {
  std::vector<KnowledgeFile> items;
  std::vector<Directory> directories, breadcrumbs;
  std::int64_t total;
};
ANTIPHON_DTO(KnowledgeFileListResponse, items, directories, breadcrumbs, total)
ANTIPHON_DTO_DEFINE(KnowledgeFileListResponse)

struct Done {
  bool status;
};
ANTIPHON_DTO(Done, status)
ANTIPHON_DTO_DEFINE(Done)

struct DirectoryGone {
  bool status;
  std::vector<std::string> file_ids;
};
ANTIPHON_DTO(DirectoryGone, status, file_ids)
ANTIPHON_DTO_DEFINE(DirectoryGone)

namespace {

using http::bind;
using http::Body;
using http::Cost;
using http::Query;
using http::Response;

std::int64_t total_of(const auto& lines) {
  return lines.empty() ? 0 : lines.front().total;
}

KnowledgeView view(const Base& base, std::vector<auth::GrantView> grants) {
  return {.id = base.id,
          .user_id = base.user_id,
          .name = base.name,
          .description = base.description,
          .meta = base.meta,
          .access_grants = std::move(grants),
          .created_at = base.created_at,
          .updated_at = base.updated_at};
}

FileMetadata metadata(Entry entry) {
  auto shown = files::view(std::move(entry));
  return {.id = std::move(shown.id),
          .hash = std::move(shown.hash),
          .meta = std::move(shown.meta),
          .created_at = shown.created_at,
          .updated_at = shown.updated_at};
}

struct Api {
  RouteParts p;
  using Readable = Granted<Base, Right::read>;
  using Writable = Granted<Base, Right::write>;

  template <class G>
  Task<G> grant(const User& me, std::string id) {
    co_return co_await p.guard.grant<G::right>(me, std::move(id));
  }

  Task<KnowledgeAccessListResponse> list(const User& me, Query<BasesQuery> q) {
    co_return co_await listed(me, {.page = q.page});
  }
  Task<KnowledgeAccessListResponse> search(const User& me, Query<BasesSearchQuery> q) {
    // There are none that lie elsewhere.
    if (q.source == "external") co_return KnowledgeAccessListResponse{.items = {}, .total = 0};
    co_return co_await listed(me, {.words = q.query.value_or(""),
                                   .whose = whose(q.view_option),
                                   .order = q.order_by.value_or(""),
                                   .ascending = q.direction == "asc",
                                   .page = q.page});
  }
  Task<KnowledgeFileListResponse> search_files(const User& me, Query<FilesSearchQuery> q) {
    auto found = co_await p.bases.search(me, p.guard.everything(me),
                                         {.words = q.query.value_or(""), .page = q.page});
    KnowledgeFileListResponse out{
        .items = {}, .directories = {}, .breadcrumbs = {}, .total = total_of(found)};
    std::map<std::string, KnowledgeView> bases;
    for (Entry& entry : found) {
      if (!bases.contains(entry.knowledge_id))
        if (auto base = co_await p.bases.find(entry.knowledge_id))
          bases.emplace(base->id, view(*base, co_await p.bases.access(*base)));
      std::string knowledge_id = entry.knowledge_id;
      out.items.push_back(co_await shown(std::move(entry), ""));
      if (auto base = bases.find(knowledge_id); base != bases.end())
        out.items.back().collection = base->second;
    }
    if (q.include_content) co_await with_texts(out.items);
    co_return out;
  }

  Task<KnowledgeResponse> create(const User& me, Body<KnowledgeForm> form) {
    if (!me.admin() && !co_await p.permitted(me, "workspace.knowledge"))
      throw Problem(Problem::Kind::forbidden, "You may not make knowledge bases. Ask an administrator.")
          .answering(401);
    auto base = co_await p.bases.create(me, form.name, form.description,
                                        form.access_grants.value_or(std::vector<auth::Grant>()));
    KnowledgeResponse out;
    static_cast<KnowledgeView&>(out) = view(base, co_await p.bases.access(base));
    co_return out;
  }
  Task<KnowledgeFilesResponse> show(const User& me, Readable base) {
    co_return co_await anew(me, base->id, false);
  }
  Task<KnowledgeFilesResponse> update(const User& me, Writable base, Body<KnowledgeForm> form) {
    co_await p.bases.update(me, *base, form.name, form.description, form.access_grants);
    co_return co_await anew(me, base->id);
  }
  Task<KnowledgeFilesResponse> share(const User& me, Writable base,
                                     Body<KnowledgeAccessGrantsForm> form) {
    co_await p.bases.set_access(me, *base, form.access_grants);
    co_return co_await anew(me, base->id);
  }
  Task<bool> remove(const User&, Writable base) {
    co_await p.bases.remove(*base);
    co_return true;
  }
  Task<KnowledgeResponse> reset(const User& me, Writable base, Query<ResetQuery> q) {
    co_await p.bases.reset(me, *base, q.include_directories, deletes());
    co_return co_await anew(me, base->id, false);
  }

  Task<KnowledgeFileListResponse> files(const User& me, Readable base, Query<BaseFilesQuery> q) {
    auto found = co_await p.bases.files(*base, me,
                                        {.words = q.query.value_or(""),
                                         .directory_id = q.directory_id,
                                         .whose = whose(q.view_option),
                                         .order = q.order_by.value_or(""),
                                         .ascending = q.direction == "asc",
                                         .page = q.page,
                                         .limit = q.limit});
    auto tree = co_await p.bases.directories(*base);
    KnowledgeFileListResponse out{
        .items = {}, .directories = {}, .breadcrumbs = {}, .total = total_of(found)};
    for (Entry& entry : found) {
      std::string path = entry.directory_id ? tree.path_to(*entry.directory_id) : "";
      out.items.push_back(co_await shown(std::move(entry), std::move(path)));
    }
    if (q.include_content) co_await with_texts(out.items);
    for (const Directory* inside : tree.inside(q.directory_id)) out.directories.push_back(*inside);
    if (q.directory_id)
      for (const Directory* around : tree.way_to(*q.directory_id)) out.breadcrumbs.push_back(*around);
    co_return out;
  }
  Task<std::optional<Response>> pending(const User&, Readable base, Query<StreamQuery> q,
                                        http::Events events) {
    std::vector<files::FileModelResponse> out;
    for (Entry& entry : co_await p.bases.pending(*base)) out.push_back(files::view(std::move(entry)));
    std::string text = json::dump(out);
    if (!q.stream) co_return http::json_response(std::move(text));
    co_await events.send(text);
    co_return std::nullopt;
  }

  Task<KnowledgeFilesResponse> add(const User& me, Writable base, Body<KnowledgeFileIdForm> form) {
    co_await p.bases.add(me, *base, {{form.file_id, form.directory_id}});
    co_return co_await anew(me, base->id);
  }
  Task<KnowledgeFilesResponse> add_many(const User& me, Writable base,
                                        Body<std::vector<KnowledgeFileIdForm>> forms) {
    std::vector<Placed> placed;
    placed.reserve(forms.size());
    for (KnowledgeFileIdForm& form : forms)
      placed.push_back({std::move(form.file_id), std::move(form.directory_id)});
    co_await p.bases.add(me, *base, std::move(placed));
    co_return co_await anew(me, base->id);
  }
  Task<Done> move(const User&, Writable base, Body<KnowledgeFileIdForm> form) {
    co_await p.bases.move(*base, {form.file_id, form.directory_id});
    co_return Done{true};
  }
  Task<KnowledgeFilesResponse> take_out(const User& me, Writable base, Query<RemoveFileQuery> q,
                                        Body<KnowledgeFileIdForm> form) {
    co_await p.bases.take_out(me, *base, {form.file_id}, q.delete_file && deletes());
    co_return co_await anew(me, base->id);
  }

  Task<Directory> create_directory(const User& me, Writable base,
                                   Body<KnowledgeDirectoryCreateForm> form) {
    co_return co_await p.bases.create_directory(me, *base, form.name, form.parent_id);
  }
  Task<Directory> update_directory(const User&, Writable base, std::string id,
                                   Body<KnowledgeDirectoryUpdateForm> form) {
    co_return co_await p.bases.update_directory(*base, std::move(id), form.name, form.parent_id);
  }
  Task<DirectoryGone> remove_directory(const User& me, Writable base, std::string id,
                                       Query<RemoveDirectoryQuery> q) {
    co_return DirectoryGone{
        true, co_await p.bases.remove_directory(me, *base, std::move(id), q.move_files, deletes())};
  }

  Task<Difference> compare(const User&, Writable base, Body<SyncDiffForm> form) {
    co_return co_await p.bases.compare(*base, std::move(form.manifest));
  }
  Task<Done> clean_up(const User& me, Writable base, Body<SyncCleanupForm> form) {
    co_await p.bases.clean_up(me, *base, form.file_ids, form.dir_ids.value, deletes());
    co_return Done{true};
  }

 private:
  static std::string whose(const std::optional<std::string>& option) {
    return option == "created" || option == "shared" ? *option : std::string();
  }
  /// Whether files go with their places.
  bool deletes() const { return !p.settings.retention(); }

  Task<KnowledgeAccessListResponse> listed(const User& me, WantedBases wanted) {
    auto found = co_await p.bases.list(me, p.guard.everything(me), std::move(wanted));
    KnowledgeAccessListResponse out{.items = {}, .total = total_of(found)};
    store::Strings ids;
    for (const Counted& base : found) ids.push_back(base.id);
    std::map<std::string, std::vector<auth::GrantView>> grants;
    for (auth::GrantView& g : co_await p.bases.access(std::move(ids)))
      grants[g.resource_id].push_back(std::move(g));
    bool everything = p.guard.everything(me);
    auto writable = co_await p.guard.writable(me);
    for (const Counted& base : found) {
      KnowledgeAccessResponse line;
      static_cast<KnowledgeView&>(line) = view(base, std::move(grants[base.id]));
      line.user = co_await auth::person(p.principals, base.user_id);
      line.file_count = base.file_count;
      line.write_access = everything || base.user_id == me.id.value || writable.contains(base.id);
      out.items.push_back(std::move(line));
    }
    co_return out;
  }

  /// The base as it is now.
  Task<KnowledgeFilesResponse> anew(const User& me, std::string id, bool with_files = true) {
    auto base = co_await p.bases.find(std::move(id));
    if (!base) throw not_found("Knowledge");
    KnowledgeFilesResponse out;
    static_cast<KnowledgeView&>(out) = view(*base, co_await p.bases.access(*base));
    out.write_access = co_await p.guard.may(me, *base, Right::write);
    if (with_files) {
      out.files.emplace();
      for (Entry& entry : co_await p.bases.files(*base, me, {.limit = kShown}))
        out.files->push_back(metadata(std::move(entry)));
    }
    co_return out;
  }

  Task<KnowledgeFile> shown(Entry entry, std::string path) {
    KnowledgeFile out;
    out.directory_id = entry.directory_id;
    out.directory_path = std::move(path);
    out.has_original = true;
    out.user = co_await auth::person(p.principals, entry.user_id);
    static_cast<files::FileModelResponse&>(out) = files::view(std::move(entry));
    co_return out;
  }
  /// Of the first files, as far as one answer may go.
  Task<> with_texts(std::vector<KnowledgeFile>& items) {
    std::int64_t room = files::Files::kListed;
    for (KnowledgeFile& item : items) {
      std::string text = co_await p.files.content(item.id);
      room -= static_cast<std::int64_t>(text.size());
      if (room < 0) co_return;
      item.data.as_object()["content"] = std::move(text);
    }
  }

  static constexpr std::int64_t kShown = 1'000;  ///< Files in an answer that shows the base.
};

}  // namespace

void add_routes(http::Router& r, const RouteParts& parts) {
  Api api{parts};
  constexpr http::Options kManifest{.body_limit = 32 << 20};
  r.on("GET /api/v1/knowledge/", Cost::read, bind<&Api::list>(api));
  r.on("GET /api/v1/knowledge/search", Cost::search, bind<&Api::search>(api));
  r.on("GET /api/v1/knowledge/search/files", Cost::search, bind<&Api::search_files>(api));
  r.on("POST /api/v1/knowledge/create", Cost::write, bind<&Api::create>(api));
  r.on("GET /api/v1/knowledge/{id}", Cost::read, bind<&Api::show>(api));
  r.on("POST /api/v1/knowledge/{id}/update", Cost::write, bind<&Api::update>(api));
  r.on("POST /api/v1/knowledge/{id}/access/update", Cost::write, bind<&Api::share>(api));
  r.on("DELETE /api/v1/knowledge/{id}/delete", Cost::write_heavy, bind<&Api::remove>(api));
  r.on("POST /api/v1/knowledge/{id}/reset", Cost::write_heavy, bind<&Api::reset>(api));
  r.on("GET /api/v1/knowledge/{id}/files", Cost::search, bind<&Api::files>(api));
  r.on("GET /api/v1/knowledge/{id}/files/pending", Cost::read,
       http::answering<std::vector<files::FileModelResponse>>(bind<&Api::pending>(api)));
  r.on("POST /api/v1/knowledge/{id}/file/add", Cost::write, bind<&Api::add>(api));
  r.on("POST /api/v1/knowledge/{id}/file/update", Cost::write, bind<&Api::add>(api));
  r.on("POST /api/v1/knowledge/{id}/files/batch/add", Cost::write_heavy, bind<&Api::add_many>(api));
  r.on("POST /api/v1/knowledge/{id}/file/move", Cost::write, bind<&Api::move>(api));
  r.on("POST /api/v1/knowledge/{id}/file/remove", Cost::write, bind<&Api::take_out>(api));
  r.on("POST /api/v1/knowledge/{id}/dirs/create", Cost::write, bind<&Api::create_directory>(api));
  r.on("POST /api/v1/knowledge/{id}/dirs/{dir_id}/update", Cost::write,
       bind<&Api::update_directory>(api));
  r.on("DELETE /api/v1/knowledge/{id}/dirs/{dir_id}/delete", Cost::write_heavy,
       bind<&Api::remove_directory>(api));
  r.on("POST /api/v1/knowledge/{id}/sync/diff", Cost::write_heavy, bind<&Api::compare>(api), kManifest);
  r.on("POST /api/v1/knowledge/{id}/sync/cleanup", Cost::write_heavy, bind<&Api::clean_up>(api));
}

}  // namespace antiphon::knowledge
