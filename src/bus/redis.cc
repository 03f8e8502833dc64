#include "bus/redis.h"

#include <poll.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <thread>

#include "base/ids.h"
#include "base/problem.h"
#include "base/wake.h"
#include "bus/redis_session.h"

namespace antiphon::bus {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// A line on which nothing was asked for so long is asked whether it stands.
constexpr auto kAskAfter = 1s;
constexpr auto kTick = 200ms;
/// After so many failures in a row it is only tried once a second.
constexpr int kFailures = 3;
/// A connection that held so long was none of them.
constexpr auto kHeld = 5s;

/// A second, a fifth more or less, so that replicas do not come back together.
std::chrono::milliseconds about_a_second() {
  return 800ms + std::chrono::milliseconds(static_cast<unsigned char>(random_bytes(1)[0]) * 400 / 256);
}

}  // namespace

class Redis::Impl {
 public:
  Impl(RedisAddress address, std::string deployment, Listener listener)
      : address_(std::move(address)),
        deployment_(std::move(deployment)),
        listener_(std::move(listener)),
        thread_([this] { live(); }) {}
  ~Impl() { close(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  bool send(std::string message) {
    {
      std::scoped_lock lock(mutex_);
      if (!connected_ || closing_ || bytes_ + message.size() > kMaxWaiting) return false;
      bytes_ += message.size();
      queued_.push_back(std::move(message));
      if (queued_.size() > 1) return true;  // It has been woken.
    }
    wake_.wake();
    return true;
  }
  void close() {
    {
      std::scoped_lock lock(mutex_);
      closing_ = true;
    }
    wake_.wake();
    if (thread_.joinable()) thread_.join();
  }

  std::atomic<bool> connected_ = false;
  std::atomic<std::uint64_t> sent_ = 0, received_ = 0, unheard_ = 0, failures_ = 0;

 private:
  /// What the server owes an answer to; of a question whether it lives, the message is empty.
  struct Asked {
    std::string message;
    Clock::time_point until;
  };

  bool closing() {
    std::scoped_lock lock(mutex_);
    return closing_;
  }

  void live() {
    int failures = 0;
    while (!closing()) {
      auto began = Clock::now();
      RedisState state{.text = "Redis at " + address_.text() + ": "};
      try {
        RedisSession session = open_redis(address_, deployment_);
        became(session.state);
        converse(session);
        break;
      } catch (const RedisRefusal& refusal) {
        state = refusal.state;
      } catch (const Problem& p) {
        state.text += p.cause().empty() ? p.detail() : p.cause();
      }
      hang_up();
      if (closing()) break;
      ++failures_;
      failures = Clock::now() - began > kHeld ? 1 : failures + 1;
      became(state);
      listener_.deaf();
      pause(failures < kFailures ? 50ms : about_a_second());
    }
    hang_up();
  }

  void became(const RedisState& state) {
    if (state.connected == told_.connected && state.trouble == told_.trouble &&
        state.text == told_.text)
      return;
    told_ = state;
    listener_.changed(state);
  }

  void pause(std::chrono::milliseconds time) {
    for (auto end = Clock::now() + time; Clock::now() < end && !closing();) {
      auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
      wake_.wait(std::clamp(left, 0ms, std::chrono::milliseconds(kTick)));
      listener_.tick();
    }
  }

  /// What nobody has answered goes another way. Nothing is taken any more when it returns.
  void hang_up() {
    std::deque<std::string> queued;
    {
      std::scoped_lock lock(mutex_);
      connected_ = false;
      queued.swap(queued_);
      bytes_ = 0;
    }
    for (Asked& one : std::exchange(asked_, {}))
      if (!one.message.empty()) not_heard(std::move(one.message));
    for (std::string& message : queued) not_heard(std::move(message));
  }
  void not_heard(std::string message) {
    ++unheard_;
    listener_.unheard(std::move(message));
  }

  /// Until the end. Throws when the connection is lost.
  void converse(RedisSession& session) {
    RedisLine& line = *session.line;
    {
      std::scoped_lock lock(mutex_);
      connected_ = true;
    }
    listener_.joined();
    auto asked_at = Clock::now();
    for (;;) {
      bool ending = closing();
      publish(session, asked_at);
      if (ending && asked_.empty()) return;
      if (asked_.empty() && Clock::now() - asked_at > kAskAfter) {
        std::string_view ping[] = {"PING"};
        line.put(ping);
        asked_at = Clock::now();
        asked_.push_back({.message = {}, .until = asked_at + kRedisBudget});
      }
      line.flow();
      // Answers before the time: it may be us who were held up.
      while (auto reply = line.next()) take(*reply);
      if (!asked_.empty() && asked_.front().until < Clock::now())
        throw Problem(Problem::Kind::unavailable, "").because("no answer within 200 ms");
      listener_.tick();
      pollfd waits[] = {{.fd = line.socket(),
                         .events = static_cast<short>(POLLIN | (line.wants_to_write() ? POLLOUT : 0)),
                         .revents = 0},
                        {.fd = wake_.descriptor(), .events = POLLIN, .revents = 0}};
      auto until =
          asked_.empty() ? Clock::now() + kTick : std::min(asked_.front().until, Clock::now() + kTick);
      auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
      (void)::poll(waits, 2, static_cast<int>(std::max(left, 1ms).count()));
      wake_.drain();
    }
  }

  void publish(const RedisSession& session, Clock::time_point& asked_at) {
    std::deque<std::string> queued;
    {
      std::scoped_lock lock(mutex_);
      queued.swap(queued_);
    }
    for (std::string& message : queued) {
      std::string_view words[] = {session.publish, session.channel, message};
      session.line->put(words);
      asked_at = Clock::now();
      asked_.push_back({.message = std::move(message), .until = asked_at + kRedisBudget});
      ++sent_;
    }
  }

  void take(const Reply& reply) {
    if (reply.kind == Reply::Kind::push) {
      std::string_view what;
      if (!reply.list.empty()) what = reply.list[0].text;
      if (what.ends_with("unsubscribe"))
        throw Problem(Problem::Kind::unavailable, "").because("the cluster moved the channel");
      if (!what.ends_with("message") || reply.list.size() != 3 || reply.list[2].text.empty()) return;
      ++received_;
      listener_.heard(reply.list[2].text);
      return;
    }
    if (asked_.empty()) throw Problem(Problem::Kind::unavailable, "").because("an answer to nothing");
    if (reply.kind == Reply::Kind::error)
      throw Problem(Problem::Kind::unavailable, "").because(reply.text);
    Asked asked = std::move(asked_.front());
    asked_.pop_front();
    if (asked.message.empty()) return;
    {
      std::scoped_lock lock(mutex_);
      bytes_ -= asked.message.size();
    }
    if (reply.number < static_cast<std::int64_t>(listener_.wanted()))
      not_heard(std::move(asked.message));
  }

  const RedisAddress address_;
  const std::string deployment_;
  const Listener listener_;
  const Wake wake_;
  RedisState told_;          // Of the thread.
  std::deque<Asked> asked_;  // Of the thread.
  std::mutex mutex_;
  std::deque<std::string> queued_;  ///< Guarded by mutex_.
  std::size_t bytes_ = 0;           ///< Guarded by mutex_. Of what is queued or not answered.
  bool closing_ = false;            ///< Guarded by mutex_.
  std::thread thread_;              // Last: it uses what is above.
};

Redis::Redis(RedisAddress address, std::string deployment, Listener listener)
    : impl_(std::make_unique<Impl>(std::move(address), std::move(deployment), std::move(listener))) {}
Redis::~Redis() = default;

bool Redis::send(std::string message) {
  return impl_->send(std::move(message));
}
void Redis::close() {
  impl_->close();
}
std::uint64_t Redis::sent() const {
  return impl_->sent_;
}
std::uint64_t Redis::received() const {
  return impl_->received_;
}
std::uint64_t Redis::unheard() const {
  return impl_->unheard_;
}
std::uint64_t Redis::failures() const {
  return impl_->failures_;
}

}  // namespace antiphon::bus
