#include "features/openai/response_stream.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/log.h"
#include "base/problem.h"

namespace antiphon::openai {
namespace {

using namespace std::chrono_literals;

/// Without a chunk in between. With the pauses: half a minute.
constexpr int kMostTries = 8;
constexpr std::chrono::milliseconds kShortestPause = 250ms, kLongestPause = 8s;

/// Whether another try may be answered otherwise.
bool passes(const Problem& p) {
  return p.status() >= 500 || p.status() == 408 || p.status() == 429;
}

Problem broken_off() {
  return {Problem::Kind::upstream, "The model's server broke off its answer."};
}

}  // namespace

/// The connection there is, shared with those who cancel.
struct ResponseStream::Line {
  std::mutex mutex;
  std::shared_ptr<client::Incoming> incoming;  ///< Guarded by mutex.
  std::function<void()> close;                 ///< Guarded by mutex. Of one that is being opened.
  bool cancelled = false;                      ///< Guarded by mutex.
  Signal told;

  bool is_cancelled() {
    std::scoped_lock lock(mutex);
    return cancelled;
  }
  std::shared_ptr<client::Incoming> now() {
    std::scoped_lock lock(mutex);
    return incoming;
  }
  void put(std::shared_ptr<client::Incoming> next) {
    std::scoped_lock lock(mutex);
    close = nullptr;
    incoming = std::move(next);
    if (cancelled && incoming) incoming->cancel();
  }
  void opening(std::function<void()> ends_it) {
    {
      std::scoped_lock lock(mutex);
      if (!cancelled) {
        close = std::move(ends_it);
        return;
      }
    }
    ends_it();
  }
  void cancel() {
    std::shared_ptr<client::Incoming> open;
    std::function<void()> ends_it;
    {
      std::scoped_lock lock(mutex);
      cancelled = true;
      open = incoming;
      ends_it = std::exchange(close, nullptr);
    }
    if (open) open->cancel();
    if (ends_it) ends_it();
    told.notify();
  }
};

ResponseStream::ResponseStream(std::unique_ptr<client::Incoming> incoming, std::string_view begin)
    : events_(false), line_(std::make_shared<Line>()) {
  line_->put(std::move(incoming));
  reader_.feed(begin);
}

ResponseStream::ResponseStream(client::Client& client, Attach attach, std::string mark,
                               ResponseEvents events, std::chrono::steady_clock::time_point until,
                               std::unique_ptr<client::Incoming> incoming, std::string_view begin)
    : client_(&client),
      attach_(std::move(attach)),
      mark_(std::move(mark)),
      events_(std::move(events)),
      until_(until),
      line_(std::make_shared<Line>()) {
  line_->put(std::move(incoming));
  reader_.feed(begin);
}

ResponseStream::~ResponseStream() {
  line_->put(nullptr);  // Whoever can still cancel has nothing to.
}

Task<std::optional<json::Value>> ResponseStream::next() {
  while (true) {
    while (auto event = ending_ ? reader_.finish() : reader_.next()) {
      if (event->data == "[DONE]") continue;
      auto chunk = read(*event);
      if (!chunk) continue;
      tries_ = 0;
      co_return chunk;
    }
    if (events_.ended()) co_return std::nullopt;
    co_await read_more();
  }
}

std::optional<json::Value> ResponseStream::read(const client::SseReader::Event& event) {
  auto value = json::try_parse_mending(event.data);
  if (!value && ending_) return std::nullopt;  // It was cut off within an event.
  if (!value)
    throw Problem(Problem::Kind::upstream, "The model's server sent an event that is not JSON.");
  // What is no event but an error, as servers say it that fail early.
  if (const json::Value* error = json::find(*value, "error");
      error && !error->is_null() && json::text_at(*value, "type").empty())
    throw models::error_in_stream(*error);
  return events_.take(*value);
}

Task<> ResponseStream::read_more() {
  std::exception_ptr broken;
  try {
    if (ending_) throw broken_off();
    std::shared_ptr<client::Incoming> incoming = line_->now();
    std::string piece = co_await incoming->read();
    if (piece.empty())
      ending_ = true;  // What it leaves is looked at first.
    else
      reader_.feed(piece);
  } catch (const Problem&) {
    broken = std::current_exception();
  }
  if (broken) co_await read_on_after(broken);
}

Task<> ResponseStream::read_on_after(std::exception_ptr broken) {
  if (!resumable() || line_->is_cancelled()) std::rethrow_exception(broken);
  log::info("The connection to a model's server broke; its answer is read on",
            {{"response", events_.id()}});
  co_await attach();
}

Task<> ResponseStream::attach() {
  line_->put(nullptr);
  while (true) {
    std::exception_ptr failed;
    if (tries_ != 0) {
      auto pause = kShortestPause * (1 << std::min(tries_ - 1, 6));
      (void)co_await line_->told.wait(std::min<std::chrono::milliseconds>(pause, kLongestPause));
    }
    if (line_->is_cancelled()) throw broken_off();
    ++tries_;
    try {
      client::Request request = attach_(events_.id(), events_.seen());
      request.on_begin = [line = line_](std::function<void()> close) {
        line->opening(std::move(close));
      };
      line_->put(co_await models::open_accepted(*client_, std::move(request)));
      reader_ = client::SseReader();
      ending_ = false;
      co_return;
    } catch (const Problem& p) {
      if (!passes(p))
        throw Problem(Problem::Kind::not_found, "The model's server has this answer no more.")
            .because(p.detail());
      if (tries_ >= kMostTries || std::chrono::steady_clock::now() >= until_) throw;
    }
  }
}

std::string ResponseStream::cursor() const {
  if (!resumable()) return {};
  return ResponseCursor{mark_, events_.id(), events_.seen()}.text();
}

void ResponseStream::gather() {
  if (auto incoming = line_->now()) incoming->gather();
}

void ResponseStream::cancel() {
  line_->cancel();
}

std::function<void()> ResponseStream::canceller() const {
  return [line = line_] { line->cancel(); };
}

}  // namespace antiphon::openai
