#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"

namespace antiphon::config {

/// The member that marks sealed text in a row of `config`: {"$sealed": "v1:…"}.
inline constexpr std::string_view kSealedMember = "$sealed";

/// Keeps secrets unreadable at rest. Any thread.
class Sealer {
 public:
  virtual ~Sealer() = default;
  /// `where` (the row's key) is bound in: sealed text moved to another row does not open.
  virtual std::string seal(std::string_view where, std::string_view plain) const = 0;
  /// Nothing when it was sealed under another key or for another place, or was tampered with.
  virtual std::optional<std::string> open(std::string_view where, std::string_view sealed) const = 0;
};

/// AES-256-GCM with a random nonce; "v1:" and base64url of nonce, ciphertext and tag.
class AesSealer final : public Sealer {
 public:
  /// 32 bytes each: the first seals, all open. Throws std::logic_error for another length or none.
  explicit AesSealer(std::vector<Secret> keys);

  /// From now on that key seals.
  void seal_with(std::size_t key) { sealing_ = key; }
  /// Whether the key that seals now opens it: otherwise it wants to be sealed again.
  bool sealed_now(std::string_view where, std::string_view sealed) const;

  std::string seal(std::string_view where, std::string_view plain) const override;
  std::optional<std::string> open(std::string_view where, std::string_view sealed) const override;

 private:
  std::vector<Secret> keys_;
  std::atomic<std::size_t> sealing_ = 0;
};

}  // namespace antiphon::config
