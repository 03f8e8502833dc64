#include "base/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "base/metrics.h"

namespace antiphon::metrics {
namespace {

/// A small file of /proc; "" when it cannot be read.
std::string read_proc(const char* path) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path, "r"), &std::fclose);
  std::string text(4096, '\0');
  text.resize(file ? std::fread(text.data(), 1, text.size(), file.get()) : 0);
  return text;
}

/// Word `index` of /proc/self/stat, counted from 3 as in proc(5): the name before may hold spaces.
double stat_word(const std::string& stat, int index) {
  std::size_t at = stat.rfind(')');
  if (at == stat.npos) return 0;
  for (int i = 2; i != index && at != stat.npos; ++i) at = stat.find(' ', at + 1);
  if (at == stat.npos) return 0;
  double value = 0;
  std::from_chars(stat.data() + at + 1, stat.data() + stat.size(), value);
  return value;
}

double resident_of(const std::string& stat) {
  return stat_word(stat, 24) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double processor_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double open_descriptors() {
  std::error_code ignored;
  double n = 0;
  for (auto at = std::filesystem::directory_iterator("/proc/self/fd", ignored);
       at != std::filesystem::directory_iterator(); at.increment(ignored))
    ++n;
  return n;
}

double most_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace

std::size_t resident_bytes() {
  return static_cast<std::size_t>(resident_of(read_proc("/proc/self/stat")));
}

void add_process_metrics(Registry& registry) {
  auto gauge = [&](const char* name, const char* help) { return &registry.gauge(name, help).only(); };
  auto started =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  gauge("process_start_time_seconds", "When the process started, in Unix seconds.")->set(started);
  Gauge* memory = gauge("process_resident_memory_bytes", "Memory in use.");
  Gauge* processor = gauge("process_cpu_seconds_total", "Processor time used.");
  Gauge* open = gauge("process_open_fds", "Open file descriptors.");
  Gauge* most = gauge("process_max_fds", "The limit of open file descriptors.");
  Gauge* threads = gauge("process_threads", "Threads.");
  registry.before_scrape([=] {
    std::string stat = read_proc("/proc/self/stat");
    threads->set(stat_word(stat, 20));
    memory->set(resident_of(stat));
    processor->set(processor_seconds());
    open->set(open_descriptors());
    most->set(most_descriptors());
  });
}

}  // namespace antiphon::metrics
