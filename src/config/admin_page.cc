#include "config/admin_page.h"

#include <boost/json.hpp>
#include <stdexcept>

#include "json/json.h"
#include "json/text.h"

namespace antiphon::config {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  json::quote(text, out);
  return out;
}

}  // namespace

json::Value AdminPage::show() const {
  json::Object out;
  for (const Item& item : items_) out[item.name] = item.setting->to_json();
  return out;
}

Task<json::Value> AdminPage::change(const json::Value& body, std::string_view if_match) {
  std::vector<Change> changes;
  json::Faults faults;
  for (const Item& item : items_) {
    const json::Value* value = json::find(body, item.name);
    if (!value) continue;
    try {
      item.setting->from_json(*value);
      changes.push_back({std::string(item.setting->about().key), *value});
    } catch (const std::invalid_argument& e) {
      // Without the input: it may be a secret.
      faults.push_back({"value_error",
                        R"(["body",)" + quoted(item.name) + "]",
                        std::string("Value error, ") + e.what(),
                        "null",
                        {}});
    }
  }
  if (!faults.empty()) json::refuse(faults);
  if (!changes.empty()) co_await store_.set(std::move(changes), version_of(if_match));
  co_return show();
}

}  // namespace antiphon::config
