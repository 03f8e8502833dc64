#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/call.h"

/// Responses as bytes. Pure functions, so every header that leaves the server is tested without one.
namespace antiphon::http {

/// What the connection knows about a response that the handler does not.
struct Framing {
  int minor = 1;  ///< Of the request.
  bool keep_alive = true;
  bool head_only = false;  ///< The request was HEAD.
  bool streams = false;    ///< Without Response::length: chunked, or until the end on HTTP/1.0.
  bool tls = false;
  std::string_view date = {};
  std::string_view request_id = {};
  std::chrono::nanoseconds took{0};
  std::string_view cors = {};  ///< Whole lines, from cors_lines().
};

/// Appends status line and header fields, with the policy of this server wherever the handler has
/// not said otherwise: CSP, nosniff, no-referrer, COOP, CORP, no-store. Fields that would break the
/// header apart are left out.
void write_head(std::string& out, const Response& response, const Framing& framing);

/// Whether bytes may follow the head.
bool carries_body(const Response& response, const Framing& framing);
std::string_view body_of(const Response& response);

/// The Access-Control lines for a response to `request`; empty unless `allowed` covers its Origin.
/// "*" never comes with credentials (row 90, U1).
std::string cors_lines(const Request& request, const std::vector<std::string>& allowed);
/// The answer to a preflight of an origin that cors_lines() lets in; nothing when it is none.
std::optional<Response> answer_preflight(const Request& request,
                                         const std::vector<std::string>& allowed);

std::string_view reason_of(int status);

/// Whether a proxy's X-Request-Id may be used as ours: short, and nothing a log could trip over.
bool is_request_id(std::string_view text);

/// The size of a chunk and its line end, as HTTP/1.1 frames them.
std::string chunk_head(std::size_t size);

/// Content-Security-Policy of our own pages (regressions 2.8); `script_hashes` are like
/// "'sha256-…'", separated by blanks.
std::string page_policy(std::string_view script_hashes = {});

}  // namespace antiphon::http
