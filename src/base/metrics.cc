#include "base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <thread>
#include <variant>

namespace antiphon::metrics {
namespace {

constexpr double kSeconds[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                               0.25,   0.5,   1,      2.5,   5,    10,    30,   60};
constexpr double kBytes[] = {256,    1024,    4096,    16384,    65536,
                             262144, 1048576, 4194304, 16777216, 67108864};

bool valid_name(std::string_view name) {
  auto ok = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::ranges::all_of(name, ok);
}

std::string escaped(std::string_view text, bool quotes) {
  std::string out;
  for (char c : text) {
    if (c == '\\' || (quotes && c == '"')) out += '\\';
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out;
}

std::string number(double d) {
  if (std::isinf(d)) return d > 0 ? "+Inf" : "-Inf";
  return std::isnan(d) ? "NaN" : fmt::format("{}", d);
}

/// {a="x",b="y"}; nothing when there are no labels.
std::string braces(const std::vector<std::string>& names, const std::vector<std::string>& values,
                   const std::string& more = {}) {
  std::string inside;
  for (std::size_t i = 0; i != names.size(); ++i)
    inside += fmt::format("{}{}=\"{}\"", i ? "," : "", names[i], escaped(values[i], true));
  if (!more.empty()) inside += (inside.empty() ? "" : ",") + more;
  return inside.empty() ? "" : "{" + inside + "}";
}

std::unique_ptr<Counter> make(const Counter*, const std::vector<double>&) {
  return std::make_unique<Counter>();
}
std::unique_ptr<Gauge> make(const Gauge*, const std::vector<double>&) {
  return std::make_unique<Gauge>();
}
std::unique_ptr<Histogram> make(const Histogram*, const std::vector<double>& bounds) {
  return std::make_unique<Histogram>(bounds);
}

using Labels = std::vector<std::string>;

void print(const std::string& name, const Labels& labels, const Labels& values, const Counter& c,
           std::string& out) {
  out += fmt::format("{}{} {}\n", name, braces(labels, values), c.value());
}
void print(const std::string& name, const Labels& labels, const Labels& values, const Gauge& g,
           std::string& out) {
  out += fmt::format("{}{} {}\n", name, braces(labels, values), number(g.value()));
}
void print(const std::string& name, const Labels& labels, const Labels& values, const Histogram& h,
           std::string& out) {
  Histogram::Reading reading = h.read();
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i != reading.buckets.size(); ++i) {
    sum += reading.buckets[i];
    std::string bound = i < h.bounds().size() ? number(h.bounds()[i]) : "+Inf";
    out += fmt::format("{}_bucket{} {}\n", name, braces(labels, values, "le=\"" + bound + "\""), sum);
  }
  std::string tail = braces(labels, values);
  out += fmt::format("{}_sum{} {}\n{}_count{} {}\n", name, tail, number(reading.sum), name, tail,
                     reading.count);
}

}  // namespace

std::size_t shard_of_this_thread() {
  thread_local const std::size_t shard =
      std::hash<std::thread::id>{}(std::this_thread::get_id()) % kShards;
  return shard;
}

std::uint64_t Counter::value() const {
  std::uint64_t sum = 0;
  for (const Shard& shard : shards_) sum += shard.value.load(std::memory_order_relaxed);
  return sum;
}

Histogram::Histogram(std::span<const double> bounds) : bounds_(bounds.begin(), bounds.end()) {
  if (bounds.size() > kMostBounds || !std::ranges::is_sorted(bounds))
    throw std::logic_error("A histogram has at most 22 bounds, rising");
}

void Histogram::observe(double value) {
  auto bucket = static_cast<std::size_t>(std::ranges::lower_bound(bounds_, value) - bounds_.begin());
  Shard& shard = shards_[shard_of_this_thread()];
  shard.buckets[bucket].fetch_add(1, std::memory_order_relaxed);
  shard.sum.fetch_add(value, std::memory_order_relaxed);
}

Histogram::Reading Histogram::read() const {
  Reading out{.buckets = std::vector<std::uint64_t>(bounds_.size() + 1)};
  for (const Shard& shard : shards_) {
    for (std::size_t i = 0; i != out.buckets.size(); ++i)
      out.buckets[i] += shard.buckets[i].load(std::memory_order_relaxed);
    out.sum += shard.sum.load(std::memory_order_relaxed);
  }
  for (std::uint64_t n : out.buckets) out.count += n;
  return out;
}

std::span<const double> seconds() {
  return kSeconds;
}
std::span<const double> bytes() {
  return kBytes;
}

template <class Metric>
Metric& Family<Metric>::with(std::vector<std::string> values) {
  if (values.size() != labels_.size()) throw std::logic_error(name_ + " has other labels");
  std::scoped_lock lock(mutex_);
  auto at = series_.find(values);
  if (at == series_.end() && !values.empty() && series_.size() >= kMostSeries)
    at = series_.try_emplace(values = Labels(labels_.size(), "other")).first;
  auto& metric = at != series_.end() ? at->second : series_[std::move(values)];
  if (!metric) metric = make(static_cast<const Metric*>(nullptr), bounds_);
  return *metric;
}
template class Family<Counter>;
template class Family<Gauge>;
template class Family<Histogram>;

struct Registry::Impl {
  using Any = std::variant<std::unique_ptr<Family<Counter>>, std::unique_ptr<Family<Gauge>>,
                           std::unique_ptr<Family<Histogram>>>;
  std::mutex scrape;  ///< Held while looking.
  std::mutex mutex;
  std::map<std::string, Any, std::less<>> families;  ///< Guarded by mutex.
  std::vector<std::function<void()>> looks;          ///< Guarded by mutex.

