#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "json/types.h"

/// Settings, each declared once, as members of the Group of the feature they belong to:
///
///     struct Settings : config::Group {
///       Settings() : Group("Chats") {}
///       config::Int page_size = env("CHATS_PAGE_SIZE", 60).key("chats.page_size").between(1, 1000)
///                                   .help("How many chats one page of the sidebar holds.");
///     };
///
/// From that come the environment, the row in Open WebUI's `config` table, validation, the admin
/// pages, `antiphon settings` and docs/settings.md. Whoever needs a group gets it as a constructor
/// argument, as `const Settings&`, and reads `settings.page_size()`; there is no global.
namespace antiphon::config {

enum class Applies { live, on_restart };

/// Everything the outside world calls a setting, said once.
struct About {
  std::string_view env;   ///< "ENABLE_SIGNUP". Empty: database only.
  std::string_view also;  ///< Another variable, read when `env` is not set.
  std::string_view key;   ///< Row of the config table, "ui.enable_signup". Empty: environment only.
  std::string_view help;  ///< For docs/settings.md and the admin UI.
  Applies applies = Applies::live;
  /// All replicas must have the same, although it has no `key`; those with one must in any case.
  bool cluster_wide = false;
  bool secret = false;     ///< Sealed at rest; never logged; sent to admins' editors only.
  char separator = 0;      ///< Of lists in the environment; 0: ';' if there is one, else ','.
  double least = -9.2e18;  ///< Of numbers; of texts, the shortest in bytes.
  double most = 9.2e18;    ///< Of numbers; of texts and JSON, the longest in bytes.
  std::vector<std::string_view> choices = {};  ///< Of texts; empty: any.
};

/// Largest text or JSON a setting takes unless it says otherwise.
inline constexpr double kMostText = 64 * 1024;
inline constexpr double kMostJson = 4 * 1024 * 1024;

class Group;
/// The values of one group at one moment, by position. Never changed once published.
using Values = std::vector<std::shared_ptr<const void>>;

/// A setting with its type erased: what the registry, the admin pages and the docs walk.
class AnySetting {
 public:
  AnySetting(Group& group, About about, std::shared_ptr<const void> fallback);
  virtual ~AnySetting() = default;
  AnySetting(const AnySetting&) = delete;
  AnySetting& operator=(const AnySetting&) = delete;

  const About& about() const { return about_; }
  /// How logs and errors call it: the variable, else the key.
  std::string_view name() const { return about_.env.empty() ? about_.key : about_.env; }
  Group& group() const { return group_; }
  std::size_t index() const { return index_; }

  /// "bool", "int", "float", "text", "list", "json".
  virtual std::string_view type() const = 0;
  /// The value as JSON, secrets included.
  virtual json::Value to_json(const void* value) const = 0;
  json::Value to_json() const;
  /// Parses and validates. Throw std::invalid_argument that says what would be valid and does not
  /// repeat what was there.
  virtual std::shared_ptr<const void> from_env(std::string_view text) const = 0;
  virtual std::shared_ptr<const void> from_json(const json::Value& value) const = 0;

  const std::shared_ptr<const void>& fallback() const { return fallback_; }

 private:
  Group& group_;
  About about_;
  std::size_t index_;
  std::shared_ptr<const void> fallback_;
};

/// What env(…) yields and a setting is made from.
template <class T>
struct Declaration {
  Group* group;
  T fallback;
  About about;

  /// Makes it storable, under Open WebUI's key where there is one.
  Declaration&& key(std::string_view v) && { return about.key = v, std::move(*this); }
  Declaration&& help(std::string_view v) && { return about.help = v, std::move(*this); }
  Declaration&& also(std::string_view env) && { return about.also = env, std::move(*this); }
  /// Takes effect at the next start only.
  Declaration&& on_restart() && { return about.applies = Applies::on_restart, std::move(*this); }
  Declaration&& cluster_wide() && { return about.cluster_wide = true, std::move(*this); }
  Declaration&& secret() && { return about.secret = true, std::move(*this); }
  Declaration&& separated_by(char c) && { return about.separator = c, std::move(*this); }
  Declaration&& between(double least, double most) && {
    return about.least = least, about.most = most, std::move(*this);
  }
  Declaration&& at_most(double most) && { return about.most = most, std::move(*this); }
  Declaration&& one_of(std::vector<std::string_view> v) && {
    return about.choices = std::move(v), std::move(*this);
  }
};

/// The settings of one feature, as members. Read from any thread.
class Group {
 public:
  explicit Group(std::string_view name);
  virtual ~Group();
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  std::string_view name() const { return name_; }
  const std::vector<AnySetting*>& settings() const { return settings_; }

  /// All values of the group at one moment, for whoever must see several that belong together, or the
  /// same ones before and after a wait: `settings.page_size(*moment)`.
  std::shared_ptr<const Values> moment() const;
  /// Rises whenever a value changes: tells whether what was made from the values still holds.
  std::uint64_t revision() const { return revision_.load(std::memory_order_acquire); }

  /// Complains about values that do not go together; throws std::invalid_argument. Called before a
  /// change is made, and at start.
  virtual void check(const Values&) const {}

  /// Replaces values, all at once. For the registry, the store and tests.
  void publish(const std::vector<std::pair<const AnySetting*, std::shared_ptr<const void>>>& changes);

