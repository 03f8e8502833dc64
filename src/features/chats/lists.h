#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/encode.h"
#include "features/chats/sidebar.h"
#include "features/chats/text.h"
#include "store/like.h"

/// Parts of statements that list chats. Nothing of a request is ever part of a statement's text (row
/// 115).
namespace antiphon::chats {

/// By Order::By and direction, as numbers; the newest first where that leaves a tie.
#define ANTIPHON_ORDER(by, down, t)                                                               \
  " ORDER BY CASE WHEN " by " = 2 AND " down " = 1 THEN " t                                       \
  "title END DESC,"                                                                               \
  " CASE WHEN " by " = 2 AND " down " = 0 THEN " t                                                \
  "title END ASC,"                                                                                \
  " CASE WHEN " by " = 1 AND " down " = 1 THEN " t                                                \
  "created_at END DESC,"                                                                          \
  " CASE WHEN " by " = 1 AND " down " = 0 THEN " t                                                \
  "created_at END ASC,"                                                                           \
  " CASE WHEN " by " = 0 AND " down " = 0 THEN " t "updated_at END ASC, " t "updated_at DESC, " t \
  "id "

struct Page {
  std::int64_t size;
  std::int64_t offset;
};

/// Pages count from 1; none is everything, up to a bound.
inline Page page_of(std::optional<std::int64_t> page, std::int64_t size = Sidebar::kPage) {
  if (!page) return {Sidebar::kMost, 0};
  return {size, (std::clamp<std::int64_t>(*page, 1, 1'000'000) - 1) * size};
}

/// A LIKE pattern for folded titles that contain `text`.
inline std::string like_folded(std::string_view text) {
  return store::containing(fold(text));
}

}  // namespace antiphon::chats
