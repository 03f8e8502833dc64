#include "auth/rows.h"

namespace antiphon::auth {

ANTIPHON_DTO_DEFINE(TextRow)
ANTIPHON_DTO_DEFINE(NumberRow)

}  // namespace antiphon::auth
