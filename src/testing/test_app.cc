#include "testing/test_app.h"

#include <utility>

#include "base/encode.h"
#include "store/migrate.h"

namespace antiphon::testing {
namespace {

/// Keeps what is streamed.
class Kept final : public http::Stream {
 public:
  Task<> begin(http::Response head) override {
    head_ = std::move(head);
    co_return;
  }
  Task<> write(std::string_view bytes) override {
    head_.body += bytes;
    co_return;
  }
  bool gone() const override { return false; }
  http::Response head_;
};

http::Request request_of(std::string method, const std::string& target, std::string body) {
  http::Request out;
  out.method = std::move(method);
  std::size_t mark = target.find('?');
  out.raw_path = target.substr(0, mark);
  out.path = percent_decode(out.raw_path).value_or(out.raw_path);
  std::string_view query =
      mark == target.npos ? std::string_view{} : std::string_view(target).substr(mark + 1);
  while (!query.empty()) {
    std::size_t amp = query.find('&'), eq = query.find('=');
    std::string_view pair = query.substr(0, amp);
    query = amp == query.npos ? std::string_view{} : query.substr(amp + 1);
    eq = pair.find('=');
    std::string value = eq == pair.npos ? "" : percent_decode(pair.substr(eq + 1), true).value_or("");
    out.query.emplace(percent_decode(pair.substr(0, eq), true).value_or(""), std::move(value));
  }
  if (!body.empty()) out.headers.add("Content-Type", "application/json");
  out.body = std::move(body);
  out.scheme = "http";
  out.host = "antiphon.test";
  return out;
}

}  // namespace

json::Value Reply::json() const {
  std::optional<json::Value> value = json::try_parse(body);
  EXPECT_TRUE(value) << "no JSON: " << body;
  return value.value_or(nullptr);
}

std::string Reply::at(std::initializer_list<std::string_view> path) const {
  json::Value value = json();
  const json::Value* found = json::find(value, path);
  if (!found) return "";
  return found->is_string() ? std::string(json::view(found->as_string())) : json::serialize(*found);
}

std::string Reply::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return "";
}

TestApp::TestApp(store::Engine engine, bool persistent)
    : store(engine), sealer({Secret(std::string(32, 'k'))}) {
  registry.add(settings);
  registry.add(permissions);
  registry.add(general);
  run([&] { return store::migrate(*store.db); });
  config.emplace(*store.db, registry, &sealer, persistent);
  run([&] { return config->load(); });
  auth.emplace(*store.db, auth::KeyRing(auth::parse_keys("a-secret-for-tests-only")), settings,
               permissions);
  run([&] { return auth->load(); });
  blobs.emplace(*store.db);
  users.emplace(*store.db, *auth, settings, blobs->blobs);
  groups.emplace(*store.db, auth->principals);
  auths::Parts parts{*auth, *users, settings, general, *config};
  auths.emplace(parts);
  // One model that everybody may use, and one for each group.
  auto usable_models = [](UserId, bool,
                          std::set<std::string, std::less<>> in) -> Task<users::UsableModels> {
    users::UsableModels out{{"open", "Open"}};
    for (const std::string& id : in) out.emplace_back("for " + id, "For a group");
    co_return out;
  };
  users::add_routes(router,
                    {*users, *groups, *auth, settings, permissions, general, *config, usable_models});
  auths::add_routes(router, *auths, parts);
}
TestApp::~TestApp() = default;

TestApp::Client TestApp::as(const std::string& name, Role role) {
  Client out(*this);
  std::string email = name + "@x.io";
  std::optional<auth::Account> account = run([&] { return auth->accounts.by_email(email); });
  if (!account) {
    if (role != Role::admin && !run([&] { return auth->accounts.any(); })) (void)admin();
    auth::NewAccount form{.name = name, .email = email, .password_hash = "-", .role = role};
    account = run([&] { return auth->accounts.create(form, nullptr, nullptr); }).account;
  }
  out.id = {account.value().id};
  out.token = auth->sessions.begin(*account, "password").token;
  return out;
}

TestApp::Client TestApp::with_token(std::string token) {
  Client out(*this);
  out.token = std::move(token);
  return out;
}

TestApp::Client TestApp::Client::with(std::string name, std::string value) const {
  Client out = *this;
  out.headers_.emplace(std::move(name), std::move(value));
  return out;
}
TestApp::Client TestApp::Client::from(std::string address) const {
  Client out = *this;
  out.address_ = std::move(address);
  return out;
}
TestApp::Client TestApp::Client::behind_proxy() const {
  Client out = *this;
  out.proxied_ = true;
  return out;
}

Reply TestApp::Client::send(std::string method, std::string path, std::string body) {
  http::Request request = request_of(std::move(method), path, std::move(body));
  request.remote = address_;
  request.from_proxy = proxied_;
  if (!token.empty()) request.headers.add("Authorization", "Bearer " + token);
  for (const auto& [name, value] : headers_) request.headers.add(name, value);
  request.origin = http::classify_origin(request, {});
  Kept stream;
  http::Call call{.request = request, .stream = stream, .caller = {}};
  call.caller = run([&] { return app_->auth->identify(request); });
  std::string allow;
  const http::Route* route = app_->router.find(call, &allow);
  if (!route) {
    http::Response none = http::Router::no_route(allow);
    return {none.status, none.body, none.headers};
  }
  std::optional<http::Response> reply = run([&] { return app_->router.serve(*route, call); });
  http::Response out = reply ? std::move(*reply) : std::move(stream.head_);
  if (!out.fixed_body.empty()) out.body = out.fixed_body;
  for (auto& header : call.extra_headers) {
    bool there = std::ranges::find(out.headers, header) != out.headers.end();
    if (!there) out.headers.push_back(header);
  }
  return {out.status, std::move(out.body), std::move(out.headers)};
}

}  // namespace antiphon::testing
