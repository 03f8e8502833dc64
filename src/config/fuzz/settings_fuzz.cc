// A setting's text, from the environment or from an admin's page: taken or refused, and what was taken
// comes back as it was.
#include <stdexcept>

#include "base/fuzzing.h"
#include "config/setting.h"
#include "json/text.h"

namespace {

using namespace antiphon;
using fuzzing::must;

struct Group final : config::Group {
  Group() : config::Group("Fuzz") {}
  config::Bool flag = env("FLAG", false);
  config::Int number = env("NUMBER", 1).between(-5, 1000);
  config::Float real = env("REAL", 1.0);
  config::Text text = env("TEXT", "").at_most(100);
  config::Text choice = env("CHOICE", "a").one_of({"a", "b"});
  config::List list = env_list("LIST", {});
  config::Json json = env_json("JSON", "{}");
  config::OptionalInt maybe = env_optional_int("MAYBE");
  config::OptionalText words = env_optional_text("WORDS");
};

void come_back(const config::AnySetting& setting, const std::shared_ptr<const void>& value) {
  json::Value shown = setting.to_json(value.get());
  json::Value again = setting.to_json(setting.from_json(shown).get());
  must(json::serialize(again) == json::serialize(shown), "a value that does not come back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static auto* group = new Group();
  std::string_view text = fuzzing::text_of(data, size);
  auto value = json::try_parse(text);
  for (const config::AnySetting* setting : group->settings()) {
    try {
      come_back(*setting, setting->from_env(text));
    } catch (const std::invalid_argument&) {
    }
    try {
      if (value) come_back(*setting, setting->from_json(*value));
    } catch (const std::invalid_argument&) {
    }
  }
  return 0;
}
