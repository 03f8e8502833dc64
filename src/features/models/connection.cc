#include "features/models/connection.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/encode.h"
#include "base/problem.h"
#include "base/time.h"

namespace antiphon::models {
namespace {

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::vector<std::string> strings(const json::Array* list) {
  std::vector<std::string> out;
  if (list)
    for (const json::Value& v : *list)
      if (v.is_string()) out.emplace_back(json::view(v.as_string()));
  return out;
}

/// Open WebUI keeps options by place, and used to keep them by URL.
const json::Value* options_of(const json::Value& configs, int index, const std::string& url) {
  if (const json::Value* by_place = json::find(configs, std::to_string(index))) return by_place;
  return json::find(configs, url);
}

Proof proof_of(std::string_view auth_type) {
  if (auth_type.empty() || auth_type == "bearer") return Proof::key;
  return auth_type == "none" ? Proof::nothing : Proof::unsupported;
}

/// Azure's older addresses name a deployment; its newer ones end in /openai/v1 and are like
/// everybody's.
bool is_azure(const json::Value& options, const std::string& url) {
  bool said = json::bool_at(options, "azure") || json::text_at(options, "provider") == "azure_openai" ||
              json::text_at(options, "provider") == "azure";
  return said && !url.ends_with("/openai/v1");
}

void read_options(Connection& c, const json::Value& options) {
  c.enabled = json::bool_at(options, "enable", true);
  c.prefix = json::text_at(options, "prefix_id");
  if (const json::Array* tags = json::array_at(options, "tags")) c.tags = *tags;
  c.model_ids = strings(json::array_at(options, "model_ids"));
  if (auto type = json::text_at(options, "connection_type"); !type.empty()) c.type = type;
  c.provider = json::text_at(options, "provider");
  c.auth_type = json::text_at(options, "auth_type");
  c.proof = proof_of(c.auth_type);
  c.azure = is_azure(options, c.url);
  c.api_version = json::text_at(options, "api_version");
  c.responses = json::text_at(options, "api_type") == "responses";
  c.background = c.responses && json::bool_at(options, "background");
  c.takeover = takeover_of(json::text_at(options, "takeover"));
  if (const json::Object* headers = json::object_at(options, "headers"))
    for (const auto& [name, value] : *headers)
      if (value.is_string()) c.headers.emplace_back(json::view(name), json::view(value.as_string()));
}

/// What fits a header's value: printable ASCII; all else is percent-encoded.
std::string for_header(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c >= ' ' && c < 0x7f && c != '%')
      out += c;
    else
      out += percent_encode(std::string_view(&c, 1));
  }
  return out;
}

std::string user_token(const Settings& settings, const Asker& asker, const std::string& audience) {
  std::int64_t now = unix_seconds();
  json::Object claims{{"sub", asker.id.value},
                      {"name", asker.name},
                      {"email", asker.email},
                      {"role", name_of(asker.role)},
                      {"aud", audience},
                      {"iat", now},
                      {"exp", now + settings.user_jwt_seconds()}};
  std::string signed_part =
      base64url(R"({"alg":"HS256","typ":"JWT"})") + "." + base64url(json::serialize(claims));
  return signed_part + "." + base64url(hmac_sha256(settings.user_jwt_secret().reveal(), signed_part));
}

void add_user(std::vector<client::Header>& out, const Settings& s, const Connection& c,
              const Asker& asker) {
  if (!s.forward_user() || asker.id.value.empty()) return;
  auto add = [&](const std::string& name, std::string_view value) {
    if (!name.empty() && !value.empty()) out.emplace_back(name, for_header(value));
  };
  if (!s.user_jwt_secret().empty()) {
    add(s.header_jwt(), user_token(s, asker, c.url));
  } else {
    add(s.header_name(), asker.name);
    add(s.header_id(), asker.id.value);
    add(s.header_email(), asker.email);
    add(s.header_role(), name_of(asker.role));
  }
  add(s.header_chat(), asker.chat_id);
  add(s.header_message(), asker.message_id);
}

ConnectionPtr candidate(int index, std::string url) {
  Connection c{
      .kind = Kind::openai, .index = index, .url = std::move(url), .found = true, .type = "local"};
  return std::make_shared<const Connection>(std::move(c));
}

}  // namespace

