#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Counting for GET /metrics, in Prometheus' text format. One Registry per process, made in main and
/// passed by reference. Whoever counts keeps a reference to the series it counts in, so counting is an
/// atomic addition without locks or look-ups; families and series live as long as their Registry.
/// Why own: docs/adr/0003-metrics.md.
namespace antiphon::metrics {

/// Threads count in different cache lines.
inline constexpr std::size_t kShards = 4;
std::size_t shard_of_this_thread();

/// Only rises. Any thread.
class Counter {
 public:
  void add(std::uint64_t n = 1) {
    shards_[shard_of_this_thread()].value.fetch_add(n, std::memory_order_relaxed);
  }
  std::uint64_t value() const;
  /// For what somebody else counts: makes the value `total` when it is less. In before_scrape() only.
  void raise_to(std::uint64_t total) {
    std::uint64_t now = value();
    if (total > now) add(total - now);
  }

 private:
  struct alignas(64) Shard {
    std::atomic<std::uint64_t> value{0};
  };
  std::array<Shard, kShards> shards_;
};

/// Goes up and down. Any thread.
class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double by) { value_.fetch_add(by, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// How values are spread: how many are at most each bound. Any thread.
class Histogram {
 public:
  /// Rising bounds, at most kMostBounds.
  explicit Histogram(std::span<const double> bounds);
  void observe(double value);

  static constexpr std::size_t kMostBounds = 22;
  struct Reading {
    std::vector<std::uint64_t> buckets;  ///< Not cumulative; the last is above all bounds.
    double sum = 0;
    std::uint64_t count = 0;
  };
  Reading read() const;
  std::span<const double> bounds() const { return bounds_; }

 private:
  struct alignas(64) Shard {
    std::array<std::atomic<std::uint64_t>, kMostBounds + 1> buckets{};
    std::atomic<double> sum{0};
  };
  std::vector<double> bounds_;
  std::array<Shard, kShards> shards_;
};

/// Bounds for durations in seconds, 0.5 ms to 60 s.
std::span<const double> seconds();
/// Bounds for sizes in bytes, 256 B to 64 MiB.
std::span<const double> bytes();

/// Series of one name that differ in their labels' values. Any thread.
template <class Metric>
class Family {
 public:
  /// Series a family keeps; further label values all count in one whose labels are "other", so that
  /// what clients send can never fill the memory.
  static constexpr std::size_t kMostSeries = 1000;

  /// The series with these values, in the order of the labels. Takes a lock: keep the reference.
  /// Throws std::logic_error for another number of values than of labels.
  Metric& with(std::vector<std::string> values);
  /// The series of a family without labels.
  Metric& only() { return with({}); }

 private:
  friend class Registry;
  Family(std::string name, std::string help, std::vector<std::string> labels,
         std::vector<double> bounds)
      : name_(std::move(name)),
        help_(std::move(help)),
        labels_(std::move(labels)),
        bounds_(std::move(bounds)) {}

  std::string name_, help_;
  std::vector<std::string> labels_;
  std::vector<double> bounds_;
  std::mutex mutex_;
  std::map<std::vector<std::string>, std::unique_ptr<Metric>> series_;  ///< Guarded by mutex_.
};

/// All families of the process. Any thread.
class Registry {
 public:
  Registry();
  ~Registry();

  /// Declares a family, or finds the one declared before. Throws std::logic_error for a name Prometheus
  /// would refuse and for a second declaration that differs in its labels.
  Family<Counter>& counter(std::string_view name, std::string_view help,
                           std::vector<std::string> labels = {});
  Family<Gauge>& gauge(std::string_view name, std::string_view help,
                       std::vector<std::string> labels = {});
  Family<Histogram>& histogram(std::string_view name, std::string_view help,
                               std::span<const double> bounds, std::vector<std::string> labels = {});

  /// Called before each scrape, one scrape after the other, to set what is cheaper to look up than to
  /// keep. Must be quick.
  void before_scrape(std::function<void()> look);

  /// The exposition format, version 0.0.4, families sorted by name.
  std::string text();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace antiphon::metrics
