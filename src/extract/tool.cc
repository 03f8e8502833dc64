#include "extract/tool.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>

#include "extract/refused.h"
#include "extract/sandbox.h"
#include "extract/text.h"

namespace antiphon::extract {
namespace {

[[noreturn]] void become(const std::vector<std::string>& command, int output, bool errors) {
  constexpr int kFailed = 127;
  // If it cannot be made to end with us it does not begin.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || dup2(output, STDOUT_FILENO) < 0) _exit(kFailed);
  if (errors && dup2(output, STDERR_FILENO) < 0) _exit(kFailed);
  std::vector<char*> words;
  words.reserve(command.size() + 1);
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  std::array<char*, 3> environment = {const_cast<char*>("LC_ALL=C.UTF-8"),
                                      const_cast<char*>("OMP_THREAD_LIMIT=1"), nullptr};
  if (!forbid_children()) _exit(kFailed);
  execve(words.front(), words.data(), environment.data());
  _exit(kFailed);
}

int status_of(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return 127;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

std::string find_tool(std::string_view name) {
  for (const char* folder : {"/usr/bin/", "/usr/local/bin/", "/bin/"}) {
    std::string path = folder + std::string(name);
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return "";
}

int run_tool(const std::vector<std::string>& command, bool errors,
             const std::function<bool(std::string_view)>& take) {
  if (lseek(STDIN_FILENO, 0, SEEK_SET) != 0) throw Refused(Refusal::damaged);
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw Refused(Refusal::memory);
  pid_t child = fork();
  if (child == 0) become(command, ends[1], errors);
  (void)close(ends[1]);
  if (child < 0) {
    (void)close(ends[0]);
    throw Refused(Refusal::memory);
  }
  std::array<char, 32 << 10> piece{};
  for (;;) {
    ssize_t n = read(ends[0], piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || !take({piece.data(), static_cast<std::size_t>(n)})) break;
  }
  // What still writes ends of a closed pipe (SIGPIPE).
  (void)close(ends[0]);
  return status_of(child);
}

PdfInfo pdf_info(std::string_view printed) {
  PdfInfo out;
  out.password = printed.contains("Incorrect password");
  while (!printed.empty()) {
    std::size_t end = std::min(printed.find('\n'), printed.size() - 1) + 1;
    std::string_view line = printed.substr(0, end);
    printed.remove_prefix(end);
    std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view name = line.substr(0, colon);
    std::string text = squeezed(line.substr(colon + 1));
    if (name == "Title") out.title = text;
    if (name == "Author") out.author = text;
    if (name == "Pages") {
      auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), out.pages);
      if (error != std::errc() || out.pages < 0) out.pages = 0;
    }
  }
  return out;
}

}  // namespace antiphon::extract
