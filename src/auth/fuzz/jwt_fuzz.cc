#include <boost/json.hpp>

#include "auth/flat_json.h"
#include "auth/jwt.h"
#include "base/encode.h"
#include "base/fuzzing.h"
#include "json/text.h"

namespace {

using namespace antiphon;
using namespace antiphon::auth;
using fuzzing::must;

/// Row 87: what the strict reader takes, another reader takes for the same.
void same_as_json(std::string_view text) {
  auto flat = FlatObject::parse(text);
  if (!flat) return;
  auto value = json::try_parse(text);
  must(value && value->is_object(), "claims that are no JSON");
  must(value->as_object().size() == flat->size(), "claims of another number");
  for (const auto& [name, member] : value->as_object()) {
    const auto* scalar = flat->find(std::string_view(name.data(), name.size()));
    must(scalar != nullptr, "a claim that only the other reader sees");
    std::string shown =
        std::visit([](auto v) { return json::serialize(json::Value(std::move(v))); }, *scalar);
    must(shown == json::serialize(member), "a claim the other reader takes for something else");
  }
}

}  // namespace

/// Strangers choose all of a token; whoever holds an old key may choose its claims too. The first byte
/// says which of the two is tried. Nothing may crash, and nothing but our own signature may be taken.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const KeyRing ring(parse_keys("a:first-secret-of-the-fuzzer,b:second-secret-of-the-fuzzer"));
  if (size == 0) return 0;
  std::string_view rest = fuzzing::text_of(data + 1, size - 1);
  constexpr std::int64_t kNow = 1'795'000'000;

  same_as_json(rest);
  if (data[0] % 2 == 0) {
    // No key was used, so nothing may hold.
    must(!verify(ring, Purpose::session, rest, kNow), "a token that nobody signed");
    return 0;
  }
  std::size_t half = rest.size() / 2;
  std::string input = base64url(rest.substr(0, half)) + "." + base64url(rest.substr(half));
  std::string key =
      data[0] % 4 == 1 ? ring.derived(Purpose::session).reveal() : ring.signing().secret.reveal();
  auto claims = verify(ring, Purpose::session, input + "." + base64url(hmac_sha256(key, input)), kNow);
  if (claims)
    must(!claims->id.empty() && !claims->jti.empty() && (!claims->exp || claims->exp > kNow),
         "claims of nobody, or of the past");
  must(!verify(ring, Purpose::challenge, input + "." + base64url(hmac_sha256(key, input)), kNow),
       "a token for something else");
  return 0;
}
