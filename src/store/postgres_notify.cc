#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "base/problem.h"
#include "base/wake.h"
#include "store/notify.h"
#include "store/notify_frames.h"
#include "store/postgres_connect.h"

namespace antiphon::store {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// A line that nobody has heard from for so long may be dead: it is asked.
constexpr auto kAskAfter = 10s;
/// An answer that takes longer does not come.
constexpr auto kSilence = 5s;
constexpr std::size_t kPiecesAtOnce = 32;
constexpr auto kGoodbye = 1s;

class PostgresNotifier final : public Notifier {
 public:
  PostgresNotifier(Url url, std::string channel, std::int64_t session_key, Listener listener)
      : url_(std::move(url)),
        channel_(std::move(channel)),
        session_key_(session_key),
        listener_(std::move(listener)),
        thread_([this] { live(); }) {}
  ~PostgresNotifier() override { close(); }
  PostgresNotifier(const PostgresNotifier&) = delete;
  PostgresNotifier& operator=(const PostgresNotifier&) = delete;

  bool send(std::string message) override {
    if (message.size() > kMaxMessage || message.find('\n') != message.npos ||
        message.find('\0') != message.npos)
      return false;
    {
      std::scoped_lock lock(mutex_);
      if (!connected_ || closing_) return false;
      if (queued_bytes_ + message.size() > kMaxQueued) {
        dropped_ = true;
        return false;
      }
      queued_bytes_ += message.size();
      queued_.push_back(std::move(message));
      if (queued_.size() > 1) return true;  // It has been woken.
    }
    wake_.wake();
    return true;
  }

  bool connected() const override { return connected_; }

  void reconnect() override {
    anew_ = true;
    wake_.wake();
  }

  void close() override {
    {
      std::scoped_lock lock(mutex_);
      closing_ = true;
    }
    wake_.wake();
    if (thread_.joinable()) thread_.join();
  }

 private:
  bool closing() {
    std::scoped_lock lock(mutex_);
    return closing_;
  }

  void live() {
    for (auto pause = 100ms; !closing(); pause = std::min(pause * 2, 2000ms)) {
      std::string why;
      try {
        PgConnection connection = connect_plainly(url_);
        listen(connection.get());
        pause = 50ms;
        why = converse(connection.get());
      } catch (const Problem& p) {
        why = p.cause();
      }
      connected_ = false;
      {
        std::scoped_lock lock(mutex_);
        queued_.clear();  // They would come too late; whoever hears us again catches up by itself.
        queued_bytes_ = 0;
      }
      if (closing()) break;
      log::warn("Cut off from the other replicas' notifications; their changes are looked for",
                {{"error", why}});
      wake_.wait(pause);
    }
  }

  void listen(PGconn* connection) const {
    std::string sql =
        "SET synchronous_commit = off; SET statement_timeout = '5s'; SET application_name "
        "= 'antiphon notify'; LISTEN \"" +
        channel_ + "\"; SELECT pg_advisory_lock_shared(" + std::to_string(session_key_) + ")";
    PgResult result(PQexec(connection, sql.c_str()));
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK || PQsetnonblocking(connection, 1) != 0)
      throw Problem(Problem::Kind::unavailable, "The database does not take LISTEN.")
          .because(PQerrorMessage(connection));
  }

