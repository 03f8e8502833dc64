#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "json/dto.h"

/// Shapes of small results that several statements of this folder share.
namespace antiphon::auth {

struct TextRow {
  std::string text;
};
ANTIPHON_DTO(TextRow, text)

struct NumberRow {
  std::int64_t number = 0;
};
ANTIPHON_DTO(NumberRow, number)

}  // namespace antiphon::auth
