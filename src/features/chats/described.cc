#include "features/chats/described.h"

namespace antiphon::chats {

ANTIPHON_DTO_DEFINE(OutputText)
ANTIPHON_DTO_DEFINE(OutputItem)
ANTIPHON_DTO_DEFINE(SourceName)
ANTIPHON_DTO_DEFINE(MessageSource)
ANTIPHON_DTO_DEFINE(Annotation)
ANTIPHON_DTO_DEFINE(ChatMessage)
ANTIPHON_DTO_DEFINE(ChatHistory)
ANTIPHON_DTO_DEFINE(ChatContent)
ANTIPHON_DTO_DEFINE(ChatReply)
ANTIPHON_DTO_DEFINE(MessagePlace)
ANTIPHON_DTO_DEFINE(Branch)
ANTIPHON_DTO_DEFINE(BranchReply)
ANTIPHON_DTO_DEFINE(ShareGrant)

}  // namespace antiphon::chats