  /// Until the connection is lost: why. Or until the end.
  std::string converse(PGconn* connection) {
    NotifyPacker packer;
    NotifyUnpacker unpacker;
    std::vector<std::string> pieces;  // Waiting to be sent.
    std::size_t sent = 0;             // Of these, with the statement under way.
    auto heard_at = Clock::now(), asked_at = heard_at;
    std::optional<Clock::time_point> goodbye;
    anew_ = false;
    connected_ = true;
    listener_.missed();
    for (;;) {
      if (anew_) return "another server is written to now";
      if (sent == 0 && pieces.empty()) pack(packer, pieces);
      if (sent == 0 && !pieces.empty()) {
        sent = std::min(pieces.size(), kPiecesAtOnce);
        asked_at = Clock::now();
        if (!ask(connection, pieces, sent)) return PQerrorMessage(connection);
      }
      if (closing()) {
        if (!goodbye) goodbye = Clock::now() + kGoodbye;
        if ((sent == 0 && pieces.empty()) || Clock::now() >= *goodbye) return {};
      }
      if (sent == 0 && Clock::now() - heard_at > kAskAfter && PQsendQuery(connection, "") == 1) {
        sent = kPiecesAtOnce + 1;  // Nothing of `pieces`, but an answer is due.
        asked_at = Clock::now();
      }
      int unsent = PQflush(connection);
      if (unsent < 0) return PQerrorMessage(connection);
      pollfd waits[] = {{.fd = PQsocket(connection),
                         .events = static_cast<short>(POLLIN | (unsent ? POLLOUT : 0)),
                         .revents = 0},
                        {.fd = wake_.descriptor(), .events = POLLIN, .revents = 0}};
      (void)::poll(waits, 2, 500);
      wake_.drain();
      if (PQconsumeInput(connection) != 1) return PQerrorMessage(connection);
      while (sent != 0 && PQisBusy(connection) == 0) {
        PgResult result(PQgetResult(connection));
        heard_at = Clock::now();
        if (result) {
          if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR)
            log::warn("A notification was refused", {{"error", PQresultErrorMessage(result.get())}});
          continue;
        }
        pieces.erase(pieces.begin(),
                     pieces.begin() + static_cast<std::ptrdiff_t>(sent > kPiecesAtOnce ? 0 : sent));
        sent = 0;
      }
      if (sent != 0 && Clock::now() - asked_at > kSilence) return "no answer within five seconds";
      hear(connection, unpacker, heard_at);
    }
  }

  void hear(PGconn* connection, NotifyUnpacker& unpacker, Clock::time_point& heard_at) const {
    bool whole = true;
    while (PGnotify* raw = PQnotifies(connection)) {
      std::unique_ptr<PGnotify, decltype(&PQfreemem)> note(raw, &PQfreemem);
      heard_at = Clock::now();
      if (note->be_pid == PQbackendPID(connection)) continue;
      whole &= unpacker.take(note->be_pid, note->extra, listener_.heard);
    }
    if (!whole) listener_.missed();
  }

  void pack(NotifyPacker& packer, std::vector<std::string>& pieces) {
    std::deque<std::string> messages;
    bool dropped = false;
    {
      std::scoped_lock lock(mutex_);
      messages.swap(queued_);
      queued_bytes_ = 0;
      dropped = std::exchange(dropped_, false);
    }
    for (const std::string& message : messages) packer.add(message, pieces);
    if (dropped) packer.lose(pieces);
  }

  bool ask(PGconn* connection, const std::vector<std::string>& pieces, std::size_t count) const {
    std::string sql = "SELECT ";
    std::vector<const char*> values{channel_.c_str()};
    for (std::size_t i = 0; i != count; ++i) {
      sql += (i ? ", pg_notify($1, $" : "pg_notify($1, $") + std::to_string(i + 2) + ")";
      values.push_back(pieces[i].c_str());
    }
    return PQsendQueryParams(connection, sql.c_str(), static_cast<int>(values.size()), nullptr,
                             values.data(), nullptr, nullptr, 0) == 1;
  }

  const Url url_;
  const std::string channel_;
  const std::int64_t session_key_;
  const Listener listener_;
  const Wake wake_;
  std::atomic<bool> connected_ = false;
  std::atomic<bool> anew_ = false;
  std::mutex mutex_;
  std::deque<std::string> queued_;  ///< Guarded by mutex_.
  std::size_t queued_bytes_ = 0;    ///< Guarded by mutex_.
  bool dropped_ = false;            ///< Guarded by mutex_. One found no room.
  bool closing_ = false;            ///< Guarded by mutex_.
  std::thread thread_;              // Last: it uses what is above.
};

}  // namespace

std::unique_ptr<Notifier> notify_over(std::string_view url, std::string channel,
                                      std::int64_t session_key, Notifier::Listener listener) {
  return std::make_unique<PostgresNotifier>(parse_url(url), std::move(channel), session_key,
                                            std::move(listener));
}

}  // namespace antiphon::store
