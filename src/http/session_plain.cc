#include <boost/asio/co_spawn.hpp>

#include "http/session.h"

namespace antiphon::http {

Launcher plain_launcher() {
  return [](TcpSocket socket, Arrival arrival) {
    Executor executor = arrival.loop->executor();
    asio::co_spawn(executor, serve_connection(std::move(socket), std::move(arrival)), note_end);
  };
}

}  // namespace antiphon::http
