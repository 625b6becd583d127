// A clock for many processes, loaded ahead of libfaketime 0.9.10, which makes it run faster.
//
// It adds the seconds for which the host was suspended. As on Linux, they count on the clocks of real time and
// of the time since boot, and not on the monotonic one. All processes map the file FAST_CLOCK_SUSPENDED, so that one
// write moves all of them at once. With a file of its own, libfaketime starts each process at another time,
// and moves the monotonic clock too.
//
// Timers are here because libfaketime does not scale setitimer, and a signal handler of Postgres that interrupts
// its epoll_wait sees the real time: no statement_timeout or lock_timeout would ever end anything. FAST_CLOCK_SPEED
// is how many times faster the clock runs.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long suspended(void) {
  static volatile const long *seconds;
  if (!seconds) {
    int file = open(getenv("FAST_CLOCK_SUSPENDED"), O_RDONLY | O_CLOEXEC);
    seconds = mmap(NULL, sizeof *seconds, PROT_READ, MAP_SHARED, file, 0);
    close(file);
  }
  return *seconds;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  static int (*scaled)(clockid_t, struct timespec *);
  if (!scaled) scaled = dlsym(RTLD_NEXT, "clock_gettime");
  int failed = scaled(clock, now);
  if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_BOOTTIME))
    now->tv_sec += suspended();
  return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec t;
  (void)zone;
  int failed = clock_gettime(CLOCK_REALTIME, &t);
  *now = (struct timeval){t.tv_sec, t.tv_nsec / 1000};
  return failed;
}

time_t time(time_t *now) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  if (now) *now = t.tv_sec;
  return t.tv_sec;
}

static long speed(void) {
  static long found;
  if (!found) found = atol(getenv("FAST_CLOCK_SPEED"));
  return found;
}

static struct timeval shorter(struct timeval t) {
  long us = (t.tv_sec * 1000000L + t.tv_usec + speed() - 1) / speed();
  return (struct timeval){us / 1000000L, us % 1000000L};
}

int setitimer(__itimer_which_t which, const struct itimerval *new, struct itimerval *old) {
  struct itimerval timer = {shorter(new->it_interval), shorter(new->it_value)};
  return syscall(SYS_setitimer, which, &timer, old);
}

int epoll_wait(int fd, struct epoll_event *events, int most, int ms) {
  return syscall(SYS_epoll_wait, fd, events, most, ms <= 0 ? ms : (int)((ms + speed() - 1) / speed()));
}
