/*
 * The hogs: each takes one kind of thing for ever and gives nothing back. One
 * that is refused goes on in a child, which begins anew while the parent holds
 * what it has: so a limit on each process alone stops none of them.
 */
#include <abi/inotify.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "bits.h"
#include "heap.h"

#define PAGE	   4096ul
#define RELATIVES  32	   /* a hog goes on in at most so many children */
#define RETRY_NS   1000000 /* then it tries again so often */
#define REGION	   (1ul << 32)
#define TABLE_SPAN (2ul << 20) /* of one page table */
#define SPARSE	   (1ul << 42)
#define USER_ID	   12345
#define STACK	   1024
#define STACKS	   4096

static uint64_t taken; /* by this process */
static uint32_t state;
static char *region;
static int main_fd;

/* ---- Address spaces ---- */

static void
begin_vmas(void)
{
	if (region != NULL)
		munmap(region, REGION);
	region = mmap(NULL, REGION, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/* Every other page readable: each is a mapping of its own. */
static bool
take_vma(void)
{
	return mprotect(region + taken * 2 * PAGE, PAGE, PROT_READ) == 0;
}

static void
begin_tables(void)
{
	region = mmap(NULL, SPARSE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/* Reading is enough for a page table, and may need no page of memory. */
static bool
take_table(void)
{
	if (region == MAP_FAILED || taken == SPARSE / TABLE_SPAN)
		return false;
	(void)*(volatile char *)(region + taken * TABLE_SPAN);
	return true;
}

/* ---- Descriptors ---- */

static void
begin_nothing(void)
{
}

static bool
take_pipe(void)
{
	int p[2];

	return pipe(p) == 0;
}

static bool
take_full_pipe(void)
{
	static char data[PAGE];
	int p[2];

	if (pipe2(p, O_NONBLOCK) < 0)
		return false;
	while (write(p[1], data, PAGE) == (ssize_t)PAGE)
		;
	for (int i = 0; i < 8; i++)
		read(p[0], data, PAGE);
	return true;
}

#define WATCHED 64
static int watched[WATCHED];

static void
begin_epoll(void)
{
	for (int i = 0; i < WATCHED; i++)
		watched[i] = (int)syscall(NR_eventfd2, 0, 0);
}

static bool
take_epoll(void)
{
	struct epoll_event e = { EPOLLIN, 0 };

	if (taken % WATCHED == 0)
		main_fd = (int)syscall(NR_epoll_create1, 0);
	return main_fd >= 0 && syscall(NR_epoll_ctl, main_fd, EPOLL_CTL_ADD,
				       watched[taken % WATCHED], &e) == 0;
}

static bool
take_sockets(void)
{
	int s[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0;
}

/* ---- Descriptors in messages ---- */

static int ends[2];

static void
begin_rights(void)
{
	socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

/** Sends a pipe's two ends and closes them. */
static bool
send_pipe(int to)
{
	struct {
		struct cmsghdr head;
		int fds[2];
	} control = { { CMSG_LEN(2 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS },
		      { 0 } };
	struct iovec iov = { "x", 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	bool sent;

	if (pipe(control.fds) < 0)
		return false;
	sent = sendmsg(to, &m, 0) == 1;
	close(control.fds[0]);
	close(control.fds[1]);
	return sent;
}

/* When the queue is full, another one: nobody ever receives. */
static bool
take_rights(void)
{
	if (send_pipe(ends[0]))
		return true;
	begin_rights();
	return send_pipe(ends[0]);
}

/** Receives for ever, so that what was passed stays open here. */
__attribute__((noreturn)) static void
hold_what_comes(int from)
{
	struct {
		struct cmsghdr head;
		int fds[2];
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	do {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
	} while (recvmsg(from, &m, 0) == 1 && !(m.msg_flags & MSG_CTRUNC));
	for (;;)
		pause();
}

#define PASSED 400 /* pipes to one holder */

static unsigned passed = PASSED;

static void
begin_passing(void)
{
	signal(SIGPIPE, SIG_IGN);
}

/** A child that holds; -1 in ends[0] if there is none. */
static void
start_holder(void)
{
	pid_t pid;

	close(ends[0]);
	ends[0] = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		return;
	pid = fork();
	if (pid == 0)
		hold_what_comes(ends[1]);
	close(ends[1]);
	passed = 0;
}

/* It holds nothing itself: each of its children holds what it has opened. */
static bool
take_by_passing(void)
{
	if (passed == PASSED)
		start_holder();
	if (!send_pipe(ends[0])) {
		passed = PASSED;
		return false;
	}
	passed++;
	return true;
}

/* ---- Processes and threads ---- */

static int
hold_a_little(void *arg)
{
	int fds[2];

	(void)arg;
	for (int i = 0; i < 8; i++) {
		pipe(fds);
		socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
	}
	for (;;)
		pause();
	return 0;
}

static bool
take_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		hold_a_little(NULL);
	return pid > 0;
}

static void
begin_threads(void)
{
	region = mmap(NULL, STACK * STACKS, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Each with a table of descriptors of its own: not its process's. */
static bool
take_thread(void)
{
	return taken < STACKS &&
	       clone(hold_a_little, region + (taken + 1) * STACK,
		     CLONE_VM | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD |
			     CLONE_SYSVSEM,
		     NULL, NULL, NULL, NULL) > 0;
}

/* ---- Signals, timers, watches, locks ---- */

static void
begin_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static bool
take_signal(void)
{
	siginfo_t info = { .si_signo = SIGRTMIN, .si_code = SI_QUEUE };

	return syscall(NR_rt_sigqueueinfo, getpid(), SIGRTMIN, &info) == 0;
}

static bool
take_timer(void)
{
	struct sigevent e = { .sigev_notify = SIGEV_NONE };
	int id;

	return syscall(NR_timer_create, CLOCK_MONOTONIC, &e, &id) == 0;
}

static bool
take_watch(void)
{
	char name[40];

	if (taken % WATCHED == 0)
		main_fd = (int)syscall(NR_inotify_init1, 0);
	snprintf(name, sizeof(name), TMPFS_FOLDER "/%u",
		 (unsigned)(taken % WATCHED));
	mkdir(name, 0700);
	return syscall(NR_inotify_add_watch, main_fd, name, IN_ALL_EVENTS) >= 0;
}

/* A file's locks are a list, which nobody wants to get long. */
static void
begin_locks(void)
{
	char name[40];

	for (int i = 0; i < WATCHED; i++) {
		snprintf(name, sizeof(name), TMPFS_FOLDER "/lock%d", i);
		watched[i] = open(name, O_CREAT | O_RDWR, 0600);
	}
}

/* Every other byte: no two locks become one. */
static bool
take_lock(void)
{
	struct flock l = { .l_type = F_RDLCK,
			   .l_start = (off_t)taken * 2,
			   .l_len = 1 };

	return fcntl(watched[taken % WATCHED], F_SETLK, &l) == 0;
}

/* ---- Names ---- */

#define DEPTH 16
#define WIDTH 32

static void
begin_tmpfs(void)
{
	chdir(TMPFS_FOLDER);
}

static void
begin_disk(void)
{
	chdir(DISK_FOLDER);
}

/* A tree DEPTH deep, then another; and names that are not there. */
static bool
take_name(void)
{
	char name[20];
	struct stat st;

	if (taken % (DEPTH * WIDTH) == 0) {
		for (unsigned i = 0; taken > 0 && i < DEPTH; i++)
			chdir("..");
		snprintf(name, sizeof(name), "%d-%u", getpid(),
			 (unsigned)taken);
	} else {
		snprintf(name, sizeof(name), "%u", (unsigned)(taken % WIDTH));
	}
	if (mkdir(name, 0700) < 0)
		return false;
	if (taken % WIDTH == 0)
		chdir(name);
	snprintf(name, sizeof(name), "no%u", draw(&state, 1u << 31));
	stat(name, &st);
	return true;
}

/* ---- All of them ---- */

const struct hog hogs[] = {
	{ "vmas", begin_vmas, take_vma, false, false },
	{ "pipes", begin_nothing, take_pipe, false, false },
	{ "fullpipes", begin_nothing, take_full_pipe, false, false },
	{ "epoll", begin_epoll, take_epoll, false, false },
	{ "sockets", begin_nothing, take_sockets, false, false },
	{ "rights", begin_rights, take_rights, false, false },
	{ "signals", begin_signals, take_signal, false, false },
	{ "timers", begin_nothing, take_timer, false, false },
	{ "inotify", begin_nothing, take_watch, true, false },
	{ "threads", begin_threads, take_thread, false, true },
	{ "tmpfs", begin_tmpfs, take_name, true, false },
	{ "disk", begin_disk, take_name, true, false },
	{ "locks", begin_locks, take_lock, false, false },
	{ "tables", begin_tables, take_table, false, false },
	{ "children", begin_nothing, take_child, true, true },
	{ "passer", begin_passing, take_by_passing, true, false },
	{ 0 },
};

const struct hog *
find_hog(const char *name)
{
	const struct hog *h = hogs;

	while (h->name != NULL && strcmp(h->name, name) != 0)
		h++;
	return h->name != NULL ? h : NULL;
}

static void
raise_limit(int resource)
{
	struct rlimit rl = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(resource, &rl) == 0 || getrlimit(resource, &rl) < 0)
		return;
	rl.rlim_cur = rl.rlim_max;
	setrlimit(resource, &rl);
}

/** Refused: in a child that begins anew, or, after many, later. */
static void
go_on(const struct hog *h)
{
	static unsigned relatives;
	pid_t pid;

	if (h->alone || relatives == RELATIVES) {
		sleep_ns(RETRY_NS);
		return;
	}
	relatives++;
	pid = fork();
	if (pid < 0) {
		sleep_ns(RETRY_NS);
		return;
	}
	while (pid > 0)
		pause();
	syscall(NR_close_range, 3, ~0u, 0);
	taken = 0;
	h->begin();
}

void
gorge(const struct hog *h, uint32_t seed)
{
	state = seed;
	set_name("hog");
	raise_limit(RLIMIT_NOFILE);
	raise_limit(RLIMIT_SIGPENDING);
	if (h->user)
		setresuid(USER_ID, USER_ID, USER_ID);
	h->begin();
	for (;;) {
		if (h->take()) {
			taken++;
			__atomic_add_fetch(&board->taken, 1, __ATOMIC_RELAXED);
		} else {
			board->refusal = errno;
			__atomic_add_fetch(&board->refused, 1,
					   __ATOMIC_RELAXED);
			go_on(h);
		}
	}
}
