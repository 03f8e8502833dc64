#include "client/transfer.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "base/async.h"
#include "base/problem.h"
#include "client/engine.h"

namespace antiphon::client {
namespace {

constexpr std::size_t kMaxHeaderBytes = 64 * 1024;
constexpr std::size_t kMaxHeaders = 200;

Problem problem(Problem::Kind kind, std::string detail, std::string cause = {}) {
  return Problem(kind, std::move(detail)).because(std::move(cause));
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && std::string_view(" \t\r\n").find(text.back()) != std::string_view::npos)
    text.remove_suffix(1);
  return text;
}

}  // namespace

bool Manner::may_reach(const sockaddr& address) const {
  Network network = classify(address);
  if (network == Network::metadata || network == Network::not_ip) return false;
  if (reach == Reach::admin_configured || network == Network::global) return true;
  return std::any_of(networks.begin(), networks.end(),
                     [&](const Cidr& c) { return c.contains(address); });
}

Transfer::Transfer(Request request, Url url, std::shared_ptr<Engine> engine)
    : request_(std::move(request)), url_(std::move(url)), engine_(std::move(engine)) {}

Transfer::~Transfer() {
  if (easy_) curl_easy_cleanup(easy_);
  curl_slist_free_all(header_list_);
}

// ---- The engine's side.

CURL* Transfer::prepare(const Manner& manner) {
  manner_ = &manner;
  easy_ = curl_easy_init();
  curl_easy_setopt(easy_, CURLOPT_URL, url_.text.c_str());
  curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, words_);
  curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy_, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  curl_easy_setopt(easy_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy_, CURLOPT_OPENSOCKETFUNCTION, &Transfer::on_open);
  curl_easy_setopt(easy_, CURLOPT_OPENSOCKETDATA, this);
  set_method();
  set_headers();
  set_limits(manner);
  return easy_;
}

void Transfer::set_method() {
  const std::string& method = request_.method;
  if (request_.file) {
    curl_easy_setopt(easy_, CURLOPT_POST, 1L);
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.file->size));
    curl_easy_setopt(easy_, CURLOPT_READFUNCTION, &Transfer::on_upload);
    curl_easy_setopt(easy_, CURLOPT_READDATA, this);
    curl_easy_setopt(easy_, CURLOPT_SEEKFUNCTION, &Transfer::on_rewind);
    curl_easy_setopt(easy_, CURLOPT_SEEKDATA, this);
    if (method != "POST") curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, method.c_str());
    return;
  }
  if (method == "GET" && request_.body.empty()) return;
  if (method == "HEAD") {
    curl_easy_setopt(easy_, CURLOPT_NOBODY, 1L);
    return;
  }
  if (method == "POST" || !request_.body.empty()) {
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDS,
                     request_.body.data());  // Not copied: it lives as long as we.
  }
  if (method != "POST") curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, method.c_str());
}

void Transfer::set_headers() {
  bool has_type = false;
  for (const Header& h : request_.headers) {
    has_type = has_type || same_name(h.first, "content-type");
    std::string line = h.second.empty() ? h.first + ";" : h.first + ": " + h.second;
    header_list_ = curl_slist_append(header_list_, line.c_str());
  }
  header_list_ = curl_slist_append(header_list_, "Expect:");
  if (!has_type) header_list_ = curl_slist_append(header_list_, "Content-Type:");
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, header_list_);
  curl_easy_setopt(easy_, CURLOPT_ACCEPT_ENCODING, "");  // All it was built with.
}

void Transfer::set_limits(const Manner& manner) {
  auto set = [this](CURLoption option, long value) { curl_easy_setopt(easy_, option, value); };
  auto text = [this](CURLoption option, const std::string& value) {
    curl_easy_setopt(easy_, option, value.c_str());
  };
  text(CURLOPT_PROTOCOLS_STR, "http,https");
  text(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0);
  set(CURLOPT_UNRESTRICTED_AUTH, 0);
  set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1);
  set(CURLOPT_NETRC, CURL_NETRC_IGNORED);
  set(CURLOPT_NOSIGNAL, 1);
  set(CURLOPT_QUICK_EXIT, 1);  // Else a cancel waits, on our loop, for getaddrinfo's thread.
  set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1);
  set(CURLOPT_TCP_KEEPALIVE, 1);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request_.total_timeout.count()));
  set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  bool verify = manner.verify_tls || manner.reach == Reach::untrusted;
  set(CURLOPT_SSL_VERIFYPEER, verify ? 1 : 0);
  set(CURLOPT_SSL_VERIFYHOST, verify ? 2 : 0);
  text(CURLOPT_USERAGENT, manner.user_agent);
  if (!manner.ca_file.empty()) text(CURLOPT_CAINFO, manner.ca_file);
  text(CURLOPT_PROXY, url_.scheme == "https" ? manner.proxies.https : manner.proxies.http);
  text(CURLOPT_NOPROXY, manner.proxies.none_for);
}

