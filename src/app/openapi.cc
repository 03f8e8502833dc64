#include <cstdio>

#include "app/application.h"

namespace antiphon::app {

/// From the routes themselves, so it cannot differ from what is served.
int openapi(const Environment&) {
  Declared declared;
  Loops loops(1);
  loops.start();
  auto db = store::open({.url = "sqlite://:memory:"}, loops);
  run([&] { return bring_schema(declared.process, *db); });
  auth::KeyRing keys = run([&] { return auth::load_keys(*db, auth::key_sources(declared.auth)); });
  App app(declared, std::move(db), std::move(keys), "0", loops);
  std::puts(app.router.openapi().c_str());
  loops.stop();
  return 0;
}

}  // namespace antiphon::app
