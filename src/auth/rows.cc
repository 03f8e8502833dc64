#include "auth/rows.h"

#include "auth/principals_sql.h"

namespace antiphon::auth {

ANTIPHON_DTO_DEFINE(TextRow)
ANTIPHON_DTO_DEFINE(NumberRow)

namespace sql {

ANTIPHON_DTO_DEFINE(ChangeRow)
ANTIPHON_DTO_DEFINE(RevokedRow)
ANTIPHON_DTO_DEFINE(PrincipalRow)
ANTIPHON_DTO_DEFINE(GroupRow)
ANTIPHON_DTO_DEFINE(KeyRow)

}  // namespace sql

}  // namespace antiphon::auth
