#include "store/notify_frames.h"

#include <charconv>

namespace antiphon::store {
namespace {

constexpr char kBegins = 'n';  ///< A message begins with the piece.
constexpr char kWithin = 'c';  ///< It goes on with one that began before.

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

}  // namespace

std::string NotifyPacker::begin_piece(bool within) {
  return std::to_string(next_++) + (within ? kWithin : kBegins);
}

void NotifyPacker::add(std::string_view message, std::vector<std::string>& pieces) {
  std::string line(message);
  line += '\n';
  std::string_view rest = line;
  while (!rest.empty()) {
    if (pieces.empty() || pieces.back().size() >= kPiece)
      pieces.push_back(begin_piece(rest.size() != line.size()));
    std::string& piece = pieces.back();
    std::size_t room = kPiece - piece.size();
    std::size_t take = std::min(room, rest.size());
    while (take != 0 && take < rest.size() && continues_character(rest[take])) --take;
    if (take == 0) {  // Not even a character: the next piece has room for it.
      pieces.push_back(begin_piece(rest.size() != line.size()));
      continue;
    }
    piece.append(rest.substr(0, take));
    rest.remove_prefix(take);
    if (!rest.empty()) pieces.push_back(begin_piece(true));
  }
}

void NotifyPacker::lose(std::vector<std::string>& pieces) {
  ++next_;
  pieces.push_back(begin_piece(false));
}

bool NotifyUnpacker::take(int sender, std::string_view piece, const Heard& heard) {
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(piece.data(), piece.data() + piece.size(), number);
  if (error != std::errc() || end == piece.data() + piece.size()) return true;  // Not ours.
  char kind = *end;
  if (kind != kBegins && kind != kWithin) return true;
  piece.remove_prefix(static_cast<std::size_t>(end - piece.data()) + 1);

  if (streams_.size() >= kMaxSenders && !streams_.contains(sender)) streams_.clear();
  auto [at, added] = streams_.try_emplace(sender);
  Stream& stream = at->second;
  // Who is heard for the first time may have spoken before we listened: then nothing was lost.
  bool whole = added || number == stream.next || number == 1;
  if (number != stream.next) stream = {};
  stream.next = number + 1;
  if (kind == kBegins) {
    stream.begun.clear();
    stream.skipping = false;
  }
  while (!piece.empty()) {
    std::size_t newline = piece.find('\n');
    std::string_view part = piece.substr(0, newline);
    if (!stream.skipping) {
      if (stream.begun.size() + part.size() > kMaxMessage) {
        stream.skipping = true;
        whole = false;
        stream.begun.clear();
      } else if (newline != piece.npos && stream.begun.empty()) {
        heard(part);
      } else {
        stream.begun.append(part);
        if (newline != piece.npos) heard(stream.begun);
      }
    }
    if (newline == piece.npos) break;
    stream.begun.clear();
    stream.skipping = false;
    piece.remove_prefix(newline + 1);
  }
  return whole;
}

}  // namespace antiphon::store
