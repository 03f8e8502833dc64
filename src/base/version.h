#pragma once

#include <compare>
#include <string_view>

namespace antiphon {

/// This build's version, and that of Open WebUI whose API it speaks. In a file of their own
/// (version_numbers.cc), so that tests can link the same program as the next version.
extern const std::string_view kAntiphonVersion;
extern const std::string_view kApiVersion;

/// By its numbers: 0.10.0 is later than 0.9.2. What follows the third is ignored, and what is no number
/// counts as 0.
std::strong_ordering compare_versions(std::string_view a, std::string_view b);

}  // namespace antiphon
