#include "features/models/view.h"

#include <algorithm>
#include <boost/json.hpp>

#include "features/models/demo.h"

namespace antiphon::models {
namespace {

constexpr std::size_t kLongestChain = 8;

/// What may be told to everybody who may use the model: no prompt, no parameter (row 69), no picture.
json::Object info_of(const Registered& r, const json::Object& meta) {
  json::Array grants;
  for (const Grant& g : r.grants)
    grants.emplace_back(json::Object{{"id", g.id},
                                     {"resource_type", g.resource_type},
                                     {"resource_id", g.resource_id},
                                     {"principal_type", g.principal_type},
                                     {"principal_id", g.principal_id},
                                     {"permission", g.permission},
                                     {"created_at", g.created_at}});
  const Model& m = r.row;
  json::Object out{{"id", m.id},
                   {"user_id", m.user_id},
                   {"base_model_id", m.base_model_id ? json::Value(*m.base_model_id) : json::Value()},
                   {"version_id", m.version_id ? json::Value(*m.version_id) : json::Value()},
                   {"name", m.name},
                   {"params", json::Object()},
                   {"access_grants", std::move(grants)},
                   {"is_active", m.is_active},
                   {"updated_at", m.updated_at},
                   {"created_at", m.created_at}};
  json::Object shown = meta;
  shown.erase("profile_image_url");
  out["meta"] = std::move(shown);
  return out;
}

/// The connection's tags and the row's, each name once.
json::Array tags_of(const json::Value& shown, const json::Object& meta) {
  json::Array out;
  std::set<std::string, std::less<>> names;
  auto add = [&](const json::Array* tags) {
    if (!tags) return;
    for (const json::Value& tag : *tags)
      if (auto name = json::text_at(tag, "name"); !name.empty() && names.emplace(name).second)
        out.push_back(tag);
  };
  add(json::array_at(shown, "tags"));
  if (auto found = meta.find("tags"); found != meta.end() && found->value().is_array())
    add(&found->value().as_array());
  return out;
}

/// A row that says something of a server's model. A preset that happens to have its id does not:
/// whoever made it would decide who uses the model.
RegisteredPtr override_in(const RegisteredPtr& row) {
  return row && !row->row.base_model_id ? row : nullptr;
}

/// Rows from a preset to its base model, and that model; nothing when the chain ends nowhere.
BaseModelPtr follow(const RegisteredPtr& first, const Listing& listing, const RowSet& rows,
                    std::vector<RegisteredPtr>& chain) {
  RegisteredPtr at = first;
  while (at && at->row.base_model_id && chain.size() < kLongestChain) {
    chain.push_back(at);
    const std::string& next = *at->row.base_model_id;
    RegisteredPtr row = rows.find(next);
    if (BaseModelPtr base = listing.find(next)) {
      chain.push_back(override_in(row));
      return base;
    }
    at = row;
  }
  return nullptr;
}

Item base_item(const BaseModelPtr& base, const RegisteredPtr& row, const Defaults& defaults) {
  Item item{.id = base->id,
            .name = std::string(json::text_at(json::Value(base->shown), "name")),
            .base = base,
            .chain = {row}};
  json::Object shown = base->shown;
  item.meta = over(row ? row->row.meta : json::Value(), defaults.meta);
  item.params = over(row ? row->row.params : json::Value(), defaults.params);
  if (row) {
    item.name = row->row.name;
    shown["name"] = item.name;
    shown["info"] = info_of(*row, item.meta);
  } else if (!item.meta.empty() && base->kind != Kind::demo) {
    shown["info"] = json::Object{{"meta", item.meta}};
  }
  shown["tags"] = tags_of(json::Value(base->shown), item.meta);
  shown["actions"] = json::Array();
  shown["filters"] = json::Array();
  item.text = json::serialize(shown);
  return item;
}

Item preset_item(const RegisteredPtr& row, BaseModelPtr base, std::vector<RegisteredPtr> chain,
                 const Defaults& defaults) {
  Item item{.id = row->row.id, .name = row->row.name, .base = base, .chain = std::move(chain)};
  item.meta = over(row->row.meta, defaults.meta);
  json::Value params = defaults.params;
  for (std::size_t i = item.chain.size(); i-- != 0;)
    if (item.chain[i] && item.chain[i]->row.base_model_id)
      params = over(item.chain[i]->row.params, params);
  item.params = over(params, {});
  json::Object shown{{"id", item.id},
                     {"name", item.name},
                     {"object", "model"},
                     {"created", row->row.created_at},
                     {"preset", true},
                     {"info", info_of(*row, item.meta)},
                     {"tags", tags_of({}, item.meta)},
                     {"actions", json::Array()},
                     {"filters", json::Array()}};
  for (std::string_view key : {"owned_by", "connection_type", "loaded"})
    if (const json::Value* of_base = base->shown.if_contains(key)) shown[key] = *of_base;
  item.text = json::serialize(shown);
  return item;
}

/// Those an administrator has put in order first, the others as they came.
void sort(std::vector<Item>& items, const json::Value& order) {
  if (!order.is_array() || order.as_array().empty()) return;
  std::unordered_map<std::string, std::size_t> rank;
  for (const json::Value& id : order.as_array())
    if (id.is_string()) rank.emplace(json::view(id.as_string()), rank.size());
  std::vector<std::pair<std::size_t, std::size_t>> places;  // Rank, then where it was.
  for (std::size_t i = 0; i != items.size(); ++i) {
    auto found = rank.find(items[i].id);
    places.emplace_back(found == rank.end() ? rank.size() : found->second, i);
  }
  std::sort(places.begin(), places.end());
  std::vector<Item> sorted;
  sorted.reserve(items.size());
  for (auto [_, i] : places) sorted.push_back(std::move(items[i]));
  items = std::move(sorted);
}

}  // namespace

bool Item::usable_by(const Reader& reader) const {
  if (reader.everything || base->kind == Kind::demo) return true;
  return std::all_of(chain.begin(), chain.end(), [&](const RegisteredPtr& row) {
    if (!row) return reader.admin;
    // To have written about a server's model is no right to use it.
    return row->row.base_model_id ? row->allows(reader, Right::read)
                                  : row->granted(reader, Right::read);
  });
}

const Item* View::find(std::string_view id) const {
  auto found = places.find(std::string(id));
  return found == places.end() ? nullptr : &items[found->second];
}

json::Object over(const json::Value& own, const json::Value& fallback) {
  json::Object out = fallback.is_object() ? fallback.as_object() : json::Object();
  if (!own.is_object()) return out;
  for (const auto& [key, value] : own.as_object()) {
    json::Value& there = out[key];
    if (there.is_object() && value.is_object())
      for (const auto& [inner, v] : value.as_object()) there.as_object()[inner] = v;
    else if (!value.is_null() || there.is_null())
      there = value;
  }
  return out;
}

ModelView view_of(const Registered& r) {
  const Model& m = r.row;
  return {.version_id = m.version_id,
          .id = m.id,
          .user_id = m.user_id,
          .base_model_id = m.base_model_id,
          .name = m.name,
          .params = m.params,
          .meta = m.meta,
          .access_grants = r.grants,
          .is_active = m.is_active,
          .updated_at = m.updated_at,
          .created_at = m.created_at};
}

std::shared_ptr<const View> build_view(ListingPtr listing, RowSetPtr rows, const Defaults& defaults) {
  auto out = std::make_shared<View>();
  for (const BaseModelPtr& base : listing->models) {
    RegisteredPtr row = override_in(rows->find(base->id));
    if (!row || row->row.is_active) out->items.push_back(base_item(base, row, defaults));
  }
  for (const RegisteredPtr& row : rows->all) {
    if (!row->row.base_model_id || !row->row.is_active || listing->find(row->row.id)) continue;
    std::vector<RegisteredPtr> chain;
    if (BaseModelPtr base = follow(row, *listing, *rows, chain))
      out->items.push_back(preset_item(row, base, std::move(chain), defaults));
  }
  sort(out->items, defaults.order);
  for (std::size_t i = 0; i != out->items.size(); ++i) out->places.emplace(out->items[i].id, i);
  out->listing = std::move(listing);
  out->rows = std::move(rows);
  return out;
}

}  // namespace antiphon::models