  template <class Metric>
  Family<Metric>& family(std::unique_ptr<Family<Metric>> fresh) {
    const std::string& name = fresh->name_;
    if (!valid_name(name) || !std::ranges::all_of(fresh->labels_, valid_name))
      throw std::logic_error(name + " is no name for a metric");
    std::scoped_lock lock(mutex);
    auto [at, added] = families.try_emplace(name);
    if (added)
      return *(at->second = std::move(fresh), std::get<std::unique_ptr<Family<Metric>>>(at->second));
    auto* old = std::get_if<std::unique_ptr<Family<Metric>>>(&at->second);
    if (!old || (*old)->labels_ != fresh->labels_)
      throw std::logic_error(name + " is declared otherwise");
    return **old;
  }
  template <class Metric>
  static void print_family(Family<Metric>& family, const char* type, std::string& out) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", family.name_, escaped(family.help_, false),
                       family.name_, type);
    std::scoped_lock lock(family.mutex_);
    for (const auto& [values, metric] : family.series_)
      print(family.name_, family.labels_, values, *metric, out);
  }
  struct Print {
    std::string& out;
    void operator()(const std::unique_ptr<Family<Counter>>& f) const {
      print_family(*f, "counter", out);
    }
    void operator()(const std::unique_ptr<Family<Gauge>>& f) const {
      // A total with a fraction, as of seconds, which no Counter holds.
      print_family(*f, f->name_.ends_with("_total") ? "counter" : "gauge", out);
    }
    void operator()(const std::unique_ptr<Family<Histogram>>& f) const {
      print_family(*f, "histogram", out);
    }
  };
};

Registry::Registry() : impl_(std::make_unique<Impl>()) {}
Registry::~Registry() = default;

Family<Counter>& Registry::counter(std::string_view name, std::string_view help, Labels labels) {
  return impl_->family(std::unique_ptr<Family<Counter>>(
      new Family<Counter>(std::string(name), std::string(help), std::move(labels), {})));
}
Family<Gauge>& Registry::gauge(std::string_view name, std::string_view help, Labels labels) {
  return impl_->family(std::unique_ptr<Family<Gauge>>(
      new Family<Gauge>(std::string(name), std::string(help), std::move(labels), {})));
}
Family<Histogram>& Registry::histogram(std::string_view name, std::string_view help,
                                       std::span<const double> bounds, Labels labels) {
  return impl_->family(std::unique_ptr<Family<Histogram>>(new Family<Histogram>(
      std::string(name), std::string(help), std::move(labels), {bounds.begin(), bounds.end()})));
}

void Registry::before_scrape(std::function<void()> look) {
  std::scoped_lock lock(impl_->mutex);
  impl_->looks.push_back(std::move(look));
}

std::string Registry::text() {
  std::vector<std::function<void()>> looks;
  {
    std::scoped_lock lock(impl_->mutex);
    looks = impl_->looks;
  }
  {
    std::scoped_lock lock(impl_->scrape);
    for (const auto& look : looks) look();
  }
  std::string out;
  std::scoped_lock lock(impl_->mutex);
  for (const auto& [name, family] : impl_->families) std::visit(Impl::Print{out}, family);
  return out;
}

}  // namespace antiphon::metrics
