#include "extract/extract.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <stdexcept>

#include "base/log.h"
#include "base/problem.h"
#include "extract/order.h"
#include "extract/reply.h"
#include "extract/sandbox.h"
#include "extract/tool.h"

namespace antiphon::extract {
namespace {

using Clock = std::chrono::steady_clock;

Problem refused(std::string detail) {
  constexpr int kUnprocessable = 422;
  return Problem(Problem::Kind::invalid, std::move(detail)).answering(kUnprocessable);
}

Problem problem_of(Refusal why, const std::string& format) {
  bool pdf = format == "pdf";
  std::string what = pdf ? "This PDF" : format == "picture" ? "This picture" : "This document";
  switch (why) {
    case Refusal::damaged:
      return refused(what + " is damaged or incomplete: open it where it was made and save it again.");
    case Refusal::password:
      return refused(what + " is protected by a password: remove the password and send it again.");
    case Refusal::unsupported:
      return refused(
          "There is no text in this kind of file that could be read: save it as PDF, DOCX, XLSX, PPTX, "
          "ODT, EPUB, HTML or "
          "plain text.");
    case Refusal::old_office:
      return refused(
          "This is a document of an old Office (.doc, .xls, .ppt): save it as .docx, .xlsx or .pptx "
          "and send it again.");
    case Refusal::too_large:
      return refused(what + " is too large to be read: send it in parts.");
    case Refusal::bomb:
      return refused(what + " would unpack to more than may be read: send it in parts.");
    case Refusal::too_many_pixels:
      return refused(
          "This picture has more than 25 million pixels: make it smaller and send it again.");
    case Refusal::no_text:
      return refused(pdf ? "The pages of this PDF are pictures without text: have their text "
                           "recognised (OCR) and send it again."
                         : "No text was recognised in this picture.");
    case Refusal::lacks_poppler:
      return refused("This server cannot read PDFs: its administrator can install poppler-utils.");
    case Refusal::lacks_tesseract:
      return refused(
          "This server cannot read text in pictures: its administrator can install tesseract-ocr.");
    case Refusal::unconfined:
      return refused(
          "This server's kernel cannot confine the program that reads such documents, so it reads "
          "none: its administrator "
          "finds what to do with antiphon check.");
    case Refusal::memory:
      return refused(what + " needs more memory to be read than is allowed: send it in parts.");
  }
  return refused(what + " cannot be read.");
}

/// A descriptor that closes itself.
class Owned {
 public:
  explicit Owned(int descriptor) : descriptor_(descriptor) {}
  ~Owned() { close(); }
  Owned(const Owned&) = delete;
  int get() const { return descriptor_; }
  void close() {
    if (descriptor_ >= 0) (void)::close(descriptor_);
    descriptor_ = -1;
  }

