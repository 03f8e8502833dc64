#include "features/completions/pictures.h"

#include <boost/json.hpp>
#include <iterator>
#include <utility>

namespace antiphon::completions {
namespace {

constexpr std::string_view kFiles = "/api/v1/files/";

std::string_view url_of(const json::Value& part) {
  if (json::text_at(part, "type") != "image_url") return {};
  const json::Value* image = json::find(part, "image_url");
  if (!image) return {};
  return image->is_string() ? json::view(image->as_string()) : json::text_at(*image, "url");
}

/// The picture that goes in place of a part; nothing: the part stays as it is. An empty one: it goes.
Task<std::optional<json::Value>> replaced(const Pictures& pictures, const User& me,
                                          const json::Value& part, std::int64_t& room) {
  auto id = file_named(url_of(part));
  if (!id) co_return std::nullopt;
  std::optional<std::string> url;
  if (pictures.read) url = co_await pictures.read(me, std::move(*id), room);
  if (!url) co_return json::Value();
  room -= static_cast<std::int64_t>(url->size() / 4 * 3);
  json::Value out = part;
  json::Value& image = out.as_object()["image_url"];
  if (image.is_string())
    image = *url;
  else
    image.as_object()["url"] = *url;
  co_return out;
}

}  // namespace

std::optional<std::string> file_named(std::string_view url) {
  if (url.empty() || url.starts_with("data:")) return std::nullopt;
  if (std::size_t scheme = url.find("://"); scheme != url.npos) {
    std::size_t path = url.find('/', scheme + 3);
    if (path == url.npos || !url.substr(path).starts_with(kFiles)) return std::nullopt;
    url.remove_prefix(path);
  }
  if (url.starts_with(kFiles)) url.remove_prefix(kFiles.size());
  return std::string(url.substr(0, url.find_first_of("/?#")));
}

Task<> check_pictures(const Pictures& pictures, const User& me, const json::Array& messages) {
  if (!pictures.check) co_return;
  for (const json::Value& message : messages)
    if (const json::Array* parts = json::array_at(message, "content"))
      for (const json::Value& part : *parts)
        if (auto id = file_named(url_of(part))) co_await pictures.check(me, std::move(*id));
}

Task<> put_pictures(const Pictures& pictures, const User& me, json::Array& messages) {
  std::int64_t room = kMostPictures;
  for (std::size_t i = messages.size(); i-- != 0;) {
    if (!json::array_at(messages[i], "content")) continue;
    json::Array& parts = messages[i].as_object()["content"].as_array();
    for (std::size_t at = parts.size(); at-- != 0;) {
      auto put = co_await replaced(pictures, me, parts[at], room);
      if (put && put->is_null())
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at));
      else if (put)
        parts[at] = std::move(*put);
    }
  }
}

}  // namespace antiphon::completions
