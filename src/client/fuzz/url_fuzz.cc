// What we let pass names http or https, a host, no user, and reads the same a second time.
#include <cstdint>
#include <cstdlib>

#include "base/problem.h"
#include "client/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antiphon;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    client::Url url = client::parse_url(text);
    if (url.host.empty() || (url.scheme != "http" && url.scheme != "https")) std::abort();
    client::Url again = client::parse_url(url.text);
    if (again.origin != url.origin) std::abort();
  } catch (const Problem&) {
  }
  return 0;
}
