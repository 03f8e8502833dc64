#include "store/postgres.h"
#include "store/sqlite.h"
#include "store/url.h"

namespace antiphon::store {

std::unique_ptr<Db> open(Options options, Loops& loops) {
  Url url = parse_url(options.url);
  if (url.dialect == Dialect::sqlite) return open_sqlite(url.path, options);
  return open_postgres(url, options, loops);
}

}  // namespace antiphon::store