std::string Connection::identity() const {
  std::string out = std::to_string(static_cast<int>(kind)) + "|" + std::to_string(index) + "|" + url +
                    "|" + prefix + "|" + hex(sha256(key.reveal())) + "|" + json::serialize(tags) + "|" +
                    type + "|" + provider;
  for (const std::string& id : model_ids) out += "|" + id;
  return out;
}

bool Connection::takes(std::string_view upstream_id) const {
  return model_ids.empty() ||
         std::find(model_ids.begin(), model_ids.end(), upstream_id) != model_ids.end();
}

std::string Connection::prefixed(std::string_view upstream_id) const {
  return prefix.empty() ? std::string(upstream_id) : prefix + "." + std::string(upstream_id);
}

std::string Connection::unprefixed(std::string_view id) const {
  bool has = !prefix.empty() && id.starts_with(prefix + ".");
  return std::string(has ? id.substr(prefix.size() + 1) : id);
}

std::vector<ConnectionPtr> openai_connections(const Settings& settings) {
  auto moment = settings.moment();
  std::vector<std::string> urls = settings.openai_urls(*moment), keys = settings.openai_keys(*moment);
  json::Value configs = settings.openai_configs(*moment);
  std::vector<ConnectionPtr> out;
  for (std::size_t i = 0; i != urls.size(); ++i) {
    Connection c{.kind = Kind::openai,
                 .index = static_cast<int>(i),
                 .url = without_slash(urls[i]),
                 .type = "external"};
    if (i < keys.size()) c.key = Secret(keys[i]);
    if (const json::Value* options = options_of(configs, c.index, urls[i])) read_options(c, *options);
    // The default, which nobody has given a key: asking would only tell them that we exist.
    if (c.key.empty() && c.url == "https://api.openai.com/v1" && c.headers.empty()) c.enabled = false;
    if (c.url.empty()) c.enabled = false;
    out.push_back(std::make_shared<const Connection>(std::move(c)));
  }
  return out;
}

std::vector<ConnectionPtr> ollama_connections(const Settings& settings) {
  auto moment = settings.moment();
  std::vector<std::string> urls = settings.ollama_urls(*moment);
  json::Value configs = settings.ollama_configs(*moment);
  std::vector<ConnectionPtr> out;
  for (std::size_t i = 0; i != urls.size(); ++i) {
    Connection c{.kind = Kind::ollama,
                 .index = static_cast<int>(i),
                 .url = without_slash(urls[i]),
                 .type = "local"};
    if (c.url.ends_with("/api")) c.url.resize(c.url.size() - 4);
    if (const json::Value* options = options_of(configs, c.index, urls[i])) {
      read_options(c, *options);
      c.key = Secret(std::string(json::text_at(*options, "key")));
      c.azure = false;
    }
    c.found = urls.size() == 1 && c.url == "http://localhost:11434";
    if (c.url.empty()) c.enabled = false;
    out.push_back(std::make_shared<const Connection>(std::move(c)));
  }
  return out;
}

void check_options(const json::Object& configs) {
  auto is_api = [](std::string_view word) { return word == "chat_completions" || word == "responses"; };
  for (const auto& [place, options] : configs) {
    auto refuse_unless = [&](std::string_view key, std::string_view words, auto known) {
      const json::Value* value = json::find(options, key);
      if (!value || value->is_null()) return;
      std::string_view word = json::text_at(options, key);
      if (!value->is_string() || (!word.empty() && !known(word)))
        throw Problem(Problem::Kind::invalid, std::string(key) + " of connection " +
                                                  std::string(json::view(place)) + " should be " +
                                                  std::string(words));
    };
    refuse_unless("takeover", "keep, continue or restart",
                  [](std::string_view word) { return takeover_of(word).has_value(); });
    refuse_unless("api_type", "chat_completions or responses", is_api);
    const json::Value* background = json::find(options, "background");
    if (background && !background->is_null() && !background->is_bool())
      throw Problem(
          Problem::Kind::invalid,
          "background of connection " + std::string(json::view(place)) + " should be true or false");
  }
}

