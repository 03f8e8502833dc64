#include "features/files/routes.h"

#include <boost/json.hpp>

#include "base/async.h"
#include "base/problem.h"
#include "features/files/dto.h"
#include "features/files/processing.h"
#include "features/files/served.h"
#include "http/bind.h"
#include "http/described.h"

namespace antiphon::files {

/// What is sent beside a file.
struct FileUploadForm {
  std::optional<std::string> metadata;  ///< JSON: an object.
};
ANTIPHON_DTO(FileUploadForm, metadata)
ANTIPHON_DTO_DEFINE(FileUploadForm)

struct FileUploadQuery {
  json::Flag<true> process;                ///< Reads its text.
  json::Flag<true> process_in_background;  ///< Answers before that is done.
};
ANTIPHON_DTO(FileUploadQuery, process, process_in_background)
ANTIPHON_DTO_DEFINE(FileUploadQuery)

struct FilesQuery {
  json::Number<1, 1, 1'000'000> page;
  json::Flag<true> content;
};
ANTIPHON_DTO(FilesQuery, page, content)
ANTIPHON_DTO_DEFINE(FilesQuery)

struct FileSearchQuery {
  json::Text<1, 256> filename;
  json::Flag<true> content;
  json::Number<0, 0, 1'000'000> skip;
  json::Number<100, 1, 1000> limit;
};
ANTIPHON_DTO(FileSearchQuery, filename, content, skip, limit)
ANTIPHON_DTO_DEFINE(FileSearchQuery)

struct OwnFilesQuery {
  std::optional<json::Text<1, 256>> filename;
  json::Flag<false> content;
  json::Number<0, 0, 1'000'000> skip;
  json::Number<50, 1, 1000> limit;
};
ANTIPHON_DTO(OwnFilesQuery, filename, content, skip, limit)
ANTIPHON_DTO_DEFINE(OwnFilesQuery)

struct FileContentQuery {
  json::Flag<false> attachment;
};
ANTIPHON_DTO(FileContentQuery, attachment)
ANTIPHON_DTO_DEFINE(FileContentQuery)

struct FileStatusQuery {
  json::Flag<false> stream;
};
ANTIPHON_DTO(FileStatusQuery, stream)
ANTIPHON_DTO_DEFINE(FileStatusQuery)

struct ContentForm {
  std::string content;
};
ANTIPHON_DTO(ContentForm, content)
ANTIPHON_DTO_DEFINE(ContentForm)

struct FileRenameForm {
  std::string filename;
};
ANTIPHON_DTO(FileRenameForm, filename)
ANTIPHON_DTO_DEFINE(FileRenameForm)

struct FileModel : FileModelResponse {
  std::optional<std::string> path;  ///< Null: where bytes lie is nobody's business.
};
ANTIPHON_DTO_OF(FileModel, FileModelResponse, path)
ANTIPHON_DTO_DEFINE(FileModel)

struct FileListResponse {
  std::vector<FileModelResponse> items;
  std::int64_t total;
};
ANTIPHON_DTO(FileListResponse, items, total)
ANTIPHON_DTO_DEFINE(FileListResponse)

struct FileStatus {
  std::string status;
};
ANTIPHON_DTO(FileStatus, status)
ANTIPHON_DTO_DEFINE(FileStatus)

struct FileText {
  std::string content;
};
ANTIPHON_DTO(FileText, content)
ANTIPHON_DTO_DEFINE(FileText)

struct FileMessage {
  std::string message;
};
ANTIPHON_DTO(FileMessage, message)
ANTIPHON_DTO_DEFINE(FileMessage)

namespace {

using http::bind;
using http::Body;
using http::Cost;
using http::Query;
using http::Response;

std::vector<FileModelResponse> views(std::vector<File> files) {
  std::vector<FileModelResponse> out;
  out.reserve(files.size());
  for (File& file : files) out.push_back(view(std::move(file)));
  return out;
}

/// Throws 400 for what is no object.
json::Value metadata_of(const std::optional<std::string>& text) {
  if (!text || text->empty() || *text == "null") return json::Object();
  auto value = json::try_parse(*text);
  if (!value || !value->is_object())
    throw Problem(Problem::Kind::invalid, "metadata: expected a JSON object.");
  return std::move(*value);
}

/// Whose files an administrator's lists are of: everybody's.
std::string owner_for(const User& me) {
  return me.admin() ? std::string() : me.id.value;
}

struct Api {
  RouteParts p;
  using Readable = Granted<File, Right::read>;
  using Writable = Granted<File, Right::write>;
  using Owned = Granted<File, Right::own>;

