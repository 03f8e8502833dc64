#pragma once

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <string>
#include <thread>

#include "base/async.h"
#include "base/loops.h"
#include "base/signal.h"
#include "base/time.h"
#include "http/testing.h"
#include "json/text.h"
#include "realtime/core.h"
#include "realtime/endpoint.h"
#include "realtime/hub.h"

/// A browser without a network, for tests: it speaks frames to the endpoint.
namespace antiphon::realtime::testing {

using namespace std::chrono_literals;

/// The server's end of a websocket whose other end is a test.
class FakeSocket final : public http::WebSocket {
 public:
  Task<std::optional<http::Frame>> read() override {
    for (;;) {
      {
        std::scoped_lock lock(mutex_);
        if (!in_.empty()) {
          auto frame = std::move(in_.front());
          in_.pop_front();
          if (frame.bytes.size() <= limit_) co_return frame;
          closed_ = true;
        }
        if (closed_) {
          changed_.notify_all();
          co_return std::nullopt;
        }
      }
      co_await wake_.wait();
    }
  }
  void send(std::shared_ptr<const std::string> bytes, bool binary) override {
    std::scoped_lock lock(mutex_);
    if (closed_) return;
    out_.push_back({*bytes, binary});
    changed_.notify_all();
  }
  void close(std::uint16_t, std::string_view) override {
    std::scoped_lock lock(mutex_);
    closed_ = true;
    wake_.notify();
    changed_.notify_all();
  }
  void limit_messages(std::size_t bytes) override {
    std::scoped_lock lock(mutex_);
    limit_ = bytes;
  }

  void from_client(std::string bytes, bool binary = false) {
    std::scoped_lock lock(mutex_);
    in_.push_back({std::move(bytes), binary});
    wake_.notify();
  }
  /// The next frame to the client; "<closed>" when it ended, "<nothing>" when none comes.
  std::string to_client(std::chrono::milliseconds patience = 5s) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, patience, [&] { return !out_.empty() || closed_; }))
      return "<nothing>";
    if (out_.empty()) return "<closed>";
    auto frame = std::move(out_.front());
    out_.pop_front();
    return frame.bytes;
  }
  bool closed() {
    std::scoped_lock lock(mutex_);
    return closed_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Signal wake_;
  std::deque<http::Frame> in_, out_;
  std::size_t limit_ = 64 * 1024;
  bool closed_ = false;
};

/// A process with a hub. Users: the token "alice" is user "alice", with the session "jti-alice";
/// "alice/2" her second session. "pending" and "key" are who they say.
class Process {
 public:
  explicit Process(HubOptions options = {}, EndpointOptions endpoint = {}, store::Db* db = nullptr,
                   Replay* replay = nullptr, bus::Bus* bus = nullptr)
      : hub(std::move(options), rules(), loops, db, replay, bus), endpoint(hub, std::move(endpoint)) {
    loops.start();
  }
  ~Process() {
    run([&] { return hub.stop(5s); });
    loops.stop();
  }
  /// After the handlers are registered.
  Process& start() {
    run([&] { return hub.start(); });
    return *this;
  }

  static std::optional<Caller> caller_of(const std::string& token) {
    if (token.empty() || token == "bad") return std::nullopt;
    Caller caller{.via = Caller::Via::session, .role = Role::user};
    caller.id.value = token.substr(0, token.find('/'));
    caller.name = "Name of " + caller.id.value;
    caller.token_id = "jti-" + token;
    if (token == "pending") caller.role = Role::pending;
    if (token == "key") caller.via = Caller::Via::api_key;
    return caller;
  }
  void revoke(const std::string& token) {
    std::scoped_lock lock(mutex);
    revoked.push_back("jti-" + token);
  }
  bool is_revoked(const std::string& token_id) {
    std::scoped_lock lock(mutex);
    return std::ranges::find(revoked, token_id) != revoked.end();
  }
  Rules rules() {
    Rules out;
    out.verify = [this](std::string token) -> Task<std::optional<Caller>> {
      auto caller = caller_of(token);
      if (caller && is_revoked(caller->token_id)) caller.reset();
      co_return caller;
    };
    out.renew = [this](Caller caller) -> Task<std::optional<Caller>> {
      ++renewals;
      if (is_revoked(caller.token_id)) co_return std::nullopt;
      co_return caller;
    };
    out.may_join = [this](Caller, Room room) -> Task<bool> {
      co_return room != Room{forbidden_room()};
    };
    return out;
  }
  Room forbidden_room() {
    std::scoped_lock lock(mutex);
    return forbidden;
  }
  void forbid(Room room) {
    std::scoped_lock lock(mutex);
    forbidden = std::move(room);
  }

