/*
 * Storms: many processes and threads that make, signal and end one another at
 * once. What is checked is what must hold however they meet: every child is
 * waited for once and has its status, every thread ends, no queued signal is
 * lost or comes twice. STORM=N in the environment: N times as long.
 */
#include <abi/futex.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <termios.h>
#include "check.h"

#define STACK 16384

/** How many rounds; a storm is as long as it likes, but not for ever. */
static int
rounds(int n)
{
	const char *factor = getenv("STORM");
	int times = factor ? atoi(factor) : 1;

	alarm((unsigned)(WATCHDOG_S * 2 * times));
	return n * times;
}

/** Runs fn(0) ... fn(n - 1) in a child each, and waits: all must exit with 0.
 */
static void
in_children(int n, void (*fn)(int))
{
	int status, ended = 0;

	for (int i = 0; i < n; i++) {
		pid_t child = fork();

		REQUIRE(child >= 0);
		if (child == 0) {
			check_failures = 0;
			fn(i);
			_exit(check_failures != 0);
		}
	}
	while (wait(&status) > 0 || errno == EINTR) {
		CHECK_EQ(status, 0);
		ended++;
	}
	CHECK_EQ(ended, n);
}

static void
reap(pid_t child, int want)
{
	int status = -1;

	REQUIRE(child > 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, want << 8);
}

/** Becomes this program again, with nothing to do: it exits with 1. */
static void
exec_again(void)
{
	static char *const argv[] = { "storm", "no-such-test", NULL };

	execv("/proc/self/exe", argv);
	_exit(99);
}

/* ---- Fork and exec ---- */

static void
fork_and_exec(int me)
{
	int n = rounds(12);

	close(1);
	for (int i = 0; i < n; i++) {
		pid_t child = (i + me) % 3 ? fork() : vfork();

		if (child == 0)
			exec_again();
		reap(child, 1);
		child = fork();
		if (child == 0) {
			child = fork();
			_exit(child < 0 ? 1 : 7); /* an orphan, or not */
		}
		if (child > 0) {
			int status;

			CHECK_EQ(waitpid(child, &status, 0), child);
			CHECK_EQ(WEXITSTATUS(status), 7);
		}
	}
}

TEST(fork_and_exec_storm)
{
	in_children(8, fork_and_exec);
}

/* ---- Threads ---- */

#define THREAD                                                                 \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |    \
	 CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)
#define THREADS 8

static struct thread {
	char stack[STACK];
	volatile int word; /* its number while it lives */
} threads[THREADS];
static volatile int counter;

static void
start_thread(int i, int (*fn)(void *), void *arg)
{
	struct thread *t = &threads[i];
	int ptid;

	t->word = -1;
	REQUIRE(clone(fn, t->stack + STACK, THREAD, arg, &ptid, NULL,
		      (int *)&t->word) > 0);
}

/** Waits, as a joining thread does, until the kernel has cleared the word. */
static void
join_thread(int i)
{
	int tid;

	while ((tid = threads[i].word) != 0)
		syscall_raw(NR_futex, &threads[i].word, FUTEX_WAIT, tid, NULL);
}

static int
count_up(void *arg)
{
	__atomic_add_fetch(&counter, (int)(long)arg, __ATOMIC_SEQ_CST);
	return 0;
}

static void
make_threads(int me)
{
	int n = rounds(25);

	(void)me;
	for (int i = 0; i < n; i++) {
		for (int k = 0; k < THREADS; k++)
			start_thread(k, count_up, (void *)(long)(k + 1));
		for (int k = 0; k < THREADS; k++)
			join_thread(k);
	}
	CHECK_EQ(counter, n * THREADS * (THREADS + 1) / 2);
}

TEST(thread_storm)
{
	in_children(4, make_threads);
}

/* ---- Forks and execs among threads ---- */

/* A thread: raw calls only, the library's errno is everyone's. */
static int
fork_for_ever(void *arg)
{
	while (counter == 0) {
		long child = syscall_raw((long)arg ? NR_vfork : NR_fork);

		if (child == 0)
			syscall_raw(NR_exit_group, 3);
		if (child > 0)
			syscall_raw(NR_wait4, child, NULL, 0, NULL);
	}
	return 0;
}

static void
exec_among_threads(int me)
{
	int n = rounds(8);

	close(1);
	for (int i = 0; i < n; i++) {
		pid_t child = fork();

		if (child == 0) {
			for (int k = 0; k < 4; k++)
				start_thread(k, fork_for_ever, NULL);
			if ((i + me) % 2)
				usleep(1000);
			exec_again();
		}
		reap(child, 1);
	}
}

TEST(exec_ends_forking_threads)
{
	in_children(3, exec_among_threads);
}

