#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

/// How messages of any length travel in notifications, which are short: as a stream of lines, cut into
/// numbered pieces. Pure; not for several threads at once.
namespace antiphon::store {

/// The sender's side, of one connection.
class NotifyPacker {
 public:
  /// PostgreSQL takes less than 8000 bytes a notification.
  static constexpr std::size_t kPiece = 7'900;

  /// Appends to `pieces` what carries `message`, which must not hold '\n' or '\0'. The last piece may
  /// still take more.
  void add(std::string_view message, std::vector<std::string>& pieces);
  /// A message was dropped: who gets the next piece will know.
  void lose(std::vector<std::string>& pieces);

 private:
  std::string begin_piece(bool within);
  std::uint64_t next_ = 1;
};

/// The receiver's side, of one connection.
class NotifyUnpacker {
 public:
  static constexpr std::size_t kMaxMessage = 1 << 20;
  static constexpr std::size_t kMaxSenders = 1'000;

  using Heard = std::function<void(std::string_view message)>;

  /// Takes the next piece of `sender` and yields the messages that end in it. False when pieces before
  /// it are missing, so that messages may have been lost; what follows is heard again.
  bool take(int sender, std::string_view piece, const Heard& heard);

 private:
  struct Stream {
    std::uint64_t next = 0;
    std::string begun;     ///< A message whose end has not come.
    bool skipping = true;  ///< Its beginning was not heard.
  };
  std::unordered_map<int, Stream> streams_;
};

}  // namespace antiphon::store
