#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/task.h"
#include "http/caller.h"

namespace antiphon::http {

/// Names compare without regard to case. Built from the vetted header only, never from trailers.
class Headers {
 public:
  void add(std::string_view name, std::string_view value);
  /// The first of that name; "" when there is none.
  std::string_view get(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& all() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;  ///< At most 100 (row 106).
};

/// Where a request comes from, by its Origin (or else Sec-Fetch-Site) header.
enum class Origin {
  none,     ///< Says nothing: a program, or a browser's plain navigation.
  same,     ///< Our own pages.
  allowed,  ///< Named one by one in CORS_ALLOW_ORIGIN.
  foreign,
};

struct Request {
  std::string method;
  std::string path;      ///< Percent-decoded once; no "..", no "\", no control character (row 21).
  std::string raw_path;  ///< As sent, without the query.
  std::multimap<std::string, std::string, std::less<>> query;  ///< Decoded.
  Headers headers;
  std::string body;
  std::string remote;     ///< Client address; of the forwarded one when the peer is a trusted proxy.
  std::string scheme;     ///< "http" or "https", likewise.
  std::string host = {};  ///< As the client names us: Host, or the forwarded one likewise.
  std::string id;         ///< Request id: for the log, and X-Request-Id.
  /// The peer is a trusted proxy, so what it says about the client and its user counts (row 89).
  bool from_proxy = false;
  Origin origin = Origin::none;  ///< What the browser says about the page that asks.

  /// The cookie's value; nothing when there is none of that name.
  std::optional<std::string> cookie(std::string_view name) const;
  /// As cookie(), but of `__Host-{name}` before `{name}`: no other host can have planted that one.
  std::optional<std::string> own_cookie(std::string_view name) const;
  /// The first value of a query parameter.
  std::optional<std::string> parameter(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
  /// Used instead of body when set: bytes that outlive every response (embedded assets).
  std::string_view fixed_body = {};
  /// Bytes that a Stream will write, where that is known; else it is sent in chunks.
  std::optional<std::uint64_t> length = {};

  Response& header(std::string name, std::string value) &;
  Response&& header(std::string name, std::string value) &&;
};

/// Thrown by Stream when nobody is there any more. It ends the handler; only the edge catches it.
struct ClientGone final : std::exception {
  const char* what() const noexcept override { return "the client has gone"; }
};

/// A response that is still being written. Implemented by the server and, over a string, by tests.
/// Writing to a client that has left throws ClientGone; that ends the handler.
class Stream {
 public:
  virtual ~Stream() = default;
  /// Its body is ignored. At most once. With a `length`, as many bytes must be written: a stream that
  /// ends before that is cut off.
  virtual Task<> begin(Response head) = 0;
  virtual Task<> write(std::string_view bytes) = 0;
  /// True once the client has gone; long waits look at it.
  virtual bool gone() const = 0;
  /// Calls `then` once, on the connection's loop, when the client leaves before the handler has
  /// ended; replaces an earlier one. Long waits give `[signal] { signal->notify(); }`.
  virtual void on_gone(std::function<void()> then) { (void)then; }
};

/// Server-sent events over a Stream.
class Events {
 public:
  explicit Events(Stream& stream) : stream_(stream) {}
  /// "data: …\n\n"; starts the response when it is the first.
  Task<> send(std::string_view data);
  /// Passes bytes through unchanged, as a provider sent them.
  Task<> raw(std::string_view bytes);
  Task<> done();  ///< "data: [DONE]\n\n"
  bool begun() const { return begun_; }
  bool gone() const { return stream_.gone(); }

 private:
  Task<> begin();
  Stream& stream_;
  bool begun_ = false;
};

/// What a stream that has begun says last when its handler fails (row 113): an event holding
/// {"error":{"message":…,"detail":…}}, from the response that would have been sent.
std::string error_event(const Response& failure);

/// `{"detail":"…"}`.
Response detail_response(int status, std::string_view detail);

/// Where the request comes from: Origin against `host` (see Request::host) and `allowed`, which
/// "*" in the list does not widen. An Origin counts before Sec-Fetch-Site.
Origin classify_origin(const Request& request, const std::vector<std::string>& allowed);

struct Form;

/// One request on its way through the server.
struct Call {
  Request& request;
  Stream& stream;
  Caller caller;
  std::vector<std::string> path_args = {};
  std::shared_ptr<Form> form = {};  ///< Of a route that takes one (Upload), when one was sent.
  /// Headers (cookies above all) a handler adds to whatever response follows.
  std::vector<std::pair<std::string, std::string>> extra_headers = {};
};

}  // namespace antiphon::http
