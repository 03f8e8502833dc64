// Preloaded into a program, it moves the clock that people set, and leaves the one that only counts. Not libfaketime: that asks
// for memory while it looks up what it replaces, and the program's own allocator asks for the time meanwhile: both wait for ever.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t* milliseconds;

__attribute__((constructor)) static void begin(void) {
  const char* path = getenv("WRONG_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void* shared = mmap(0, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  if (shared != MAP_FAILED) milliseconds = shared;
  close(file);
}

int clock_gettime(clockid_t which, struct timespec* out) {
  int failed = (int)syscall(SYS_clock_gettime, which, out);
  if (failed || !milliseconds || (which != CLOCK_REALTIME && which != CLOCK_REALTIME_COARSE)) return failed;
  int64_t all = (int64_t)out->tv_sec * 1000000000 + out->tv_nsec + *milliseconds * 1000000;
  out->tv_sec = all / 1000000000;
  out->tv_nsec = all % 1000000000;
  return 0;
}

int gettimeofday(struct timeval* out, void* zone) {
  (void)zone;
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}
