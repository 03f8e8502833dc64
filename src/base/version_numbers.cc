#include "base/version.h"

namespace antiphon {

const std::string_view kAntiphonVersion = ANTIPHON_VERSION;
const std::string_view kApiVersion = "0.12.4";

}  // namespace antiphon
