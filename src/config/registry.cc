#include "config/registry.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "json/text.h"

namespace antiphon::config {
namespace {

constexpr std::string_view kUpstream[] = {
#include "config/upstream_names.inc"
};

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t up = row[j];
      row[j] = std::min({up + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = up;
    }
  }
  return row.back();
}

/// Short names are near to many others: HOME is not a misspelt HOST.
bool looks_like(std::string_view a, std::string_view b) {
  constexpr std::size_t kShortest = 7, kFar = 2;
  if (a.size() < kShortest || b.size() < kShortest) return false;
  std::size_t difference = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  return difference <= kFar && distance(a, b) <= kFar;
}

std::string cell(std::string text) {
  std::string out;
  for (char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string fallback_of(const AnySetting& s) {
  if (s.about().secret) return "";
  std::string text = json::serialize(s.to_json(s.fallback().get()));
  constexpr std::size_t kLongest = 60;
  if (text == "\"\"" || text == "null") return "";
  return text.size() > kLongest ? "(see the admin page)" : "`" + cell(text) + "`";
}

std::string limits_of(const About& about, std::string_view type) {
  std::string out;
  for (std::string_view choice : about.choices)
    if (!choice.empty())
      out.append(out.empty() ? " One of " : ", ").append("`").append(choice).append("`");
  if (!out.empty()) return out + ".";
  if (type != "int" && type != "float") return "";
  if (about.least > -9.2e18) out += " At least " + json::serialize(json::Value(about.least)) + ".";
  if (about.most < 9.2e18) out += " At most " + json::serialize(json::Value(about.most)) + ".";
  return out;
}

std::string row_of(const AnySetting& s) {
  const About& a = s.about();
  std::string out = "| ";
  out.append(a.env.empty() ? "" : "`" + std::string(a.env) + "`");
  if (!a.also.empty()) out.append(" (or `").append(a.also).append("`)");
  out.append(" | ").append(a.key.empty() ? "" : "`" + std::string(a.key) + "`");
  out.append(" | ").append(s.type()).append(" | ").append(fallback_of(s)).append(" | ");
  out.append(cell(std::string(a.help))).append(limits_of(a, s.type()));
  if (a.secret) out += " Secret.";
  if (a.applies == Applies::on_restart && !a.key.empty()) out += " Takes effect at the next start.";
  return out + " |\n";
}

}  // namespace

bool upstream_knows(std::string_view name) {
  return std::ranges::binary_search(kUpstream, name);
}

void Registry::add(Group& group) {
  for (AnySetting* s : group.settings()) {
    const About& a = s->about();
    for (std::string_view name : {a.env, a.also})
      if (!name.empty() && !by_env_.emplace(name, s).second)
        throw std::logic_error(std::string(name) + " is declared twice");
    if (!a.key.empty() && !by_key_.emplace(a.key, s).second)
      throw std::logic_error(std::string(a.key) + " is declared twice");
  }
  groups_.push_back(&group);
}

AnySetting* Registry::by_env(std::string_view name) const {
  auto at = by_env_.find(name);
  return at == by_env_.end() ? nullptr : at->second;
}

AnySetting* Registry::by_key(std::string_view key) const {
  auto at = by_key_.find(key);
  return at == by_key_.end() ? nullptr : at->second;
}

json::Value Registry::value_of(std::string_view name, json::Value otherwise) const {
  const AnySetting* s = by_key(name);
  if (!s) s = by_env(name);
  return s ? s->to_json() : otherwise;
}

std::uint64_t Registry::revision() const {
  std::uint64_t sum = 0;
  for (const Group* group : groups_) sum += group->revision();
  return sum;
}

const std::shared_ptr<const void>& Registry::base(const AnySetting& setting) const {
  auto at = base_.find(&setting);
  return at == base_.end() ? setting.fallback() : at->second;
}

bool Registry::from_environment(const AnySetting& setting) const {
  return base_.contains(&setting);
}

bool Registry::take(const AnySetting& setting, std::string_view name, std::string_view text,
                    EnvReport& report) {
  // An empty variable is no number: container files set them so to mean nothing.
  if (text.empty() && setting.type() != "text" && setting.type() != "list") return false;
  try {
    base_[&setting] = setting.from_env(text);
    return true;
  } catch (const std::invalid_argument& e) {
    report.errors.push_back(std::string(name) + ": " + e.what());
    return false;
  }
}

void Registry::check_groups(EnvReport& report) const {
  for (const Group* group : groups_) {
    try {
      group->check(*group->moment());
    } catch (const std::invalid_argument& e) {
      report.errors.emplace_back(e.what());
    }
  }
}

EnvReport Registry::load_env(const std::vector<std::pair<std::string, std::string>>& env) {
  EnvReport report;
  for (const auto& [name, value] : env) {
    if (const AnySetting* s = by_env(name)) {
      // The variable's own name counts before the other one, whatever their order.
      bool primary = s->about().env == name;
      if ((primary || !base_.contains(s)) && take(*s, name, value, report))
        s->group().publish({{s, base_[s]}});
    } else if (upstream_knows(name)) {
      report.ignored.push_back(name);
    } else {
      for (const auto& [ours, setting] : by_env_)
        if (looks_like(name, ours))
          report.strange.push_back(name + ": did you mean " + std::string(ours) + "?");
    }
  }
  check_groups(report);
  std::ranges::sort(report.ignored);
  return report;
}

std::string Registry::markdown() const {
  std::string out =
      "# Settings\n\n"
      "Written by `antiphon settings`. A variable seeds a setting; what an admin changes is kept in "
      "the\n"
      "database under the key and then counts instead, unless `ENABLE_PERSISTENT_CONFIG` is false.\n"
      "Settings without a key are read from the environment only, at start. Lists are separated by `;` "
      "or `,`.\n";
  for (const Group* group : groups_) {
    out.append("\n## ").append(group->name());
    out.append("\n\n| Variable | Key | Type | Default | What it does |\n|---|---|---|---|---|\n");
    for (const AnySetting* s : group->settings()) out += row_of(*s);
  }
  return out;
}

}  // namespace antiphon::config
