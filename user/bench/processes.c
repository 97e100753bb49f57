/*
 * Processes, threads, programs, futexes.
 */
#include <abi/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench.h"

static long
yield_switch(long n)
{
	pid_t child = (pid_t)need(fork());
	long t;

	if (child == 0)
		for (;;)
			sched_yield();
	t = TIMED(n, sched_yield()) / 2; /* there and back */
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return t;
}

static void
fork_once(void)
{
	pid_t child = (pid_t)need(fork());

	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
}

static long
fork_exit_wait(long n)
{
	return TIMED(n, fork_once());
}

static long
fork_8mib_exit_wait(long n)
{
	char *p = map(8 * MIB, RW, ANON, -1);
	long t;

	memset(p, 1, 8 * MIB);
	t = TIMED(n, fork_once());
	munmap(p, 8 * MIB);
	return t;
}

static void
exec_or_exit(const char *path)
{
	execve(path, (char *[]){ "x", "-x", NULL }, (char *[]){ NULL });
	_exit(127);
}

static void
wait_for_success(pid_t child)
{
	int status = -1;

	waitpid(child, &status, 0);
	need(status == 0 ? 0 : -1);
}

static void
fork_exec(const char *path)
{
	pid_t child = (pid_t)need(fork());

	if (child == 0)
		exec_or_exit(path);
	wait_for_success(child);
}

/* A function of its own: what is in the caller's registers is safe so. */
static __attribute__((noinline)) void
vfork_exec(const char *path)
{
	pid_t child = vfork();

	if (child == 0)
		exec_or_exit(path);
	need(child);
	wait_for_success(child);
}

static long
fork_exec_tiny(long n)
{
	return TIMED(n, fork_exec(tiny));
}

static long
vfork_exec_tiny(long n)
{
	return TIMED(n, vfork_exec(tiny));
}

static long
fork_exec_self(long n)
{
	return TIMED(n, fork_exec(self));
}

#define THREAD                                                                 \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |    \
	 CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

static char stack[16384];
static volatile int thread_word;

static long
futex(volatile int *word, int op, int value)
{
	return syscall_raw(NR_futex, word, op | FUTEX_PRIVATE_FLAG, value, 0, 0,
			   0);
}

static void
start_thread(int (*fn)(void *), void *arg)
{
	need(clone(fn, stack + sizeof(stack), THREAD, arg, (int *)&thread_word,
		   NULL, (int *)&thread_word));
}

static void
join_thread(void)
{
	int tid;

	/* the kernel's wake-up at the end is no private one */
	while ((tid = thread_word) != 0)
		syscall_raw(NR_futex, &thread_word, FUTEX_WAIT, tid, 0, 0, 0);
}

static int
thread_nothing(void *arg)
{
	(void)arg;
	return 0;
}

static long
clone_thread_exit(long n)
{
	return TIMED(n, (start_thread(thread_nothing, NULL), join_thread()));
}

static long
futex_wake_nobody(long n)
{
	static int word;

	need(futex(&word, FUTEX_WAKE, 1));
	return TIMED(n, futex(&word, FUTEX_WAKE, 1));
}

/* Whose turn it is: 0 the first thread's, 1 the other's; 2: end. */
static volatile int turn;

static void
pass_turn(int from, int to)
{
	turn = to;
	futex(&turn, FUTEX_WAKE, 1);
	while (turn == to)
		futex(&turn, FUTEX_WAIT, to);
	(void)from;
}

static int
thread_ping(void *arg)
{
	(void)arg;
	while (turn == 0)
		futex(&turn, FUTEX_WAIT, 0);
	while (turn == 1)
		pass_turn(1, 0);
	return 0;
}

static long
futex_pingpong(long n)
{
	long t;

	turn = 0;
	start_thread(thread_ping, NULL);
	t = TIMED(n, pass_turn(0, 1));
	turn = 2;
	futex(&turn, FUTEX_WAKE, 1);
	join_thread();
	return t;
}

const struct item process_items[] = {
	{ "yield_switch", yield_switch, 1000, 0 },
	{ "fork_exit_wait", fork_exit_wait, 50, 0 },
	{ "fork_8mib_exit_wait", fork_8mib_exit_wait, 20, 0 },
	{ "fork_exec_tiny", fork_exec_tiny, 50, 0 },
	{ "vfork_exec_tiny", vfork_exec_tiny, 50, 0 },
	{ "fork_exec_self", fork_exec_self, 50, 0 },
	{ "clone_thread_exit", clone_thread_exit, 200, 0 },
	{ "futex_wake_nobody", futex_wake_nobody, 2000, 0 },
	{ "futex_pingpong", futex_pingpong, 1000, 0 },
	{ 0 },
};
