#pragma once

#include <string>
#include <string_view>

#include "extract/reply.h"

namespace antiphon::extract {

/// A message (RFC 5322, MIME): who wrote to whom, when, about what; its text, or the text of its HTML;
/// what is attached, by name only.
void read_mail(std::string_view bytes, Sink& out);

/// Words that headers spell in ASCII (RFC 2047), as UTF-8.
std::string decoded_words(std::string_view header);

}  // namespace antiphon::extract
