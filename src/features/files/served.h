#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "blobs/blob.h"
#include "features/files/files.h"
#include "http/call.h"

/// How the bytes of a file go out: parts, conditions, and headers that keep what somebody uploaded from
/// being a page of ours. Pure.
namespace antiphon::files {

/// What a request asks for.
struct Asked {
  enum class Kind { all, part, unchanged, unsatisfiable };
  Kind kind = Kind::all;
  blobs::Range range = {};  ///< Of a part; both members set.
};

/// By Range, If-Range and If-None-Match (RFC 9110 §13, §14). Several ranges, and what is none, count as
/// the whole.
Asked asked(const http::Request& request, const File& file);

/// As it is called in ETag, quotes included.
std::string etag(const File& file);

/// What browsers may show by themselves: raster images, PDF, plain text, sound and video, by the type
/// the sender gave, never by the name. "" for what is only to be kept.
std::string_view shown_type(std::string_view content_type);

/// `attachment; filename*=UTF-8''…`: names of any characters, and never a second header (row 25).
std::string disposition(std::string_view filename, bool show);

/// The head of what answers `what`. For a part or all of it, `length` says how many bytes follow.
/// `keep`: to be saved even where it could be shown.
http::Response head_of(const File& file, const Asked& what, bool keep);

}  // namespace antiphon::files
