#include "bus/redis_session.h"

#include "base/problem.h"

namespace antiphon::bus {
namespace {

using Trouble = RedisState::Trouble;
using namespace std::chrono_literals;

constexpr auto kConnect = 1'000ms;
/// A cluster's slots may be moved while we look for ours.
constexpr int kRedirections = 5;
constexpr std::string_view kMarkSeconds = "2592000";

RedisRefusal refusal(Trouble trouble, const RedisAddress& address, std::string_view why) {
  return {{.trouble = trouble, .text = "Redis at " + address.text() + ": " + std::string(why)}};
}

/// What a server's error means to whoever runs it.
RedisRefusal refused(const RedisAddress& address, const Reply& reply) {
  bool forbidden = reply.is_error("NOPERM") || reply.is_error("NOAUTH") || reply.is_error("WRONGPASS");
  bool old = reply.is_error("ERR unknown command") || reply.is_error("NOPROTO");
  return refusal(forbidden ? Trouble::forbidden
                 : old     ? Trouble::old
                           : Trouble::unreachable,
                 address, reply.text);
}

template <class... Words>
Reply ask(RedisLine& line, const Words&... words) {
  std::string_view all[] = {words...};
  return line.ask(all, kRedisBudget);
}

HostPort master_by_sentinels(const RedisAddress& address) {
  std::string why = "no Sentinel answers";
  RedisAddress plain;  // Sentinels have neither the server's users nor its socket.
  plain.tls = address.tls;
  plain.verify = address.verify;
  plain.authorities = address.authorities;
  for (const HostPort& sentinel : address.sentinels) try {
      RedisLine line(plain, sentinel, kConnect);
      Reply reply = ask(line, "SENTINEL", "get-master-addr-by-name", address.server.host);
      if (reply.list.size() == 2) return {reply.list[0].text, reply.list[1].text};
      why = reply.kind == Reply::Kind::error
                ? reply.text
                : "the Sentinels know no master called " + address.server.host +
                      "; the host of REDIS_URL is that name";
    } catch (const Problem& p) {
      why = "the Sentinel at " + sentinel.text() + ": " + p.cause();
    }
  throw refusal(Trouble::unreachable, address, why);
}

std::unique_ptr<RedisLine> signed_in(const RedisAddress& address, const HostPort& where) {
  auto line = std::make_unique<RedisLine>(address, where, kConnect);
  Reply hello = address.password.empty()
                    ? ask(*line, "HELLO", "3")
                    : ask(*line, "HELLO", "3", "AUTH", address.user.empty() ? "default" : address.user,
                          address.password);
  if (hello.kind == Reply::Kind::error) throw refused(address, hello);
  if (!address.sentinels.empty()) {
    Reply role = ask(*line, "ROLE");  // An ACL may forbid to ask.
    if (!role.list.empty() && role.list.front().text != "master")
      throw refusal(Trouble::unreachable, address, "the Sentinels name one that is no master yet");
  }
  return line;
}

/// "MOVED 3999 127.0.0.1:6381": where the channel's slot is. Without a host it is the same one.
HostPort moved_to(const Reply& reply, const HostPort& from) {
  std::string_view text = reply.text;
  text.remove_prefix(text.rfind(' ') + 1);
  std::size_t colon = text.rfind(':');
  if (colon == text.npos) return from;
  std::string host(text.substr(0, colon));
  return {host.empty() ? from.host : host, std::string(text.substr(colon + 1))};
}

/// Whose the prefix is, by a key that all deployments with this prefix would have; "" when it is ours
/// or nobody may ask. Nothing depends on it.
std::string other_owner(RedisLine& line, const std::string& mark, const std::string& deployment) {
  (void)ask(line, "SET", mark, deployment, "NX", "EX", kMarkSeconds);
  Reply owner = ask(line, "GET", mark);
  if (owner.kind != Reply::Kind::text || owner.text.empty()) return {};
  if (owner.text != deployment) return owner.text;
  (void)ask(line, "EXPIRE", mark, kMarkSeconds);
  return {};
}

RedisSession opened(const RedisAddress& address, const std::string& deployment) {
  HostPort where = address.sentinels.empty() ? address.server : master_by_sentinels(address);
  // The braces put channel and key into one slot of a cluster.
  std::string prefix = "{" + address.prefix + "}:antiphon:";
  RedisSession out;
  out.channel = prefix + deployment;
  out.publish = address.cluster ? "SPUBLISH" : "PUBLISH";
  for (int i = 0;; ++i) {
    out.line = signed_in(address, where);
    Reply reply = ask(*out.line, address.cluster ? "SSUBSCRIBE" : "SUBSCRIBE", out.channel);
    if (reply.kind == Reply::Kind::push) break;
    if (!reply.is_error("MOVED") || i == kRedirections) throw refused(address, reply);
    where = moved_to(reply, where);
  }
  // An ACL may let us listen and not speak; then it is better to know now. Nobody hears an empty one.
  Reply spoken = ask(*out.line, out.publish, out.channel, "");
  if (spoken.kind == Reply::Kind::error) throw refused(address, spoken);
  std::string owner = other_owner(*out.line, prefix + "owner", deployment);
  std::string at = address.sentinels.empty() && !address.cluster ? "" : ", now " + where.text();
  out.state = {.connected = true,
               .trouble = owner.empty() ? Trouble::none : Trouble::shared,
               .text = "Redis at " + address.text() + at + ": accelerator, deployment " + deployment};
  if (!owner.empty())
    out.state.text += "; the prefix " + address.prefix + " is also used by deployment " + owner;
  return out;
}

}  // namespace

RedisSession open_redis(const RedisAddress& address, const std::string& deployment) {
  try {
    return opened(address, deployment);
  } catch (const Problem& p) {
    throw refusal(Trouble::unreachable, address, p.cause().empty() ? p.detail() : p.cause());
  }
}

RedisState look_at_redis(const RedisAddress& address, const std::string& deployment) {
  try {
    return open_redis(address, deployment).state;
  } catch (const RedisRefusal& refusal) {
    return refusal.state;
  }
}

}  // namespace antiphon::bus
