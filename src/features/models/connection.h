#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "client/client.h"
#include "features/models/settings.h"
#include "features/models/takeover.h"
#include "http/caller.h"
#include "json/text.h"

namespace antiphon::models {

enum class Kind { openai, ollama, demo };

/// How a connection proves who it is to its server.
enum class Proof { key, nothing, unsupported };

/// A model server, as an administrator has configured it (Open WebUI's shape: URLs, keys, and an object
/// of options by place). Immutable.
struct Connection {
  Kind kind = Kind::openai;
  int index = 0;    ///< Its place in the list; clients call it `url_idx`.
  std::string url;  ///< Without a slash at its end.
  Secret key;
  bool enabled = true;
  bool found = false;  ///< Not configured: a usual port of this machine, silent when nothing is there.
  std::string prefix;  ///< Put in front of its models' ids, with a dot.
  json::Array tags;
  std::vector<std::string> model_ids;  ///< When not empty, only these.
  std::string type;                    ///< "external" or "local", for clients.
  std::string provider;                ///< "azure_openai" …, for clients.
  Proof proof = Proof::key;
  std::string auth_type;
  bool azure = false;
  std::string api_version;
  bool responses = false;   ///< `api_type` "responses": answers come by OpenAI's Responses API.
  bool background = false;  ///< … and are written at the server whether somebody reads them or not.
  std::optional<Takeover> takeover = {};     ///< ANTIPHON_TAKEOVER's when not set.
  std::vector<client::Header> headers = {};  ///< Values may hold {{USER_NAME}} and its like.

  /// Distinguishes what was learnt from it before a change from what is learnt after.
  std::string identity() const;
  bool takes(std::string_view upstream_id) const;
  /// "prefix.id"
  std::string prefixed(std::string_view upstream_id) const;
  /// The reverse; the id itself when it has no such prefix.
  std::string unprefixed(std::string_view id) const;
};
using ConnectionPtr = std::shared_ptr<const Connection>;

/// The configured connections, those that are switched off included, in order.
std::vector<ConnectionPtr> openai_connections(const Settings& settings);
std::vector<ConnectionPtr> ollama_connections(const Settings& settings);
/// Throws Problem when a connection's options, by place, are none that could be kept.
void check_options(const json::Object& configs);
/// One that is not stored yet, for trying it out.
ConnectionPtr trial(Kind kind, const std::string& url, const std::string& key,
                    const json::Value& options);
/// The usual ports of this machine, when nothing is configured and it is wanted.
std::vector<ConnectionPtr> local_candidates(const Settings& settings);

/// Who asks, for servers that want to know.
struct Asker {
  UserId id = {};
  std::string name = {}, email = {};
  Role role = Role::pending;
  std::string chat_id = {}, message_id = {};
  /// Given what closes the call to the server, as soon as there is one; null when nobody wants it.
  std::function<void(std::function<void()> close)> on_begin = {};
  /// He keeps ChunkStream::cursor(), takes the answer up with it and abandons it when it is stopped.
  bool keeps_cursor = false;
};
Asker asker(const Caller& caller, std::string chat_id = {}, std::string message_id = {});

/// `{{USER_NAME}}`, `{{USER_ID}}`, `{{USER_EMAIL}}`, `{{USER_ROLE}}`, `{{CHAT_ID}}` and
/// `{{MESSAGE_ID}}` in `text`, encoded so that they fit a header. Nothing else is expanded: no
/// environment, no secret (row 13).
std::string expand(std::string_view text, const Asker& asker);

/// Headers of a call: the key, the configured ones, who asks. Throws Problem when the connection wants
/// a kind of proof we do not have.
std::vector<client::Header> headers_for(const Settings& settings, const Connection& connection,
                                        const Asker& asker);

/// A POST or GET to the connection with its headers and time limits.
client::Request request_for(const Settings& settings, const Connection& connection, std::string url,
                            const Asker& asker);

/// The keys that stay stored when the URLs change (row 13): one whose place got another URL, without
/// the key being typed anew, is dropped, so that it never goes to another server. As many as `urls`.
std::vector<std::string> keys_after(const std::vector<std::string>& old_urls,
                                    const std::vector<std::string>& old_keys,
                                    const std::vector<std::string>& urls,
                                    std::vector<std::string> keys);

}  // namespace antiphon::models