 protected:
  // A setting's name in the environment and its default.
  Declaration<bool> env(std::string_view name, bool fallback) {
    return {this, fallback, {.env = name}};
  }
  Declaration<std::int64_t> env(std::string_view name, int fallback) {
    return {this, fallback, {.env = name}};
  }
  Declaration<double> env(std::string_view name, double fallback) {
    return {this, fallback, {.env = name}};
  }
  Declaration<std::string> env(std::string_view name, const char* fallback) {
    return {this, fallback, {.env = name, .most = kMostText}};
  }
  Declaration<Secret> env_secret(std::string_view name) {
    return {this, Secret(), {.env = name, .secret = true, .most = kMostText}};
  }
  Declaration<std::vector<std::string>> env_list(std::string_view name,
                                                 std::vector<std::string> fallback) {
    return {this, std::move(fallback), {.env = name, .most = kMostJson}};
  }
  /// `fallback` is JSON text.
  Declaration<json::Value> env_json(std::string_view name, std::string_view fallback);
  /// Numbers and texts that may be null, and are by default.
  Declaration<std::optional<std::int64_t>> env_optional_int(std::string_view name) {
    return {this, std::nullopt, {.env = name}};
  }
  Declaration<std::optional<std::string>> env_optional_text(std::string_view name) {
    return {this, std::nullopt, {.env = name, .most = kMostText}};
  }

 private:
  friend class AnySetting;
  template <class T>
  friend class Setting;
  /// Superseded values are kept this long, so that a reader between load and copy never loses them.
  static constexpr auto kGrace = std::chrono::minutes(5);

  const Values& now() const { return *current_.load(std::memory_order_acquire); }
  void replace(std::shared_ptr<const Values> values);

  std::string_view name_;
  std::vector<AnySetting*> settings_;  ///< Complete once the derived constructor has run.
  std::atomic<const Values*> current_;
  std::atomic<std::uint64_t> revision_ = 0;
  mutable std::mutex mutex_;
  std::shared_ptr<const Values> owner_;  ///< Guarded by mutex_; what current_ points at.
  /// Guarded by mutex_; at most as many as there were changes within kGrace.
  std::deque<std::pair<std::chrono::steady_clock::time_point, std::shared_ptr<const Values>>> retired_;
};

/// How a value of each type is spelled. Adding a type is adding these for it.
template <class T>
struct Codec {
  static std::string_view type();
  static T from_env(const About&, std::string_view text);
  static T from_json(const About&, const json::Value& value);
  static json::Value to_json(const T& value);
};

#define ANTIPHON_CODEC(...)                                                    \
  template <>                                                                  \
  std::string_view Codec<__VA_ARGS__>::type();                                 \
  template <>                                                                  \
  __VA_ARGS__ Codec<__VA_ARGS__>::from_env(const About&, std::string_view);    \
  template <>                                                                  \
  __VA_ARGS__ Codec<__VA_ARGS__>::from_json(const About&, const json::Value&); \
  template <>                                                                  \
  json::Value Codec<__VA_ARGS__>::to_json(const __VA_ARGS__&);
ANTIPHON_CODEC(bool)
ANTIPHON_CODEC(std::int64_t)
ANTIPHON_CODEC(double)
ANTIPHON_CODEC(std::string)
ANTIPHON_CODEC(Secret)
ANTIPHON_CODEC(std::vector<std::string>)
ANTIPHON_CODEC(json::Value)
ANTIPHON_CODEC(std::optional<std::int64_t>)
ANTIPHON_CODEC(std::optional<std::string>)
#undef ANTIPHON_CODEC

template <class T>
class Setting final : public AnySetting {
 public:
  Setting(Declaration<T>&& d)
      : AnySetting(*d.group, std::move(d.about), std::make_shared<const T>(std::move(d.fallback))) {}

  /// The value now. A few nanoseconds (and a copy); any thread.
  T operator()() const { return at(group().now()); }
  T operator()(const Values& moment) const { return at(moment); }
  /// The value now, without copying it: for lists and JSON.
  std::shared_ptr<const T> share() const {
    return std::static_pointer_cast<const T>(group().now()[index()]);
  }

  /// For tests, and for what the process finds out about itself at start. Everything else goes through
  /// Store::set, which validates, persists and tells.
  void set(T value) { group().publish({{this, std::make_shared<const T>(std::move(value))}}); }

  std::string_view type() const override { return Codec<T>::type(); }
  json::Value to_json(const void* value) const override {
    return Codec<T>::to_json(*static_cast<const T*>(value));
  }
  using AnySetting::to_json;
  std::shared_ptr<const void> from_env(std::string_view text) const override {
    return std::make_shared<const T>(Codec<T>::from_env(about(), text));
  }
  std::shared_ptr<const void> from_json(const json::Value& value) const override {
    return std::make_shared<const T>(Codec<T>::from_json(about(), value));
  }

 private:
  const T& at(const Values& values) const { return *static_cast<const T*>(values[index()].get()); }
};

using Bool = Setting<bool>;
using Int = Setting<std::int64_t>;
using Float = Setting<double>;
using Text = Setting<std::string>;
using SecretText = Setting<Secret>;
using List = Setting<std::vector<std::string>>;
using Json = Setting<json::Value>;
using OptionalInt = Setting<std::optional<std::int64_t>>;
using OptionalText = Setting<std::optional<std::string>>;

}  // namespace antiphon::config
