#include "http/upgrade.h"
namespace antiphon::http {
void start_websocket(TcpSocket, Arrival, Upgrade) {}
Launcher tls_launcher(const ServerOptions&) {
  return {};
}
}  // namespace antiphon::http
