#pragma once

#include "config/setting.h"

namespace antiphon::app {

/// How this process runs: where it listens, where it keeps its data, what it logs.
struct Process : config::Group {
  Process() : Group("Process") {}

  config::Text host = env("HOST", "0.0.0.0").on_restart().help("Address to listen on.");
  config::Int port =
      env("PORT", 8080).between(0, 65535).on_restart().help("Port to listen on; 0 takes any free one.");
  config::Text data_dir =
      env("DATA_DIR", "./data").on_restart().help("Folder for the SQLite database and files.");
  config::Text database_url = env("DATABASE_URL", "")
                                  .on_restart()
                                  .help("postgresql://… or sqlite:///path. Empty: SQLite in DATA_DIR.");
  config::Int database_connections =
      env("DATABASE_POOL_SIZE", 3)
          .between(0, 1000)
          .on_restart()
          .help("PostgreSQL connections of this process; between 2 and 4 are used.");
  config::Text direct_url = env("ANTIPHON_PG_DIRECT_URL", "")
                                .on_restart()
                                .help(
                                    "PostgreSQL past a transaction pooler, for LISTEN, which a pooler "
                                    "breaks. Empty: DATABASE_URL.");
  config::Text bus = env("ANTIPHON_BUS", "notify")
                         .one_of({"notify", "poll"})
                         .on_restart()
                         .help(
                             "How a process learns what others have written: notify listens on a "
                             "connection of its own, poll asks several times a second.");
  config::Text node_name =
      env("ANTIPHON_NODE_NAME", "")
          .on_restart()
          .help("What this process is called among those of its database. Empty: the machine's name.");
  config::Text advertise = env("ANTIPHON_ADVERTISE_URL", "")
                               .on_restart()
                               .help(
                                   "Where other processes of this database reach this one, as "
                                   "http://10.0.0.7:8080. Empty: the machine's name and PORT.");
  config::Bool migrations = env("ENABLE_DB_MIGRATIONS", true)
                                .on_restart()
                                .help("False: waits for another process to upgrade the database.");
  config::Int contract_after_hours =
      env("ANTIPHON_CONTRACT_AFTER_HOURS", 24)
          .between(0, 8760)
          .on_restart()
          .help(
              "How long after an upgrade what only older versions read is taken out of the database. "
              "Until then one may go back.");
  config::Bool persistent_config =
      env("ENABLE_PERSISTENT_CONFIG", true)
          .on_restart()
          .cluster_wide()
          .help("False: the environment wins over what administrators have saved.");
  config::List allow_origins =
      env_list("CORS_ALLOW_ORIGIN", {})
          .separated_by(';')
          .on_restart()
          .help("Other origins whose pages may use this server. Its own always may.");
  config::List trusted_proxies =
      env_list("FORWARDED_ALLOW_IPS", {"127.0.0.1"})
          .separated_by(',')
          .on_restart()
          .help("Addresses or networks of proxies whose X-Forwarded-* headers count.");
  config::Text certificate =
      env("ANTIPHON_TLS_CERTIFICATE", "").on_restart().help("PEM file; turns TLS on.");
  config::Text certificate_key =
      env("ANTIPHON_TLS_KEY", "").on_restart().help("PEM file with its private key.");
  config::Text frontend =
      env("FRONTEND_BUILD_DIR", "")
          .on_restart()
          .help("Serves the web client in this folder instead of the built-in one.");
  config::Bool websocket = env("ENABLE_WEBSOCKET_SUPPORT", true)
                               .on_restart()
                               .cluster_wide()
                               .help("False: live events by long polling only.");
  config::Text log_format =
      env("LOG_FORMAT", "").on_restart().one_of({"", "json"}).help("json: one JSON object a line.");
  config::Text log_level =
      env("GLOBAL_LOG_LEVEL", "INFO").on_restart().help("DEBUG, INFO, WARNING, ERROR or CRITICAL.");
  config::Bool access_log =
      env("ANTIPHON_ACCESS_LOG", false)
          .on_restart()
          .help("Logs every call of the API, not only those that failed or were slow.");
  config::Int threads = env("ANTIPHON_THREADS", 0)
                            .between(0, 256)
                            .on_restart()
                            .help("Event loops; 0 is one a processor.");
  config::Int drain_seconds =
      env("ANTIPHON_DRAIN_SECONDS", 25)
          .between(0, 3600)
          .on_restart()
          .help("How long a stop may wait for answers under way. Give the service manager more.");
  config::Int drain_delay_seconds =
      env("ANTIPHON_DRAIN_DELAY_SECONDS", 0)
          .between(0, 300)
          .on_restart()
          .help(
              "How long a stop first serves on while /ready says no, so that load balancers notice. "
              "Comes before ANTIPHON_DRAIN_SECONDS.");
  config::Float rate_limits =
      env("ANTIPHON_RATE_LIMITS", 1.0)
          .between(0, 1000)
          .on_restart()
          .help("Multiplies how much one caller may ask for; 0 turns the limits off.");
  config::Bool network_file_system = env("ANTIPHON_ALLOW_NETWORK_FILE_SYSTEM", false)
                                         .on_restart()
                                         .help(
                                             "Lets SQLite live on a network file system, whose locks "
                                             "may not hold: the database can be damaged.");

  /// Connections to PostgreSQL of the pool, as it clamps them.
  int pool_size() const;
  /// Whether others' events are asked for and not listened to.
  bool polls() const { return bus() == "poll"; }
  /// ANTIPHON_NODE_NAME, or the machine's name.
  std::string name_of_node() const;
  /// ANTIPHON_ADVERTISE_URL, or what it is made from.
  std::string address_of_node() const;
  /// DATABASE_URL, or SQLite in the data folder.
  std::string store_url() const;
  void check(const config::Values& values) const override;
};

}  // namespace antiphon::app
