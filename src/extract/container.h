#pragma once

#include <map>
#include <string>
#include <string_view>

#include "extract/reply.h"
#include "extract/zip.h"

/// One reader for each kind of container. They throw Refused.
namespace antiphon::extract {

void read_docx(Package& package, Sink& out);
/// Sheets in order; a row a line, cells between tabs, values as they are stored, dates as dates.
void read_xlsx(Package& package, Sink& out);
/// Slides in order, each with its notes.
void read_pptx(Package& package, Sink& out);
/// Text, sheets or slides, as `format` says ("odt", "ods", "odp").
void read_open_document(Package& package, std::string_view format, Sink& out);
/// Chapters in the order they are read.
void read_epub(Package& package, Sink& out);

/// The part that `target` means in a part of folder `folder`: "../media/x" from "ppt/slides". Names
/// that would lead out of the container yield one that is not there.
std::string part_name(std::string_view folder, std::string_view target);
/// What the ids in `part` stand for: id to part name.
std::map<std::string, std::string> relations(Package& package, std::string_view part);
/// Title and author where OOXML keeps them.
void read_core_properties(Package& package, Sink& out);

}  // namespace antiphon::extract
