#pragma once

#include <string>
#include <string_view>

#include "extract/reply.h"
#include "extract/text.h"

namespace antiphon::extract {

/// The text people see: no scripts, no styles. Headings begin sections and enter `headings`;
/// <title> becomes the document's when `titled`. UTF-8.
void read_html_text(const std::string& html, Headings& headings, bool titled, Sink& out);

/// A page of any encoding.
void read_html(std::string_view bytes, Sink& out);

/// All of its text in one, for a mail.
std::string text_of_html(const std::string& html);

}  // namespace antiphon::extract
