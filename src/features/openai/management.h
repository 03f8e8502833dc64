#pragma once

#include <optional>
#include <string>

#include "features/models/models.h"
#include "json/text.h"

/// What administrators do with the models of a server: fetch, load, take out of memory, delete. Servers
/// that can speak two ways of it: llama.cpp's router, and LM Studio. Pure functions.
namespace antiphon::openai {

/// One thing that is asked for.
struct Management {
  enum class What { catalog, download, download_status, load, unload, remove, events };
  What what = What::catalog;
  std::string model = {};  ///< As the server calls it.
  std::string job = {};    ///< Of download_status.
  json::Object more = {};  ///< What else the caller says about the model.
};

/// How the server is asked.
struct Errand {
  std::string method;
  std::string url;
  std::optional<json::Value> body = {};
};

/// Throws Problem (400) where the server has no such thing.
Errand errand(const models::Connection& connection, const Management& wanted);

}  // namespace antiphon::openai
