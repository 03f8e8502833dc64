#include "http/beast_channel.h"

namespace antiphon::http {

void start_websocket(TcpSocket socket, Arrival arrival, Upgrade upgrade) {
  spawn_websocket(std::move(socket), std::move(arrival), std::move(upgrade));
}

}  // namespace antiphon::http
