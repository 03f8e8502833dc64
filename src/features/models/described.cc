#include "features/models/described.h"

namespace antiphon::models {

ANTIPHON_DTO_DEFINE(NamedTag)
ANTIPHON_DTO_DEFINE(OfferedInfo)
ANTIPHON_DTO_DEFINE(OfferedModel)
ANTIPHON_DTO_DEFINE(Offered)
ANTIPHON_DTO_DEFINE(ConnectionOptions)
ANTIPHON_DTO_DEFINE(OpenAIConnections)
ANTIPHON_DTO_DEFINE(OllamaConnections)
ANTIPHON_DTO_DEFINE(Verified)
ANTIPHON_DTO_DEFINE(OllamaModel)
ANTIPHON_DTO_DEFINE(OllamaModels)
ANTIPHON_DTO_DEFINE(OllamaName)

}  // namespace antiphon::models
