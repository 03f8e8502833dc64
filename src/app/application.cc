#include "app/application.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <map>
#include <thread>

#include "base/log.h"
#include "base/time.h"
#include "features/evaluations/leaderboard.h"

namespace antiphon::app {
namespace {

using namespace std::chrono_literals;

struct Cluster {
  std::string deployment_id;
};
ANTIPHON_DTO(Cluster, deployment_id)
ANTIPHON_DTO_DEFINE(Cluster)

std::string made(std::string folder) {
  std::error_code refused;
  std::filesystem::create_directories(folder, refused);
  if (refused)
    throw Problem(Problem::Kind::unavailable, "The folder " + folder + " cannot be made: " +
                                                  refused.message() + ". Check DATA_DIR.");
  return folder;
}

/// Files that are on their way somewhere else. They have no names, so it looks empty.
std::string upload_folder(const Process& process) {
  return made(process.data_dir() + "/uploads");
}

realtime::Rules rules_of(auth::Auth& auth, const chats::Guard& guard, runs::Relay& relay) {
  return {.verify = [&](std::string token) { return auth.identify.session(std::move(token)); },
          .renew = [&](Caller caller) { return auth.identify.renew(std::move(caller)); },
          .arriving = [&](UserId user) { return relay.follow(std::move(user.value)); },
          .may_join =
              [&](Caller caller, realtime::Room room) {
                return chats::may_join(guard, std::move(caller), std::move(room.name));
              }};
}

/// Where other replicas are heard; nowhere on SQLite, which has one process.
bus::Way way_of(const Declared& d, const store::Db& db) {
  if (db.dialect() != store::Dialect::postgres) return {};
  bus::Way out{.others = true, .redis = d.redis.address()};
  if (d.process.polls()) return out;
  std::string direct = d.process.direct_url();
  out.url = direct.empty() ? d.process.store_url() : direct;
  return out;
}

realtime::Event chat_event(std::string_view type, json::Value data, const std::string& chat_id) {
  return realtime::Event::of(
      "events", json::Object{{"chat_id", chat_id},
                             {"message_id", nullptr},
                             {"data", json::Object{{"type", type}, {"data", std::move(data)}}}});
}

}  // namespace

App::App(Declared& d, std::unique_ptr<store::Db> database, auth::KeyRing keys, std::string deployment,
         Loops& l)
    : declared(d),
      loops(l),
      db(std::move(database)),
      bus(way_of(d, *db), deployment),
      announced(*db),
      sealer(sealing_keys(keys)),
      watchdog(loops, &metrics),
      health(*db, &watchdog),
      member({.db = *db,
              .registry = d.registry,
              .persistent = d.process.persistent_config(),
              .sealer = sealer,
              .sign_with = [this](std::size_t key) { auth.keys.sign_with(key); },
              .metrics = metrics},
             self_of(d.process), shared_keys(keys.keys())),
      config(*db, d.registry, &sealer, d.process.persistent_config()),
      auth(*db, std::move(keys), d.auth, d.permissions),
      client(client::make_client(d.models.client_options(), loops)),
      runs(*db, {.node_name = d.process.name_of_node(), .version = std::string(kAntiphonVersion)},
           loops),
      blobs(*db,
            blobs::make_backend(d.blobs, *db, client.get(),
                                blob_options(d.process, deployment, runs.node_id())),
            runs.node_id(), metrics),
      openai(*client, d.models),
      ollama(*client, d.models),
      models({.db = *db,
              .settings = d.models,
              .openai = openai,
              .ollama = ollama,
              .access = auth.access,
              .principals = auth.principals,
              .auth_settings = d.auth,
              .store = config,
              .loops = loops,
              .blobs = blobs}),
      provider(models),
      relay({.db = *db,
             .runs = runs,
             .bus = bus,
             .publish = [this](const runs::RunNames& run, std::int64_t seq,
                               const std::vector<std::string>& events,
                               bool last) { completions.publish(run, seq, events, last); },
             .track =
                 [this](const runs::RunNames& run, std::int64_t seq) {
                   // All of the row, and nothing of the next, whose events are counted from one.
                   hub.track(realtime::Room::user({run.user_id}), {.id = run.run_id, .seq = seq + 1});
                 },
             .watched =
                 [this](const std::string& id) { return hub.watched(realtime::Room::user({id})); }}),
      jobs(
          *db, loops, runs.node_id(), [this] { return runs.steady(); }, 60s),
      chats(*db),
      guard(chats, {.admin_access = [this] { return declared.chats.admin_access(); },
                    .may_see_folder =
                        [this](const User& me, std::string id) {
                          return folder_guard.may(me, std::move(id), Right::read);
                        }}),
      editor(*db),
      sidebar(*db),
      unread(*db),
      sharing(*db, auth.grants),
      folders(*db, auth.grants),
      folder_guard(
          folders, auth.grants,
          [this](const User& me, std::string_view leaf) { return auth.access.permits(me, leaf); }),
      files(*db, blobs, declared.files),
      bases(*db, auth.grants),
      base_guard(*db, bases, auth.grants,
                 [this] { return declared.auth.bypass_admin_access_control(); }),
      attached(*db, sharing,
               [this](const User& me, std::string id) {
                 return folder_guard.may(me, std::move(id), Right::read);
               }),
      file_guard(files,
                 [this](const User& me, std::string owner, std::string id) {
                   return shown_file(me, std::move(owner), std::move(id));
                 }),
      pictures(files, file_guard),
      extractor(declared.documents),
      processing({.db = *db,
                  .files = files,
                  .extractor = extractor,
                  .jobs = jobs,
                  .spool = upload_folder(d.process)}),
      feedbacks(*db),
      analytics(*db),
      replay(runs),
      hub({.node = runs.node_id(), .epoch = deployment.substr(0, 12)}, rules_of(auth, guard, relay),
          loops, db.get(), &replay, &bus),
      forward(runs.node_id().substr(0, 8), *client,
              [this](std::string name) { return address_of_node(std::move(name)); }),
      endpoint(hub, {.allow_origins = d.process.allow_origins(),
                     .websocket = d.process.websocket(),
                     .forward = bus.alone() ? nullptr : &forward}),
      users(*db, auth, d.auth, blobs),
      groups(*db, auth.principals),
      auths(auths_parts()),
      direct({.hub = hub,
              .loops = loops,
              .enabled = [this] { return declared.models.direct(); },
              .idle_timeout =
                  [this] {
                    return std::chrono::seconds(declared.models.stream_idle_timeout().value_or(300));
                  }}),
      completions(
          {.db = *db,
           .runs = runs,
           .chats = chats,
           .hub = hub,
           .provider = provider,
           .direct = direct,
           .jobs = jobs,
           .tools = tools,
           .loops = loops,
           .user = [this](UserId id) { return user(std::move(id)); },
           .folder_prompt = [this](
                                const User& me,
                                const std::string& folder) { return folder_guard.prompt(me, folder); },
           .permitted = [this](const User& me,
                               std::string_view leaf) { return auth.access.permits(me, leaf); },
           .may_file =
               [this](const User& me, std::string id) {
                 return folder_guard.may(me, std::move(id), Right::write);
               },
           .pictures = {.check = [this](const User& me,
                                        std::string id) { return pictures.check(me, std::move(id)); },
                        .read =
                            [this](const User& me, std::string id, std::int64_t room) {
                              return pictures.read(me, std::move(id), room);
                            }},
           .documents = {.read =
                             [this](const User& me, std::string id) {
                               return processing.text(file_guard, me, std::move(id));
                             }},
           .chores =
               [this](completions::Chore chore) { return tasks::policy_of(declared.tasks, chore); }}),
      models_in_use(bus, runs.node_id(),
                    [this] {
                      auto ids = completions.models_in_use();
                      return ModelsInUse::Models(ids.begin(), ids.end());
                    }),
      limits({.scale = d.process.rate_limits()}),
      access_log({.all = d.process.access_log()}),
      site(site_of(d.process)),
      server(
          server_options(d.process, upload_folder(d.process)), router,
          [this](const http::Request& r) { return auth.identify(r); }, loops) {
  tools.add(completions::current_time_tool());
  add_routes();
  delete_with_users();
  add_metrics();
}

Task<std::optional<User>> App::user(UserId id) {
  auto principal = co_await auth.principals.find(id);
  if (!principal || !principal->active || principal->role == Role::pending) co_return std::nullopt;
  User me;
  me.via = Caller::Via::session;
  me.id = principal->id;
  me.name = principal->name;
  me.email = principal->email;
  me.role = principal->role;
  co_return me;
}

Task<std::string> App::name_of(UserId id) {
  auto principal = co_await auth.principals.find(id);
  co_return principal ? principal->name : std::string();
}

Task<std::vector<analytics::VotesOfDay>> App::votes(std::string model, std::int64_t days) {
  std::int64_t now = unix_seconds();
  auto cast = co_await feedbacks.votes_of(std::move(model), now - days * 86'400);
  std::vector<analytics::VotesOfDay> out;
  for (evaluations::Day& day : evaluations::history(cast, now, days))
    out.push_back({std::move(day.date), day.won, day.lost});
  co_return out;
}

auths::Parts App::auths_parts() {
  return {.auth = auth,
          .users = users,
          .settings = declared.auth,
          .general = declared.general,
          .config = config};
}

Task<configs::Usage> App::usage() {
  std::set<std::string> users = *co_await hub.users_elsewhere();
  for (const UserId& id : hub.users_online()) users.insert(id.value);
  ModelsInUse::Models answering = models_in_use.all();
  co_return configs::Usage{.model_ids = {answering.begin(), answering.end()},
                           .user_count = static_cast<std::int64_t>(users.size())};
}

void App::add_routes() {
  auto permitted = [this](const User& me, std::string_view leaf) {
    return auth.access.permits(me, leaf);
  };
  router.limit_by(limits);
  router.observe_by(access_log);
  endpoint.add_routes(router);
  completions::add_routes(router, completions, guard);
  chats::RouteParts chat_parts{
      .db = *db,
      .chats = chats,
      .editor = editor,
      .sidebar = sidebar,
      .unread = unread,
      .sharing = sharing,
      .runs = runs,
      .guard = guard,
      .settings = declared.chats,
      .config = config,
      .permitted = permitted,
      .community = [this] { return declared.general.enable_community_sharing(); },
      .may_file = [this](const User& me,
                         std::string id) { return folder_guard.may(me, std::move(id), Right::write); },
      .changed =
          [this](const UserId& user, const std::string& chat) {
            hub.emit(
                realtime::Room::user(user),
                chat_event("chat:list", json::Object{{"chat_id", chat}, {"folder_id", nullptr}}, chat));
          },
      .emit =
          [this](const UserId& user, json::Value envelope) {
            hub.emit(realtime::Room::user(user), realtime::Event::of("events", envelope));
          }};
  chats::add_routes(router, chat_parts);
  folders::add_routes(router,
                      {.folders = folders,
                       .guard = folder_guard,
                       .permitted = permitted,
                       .empty =
                           [chat_parts](const User& me, std::vector<std::string> ids, bool and_delete) {
                             return chats::empty_folders(chat_parts, me, std::move(ids), and_delete);
                           },
                       .unread = [this](const User& me) { return unread.by_folder(me.id.value); },
                       .read =
                           [this](const User& me, std::vector<std::string> ids) {
                             return unread.mark_all(me.id.value, std::move(ids));
                           },
                       .chats =
                           [chat_parts](const User& me, std::string folder, folders::SharedQuery q) {
                             return chats::chats_in_folder(chat_parts, me, std::move(folder), q);
                           },
                       .name_of = [this](UserId id) { return name_of(std::move(id)); }});
  users.show_online_by([this]() -> Task<users::Users::IsOnline> {
    auto elsewhere = co_await hub.users_elsewhere();
    co_return [this, elsewhere](const std::string& id) {
      return hub.online({id}) || elsewhere->contains(id);
    };
  });
  users::add_routes(
      router,
      {.users = users,
       .groups = groups,
       .auth = auth,
       .settings = declared.auth,
       .defaults = declared.permissions,
       .general = declared.general,
       .config = config,
       .usable_models = [this](UserId id, bool admin, std::set<std::string, std::less<>> groups) {
         return models.usable_by({.id = std::move(id), .admin = admin, .groups = std::move(groups)});
       }});
  auths::add_routes(router, auths, auths_parts());
  models::add_routes(router, models);
  openai::add_routes(router, models, openai, *client, config);
  ollama::add_routes(router, models, ollama, *client, config, upload_folder(declared.process));
  tasks::add_routes(router,
                    {.provider = provider,
                     .settings = declared.tasks,
                     .config = config,
                     .also = {declared.models.task_model, declared.models.task_model_external}});
  files::add_routes(router, {.files = files,
                             .guard = file_guard,
                             .permitted = permitted,
                             .processing = &processing,
                             .place = [this](const User& me, json::Value metadata) {
                               return place_of(me, std::move(metadata));
                             }});
  knowledge::add_routes(router, {.bases = bases,
                                 .guard = base_guard,
                                 .files = files,
                                 .principals = auth.principals,
                                 .settings = declared.knowledge,
                                 .permitted = permitted});
  evaluations::add_routes(router, {.feedbacks = feedbacks,
                                   .settings = declared.evaluations,
                                   .config = config,
                                   .permitted = permitted,
                                   .may_export = [this] { return declared.chats.admin_export(); }});
  analytics::add_routes(
      router, {.analytics = analytics,
               .settings = declared.analytics,
               .votes = [this](std::string model, std::int64_t days) { return votes(model, days); },
               .chat_access = [this] { return declared.chats.admin_access(); }});
  utils::add_routes(router,
                    {.db = *db, .may_export = [this] { return declared.chats.admin_export(); }});
  configs::add_routes(router,
                      {.store = config,
                       .settings = declared.configs,
                       .general = declared.general,
                       .auth = declared.auth,
                       .permissions = declared.permissions,
                       .health = health,
                       .metrics = metrics,
                       .router = router,
                       .takes_page = [this](const http::Request& r) { return endpoint.takes(r); },
                       .has_users = [this] { return auth.accounts.any(); },
                       .usage = [this] { return usage(); },
                       .cluster = [this] { return member.overview(); },
                       .announced = [this] { return announced.now(); }});
  chats::add_live({.hub = hub, .guard = guard, .unread = unread, .name_of = [this](UserId id) {
                     return name_of(std::move(id));
                   }});
  absent::add_routes(router);
}

/// Whether the user may read a file of somebody else: by a knowledge base, or a chat of its owner.
Task<bool> App::shown_file(const User& me, std::string owner, std::string id) {
  if (co_await base_guard.may_read_file(me, id)) co_return true;
  co_return co_await attached.readable(me, std::move(owner), std::move(id));
}

/// An upload may name the knowledge base it is for (row 51).
Task<files::Place> App::place_of(const User& me, json::Value metadata) {
  std::string id(json::text_at(metadata, "knowledge_id"));
  if (id.empty()) co_return files::Place();
  auto base = co_await base_guard.grant<Right::write>(me, std::move(id));
  std::string directory(json::text_at(metadata, "directory_id"));
  co_return bases.placing(*base,
                          directory.empty() ? std::nullopt : std::optional(std::move(directory)));
}

/// What belongs to a user goes with him, in one transaction.
void App::delete_with_users() {
  auth.accounts.on_remove([this](store::Connection& c, const UserId& id) -> Task<> {
    // Runs, messages, chats: the order in which answers end, so that neither waits for the other in a
    // circle.
    co_await runs.remove_all(c, id.value);
    co_await chats::Editor::remove_all(c, id);
    co_await sharing.unshare_all(c, id);
    co_await folders.remove_all(c, id);
    co_await bases.remove_all(c, id);
    co_await files::Files::remove_all(c, id);
    (void)co_await evaluations::Feedbacks::remove_all_of(c, id);
  });
}

/// Nobody pays a provider for who may not read the answer (row 80).
Task<> App::stop_if_gone(UserId id) {
  if (!co_await user(id)) runs.cancel_here(id.value);
}

/// Whoever named no model server learns which were found.
Task<> App::tell_models() {
  if (models::local_candidates(declared.models).empty()) co_return;
  models::ListingPtr listing = co_await models.catalog().get();
  std::map<std::string, std::int64_t> found;
  for (const models::BaseModelPtr& model : listing->models)
    for (const models::ConnectionPtr& connection : model->connections) ++found[connection->url];
  for (const auto& [address, count] : found)
    log::info("Found a model server", {{"address", address}, {"models", count}});
  if (found.empty()) log::info("Found no model server: the first page asks for one");
}

Task<> App::tell_models_in_use() {
  while (co_await scope.rest(1s)) models_in_use.tick();
}

void App::add_metrics() {
  metrics::add_process_metrics(metrics);
  configs::add_store_metrics(metrics, *db, config);
  server.count_in(metrics);
  add_bus_metrics(metrics, bus);
}

/// After the migrations; when it returns the server answers.
Task<> App::start() {
  co_await config.load();
  co_await auth.load();
  co_await auths.prepare();
  auth.principals.watch([this](const auth::Change& change) {
    if (change.kind == auth::Change::Kind::session) hub.close_session(change.jti);
    if (change.kind == auth::Change::Kind::user) {
      hub.close_user(change.user, realtime::Event::of("access:updated", json::Object()));
      scope.start(loops.at(0), "stop answers", [this, id = change.user] { return stop_if_gone(id); });
    }
    if (change.kind == auth::Change::Kind::anything) hub.recheck_all();
  });
  auth.follow(scope, loops.at(0));
  completions.start();
  follow_others();
  bus.start();
  co_await hub.start();
  co_await runs.start();
  relay.start(loops);
  co_await join_others();
  co_await blobs.start(loops, std::chrono::minutes(declared.blobs.sweep_minutes()));
  jobs.start();
  endpoint.add_sockets(server);
  server.serve_site(*site);
  server.start();
  health.ask([this] { return member.why_not_ready(); });
  health.started();
  scope.start(loops.at(0), "versions", [this] { return follow_versions(); });
  scope.start(loops.at(0), "tell models", [this] { return tell_models(); });
  if (!bus.alone()) scope.start(loops.at(0), "models in use", [this] { return tell_models_in_use(); });
}

namespace {

/// What a part cannot save any more must not keep the others from ending.
Task<> let_end(std::string_view part, Task<> ending) {
  try {
    co_await std::move(ending);
  } catch (const Problem& p) {
    log::warn("A part could not end as it should",
              {{"part", part}, {"detail", p.detail()}, {"cause", p.cause()}});
  }
}

}  // namespace

/// Says that it stops and serves on for `delay`, until those who send requests have looked at /ready.
Task<> App::leave(std::chrono::seconds delay) {
  if (delay == 0s) co_return;
  health.draining();
  server.leave();
  log::info("Stopping soon: not ready any more, serving on", {{"seconds", delay.count()}});
  co_await sleep_for(delay);
}

/// Readiness goes first. Then the answers under way, and those still asked for, may end within
/// `budget`; the sockets stay until then, for they show them. Also after a start that failed half-way.
Task<> App::stop(std::chrono::seconds budget) {
  health.draining();
  // Not waited for: where the database hangs, the answers have the time.
  scope.start(loops.at(0), "tell the cluster", [this] { return member.leaving(); });
  log::info("Stopping: answers under way may end",
            {{"seconds", budget.count()}, {"answers", runs.live_here()}});
  co_await let_end("answers", runs.stop(budget));
  co_await let_end("completions", completions.stop(2s));
  extractor.stop();
  co_await let_end("jobs", jobs.stop(2s));
  co_await let_end("relay", relay.stop());
  co_await let_end("sockets", hub.stop(2s));
  co_await let_end("direct models", direct.stop(2s));
  co_await let_end("server", server.drain(3s));
  (void)co_await scope.close(2s);
  bus.stop();
  co_await let_end("files", blobs.stop());
  co_await let_end("models", models.close());
  co_await let_end("client", client->close());
  co_await let_end("database", db->close());
}

blobs::Options blob_options(const Process& process, std::string deployment, std::string node) {
  return {.folder = process.data_dir() + "/blobs",
          .spool = process.data_dir() + "/uploads",
          .deployment = std::move(deployment),
          .node = std::move(node)};
}

void make_data_folder(const Process& process) {
  (void)made(process.data_dir());
}

http::ServerOptions server_options(const Process& process, std::string uploads) {
  http::ServerOptions o;
  o.host = process.host();
  o.port = static_cast<std::uint16_t>(process.port());
  o.certificate_file = process.certificate();
  o.key_file = process.certificate_key();
  o.upload_folder = std::move(uploads);
  o.trusted_proxies = process.trusted_proxies();
  o.allow_origins = process.allow_origins();
  o.max_connections = 100'000;
  return o;
}

std::unique_ptr<http::StaticSite> site_of(const Process& process) {
  if (std::string folder = process.frontend(); !folder.empty())
    return http::StaticSite::from_directory(folder);
  return std::make_unique<http::StaticSite>(http::embedded_assets());
}

std::unique_ptr<store::Db> open_store(const Process& process, Loops& loops) {
  return store::open({.url = process.store_url(),
                      .connections = process.pool_size(),
                      .network_file_system = process.network_file_system()},
                     loops);
}

store::Upgrade upgrade_of(const Process& process) {
  return {.contract_after = std::chrono::hours(process.contract_after_hours())};
}

Task<> bring_schema(const Process& process, store::Db& db) {
  if (process.migrations())
    (void)co_await store::migrate(db, upgrade_of(process));
  else
    co_await store::wait_for_schema(db);
}

Task<std::string> deployment_of(store::Db& db) {
  auto row =
      co_await db.first<Cluster>({"app.deployment", "SELECT deployment_id FROM cluster WHERE id = 1"});
  co_return row ? row->deployment_id : std::string("0");
}

int perform(const std::function<int()>& command) {
  try {
    return command();
  } catch (const Problem& p) {
    std::fprintf(stderr, "antiphon: %s\n", p.detail().c_str());
    if (!p.cause().empty() && p.cause() != p.detail())
      std::fprintf(stderr, "          (%s)\n", p.cause().c_str());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "antiphon: %s\n", e.what());
  }
  return 1;
}

int thread_count(const Process& process) {
  int wanted = static_cast<int>(process.threads());
  int cores = static_cast<int>(std::thread::hardware_concurrency());
  return std::clamp(wanted ? wanted : cores, 1, 64);
}

}  // namespace antiphon::app
