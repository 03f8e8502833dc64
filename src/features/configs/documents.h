#pragma once

#include <string>
#include <string_view>

/// Small documents that browsers ask for, with the product's name in them. Pure.
namespace antiphon::configs {

/// The web app's manifest.
std::string manifest(std::string_view name);
/// Lets browsers search here. `url` is the public address, without a slash at its end or with one.
std::string opensearch(std::string_view name, std::string_view url);
/// What each version brought, in upstream's shape.
std::string_view changelog();

}  // namespace antiphon::configs
