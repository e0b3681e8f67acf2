/*
 * Baseline of the benchmark `probe`: connects to loopback targets and closes, at the least cost for a program.
 *
 *   cc -O2 -o probe-baseline bench/probe-baseline.c
 *   ./probe-baseline COUNT BASE_IP PORT[,PORT...] CONCURRENCY SECONDS [bare|polite [RATE]]
 *
 * The COUNT targets are BASE_IP, BASE_IP+1, ... with each of the ports in turn (first all ports of one address), taken
 * round robin. A probe is: connect, close. With `polite` it is: connect, shutdown(SHUT_WR), read to the end, close, like the
 * tcpSocket handler. With RATE it begins that many probes each second, evenly; without, as many as it can.
 * Prints one line of JSON:
 *   {"probes":…,"failed":…,"seconds":…,"cpuSeconds":…,"cpuMicrosPerProbe":…}
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_PORTS = 64, EVENTS = 256 };

struct targets {
  uint32_t base; /* host order */
  uint16_t ports[MAX_PORTS];
  unsigned port_count, count, next;
};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static struct sockaddr_in next_target(struct targets *t) {
  unsigned i = t->next;
  t->next = (i + 1) % t->count;
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_addr.s_addr = htonl(t->base + i / t->port_count);
  address.sin_port = htons(t->ports[i % t->port_count]);
  return address;
}

/* Starts one probe; 0 when it is under way, -1 when it failed at once. */
static int start(int epoll, struct targets *t) {
  struct sockaddr_in address = next_target(t);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  struct epoll_event event = {.events = EPOLLOUT, .data.fd = fd};
  if ((connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) ||
      epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
    close(fd);
    return -1;
  }
  return 0;
}

enum step { WAITING, DONE, FAILED };

/* Takes one probe on: writable means connected; a polite one then reads to the end. */
static enum step advance(int epoll, struct epoll_event *event, int polite) {
  int fd = event->data.fd, error = 0;
  socklen_t size = sizeof error;
  if (event->events & EPOLLOUT) {
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0 || !polite) {
      close(fd);
      return error != 0 ? FAILED : DONE;
    }
    struct epoll_event reading = {.events = EPOLLIN, .data.fd = fd};
    if (shutdown(fd, SHUT_WR) == 0 && epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &reading) == 0) return WAITING;
    close(fd);
    return FAILED;
  }
  char sink[4096];
  ssize_t got = read(fd, sink, sizeof sink);
  if (got > 0 || (got < 0 && errno == EAGAIN)) return WAITING;
  close(fd);
  return DONE;
}

static void parse_ports(struct targets *t, char *list) {
  for (char *word = strtok(list, ","); word && t->port_count < MAX_PORTS; word = strtok(NULL, ","))
    t->ports[t->port_count++] = (uint16_t)atoi(word);
}

int main(int argc, char **argv) {
  struct targets targets = {0};
  struct in_addr base;
  if (argc < 6 || argc > 8 || inet_pton(AF_INET, argv[2], &base) != 1) {
    fprintf(stderr, "usage: %s COUNT BASE_IP PORT[,PORT...] CONCURRENCY SECONDS [bare|polite [RATE]]\n", argv[0]);
    return 2;
  }
  targets.base = ntohl(base.s_addr);
  targets.count = (unsigned)atoi(argv[1]);
  parse_ports(&targets, argv[3]);
  int concurrency = atoi(argv[4]);
  double seconds = atof(argv[5]);
  int polite = argc >= 7 && strcmp(argv[6], "polite") == 0;
  double rate = argc == 8 ? atof(argv[7]) : 1e9;
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0 || targets.count == 0 || targets.port_count == 0 || concurrency < 1) return 2;

  unsigned long probes = 0, failed = 0, started = 0;
  int in_flight = 0;
  double begin = now(), cpu_begin = cpu(), end = begin + seconds, at;
  struct epoll_event events[EVENTS];
  while ((at = now()) < end || in_flight > 0) {
    for (; at < end && in_flight < concurrency && (double)started < rate * (at - begin); in_flight++, started++)
      if (start(epoll, &targets) < 0) {
        failed++;
        break;
      }
    if (at > end + 1) break; /* a target that never closes */
    int ready = epoll_wait(epoll, events, EVENTS, argc == 8 ? 1 : 10);
    for (int i = 0; i < ready; i++) {
      enum step step = advance(epoll, &events[i], polite);
      if (step == WAITING) continue;
      in_flight--;
      if (step == DONE) probes++;
      else failed++;
    }
  }
  double used = cpu() - cpu_begin;
  printf("{\"probes\":%lu,\"failed\":%lu,\"seconds\":%.3f,\"cpuSeconds\":%.3f,\"cpuMicrosPerProbe\":%.2f}\n", probes, failed,
         now() - begin, used, probes ? used * 1e6 / (double)probes : 0.0);
  return 0;
}
