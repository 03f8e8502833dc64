#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "extract/bytes.h"

namespace antiphon::extract {

/// The parts of a zip container, by name. A name is only ever compared: no path is made of it, nothing
/// is unpacked but into memory, and only what is asked for. Parts that are containers stay closed.
class Package {
 public:
  static constexpr std::size_t kMostParts = 10'000;
  static constexpr std::uint64_t kMostPart = 64 << 20;    ///< Bytes of one part, unpacked.
  static constexpr std::uint64_t kMostTotal = 192 << 20;  ///< Of all that are read.
  static constexpr std::uint64_t kMostRatio = 100;  ///< Unpacked to packed, of parts above kSmall.
  static constexpr std::uint64_t kSmall = 1 << 20;

  /// Throws Refused: damaged for what is no zip (or a zip64, which no document needs), bomb for too
  /// many parts, password for encrypted ones. `bytes` must outlive it.
  explicit Package(const Bytes& bytes);

  bool has(std::string_view name) const { return parts_.contains(std::string(name)); }
  /// In the order of their names.
  std::vector<std::string> names() const;
  /// Throws Refused: bomb beyond the bounds above, damaged for what is missing or broken.
  std::string read(std::string_view name);
  /// "" for what is missing.
  std::string read_if_there(std::string_view name) { return has(name) ? read(name) : ""; }

 private:
  struct Part {
    std::uint64_t at;
    std::uint64_t packed;
    std::uint64_t size;
    std::uint32_t checksum;
    int method;
  };

  const Bytes& bytes_;
  std::map<std::string, Part> parts_;  ///< At most kMostParts. Of equal names the first counts.
  std::uint64_t read_ = 0;
};

}  // namespace antiphon::extract
