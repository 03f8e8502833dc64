#include "extract/zip.h"

#include <zlib.h>

#include <algorithm>

#include "extract/refused.h"

namespace antiphon::extract {
namespace {

std::uint64_t number(std::string_view b, std::size_t at, int size) {
  if (at + static_cast<std::size_t>(size) > b.size()) throw Refused(Refusal::damaged);
  std::uint64_t n = 0;
  for (int i = size - 1; i >= 0; --i)
    n = n << 8 | static_cast<unsigned char>(b[at + static_cast<std::size_t>(i)]);
  return n;
}

constexpr std::size_t kEndSize = 22, kEntrySize = 46, kLocalSize = 30;

class Inflater {
 public:
  Inflater() {
    // Raw: zip has its own head.
    if (inflateInit2(&stream_, -MAX_WBITS) != Z_OK) throw Refused(Refusal::memory);
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  z_stream* operator->() { return &stream_; }
  int step() { return inflate(&stream_, Z_NO_FLUSH); }

 private:
  z_stream stream_{};
};

}  // namespace

Package::Package(const Bytes& bytes) : bytes_(bytes) {
  constexpr std::uint64_t kTail = kEndSize + 65'535;
  constexpr std::uint64_t kMostDirectory = 16 << 20;
  std::uint64_t from = bytes.size() > kTail ? bytes.size() - kTail : 0;
  std::string tail = bytes.read(from, static_cast<std::size_t>(bytes.size() - from));
  std::size_t end = tail.rfind("PK\x05\x06");
  if (end == std::string::npos || end + kEndSize > tail.size()) throw Refused(Refusal::damaged);
  std::uint64_t count = number(tail, end + 10, 2), size = number(tail, end + 12, 4),
                at = number(tail, end + 16, 4);
  if (count > kMostParts || size > kMostDirectory) throw Refused(Refusal::bomb);
  std::string directory = bytes.read(at, static_cast<std::size_t>(size));
  std::size_t entry = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (number(directory, entry, 4) != 0x02014b50) throw Refused(Refusal::damaged);
    std::uint64_t flags = number(directory, entry + 8, 2);
    std::size_t name_size = number(directory, entry + 28, 2);
    std::size_t next = entry + kEntrySize + name_size + number(directory, entry + 30, 2) +
                       number(directory, entry + 32, 2);
    if (next > directory.size()) throw Refused(Refusal::damaged);
    if (flags & 1) throw Refused(Refusal::password);
    parts_.emplace(directory.substr(entry + kEntrySize, name_size),
                   Part{.at = number(directory, entry + 42, 4),
                        .packed = number(directory, entry + 20, 4),
                        .size = number(directory, entry + 24, 4),
                        .checksum = static_cast<std::uint32_t>(number(directory, entry + 16, 4)),
                        .method = static_cast<int>(number(directory, entry + 10, 2))});
    entry = next;
  }
}

std::vector<std::string> Package::names() const {
  std::vector<std::string> out;
  out.reserve(parts_.size());
  for (const auto& [name, part] : parts_) out.push_back(name);
  return out;
}

std::string Package::read(std::string_view name) {
  auto found = parts_.find(std::string(name));
  if (found == parts_.end()) throw Refused(Refusal::damaged);
  const Part& part = found->second;
  if (part.size > kMostPart || part.size > kMostTotal - read_) throw Refused(Refusal::bomb);
  if (part.size > kSmall && part.size / kMostRatio > part.packed) throw Refused(Refusal::bomb);
  read_ += part.size;
  std::string head = bytes_.read(part.at, kLocalSize);
  if (number(head, 0, 4) != 0x04034b50) throw Refused(Refusal::damaged);
  std::uint64_t at = part.at + kLocalSize + number(head, 26, 2) + number(head, 28, 2);
  constexpr int kStored = 0, kDeflated = 8;
  std::string out(static_cast<std::size_t>(part.size), '\0');
  if (part.method == kStored) {
    if (part.packed != part.size || bytes_.read(at, std::span<char>(out)) != out.size())
      throw Refused(Refusal::damaged);
  } else if (part.method == kDeflated) {
    // Into as much as it said it is: what says less than it is ends here.
    Inflater inflater;
    inflater->next_out = reinterpret_cast<Bytef*>(out.data());
    inflater->avail_out = static_cast<uInt>(out.size());
    constexpr std::uint64_t kPiece = 64 << 10;
    std::string piece;
    for (std::uint64_t done = 0;;) {
      if (inflater->avail_in == 0 && done < part.packed) {
        piece = bytes_.read(at + done, static_cast<std::size_t>(std::min(kPiece, part.packed - done)));
        if (piece.empty()) throw Refused(Refusal::damaged);
        done += piece.size();
        inflater->next_in = reinterpret_cast<Bytef*>(piece.data());
        inflater->avail_in = static_cast<uInt>(piece.size());
      }
      int state = inflater.step();
      if (state == Z_STREAM_END) break;
      if (state == Z_BUF_ERROR && inflater->avail_out == 0) throw Refused(Refusal::bomb);
      if (state != Z_OK) throw Refused(Refusal::damaged);
    }
    if (inflater->avail_out != 0) throw Refused(Refusal::damaged);
  } else {
    throw Refused(Refusal::damaged);
  }
  if (crc32(0, reinterpret_cast<const Bytef*>(out.data()), static_cast<uInt>(out.size())) !=
      part.checksum)
    throw Refused(Refusal::damaged);
  return out;
}

}  // namespace antiphon::extract
