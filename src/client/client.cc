#include "client/client.h"

#include <curl/curl.h>

#include <atomic>
#include <cstdlib>
#include <mutex>

#include "base/async.h"
#include "base/loops.h"
#include "base/problem.h"
#include "client/engine.h"
#include "client/transfer.h"
#include "client/url.h"

namespace antiphon::client {
namespace {

std::string environment(std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const char* value = std::getenv(name); value && *value) return value;
  return {};
}

Proxies environment_proxies() {
  return {.http = environment({"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}),
          .https = environment({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}),
          .none_for = environment({"no_proxy", "NO_PROXY"})};
}

std::vector<Cidr> networks(const std::vector<std::string>& texts) {
  std::vector<Cidr> out;
  for (const std::string& text : texts) {
    auto cidr = Cidr::parse(text);
    if (!cidr)
      throw Problem(Problem::Kind::invalid, "\"" + text + "\" is not an address or a network.");
    out.push_back(std::move(*cidr));
  }
  return out;
}

Manner manner_for(Reach reach, const Options& options) {
  Manner out{.reach = reach,
             .user_agent = options.user_agent,
             .ca_file = options.ca_file,
             .verify_tls = options.verify_tls,
             .proxies = {},
             .networks = networks(options.untrusted_networks)};
  if (reach == Reach::admin_configured)
    out.proxies = options.proxies ? *options.proxies : environment_proxies();
  return out;
}

bool redirects(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// What a browser would send to where it was sent on to.
void follow(Request& request, int status, const Url& from, const Url& to) {
  bool posts = request.method == "POST";
  if ((status == 303 && request.method != "HEAD") || (status <= 302 && posts)) {
    request.method = "GET";
    request.body.clear();
  }
  if (from.origin != to.origin) request.headers = without_credentials(request.headers);
}

std::string_view find_header(const std::vector<Header>& headers, std::string_view name) {
  for (const Header& h : headers)
    if (same_name(h.first, name)) return h.second;
  return {};
}

class CurlIncoming final : public Incoming {
 public:
  explicit CurlIncoming(std::shared_ptr<Transfer> transfer) : transfer_(std::move(transfer)) {}
  ~CurlIncoming() override { transfer_->cancel(); }
  int status() const override { return transfer_->status(); }
  const std::vector<Header>& headers() const override { return transfer_->headers(); }
  Task<std::string> read() override { return transfer_->read(); }
  void gather() override { transfer_->gather(); }
  void cancel() override { transfer_->cancel(); }
  Task<> opened() { return transfer_->opened(); }

 private:
  std::shared_ptr<Transfer> transfer_;
};

class CurlClient final : public Client {
 public:
  CurlClient(const Options& options, Loops& loops) {
    static std::once_flag once;  // libcurl's own demand; safe from any thread.
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    int share = std::max(1, options.max_connections / loops.size());
    for (int i = 0; i != loops.size(); ++i) {
      admin_.push_back(
          std::make_shared<Engine>(loops.at(i), manner_for(Reach::admin_configured, options), share));
      untrusted_.push_back(
          std::make_shared<Engine>(loops.at(i), manner_for(Reach::untrusted, options), share));
    }
  }

  Task<std::unique_ptr<Incoming>> open(Request request) override {
    Url url = parse_url(request.url);
    check_header({request.method, ""});
    for (const Header& h : request.headers) check_header(h);
    for (int hops = 0;; ++hops) {
      auto incoming = co_await open_one(request, url);
      if (request.max_redirects == 0 || !redirects(incoming->status())) co_return incoming;
      std::string location(find_header(incoming->headers(), "location"));
      if (location.empty()) co_return incoming;
      if (hops == request.max_redirects)
        throw Problem(Problem::Kind::upstream, "The server at " + url.host + " redirects too often.");
      Url next = join_url(url, location);
      follow(request, incoming->status(), url, next);
      url = std::move(next);
    }
  }

  Task<Response> fetch(Request request) override {
    auto incoming = co_await open(std::move(request));
    Response out{.status = incoming->status(), .headers = incoming->headers(), .body = {}};
    while (true) {
      std::string piece = co_await incoming->read();
      if (piece.empty()) co_return out;
      out.body += piece;
    }
  }

  Task<> close() override {
    for (const auto* engines : {&admin_, &untrusted_})
      for (const auto& engine : *engines)
        co_await suspend([engine](std::function<void()> resume) { engine->close(std::move(resume)); });
  }

 private:
  Task<std::unique_ptr<Incoming>> open_one(const Request& request, const Url& url) {
    Executor here = co_await current_executor();
    auto transfer = std::make_shared<Transfer>(request, url, engine_for(request.reach, here));
    auto incoming = std::make_unique<CurlIncoming>(transfer);
    transfer->start();
    if (request.on_begin) request.on_begin([transfer] { transfer->cancel(); });
    co_await incoming->opened();
    co_return incoming;
  }

  /// That of the caller's own loop, so that nothing changes threads; else each in turn.
  std::shared_ptr<Engine> engine_for(Reach reach, const Executor& here) {
    auto& engines = reach == Reach::untrusted ? untrusted_ : admin_;
    for (const auto& engine : engines)
      if (engine->loop() == here) return engine;
    return engines[turn_++ % engines.size()];
  }

  std::vector<std::shared_ptr<Engine>> admin_, untrusted_;
  std::atomic<unsigned> turn_ = 0;
};

}  // namespace

std::string_view Response::header(std::string_view name) const {
  return find_header(headers, name);
}

std::unique_ptr<Client> make_client(Options options, Loops& loops) {
  return std::make_unique<CurlClient>(options, loops);
}

}  // namespace antiphon::client
