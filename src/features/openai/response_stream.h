#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <mutex>

#include "base/signal.h"
#include "client/client.h"
#include "client/sse.h"
#include "features/openai/responses.h"

namespace antiphon::openai {

/// An answer of the Responses API as it comes. One that is written in the background outlives its
/// connection: when that breaks, it is read on over another, exactly behind what was read.
class ResponseStream final : public models::ChunkStream {
 public:
  /// How a connection to what is behind event `seen` of response `id` is asked for.
  using Attach = std::function<client::Request(const std::string& id, std::int64_t seen)>;

  /// One that ends with its connection.
  ResponseStream(std::unique_ptr<client::Incoming> incoming, std::string_view begin);
  /// One in the background. `mark`: server_mark() of its connection. `incoming` is null when it is
  /// taken up; attach() then. Does not read on after `until`.
  ResponseStream(client::Client& client, Attach attach, std::string mark, ResponseEvents events,
                 std::chrono::steady_clock::time_point until,
                 std::unique_ptr<client::Incoming> incoming = {}, std::string_view begin = {});
  ~ResponseStream() override;

  /// Opens another connection, some times if need be. Throws what the last try did; Problem
  /// "not_found" when the server has the response no more.
  Task<> attach();

  Task<std::optional<json::Value>> next() override;
  std::string cursor() const override;
  void gather() override;
  void cancel() override;
  /// cancel() for who may outlive this.
  std::function<void()> canceller() const;

 private:
  struct Line;
  bool resumable() const { return attach_ && !events_.id().empty() && events_.seen() >= 0; }
  Task<> read_more();
  Task<> read_on_after(std::exception_ptr broken);
  std::optional<json::Value> read(const client::SseReader::Event& event);

  client::Client* client_ = nullptr;
  Attach attach_;  ///< Null: it ends with its connection.
  std::string mark_;
  ResponseEvents events_;
  std::chrono::steady_clock::time_point until_;
  client::SseReader reader_;
  std::shared_ptr<Line> line_;
  bool ending_ = false;  ///< The connection has, in good order.
  int tries_ = 0;        ///< Since the last chunk.
};

}  // namespace antiphon::openai
