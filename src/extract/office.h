#pragma once

#include "extract/bytes.h"
#include "extract/reply.h"

namespace antiphon::extract {

/// Whatever is in a zip container: DOCX, XLSX, PPTX, ODT, ODS, ODP, EPUB. Throws Refused (unsupported
/// for any other).
void read_container(const Bytes& bytes, Sink& out);

}  // namespace antiphon::extract
