#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "http/head.h"

namespace antiphon::http {

/// Takes a chunked body apart as it arrives, keeping only data. Chunk extensions and trailers are
/// checked, counted and dropped, so no handler ever sees one (rows 89, 107). Ours and not Beast's
/// because Beast buffers a whole line, takes a size of any number of digits and merges trailers
/// into the header.
class ChunkedBody {
 public:
  /// Data goes to the end of `out`, which must outlive this; never more than `limit` bytes in all.
  ChunkedBody(std::string& out, std::size_t limit) : out_(out), limit_(limit) {}

  /// Takes bytes from the front of `bytes`: all of them, unless the body ends before. A refusal when
  /// the body is malformed, larger than the limit, or mostly framing.
  std::expected<std::size_t, Refusal> take(std::string_view bytes);
  bool done() const { return state_ == State::done; }

 private:
  enum class State {
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    line,
    trailer,
    trailer_lf,
    end_lf,
    done
  };

  /// One byte of framing; false when it has no place.
  bool step(unsigned char c);
  bool size_byte(unsigned char c);
  bool size_line_ended();
  /// Counts a byte that carries nothing.
  bool spend() { return ++spent_ <= kMaxIdle; }

  static constexpr std::size_t kMaxDigits = 16;
  static constexpr std::size_t kMaxIdle = 8 * 1024;  ///< Extensions and trailers together.
  /// A client may send so many chunks, and one more for every so many bytes.
  static constexpr std::size_t kFreeChunks = 1024;
  static constexpr std::size_t kBytesPerChunk = 16;

  std::string& out_;
  std::size_t limit_;
  std::size_t total_ = 0;  ///< Bytes of data.
  State state_ = State::size;
  std::uint64_t left_ = 0;  ///< Of the chunk.
  std::size_t digits_ = 0;
  std::size_t chunks_ = 0;
  std::size_t spent_ = 0;
  bool too_large_ = false;
};

}  // namespace antiphon::http
