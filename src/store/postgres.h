#pragma once

#include "store/db.h"
#include "store/url.h"

namespace antiphon::store {

std::unique_ptr<Db> open_postgres(const Url& url, const Options& options, Loops& loops);

}  // namespace antiphon::store
