#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/task.h"

namespace antiphon {
class Loops;
}

/// Outbound HTTP over libcurl's multi interface: HTTP/2, proxies, compression, pooled connections.
namespace antiphon::client {

using Header = std::pair<std::string, std::string>;

/// Whom a request may reach. Decided on the resolved address of every hop (rows 1–8).
enum class Reach {
  admin_configured,  ///< URLs an administrator set: private networks allowed.
  untrusted,         ///< Anything else: public addresses only.
};

/// A file as a request's body, from its beginning: read as it is sent, from the disk's cache mostly.
struct FileBody {
  int descriptor = -1;
  std::int64_t size = 0;
  std::shared_ptr<const void> owner = {};  ///< Keeps the descriptor open.
};

struct Request {
  std::string method = "GET";
  std::string url;
  std::vector<Header> headers = {};
  std::string body = {};
  std::optional<FileBody> file = {};  ///< Instead of `body`.
  Reach reach = Reach::untrusted;
  std::chrono::milliseconds connect_timeout{5'000};
  /// Without a byte for this long the request ends with `stalled`.
  std::chrono::milliseconds stall_timeout{300'000};
  /// For the whole request; zero: none (a stream lives as long as it flows).
  std::chrono::milliseconds total_timeout{0};
  std::size_t max_body = 64 << 20;  ///< After decompression; more ends the request.
  int max_redirects = 0;
  /// Given what ends the exchange, from any thread, as soon as there is one: also while the peer has
  /// not answered yet. Called again for each redirect.
  std::function<void(std::function<void()> cancel)> on_begin = {};
  /// What the peer is called in a Problem's detail ("the model's server"), for those who must not learn
  /// its address; the cause has it. Empty: "the server at host:port".
  std::string called = {};
};

struct Response {
  int status = 0;
  std::vector<Header> headers;
  std::string body;
  /// First of that name, without regard to case; "" when there is none.
  std::string_view header(std::string_view name) const;
};

/// A response being read. One coroutine at a time. Destroying it closes the exchange: the peer sees
/// the connection end (HTTP/1.1) or the stream reset (HTTP/2) at once.
class Incoming {
 public:
  virtual ~Incoming() = default;
  virtual int status() const = 0;
  virtual const std::vector<Header>& headers() const = 0;
  /// The next bytes as they come; "" at the end. Throws Problem(upstream) when it breaks, with a detail
  /// a user can act on and curl's words as cause. Buffers at most 256 KiB, then the peer waits.
  virtual Task<std::string> read() = 0;
  /// From now on what trickles in is read once a beat (base/beat.h): a reader that passes it on at
  /// that pace needs no waking for each piece. HTTP/1.1 only; ends when the peer pauses. Any thread.
  virtual void gather() = 0;
  /// Ends the exchange now; a read() under way throws. Any thread.
  virtual void cancel() = 0;
};

/// Throws Problem: `upstream` (502) when the peer cannot be reached or breaks, `invalid` (400) when the
/// URL, or the address it leads to, is refused. Any thread; resumes the coroutine on its own executor.
/// Status codes are answers, not errors. Close it before the Loops stop.
class Client {
 public:
  virtual ~Client() = default;
  /// Yields when the header has come.
  virtual Task<std::unique_ptr<Incoming>> open(Request request) = 0;
  /// open() and read to the end.
  virtual Task<Response> fetch(Request request) = 0;
  /// Cancels what is under way.
  virtual Task<> close() = 0;
};

struct Proxies {
  std::string http, https, none_for;
};

struct Options {
  std::string user_agent = "Antiphon";
  int max_connections = 2'048;
  std::string ca_file = {};  ///< Empty: the system's.
  bool verify_tls = true;    ///< False counts for `admin_configured` only.
  /// "10.1.0.0/16", "fd00::1": private networks that `untrusted` may reach all the same.
  std::vector<std::string> untrusted_networks = {};
  /// How `admin_configured` leaves the network; nothing: as HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and
  /// NO_PROXY say (small letters first, as curl). `untrusted` uses none: the guard could not see past
  /// it.
  std::optional<Proxies> proxies = {};
};

/// Throws Problem when an option is not valid.
std::unique_ptr<Client> make_client(Options options, Loops& loops);

}  // namespace antiphon::client