  template <class G>
  Task<G> grant(const User& me, std::string id) {
    co_return co_await p.guard.grant<G::right>(me, std::move(id));
  }
  Task<http::FileLimit> file_limit(const Caller& who) const { return p.files.limit(who.id); }

  Task<FileModelResponse> upload(const User& me, Query<FileUploadQuery> q,
                                 http::Upload<FileUploadForm> form) {
    if (!me.admin() && !co_await p.permitted(me, "chat.file_upload"))
      throw Problem(Problem::Kind::forbidden, "You may not upload files. Ask an administrator.");
    json::Value metadata = metadata_of(form.metadata);
    Place place = co_await p.place(me, metadata);
    bool process = q.process && p.processing != nullptr;
    File file = co_await p.files.add(me, std::move(form.file), std::move(metadata),
                                     [&](store::Connection& c, File& coming) -> Task<> {
                                       if (place) co_await place(c, coming);
                                       if (process) co_await p.processing->begin(c, coming);
                                     });
    if (file.status != "pending") co_return view(std::move(file));
    p.processing->wake();
    if (!q.process_in_background) {
      auto read = co_await p.processing->wait(file.id);
      if (!read) throw not_found("File");
      file = std::move(*read);
    }
    co_return view(std::move(file));
  }

  Task<FileListResponse> list(const User& me, Query<FilesQuery> q) {
    std::string owner = owner_for(me);
    FileListResponse out;
    out.total = co_await p.files.count(owner);
    out.items = views(co_await p.files.list(
        {.owner = owner, .content = q.content, .offset = (q.page - 1) * Wanted::kPage}));
    co_return out;
  }
  Task<std::vector<FileModelResponse>> search(const User& me, Query<FileSearchQuery> q) {
    co_return views(co_await p.files.list({.owner = owner_for(me),
                                           .glob = q.filename,
                                           .content = q.content,
                                           .limit = q.limit,
                                           .offset = q.skip}));
  }
  Task<std::vector<FileModelResponse>> search_own(const User& me, Query<OwnFilesQuery> q) {
    co_return views(co_await p.files.list({.owner = me.id.value,
                                           .glob = q.filename ? q.filename->value : "*",
                                           .content = q.content,
                                           .limit = q.limit,
                                           .offset = q.skip}));
  }
  Task<std::int64_t> count(const User& me) { co_return co_await p.files.count(owner_for(me)); }
  Task<std::int64_t> count_own(const User& me) { co_return co_await p.files.count(me.id.value); }

  Task<FileModel> show(const User&, Readable granted) {
    File file = *granted;
    std::string text = co_await p.files.content(file.id);
    if (!text.empty()) file.content = std::move(text);
    FileModel out;
    static_cast<FileModelResponse&>(out) = view(std::move(file));
    co_return out;
  }
  Task<std::optional<Response>> status(const User&, Readable file, Query<FileStatusQuery> q,
                                       http::Events events) {
    if (!q.stream) co_return http::json_response(json::dump(FileStatus{file->status}));
    std::optional<File> now = *file;
    auto until = std::chrono::steady_clock::now() + Processing::kPatience;
    while (now && !events.gone()) {
      json::Object event{{"status", now->status}};
      if (now->status == "failed") event["error"] = now->error.value_or("");
      co_await events.send(json::serialize(event));
      if (now->status != "pending" || std::chrono::steady_clock::now() >= until) break;
      co_await sleep_for(std::chrono::seconds(1));
      now = co_await p.files.find(file->id);
    }
    co_return std::nullopt;
  }

