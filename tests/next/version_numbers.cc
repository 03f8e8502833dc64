#include "base/version.h"

namespace antiphon {

const std::string_view kAntiphonVersion = "0.2.0";
const std::string_view kApiVersion = "0.12.5";

}  // namespace antiphon