void Transfer::watch_for_stall() {
  if (request_.stall_timeout.count() <= 0) return;
  last_byte_ = std::chrono::steady_clock::now();
  stall_timer_ = std::make_unique<boost::asio::steady_timer>(engine_->loop());
  wait_for_stall(last_byte_ + request_.stall_timeout);
}

/// The timer is moved only when it fires, so that a byte costs no more than noting its time.
void Transfer::wait_for_stall(std::chrono::steady_clock::time_point due) {
  stall_timer_->expires_at(due);
  stall_timer_->async_wait([weak = weak_from_this()](auto error) {
    auto self = weak.lock();
    if (error || !self || !self->stall_timer_) return;
    auto now = std::chrono::steady_clock::now();
    auto last = self->paused() ? now : self->last_byte_;  // Paused: it is we who make the peer wait.
    if (last + self->request_.stall_timeout > now)
      return self->wait_for_stall(last + self->request_.stall_timeout);
    self->stalled_ = true;
    self->engine_->end(self, self->explain(CURLE_OPERATION_TIMEDOUT));
  });
}

bool Transfer::gathers() const {
  if (!gathers_) return false;
  long version = CURL_HTTP_VERSION_NONE;
  curl_easy_getinfo(easy_, CURLINFO_HTTP_VERSION, &version);
  return version == CURL_HTTP_VERSION_1_1 || version == CURL_HTTP_VERSION_1_0;
}

bool Transfer::paused() const {
  std::scoped_lock lock(mutex_);
  return paused_;
}

bool Transfer::cancelled() const {
  std::scoped_lock lock(mutex_);
  return cancelled_;
}

void Transfer::unpause() {
  last_byte_ = std::chrono::steady_clock::now();
  curl_easy_pause(easy_, CURLPAUSE_CONT);
}

