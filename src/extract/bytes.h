#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace antiphon::extract {

/// A document's bytes, read where they lie.
class Bytes {
 public:
  virtual ~Bytes() = default;
  virtual std::uint64_t size() const = 0;
  /// How many were read from `offset` on: fewer than asked for only at the end.
  virtual std::size_t read(std::uint64_t offset, std::span<char> to) const = 0;

  std::string read(std::uint64_t offset, std::size_t most) const {
    std::string out(most, '\0');
    out.resize(read(offset, std::span<char>(out)));
    return out;
  }
};

/// Of an open file; the descriptor stays its owner's. Throws Refused when it cannot be read.
class FileBytes final : public Bytes {
 public:
  explicit FileBytes(int descriptor);
  std::uint64_t size() const override { return size_; }
  using Bytes::read;
  std::size_t read(std::uint64_t offset, std::span<char> to) const override;

 private:
  int descriptor_;
  std::uint64_t size_;
};

/// Of memory, which must outlive it.
class MemoryBytes final : public Bytes {
 public:
  explicit MemoryBytes(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_.size(); }
  using Bytes::read;
  std::size_t read(std::uint64_t offset, std::span<char> to) const override;

 private:
  std::string_view bytes_;
};

}  // namespace antiphon::extract
