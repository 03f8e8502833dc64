#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/seal.h"
#include "store/db.h"

namespace antiphon {
class Scope;
}

namespace antiphon::cluster {

/// A value kept sealed.
struct SealedRow {
  std::string place;   ///< What it is sealed for.
  std::string sealed;  ///< "v1:…"
  std::string stored;  ///< The column as it stands: replaced only while it is still that.
};

/// One kind of sealed values. A table with sealed values adds a function like sealed_settings() and a
/// line to sealed_kinds(); so no key is dropped that one of them needs.
struct SealedKind {
  std::string_view name;  ///< "setting"
  std::function<Task<std::vector<SealedRow>>(store::Connection&)> rows;
  std::function<Task<bool>(store::Connection&, SealedRow was, std::string sealed)> replace;
};
std::vector<SealedKind> sealed_kinds();
SealedKind sealed_settings();

/// Values that no key opens.
struct Unopened {
  std::string_view kind;
  std::vector<std::string> places;
};
Task<std::vector<Unopened>> unopened(store::Connection& db, const config::AesSealer& sealer);
/// "2 settings (openai.api_keys, …) were sealed with a key that this node does not have"
std::string complaint(const std::vector<Unopened>& lost);

/// Seals what was sealed with another key with the one in use, and logs how far it is. Stops when
/// `scope` closes. How many it sealed.
Task<std::size_t> seal_again(store::Connection& db, const config::AesSealer& sealer,
                             const Scope& scope);

/// Deletes the values that no key opens, which the environment or the default then stands for.
Task<std::size_t> drop_unopened(store::Db& db, const config::AesSealer& sealer);

}  // namespace antiphon::cluster
