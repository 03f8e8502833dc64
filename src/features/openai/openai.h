#pragma once

#include "client/client.h"
#include "config/store.h"
#include "features/models/models.h"
#include "features/openai/backend.h"

namespace antiphon::openai {

/// The routes below /openai, and /api/embeddings.
void add_routes(http::Router& router, models::Models& models, Backend& backend, client::Client& client,
                config::Store& store);

}  // namespace antiphon::openai
