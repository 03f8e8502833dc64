#include "features/models/forms.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/data_image.h"
#include "base/encode.h"
#include "base/problem.h"
#include "base/time.h"
#include "json/json.h"
#include "json/text.h"

namespace antiphon::models {
namespace {

constexpr std::size_t kMostMeta = 2 << 20;
constexpr std::size_t kMostParams = 256 << 10;

[[noreturn]] void refuse(std::string_view member, std::string message) {
  std::string loc = "[\"body\",\"" + std::string(member) + "\"]";
  json::Faults faults{
      {.type = "value_error", .loc = loc, .message = message, .input = "null", .context = {}}};
  throw Problem(Problem(Problem::Kind::invalid, message).with_detail_json(json::detail_of(faults)))
      .answering(422);
}

bool bare(std::string_view id) {
  return std::none_of(id.begin(), id.end(), [](unsigned char c) { return c <= ' ' || c == 0x7f; });
}

/// Pictures come as data: URLs of raster images, or as paths of this server. Other addresses are kept,
/// because clients send them back, but are neither fetched nor handed to browsers (row 15).
bool picture(std::string_view url) {
  if (data_image(url)) return true;
  bool path = url.starts_with('/') && !url.starts_with("//");
  return url.empty() || path || url.starts_with("https://") || url.starts_with("http://");
}

Model checked(Model m) {
  if (!bare(m.id)) refuse("id", "An id must not contain white space");
  if (!m.params.is_object()) m.params = json::Object();
  if (!m.meta.is_object()) m.meta = json::Object();
  if (!picture(json::text_at(m.meta, "profile_image_url")))
    refuse("meta", "This is not a picture that can be used");
  if (json::serialize(m.meta).size() > kMostMeta) refuse("meta", "This is more than can be stored");
  if (json::serialize(m.params).size() > kMostParams)
    refuse("params", "This is more than can be stored");
  if (m.base_model_id && (m.base_model_id->empty() || *m.base_model_id == m.id))
    m.base_model_id = std::nullopt;
  return m;
}

}  // namespace

Model row_of(const ModelForm& form, const std::string& owner) {
  std::int64_t now = unix_seconds();
  auto meta = json::try_parse(json::dump(form.meta));
  auto params = json::try_parse(json::dump(form.params));
  return checked({.id = form.id,
                  .user_id = owner,
                  .base_model_id = form.base_model_id,
                  .name = form.name,
                  .params = params ? std::move(*params) : json::Value(),
                  .meta = meta ? std::move(*meta) : json::Value(),
                  .updated_at = now,
                  .created_at = now,
                  .is_active = form.is_active});
}

std::optional<Model> row_of(const json::Value& imported, const std::string& owner) {
  std::string id(json::text_at(imported, "id"));
  if (id.empty() || id.size() > 256 || !bare(id)) return std::nullopt;
  std::int64_t now = unix_seconds();
  std::string name(utf8_prefix(json::text_at(imported, "name"), 512));
  const json::Value* params = json::find(imported, "params");
  const json::Value* meta = json::find(imported, "meta");
  const json::Value* base = json::find(imported, "base_model_id");
  Model out{.id = id,
            .user_id = owner,
            .name = name.empty() ? id : name,
            .params = params ? *params : json::Value(),
            .meta = meta ? *meta : json::Value(),
            .updated_at = now,
            .created_at = now,
            .is_active = json::bool_at(imported, "is_active", true)};
  if (base && base->is_string()) out.base_model_id = std::string(json::view(base->as_string()));
  return checked(std::move(out));
}

std::optional<std::vector<Wanted>> grants_of(const json::Value& imported) {
  const json::Array* grants = json::array_at(imported, "access_grants");
  if (!grants) return std::nullopt;
  return wanted_grants({grants->begin(), grants->end()});
}

}  // namespace antiphon::models
