#pragma once

#include <string>

namespace antiphon {

/// A random (version 4) UUID, as Open WebUI's ids are. Any thread.
std::string uuid4();

/// `bytes` bytes from the kernel's generator (getrandom). Any thread.
std::string random_bytes(std::size_t bytes);

/// Random lower-case hexadecimal, two digits a byte.
std::string random_hex(std::size_t bytes);

}  // namespace antiphon
