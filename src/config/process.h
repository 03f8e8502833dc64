#pragma once

#include "config/setting.h"

namespace antiphon::config {

/// What the process is started with: read from the environment and the command line, by main only.
struct Process : Group {
  Process() : Group("Process") {}

  Text host = env("HOST", "0.0.0.0").help("Address to listen on.");
  Int port = env("PORT", 8080).between(0, 65'535).help("Port to listen on; 0 is any free one.");
  Text data_dir = env("DATA_DIR", "./data").help("Folder of the database and of all files.");
  Text database_url = env("DATABASE_URL", "")
                          .secret()
                          .help(
                              "`sqlite:///path` or `postgresql://user:password@host/name`. Not set: "
                              "webui.db in DATA_DIR.");
  Int database_pool_size =
      env("DATABASE_POOL_SIZE", 3)
          .between(2, 4)
          .help("Connections to PostgreSQL; statements are pipelined, so few are enough.");
  Bool migrate =
      env("ENABLE_DB_MIGRATIONS", true)
          .help("Brings the database's schema up to date at start. False: waits until somebody has.");
  Bool persistent =
      env("ENABLE_PERSISTENT_CONFIG", true)
          .help(
              "False: the environment wins over the database, and what an admin changes lasts "
              "until the process ends.");
  Int threads = env("ANTIPHON_THREADS", 0).between(0, 256).help("Event loops; 0 is one for each core.");

  Text certificate =
      env("ANTIPHON_TLS_CERT", "").help("File of the certificate chain; with the key, serves HTTPS.");
  Text certificate_key = env("ANTIPHON_TLS_KEY", "").help("File of its key.");
  List trusted_proxies =
      env_list("FORWARDED_ALLOW_IPS", {"127.0.0.1", "::1"})
          .help("Addresses and networks of proxies whose X-Forwarded-… headers count.");
  List allow_origins =
      env_list("CORS_ALLOW_ORIGIN", {})
          .help("Origins of other sites whose pages may call. Its own is always allowed.");
  Text frontend_dir =
      env("FRONTEND_BUILD_DIR", "").help("Serves this folder instead of the built-in web client.");
  Int drain_seconds = env("ANTIPHON_DRAIN_SECONDS", 20)
                          .between(0, 3'600)
                          .help("How long a stopping process lets answers under way go on.");

  Text log_level = env("GLOBAL_LOG_LEVEL", "INFO").help("DEBUG, INFO, WARNING or ERROR.");
  Text log_format = env("LOG_FORMAT", "").one_of({"", "json"}).help("`json`: one object a line.");

  void check(const Values& v) const override;
};

}  // namespace antiphon::config
