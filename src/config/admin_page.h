#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/store.h"

namespace antiphon::config {

/// A page of the admin's settings: what GET shows and POST takes, with upstream's member names, which
/// are the variables' names:
///
///     AdminPage page(store, {s.enable_signup, {s.jwt_expires_in, "JWT_EXPIRES_IN"}});
///     co_return page.show();
///     co_return co_await page.change(body);
///
/// It shows secrets: for admins only.
class AdminPage {
 public:
  struct Item {
    Item(const AnySetting& s) : setting(&s), name(s.about().env) {}
    Item(const AnySetting& s, std::string_view called) : setting(&s), name(called) {}
    const AnySetting* setting;
    std::string_view name;
  };

  AdminPage(Store& store, std::vector<Item> items) : store_(store), items_(std::move(items)) {}

  json::Value show() const;
  /// Takes what `body` has of the page's members, leaves out the rest. Throws a Problem: 422 with
  /// FastAPI's list when a value does not fit, 412 when `if_match` is given and out of date.
  Task<json::Value> change(const json::Value& body, std::string_view if_match = {});

 private:
  Store& store_;
  std::vector<Item> items_;
};

}  // namespace antiphon::config
