#include "features/models/settings.h"

namespace antiphon::models {

client::Options Settings::client_options() const {
  client::Options out;
  out.ca_file = certificates();
  std::string verify = verify_tls();
  if (verify == "False" || verify == "false" || verify == "0")
    out.verify_tls = false;
  else if (verify != "True" && verify != "true" && verify != "1" && !verify.empty())
    out.ca_file = verify;
  return out;
}

}  // namespace antiphon::models
