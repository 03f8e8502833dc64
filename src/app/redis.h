#pragma once

#include "base/metrics.h"
#include "bus/bus.h"
#include "config/setting.h"

namespace antiphon::app {

/// Redis, which replicas may use to tell one another things sooner. Open WebUI's names: what its
/// WebSockets use comes first, for that is what it is for here.
struct RedisSettings : config::Group {
  RedisSettings() : Group("Redis") {}

  config::Text url =
      env("WEBSOCKET_REDIS_URL", "")
          .also("REDIS_URL")
          .on_restart()
          .help(
              "redis://, rediss:// or unix://, with user:password@; a database number is "
              "not looked at. Makes what replicas tell one another quicker; nothing needs "
              "it. WEBSOCKET_MANAGER is not needed.");
  config::Text prefix = env("REDIS_KEY_PREFIX", "open-webui")
                            .at_most(200)
                            .on_restart()
                            .help(
                                "What the channel and the only key begin with. Deployments never hear "
                                "one another, whatever it is.");
  config::Text sentinels = env("WEBSOCKET_SENTINEL_HOSTS", "")
                               .also("REDIS_SENTINEL_HOSTS")
                               .on_restart()
                               .help("Sentinels, as a,b; the URL's host is the master's name then.");
  config::Text sentinel_port = env("WEBSOCKET_SENTINEL_PORT", "26379")
                                   .also("REDIS_SENTINEL_PORT")
                                   .on_restart()
                                   .help("Port of Sentinels that name none.");
  config::Bool cluster = env("WEBSOCKET_REDIS_CLUSTER", false)
                             .also("REDIS_CLUSTER")
                             .on_restart()
                             .help("True: the URL is that of any node of a Redis Cluster, 7 or newer.");

  /// Not wanted() without a URL. Throws a Problem that names the cure.
  bus::RedisAddress address() const { return address(*moment()); }
  void check(const config::Values& values) const override;

 private:
  bus::RedisAddress address(const config::Values& values) const;
};

/// What was found, with the code and the cure when it is not as it should be.
std::string said_of_redis(const bus::RedisState& state);
void log_redis(const bus::RedisState& state);

void add_bus_metrics(metrics::Registry& registry, const bus::Bus& bus);

}  // namespace antiphon::app
