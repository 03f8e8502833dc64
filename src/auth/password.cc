#include "auth/password.h"

#include <argon2.h>
#include <crypt.h>

#include <memory>
#include <utility>

#include "base/encode.h"
#include "base/ids.h"
#include "base/problem.h"

namespace antiphon::auth {
namespace {

constexpr std::uint32_t kPasses = 2;
constexpr std::uint32_t kMemoryKiB = 19 * 1024;
constexpr std::uint32_t kLanes = 1;
constexpr std::size_t kHashBytes = 32;
constexpr std::string_view kOurPrefix = "$argon2id$v=19$m=19456,t=2,p=1$";

std::string argon2id(const std::string& password) {
  std::string salt = random_bytes(16);
  std::string out(argon2_encodedlen(kPasses, kMemoryKiB, kLanes, 16, kHashBytes, Argon2_id), '\0');
  int error = argon2id_hash_encoded(kPasses, kMemoryKiB, kLanes, password.data(), password.size(),
                                    salt.data(), salt.size(), kHashBytes, out.data(), out.size());
  if (error != ARGON2_OK)
    throw Problem(Problem::Kind::unavailable, "The server is busy. Please try again in a moment.")
        .because(argon2_error_message(error))
        .retry_after(2);
  out.resize(out.find('\0'));
  return out;
}

bool argon2_matches(const std::string& password, const std::string& hash) {
  argon2_type type = hash.starts_with("$argon2id$")  ? Argon2_id
                     : hash.starts_with("$argon2i$") ? Argon2_i
                                                     : Argon2_d;
  return argon2_verify(hash.c_str(), password.data(), password.size(), type) == ARGON2_OK;
}

bool bcrypt_matches(const std::string& password, const std::string& hash) {
  auto state = std::make_unique<crypt_data>();
  const char* made = crypt_r(password.c_str(), hash.c_str(), state.get());
  bool same = made && made[0] != '*' && equal_in_constant_time(made, hash);
  OPENSSL_cleanse(state.get(), sizeof(crypt_data));
  return same;
}

bool matches(const std::string& password, const std::string& hash) {
  if (password.find('\0') != password.npos) return false;
  if (hash.starts_with("$argon2")) return argon2_matches(password, hash);
  if (hash.starts_with("$2a$") || hash.starts_with("$2b$") || hash.starts_with("$2y$"))
    return bcrypt_matches(password, hash);
  return false;
}

[[noreturn]] void refuse(std::string why) {
  throw Problem(Problem::Kind::invalid, std::move(why)).answering(400);
}

}  // namespace

Task<std::string> Passwords::hash(Secret password) {
  co_return co_await pool_.run<std::string>(
      [password = std::move(password)] { return argon2id(password.reveal()); });
}

Task<bool> Passwords::verify(Secret password, std::optional<std::string> hash) {
  // What no account can have needs no work; the answer tells nothing about an account.
  if (password.reveal().size() > kMaxPassword) co_return false;
  co_return co_await pool_.run<bool>([password = std::move(password), hash = std::move(hash)] {
    if (hash && (hash->starts_with("$argon2") || hash->starts_with("$2")))
      return matches(password.reveal(), *hash);
    (void)argon2id(password.reveal());  // The time of a wrong password, not its result.
    return false;
  });
}

bool Passwords::outdated(std::string_view hash) {
  return !hash.starts_with(kOurPrefix);
}

void check_password(const PasswordPolicy& policy, std::string_view password) {
  if (password.size() > kMaxPassword) refuse("The password is too long: 1024 bytes at most.");
  if (password.find('\0') != password.npos)
    refuse("The password holds a character that is not allowed.");
  if (password.size() < kMinPassword) refuse("The password is too short: 8 characters at least.");
  if (common_password(password))
    refuse("This password is one of those tried first. Please choose another.");
  if (policy.match_pattern && !matches_pattern(policy.pattern, std::string(password)))
    refuse(policy.hint.empty() ? "The password does not meet this server's rules." : policy.hint);
}

}  // namespace antiphon::auth
