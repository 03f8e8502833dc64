#include "features/configs/described.h"

namespace antiphon::configs {

ANTIPHON_DTO_DEFINE(PublicFeatures)
ANTIPHON_DTO_DEFINE(PublicUi)
ANTIPHON_DTO_DEFINE(PublicOAuth)
ANTIPHON_DTO_DEFINE(PublicSettings)
ANTIPHON_DTO_DEFINE(ModelsPage)

}  // namespace antiphon::configs
