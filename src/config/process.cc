#include "config/process.h"

#include <stdexcept>

namespace antiphon::config {

void Process::check(const Values& v) const {
  if (certificate(v).empty() != certificate_key(v).empty())
    throw std::invalid_argument("ANTIPHON_TLS_CERT and ANTIPHON_TLS_KEY must both be set");
}

}  // namespace antiphon::config
