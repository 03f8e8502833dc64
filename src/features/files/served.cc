#include "features/files/served.h"

#include <algorithm>
#include <charconv>

#include "base/encode.h"
#include "http/text.h"

namespace antiphon::files {
namespace {

/// A number of digits alone; nothing for others, and for those no file could have.
std::optional<std::int64_t> number(std::string_view digits) {
  std::int64_t out = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  bool whole = error == std::errc() && end == digits.data() + digits.size();
  return whole && !digits.empty() && digits.front() != '-' ? std::optional(out) : std::nullopt;
}

bool named_in(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    std::string_view one = http::trim(http::take_part(list, ','));
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == "*" || one == etag) return true;
  }
  return false;
}

/// One range of `size` bytes; nothing when the header is to be ignored. Of kind `unsatisfiable` when
/// nothing of it is there.
std::optional<Asked> part(std::string_view header, std::int64_t size) {
  std::string_view unit = http::take_part(header, '=');
  if (!http::equal_ignoring_case(http::trim(unit), "bytes") || header.find(',') != header.npos)
    return std::nullopt;
  header = http::trim(header);
  std::size_t dash = header.find('-');
  if (dash == header.npos) return std::nullopt;
  auto first = number(header.substr(0, dash));
  auto last = number(header.substr(dash + 1));
  bool open = dash + 1 == header.size();
  if (dash == 0) {  // The last so many.
    if (!last) return std::nullopt;
    if (*last == 0 || size == 0) return Asked{Asked::Kind::unsatisfiable};
    std::int64_t take = std::min(*last, size);
    return Asked{Asked::Kind::part, {.offset = size - take, .size = take}};
  }
  if (!first || (!open && (!last || *last < *first))) return std::nullopt;
  if (*first >= size) return Asked{Asked::Kind::unsatisfiable};
  std::int64_t end = open ? size - 1 : std::min(*last, size - 1);
  return Asked{Asked::Kind::part, {.offset = *first, .size = end - *first + 1}};
}

}  // namespace

std::string etag(const File& file) {
  return '"' + file.blob_id + '"';
}

Asked asked(const http::Request& request, const File& file) {
  std::string tag = etag(file);
  if (named_in(request.headers.get("if-none-match"), tag)) return {Asked::Kind::unchanged};
  std::string_view range = request.headers.get("range");
  std::string_view only_if = request.headers.get("if-range");
  if (range.empty() || (!only_if.empty() && only_if != tag)) return {};
  return part(range, file.size).value_or(Asked());
}

std::string_view shown_type(std::string_view type) {
  struct Shown {
    std::string_view sent, as;
  };
  static constexpr Shown kShown[] = {
      {"image/png", "image/png"},
      {"image/jpeg", "image/jpeg"},
      {"image/gif", "image/gif"},
      {"image/webp", "image/webp"},
      {"image/avif", "image/avif"},
      {"image/bmp", "image/bmp"},
      {"application/pdf", "application/pdf"},
      {"text/plain", "text/plain; charset=utf-8"},
      {"audio/mpeg", "audio/mpeg"},
      {"audio/mp4", "audio/mp4"},
      {"audio/x-m4a", "audio/mp4"},
      {"audio/aac", "audio/aac"},
      {"audio/ogg", "audio/ogg"},
      {"audio/opus", "audio/ogg"},
      {"audio/flac", "audio/flac"},
      {"audio/wav", "audio/wav"},
      {"audio/x-wav", "audio/wav"},
      {"audio/webm", "audio/webm"},
      {"video/mp4", "video/mp4"},
      {"video/webm", "video/webm"},
      {"video/ogg", "video/ogg"},
      {"video/quicktime", "video/quicktime"},
  };
  const Shown* found = std::ranges::find(kShown, type, &Shown::sent);
  return found == std::end(kShown) ? std::string_view{} : found->as;
}

std::string disposition(std::string_view filename, bool show) {
  return std::string(show ? "inline" : "attachment") + "; filename*=UTF-8''" + percent_encode(filename);
}

http::Response head_of(const File& file, const Asked& what, bool keep) {
  using enum Asked::Kind;
  std::string_view type = shown_type(file.content_type);
  bool show = !keep && !type.empty();
  http::Response out{.type = std::string(type.empty() ? "application/octet-stream" : type)};
  std::string size = std::to_string(file.size);
  if (what.kind == unchanged) out.status = 304;
  if (what.kind == unsatisfiable) {
    out = http::detail_response(416, "The file has " + size + " bytes.");
    out.header("Content-Range", "bytes */" + size);
  } else if (what.kind == part) {
    out.status = 206;
    out.header("Content-Range", "bytes " + std::to_string(what.range.offset) + "-" +
                                    std::to_string(what.range.offset + what.range.size - 1) + "/" +
                                    size);
    out.length = static_cast<std::uint64_t>(what.range.size);
  } else if (what.kind == all) {
    out.length = static_cast<std::uint64_t>(file.size);
  }
  out.header("Accept-Ranges", "bytes").header("ETag", etag(file));
  out.header("Content-Disposition", disposition(file.filename, show));
  out.header("X-Content-Type-Options", "nosniff");
  out.header("Content-Security-Policy", "default-src 'none'; sandbox");
  // Whoever loses the right to it is asked again.
  out.header("Cache-Control", "private, no-cache");
  return out;
}

}  // namespace antiphon::files
