#pragma once

#include <string>

namespace antiphon {

/// A random (version 4) UUID, as Open WebUI's ids are. Any thread.
std::string uuid4();

/// One that begins with the time in milliseconds (version 7, RFC 9562) and has 74 random bits: keys
/// made one after the other lie side by side in an index. Any thread.
std::string uuid7();

/// Fifteen characters of base64's URL alphabet that sort by time: the millisecond, then 42 random bits.
/// For a key that every row of a log repeats, of which a UUID would be half. Any thread.
std::string brief_id();

/// `bytes` bytes from the kernel's generator (getrandom). Any thread.
std::string random_bytes(std::size_t bytes);

/// Random lower-case hexadecimal, two digits a byte.
std::string random_hex(std::size_t bytes);

}  // namespace antiphon
