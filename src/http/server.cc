#include "http/server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <thread>

#include "base/async.h"
#include "base/log.h"
#include "base/loops.h"
#include "base/problem.h"
#include "http/core.h"

namespace antiphon::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Acceptor = asio::basic_socket_acceptor<tcp, LoopExecutor>;
using V6Only = asio::detail::socket_option::boolean<IPPROTO_IPV6, IPV6_V6ONLY>;
/// For a port that is in use to become free.
constexpr auto kPortPatience = std::chrono::seconds(1);

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

LoopExecutor typed(const Executor& executor) {
  return *executor.target<LoopExecutor>();
}

/// As in an address: those of IPv6 stand in brackets there, and may where they are set.
std::string host_of(const ServerOptions& options) {
  bool bare = options.host.contains(':') && !options.host.starts_with('[');
  return bare ? "[" + options.host + "]" : options.host;
}

bool speaks_tls(const ServerOptions& options) {
  return !options.certificate_file.empty() || !options.key_file.empty();
}

std::string url_of(const ServerOptions& options, std::uint16_t port) {
  std::string host = host_of(options);
  if (host == "0.0.0.0" || host == "[::]") host = "localhost";
  return (speaks_tls(options) ? "https://" : "http://") + host + ":" + std::to_string(port);
}

Problem cannot_listen(const ServerOptions& options, const error_code& error) {
  std::string where = host_of(options) + ":" + std::to_string(options.port);
  std::string cure = "Check HOST and PORT.";
  if (error == asio::error::address_in_use)
    cure = "Another program listens there; stop it, or set PORT to another number.";
  if (error == asio::error::access_denied)
    cure = "Ports below 1024 need CAP_NET_BIND_SERVICE; set PORT to 1024 or more, or grant it.";
  return Problem(Problem::Kind::unavailable,
                 "Cannot listen on " + where + ": " + error.message() + ". " + cure);
}

tcp::endpoint endpoint_of(const ServerOptions& options, const LoopExecutor& executor) {
  error_code error;
  std::string host = options.host;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  auto address = asio::ip::make_address(host, error);
  if (!error) return {address, options.port};
  asio::ip::basic_resolver<tcp, LoopExecutor> resolver(executor);
  auto found =
      resolver.resolve(options.host, std::to_string(options.port), tcp::resolver::passive, error);
  if (error || found.empty()) throw cannot_listen(options, error);
  return found.begin()->endpoint();
}

template <class AnyAcceptor>
error_code begin_listening(AnyAcceptor& acceptor, const tcp::endpoint& at, bool shared) {
  error_code error;
  acceptor.open(at.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && shared) acceptor.set_option(ReusePort(true), error);
  if (!error && at.protocol() == tcp::v6() && at.address().is_unspecified())
    acceptor.set_option(V6Only(false), error);
  if (!error) acceptor.bind(at, error);
  if (!error) acceptor.listen(4096, error);
  return error;
}

Acceptor listen(const LoopExecutor& executor, const ServerOptions& options, const tcp::endpoint& at) {
  Acceptor acceptor(executor);
  if (error_code error = begin_listening(acceptor, at, true)) throw cannot_listen(options, error);
  return acceptor;
}

/// That nobody else listens there: SO_REUSEPORT would let us share the port with another server of the
/// same user without a word. One that is in use for a moment only is waited for.
///
/// In a context that nobody runs: a thread in epoll_wait that looks at a descriptor while another
/// closes it keeps it open until it is done, and so the port. Whoever asked at that moment whether we
/// are up made our own listening fail.
void make_sure_of(const ServerOptions& options, const tcp::endpoint& at) {
  asio::io_context nobodys;
  for (auto end = std::chrono::steady_clock::now() + kPortPatience;;) {
    tcp::acceptor probe(nobodys);
    error_code error = begin_listening(probe, at, false);
    if (!error) return;
    if (error != asio::error::address_in_use || std::chrono::steady_clock::now() >= end)
      throw cannot_listen(options, error);
    std::this_thread::sleep_for(kPortPatience / 20);
  }
}

Launcher launcher_of(const ServerOptions& options) {
  return speaks_tls(options) ? tls_launcher(options) : plain_launcher();
}

/// A file descriptor kept back: with it, a connection can be accepted and closed when there are none
/// left, instead of spinning on one that stays in the queue.
class ReserveFile {
 public:
  ReserveFile() { open(); }
  ~ReserveFile() { close(); }
  ReserveFile(const ReserveFile&) = delete;
  ReserveFile& operator=(const ReserveFile&) = delete;

  void shed(Acceptor& acceptor) {
    close();
    int refused = ::accept(acceptor.native_handle(), nullptr, nullptr);
    if (refused >= 0) ::close(refused);
    open();
  }

