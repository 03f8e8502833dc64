#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ssl/context.hpp>

#include "base/problem.h"
#include "http/tls.h"
// After tls.h, whose start_websocket its template calls.
#include "http/session.h"

namespace antiphon::http {

namespace ssl = boost::asio::ssl;

template <>
struct Transport<TlsSocket> {
  static constexpr bool kTls = true;
  static Task<bool> open(TlsSocket& socket) {
    auto [error] =
        co_await socket.async_handshake(ssl::stream_base::server, asio::as_tuple(asio::use_awaitable));
    co_return !error;
  }
  static Task<> shut(TlsSocket& socket) {
    co_await socket.async_shutdown(asio::as_tuple(asio::use_awaitable));
  }
};

namespace {

std::shared_ptr<ssl::context> context_of(const ServerOptions& options) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  boost::system::error_code error;
  auto check = [&](std::string_view what) {
    if (!error) return;
    throw Problem(Problem::Kind::unavailable,
                  "TLS: " + std::string(what) + " cannot be used: " + error.message());
  };
  context->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 |
                       ssl::context::no_sslv3 | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 |
                       SSL_OP_NO_RENEGOTIATION);
  // A locked key is refused, instead of asking a terminal that nobody sits at.
  context->set_password_callback([](std::size_t, auto) { return std::string(); });
  context->use_certificate_chain_file(options.certificate_file, error);
  check(options.certificate_file.empty() ? "the certificate, which is not set,"
                                         : options.certificate_file);
  context->use_private_key_file(options.key_file, ssl::context::pem, error);
  check(options.key_file.empty() ? "the key, which is not set," : options.key_file);
  SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  return context;
}

/// Keeps the context for as long as the connection may use it.
Task<> serve_tls(TcpSocket socket, Arrival arrival, std::shared_ptr<ssl::context> context) {
  co_await serve_connection(TlsSocket(std::move(socket), *context), std::move(arrival));
}

}  // namespace

Launcher tls_launcher(const ServerOptions& options) {
  return [context = context_of(options)](TcpSocket socket, Arrival arrival) {
    Executor executor = arrival.loop->executor();
    asio::co_spawn(executor, serve_tls(std::move(socket), std::move(arrival), context), note_end);
  };
}

}  // namespace antiphon::http
