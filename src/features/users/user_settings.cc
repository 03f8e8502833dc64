#include "features/users/user_settings.h"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <string>

#include "base/problem.h"
#include "json/text.h"

namespace antiphon::users {
namespace {

/// What permission settings.interface covers. Sorted.
constexpr std::array kInterface = std::to_array<std::string_view>({"autoFollowUps",
                                                                   "autoTags",
                                                                   "backgroundImageUrl",
                                                                   "chatBubble",
                                                                   "chatDirection",
                                                                   "chatFadeStreamingText",
                                                                   "chatHoverPreview",
                                                                   "collapseCodeBlocks",
                                                                   "copyFormatted",
                                                                   "ctrlEnterToSend",
                                                                   "defaultUploadContext",
                                                                   "detectArtifacts",
                                                                   "displayMultiModelResponsesInTabs",
                                                                   "enableMessageQueue",
                                                                   "expandDetails",
                                                                   "floatingActionButtons",
                                                                   "fontFamily",
                                                                   "hapticFeedback",
                                                                   "highContrastMode",
                                                                   "iframeSandboxAllowDownloads",
                                                                   "iframeSandboxAllowForms",
                                                                   "iframeSandboxAllowSameOrigin",
                                                                   "iframeSandboxAllowScripts",
                                                                   "imageCompression",
                                                                   "imageCompressionInChannels",
                                                                   "imageCompressionSize",
                                                                   "insertFollowUpPrompt",
                                                                   "insertPromptAsRichText",
                                                                   "insertSuggestionPrompt",
                                                                   "keepFollowUpPrompts",
                                                                   "landingPageMode",
                                                                   "largeTextAsFile",
                                                                   "models",
                                                                   "promptAutocomplete",
                                                                   "regenerateMenu",
                                                                   "renderMarkdownInAssistantMessages",
                                                                   "renderMarkdownInPreviews",
                                                                   "renderMarkdownInUserMessages",
                                                                   "responseAutoCopy",
                                                                   "richTextInput",
                                                                   "scrollOnBranchChange",
                                                                   "scrollOnResponseGeneration",
                                                                   "showChangelog",
                                                                   "showChatTitleInTab",
                                                                   "showEmojiInCall",
                                                                   "showFilesOnTerminalSelect",
                                                                   "showFloatingActionButtons",
                                                                   "showFormattingToolbar",
                                                                   "showUpdateToast",
                                                                   "showUsername",
                                                                   "splitLargeChunks",
                                                                   "stylizedPdfExport",
                                                                   "temporaryChatByDefault",
                                                                   "terminalFileDisplay",
                                                                   "terminalPreviewAllowSameOrigin",
                                                                   "textScale",
                                                                   "title",
                                                                   "userLocation",
                                                                   "voiceInterruption",
                                                                   "webSearch",
                                                                   "widescreenMode"});

constexpr std::array<std::string_view, 3> kMembers = {"ui", "functions", "tools"};

bool is_interface(std::string_view name) {
  return std::ranges::binary_search(kInterface, name);
}

bool may_set(std::string_view name, const std::function<bool(std::string_view)>& permits) {
  if (is_interface(name)) return permits("settings.interface");
  if (name == "system") return permits("chat.controls") && permits("chat.system_prompt");
  if (name == "toolServers") return permits("features.direct_tool_servers");
  if (name == "webhookUrl") return permits("features.webhooks");
  return true;
}

void merge_ui(json::Object& ui, const json::Object& change,
              const std::function<bool(std::string_view)>& permits) {
  for (const auto& [name, value] : change) {
    if (!may_set(json::view(name), permits)) continue;
    if (value.is_null())
      ui.erase(name);
    else
      ui[name] = value;
  }
}

}  // namespace

json::Value merge_settings(const json::Value& stored, const json::Value& change,
                           const std::function<bool(std::string_view)>& permits) {
  if (!change.is_object())
    throw Problem(Problem::Kind::invalid, "Settings are an object.").answering(422);
  json::Object out = stored.is_object() ? stored.as_object() : json::Object{};
  for (const auto& [name, value] : change.as_object()) {
    if (std::ranges::find(kMembers, json::view(name)) == kMembers.end()) continue;
    if (name != "ui") {
      out[name] = value;
    } else if (value.is_object()) {
      json::Value& ui = out["ui"];
      if (!ui.is_object()) ui = json::Object{};
      merge_ui(ui.as_object(), value.as_object(), permits);
    } else if (!value.is_null()) {
      throw Problem(Problem::Kind::invalid, "body.ui: Input should be a valid dictionary")
          .with_detail_json(
              R"([{"type":"dict_type","loc":["body","ui"],"msg":"Input should be a valid dictionary","input":null}])")
          .answering(422);
    }
  }
  if (!out.contains("ui")) out["ui"] = json::Object{};
  json::Value result(std::move(out));
  if (json::serialize(result).size() > kMaxSettings)
    throw Problem(Problem::Kind::too_large, "Your settings take more than 256 KiB.").answering(413);
  return result;
}

}  // namespace antiphon::users
