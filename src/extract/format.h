#pragma once

#include <cstdint>
#include <string_view>

namespace antiphon::extract {

/// What a document is by its first bytes; among texts, which all begin alike, by the ending of its name
/// or the type the sender gave.
enum class Format { pdf, zip, old_office, picture, html, markdown, csv, mail, text, unknown };

Format format_of(std::string_view begin, std::string_view name, std::string_view content_type);

/// Width times height by the header of a PNG, JPEG, GIF, BMP, WebP or TIFF; 0 when it does not say.
/// Looks at no pixel. Pure.
std::uint64_t pixels_of(std::string_view begin);

}  // namespace antiphon::extract
