#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "app/models_in_use.h"
#include "app/parts.h"
#include "base/problem.h"
#include "store/announced.h"
#include "store/migrate.h"

namespace antiphon::app {

/// The running server: every part, in the order in which they need one another. Reading it tells what
/// the process consists of.
struct App {
  App(Declared& d, std::unique_ptr<store::Db> database, auth::KeyRing keys, std::string deployment,
      Loops& l);

  /// The user as stored now, for work that goes on without a request (row 80).
  Task<std::optional<User>> user(UserId id);
  Task<std::string> name_of(UserId id);
  Task<std::vector<analytics::VotesOfDay>> votes(std::string model, std::int64_t days);
  auths::Parts auths_parts();
  Task<configs::Usage> usage();
  void add_routes();
  void delete_with_users();
  Task<bool> shown_file(const User& me, std::string owner, std::string id);
  Task<files::Place> place_of(const User& me, json::Value metadata);
  Task<> stop_if_gone(UserId id);
  Task<> tell_models();
  Task<> tell_models_in_use();
  Task<std::optional<std::string>> address_of_node(std::string name);
  void follow_others();
  Task<> join_others();
  Task<std::vector<cluster::ClusterFact>> facts();
  Task<> follow_versions();
  void add_metrics();
  Task<> start();
  Task<> leave(std::chrono::seconds delay);
  Task<> stop(std::chrono::seconds budget);

  Declared& declared;
  Loops& loops;
  metrics::Registry metrics;
  Scope scope;
  std::unique_ptr<store::Db> db;
  bus::Bus bus;
  store::Announced announced;
  config::AesSealer sealer;
  Watchdog watchdog;
  configs::Health health;
  cluster::Member member;
  config::Store config;
  auth::Auth auth;
  std::unique_ptr<client::Client> client;
  runs::Runs runs;
  blobs::Blobs blobs;
  openai::Backend openai;
  ollama::Backend ollama;
  models::Models models;
  completions::ModelsProvider provider;
  runs::Relay relay;
  jobs::Jobs jobs;
  chats::Chats chats;
  chats::Guard guard;
  chats::Editor editor;
  chats::Sidebar sidebar;
  chats::Unread unread;
  chats::Sharing sharing;
  folders::Folders folders;
  folders::Guard folder_guard;
  files::Files files;
  knowledge::Bases bases;
  knowledge::Guard base_guard;
  chats::Attached attached;
  files::Guard file_guard;
  files::Pictures pictures;
  extract::Extractor extractor;
  files::Processing processing;
  evaluations::Feedbacks feedbacks;
  analytics::Analytics analytics;
  completions::LogReplay replay;
  realtime::Hub hub;
  realtime::Forward forward;
  realtime::Endpoint endpoint;
  users::Users users;
  users::Groups groups;
  auths::Auths auths;
  completions::Toolbox tools;
  completions::DirectProvider direct;
  completions::Completions completions;
  ModelsInUse models_in_use;
  http::Router router;
  http::Limits limits;
  http::AccessLog access_log;
  std::unique_ptr<http::StaticSite> site;
  http::Server server;
};

/// What `serve` and `check` look at before anything else uses the database.
cluster::Self self_of(const Process& process);
cluster::Route route_of(const Process& process);
/// The keys as the cluster must know them, and those that seal.
std::vector<cluster::Key> shared_keys(const std::vector<auth::RingKey>& ring);
std::vector<Secret> sealing_keys(const auth::KeyRing& ring);
/// What all replicas must agree on, against the keys given.
cluster::Findings check_cluster(const Declared& declared, store::Db& db,
                                const std::vector<auth::RingKey>& ring);

/// Makes DATA_DIR where it is not.
void make_data_folder(const Process& process);
/// `uploads`: the folder for files that are sent.
http::ServerOptions server_options(const Process& process, std::string uploads);
/// The built-in web client, or the one an operator points at.
std::unique_ptr<http::StaticSite> site_of(const Process& process);
/// Where files are kept, as the settings say.
blobs::Options blob_options(const Process& process, std::string deployment, std::string node);
/// Opens the database that the settings name.
std::unique_ptr<store::Db> open_store(const Process& process, Loops& loops);
/// What to bring the schema to.
store::Upgrade upgrade_of(const Process& process);
/// Upgrades the schema, or waits until somebody else has.
Task<> bring_schema(const Process& process, store::Db& db);
/// What all replicas of this database are called together.
Task<std::string> deployment_of(store::Db& db);
int thread_count(const Process& process);
/// Runs a command; the exit code. Says on stderr why it failed, and what to do.
int perform(const std::function<int()>& command);

}  // namespace antiphon::app
