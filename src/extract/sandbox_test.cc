// The walls, tried from inside (row 28).
#include "extract/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>

namespace antiphon::extract {
namespace {

constexpr int kMiB = 1 << 20;

/// What `attempt` yields in a process with walls: 0 to 255, or 1000 and the signal that ended it.
int inside(const std::function<int()>& attempt, std::int64_t seconds = 5) {
  pid_t child = fork();
  if (child == 0) {
    Walls walls = confine(512LL * kMiB, seconds);
    if (!walls.calls) _exit(200);
    _exit(attempt());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/// errno of a call that must fail; 201 when it did not.
int failure(long result) {
  return result < 0 ? errno : 201;
}

TEST(Sandbox, NoSocketOfAnyKind) {
  EXPECT_EQ(inside([] { return failure(socket(AF_INET, SOCK_STREAM, 0)); }), EPERM);
  EXPECT_EQ(inside([] { return failure(socket(AF_UNIX, SOCK_STREAM, 0)); }), EPERM);
  int pair[2];
  EXPECT_EQ(inside([&] { return failure(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)); }), EPERM);
  EXPECT_EQ(inside([] { return failure(syscall(SYS_io_uring_setup, 1, nullptr)); }), EPERM);
}

TEST(Sandbox, NoFileButProgramsAndTheirLibraries) {
  if (!has_landlock()) GTEST_SKIP() << "this kernel has no Landlock";
  EXPECT_EQ(inside([] { return failure(open("/etc/passwd", O_RDONLY)); }), EACCES);
  EXPECT_EQ(inside([] { return failure(open("/proc/self/environ", O_RDONLY)); }), EACCES);
  EXPECT_EQ(inside([] { return failure(open(EXTRACT_TESTDATA "/words.png", O_RDONLY)); }), EACCES);
  EXPECT_EQ(inside([] { return failure(open("/", O_RDONLY | O_DIRECTORY)); }), EACCES);
  EXPECT_EQ(inside([] { return open("/usr/bin/env", O_RDONLY) >= 0 ? 0 : errno; }), 0);
}

TEST(Sandbox, NoFileIsWritten) {
  EXPECT_EQ(inside([] { return failure(open("/tmp/antiphon-sandbox", O_WRONLY | O_CREAT, 0600)); }),
            EPERM);
  EXPECT_EQ(inside([] { return failure(open("/usr/bin/env", O_RDWR)); }), EPERM);
  EXPECT_EQ(inside([] { return failure(unlink("/tmp/x")); }), EPERM);
  EXPECT_EQ(inside([] { return failure(syscall(SYS_memfd_create, "x", 0)); }), EPERM);
  // One that was open before cannot grow.
  int file = memfd_create("x", 0);
  EXPECT_EQ(inside([&] { return failure(write(file, "x", 1)); }), 1000 + SIGXFSZ);
  close(file);
}

TEST(Sandbox, NothingIsDoneToOtherProcesses) {
  EXPECT_EQ(inside([] { return failure(kill(getppid(), 0)); }), EPERM);
  EXPECT_EQ(inside([] { return failure(ptrace(PTRACE_ATTACH, getppid(), nullptr, nullptr)); }), EPERM);
  EXPECT_EQ(inside([] { return failure(setsid()); }), EPERM);
  EXPECT_EQ(inside([] { return failure(setpgid(0, 0)); }), EPERM);
  EXPECT_EQ(inside([] { return failure(unshare(CLONE_NEWUSER)); }), EPERM);
  EXPECT_EQ(inside([] { return failure(setuid(0)); }), EPERM);
}

TEST(Sandbox, MemoryAndTimeEnd) {
#if !defined(__has_feature) || !(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
  EXPECT_EQ(inside([] {
              void* much = mmap(nullptr, 600UL * kMiB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
              return much == MAP_FAILED ? errno : 201;
            }),
            ENOMEM);
#endif
  EXPECT_EQ(inside(
                [] {
                  for (volatile int i = 0;; i = i + 1) {
                  }
                  return 0;
                },
                1),
            1000 + SIGKILL);
}

TEST(Sandbox, AParserOpensNothingAndStartsNothing) {
  auto computing = [](const std::function<int()>& attempt) {
    return inside([&] { return confine_to_computing() ? attempt() : 202; });
  };
  EXPECT_EQ(computing([] { return failure(open("/usr/bin/env", O_RDONLY)); }), EPERM);
  EXPECT_EQ(computing([] { return failure(fork()); }), EPERM);
  EXPECT_EQ(computing([] { return failure(syscall(SYS_clone3, nullptr, 0)); }), EPERM);
  EXPECT_EQ(computing([] { return failure(execl("/usr/bin/true", "true", nullptr)); }), EPERM);
  EXPECT_EQ(computing([] { return failure(syscall(SYS_prctl, 38, 0, 0, 0, 0)); }), EPERM);
  EXPECT_EQ(computing([] { return std::string(100'000, 'x').size() == 100'000 ? 0 : 1; }), 0);
}

TEST(Sandbox, AProgramMakesNoProcess) {
  // Or it would live on when its worker is killed.
  EXPECT_EQ(inside([] {
              if (!forbid_children()) return 202;
              return failure(prctl(PR_SET_PDEATHSIG, 0));
            }),
            EPERM);
  EXPECT_EQ(inside([] {
              if (!forbid_children()) return 202;
              return failure(fork());
            }),
            EPERM);
  EXPECT_EQ(inside([] {
              if (!forbid_children()) return 202;
              execl("/bin/sh", "sh", "-c", "/usr/bin/true & /usr/bin/true; exit 77", nullptr);
              return 203;
            }),
            2);
}

}  // namespace
}  // namespace antiphon::extract