static int
exec_from_here(void *arg)
{
	static char *const argv[] = { "storm", "no-such-test", NULL };
	static char *const none[] = { NULL };

	(void)arg;
	return (int)syscall_raw(NR_execve, "/proc/self/exe", argv, none);
}

static void
exec_from_thread(int me)
{
	int n = rounds(8);

	(void)me;
	close(1);
	for (int i = 0; i < n; i++) {
		pid_t child = fork();

		if (child == 0) {
			start_thread(0, fork_for_ever, NULL);
			/* More than one may try: one of them comes through. */
			start_thread(1, exec_from_here, NULL);
			start_thread(2, exec_from_here, NULL);
			for (;;)
				syscall_raw(NR_sched_yield);
		}
		reap(child, 1);
	}
}

TEST(exec_from_threads_storm)
{
	in_children(3, exec_from_thread);
}

static void
vfork_among_forks(int me)
{
	int n = rounds(15);

	(void)me;
	close(1);
	for (int k = 0; k < 3; k++)
		start_thread(k, fork_for_ever, (void *)(long)(k == 0));
	for (int i = 0; i < n; i++) {
		pid_t child = vfork();

		if (child == 0)
			exec_again();
		reap(child, 1);
	}
	counter = 1;
	for (int k = 0; k < 3; k++)
		join_thread(k);
}

TEST(vfork_and_exec_while_threads_fork)
{
	in_children(3, vfork_among_forks);
}

/* ---- Signals ---- */

#define PARTS 6

/** Of the signal storm, shared by all processes. */
static struct board {
	volatile pid_t pid[PARTS];
	volatile int ready, done;
	volatile long sent, received; /* by sigqueue */
} * board;

static struct board *
shared_board(void)
{
	void *p = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED);
	return p;
}

static void
on_queued(int sig)
{
	(void)sig;
	__atomic_add_fetch(&board->received, 1, __ATOMIC_SEQ_CST);
}

static void
on_signal(int sig)
{
	(void)sig;
}

static void
catch_all(void)
{
	struct sigaction act = { .sa_handler = on_signal,
				 .sa_flags = SA_RESTART };
	static const int plain[] = { SIGHUP,  SIGINT,  SIGUSR1, SIGUSR2,
				     SIGTERM, SIGALRM, SIGCONT };

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		act.sa_flags = i % 2 ? SA_RESTART : 0;
		sigaction(plain[i], &act, NULL);
	}
	act.sa_handler = on_queued;
	sigaction(SIGRTMIN + 1, &act, NULL);
}

/** A small generator: each process its own numbers. */
static unsigned
next(unsigned *state)
{
	*state = *state * 1103515245 + 12345;
	return *state >> 16;
}

static void
send_one(unsigned *state)
{
	pid_t to = board->pid[next(state) % PARTS];
	struct itimerval soon = { { 0, 0 }, { 0, 100 + next(state) % 900 } };
	sigset_t set;
	siginfo_t info = { .si_code = -1 };

	switch (next(state) % 8) {
	case 0:
		kill(to, SIGUSR1);
		break;
	case 1:
		syscall(NR_tgkill, to, to, SIGUSR2);
		break;
	case 2:
		setitimer(ITIMER_REAL, &soon, NULL);
		break;
	case 3: /* for a moment */
		sigfillset(&set);
		sigprocmask(SIG_BLOCK, &set, &set);
		sched_yield();
		sigprocmask(SIG_SETMASK, &set, NULL);
		break;
	case 4: /* by one alone, or they would stop each other */
		if (to == board->pid[0] || getpid() != board->pid[0])
			break;
		kill(to, SIGSTOP);
		kill(to, SIGCONT);
		break;
	case 5:
		syscall(NR_tkill, to, SIGINT);
		break;
	default:
		if (syscall(NR_rt_sigqueueinfo, to, SIGRTMIN + 1, &info) == 0)
			__atomic_add_fetch(&board->sent, 1, __ATOMIC_SEQ_CST);
	}
}

static void
storm_of_signals(int me)
{
	unsigned state = (unsigned)me + 1;
	int n = rounds(400), p[2];
	char c;

	catch_all();
	CHECK_EQ(pipe(p), 0);
	board->pid[me] = getpid();
	__atomic_add_fetch(&board->ready, 1, __ATOMIC_SEQ_CST);
	while (board->ready < PARTS)
		sched_yield();
	for (int i = 0; i < n; i++) {
		send_one(&state);
		if (i % 16 == 0) {
			c = (char)i;
			while (write(p[1], &c, 1) != 1)
				CHECK_EQ(errno, EINTR);
			c = 0;
			while (read(p[0], &c, 1) != 1)
				CHECK_EQ(errno, EINTR);
			CHECK_EQ(c, (char)i);
		}
	}
	__atomic_add_fetch(&board->done, 1, __ATOMIC_SEQ_CST);
	while (board->done < PARTS || board->received < board->sent)
		usleep(1000);
}

