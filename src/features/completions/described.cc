#include "features/completions/described.h"

namespace antiphon::completions {

ANTIPHON_DTO_DEFINE(WantedAnswer)
ANTIPHON_DTO_DEFINE(SaidMessage)
ANTIPHON_DTO_DEFINE(BackgroundTasks)
ANTIPHON_DTO_DEFINE(CompletionForm)
ANTIPHON_DTO_DEFINE(Started)
ANTIPHON_DTO_DEFINE(Stopped)
ANTIPHON_DTO_DEFINE(TaskIds)

}  // namespace antiphon::completions
