/*
 * A good citizen: an application that forks, runs programs, and works with
 * files, pipes and sockets, a little of each, round after round. It frees what
 * it takes. Every call must succeed and every result be right, whatever the
 * others in the machine do; how long each call took is counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "bits.h"
#include "heap.h"

#define REST_NS	 4000000 /* at most so long between two rounds */
#define DATA_MAX 8000

static struct tally *tally;
static pid_t me; /* names of files and sockets have it */
static uint32_t state;
static char sent[DATA_MAX], got[DATA_MAX];

/* ---- Calls, each timed and judged ---- */

static uint64_t begun;

static unsigned
bucket_of(uint64_t ns)
{
	unsigned e;

	if (ns < 16)
		return (unsigned)ns;
	e = ilog2(ns);
	return MIN((e - 3) * 16 + (unsigned)(ns >> (e - 4) & 15), BUCKETS - 1u);
}

static void
count(const char *what, uint64_t ns)
{
	bool hog = board->hog_ns != 0;
	struct latencies *l = hog ? &tally->during : &tally->before;

	l->count[bucket_of(ns)]++;
	l->calls++;
	if (ns <= l->most)
		return;
	l->most = ns;
	if (hog)
		tally->slowest = what;
}

static void
fail(const char *what, int error)
{
	unsigned n = __atomic_fetch_add(&board->nfailures, 1, __ATOMIC_RELAXED);
	struct failure *f = &board->failures[n];

	tally->failures++;
	if (n >= FAILURES)
		return;
	strlcpy(f->what, what, sizeof(f->what));
	f->error = error;
	f->ns = now_ns() - board->start_ns;
}

static long
judge(const char *what, long result)
{
	int error = errno;

	count(what, now_ns() - begun);
	if (result < 0)
		fail(what, error);
	return result;
}

#define CALL(expr) (begun = now_ns(), judge(#expr, (long)(expr)))

/** What is not an error of a call, and must hold all the same. */
#define CHECK(expr) ((expr) ? (void)0 : fail(#expr, 0))

static void
compare(long n, long expected)
{
	CHECK(n == expected);
	CHECK(n < 0 || memcmp(sent, got, (size_t)n) == 0);
}

/** Writes, and reads it at the other end, unless there is nothing to read. */
static void
transfer(int from, int to, long n)
{
	long written = CALL(write(from, sent, (size_t)n));

	CHECK(written == n);
	if (written > 0)
		compare(CALL(read(to, got, (size_t)n)), n);
}

/* ---- What a round consists of ---- */

static void
wait_for(pid_t pid, int expected)
{
	int status = -1;

	if (pid > 0 && CALL(waitpid(pid, &status, 0)) == pid)
		CHECK(status == W_EXITCODE(expected, 0));
}

static void
do_fork(void)
{
	int code = (int)draw(&state, 100);
	pid_t pid = (pid_t)CALL(fork());

	if (pid == 0)
		_exit(code);
	wait_for(pid, code);
}

static void
do_exec(void)
{
	char code[8];
	char *argv[] = { (char *)program, "exit", code, NULL };
	pid_t pid;

	snprintf(code, sizeof(code), "%u", draw(&state, 100));
	pid = (pid_t)CALL(fork());
	if (pid == 0) {
		execv(program, argv);
		_exit(127);
	}
	wait_for(pid, atoi(code));
}

static void
do_file(void)
{
	long n = 1 + draw(&state, DATA_MAX);
	char name[40], other[40];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), "/tmp/citizen%d", me);
	snprintf(other, sizeof(other), "/tmp/citizen%d.new", me);
	fd = (int)CALL(open(name, O_CREAT | O_EXCL | O_RDWR, 0600));
	if (fd < 0)
		return;
	CHECK(CALL(write(fd, sent, (size_t)n)) == n);
	compare(CALL(pread(fd, got, (size_t)n, 0)), n);
	CALL(rename(name, other));
	if (CALL(stat(other, &st)) == 0)
		CHECK(st.st_size == n);
	CALL(close(fd));
	CALL(unlink(other));
	unlink(name); /* not there, unless rename failed */
}

static void
do_folder(void)
{
	char name[40], deep[60];

	snprintf(name, sizeof(name), "/tmp/folder%d", me);
	snprintf(deep, sizeof(deep), "%s/deep", name);
	if (CALL(mkdir(name, 0700)) == 0 && CALL(mkdir(deep, 0700)) == 0)
		CALL(rmdir(deep));
	CALL(rmdir(name));
}

static void
do_pipe(void)
{
	long n = 1 + draw(&state, 4000);
	int p[2];

	if (CALL(pipe(p)) < 0)
		return;
	transfer(p[1], p[0], n);
	CALL(close(p[0]));
	CALL(close(p[1]));
}

