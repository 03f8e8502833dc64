#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "base/worker_pool.h"
#include "extract/document.h"
#include "extract/settings.h"

/// Text of documents, read by a process of its own for each, that may do nothing but that
/// (docs/adr/0018-documents.md).
namespace antiphon::extract {

/// A document: an open file, of which the reader sees nothing but the bytes. Read-only.
class Source {
 public:
  /// Throws Problem 404 when it cannot be opened.
  static Source file(const std::string& path);
  /// Takes the descriptor, which must be of a regular file. Its position is moved.
  explicit Source(int descriptor) : descriptor_(descriptor) {}
  Source(Source&& other) noexcept;
  Source& operator=(Source&&) = delete;
  ~Source();
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

/// The program that reads, for tests: who misbehaves.
struct Program {
  std::string path = "/proc/self/exe";
  std::vector<std::string> arguments = {"extract-worker"};
};

/// Any thread. At most `workers` processes; at most `queue` documents wait. Of a document the server
/// holds its text, nothing else.
class Extractor {
 public:
  explicit Extractor(const Settings& settings, Program program = {});
  /// Kills what still reads, and waits for it.
  ~Extractor();
  Extractor(const Extractor&) = delete;

  /// From here on everything ends with 503, also what is under way. Does not wait.
  void stop();

  /// Reads a document. `name` (for its ending) and `content_type` as the sender said. Throws Problem:
  /// 422 for what has no text we can read, saying what to do about it; 503 with Retry-After when too
  /// many wait.
  Task<Document> extract(Source source, std::string name, std::string content_type);
  /// The same on the calling thread, which it blocks.
  Document extract_now(const Source& source, const std::string& name,
                       const std::string& content_type) const;

 private:
  const Settings& settings_;
  const Program program_;
  int stopping_;  ///< An eventfd, never read: readable when everything is to end.
  std::optional<WorkerPool> pool_;
};

/// Which program reads PDFs or pictures, or what to install.
struct Tool {
  std::string formats;  ///< "PDF"
  std::string found;    ///< Its path; "" when it is missing.
  std::string package;  ///< Of Debian.
};
std::vector<Tool> tools();
/// Whether the kernel can keep those programs from the server's files.
bool can_confine_tools();

}  // namespace antiphon::extract
