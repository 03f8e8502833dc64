#pragma once

#include <exception>
#include <source_location>
#include <string>
#include <string_view>

namespace antiphon {

/// Why a request ends without an answer. The only exception type feature code throws, and
/// only the HTTP edge and the job runner catch it.
///
/// `detail` is written for the user and goes over the wire; `cause` is written for the
/// operator and goes to the log, never over the wire.
class Problem final : public std::exception {
 public:
  enum class Kind {
    invalid,
    unauthenticated,
    forbidden,
    not_found,
    conflict,
    too_large,
    too_many,
    upstream,
    unavailable,
    internal
  };

  Problem(Kind kind, std::string detail, std::source_location where = std::source_location::current());

  /// Attaches what only the operator should read.
  Problem&& because(std::string cause) &&;
  /// Puts `json` under "detail" instead of the text: FastAPI's list of faults.
  Problem&& with_detail_json(std::string json) &&;
  /// Tells the caller when to come back (Retry-After).
  Problem&& retry_after(int seconds) &&;
  /// Answers with a status other than the kind's own, where Open WebUI's clients expect it.
  Problem&& answering(int status) &&;

  Kind kind() const { return kind_; }
  int status() const { return status_; }
  const std::string& detail() const { return detail_; }
  /// Empty unless with_detail_json was used.
  const std::string& detail_json() const { return detail_json_; }
  int retry_after() const { return retry_after_; }
  const std::string& cause() const { return cause_; }
  std::source_location where() const { return where_; }
  const char* what() const noexcept override { return detail_.c_str(); }

 private:
  Kind kind_;
  int status_;
  std::string detail_;
  std::string detail_json_;
  std::string cause_;
  int retry_after_ = 0;
  std::source_location where_;
};

Problem not_found(std::string_view what, std::source_location where = std::source_location::current());

}  // namespace antiphon
