#include "realtime/forward.h"

#include <algorithm>

#include "base/encode.h"
#include "base/log.h"
#include "base/problem.h"

namespace antiphon::realtime {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kName = 8;
/// A request that comes with it goes no further, whatever replicas believe of one another.
constexpr std::string_view kPassedOn = "X-Antiphon-Passed-On";
constexpr auto kRemember = 30s;
/// Longer than a poll waits, which is until the next ping.
constexpr auto kPatience = 60s;
constexpr std::size_t kMaxAnswer = 32 << 20;

bool is_name(std::string_view text) {
  return text.size() == kName && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

Forward::Forward(std::string own, client::Client& client, AddressOf address_of)
    : prefix_(std::move(own)), client_(client), address_of_(std::move(address_of)) {}

Task<std::optional<std::string>> Forward::address_of(std::string name) {
  auto now = std::chrono::steady_clock::now();
  {
    std::scoped_lock lock(mutex_);
    auto at = known_.find(name);
    if (at != known_.end() && now - at->second.at < kRemember) co_return at->second.address;
  }
  auto address = co_await address_of_(name);
  std::scoped_lock lock(mutex_);
  if (known_.size() >= kMaxKnown) known_.clear();
  if (address)
    known_.insert_or_assign(name, Known{*address, now});
  else
    known_.erase(name);
  co_return address;
}

Task<std::optional<http::Response>> Forward::pass_on(const http::Request& request, std::string path) {
  std::string sid = request.parameter("sid").value_or("");
  std::string name = sid.substr(0, kName);
  if (!is_name(name) || name == prefix_ || !request.headers.get(kPassedOn).empty())
    co_return std::nullopt;
  auto address = co_await address_of(name);
  if (!address) co_return std::nullopt;
  client::Request to{.method = std::string(request.method),
                     .url = *address + path + "?EIO=4&transport=polling&sid=" + percent_encode(sid),
                     .headers = {{std::string(kPassedOn), "1"}},
                     .body = request.body,
                     .reach = client::Reach::admin_configured,
                     .connect_timeout = 2s,
                     .stall_timeout = kPatience,
                     .max_body = kMaxAnswer,
                     .called = "another replica"};
  if (!request.body.empty()) to.headers.emplace_back("Content-Type", "text/plain;charset=UTF-8");
  try {
    client::Response answer = co_await client_.fetch(std::move(to));
    http::Response out{.status = answer.status,
                       .type = std::string(answer.header("Content-Type")),
                       .body = std::move(answer.body)};
    out.header("Cache-Control", "no-store");
    co_return out;
  } catch (const Problem& problem) {
    log::debug("A poll could not be passed on", {{"to", *address}, {"cause", problem.cause()}});
  }
  std::scoped_lock lock(mutex_);
  known_.erase(name);
  co_return std::nullopt;
}

}  // namespace antiphon::realtime
