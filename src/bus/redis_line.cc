#include "bus/redis_line.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/problem.h"

namespace antiphon::bus {
namespace {

Problem lost(std::string_view why) {
  return Problem(Problem::Kind::unavailable, "Redis cannot be reached.").because(std::string(why));
}

Problem lost_by_errno() {
  return lost(std::strerror(errno));
}

std::string tls_error() {
  char text[256] = "TLS failed";
  if (unsigned long code = ERR_get_error()) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return text;
}

struct FreeAddresses {
  void operator()(addrinfo* first) const { freeaddrinfo(first); }
};

int open_socket(int family) {
  int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) throw lost_by_errno();
  return fd;
}

}  // namespace

void RedisLine::Close::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}
void RedisLine::Close::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

RedisLine::RedisLine(const RedisAddress& address, const HostPort& where,
                     std::chrono::milliseconds budget) {
  auto until = Clock::now() + budget;
  try {
    connect(address, where, until);
    if (address.tls) encrypt(address, where, until);
  } catch (...) {
    if (socket_ >= 0) ::close(socket_);
    throw;
  }
}

RedisLine::~RedisLine() {
  ssl_.reset();
  ::close(socket_);
}

void RedisLine::wait(short events, Clock::time_point until) const {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
  pollfd one{.fd = socket_, .events = events, .revents = 0};
  if (left.count() <= 0 || ::poll(&one, 1, static_cast<int>(left.count())) == 0)
    throw lost("no answer in time");
}

void RedisLine::connect(const RedisAddress& address, const HostPort& where, Clock::time_point until) {
  if (!address.socket.empty()) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (address.socket.size() >= sizeof name.sun_path) throw lost("the socket's path is too long");
    std::memcpy(name.sun_path, address.socket.c_str(), address.socket.size() + 1);
    socket_ = open_socket(AF_UNIX);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) throw lost_by_errno();
    return;
  }
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  if (int error = getaddrinfo(where.host.c_str(), where.port.c_str(), &wanted, &raw))
    throw lost(where.text() + ": " + gai_strerror(error));
  std::unique_ptr<addrinfo, FreeAddresses> found(raw);
  int error = ECONNREFUSED;
  for (const addrinfo* one = found.get(); one; one = one->ai_next) {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
    socket_ = open_socket(one->ai_family);
    if (::connect(socket_, one->ai_addr, one->ai_addrlen) != 0 && errno != EINPROGRESS) {
      error = errno;
      continue;
    }
    wait(POLLOUT, until);
    socklen_t size = sizeof error;
    (void)getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) continue;
    int on = 1;
    (void)setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return;
  }
  throw lost(where.text() + ": " + std::strerror(error));
}

void RedisLine::encrypt(const RedisAddress& address, const HostPort& where, Clock::time_point until) {
  context_.reset(SSL_CTX_new(TLS_client_method()));
  if (!context_) throw lost(tls_error());
  SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
  bool loaded = address.authorities.empty()
                    ? SSL_CTX_set_default_verify_paths(context_.get()) == 1
                    : SSL_CTX_load_verify_file(context_.get(), address.authorities.c_str()) == 1;
  if (!loaded && address.verify) throw lost("ssl_ca_certs cannot be read: " + tls_error());
  ssl_.reset(SSL_new(context_.get()));
  if (!ssl_ || SSL_set_fd(ssl_.get(), socket_) != 1) throw lost(tls_error());
  if (address.verify) {
    SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER, nullptr);
    X509_VERIFY_PARAM* checks = SSL_get0_param(ssl_.get());
    if (X509_VERIFY_PARAM_set1_ip_asc(checks, where.host.c_str()) != 1 &&
        SSL_set1_host(ssl_.get(), where.host.c_str()) != 1)
      throw lost(tls_error());
  }
  SSL_set_tlsext_host_name(ssl_.get(), where.host.c_str());
  SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  for (;;) {
    int done = SSL_connect(ssl_.get());
    if (done == 1) return;
    int error = SSL_get_error(ssl_.get(), done);
    if (error == SSL_ERROR_WANT_READ)
      wait(POLLIN, until);
    else if (error == SSL_ERROR_WANT_WRITE)
      wait(POLLOUT, until);
    else
      throw lost(tls_error());
  }
}

void RedisLine::put(std::span<const std::string_view> words) {
  unsent_ += resp_command(words);
}

bool RedisLine::send_some() {
  if (unsent_.empty()) return false;
  std::ptrdiff_t sent = 0;
  if (ssl_) {
    std::size_t written = 0;
    int done = SSL_write_ex(ssl_.get(), unsent_.data(), unsent_.size(), &written);
    if (done != 1) {
      int error = SSL_get_error(ssl_.get(), done);
      if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
      throw lost("it closed the connection");
    }
    sent = static_cast<std::ptrdiff_t>(written);
  } else {
    sent = ::send(socket_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (sent < 0) throw lost_by_errno();
  }
  unsent_.erase(0, static_cast<std::size_t>(sent));
  return true;
}

bool RedisLine::receive_some() {
  char bytes[16 << 10];
  std::ptrdiff_t got = 0;
  if (ssl_) {
    std::size_t read = 0;
    int done = SSL_read_ex(ssl_.get(), bytes, sizeof bytes, &read);
    if (done != 1) {
      int error = SSL_get_error(ssl_.get(), done);
      if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
      ERR_clear_error();
      throw lost("it closed the connection");
    }
    got = static_cast<std::ptrdiff_t>(read);
  } else {
    got = ::recv(socket_, bytes, sizeof bytes, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (got < 0) throw lost_by_errno();
    if (got == 0) throw lost("it closed the connection");
  }
  reader_.add({bytes, static_cast<std::size_t>(got)});
  return true;
}

void RedisLine::flow() {
  while (send_some()) {
  }
  // Not for ever: whoever reads must also look at the time and at what waits to be sent.
  for (int i = 0; i != 64 && receive_some(); ++i) {
  }
}

Reply RedisLine::ask(std::span<const std::string_view> words, std::chrono::milliseconds budget) {
  auto until = Clock::now() + budget;
  put(words);
  for (;;) {
    flow();
    while (auto reply = next()) {
      bool other = reply->kind == Reply::Kind::push && !reply->list.empty() &&
                   !reply->list.front().text.ends_with("subscribe");
      if (!other) return std::move(*reply);
    }
    wait(static_cast<short>(POLLIN | (unsent_.empty() ? 0 : POLLOUT)), until);
  }
}

}  // namespace antiphon::bus
