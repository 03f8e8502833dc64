#include "provider.h"

#include <fmt/core.h>

#include <charconv>
#include <memory>

#include "http.h"

namespace bench {
namespace {

/// `n200d5`: 200 tokens, 5 ms apart.
struct Pace {
  int tokens = 200;
  std::chrono::nanoseconds apart{5'000'000};
};

Pace pace_of(std::string_view body) {
  Pace out;
  std::size_t at = body.find("\"model\":\"n");
  if (at == body.npos) at = body.find("\"model\": \"n");
  if (at == body.npos) return out;
  const char* p = body.data() + body.find("\"n", at) + 2;
  const char* end = body.data() + body.size();
  p = std::from_chars(p, end, out.tokens).ptr;
  double milliseconds = 5;
  if (p < end && *p == 'd') std::from_chars(p + 1, end, milliseconds);
  out.apart = std::chrono::nanoseconds(static_cast<std::int64_t>(milliseconds * 1e6));
  return out;
}

/// A connection that asks for answers. Tokens are six characters long, so 200 are a reply of 1.2 kB.
class Asker final : public Link {
 public:
  Asker(Loop& loop, int fd) : Link(loop, fd) {}

 private:
  std::size_t received(std::string_view bytes) override {
    std::size_t end = bytes.find("\r\n\r\n");
    if (end == bytes.npos) return 0;
    std::string_view head = bytes.substr(0, end + 2);
    std::string_view length = field(head, "content-length");
    std::size_t size = 0;
    std::from_chars(length.data(), length.data() + length.size(), size);
    if (bytes.size() < end + 4 + size) return 0;
    if (head.starts_with("GET /v1/models"))
      models();
    else
      complete(bytes.substr(end + 4, size));
    return end + 4 + size;
  }
  void closed() override { *alive_ = false; }

  void reply(std::string_view body) {
    send(
        fmt::format("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                    body.size(), body));
  }

  void models() {
    std::string list;
    for (std::string_view id : {"n200d5", "n200d20", "n3d0", "n20d0", "n200d0", "n2000d10"})
      list += fmt::format(R"({}{{"id":"{}","object":"model","created":1700000000,"owned_by":"bench"}})",
                          list.empty() ? "" : ",", id);
    reply(R"({"object":"list","data":[)" + list + "]}");
  }

  void complete(std::string_view body) {
    bool streams =
        body.find("\"stream\":true") != body.npos || body.find("\"stream\": true") != body.npos;
    if (!streams) {
      // Open WebUI asks for titles and the like although the client has said no.
      return reply(
          R"({"id":"x","object":"chat.completion","created":1700000000,"model":"n","choices":[{"index":0,)"
          R"("message":{"role":"assistant","content":"{\"title\":\"Bench\"}"},"finish_reason":"stop"}]})");
    }
    pace_ = pace_of(body);
    sent_ = 0;
    send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    event(R"("choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}])");
    due_ = Clock::now();
    next();
  }

  void next() {
    while (sent_ < pace_.tokens) {
      event(fmt::format(
          R"("choices":[{{"index":0,"delta":{{"content":" t{:04}"}},"finish_reason":null}}])",
          sent_++));
      due_ += pace_.apart;
      if (due_ > Clock::now()) return later();
    }
    event(R"("choices":[{"index":0,"delta":{},"finish_reason":"stop"}])");
    event(fmt::format(
        R"("choices":[],"usage":{{"prompt_tokens":9,"completion_tokens":{0},"total_tokens":{1}}})",
        sent_, sent_ + 9));
    chunk("data: [DONE]\n\n");
    send("0\r\n\r\n");
  }

  void later() {
    loop().at(due_, [this, alive = alive_] {
      if (*alive) next();
    });
  }

  void event(std::string_view members) {
    chunk(
        fmt::format("data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\","
                    "\"created\":1700000000,\"model\":\"bench\",{}}}\n\n",
                    members));
  }
  void chunk(std::string_view text) { send(fmt::format("{:x}\r\n{}\r\n", text.size(), text)); }

  Pace pace_;
  int sent_ = 0;
  Clock::time_point due_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

int serve_provider(int port) {
  Loop loop;
  int bound = loop.listen(port, [&](int fd) { new Asker(loop, fd); });
  fmt::print("{{\"port\":{}}}\n", bound);
  std::fflush(stdout);
  loop.run();
  return 0;
}

}  // namespace bench
