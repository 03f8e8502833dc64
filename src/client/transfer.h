#pragma once

#include <curl/curl.h>

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/problem.h"
#include "base/task.h"
#include "client/address.h"
#include "client/client.h"
#include "client/url.h"

namespace antiphon::client {

class Engine;

/// What every transfer of an engine has in common.
struct Manner {
  Reach reach;
  std::string user_agent;
  std::string ca_file;
  bool verify_tls;
  Proxies proxies;
  std::vector<Cidr> networks;  ///< Private ones that may be reached.

  bool may_reach(const sockaddr& address) const;
};

/// One exchange: libcurl fills it on the engine's loop, one coroutine reads it on any other.
class Transfer : public std::enable_shared_from_this<Transfer> {
 public:
  /// Bytes kept for a slow reader; then the peer waits.
  static constexpr std::size_t kBufferLimit = 256 * 1024;

  Transfer(Request request, Url url, std::shared_ptr<Engine> engine);
  ~Transfer();

  // The reader's side. Any thread.
  void start();
  Task<> opened();  ///< Until the header has come; throws when it does not.
  Task<std::string> read();
  void gather() { gathers_ = true; }
  void cancel();
  int status() const { return status_; }                           ///< After opened().
  const std::vector<Header>& headers() const { return headers_; }  ///< After opened().
  const Url& url() const { return url_; }

  // The engine's side. On its loop.
  CURL* prepare(const Manner& manner);
  void finish(CURLcode code);
  void fail(Problem error);
  CURL* easy() const { return easy_; }
  void watch_for_stall();
  void unpause();
  /// Whether its socket, which it has to itself, is to be read at intervals.
  bool gathers() const;
  std::size_t body_bytes() const { return body_bytes_; }
  bool cancelled() const;  ///< Any thread.

 private:
  static std::size_t on_body(char* bytes, std::size_t one, std::size_t count, void* self);
  static std::size_t on_header(char* bytes, std::size_t one, std::size_t count, void* self);
  static std::size_t on_upload(char* bytes, std::size_t one, std::size_t count, void* self);
  static int on_rewind(void* self, curl_off_t offset, int origin);
  static curl_socket_t on_open(void* self, curlsocktype purpose, curl_sockaddr* address);

  std::size_t take_body(std::string_view bytes);
  bool take_header(std::string_view line);
  void set_method();
  void set_headers();
  void set_limits(const Manner& manner);
  Problem explain(CURLcode code) const;
  void wake(std::unique_lock<std::mutex>& lock);
  enum class For { header, body };
  Task<> wait(For what);
  void wait_for_stall(std::chrono::steady_clock::time_point due);
  bool paused() const;

  const Request request_;
  const Url url_;
  const std::shared_ptr<Engine> engine_;

  // On the engine's loop only.
  CURL* easy_ = nullptr;
  curl_slist* header_list_ = nullptr;
  const Manner* manner_ = nullptr;
  char words_[CURL_ERROR_SIZE] = {};
  bool refused_ = false;  ///< An address was, by the guard.
  bool stalled_ = false, too_large_ = false, bad_header_ = false;
  std::int64_t uploaded_ = 0;  ///< Of the request's file.
  std::size_t header_bytes_ = 0, body_bytes_ = 0;
  std::chrono::steady_clock::time_point last_byte_;
  std::unique_ptr<boost::asio::steady_timer> stall_timer_;

  // Written on the engine's loop before opened_ is set, read by the reader after.
  int status_ = 0;
  std::vector<Header> headers_;

  std::atomic<bool> gathers_ = false;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  bool opened_ = false, ended_ = false, paused_ = false, cancelled_ = false;
  std::string buffer_;
  std::optional<Problem> failure_;  ///< A value: an exception_ptr would be shared by threads.
  std::function<void()> waiter_;
};

}  // namespace antiphon::client
