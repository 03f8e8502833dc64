#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "loop.h"

namespace bench {

/// The value of a header field in a header block; "" when it is not there.
std::string_view field(std::string_view head, std::string_view name);

/// Whole messages by Content-Length, and chunked bodies piece by piece. A keep-alive client.
class HttpClient final : public Link {
 public:
  struct Reply {
    int status = 0;
    std::string body;
  };
  HttpClient(Loop& loop, int port) : Link(loop, "127.0.0.1", port) {}

  /// One at a time. `done` gets the reply; nothing when the connection broke.
  void post(std::string_view path, std::string_view token, std::string_view body,
            std::function<void(std::optional<Reply>)> done);
  /// Set before post(): gets every piece of a body as it comes.
  std::function<void(std::string_view)> on_piece;
  std::function<void()> on_closed;

 private:
  std::size_t received(std::string_view bytes) override;
  void closed() override;
  bool take_chunk(std::string_view bytes, std::size_t& at);
  void finish();

  std::function<void(std::optional<Reply>)> done_;
  Reply reply_;
  bool in_body_ = false;
  bool chunked_ = false;
  std::size_t left_ = 0;  ///< Of the body, or of the chunk.
};

}  // namespace bench
