#include "base/metrics.h"

#include <gtest/gtest.h>

#include <ctime>
#include <stdexcept>
#include <thread>

#include "base/process_metrics.h"

namespace antiphon::metrics {
namespace {

TEST(Metrics, PrintsTheExpositionFormat) {
  Registry registry;
  registry.counter("calls_total", "Calls.\nAll of them.", {"route"}).with({"/a\"\\\n"}).add(3);
  registry.gauge("open", "Open now.").only().set(2.5);
  const double bounds[] = {0.5, 1};
  Histogram& h = registry.histogram("took_seconds", "Time.", bounds, {"db"}).with({"x"});
  for (double d : {0.25, 0.5, 0.75, 4.0}) h.observe(d);
  EXPECT_EQ(registry.text(),
            "# HELP calls_total Calls.\\nAll of them.\n# TYPE calls_total counter\n"
            "calls_total{route=\"/a\\\"\\\\\\n\"} 3\n"
            "# HELP open Open now.\n# TYPE open gauge\nopen 2.5\n"
            "# HELP took_seconds Time.\n# TYPE took_seconds histogram\n"
            "took_seconds_bucket{db=\"x\",le=\"0.5\"} 2\ntook_seconds_bucket{db=\"x\",le=\"1\"} 3\n"
            "took_seconds_bucket{db=\"x\",le=\"+Inf\"} 4\ntook_seconds_sum{db=\"x\"} 5.5\n"
            "took_seconds_count{db=\"x\"} 4\n");
}

TEST(Metrics, LosesNothingBetweenThreads) {
  Registry registry;
  Counter& counter = registry.counter("n_total", "").only();
  Histogram& histogram = registry.histogram("h", "", seconds()).only();
  std::vector<std::thread> threads;
  for (int t = 0; t != 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i != 50'000; ++i) counter.add(), histogram.observe(0.5);
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), 200'000u);
  EXPECT_EQ(histogram.read().count, 200'000u);
  EXPECT_EQ(histogram.read().sum, 100'000.0);
}

TEST(Metrics, AFamilyIsFoundAgainAndNotRedefined) {
  Registry registry;
  EXPECT_EQ(&registry.counter("n_total", "", {"a"}), &registry.counter("n_total", "", {"a"}));
  EXPECT_THROW(registry.counter("n_total", "", {"b"}), std::logic_error);
  EXPECT_THROW(registry.gauge("n_total", "", {"a"}), std::logic_error);
  EXPECT_THROW(registry.gauge("no-dash", ""), std::logic_error);
  EXPECT_THROW(registry.counter("n_total", "", {"a"}).with({}), std::logic_error);
}

TEST(Metrics, LabelsFromOutsideCannotFillTheMemory) {
  Registry registry;
  Family<Counter>& family = registry.counter("n_total", "", {"agent"});
  for (int i = 0; i != 5'000; ++i) family.with({"agent " + std::to_string(i)}).add();
  EXPECT_EQ(family.with({"other"}).value(), 5'000u - Family<Counter>::kMostSeries);
  EXPECT_EQ(family.with({"agent 1"}).value(), 1u);
}

TEST(Metrics, LooksUpWhatIsCheaperToLookUpAtTheScrape) {
  Registry registry;
  Gauge& gauge = registry.gauge("g", "").only();
  registry.before_scrape([&] { gauge.add(1); });
  registry.text();
  EXPECT_NE(registry.text().find("\ng 2\n"), std::string::npos);
}

TEST(Metrics, TheProcessSaysWhatItUses) {
  Registry registry;
  add_process_metrics(registry);
  std::string text = registry.text();
  auto value = [&](const std::string& name) {
    std::size_t at = text.find("\n" + name + " ");
    return at == text.npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  };
  EXPECT_GT(value("process_resident_memory_bytes"), 1e6);
  EXPECT_GT(value("process_open_fds"), 2);
  EXPECT_GT(value("process_max_fds"), 2);
  EXPECT_GT(value("process_threads"), 0);
  EXPECT_GE(value("process_cpu_seconds_total"), 0);
  double age = static_cast<double>(std::time(nullptr)) - value("process_start_time_seconds");
  EXPECT_GE(age, -2);
  EXPECT_LT(age, 3'600);
}

}  // namespace
}  // namespace antiphon::metrics
