#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace antiphon::store {

/// Messages between the processes that use one PostgreSQL database, over LISTEN and NOTIFY on a
/// connection and a thread of their own. A message may be lost, so it says what is durable already or
/// does not matter; who was cut off is told so.
///
/// The connection does not wait for the disk, and no transaction of anybody's depends on a notification
/// (a full queue of notifications fails the commit that would add to it).
class Notifier {
 public:
  struct Listener {
    /// Another process's message; those of one process in the order in which it sent them.
    std::function<void(std::string_view message)> heard;
    /// From now on messages are heard; earlier ones may have been lost.
    std::function<void()> missed;
  };
  static constexpr std::size_t kMaxMessage = 256 << 10;
  static constexpr std::size_t kMaxQueued = 8 << 20;  ///< Bytes that wait to be sent.

  virtual ~Notifier() = default;

  /// To all others that listen. Never blocks. False when it was dropped: too long or too many wait, no
  /// connection, or a line break in it. Any thread.
  virtual bool send(std::string message) = 0;
  /// True while messages are heard.
  virtual bool connected() const = 0;
  /// Connects anew: the server it has is not the one that is written to. Any thread.
  virtual void reconnect() = 0;
  /// Sends what waits, at most a second, and ends; nothing is heard any more when it returns.
  virtual void close() = 0;
};

/// Connects in the background, again and again, with pauses from 0.1 to 2 seconds; `listener` is called
/// on the notifier's thread. `url` as for open(); `channel`: [a-z0-9_]{1,63}. As long as the connection
/// stands, it holds the shared advisory lock `session_key`: when this process dies, the database lets
/// go of it at once.
std::unique_ptr<Notifier> notify_over(std::string_view url, std::string channel,
                                      std::int64_t session_key, Notifier::Listener listener);

}  // namespace antiphon::store