/* Sends a descriptor of "to" through "to"; it must lead to where "to" does. */
static void
pass_file(int from, int to)
{
	struct {
		struct cmsghdr head;
		int fd;
	} control = { { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS }, to };
	struct iovec iov = { got, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };

	if (CALL(sendmsg(from, &m, 0)) != 1 || CALL(recvmsg(to, &m, 0)) != 1)
		return;
	CHECK(m.msg_controllen >= CMSG_LEN(sizeof(int)));
	transfer(from, control.fd, 10);
	CALL(close(control.fd));
}

static void
do_socket(void)
{
	long n = 1 + draw(&state, 4000);
	int s[2];

	if (CALL(socketpair(AF_UNIX, SOCK_STREAM, 0, s)) < 0)
		return;
	transfer(s[0], s[1], n);
	pass_file(s[0], s[1]);
	CALL(close(s[0]));
	CALL(close(s[1]));
}

static void
do_connect(void)
{
	struct sockaddr_un un = { AF_UNIX, "" };
	int l = (int)CALL(socket(AF_UNIX, SOCK_STREAM, 0));
	int c = (int)CALL(socket(AF_UNIX, SOCK_STREAM, 0)), s;

	snprintf(un.sun_path + 1, 20, "citizen%d", me);
	if (CALL(bind(l, (struct sockaddr *)&un, 16)) == 0 &&
	    CALL(listen(l, 1)) == 0 &&
	    CALL(connect(c, (struct sockaddr *)&un, 16)) == 0) {
		s = (int)CALL(accept(l, NULL, NULL));
		transfer(c, s, 100);
		CALL(close(s));
	}
	CALL(close(c));
	CALL(close(l));
}

static void
do_map(void)
{
	size_t size = (1 + draw(&state, 8)) * 4096;
	char *p = (char *)CALL(mmap(NULL, size, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	if (p == MAP_FAILED)
		return;
	for (size_t i = 0; i < size; i += 4096) {
		begun = now_ns();
		p[i]++;
		judge("page fault", 0);
	}
	CALL(munmap(p, size));
}

/** At most so long; how much longer it took is what counts. */
static void
rest(void)
{
	uint64_t ns = draw(&state, REST_NS), end;
	struct timespec ts = { 0, (long)ns };

	begun = now_ns();
	if (nanosleep(&ts, NULL) < 0)
		fail("nanosleep", errno);
	end = now_ns();
	count("nanosleep", end - begun > ns ? end - begun - ns : 0);
}

static void
do_epoll(void)
{
	struct epoll_event e = { EPOLLIN, 7 };
	int ep = (int)CALL(syscall(NR_epoll_create1, 0));
	int fd = (int)CALL(syscall(NR_eventfd2, 1, 0));

	if (CALL(syscall(NR_epoll_ctl, ep, EPOLL_CTL_ADD, fd, &e)) == 0) {
		e.data = 0;
		CHECK(CALL(syscall(NR_epoll_wait, ep, &e, 1, 1000)) == 1);
		CHECK(e.data == 7);
	}
	CALL(close(fd));
	CALL(close(ep));
}

/* ---- A citizen's life ---- */

static void (*const deeds[])(void) = { do_fork,	   do_exec, do_file,
				       do_folder,  do_pipe, do_socket,
				       do_connect, do_map,  do_epoll };

/** All deeds, in an order of this round's own. */
static void
do_round(void)
{
	unsigned order[ARRAY_SIZE(deeds)], n = ARRAY_SIZE(deeds);

	for (unsigned i = 0; i < n; i++)
		order[i] = i;
	while (n > 0) {
		unsigned i = draw(&state, n--);

		deeds[order[i]]();
		order[i] = order[n];
	}
}

void
live(unsigned i, uint32_t seed)
{
	uint64_t slot;

	set_name("citizen");
	me = getpid();
	tally = &board->tally[i];
	state = seed * CITIZENS + i + 1;
	for (unsigned j = 0; j < DATA_MAX; j++)
		sent[j] = (char)draw(&state, 256);
	do_round(); /* with all of this program's pages there, and warm caches
		     */
	memset(&tally->before, 0, sizeof(tally->before));
	__atomic_add_fetch(&board->ready, 1, __ATOMIC_RELAXED);
	while (board->start_ns == 0)
		sleep_ns(REST_NS);
	while (!board->stop) {
		do_round();
		tally->rounds++;
		slot = (now_ns() - board->start_ns) / SLOT_NS;
		if (slot < SLOTS)
			tally->slots[slot]++;
		rest();
	}
	_exit(0);
}
