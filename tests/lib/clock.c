// Preloaded: the wall clock is CLOCK_SKEW seconds wrong; monotonic clocks are left alone. libfaketime would do, were it not that
// it asks the allocator for memory while jemalloc, of which the allocator is made, asks it for the time.
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long skew(void) {
  static int known = 0;
  static long seconds = 0;
  if (!known) {
    const char* text = getenv("CLOCK_SKEW");
    seconds = text ? atol(text) : 0;
    known = 1;
  }
  return seconds;
}

int clock_gettime(clockid_t which, struct timespec* out) {
  const long result = syscall(SYS_clock_gettime, which, out);
  if (result == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) out->tv_sec += skew();
  return (int)result;
}

int gettimeofday(struct timeval* restrict out, void* restrict zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
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
