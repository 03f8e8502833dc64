#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "extract/extract.h"
#include "features/files/files.h"
#include "jobs/jobs.h"

namespace antiphon::files {

/// Reads the text of files that were sent, as a job: whatever dies, another attempt is made, and after
/// the last one the file says that it failed. Any thread.
class Processing {
 public:
  struct Parts {
    store::Db& db;
    Files& files;
    extract::Extractor& extractor;
    jobs::Jobs& jobs;
    std::string spool;  ///< A folder for the bytes while they are read.
  };
  /// Registers the kind of job: before Jobs::start().
  explicit Processing(Parts parts);

  /// Makes the file's status "pending" and queues the reading, as part of a transaction, after which
  /// wake() is due. Nothing where there is no text (pictures, sound, video).
  Task<> begin(store::Connection& c, File& file) const;
  void wake() { p_.jobs.wake(); }
  /// Waits until its status is not "pending" any more, at most `patience`. Yields the file; nothing
  /// when it is gone.
  Task<std::optional<File>> wait(std::string id, std::chrono::seconds patience = kPatience) const;
  /// The text of a file for what `me` asks a model; waits for it as long as kAsked. Nothing for what he
  /// may not read, and for what has none.
  Task<std::optional<std::string>> text(const Guard& guard, const User& me, std::string id) const;

  static constexpr std::chrono::seconds kPatience{600};
  static constexpr std::chrono::seconds kAsked{20};

 private:
  Task<> perform(const jobs::Job& job);
  Task<std::string> text_of(const File& file);
  Task<> fail(const std::string& id, const std::string& error);

  Parts p_;
};

}  // namespace antiphon::files
