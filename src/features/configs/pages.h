#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/store.h"
#include "features/configs/members.h"

/// The pages of settings that admins see and change, in the shapes of upstream's /api/v1/configs.
namespace antiphon::configs {

/// A page: its members, those of features that are not there with their fixed values.
using Page = std::span<const Member>;

extern const Page kConnectionsPage;
extern const Page kModelsPage;
extern const Page kModelDefaultsPage;
extern const Page kCodeExecutionPage;
extern const Page kToolServersPage;
extern const Page kTerminalServersPage;
extern const Page kSuggestionsPage;

json::Value show(const config::Registry& registry, Page page);
/// Takes the members of `body` that are settings; the fixed ones stay. Throws as AdminPage::change.
Task<> change(config::Store& store, Page page, json::Value body, std::string if_match);

/// Every setting that can be stored, by key, and the rows nobody here reads. For admins: secrets too.
Task<json::Value> export_settings(config::Store& store);
/// Takes what export_settings gives, and upstream's older nested form.
Task<> import_settings(config::Store& store, json::Value config);

/// Every setting with all that is declared about it, by group: for the editor. Secrets only as whether
/// they are set.
json::Value describe_settings(const config::Store& store);

}  // namespace antiphon::configs
