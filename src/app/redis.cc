#include "app/redis.h"

#include <stdexcept>

#include "base/log.h"
#include "base/problem.h"
#include "cluster/codes.h"

namespace antiphon::app {
namespace {

/// Null when all is well.
const cluster::Code* code_of(const bus::RedisState& state) {
  switch (state.trouble) {
    case bus::RedisState::Trouble::none:
      return nullptr;
    case bus::RedisState::Trouble::unreachable:
      return &cluster::kRedisUnreachable;
    case bus::RedisState::Trouble::forbidden:
      return &cluster::kRedisForbids;
    case bus::RedisState::Trouble::shared:
      return &cluster::kRedisShared;
    case bus::RedisState::Trouble::old:
      return &cluster::kRedisTooOld;
  }
  return nullptr;
}

}  // namespace

bus::RedisAddress RedisSettings::address(const config::Values& values) const {
  bus::RedisAddress out = bus::parse_redis_url(url(values), "REDIS_URL");
  out.prefix = prefix(values);
  out.sentinels = bus::parse_sentinels(sentinels(values), sentinel_port(values));
  out.cluster = cluster(values);
  return out;
}

void RedisSettings::check(const config::Values& values) const {
  if (prefix(values).find_first_of("{}") != std::string::npos)
    throw std::invalid_argument("REDIS_KEY_PREFIX: it must have no braces");
  try {
    (void)address(values);
  } catch (const Problem& p) {
    throw std::invalid_argument(p.detail());
  }
}

std::string said_of_redis(const bus::RedisState& state) {
  const cluster::Code* code = code_of(state);
  return code ? cluster::said(*code, state.text) : state.text;
}

void log_redis(const bus::RedisState& state) {
  const cluster::Code* code = code_of(state);
  if (!code)
    log::info(state.text);
  else
    log::warn(cluster::said(*code, state.text), {{"code", code->id}});
}

void add_bus_metrics(metrics::Registry& registry, const bus::Bus& bus) {
  auto& messages = registry.counter("antiphon_bus_messages_total",
                                    "Messages to other replicas, by the way they took.", {"way"});
  metrics::Counter* redis = &messages.with({"redis"});
  metrics::Counter* notify = &messages.with({"notify"});
  metrics::Counter* heard =
      &registry.counter("antiphon_bus_redis_received_total", "Messages received over Redis.").only();
  metrics::Counter* unheard =
      &registry
           .counter("antiphon_bus_redis_unheard_total",
                    "Messages over Redis that went over PostgreSQL too, since not all heard them.")
           .only();
  metrics::Counter* failures =
      &registry.counter("antiphon_bus_redis_failures_total", "Connections to Redis lost or not made.")
           .only();
  metrics::Gauge* connected =
      &registry.gauge("antiphon_bus_redis_connected", "1 while Redis is used.").only();
  registry.before_scrape([=, &bus] {
    bus::Traffic now = bus.traffic();
    redis->raise_to(now.by_redis);
    notify->raise_to(now.by_notify);
    heard->raise_to(now.heard_redis);
    unheard->raise_to(now.unheard);
    failures->raise_to(now.failures);
    auto state = bus.redis();
    connected->set(state && state->connected ? 1 : 0);
  });
}

}  // namespace antiphon::app
