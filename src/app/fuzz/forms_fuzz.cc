// JSON, or a query string, into the forms that clients send: it is taken or refused in FastAPI's words;
// and what was taken reads the same when it is written and read again.
#include <boost/json.hpp>

#include "base/fuzzing.h"
#include "base/problem.h"
#include "features/auths/dto.h"
#include "features/chats/activity.h"
#include "features/chats/dto.h"
#include "features/chats/finder.h"
#include "features/chats/routes_dto.h"
#include "features/configs/dto.h"
#include "features/models/dto.h"
#include "features/ollama/dto.h"
#include "features/openai/dto.h"
#include "features/users/dto.h"
#include "features/users/groups.h"
#include "http/bind.h"
#include "http/head.h"
#include "json/json.h"
#include "json/text.h"

namespace {

using namespace antiphon;
using fuzzing::must;

template <class Form>
Form read(std::string_view text, bool as_query) {
  if (!as_query) return json::parse<Form>(text);
  http::Request request;
  Form form{};
  auto prints = [](char c) { return c > ' ' && c < 0x7f; };  // HeadScanner refuses the rest.
  if (std::ranges::all_of(text, prints) && !http::read_target("/?" + std::string(text), request))
    http::parse_query(json::shape<Form>(), &form, request);
  return form;
}

template <class Form>
void take(std::string_view text, bool as_query) {
  try {
    std::string once = json::dump(read<Form>(text, as_query));
    must(json::try_parse(once).has_value(), "a form that cannot be written");
    must(json::dump(json::parse<Form>(once)) == once, "a form that does not come back");
  } catch (const Problem& p) {
    must(p.status() == 422 && json::try_parse(p.detail_json()).has_value(), "a fault without a list");
  }
}

using Take = void (*)(std::string_view, bool);
constexpr Take kForms[] = {
    take<chats::ChatForm>,       take<chats::ImportForm>,    take<chats::ImportsForm>,
    take<chats::MessageForm>,    take<chats::EventForm>,     take<chats::ListQuery>,
    take<chats::AccessForm>,     take<chats::ShareForm>,     take<chats::TagFilter>,
    take<chats::BranchQuery>,    take<chats::Chat>,          take<chats::Message>,
    take<models::ModelForm>,     take<models::ModelsForm>,   take<models::ModelGrantsForm>,
    take<models::ModelView>,     take<models::ListQuery>,    take<openai::ConfigForm>,
    take<openai::VerifyForm>,    take<ollama::ConfigForm>,   take<ollama::VerifyForm>,
    take<configs::BannersForm>,  take<configs::ImportForm>,  take<configs::SuggestionsForm>,
    take<configs::SettingsForm>, take<auths::SigninForm>,    take<auths::SignupForm>,
    take<auths::AddForm>,        take<auths::ProfileForm>,   take<auths::KeyForm>,
    take<users::UpdateForm>,     take<users::VariablesForm>, take<users::UserDetails>,
    take<users::GroupForm>,      take<users::UserIdsForm>,   take<users::ListOptions>,
    take<chats::ResolveForm>,    take<chats::SearchForm>,    take<chats::CompactForm>,
    take<chats::CloneForm>,      take<chats::ForkForm>,      take<chats::TagForm>,
    take<chats::FolderIdForm>,   take<chats::UsageQuery>,    take<chats::ActivityQuery>,
    take<chats::FindQuery>,      take<auths::LdapForm>,      take<auths::PasswordForm>,
    take<auths::TimezoneForm>,   take<models::HistoryQuery>, take<models::IdsQuery>,
    take<models::VersionForm>,   take<users::StatusForm>,    take<users::MemberOptions>};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  kForms[data[0] % 128 % std::size(kForms)](fuzzing::text_of(data + 1, size - 1), data[0] >= 128);
  return 0;
}
