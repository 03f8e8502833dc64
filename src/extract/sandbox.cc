#include "extract/sandbox.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <initializer_list>
#include <span>

namespace antiphon::extract {
namespace {

void limit(__rlimit_resource what, std::int64_t value) {
  rlimit both{static_cast<rlim_t>(value), static_cast<rlim_t>(value)};
  (void)setrlimit(what, &both);
}

// Sanitizers reserve terabytes of addresses.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
#endif

/// Programs, what they are linked to, their data and fonts.
constexpr std::array kReadable = {"/usr", "/lib", "/lib64", "/bin", "/etc/fonts", "/etc/ld.so.cache"};

bool wall_off_files() {
  constexpr std::uint64_t kAll = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
  constexpr std::uint64_t kFile = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE;
  landlock_ruleset_attr all{.handled_access_fs = kAll};
  auto rules =
      static_cast<int>(syscall(SYS_landlock_create_ruleset, &all, sizeof all.handled_access_fs, 0));
  if (rules < 0) return false;
  for (const char* path : kReadable) {
    int parent = open(path, O_PATH | O_CLOEXEC);
    if (parent < 0) continue;
    landlock_path_beneath_attr rule{.allowed_access = kFile | LANDLOCK_ACCESS_FS_READ_DIR,
                                    .parent_fd = parent};
    // Of what is no folder only the rights of files can be given.
    if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
      rule.allowed_access = kFile;
      (void)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    }
    (void)close(parent);
  }
  bool done = syscall(SYS_landlock_restrict_self, rules, 0) == 0;
  (void)close(rules);
  return done;
}

/// What parsers of ours need, and the allocator.
constexpr std::array kComputing = {SCMP_SYS(read),           SCMP_SYS(pread64),
                                   SCMP_SYS(lseek),          SCMP_SYS(write),
                                   SCMP_SYS(writev),         SCMP_SYS(close),
                                   SCMP_SYS(fstat),          SCMP_SYS(newfstatat),
                                   SCMP_SYS(mmap),           SCMP_SYS(munmap),
                                   SCMP_SYS(mremap),         SCMP_SYS(mprotect),
                                   SCMP_SYS(madvise),        SCMP_SYS(brk),
                                   SCMP_SYS(futex),          SCMP_SYS(clock_gettime),
                                   SCMP_SYS(gettimeofday),   SCMP_SYS(getrandom),
                                   SCMP_SYS(sched_yield),    SCMP_SYS(sched_getaffinity),
                                   SCMP_SYS(rt_sigaction),   SCMP_SYS(rt_sigprocmask),
                                   SCMP_SYS(rt_sigreturn),   SCMP_SYS(sigaltstack),
                                   SCMP_SYS(getpid),         SCMP_SYS(gettid),
                                   SCMP_SYS(exit),           SCMP_SYS(exit_group),
                                   SCMP_SYS(restart_syscall)};

/// What starting a program and watching it takes beside, and what loaders and programs do.
constexpr std::array kTools = {SCMP_SYS(execve),
                               SCMP_SYS(wait4),
                               SCMP_SYS(waitid),
                               SCMP_SYS(pipe2),
                               SCMP_SYS(dup2),
                               SCMP_SYS(dup3),
                               SCMP_SYS(fcntl),
                               SCMP_SYS(poll),
                               SCMP_SYS(ppoll),
                               SCMP_SYS(access),
                               SCMP_SYS(faccessat),
                               SCMP_SYS(faccessat2),
                               SCMP_SYS(readlink),
                               SCMP_SYS(readlinkat),
                               SCMP_SYS(stat),
                               SCMP_SYS(lstat),
                               SCMP_SYS(statx),
                               SCMP_SYS(statfs),
                               SCMP_SYS(getdents64),
                               SCMP_SYS(getcwd),
                               SCMP_SYS(arch_prctl),
                               SCMP_SYS(set_tid_address),
                               SCMP_SYS(set_robust_list),
                               SCMP_SYS(rseq),
                               SCMP_SYS(uname),
                               SCMP_SYS(sysinfo),
                               SCMP_SYS(getuid),
                               SCMP_SYS(geteuid),
                               SCMP_SYS(getgid),
                               SCMP_SYS(getegid),
                               SCMP_SYS(getppid),
                               SCMP_SYS(fadvise64),
                               SCMP_SYS(readv),
                               SCMP_SYS(times),
                               SCMP_SYS(getrusage),
                               SCMP_SYS(clock_nanosleep),
                               SCMP_SYS(seccomp),
                               SCMP_SYS(prctl)};

void drop_capabilities() {
  __user_cap_header_struct head{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  (void)syscall(SYS_capset, &head, none.data());
}

class Filter {
 public:
  explicit Filter(std::uint32_t otherwise)
      : filter_(seccomp_init(otherwise)), good_(filter_ != nullptr) {}
  ~Filter() { seccomp_release(filter_); }
  Filter(const Filter&) = delete;

  void add(std::uint32_t action, std::span<const int> calls) {
    for (int call : calls) good_ = good_ && seccomp_rule_add(filter_, action, call, 0) == 0;
  }
  void allow_where(int call, scmp_arg_cmp condition) {
    good_ = good_ && seccomp_rule_add_array(filter_, SCMP_ACT_ALLOW, call, 1, &condition) == 0;
  }
  bool load() { return good_ && seccomp_load(filter_) == 0; }

 private:
  scmp_filter_ctx filter_;
  bool good_;
};

constexpr std::uint32_t kDenied = SCMP_ACT_ERRNO(EPERM);

bool wall_off_calls() {
  Filter filter(kDenied);
  filter.add(SCMP_ACT_ALLOW, kComputing);
  filter.add(SCMP_ACT_ALLOW, kTools);
  // Terminals, device drivers and sockets are asked with it; programs only ask whether it is a
  // terminal.
  filter.allow_where(SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, 0x5401 /* TCGETS */, 0));
  filter.allow_where(SCMP_SYS(open),
                     SCMP_A1(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY));
  filter.allow_where(SCMP_SYS(openat),
                     SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY));
  filter.allow_where(SCMP_SYS(prlimit64), SCMP_A0(SCMP_CMP_EQ, 0, 0));
  constexpr std::uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                        CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP;
  filter.allow_where(SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, kNamespaces, 0));
  return filter.load();
}

}  // namespace

Walls confine(std::int64_t memory, std::int64_t seconds) {
  Walls walls;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return walls;
  // Nobody is mapped into it: within it we are nobody.
  walls.network = unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) == 0;
  drop_capabilities();
  walls.files = wall_off_files();
  if (!kSanitized) limit(RLIMIT_AS, memory);
  limit(RLIMIT_CPU, seconds);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, 64);
  limit(RLIMIT_MEMLOCK, 0);
  walls.calls = wall_off_calls();
  return walls;
}

bool has_landlock() {
  return syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

bool confine_to_computing() {
  limit(RLIMIT_NPROC, 0);
  Filter filter(kDenied);
  filter.add(SCMP_ACT_ALLOW, kComputing);
  return filter.load();
}

bool forbid_children() {
  limit(RLIMIT_NPROC, 0);
  Filter filter(SCMP_ACT_ALLOW);
  constexpr std::array kMaking = {SCMP_SYS(clone), SCMP_SYS(clone3), SCMP_SYS(fork),
                                  SCMP_SYS(vfork), SCMP_SYS(prctl),  SCMP_SYS(seccomp)};
  filter.add(kDenied, kMaking);
  return filter.load();
}

}  // namespace antiphon::extract