  std::atomic<int> renewals = 0;  ///< Sessions looked at so far.
  std::mutex mutex;
  std::vector<std::string> revoked;  ///< Guarded by mutex.
  Room forbidden{"chat:forbidden"};  ///< Guarded by mutex.
  Loops loops{2};
  Hub hub;
  Endpoint endpoint;
};

/// One websocket of one browser.
class Browser {
 public:
  explicit Browser(Process& process, std::string query_sid = {}, std::string cookie = {},
                   std::string address = "10.0.0.1")
      : socket(std::make_shared<FakeSocket>()) {
    auto request = std::make_shared<http::Request>();
    request->method = "GET";
    request->path = "/ws/socket.io/";
    request->remote = std::move(address);
    request->query = {{"EIO", "4"}, {"transport", "websocket"}};
    if (!query_sid.empty()) request->query.emplace("sid", query_sid);
    if (!cookie.empty()) request->headers.add("Cookie", "token=" + cookie);
    spawn_detached(
        process.loops.next(),
        [endpoint = process.endpoint.socket_endpoint(), request, s = socket, gone = gone_]() -> Task<> {
          co_await endpoint.run(request, s);
          gone->set_value();
        });
    if (query_sid.empty()) open_packet = socket->to_client();
  }
  ~Browser() { cut(); }
  Browser(const Browser&) = delete;

  /// Sends CONNECT and remembers sid and pid.
  std::string connect(std::string token, std::string pid_shown = {}, std::string offset = {}) {
    json::Object auth;
    if (!token.empty()) auth["token"] = token;
    if (!pid_shown.empty()) auth["pid"] = pid_shown;
    if (!offset.empty()) auth["offset"] = offset;
    socket->from_client("40" + json::serialize(auth));
    std::string reply = next();
    if (reply.starts_with("40")) {
      auto hello = json::parse_value(std::string_view(reply).substr(2));
      sid = json::text_at(hello, "sid");
      pid = json::text_at(hello, "pid");
    }
    return reply;
  }
  /// The next frame that is no ping.
  std::string next(std::chrono::milliseconds patience = 5s) {
    for (;;) {
      std::string frame = socket->to_client(patience);
      if (frame != "2") return frame;
      socket->from_client("3");
    }
  }
  /// The payload of the next event; its offset is remembered.
  std::string event() {
    std::string frame = next();
    if (!frame.starts_with("42[")) return frame;
    auto data = json::parse_value(std::string_view(frame).substr(2));
    const auto& items = data.get_array();
    if (items.size() > 2) offset = json::view(items[2].get_string());
    return json::serialize(items.at(1));
  }
  void say(std::string frame) { socket->from_client(std::move(frame)); }
  /// Asks, and yields the acknowledgement's arguments.
  std::string ask(int id, std::string event) {
    say("42" + std::to_string(id) + event);
    std::string frame = next();
    std::string head = "43" + std::to_string(id);
    return frame.starts_with(head) ? frame.substr(head.size()) : frame;
  }
  /// The connection breaks; returns when the server has noticed.
  void cut() {
    socket->close(1006, "");
    if (gone_future_.valid()) gone_future_.get();
  }
  bool silent() { return next(100ms) == "<nothing>"; }

  std::shared_ptr<FakeSocket> socket;
  std::string open_packet, sid, pid, offset;

 private:
  std::shared_ptr<std::promise<void>> gone_ = std::make_shared<std::promise<void>>();
  std::future<void> gone_future_ = gone_->get_future();
};

/// Waits until it is so.
template <class Claim>
bool soon(Claim claim, std::chrono::milliseconds patience = 5s) {
  for (auto end = Clock::now() + patience; Clock::now() < end;) {
    if (claim()) return true;
    std::this_thread::sleep_for(2ms);
  }
  return claim();
}

inline Event token(std::string run, std::int64_t seq, std::int64_t index = 0, bool last = false) {
  return Event::of_run(json::Object{{"n", seq * 100 + index}},
                       {.id = std::move(run), .seq = seq, .index = index, .last = last});
}

}  // namespace antiphon::realtime::testing