  Task<FileText> text(const User&, Readable file) {
    co_return FileText{co_await p.files.content(file->id)};
  }
  Task<FileText> set_text(const User&, Writable file, Body<ContentForm> form) {
    if (form.content.size() > Files::kContent)
      throw Problem(Problem::Kind::too_large, "A file's text has at most 1 MiB.");
    co_await p.files.set_content(*file, form.content);
    co_return FileText{std::move(form.content)};
  }
  Task<FileModel> rename(const User& me, Writable file, Body<FileRenameForm> form) {
    co_await p.files.rename(*file, std::move(form.filename));
    co_return co_await show(me, co_await grant<Readable>(me, file->id));
  }

  Task<std::optional<Response>> content(const User&, Readable file, Query<FileContentQuery> q,
                                        http::Call& call) {
    return send(*file, q.attachment, call);
  }
  /// The name is for whoever saves it; which file it is, the id says.
  Task<std::optional<Response>> named(const User&, Readable file, std::string, http::Call& call) {
    return send(*file, true, call);
  }
  /// Pages of others do not run on our origin (row 24): one is handed out to be saved, as all else.
  Task<std::optional<Response>> html(const User&, Readable file, http::Call& call) {
    if (file->content_type != "text/html") throw not_found("File");
    co_return co_await send(*file, true, call);
  }

  Task<FileMessage> remove(const User&, Owned file) {
    co_await p.files.remove(*file);
    co_return FileMessage{"File deleted successfully"};
  }
  Task<FileMessage> remove_everybodys(const Admin&) {
    co_await p.files.remove_everybodys();
    co_return FileMessage{"All files deleted successfully"};
  }

 private:
  /// Streams what is asked for, a piece at a time. The first piece is read before the head goes out, so
  /// that bytes which are gone are an answer and no cut-off stream.
  Task<std::optional<Response>> send(File file, bool keep, http::Call& call) {
    Asked what = asked(call.request, file);
    Response head = head_of(file, what, keep);
    if (what.kind == Asked::Kind::unchanged || what.kind == Asked::Kind::unsatisfiable) co_return head;
    if (call.request.method == "HEAD") {
      co_await call.stream.begin(std::move(head));
      co_return std::nullopt;
    }
    auto pieces = co_await p.files.open(file, what.range);
    std::string piece = co_await pieces->read();
    co_await call.stream.begin(std::move(head));
    for (; !piece.empty(); piece = co_await pieces->read()) co_await call.stream.write(piece);
    co_return std::nullopt;
  }
};

}  // namespace

void add_routes(http::Router& r, const RouteParts& parts) {
  Api api{parts};
  r.on("POST /api/v1/files/", Cost::write_heavy, bind<&Api::upload>(api));
  r.on("GET /api/v1/files/", Cost::read, bind<&Api::list>(api));
  r.on("GET /api/v1/files/search", Cost::search, bind<&Api::search>(api));
  r.on("GET /api/v1/files/user/search", Cost::search, bind<&Api::search_own>(api));
  r.on("GET /api/v1/files/count", Cost::read, bind<&Api::count>(api));
  r.on("GET /api/v1/files/user/count", Cost::read, bind<&Api::count_own>(api));
  r.on("DELETE /api/v1/files/all", Cost::write_heavy, bind<&Api::remove_everybodys>(api));
  r.on("GET /api/v1/files/{id}", Cost::read, bind<&Api::show>(api));
  r.on("GET /api/v1/files/{id}/process/status", Cost::read,
       http::answering<FileStatus>(bind<&Api::status>(api)));
  r.on("GET /api/v1/files/{id}/data/content", Cost::read, bind<&Api::text>(api));
  r.on("POST /api/v1/files/{id}/data/content/update", Cost::write, bind<&Api::set_text>(api),
       {.body_limit = 8 << 20});
  r.on("POST /api/v1/files/{id}/rename", Cost::write, bind<&Api::rename>(api));
  r.on("GET /api/v1/files/{id}/content", Cost::read, bind<&Api::content>(api));
  r.on("GET /api/v1/files/{id}/content/html", Cost::read, bind<&Api::html>(api));
  r.on("GET /api/v1/files/{id}/content/{file_name}", Cost::read, bind<&Api::named>(api));
  r.on("DELETE /api/v1/files/{id}", Cost::write, bind<&Api::remove>(api));
}

}  // namespace antiphon::files
