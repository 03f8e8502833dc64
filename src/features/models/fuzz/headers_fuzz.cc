// Whatever an administrator configures and whatever users are called, a call to a model's server has
// headers of one line each.
#include <boost/json.hpp>

#include "base/fuzzing.h"
#include "base/problem.h"
#include "features/models/connection.h"
#include "features/models/params.h"
#include "http/text.h"
#include "json/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antiphon;
  using namespace antiphon::models;
  using fuzzing::must;
  static auto* settings = [] {
    auto* s = new Settings();
    s->forward_user.set(true);
    return s;
  }();
  std::string_view text = fuzzing::text_of(data, size);
  std::string name(http::take_part(text, '\n')), url(http::take_part(text, '\n'));
  auto options = json::try_parse(text);
  if (!options) return 0;
  Asker asker{.id = {"id"}, .name = name, .email = name + "@example", .chat_id = name};
  must(expand(name, asker).size() <= 3 * name.size() * (name.size() + 16) + 64,
       "an expansion that expands");
  ConnectionPtr connection = trial(Kind::openai, url, "key", *options);
  must(!connection->url.ends_with('/'), "a slash at the end");
  std::string id = connection->prefixed("model");
  must(connection->unprefixed(id) == "model", "a prefix that does not come off");
  try {
    std::size_t own = connection->headers.size();
    auto headers = headers_for(*settings, *connection, asker);
    for (std::size_t i = 0; i != headers.size(); ++i) {
      bool configured = i >= 1 && i <= own;  // Checked when they are sent: what was typed is reported.
      if (configured) continue;
      for (unsigned char c : headers[i].second) must(c >= ' ' && c < 0x7f, "a header of several lines");
    }
  } catch (const Problem& p) {
    must(p.status() >= 400, "a problem without a status");
  }
  if (!options->is_object()) return 0;
  json::Object body = options->as_object();
  Target target{.params = options->as_object()};
  apply_preset(body, target, asker);
  must(json::try_parse(json::serialize(body)).has_value(), "a body that cannot be written");
  return 0;
}