curl_socket_t Transfer::on_open(void* pointer, curlsocktype purpose, curl_sockaddr* address) {
  auto* self = static_cast<Transfer*>(pointer);
  if (purpose != CURLSOCKTYPE_IPCXN || !self->manner_->may_reach(address->addr)) {
    self->refused_ = true;
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
}

std::size_t Transfer::on_upload(char* bytes, std::size_t one, std::size_t count, void* pointer) {
  auto* self = static_cast<Transfer*>(pointer);
  self->last_byte_ = std::chrono::steady_clock::now();
  const FileBody& file = *self->request_.file;
  std::size_t left = static_cast<std::size_t>(file.size - self->uploaded_);
  ssize_t size = ::pread(file.descriptor, bytes, std::min(one * count, left), self->uploaded_);
  // A file that has become shorter than was said ends the request.
  if (size < 0 || (size == 0 && left != 0)) return CURL_READFUNC_ABORT;
  self->uploaded_ += size;
  return static_cast<std::size_t>(size);
}

/// A kept connection that turns out to be closed has taken some of it already.
int Transfer::on_rewind(void* pointer, curl_off_t offset, int origin) {
  if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<Transfer*>(pointer)->uploaded_ = offset;
  return CURL_SEEKFUNC_OK;
}

std::size_t Transfer::on_header(char* bytes, std::size_t one, std::size_t count, void* pointer) {
  auto* self = static_cast<Transfer*>(pointer);
  return self->take_header({bytes, one * count}) ? one * count : 0;
}

bool Transfer::take_header(std::string_view line) {
  last_byte_ = std::chrono::steady_clock::now();
  header_bytes_ += line.size();
  if (header_bytes_ > kMaxHeaderBytes || headers_.size() > kMaxHeaders) {
    bad_header_ = true;
    return false;
  }
  std::unique_lock lock(mutex_);
  if (cancelled_) return false;
  if (opened_) return true;  // A trailer.
  if (line.starts_with("HTTP/")) {
    headers_.clear();
    return true;
  }
  if (!trim(line).empty()) {
    std::size_t colon = line.find(':');
    if (colon != std::string_view::npos)
      headers_.emplace_back(trim(line.substr(0, colon)), trim(line.substr(colon + 1)));
    return true;
  }
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  if (status < 200) return true;  // 103 and its like; the real header follows.
  status_ = static_cast<int>(status);
  opened_ = true;
  wake(lock);
  return true;
}

std::size_t Transfer::on_body(char* bytes, std::size_t one, std::size_t count, void* pointer) {
  return static_cast<Transfer*>(pointer)->take_body({bytes, one * count});
}

std::size_t Transfer::take_body(std::string_view bytes) {
  last_byte_ = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  if (cancelled_) return 0;
  if (body_bytes_ + bytes.size() > request_.max_body) {
    too_large_ = true;
    return 0;
  }
  if (buffer_.size() >= kBufferLimit) {
    paused_ = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  body_bytes_ += bytes.size();
  buffer_.append(bytes);
  wake(lock);
  return bytes.size();
}

void Transfer::finish(CURLcode code) {
  stall_timer_.reset();
  if (code != CURLE_OK) return fail(explain(code));
  std::unique_lock lock(mutex_);
  ended_ = true;
  if (!opened_)
    failure_ = problem(Problem::Kind::upstream, "The server at " + url_.host + " sent no answer.");
  wake(lock);
}

void Transfer::fail(Problem error) {
  stall_timer_.reset();
  std::unique_lock lock(mutex_);
  if (!failure_) failure_ = std::move(error);
  ended_ = true;
  wake(lock);
}

Problem Transfer::explain(CURLcode code) const {
  using enum Problem::Kind;
  bool open = request_.called.empty();
  std::string where = open ? url_.host + ":" + std::to_string(url_.port) : request_.called;
  std::string server = open ? "the server at " + where : where;
  std::string begun = server;
  begun[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(begun[0])));
  std::string cause =
      std::string(curl_easy_strerror(code)) + (words_[0] ? std::string(": ") + words_ : "");
  if (!open) cause += " (" + url_.host + ":" + std::to_string(url_.port) + ")";
  if (too_large_) return problem(upstream, "The answer of " + where + " is too large.", cause);
  if (bad_header_)
    return problem(upstream, "The answer of " + where + " has too large a header.", cause);
  if (stalled_)
    return problem(
        upstream,
        begun + " sent nothing for " + std::to_string(request_.stall_timeout.count() / 1000) + " s.",
        open ? "stalled" : cause);
  bool connected = false;
  {
    std::scoped_lock lock(mutex_);
    connected = opened_;
  }
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return problem(upstream, "The name " + (open ? url_.host : "of " + server) + " is not known.",
                     cause);
    case CURLE_COULDNT_RESOLVE_PROXY:
      return problem(upstream, "The proxy's name is not known.", cause);
    case CURLE_COULDNT_CONNECT:
      if (refused_) return problem(invalid, "This address must not be used.", cause);
      return problem(upstream,
                     open ? "No server answers at " + where + "." : begun + " does not answer.", cause);
    case CURLE_OPERATION_TIMEDOUT:
      return problem(upstream, begun + " did not answer in time.", cause);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
      return problem(upstream, "No secure connection to " + where + " is possible.", cause);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_LOGIN_DENIED:
      return problem(invalid, "This is not a valid URL.", cause);
    default:
      return problem(upstream,
                     connected ? "The connection to " + where + " broke in the middle of the answer."
                               : "The connection to " + where + " broke before an answer came.",
                     cause);
  }
}

// ---- The reader's side.

void Transfer::wake(std::unique_lock<std::mutex>& lock) {
  auto waiter = std::exchange(waiter_, nullptr);
  lock.unlock();
  if (waiter) waiter();
}

Task<> Transfer::wait(For what) {
  co_await suspend([self = shared_from_this(), what](std::function<void()> resume) {
    std::unique_lock lock(self->mutex_);
    bool ready = self->ended_ || self->cancelled_ || !self->buffer_.empty();
    if (!ready && !(what == For::header && self->opened_)) {
      self->waiter_ = std::move(resume);
      return;
    }
    lock.unlock();
    resume();
  });
}

void Transfer::start() {
  engine_->start(shared_from_this());
}

Task<> Transfer::opened() {
  while (true) {
    {
      std::scoped_lock lock(mutex_);
      if (opened_) co_return;
      if (failure_) throw Problem(*failure_);
    }
    co_await wait(For::header);
  }
}

Task<std::string> Transfer::read() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (!buffer_.empty()) {
        std::string out = std::exchange(buffer_, {});
        bool resume = std::exchange(paused_, false);
        lock.unlock();
        if (resume) engine_->unpause(shared_from_this());
        co_return out;
      }
      if (failure_) throw Problem(*failure_);
      if (ended_) co_return std::string();
    }
    co_await wait(For::body);
  }
}

void Transfer::cancel() {
  std::unique_lock lock(mutex_);
  if (cancelled_) return;
  bool running = !ended_;
  cancelled_ = ended_ = true;
  buffer_.clear();
  if (!failure_) failure_ = problem(Problem::Kind::upstream, "The request was cancelled.", "cancelled");
  wake(lock);
  if (running) engine_->abandon(shared_from_this());
}

}  // namespace antiphon::client
