#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "features/models/catalog.h"
#include "features/models/rows.h"

/// What all servers offer and what is registered of it, joined: pure, built anew when either changes.
namespace antiphon::models {

/// A model as it is offered to those who may use it.
struct Item {
  std::string id, name;
  BaseModelPtr base;
  /// What the caller must be allowed to read: the row of the model itself, of every preset between, and
  /// of the base model (row 68). An empty place is a model without a row, which is administrators'
  /// only.
  std::vector<RegisteredPtr> chain;
  json::Object params;
  json::Object meta;
  std::string text;  ///< What /api/models says of it.

  bool usable_by(const Reader& reader) const;
};

struct View {
  std::vector<Item> items;
  std::unordered_map<std::string, std::size_t> places;
  ListingPtr listing;
  RowSetPtr rows;

  /// Null when there is none.
  const Item* find(std::string_view id) const;
};

struct Defaults {
  json::Value meta, params, order;
};

std::shared_ptr<const View> build_view(ListingPtr listing, RowSetPtr rows, const Defaults& defaults);

/// `own` where it says something, else `fallback`; objects member by member, one level deep.
json::Object over(const json::Value& own, const json::Value& fallback);

/// A row as clients read it.
ModelView view_of(const Registered& model);

}  // namespace antiphon::models
