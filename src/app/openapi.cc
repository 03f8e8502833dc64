#include <cstdio>
#include <functional>

#include "app/application.h"

namespace antiphon::app {
namespace {

/// With the whole server as it would be, on a database that is thrown away.
void with_app(const std::function<void(App&)>& look) {
  Declared declared;
  Loops loops(1);
  loops.start();
  auto db = store::open({.url = "sqlite://:memory:"}, loops);
  run([&] { return bring_schema(declared.process, *db); });
  auth::KeyRing keys(run([&] { return auth::load_keys(*db, auth::key_sources(declared.auth)); }));
  App app(declared, std::move(db), std::move(keys), "0", loops);
  look(app);
  loops.stop();
}

std::string object_of(std::string_view kind, std::string_view right) {
  return kind.empty() ? "-" : std::string(kind) + ":" + std::string(right);
}

std::string_view body_of(const http::Endpoint& e) {
  return e.body ? (e.body->name.empty() ? "json" : e.body->name) : e.takes_call ? "call" : "-";
}

}  // namespace

/// From the routes themselves, so it cannot differ from what is served.
int openapi() {
  with_app([](App& app) { std::puts(app.router.openapi().c_str()); });
  return 0;
}

int routes() {
  with_app([](App& app) {
    std::puts("method\tpath\twho\tcost\tobject\tbody\tbody_limit");
    for (const http::Route& r : app.router.routes()) {
      const http::Endpoint& e = r.endpoint;
      std::string object = e.object ? object_of(e.object->kind, e.object->right) : "-";
      std::printf("%s\t%s\t%s\t%s\t%s\t%s\t%zu\n", r.method.c_str(), r.path.c_str(),
                  std::string(name_of(e.who)).c_str(), std::string(name_of(r.cost)).c_str(),
                  object.c_str(), std::string(body_of(e)).c_str(), r.options.body_limit);
    }
    for (const realtime::EventRule& e : app.hub.events())
      std::printf("EVENT\t%s\t%s\t-\t%s\tjson\t-\n", e.event.c_str(), e.waiting ? "anyone" : "user",
                  object_of(e.names.kind, e.names.member).c_str());
  });
  return 0;
}

}  // namespace antiphon::app
