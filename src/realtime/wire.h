#pragma once

#include <memory>
#include <string>

namespace antiphon::realtime {

/// A whole Engine.IO frame; shared by everybody who gets it.
using Frame = std::shared_ptr<const std::string>;

/// The way to one client, whatever the transport. Any thread; nothing blocks.
class Wire {
 public:
  virtual ~Wire() = default;
  virtual void send(Frame frame, bool binary) = 0;
  /// Ends the connection after what was sent; idempotent.
  virtual void close() = 0;
  /// The largest message taken from now on.
  virtual void limit_messages(std::size_t bytes) = 0;
  virtual bool polling() const = 0;
};

}  // namespace antiphon::realtime
