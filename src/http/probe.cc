// A server with nothing behind it, to measure this folder alone: `http_probe PORT [LOOPS]`. See
// docs/performance.md.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "base/loops.h"
#include "http/bind.h"
#include "http/server.h"

namespace {

using namespace antiphon;

struct Api {
  Task<http::Response> health(Anyone) { co_return http::Response{.body = R"({"status":true})"}; }
};

Task<> swallow(std::shared_ptr<http::Request>, std::shared_ptr<http::WebSocket> socket) {
  while (auto frame = co_await socket->read())
    socket->send(std::make_shared<std::string>(std::move(frame->bytes)), frame->binary);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: http_probe PORT [LOOPS]\n", stderr);
    return 2;
  }
  Loops loops(argc > 2 ? std::stoi(argv[2]) : 2);
  http::Router router;
  router.on("GET /health", http::Cost::free, http::bind<&Api::health>(Api{}));
  http::ServerOptions options{.host = "127.0.0.1",
                              .port = static_cast<std::uint16_t>(std::stoi(argv[1]))};
  options.max_connections = 50'000;
  http::Server server(
      options, router, [](const http::Request&) -> Task<Caller> { co_return Caller{}; }, loops);
  server.on_socket(
      "/ws", {.admit = [](http::Call&) { return std::optional<http::Response>(); }, .run = swallow});
  server.start();
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  loops.start();
  int signal = 0;
  sigwait(&stop, &signal);
  loops.stop();
}
