#include "features/completions/chores.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <optional>

#include "base/encode.h"
#include "base/time.h"

namespace antiphon::completions {
namespace {

constexpr std::size_t kMostText = 256 * 1024;  ///< Bytes of messages in one prompt.

std::string_view name_of(const ChoreMessage& m) {
  return m.role == "assistant" ? "ASSISTANT" : m.role == "system" ? "SYSTEM" : "USER";
}

std::string transcript(const std::vector<ChoreMessage>& messages, std::size_t from, std::size_t to,
                       std::size_t each) {
  std::string out;
  for (std::size_t i = from; i < to && out.size() < kMostText; ++i) {
    if (!out.empty()) out += "\n\n";
    out += name_of(messages[i]);
    out += ": ";
    std::string_view text = messages[i].text;
    std::string_view start = utf8_prefix(text, each);
    out += start;
    if (start.size() != text.size()) out += "…";
  }
  return out;
}

/// The first and the last part, `bytes` together.
std::string without_middle(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  return std::string(utf8_prefix(text, bytes / 2)) + "…" +
         std::string(utf8_suffix(text, bytes - bytes / 2));
}

std::optional<std::size_t> number(std::string_view text) {
  std::size_t n = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

struct Name {
  std::string_view word, how;
  std::optional<std::size_t> count;
};

/// "MESSAGES:END:6" and "prompt:start:100", also with "|…" behind, which is left out.
Name name_in(std::string_view text) {
  text = text.substr(0, text.find('|'));
  Name out;
  std::size_t colon = text.find(':');
  out.word = text.substr(0, colon);
  if (colon == text.npos) return out;
  std::string_view rest = text.substr(colon + 1);
  std::size_t second = rest.find(':');
  out.how = rest.substr(0, second);
  if (second != rest.npos) out.count = number(rest.substr(second + 1));
  return out;
}

std::optional<std::string> messages_for(const Name& name, const ChoreInput& input) {
  constexpr std::size_t kEach = 20'000;
  std::size_t all = input.messages.size();
  if (name.how.empty()) return transcript(input.messages, 0, all, kEach);
  if (!name.count) return std::nullopt;
  std::size_t n = std::min(*name.count, all);
  if (name.how == "START") return transcript(input.messages, 0, n, kEach);
  if (name.how == "END") return transcript(input.messages, all - n, all, kEach);
  if (name.how == "MIDDLETRUNCATE")
    return without_middle(transcript(input.messages, 0, all, kEach), *name.count);
  return std::nullopt;
}

std::optional<std::string> prompt_for(const Name& name, const ChoreInput& input) {
  if (name.how.empty()) return input.prompt;
  if (!name.count) return std::nullopt;
  if (name.how == "start") return std::string(utf8_prefix(input.prompt, *name.count));
  if (name.how == "end") return std::string(utf8_suffix(input.prompt, *name.count));
  if (name.how == "middletruncate") return without_middle(input.prompt, *name.count);
  return std::nullopt;
}

std::string numbered(const std::vector<std::string>& responses) {
  std::string out;
  for (std::size_t i = 0; i != responses.size(); ++i)
    out += fmt::format("{}Answer {}:\n{}", i ? "\n\n" : "", i + 1, responses[i]);
  return out;
}

std::optional<std::string> value_of(std::string_view text, const ChoreInput& input) {
  Name name = name_in(text);
  if (name.word == "MESSAGES") return messages_for(name, input);
  if (name.word == "prompt") return prompt_for(name, input);
  if (name.word == "TYPE") return input.type;
  if (name.word == "responses") return numbered(input.responses);
  if (const json::Value* value = json::find(input.variables, text); value && value->is_string())
    return std::string(json::view(value->as_string()));
  return std::nullopt;
}

std::string filled_in(std::string_view text, const ChoreInput& input) {
  std::string out;
  while (!text.empty()) {
    std::size_t open = text.find("{{");
    std::size_t close = open == text.npos ? text.npos : text.find("}}", open);
    if (close == text.npos) break;
    out += text.substr(0, open);
    auto value = value_of(text.substr(open + 2, close - open - 2), input);
    out += value ? std::string_view(*value) : text.substr(open, close + 2 - open);
    text.remove_prefix(close + 2);
  }
  return out.append(text);
}

/// What the built-in prompts are about.
std::string subject_of(Chore chore, const ChoreInput& input) {
  auto last = [&](std::size_t n) {
    std::size_t all = input.messages.size();
    return transcript(input.messages, all - std::min(n, all), all, 2'000);
  };
  switch (chore) {
    case Chore::title:
      return last(2);
    case Chore::tags:
    case Chore::follow_ups:
    case Chore::search_queries:
    case Chore::retrieval_queries:
    case Chore::image_prompt:
      return last(6);
    case Chore::emoji:
      return input.prompt;
    case Chore::autocompletion:
      return last(6) + "\n\nThe text to continue:\n" + input.prompt;
    case Chore::merged_answer:
      return "The question:\n" + input.prompt + "\n\n" + numbered(input.responses);
  }
  return {};
}

}  // namespace

std::string_view instruction_of(Chore chore) {
  switch (chore) {
    case Chore::title:
      return "Give this conversation a title of at most six words, in the language it is held in, "
             "without "
             "quotation marks. Reply with JSON only: {\"title\": \"…\"}";
    case Chore::tags:
      return "Name one to three broad topics of this conversation, one or two words each, in the "
             "language it is "
             "held in. Reply with JSON only: {\"tags\": [\"…\"]}";
    case Chore::follow_ups:
      return "Suggest three to five short questions the user might ask next, from the user's point of "
             "view and in "
             "the language of the conversation. Reply with JSON only: {\"follow_ups\": [\"…\"]}";
    case Chore::search_queries:
      return "Write up to three web searches that would find what the last message asks for; none when "
             "it needs no "
             "search. Reply with JSON only: {\"queries\": [\"…\"]}";
    case Chore::retrieval_queries:
      return "Write up to three short queries that would find passages answering the last message in a "
             "collection "
             "of documents; none when it asks for nothing. Reply with JSON only: {\"queries\": "
             "[\"…\"]}";
    case Chore::emoji:
      return "Reply with the one emoji that fits the mood of this text best, and nothing else.";
    case Chore::autocompletion:
      return "Continue the user's unfinished text by a few words, in its language and style, without "
             "repeating it. "
             "Reply with JSON only: {\"text\": \"…\"}";
    case Chore::image_prompt:
      return "Describe in one paragraph the picture that the end of this conversation asks for, for an "
             "image "
             "generator. Reply with JSON only: {\"prompt\": \"…\"}";
    case Chore::merged_answer:
      return "Several models answered one question. Judge their answers, keep what is right, drop what "
             "is wrong, "
             "and write one answer that is better than each of them. Do not mention that there were "
             "several.";
  }
  return {};
}

std::string chore_prompt(Chore chore, std::string_view prompt_template, const ChoreInput& input) {
  if (prompt_template.find_first_not_of(" \t\r\n") != prompt_template.npos)
    return filled_in(prompt_template, input);
  return std::string(instruction_of(chore)) + "\n\n" + subject_of(chore, input);
}

json::Object chore_body(Chore chore, const ChorePolicy& policy, const ChoreInput& input) {
  // A model that does not come to an end must not keep its server from answering people.
  constexpr int kMaxTokens = 1000;
  json::Object body = policy.params;
  body["stream"] = false;
  bool limited = body.contains("max_tokens") || body.contains("max_completion_tokens");
  if (!limited && chore != Chore::merged_answer) body["max_completion_tokens"] = kMaxTokens;
  body["messages"] = json::Array{
      json::Object{{"role", "user"}, {"content", chore_prompt(chore, policy.prompt, input)}}};
  return body;
}

json::Value chore_variables(std::string_view user_name, std::int64_t unix_now) {
  using namespace std::chrono;
  sys_seconds now{seconds(unix_now)};
  hh_mm_ss time{now - floor<days>(now)};
  constexpr std::string_view kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};
  std::string day = date_text(unix_now);
  std::string clock = fmt::format("{:02}:{:02}:{:02}", time.hours().count(), time.minutes().count(),
                                  time.seconds().count());
  return json::Object{{"USER_NAME", user_name},
                      {"CURRENT_DATE", day},
                      {"CURRENT_TIME", clock},
                      {"CURRENT_DATETIME", day + " " + clock},
                      {"CURRENT_WEEKDAY", kDays[weekday(floor<days>(now)).c_encoding()]},
                      {"CURRENT_TIMEZONE", "UTC"}};
}

}  // namespace antiphon::completions