TEST(signal_storm)
{
	board = shared_board();
	in_children(PARTS, storm_of_signals);
	CHECK(board->sent > 0);
	CHECK_EQ(board->received, board->sent);
}

/* ---- A thousand processes ---- */

#define MANY 1000

/** Limits that a thousand children need. */
static void
raise_limits(void)
{
	struct rlimit many = { 4096, 4096 };

	setrlimit(RLIMIT_NPROC, &many);
	setrlimit(RLIMIT_NOFILE, &many);
}

/** All of them alive at once: each waits for the word, then ends with its
 * number. */
TEST(a_thousand_processes)
{
	static pid_t child[MANY];
	volatile int *word = (volatile int *)shared_board();

	rounds(1);
	raise_limits();
	for (int i = 0; i < MANY; i++) {
		child[i] = fork();
		REQUIRE(child[i] >= 0);
		if (child[i] == 0) {
			__atomic_add_fetch(&word[1], 1, __ATOMIC_SEQ_CST);
			while (word[0] == 0)
				syscall_raw(NR_futex, &word[0], FUTEX_WAIT, 0,
					    NULL);
			_exit(i % 251);
		}
	}
	while (word[1] < MANY)
		usleep(1000);
	word[0] = 1;
	syscall(NR_futex, &word[0], FUTEX_WAKE, INT_MAX);
	for (int i = MANY - 1; i >= 0; i--)
		reap(child[i], i % 251);
	CHECK_ERR(wait(NULL), ECHILD);
}

/** A ring of pipes through as many: a number goes round, each adds one. */
TEST(a_ring_of_processes)
{
	int first[2], left, p[2], n = rounds(1);
	int number = 0;

	raise_limits();
	CHECK_EQ(pipe(first), 0);
	left = first[0];
	for (int i = 0; i < MANY / 2; i++) {
		REQUIRE(pipe(p) == 0);
		pid_t child = fork();

		REQUIRE(child >= 0);
		if (child == 0) {
			close(first[1]);
			close(p[0]);
			while (read(left, &number, sizeof(number)) > 0) {
				number++;
				write(p[1], &number, sizeof(number));
			}
			_exit(0);
		}
		close(left);
		close(p[1]);
		left = p[0];
	}
	for (int i = 0; i < n; i++) {
		number = i;
		CHECK_EQ(write(first[1], &number, sizeof(number)),
			 sizeof(number));
		CHECK_EQ(read(left, &number, sizeof(number)), sizeof(number));
		CHECK_EQ(number, i + MANY / 2);
	}
	close(first[1]);
	for (int i = 0; i < MANY / 2; i++)
		CHECK(wait(NULL) > 0);
	CHECK_EQ(read(left, &number, sizeof(number)), 0);
}

/* ---- Terminals and sockets ---- */

static void
open_terminal(void)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), off = 0, slave;
	unsigned number;
	char name[32], c = 0;

	REQUIRE(master >= 0);
	CHECK_EQ(ioctl(master, TIOCSPTLCK, &off), 0);
	CHECK_EQ(ioctl(master, TIOCGPTN, &number), 0);
	snprintf(name, sizeof(name), "/dev/pts/%u", number);
	slave = open(name, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0);
	CHECK_EQ(write(slave, "x", 1), 1);
	CHECK_EQ(read(master, &c, 1), 1);
	CHECK_EQ(c, 'x');
	close(master);
	CHECK_EQ(read(slave, &c, 1), 0);
	close(slave);
}

/** A socket in the queue of another, which is closed unread or read. */
static void
pass_socket(int i)
{
	struct {
		struct cmsghdr head;
		int fd;
	} control = { { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS }, 0 };
	struct iovec iov = { "y", 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	int a[2], b[2];
	char c;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, b), 0);
	control.fd = i % 3 ? b[0] : a[1]; /* or in its own queue */
	CHECK_EQ(sendmsg(a[0], &m, 0), 1);
	if (i % 2)
		CHECK_EQ(read(a[1], &c, 1), 1);
	for (int k = 0; k < 2; k++) {
		close(a[k]);
		close(b[k]);
	}
}

static void
open_and_close(int me)
{
	int n = rounds(60);

	(void)me;
	for (int i = 0; i < n; i++) {
		open_terminal();
		pass_socket(i);
	}
}

TEST(terminal_and_socket_storm)
{
	in_children(4, open_and_close);
}
