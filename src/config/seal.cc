#include "config/seal.h"

#include <openssl/evp.h>

#include <memory>
#include <stdexcept>

#include "base/encode.h"
#include "base/ids.h"

namespace antiphon::config {
namespace {

constexpr std::size_t kKey = 32, kNonce = 12, kTag = 16;
constexpr std::string_view kMark = "v1:";

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

unsigned char* bytes(std::string& s) {
  return reinterpret_cast<unsigned char*>(s.data());
}
const unsigned char* bytes(std::string_view s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}
void must(int ok) {
  if (ok != 1) throw std::runtime_error("AES-256-GCM failed");
}

std::optional<std::string> decrypt(const Secret& key, std::string_view where, std::string raw) {
  Context context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  std::string tag = raw.substr(raw.size() - kTag);
  std::size_t size = raw.size() - kNonce - kTag;
  std::string plain(size, '\0');
  int n = 0;
  must(EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr,
                          bytes(std::string_view(key.reveal())), bytes(raw)));
  must(EVP_DecryptUpdate(context.get(), nullptr, &n, bytes(where), static_cast<int>(where.size())));
  must(EVP_DecryptUpdate(context.get(), bytes(plain), &n, bytes(raw) + kNonce, static_cast<int>(size)));
  must(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTag, tag.data()));
  if (EVP_DecryptFinal_ex(context.get(), bytes(plain) + n, &n) != 1) return std::nullopt;
  return plain;
}

/// Nonce, ciphertext and tag; nothing when it is no sealed text.
std::optional<std::string> raw_of(std::string_view sealed) {
  if (!sealed.starts_with(kMark)) return std::nullopt;
  std::optional<std::string> raw = base64url_decode(sealed.substr(kMark.size()));
  if (!raw || raw->size() < kNonce + kTag) return std::nullopt;
  return raw;
}

}  // namespace

AesSealer::AesSealer(std::vector<Secret> keys) : keys_(std::move(keys)) {
  if (keys_.empty()) throw std::logic_error("Sealing needs a key");
  for (const Secret& key : keys_)
    if (key.reveal().size() != kKey) throw std::logic_error("A sealing key has 32 bytes");
}

std::string AesSealer::seal(std::string_view where, std::string_view plain) const {
  Context context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  std::string nonce = random_bytes(kNonce), sealed(plain.size(), '\0'), tag(kTag, '\0');
  int n = 0;
  must(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr,
                          bytes(std::string_view(keys_.at(sealing_).reveal())), bytes(nonce)));
  must(EVP_EncryptUpdate(context.get(), nullptr, &n, bytes(where), static_cast<int>(where.size())));
  must(EVP_EncryptUpdate(context.get(), bytes(sealed), &n, bytes(plain),
                         static_cast<int>(plain.size())));
  must(EVP_EncryptFinal_ex(context.get(), bytes(sealed) + n, &n));
  must(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTag, tag.data()));
  return std::string(kMark) + base64url(nonce + sealed + tag);
}

bool AesSealer::sealed_now(std::string_view where, std::string_view sealed) const {
  std::optional<std::string> raw = raw_of(sealed);
  return raw && decrypt(keys_.at(sealing_), where, std::move(*raw));
}

std::optional<std::string> AesSealer::open(std::string_view where, std::string_view sealed) const {
  std::optional<std::string> raw = raw_of(sealed);
  if (!raw) return std::nullopt;
  for (const Secret& key : keys_)
    if (std::optional<std::string> plain = decrypt(key, where, *raw)) return plain;
  return std::nullopt;
}

}  // namespace antiphon::config