 private:
  int descriptor_;
};

Problem broken(const char* what) {
  return Problem(Problem::Kind::unavailable,
                 "Documents cannot be read at the moment. Please try again.")
      .because(std::string(what) + ": " + std::strerror(errno))
      .retry_after(5);
}

/// The order as a file that is only in memory.
int order_file(const Order& order) {
  int descriptor = memfd_create("order", MFD_CLOEXEC);
  std::string text = written(order);
  if (descriptor < 0) throw broken("memfd_create");
  if (write(descriptor, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    (void)close(descriptor);
    throw broken("memfd");
  }
  return descriptor;
}

/// A worker's process and all it started, which end with this.
class Worker {
 public:
  Worker(const Program& program, int document, int order, int answer) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&how);
    // Above what they become first, so that none overwrites another.
    constexpr int kOut = STDOUT_FILENO, kErrors = STDERR_FILENO, kOrder = 3;
    posix_spawn_file_actions_adddup2(&files, document, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, answer, kOut);
    posix_spawn_file_actions_addopen(&files, kErrors, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files, order, kOrder);
    posix_spawn_file_actions_addclosefrom_np(&files, kOrder + 1);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &all);
    posix_spawnattr_setpgroup(&how, 0);
    posix_spawnattr_setflags(&how,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::vector<std::string> words = {"antiphon"};
    words.insert(words.end(), program.arguments.begin(), program.arguments.end());
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    char* const no_environment[] = {nullptr};
    errno = posix_spawn(&pid_, program.path.c_str(), &files, &how, arguments.data(), no_environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    if (errno != 0) throw broken("posix_spawn");
  }
  ~Worker() { (void)end({}); }
  Worker(const Worker&) = delete;

  /// Kills it and all in its group, unless it has ended by itself within `patience`. Yields its status
  /// as waitpid does.
  int end(std::chrono::milliseconds patience) {
    if (pid_ <= 0) return status_;
    siginfo_t about{};
    for (auto until = Clock::now() + patience;;) {
      // It stays a zombie until the group is dead: its number is nobody else's.
      about.si_pid = 0;
      if (waitid(P_PID, static_cast<id_t>(pid_), &about, WEXITED | WNOWAIT | WNOHANG) != 0 ||
          about.si_pid != 0)
        break;
      if (Clock::now() >= until) break;
      constexpr timespec kTick{0, 1'000'000};
      nanosleep(&kTick, nullptr);
    }
    (void)kill(-pid_, SIGKILL);
    while (waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status_;
  }

 private:
  pid_t pid_ = -1;
  int status_ = 0;
};

}  // namespace

void Settings::check(const config::Values& values) const {
  const std::string& names = languages(values);
  bool good = !names.empty() && names.size() <= 200 && std::ranges::all_of(names, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '+';
  });
  if (!good)
    throw std::invalid_argument("EXTRACT_OCR_LANGUAGES: expected names such as eng or eng+deu");
}

Source Source::file(const std::string& path) {
  int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    throw Problem(Problem::Kind::not_found, path + " cannot be opened: " + std::strerror(errno));
  return Source(descriptor);
}

Source::Source(Source&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Source::~Source() {
  if (descriptor_ >= 0) (void)close(descriptor_);
}

Extractor::Extractor(const Settings& settings, Program program)
    : settings_(settings),
      program_(std::move(program)),
      stopping_(eventfd(0, EFD_CLOEXEC)),
      pool_(std::in_place, static_cast<int>(settings.workers()),
            static_cast<std::size_t>(settings.queue())) {}

Extractor::~Extractor() {
  stop();
  pool_.reset();
  (void)close(stopping_);
}

void Extractor::stop() {
  (void)eventfd_write(stopping_, 1);
}

Task<Document> Extractor::extract(Source source, std::string name, std::string content_type) {
  auto shared = std::make_shared<Source>(std::move(source));
  co_return co_await pool_->run<Document>(
      [this, shared, name = std::move(name), type = std::move(content_type)] {
        return extract_now(*shared, name, type);
      });
}

Document Extractor::extract_now(const Source& source, const std::string& name,
                                const std::string& content_type) const {
  constexpr std::int64_t kMiB = 1 << 20;
  // Of a name the ending counts.
  constexpr std::size_t kMostName = 1000;
  std::size_t from = name.size() > kMostName ? name.size() - kMostName : 0;
  auto moment = settings_.moment();
  std::int64_t most_text = settings_.max_text(*moment) * kMiB;
  auto begun = Clock::now();
  std::chrono::seconds patience(settings_.timeout(*moment)),
      ocr_patience(settings_.ocr_timeout(*moment));
  Owned order(order_file({.name = cleaned(name.substr(from)),
                          .content_type = cleaned(content_type.substr(0, kMostName)),
                          .text = most_text,
                          .pages = settings_.max_pages(*moment),
                          .memory = settings_.memory(*moment) * kMiB,
                          .seconds = patience.count(),
                          .ocr_seconds = ocr_patience.count(),
                          .languages = settings_.languages(*moment),
                          .unconfined = settings_.unconfined(*moment)}));
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw broken("pipe");
  Owned answer(ends[0]), writing(ends[1]);
  Worker worker(program_, source.descriptor(), order.get(), writing.get());
  writing.close();
  ReplyReader reply(most_text);
  std::vector<char> piece(64 << 10);
  bool told = false;
  for (;;) {
    bool picture = reply.document().format == "picture";
    auto left = std::chrono::ceil<std::chrono::milliseconds>(
        begun + (picture ? ocr_patience : patience) - Clock::now());
    std::array<pollfd, 2> watched = {pollfd{answer.get(), POLLIN, 0}, pollfd{stopping_, POLLIN, 0}};
    int ready =
        left.count() <= 0 ? 0 : poll(watched.data(), watched.size(), static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0)
      throw refused("Reading this document took longer than " +
                    std::to_string((picture ? ocr_patience : patience).count()) +
                    " seconds and was given up: send it in parts.");
    if (ready < 0 || watched[1].revents != 0)
      throw Problem(Problem::Kind::unavailable,
                    "The server is about to stop. Please try again in a moment.")
          .retry_after(5);
    ssize_t n = read(answer.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    told = reply.feed({piece.data(), static_cast<std::size_t>(n)});
    if (!told || reply.complete()) break;
  }
  if (told && reply.complete()) {
    if (auto why = reply.refusal()) throw problem_of(*why, reply.document().format);
    return reply.take();
  }
  // Time to die of what it died of, so that the log has it.
  constexpr std::chrono::milliseconds kDying(500);
  int status = worker.end(told ? kDying : std::chrono::milliseconds(0));
  std::string how = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                        : "status " + std::to_string(WEXITSTATUS(status));
  log::warn("A document's reader broke down", {{"how", how}, {"understood", told}});
  throw refused(
      "The program that reads documents broke down over this one: open it where it was made, save it "
      "again and send that.");
}

bool can_confine_tools() {
  return has_landlock();
}

std::vector<Tool> tools() {
  auto found = [](std::string_view name) { return find_tool(name); };
  return {{"PDF", found("pdfinfo").empty() ? "" : found("pdftotext"), "poppler-utils"},
          {"pictures", found("tesseract"), "tesseract-ocr"}};
}

}  // namespace antiphon::extract
