#include "client/engine.h"

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <cstdint>

#include "base/beat.h"
#include "base/problem.h"

namespace antiphon::client {
namespace asio = boost::asio;

namespace {
using std::chrono::steady_clock;
using namespace std::chrono_literals;

/// What brings more at a time does not trickle.
constexpr std::size_t kTrickle = 16 * 1024;
/// So many sockets are read together; more in up to eight shares of the beat, so that no loop is long
/// at it. Not under 200 us a socket, however many there are.
constexpr std::size_t kTogether = 50;
constexpr auto kEach = 200us;

steady_clock::duration share(std::size_t gathered) {
  return kBeat / std::clamp<std::int64_t>(static_cast<std::int64_t>(gathered / kTogether), 1, 8);
}
}  // namespace

/// A socket of libcurl's. Asio watches the descriptor and never owns it.
struct Engine::Watch {
  Watch(const Executor& loop, curl_socket_t fd) : fd(fd), descriptor(loop) {}
  ~Watch() { end(); }
  /// Ends its waits. At once, not when the last handler lets go: libcurl may use the descriptor again.
  void end() {
    wanted = 0;
    gathered = false;
    let_go();
  }
  void let_go() {
    if (descriptor.is_open()) (void)descriptor.release();
  }
  const curl_socket_t fd;
  asio::posix::stream_descriptor descriptor;
  CURL* easy = nullptr;                   ///< Whose it was when libcurl last spoke of it.
  bool gathered = false;                  ///< Not watched but read at intervals.
  int wanted = 0;                         ///< CURL_CSELECT_IN and _OUT.
  bool armed[3] = {false, false, false};  ///< Indexed by direction.
};

Engine::Engine(Executor loop, Manner manner, int max_connections)
    : loop_(std::move(loop)),
      manner_(std::move(manner)),
      multi_(curl_multi_init()),
      timer_(loop_),
      gathered_due_(loop_) {
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Engine::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Engine::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, long{CURLPIPE_MULTIPLEX});
  curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(max_connections));
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 64L);  // Idle ones kept.
}

Engine::~Engine() {
  if (!multi_) return;
  for (auto& [easy, transfer] : running_) curl_multi_remove_handle(multi_, easy);
  curl_multi_cleanup(multi_);
}

void Engine::start(std::shared_ptr<Transfer> transfer) {
  asio::dispatch(loop_,
                 [self = shared_from_this(), transfer = std::move(transfer)] { self->add(transfer); });
}

void Engine::abandon(std::shared_ptr<Transfer> transfer) {
  asio::dispatch(
      loop_, [self = shared_from_this(), transfer = std::move(transfer)] { self->remove(transfer); });
}

void Engine::unpause(std::shared_ptr<Transfer> transfer) {
  asio::dispatch(loop_, [self = shared_from_this(), transfer = std::move(transfer)] {
    if (self->running_.contains(transfer->easy())) transfer->unpause();
  });
}

void Engine::close(std::function<void()> closed) {
  asio::post(loop_, [self = shared_from_this(), closed = std::move(closed)] {
    if (self->closed_) return closed();
    self->closed_ = true;
    auto error = Problem(Problem::Kind::unavailable, "The server is stopping.");
    while (!self->running_.empty()) self->end(std::shared_ptr(self->running_.begin()->second), error);
    curl_multi_cleanup(std::exchange(self->multi_, nullptr));
    self->timer_.cancel();
    self->gathered_due_.cancel();
    closed();
  });
}

void Engine::add(const std::shared_ptr<Transfer>& transfer) {
  if (transfer->cancelled()) return;  // Before it began: a cancel on this loop overtakes the start.
  if (closed_) return transfer->fail(Problem(Problem::Kind::unavailable, "The server is stopping."));
  CURL* easy = transfer->prepare(manner_);
  running_[easy] = transfer;
  if (curl_multi_add_handle(multi_, easy) != CURLM_OK)
    return end(transfer, Problem(Problem::Kind::internal, "The request could not start."));
  transfer->watch_for_stall();
}

void Engine::remove(const std::shared_ptr<Transfer>& transfer) {
  if (running_.erase(transfer->easy()) != 0) curl_multi_remove_handle(multi_, transfer->easy());
}

void Engine::end(const std::shared_ptr<Transfer>& transfer, Problem error) {
  remove(transfer);
  transfer->fail(std::move(error));
}

int Engine::on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void*) {
  static_cast<Engine*>(self)->watch(easy, fd, what);
  return 0;
}

