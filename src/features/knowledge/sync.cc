#include "features/knowledge/sync.h"

#include <algorithm>
#include <set>
#include <utility>

namespace antiphon::knowledge {

ANTIPHON_DTO_DEFINE(ManifestEntry)
ANTIPHON_DTO_DEFINE(Added)
ANTIPHON_DTO_DEFINE(Modified)
ANTIPHON_DTO_DEFINE(Deleted)
ANTIPHON_DTO_DEFINE(Difference)

namespace {

using Place = std::pair<std::string, std::string>;  ///< Path and name.

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += '/';
    out += part;
  }
  return out;
}

/// The path and those around it, the outermost first.
std::vector<std::string> ways(const std::string& path) {
  std::vector<std::string> out;
  for (std::size_t at = path.find('/'); at != path.npos; at = path.find('/', at + 1))
    out.push_back(path.substr(0, at));
  if (!path.empty()) out.push_back(path);
  return out;
}

}  // namespace

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= path.size();) {
    std::size_t end = std::min(path.find('/', at), path.size());
    if (end > at) out.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

Difference difference(std::vector<ManifestEntry> manifest, std::vector<Kept> kept,
                      std::map<std::string, std::string> directories) {
  Difference out;
  std::map<Place, ManifestEntry> wanted;
  std::set<std::string> needed;
  for (ManifestEntry& entry : manifest) {
    entry.path = joined(parts_of(entry.path));
    for (std::string& way : ways(entry.path)) needed.insert(std::move(way));
    wanted.insert_or_assign({entry.path, entry.filename}, std::move(entry));
  }
  for (Kept& file : kept) {
    auto found = wanted.extract({file.path, file.filename});
    if (found.empty())
      out.deleted.push_back({std::move(file.file_id), std::move(file.filename)});
    else if (found.mapped().checksum == file.checksum)
      ++out.unmodified_count;
    else
      out.modified.push_back({std::move(file.filename), std::move(file.path), std::move(file.file_id)});
  }
  for (auto& [place, entry] : wanted) out.added.push_back({entry.filename, entry.path});
  for (const std::string& path : needed)
    if (!directories.contains(path)) out.mkdir.push_back(path);
  for (const auto& [path, id] : directories)
    if (!needed.contains(path)) out.rmdir.push_back(id);
  // "a" stands before "a/b": those inside come first once it is turned round.
  std::ranges::reverse(out.rmdir);
  out.directory_map = std::move(directories);
  return out;
}

}  // namespace antiphon::knowledge
