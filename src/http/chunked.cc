#include "http/chunked.h"

#include <algorithm>

namespace antiphon::http {
namespace {

int hex_digit(unsigned char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool is_text(unsigned char c) {
  return c == '\t' || (c >= 0x20 && c != 0x7f);
}

}  // namespace

bool ChunkedBody::size_line_ended() {
  if (left_ == 0) {
    state_ = State::line;
    return true;
  }
  too_large_ = left_ > limit_ - total_;
  if (too_large_ || ++chunks_ > kFreeChunks + total_ / kBytesPerChunk) return false;
  state_ = State::data;
  return true;
}

bool ChunkedBody::size_byte(unsigned char c) {
  if (int digit = hex_digit(c); digit >= 0) {
    left_ = left_ << 4 | static_cast<unsigned>(digit);
    return ++digits_ <= kMaxDigits;
  }
  if (digits_ == 0) return false;
  state_ = c == '\r' ? State::size_lf : State::extension;
  return c == '\r' || c == ';' || c == ' ' || c == '\t';
}

bool ChunkedBody::step(unsigned char c) {
  switch (state_) {
    case State::size:
      return size_byte(c);
    case State::extension:
      if (c != '\r') return is_text(c) && spend();
      state_ = State::size_lf;
      return true;
    case State::size_lf:
      return c == '\n' && size_line_ended();
    case State::data_cr:
      state_ = State::data_lf;
      return c == '\r';
    case State::data_lf:
      state_ = State::size;
      digits_ = 0;
      return c == '\n';
    case State::line:
      state_ = c == '\r' ? State::end_lf : State::trailer;
      return c == '\r' || (is_text(c) && spend());
    case State::trailer:
      if (c != '\r') return is_text(c) && spend();
      state_ = State::trailer_lf;
      return true;
    case State::trailer_lf:
      state_ = State::line;
      return c == '\n';
    case State::end_lf:
      state_ = State::done;
      return c == '\n';
    case State::data:
    case State::done:
      return false;
  }
  __builtin_unreachable();
}

std::expected<std::size_t, Refusal> ChunkedBody::take(std::string_view bytes) {
  std::size_t at = 0;
  while (at != bytes.size() && !done()) {
    if (state_ == State::data) {
      std::size_t size = std::min<std::uint64_t>(left_, bytes.size() - at);
      out_.append(bytes, at, size);
      at += size;
      total_ += size;
      if ((left_ -= size) == 0) state_ = State::data_cr;
    } else if (!step(static_cast<unsigned char>(bytes[at++]))) {
      if (too_large_) return std::unexpected(Refusal{413, "The body is too large."});
      return std::unexpected(Refusal{400, "The chunked body cannot be understood."});
    }
  }
  return at;
}

}  // namespace antiphon::http
