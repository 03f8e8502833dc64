#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "auth/flat_json.h"
#include "auth/jwt.h"
#include "base/encode.h"

/// Strangers choose all of a token; whoever holds an old key may choose its claims too. The first byte
/// says which of the two is tried. Nothing may crash, and nothing but our own signature may be taken.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antiphon;
  using namespace antiphon::auth;
  static const KeyRing ring(parse_keys("a:first-secret-of-the-fuzzer,b:second-secret-of-the-fuzzer"));
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr std::int64_t kNow = 1'795'000'000;

  (void)FlatObject::parse(rest);
  if (data[0] % 2 == 0) {
    // No key was used, so nothing may hold.
    if (verify(ring, Purpose::session, rest, kNow)) std::abort();
    return 0;
  }
  std::size_t half = rest.size() / 2;
  std::string input = base64url(rest.substr(0, half)) + "." + base64url(rest.substr(half));
  std::string key =
      data[0] % 4 == 1 ? ring.derived(Purpose::session).reveal() : ring.first().secret.reveal();
  auto claims = verify(ring, Purpose::session, input + "." + base64url(hmac_sha256(key, input)), kNow);
  if (claims && (claims->id.empty() || claims->jti.empty() || (claims->exp && claims->exp <= kNow)))
    std::abort();
  if (verify(ring, Purpose::challenge, input + "." + base64url(hmac_sha256(key, input)), kNow))
    std::abort();
  return 0;
}
