#pragma once

#include "client/client.h"
#include "config/store.h"
#include "features/models/models.h"
#include "features/ollama/backend.h"

namespace antiphon::ollama {

/// The routes below /ollama. `folder`: where the file of a model lies while it is here.
void add_routes(http::Router& router, models::Models& models, Backend& backend, client::Client& client,
                config::Store& store, std::string folder);

}  // namespace antiphon::ollama
