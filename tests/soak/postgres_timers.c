// Timers of Postgres on the clock of libfaketime, loaded ahead of it. libfaketime 0.9.10 does not scale
// setitimer, and a signal handler that interrupts its epoll_wait sees the real time: no statement_timeout or
// lock_timeout would ever end anything. SOAK_SPEED says how many times faster the clock runs.
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static long speed(void) {
  static long found;
  if (!found) found = atol(getenv("SOAK_SPEED"));
  return found;
}

static struct timeval scaled(struct timeval t) {
  long us = (t.tv_sec * 1000000L + t.tv_usec + speed() - 1) / speed();
  return (struct timeval){us / 1000000L, us % 1000000L};
}

int setitimer(__itimer_which_t which, const struct itimerval *new, struct itimerval *old) {
  struct itimerval timer = {scaled(new->it_interval), scaled(new->it_value)};
  return syscall(SYS_setitimer, which, &timer, old);
}

int epoll_wait(int fd, struct epoll_event *events, int most, int ms) {
  return syscall(SYS_epoll_wait, fd, events, most, ms <= 0 ? ms : (int)((ms + speed() - 1) / speed()));
}