ConnectionPtr trial(Kind kind, const std::string& url, const std::string& key,
                    const json::Value& options) {
  Connection c{.kind = kind, .url = without_slash(url), .type = "external"};
  if (options.is_object()) read_options(c, options);
  if (kind == Kind::ollama && c.url.ends_with("/api")) c.url.resize(c.url.size() - 4);
  c.key = Secret(key);
  c.enabled = true;
  return std::make_shared<const Connection>(std::move(c));
}

std::vector<ConnectionPtr> local_candidates(const Settings& settings) {
  if (!settings.discover() || !settings.enable_openai()) return {};
  std::vector<ConnectionPtr> configured = openai_connections(settings);
  for (const ConnectionPtr& c : configured)
    if (c->enabled) return {};
  int next = static_cast<int>(configured.size());
  std::string own = ":" + std::to_string(settings.own_port) + "/";
  std::vector<ConnectionPtr> out;
  for (const std::string& url : settings.discover_urls())
    if (!url.empty() && url.find(own) == url.npos) out.push_back(candidate(next++, without_slash(url)));
  return out;
}

Asker asker(const Caller& caller, std::string chat_id, std::string message_id) {
  return {caller.id, caller.name, caller.email, caller.role, std::move(chat_id), std::move(message_id)};
}

std::string expand(std::string_view text, const Asker& asker) {
  const std::pair<std::string_view, std::string_view> names[] = {
      {"{{USER_NAME}}", asker.name},   {"{{USER_ID}}", asker.id.value},
      {"{{USER_EMAIL}}", asker.email}, {"{{USER_ROLE}}", name_of(asker.role)},
      {"{{CHAT_ID}}", asker.chat_id},  {"{{MESSAGE_ID}}", asker.message_id}};
  std::string out;
  while (!text.empty()) {
    auto found = std::find_if(std::begin(names), std::end(names),
                              [&](const auto& name) { return text.starts_with(name.first); });
    if (found == std::end(names)) {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    out += for_header(found->second);
    text.remove_prefix(found->first.size());
  }
  return out;
}

std::vector<client::Header> headers_for(const Settings& settings, const Connection& c,
                                        const Asker& asker) {
  if (c.proof == Proof::unsupported)
    throw Problem(Problem::Kind::unavailable,
                  "This connection's way to sign in (" + c.auth_type + ") is not supported.");
  std::vector<client::Header> out;
  if (c.proof == Proof::key && !c.key.empty()) {
    if (c.azure)
      out.emplace_back("api-key", c.key.reveal());
    else
      out.emplace_back("Authorization", "Bearer " + c.key.reveal());
  }
  for (const client::Header& h : c.headers) out.emplace_back(h.first, expand(h.second, asker));
  add_user(out, settings, c, asker);
  return out;
}

client::Request request_for(const Settings& settings, const Connection& connection, std::string url,
                            const Asker& asker) {
  client::Request out;
  out.url = std::move(url);
  out.on_begin = asker.on_begin;
  out.headers = headers_for(settings, connection, asker);
  out.reach = client::Reach::admin_configured;
  out.stall_timeout = std::chrono::seconds(settings.stream_idle_timeout().value_or(300));
  out.total_timeout = std::chrono::seconds(settings.upstream_timeout().value_or(0));
  // Where servers are is the administrator's business.
  if (!asker.id.value.empty() && asker.role != Role::admin) out.called = "the model's server";
  if (connection.found) out.connect_timeout = std::chrono::milliseconds(300);
  return out;
}

std::vector<std::string> keys_after(const std::vector<std::string>& old_urls,
                                    const std::vector<std::string>& old_keys,
                                    const std::vector<std::string>& urls,
                                    std::vector<std::string> keys) {
  keys.resize(urls.size());
  if (old_urls.size() != urls.size())
    return keys;  // Added or removed: places moved, nothing was edited.
  for (std::size_t i = 0; i != urls.size(); ++i) {
    bool changed = without_slash(old_urls[i]) != without_slash(urls[i]);
    bool moved = std::find(old_urls.begin(), old_urls.end(), urls[i]) != old_urls.end();
    if (changed && !moved && i < old_keys.size() && keys[i] == old_keys[i]) keys[i].clear();
  }
  return keys;
}

}  // namespace antiphon::models