void Engine::watch(CURL* easy, curl_socket_t fd, int what) {
  if (what == CURL_POLL_REMOVE) {
    if (auto found = watches_.find(fd); found != watches_.end()) found->second->end();
    watches_.erase(fd);
    return;
  }
  auto& watch = watches_[fd];
  if (!watch) watch = std::make_shared<Watch>(loop_, fd);
  watch->wanted =
      (what & CURL_POLL_IN ? CURL_CSELECT_IN : 0) | (what & CURL_POLL_OUT ? CURL_CSELECT_OUT : 0);
  watch->easy = easy;
  watch->gathered = false;
  arm(watch, CURL_CSELECT_IN);
  arm(watch, CURL_CSELECT_OUT);
}

void Engine::arm(const std::shared_ptr<Watch>& watch, int direction) {
  if (!(watch->wanted & direction) || watch->armed[direction]) return;
  watch->armed[direction] = true;
  auto wait = direction == CURL_CSELECT_IN ? asio::posix::stream_descriptor::wait_read
                                           : asio::posix::stream_descriptor::wait_write;
  if (!watch->descriptor.is_open()) watch->descriptor.assign(watch->fd);
  watch->descriptor.async_wait(
      wait, [self = shared_from_this(), weak = std::weak_ptr(watch), direction](auto error) {
        auto watch = weak.lock();
        if (!watch) return;
        watch->armed[direction] = false;
        if (error == asio::error::operation_aborted || !(watch->wanted & direction)) return;
        self->act(watch->fd, error ? direction | CURL_CSELECT_ERR : direction);
        if (!self->holds(*watch)) return;
        if (direction == CURL_CSELECT_IN && self->gathering(*watch))
          self->gather(watch);
        else
          self->arm(watch, direction);
      });
}

/// libcurl may have closed this socket, and even opened another under its number.
bool Engine::holds(const Watch& watch) const {
  auto now = watches_.find(watch.fd);
  return now != watches_.end() && now->second.get() == &watch;
}

/// The transfer of a socket that is only read from, and at intervals; else nothing.
Transfer* Engine::gathering(const Watch& watch) const {
  auto found = running_.find(watch.easy);
  bool reads = found != running_.end() && watch.wanted == CURL_CSELECT_IN;
  return reads && found->second->gathers() ? found->second.get() : nullptr;
}

/// Out of the loop's epoll set as well: a watched descriptor wakes the loop for each piece.
void Engine::gather(const std::shared_ptr<Watch>& watch) {
  watch->gathered = true;
  watch->let_go();
  auto due = on_grid(steady_clock::now(), share(gathered_.size()));
  if (gathered_.emplace(due, watch) == gathered_.begin()) wait_for_gathered();
}

void Engine::wait_for_gathered() {
  gathered_due_.expires_at(gathered_.begin()->first);
  gathered_due_.async_wait([engine = weak_from_this()](auto error) {
    auto self = engine.lock();
    if (!error && self && !self->closed_) self->read_gathered();
  });
}

void Engine::read_gathered() {
  auto now = steady_clock::now();
  auto step = share(gathered_.size());
  // The same place in the next beat: `now` is a little after this one.
  auto wait = std::max<steady_clock::duration>(kBeat, gathered_.size() * kEach) - step / 2;
  while (!gathered_.empty() && gathered_.begin()->first <= now) {
    auto watch = gathered_.begin()->second.lock();
    gathered_.erase(gathered_.begin());
    if (!watch || !watch->gathered) continue;
    Transfer* transfer = gathering(*watch);
    std::size_t before = transfer ? transfer->body_bytes() : 0;
    act(watch->fd, CURL_CSELECT_IN);
    if (!holds(*watch) || !watch->gathered) continue;
    transfer = gathering(*watch);
    std::size_t got = transfer ? transfer->body_bytes() - before : 0;
    if (got != 0 && got < kTrickle) {
      gathered_.emplace(on_grid(now + wait, step), watch);
    } else {
      watch->gathered = false;
      arm(watch, CURL_CSELECT_IN);
    }
  }
  if (!gathered_.empty()) wait_for_gathered();
}

int Engine::on_timer(CURLM*, long milliseconds, void* pointer) {
  auto* self = static_cast<Engine*>(pointer);
  if (milliseconds < 0) {
    self->timer_.cancel();
    return 0;
  }
  self->timer_.expires_after(std::chrono::milliseconds(milliseconds));
  self->timer_.async_wait([engine = self->weak_from_this()](auto error) {
    auto self = engine.lock();
    if (!error && self && !self->closed_) self->act(CURL_SOCKET_TIMEOUT, 0);
  });
  return 0;
}

void Engine::act(curl_socket_t fd, int events) {
  if (closed_) return;
  int running = 0;
  curl_multi_socket_action(multi_, fd, events, &running);
  collect();
}

void Engine::collect() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURLcode code = message->data.result;
    auto found = running_.find(message->easy_handle);
    if (found == running_.end()) continue;
    auto transfer = found->second;
    remove(transfer);
    transfer->finish(code);
  }
}

}  // namespace antiphon::client
