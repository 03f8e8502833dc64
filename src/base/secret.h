#pragma once

#include <openssl/crypto.h>

#include <string>
#include <utility>

namespace antiphon {

/// Text that must not be shown: it does not print, does not convert, does not go through JSON,
/// and is wiped when it goes (row 117, 118). `reveal()` is what a reviewer greps for.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&&) noexcept = default;
  Secret& operator=(const Secret&) = default;
  Secret& operator=(Secret&&) noexcept = default;
  ~Secret() { OPENSSL_cleanse(value_.data(), value_.size()); }

  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  std::string value_;
};

}  // namespace antiphon
