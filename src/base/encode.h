#pragma once

#include <optional>
#include <string>
#include <string_view>

/// Text encodings that several folders need. Pure functions; any thread.
namespace antiphon {

/// `text` as a JSON string, quotes included. Invalid UTF-8 becomes U+FFFD; C0, DEL and C1 control
/// characters are escaped.
std::string json_quote(std::string_view text);

/// RFC 4648 §5 without padding.
std::string base64url(std::string_view bytes);
/// Nothing when there is a foreign character, padding, or left-over bits that are not zero.
std::optional<std::string> base64url_decode(std::string_view text);

/// RFC 4648 §4, padded.
std::string base64(std::string_view bytes);
/// The same the other way; padding may be missing.
std::optional<std::string> base64_decode(std::string_view text);

std::string hex(std::string_view bytes);

/// Decodes `%xx` once. Nothing when an escape is incomplete or yields a NUL.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);
/// Encodes all but RFC 3986 unreserved characters.
std::string percent_encode(std::string_view text);

bool valid_utf8(std::string_view text);
/// Bytes of the valid UTF-8 sequence at the start of `text` (not empty); 0 when there is none.
std::size_t utf8_sequence(std::string_view text);
/// Characters (code points) in valid UTF-8.
std::size_t utf8_length(std::string_view text);
/// `text`, or as much of its start as fits into `bytes`; never half a character.
std::string_view utf8_prefix(std::string_view text, std::size_t bytes);
/// The same of its end.
std::string_view utf8_suffix(std::string_view text, std::size_t bytes);

/// SHA-256, 32 bytes.
std::string sha256(std::string_view bytes);
/// HMAC-SHA-256, 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view bytes);
/// Compares without telling by its time where they differ. Different lengths compare unequal.
bool equal_in_constant_time(std::string_view a, std::string_view b);

/// Whether it may be a header's name, or stand unquoted as a parameter's value (RFC 9110 §5.6.2).
bool is_token(std::string_view text);

}  // namespace antiphon
