#include "features/ollama/model_files.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <cmath>
#include <system_error>

#include "base/disk.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/problem.h"
#include "client/url.h"
#include "features/models/models.h"
#include "http/text.h"

namespace antiphon::ollama {
namespace {

using Clock = std::chrono::steady_clock;

json::Value progress(std::int64_t completed, std::int64_t total) {
  // Open WebUI's page shows a bar when there is a number, so none is sent that is not known.
  json::Object out{{"completed", completed}, {"total", total > 0 ? json::Value(total) : json::Value()}};
  if (total > 0)
    out["progress"] =
        std::round(static_cast<double>(completed) * 1000 / static_cast<double>(total)) / 10;
  return out;
}

std::int64_t announced_size(const client::Incoming& incoming) {
  for (const auto& [name, value] : incoming.headers()) {
    std::int64_t size = 0;
    bool length = http::equal_ignoring_case(name, "content-length");
    if (length && std::from_chars(value.data(), value.data() + value.size(), size).ec == std::errc())
      return size;
  }
  return 0;
}

/// The file that a URL names by its last segment.
std::string file_in(const std::string& url) {
  std::string path = client::parse_url(url).text;
  path = path.substr(path.find("://") + 3);
  path = path.substr(0, path.find_first_of("?#"));
  path = path.substr(std::min(path.find('/'), path.size()));
  auto name = http::base_name(percent_decode(path).value_or(""));
  if (!name) throw Problem(Problem::Kind::invalid, "The URL names no file.").answering(400);
  return std::move(*name);
}

Problem cannot_store(const std::system_error& error) {
  return Problem(Problem::Kind::unavailable, "The server cannot store the file.").because(error.what());
}

}  // namespace

std::string model_name_of(std::string_view file) {
  std::string out;
  for (char c : file.substr(0, file.rfind('.') == 0 ? file.npos : file.rfind('.'))) {
    bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    bool sign = !out.empty() && (c == '.' || c == '_' || c == '-');
    if (word || sign || !out.empty()) out += word || sign ? c : '-';
  }
  return out.empty() ? "model" : out.substr(0, 80);
}

std::uint64_t ModelFiles::limit() const {
  return static_cast<std::uint64_t>(settings_.model_file_gib()) << 30;
}

Task<> ModelFiles::make_model(models::ConnectionPtr to, models::Asker who,
                              http::UploadedFilePtr file) const {
  std::string digest = "sha256:" + file->sha256();
  client::Request push = backend_.request(*to, "/api/blobs/" + digest, who);
  push.method = "POST";
  push.headers.emplace_back("Content-Type", "application/octet-stream");
  push.file = client::FileBody{file->descriptor(), file->size(), file};
  push.total_timeout = std::chrono::milliseconds(0);
  (void)co_await models::read_all(*co_await models::open_accepted(client_, std::move(push)));
  json::Object body{{"model", model_name_of(file->name())},
                    {"files", json::Object{{file->name(), digest}}},
                    {"stream", false}};
  auto create = models::with_json(backend_.request(*to, "/api/create", who), body);
  json::Value made = co_await models::fetch_json(client_, std::move(create));
  if (json::find(made, "error")) throw models::error_in_stream(made);
}

Task<> ModelFiles::pass_on(models::ConnectionPtr to, models::Asker who, http::UploadedFilePtr file,
                           http::Events events) const {
  co_await events.send(json::serialize(progress(file->size(), file->size())));
  json::Object last;
  try {
    co_await make_model(std::move(to), std::move(who), file);
    last = {{"done", true},
            {"blob", "sha256:" + file->sha256()},
            {"name", file->name()},
            {"model_created", model_name_of(file->name())}};
  } catch (const Problem& p) {
    log::warn("A model could not be made of a file",
              {{"file", file->name()}, {"detail", p.detail()}, {"cause", p.cause()}});
    last = {{"error", p.detail()}};
  }
  co_await events.send(json::serialize(json::Value(std::move(last))));
}

/// What the net names may lie anywhere public and move there. An address of our own network counts as
/// the administrator gave it, but nothing may send us to one (row 4).
Task<std::unique_ptr<client::Incoming>> ModelFiles::open(std::string url, http::Stream& stream) const {
  client::Request request{.url = std::move(url), .max_body = limit(), .max_redirects = 5};
  request.on_begin = [&stream](std::function<void()> cancel) { stream.on_gone(std::move(cancel)); };
  client::Request near = request;
  near.reach = client::Reach::admin_configured;
  near.max_redirects = 0;
  try {
    co_return co_await client_.open(std::move(request));
  } catch (const Problem& p) {
    if (p.kind() != Problem::Kind::invalid) throw;
  }
  co_return co_await client_.open(std::move(near));
}

Task<> ModelFiles::download(models::ConnectionPtr to, models::Asker who, std::string url,
                            http::Events events, http::Stream& stream) const {
  auto file = std::shared_ptr<http::UploadedFile>();
  std::string name = file_in(url);
  auto incoming = co_await open(std::move(url), stream);
  if (incoming->status() != 200)
    throw Problem(Problem::Kind::upstream, "The file cannot be fetched: its server answered with " +
                                               std::to_string(incoming->status()) + ".");
  try {
    file = std::make_shared<http::UploadedFile>(folder_, std::move(name), "");
  } catch (const std::system_error& error) {
    throw cannot_store(error);
  }
  std::int64_t total = announced_size(*incoming);
  if (static_cast<std::uint64_t>(total) > limit())
    throw Problem(Problem::Kind::too_large, "The file is too large.");
  auto told = Clock::time_point();
  std::string failure;
  try {
    while (true) {
      std::string piece = co_await incoming->read();
      bool last = piece.empty();
      co_await on_disk([file, piece = std::move(piece), last] {
        file->append(piece);
        if (last) file->close();
      });
      if (last) break;
      if (Clock::now() - told < std::chrono::milliseconds(200)) continue;
      told = Clock::now();
      co_await events.send(json::serialize(progress(file->size(), total)));
    }
  } catch (const Problem& p) {
    failure = p.detail();
  } catch (const std::system_error& error) {
    failure = cannot_store(error).detail();
  }
  if (failure.empty()) co_return co_await pass_on(std::move(to), std::move(who), file, events);
  co_await events.send(json::serialize(json::Value(json::Object{{"error", failure}})));
}

}  // namespace antiphon::ollama
