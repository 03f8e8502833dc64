#include "blobs/verified.h"

#include <openssl/evp.h>

#include <array>
#include <utility>

#include "base/encode.h"
#include "base/log.h"
#include "base/problem.h"

namespace antiphon::blobs {
namespace {

class Verified final : public Pieces {
 public:
  Verified(std::unique_ptr<Pieces> bytes, Blob blob, Range range,
           metrics::Family<metrics::Counter>& faults)
      : bytes_(std::move(bytes)),
        blob_(std::move(blob)),
        size_(range.size),
        whole_(range.size == blob_.size),
        faults_(faults),
        digest_(EVP_MD_CTX_new()) {
    EVP_DigestInit_ex(digest_, EVP_sha256(), nullptr);
  }
  ~Verified() override { EVP_MD_CTX_free(digest_); }
  Verified(const Verified&) = delete;

  /// Holds a piece back until the next is there: the last one is given out only when all are right.
  Task<std::string> read() override {
    while (!ended_) {
      std::string piece = size_ && bytes_ ? co_await bytes_->read() : std::string();
      if (piece.empty()) {
        check_end();
        break;
      }
      seen_ += static_cast<std::int64_t>(piece.size());
      if (seen_ > size_) fault("length");
      if (whole_) EVP_DigestUpdate(digest_, piece.data(), piece.size());
      std::string ready = std::exchange(held_, std::move(piece));
      if (!ready.empty()) co_return ready;
    }
    co_return std::exchange(held_, {});
  }

 private:
  void check_end() {
    if (!bytes_ && size_) fault("missing");
    if (seen_ != size_) fault(seen_ ? "length" : "missing");
    std::array<unsigned char, 32> sum{};
    EVP_DigestFinal_ex(digest_, sum.data(), nullptr);
    if (whole_ && hex({reinterpret_cast<const char*>(sum.data()), sum.size()}) != blob_.id.value)
      fault("bytes");
    ended_ = true;
  }

  [[noreturn]] void fault(const std::string& kind) {
    faults_.with({kind}).add();
    log::error("A file's bytes are not what was stored",
               {{"blob", blob_.id.value}, {"fault", kind}, {"bytes", seen_}, {"of", size_}});
    throw Problem(
        Problem::Kind::unavailable,
        "The bytes of this file are missing or damaged. The server's log names it; restore it "
        "from a backup, and see that all replicas keep files in the same place.");
  }

  std::unique_ptr<Pieces> bytes_;
  const Blob blob_;
  const std::int64_t size_;
  const bool whole_;
  metrics::Family<metrics::Counter>& faults_;
  EVP_MD_CTX* digest_;
  std::string held_;
  std::int64_t seen_ = 0;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<Pieces> verified(std::unique_ptr<Pieces> bytes, const Blob& blob, Range range,
                                 metrics::Family<metrics::Counter>& faults) {
  return std::make_unique<Verified>(std::move(bytes), blob, range, faults);
}

}  // namespace antiphon::blobs