 private:
  void open() { fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  int fd_ = -1;
};

void take(TcpSocket socket, const std::shared_ptr<Core>& core, const std::shared_ptr<LoopState>& loop,
          const Launcher& launch) {
  error_code error;
  auto peer = socket.remote_endpoint(error);
  if (error) return;  // Gone already.
  std::string text = peer.address().to_string();
  auto address = address_of(text);
  if (!address) return;
  if (text.starts_with("::ffff:")) text.erase(0, 7);
  auto ticket = core->admit(*address);
  if (!ticket) {
    static constexpr std::string_view kFull =
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\nContent-Length: "
        "0\r\n\r\n";
    (void)::send(socket.native_handle(), kFull.data(), kFull.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return;
  }
  socket.set_option(tcp::no_delay(true), error);
  socket.set_option(asio::socket_base::keep_alive(true), error);
  launch(std::move(socket), {core, loop, std::move(*ticket), std::move(text)});
}

Task<> accept_all(Acceptor acceptor, std::shared_ptr<Core> core, std::shared_ptr<LoopState> loop,
                  Launcher launch) {
  ReserveFile reserve;
  asio::steady_timer pause(co_await asio::this_coro::executor);
  loop->close_acceptor = [&] {
    // Closing resets whoever waits in the queue already, perhaps with a request sent.
    error_code error;
    acceptor.non_blocking(true, error);
    for (int most = asio::socket_base::max_listen_connections; !error && !core->stopped && most > 0;
         --most) {
      TcpSocket socket(acceptor.get_executor());
      acceptor.accept(socket, error);
      if (!error) take(std::move(socket), core, loop, launch);
    }
    acceptor.close(error);
    pause.cancel();
  };
  while (acceptor.is_open() && !core->stopped) {
    auto [error, socket] = co_await acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
    if (!error) {
      take(std::move(socket), core, loop, launch);
      continue;
    }
    if (error == asio::error::operation_aborted || !acceptor.is_open()) break;
    bool out_of_files = error.value() == EMFILE || error.value() == ENFILE;
    if (!out_of_files && error.value() != ENOBUFS && error.value() != ENOMEM) continue;
    log::warn("Cannot accept a connection", {{"error", error.message()}});
    if (out_of_files) reserve.shed(acceptor);
    pause.expires_after(std::chrono::milliseconds(100));
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  loop->close_acceptor = [] {};
}

Task<> tick_all(std::shared_ptr<Core> core, std::shared_ptr<LoopState> loop) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  loop->close_timer = [&] { timer.cancel(); };
  auto every = core->tick_every();
  while (!core->stopped) {
    timer.expires_after(every);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    loop->tick(core->draining);
  }
  loop->close_timer = [] {};
}

}  // namespace

struct Server::Impl {
  Impl(ServerOptions options, const Router& router, Identify identify, Loops& io)
      : core(std::make_shared<Core>(std::move(options), router, std::move(identify))), loops(io) {}

  std::shared_ptr<Core> core;
  Loops& loops;
  std::vector<std::shared_ptr<LoopState>> states;
  std::uint16_t port = 0;

  template <class Act>
  void on_every_loop(Act act) {
    for (const auto& state : states) asio::post(state->executor(), [state, act] { act(*state); });
  }
};

Server::Server(ServerOptions options, const Router& router, Identify identify, Loops& loops)
    : impl_(std::make_unique<Impl>(std::move(options), router, std::move(identify), loops)) {}

Server::~Server() {
  impl_->core->stopped = true;
  impl_->core->draining = true;
  impl_->on_every_loop([](LoopState& loop) {
    loop.close_acceptor();
    loop.close_timer();
    loop.abort_all();
  });
}

void Server::serve_site(const Site& site) {
  impl_->core->site = &site;
}

void Server::on_socket(std::string path, SocketEndpoint endpoint) {
  impl_->core->sockets.insert_or_assign(std::move(path), std::move(endpoint));
}

void Server::count_in(metrics::Registry& registry) {
  Core& core = *impl_->core;
  core.meters = std::make_unique<Meters>(registry, core.router);
  registry.before_scrape([core = impl_->core] {
    core->meters->connections().set(static_cast<double>(core->connections.load()));
  });
}

void Server::start() {
  Core& core = *impl_->core;
  Launcher launch = launcher_of(core.options);
  LoopExecutor first = typed(impl_->loops.at(0));
  tcp::endpoint at = endpoint_of(core.options, first);
  if (at.port() != 0) make_sure_of(core.options, at);
  std::vector<Acceptor> acceptors;
  for (int i = 0; i != impl_->loops.size(); ++i) {
    acceptors.push_back(listen(typed(impl_->loops.at(i)), core.options, at));
    at.port(acceptors.back().local_endpoint().port());
  }
  impl_->port = at.port();
  for (Acceptor& acceptor : acceptors) {
    LoopExecutor executor = acceptor.get_executor();
    auto& state = impl_->states.emplace_back(std::make_shared<LoopState>(executor));
    spawn_detached(executor, [core = impl_->core, state] { return tick_all(core, state); });
    asio::co_spawn(Executor(executor), accept_all(std::move(acceptor), impl_->core, state, launch),
                   [](std::exception_ptr) {});
  }
}

std::uint16_t Server::port() const {
  return impl_->port;
}

std::string Server::address() const {
  return url_of(impl_->core->options, impl_->port);
}

std::int64_t Server::connections() const {
  return impl_->core->connections;
}

void Server::leave() {
  impl_->core->leaving = true;
}

Task<> Server::drain(std::chrono::milliseconds deadline) {
  std::shared_ptr<Core> core = impl_->core;
  core->draining = true;
  impl_->on_every_loop([](LoopState& loop) {
    loop.close_acceptor();
    loop.tick(true);
  });
  auto end = Clock::now() + deadline;
  while (core->connections > 0 && Clock::now() < end) co_await sleep_for(std::chrono::milliseconds(20));
  if (core->connections == 0) co_return;
  log::warn("Connections were cut off", {{"count", core->connections.load()}});
  impl_->on_every_loop([](LoopState& loop) { loop.abort_all(); });
  // What they wait for may keep them a little longer; nobody waits for that.
  auto grace = Clock::now() + std::chrono::milliseconds(500);
  while (core->connections > 0 && Clock::now() < grace)
    co_await sleep_for(std::chrono::milliseconds(5));
}

std::string rehearse(const ServerOptions& options) {
  TrustedPeers peers(options.trusted_proxies);
  (void)launcher_of(options);
  Loops loops(1);
  LoopExecutor loop = typed(loops.at(0));
  make_sure_of(options, endpoint_of(options, loop));
  return url_of(options, options.port);
}

}  // namespace antiphon::http
