#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Redis' protocol, version 3, as far as publishing and subscribing need it. Pure; one thread.
namespace antiphon::bus {

struct Reply {
  enum class Kind { text, error, number, nothing, list, push };
  Kind kind = Kind::nothing;
  std::string text;         ///< Of text and error.
  std::int64_t number = 0;  ///< Of number.
  std::vector<Reply> list;  ///< Of list and push; a map's keys and values by turns.

  bool is_error(std::string_view code) const { return kind == Kind::error && text.starts_with(code); }
};

/// A command as the server reads it.
std::string resp_command(std::span<const std::string_view> words);

/// Takes bytes as they come and gives whole replies.
class RespReader {
 public:
  static constexpr std::size_t kMaxText = 1 << 20;  ///< Bytes of one text.
  static constexpr std::size_t kMaxList = 1'024;    ///< Elements of one list.
  static constexpr int kMaxDepth = 6;
  /// Bytes that one reply may have; what is longer is nothing that we asked for.
  static constexpr std::size_t kMaxReply = 4 << 20;

  void add(std::string_view bytes) { buffer_.append(bytes); }
  /// The next whole reply. Throws a Problem at what is no reply.
  std::optional<Reply> next();

 private:
  std::string buffer_;
  std::size_t read_ = 0;  ///< Of buffer_.
};

}  // namespace antiphon::bus
