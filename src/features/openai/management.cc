#include "features/openai/management.h"

#include <boost/json.hpp>
#include <cctype>

#include "base/encode.h"
#include "base/problem.h"

namespace antiphon::openai {
namespace {

using What = Management::What;

/// The server's address without the "/v1" of its OpenAI-compatible part.
std::string root_of(const models::Connection& c) {
  std::string out = c.url;
  if (out.ends_with("/v1")) out.resize(out.size() - 3);
  return out;
}

bool is_lm_studio(const models::Connection& c) {
  std::string letters;
  for (unsigned char ch : c.provider)
    if (std::isalpha(ch)) letters += static_cast<char>(std::tolower(ch));
  return letters == "lmstudio";
}

Problem cannot(std::string_view what) {
  return Problem(Problem::Kind::invalid, "This model server " + std::string(what) + ".");
}

json::Value body_of(const Management& wanted, std::string_view name = "model") {
  json::Object out = wanted.more;
  out[name] = wanted.model;
  return out;
}

Errand for_lm_studio(const std::string& root, const Management& wanted) {
  std::string models = root + "/api/v1/models";
  switch (wanted.what) {
    case What::catalog:
      return {"GET", models};
    case What::download:
      return {"POST", models + "/download", body_of(wanted)};
    case What::download_status:
      return {"GET", models + "/download/status/" + percent_encode(wanted.job)};
    case What::load:
      return {"POST", models + "/load", body_of(wanted)};
    case What::unload:
      return {"POST", models + "/unload", body_of(wanted, "instance_id")};
    case What::remove:
      throw cannot("deletes no models over the network");
    case What::events:
      throw cannot("sends no events about its models");
  }
  throw cannot("cannot do that");
}

Errand for_llama_cpp(const std::string& root, const Management& wanted) {
  std::string models = root + "/models";
  switch (wanted.what) {
    case What::catalog:
      return {"GET", models};
    case What::download:
      return {"POST", models, body_of(wanted)};
    case What::download_status:
      throw cannot("tells of downloads in its events, not by their number");
    case What::load:
      return {"POST", models + "/load", body_of(wanted)};
    case What::unload:
      return {"POST", models + "/unload", body_of(wanted)};
    case What::remove:
      return {"DELETE", models + "?model=" + percent_encode(wanted.model)};
    case What::events:
      return {"GET", models + "/sse"};
  }
  throw cannot("cannot do that");
}

}  // namespace

Errand errand(const models::Connection& c, const Management& wanted) {
  if (c.azure) throw cannot("has no models to manage from here");
  return is_lm_studio(c) ? for_lm_studio(root_of(c), wanted) : for_llama_cpp(root_of(c), wanted);
}

}  // namespace antiphon::openai
