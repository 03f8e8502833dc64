#include "blobs/azure.h"

#include <map>
#include <utility>

#include "base/encode.h"
#include "base/time.h"
#include "client/url.h"

namespace antiphon::blobs {

std::string azure_account(std::string_view endpoint) {
  std::string host = client::parse_url(std::string(endpoint)).host, path = path_in(endpoint);
  if (std::size_t end = host.find(".blob."); end != host.npos) return host.substr(0, end);
  return path.empty() ? path : path.substr(1, path.find('/', 1) - 1);
}

Azure::Azure(const Settings& s) : account_(azure_account(s.azure_endpoint())), key_(s.azure_key()) {
  root_ = without_slashes(s.azure_endpoint()) + "/" + s.azure_container();
  path_ = path_in(root_);
}

ObjectServer::Cures Azure::cures() const {
  return {.key = "AZURE_STORAGE_KEY, and this machine's clock",
          .bucket = "AZURE_STORAGE_CONTAINER_NAME and AZURE_STORAGE_ENDPOINT",
          .address = "AZURE_STORAGE_ENDPOINT"};
}

std::vector<client::Header> Azure::sign(const Wanted& wanted, const std::string& date) const {
  std::map<std::string, std::string> own{{"x-ms-date", date}, {"x-ms-version", std::string(kVersion)}};
  bool put = wanted.method == "PUT";
  if (put) own["x-ms-blob-type"] = "BlockBlob";
  if (wanted.range) own["x-ms-range"] = header_value(*wanted.range);
  std::string type = put ? "application/octet-stream" : "";
  std::string length = wanted.size == 0 ? "" : std::to_string(wanted.size);
  // Method; encoding, language, length, MD5 and type of the content; date, four conditions and range,
  // which are empty or among the headers of Azure's own; these; the account with the path.
  std::string text;
  text.append(wanted.method).append("\n\n\n").append(length).append("\n\n").append(type);
  text.append("\n\n\n\n\n\n\n");
  for (const auto& [name, value] : own) text.append(name).append(":").append(value).append("\n");
  text.append("/").append(account_).append(path_).append(wanted.name);
  std::string key = base64_decode(key_.reveal()).value_or("");
  std::vector<client::Header> out(own.begin(), own.end());
  if (put) out.emplace_back("content-type", type);
  out.emplace_back("authorization", "SharedKey " + account_ + ":" + base64(hmac_sha256(key, text)));
  return out;
}

Task<client::Request> Azure::request(Wanted wanted) {
  co_return client::Request{.method = std::string(wanted.method),
                            .url = root_ + wanted.name,
                            .headers = sign(wanted, http_date(unix_seconds()))};
}

}  // namespace antiphon::blobs
