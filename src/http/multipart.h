#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "http/head.h"

/// multipart/form-data (RFC 7578), taken apart as it arrives. Strict: what browsers and programs send,
/// and nothing that two readers could read in two ways. No I/O, so tests and the fuzzer need no socket.
namespace antiphon::http {

/// What a part says of itself before its bytes.
struct PartHead {
  std::string name;
  std::optional<std::string> filename;  ///< As sent: no path may be made of it. Set for files only.
  std::string type;                     ///< "" when not said.
};

/// The boundary of a Content-Type; nothing when it is no multipart/form-data, or has none that may be.
std::optional<std::string> form_boundary(std::string_view content_type);

/// A file's name without the folders some clients send along; nothing when that leaves none (row 17).
std::optional<std::string> base_name(std::string_view filename);

class Multipart {
 public:
  /// What becomes of the parts. A refusal ends the form.
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual std::optional<Refusal> begin(PartHead head) = 0;
    /// The next bytes of the part that was begun last.
    virtual std::optional<Refusal> data(std::string_view bytes) = 0;
  };

  static constexpr std::size_t kMostParts = 64;
  static constexpr std::size_t kHeadBytes = 4 * 1024;  ///< Of one part.

  Multipart(std::string_view boundary, Sink& sink);

  /// The next bytes of the body. A refusal when they have no place in a form.
  std::optional<Refusal> take(std::string_view bytes);
  /// The form has ended; a body that is over before this is broken.
  bool done() const { return state_ == State::done; }

 private:
  enum class State { first, delimited, head, data, done };

  /// One step on what is held; false when that needs more bytes.
  bool step();
  bool refuse(int status, std::string_view detail);
  bool take_first();
  bool take_delimited();
  bool take_head();
  bool take_data();
  bool take_rest();
  std::string_view held() const { return std::string_view(buffer_).substr(at_); }
  bool tell(std::string_view bytes);

  const std::string delimiter_;  ///< With the line's end before it.
  Sink& sink_;
  State state_ = State::first;
  std::string buffer_;  ///< What cannot be told from a delimiter or a head yet.
  std::size_t at_ = 0;  ///< What of it is done with.
  std::size_t parts_ = 0;
  std::optional<Refusal> refusal_;
};

}  // namespace antiphon::http
