#pragma once

#include <boost/asio/ssl/stream.hpp>

#include "http/upgrade.h"

namespace antiphon::http {

using TlsSocket = boost::asio::ssl::stream<TcpSocket>;

void start_websocket(TlsSocket socket, Arrival arrival, Upgrade upgrade);

}  // namespace antiphon::http
