/*
 * fork, vfork, clone, exit, exit_group, wait4: their manual pages.
 */
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>
#include "check.h"

TEST(fork_returns_twice)
{
	int status;
	pid_t parent = getpid(), child = fork();

	if (child == 0)
		_exit(getppid() == parent && getpid() != parent ? 7 : 1);
	CHECK(child > 0);
	CHECK_EQ(wait4(child, &status, 0, NULL), child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

TEST(fork_copies_memory)
{
	static int data = 1;
	int stack = 2;
	int *heap = malloc(sizeof(*heap));

	*heap = 3;
	CHECK_EQ(IN_CHILD({
			 CHECK(data == 1 && stack == 2 && *heap == 3);
			 data = stack = *heap = 9;
		 }),
		 0);
	CHECK(data == 1 && stack == 2 && *heap == 3);
}

TEST(fork_keeps_registers)
{
	long ok;

	/* all that a call may not change, in parent and child */
	__asm__ volatile("mov $1, %%rbx; mov $2, %%r12; mov $3, %%r13\n"
			 "mov $4, %%r14; mov $5, %%r15\n"
			 "mov $57, %%eax; syscall\n"
			 "lea (%%rbx,%%r12), %%rbx; add %%r13, %%rbx\n"
			 "add %%r14, %%rbx; add %%r15, %%rbx\n"
			 "test %%rax, %%rax; jnz 1f\n"
			 "mov %%rbx, %%rdi; mov $60, %%eax; syscall\n"
			 "1: mov %%rbx, %0"
			 : "=r"(ok)
			 :
			 : "rax", "rbx", "rcx", "rdi", "r11", "r12", "r13",
			   "r14", "r15", "memory");
	int status;

	CHECK_EQ(ok, 15);
	CHECK(wait(&status) > 0 && WEXITSTATUS(status) == 15);
}

TEST(fork_keeps_vector_registers)
{
	double out[2] = { 0, 0 };
	static const double in[2] = { 1.5, -2.25 };

	__asm__ volatile("movupd %1, %%xmm9" : : "m"(out), "m"(in) : "xmm9");
	CHECK_EQ(IN_CHILD({
			 __asm__ volatile("movupd %%xmm9, %0" : "=m"(out));
			 CHECK(memcmp(in, out, sizeof(in)) == 0);
		 }),
		 0);
}

TEST(vfork)
{
	volatile int shared = 1;
	int status;
	pid_t child = vfork();

	if (child == 0) {
		shared = 2; /* the memory is the parent's, who waits */
		_exit(3);
	}
	CHECK_EQ(shared, 2);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(WEXITSTATUS(status), 3);
}

/** The maker waits although the child is another's, and that one need not. */
TEST(vfork_of_a_sibling)
{
	int up[2], status;
	char text[3] = "";
	pid_t maker, child;

	REQUIRE(pipe(up) == 0);
	maker = fork();
	if (maker == 0) {
		child = syscall(NR_clone, CLONE_VFORK | CLONE_PARENT | SIGCHLD,
				0, NULL, NULL, 0);
		if (child == 0)
			usleep(50000);
		write(up[1], child == 0 ? "c" : "m", 1);
		_exit(child == 0 ? 3 : 4);
	}
	for (int i = 0; i < 2; i++) {
		child = wait(&status);
		CHECK(child > 0);
		CHECK_EQ(WEXITSTATUS(status), child == maker ? 4 : 3);
	}
	CHECK_EQ(read(up[0], text, 2), 2);
	CHECK_EQ(strcmp(text, "cm"), 0);
}

static int
thread_exit_5(void *arg)
{
	*(volatile int *)arg = 1;
	return 5;
}

TEST(clone_as_fork)
{
	static char stack[16384];
	static volatile int flag;
	int status;
	pid_t child = clone(thread_exit_5, stack + sizeof(stack), SIGCHLD,
			    (void *)&flag, NULL, NULL, NULL);

	CHECK(child > 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(WEXITSTATUS(status), 5);
	CHECK_EQ(flag, 0);
}

TEST(clone_vm)
{
	static char stack[16384];
	static volatile int flag;
	int status;
	pid_t child =
		clone(thread_exit_5, stack + sizeof(stack), CLONE_VM | SIGCHLD,
		      (void *)&flag, NULL, NULL, NULL);

	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(flag, 1);
}

TEST(clone_tids)
{
	int ptid = 0, ctid = 0;
	long child = syscall(NR_clone,
			     CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD,
			     0, &ptid, &ctid, 0);

	if (child == 0)
		_exit(ctid != getpid());
	CHECK_EQ(ptid, child);
	CHECK_EQ(ctid, 0);
	int status = -1;
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 0);
	child = syscall(NR_clone, CLONE_PARENT_SETTID | SIGCHLD, 0, BAD, 0, 0);
	if (child == 0)
		_exit(0);
	CHECK(child > 0); /* the child is there: it is too late for EFAULT */
	CHECK_EQ(waitpid((pid_t)child, NULL, 0), child);
}

/* A byte of flags says what the child's end sends; it may be none. */
TEST(clone_with_an_end_that_is_no_signal)
{
	long child = syscall(NR_clone, 100, 0, 0, 0, 0);

	if (child == 0)
		_exit(0);
	CHECK(child > 0);
	CHECK_ERR(waitpid((pid_t)child, NULL, 0), ECHILD);
	CHECK_EQ(waitpid((pid_t)child, NULL, WALL), child);
}

static volatile int thread_pid, thread_tid;

static int
thread_body(void *arg)
{
	thread_pid = (int)syscall_raw(NR_getpid);
	thread_tid = (int)syscall_raw(NR_gettid);
	*(volatile int *)arg = 1;
	return 0;
}

#define THREAD                                                                 \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |    \
	 CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

/** Waits, as a joining thread does, until the kernel has cleared the word. */
static void
join(volatile int *word)
{
	int tid;

	while ((tid = *word) != 0)
		syscall_raw(NR_futex, word, 0 /* FUTEX_WAIT */, tid, NULL);
}

TEST(clone_thread)
{
	static char stack[16384];
	static volatile int done, word = -1;
	int ptid;
	int tid = clone(thread_body, stack + sizeof(stack), THREAD,
			(void *)&done, &ptid, NULL, (int *)&word);

	CHECK(tid > 0);
	CHECK_EQ(ptid, tid);
	join(&word);
	CHECK_EQ(done, 1);
	CHECK_EQ(thread_pid, getpid());
	CHECK_EQ(thread_tid, tid);
	CHECK(tid != getpid());
	CHECK_ERR(wait(NULL), ECHILD); /* a thread is no child */
}

static volatile int thread_may_end;

static int
thread_until_told(void *arg)
{
	(void)arg;
	while (!thread_may_end)
		syscall_raw(NR_sched_yield);
	return 0;
}

/* The calls that take a process's number take that of any of its threads. */
TEST(a_threads_number_is_its_processs)
{
	static char stack[16384];
	static volatile int word = -1;
	struct rlimit limit;
	int ptid;
	int tid = clone(thread_until_told, stack + sizeof(stack), THREAD, NULL,
			&ptid, NULL, (int *)&word);

	REQUIRE(tid > 0);
	CHECK_EQ(kill(tid, 0), 0);
	CHECK_EQ(getpgid(tid), getpgrp());
	CHECK_EQ(getsid(tid), getsid(0));
	CHECK_EQ(syscall(NR_prlimit64, tid, RLIMIT_NOFILE, NULL, &limit), 0);
	CHECK_ERR(setpgid(tid, 0), EINVAL); /* but for this one */
	thread_may_end = 1;
	join(&word);
	while (kill(tid, 0) == 0) /* it ends after it has said so */
		sched_yield();
	CHECK_EQ(errno, ESRCH);
}

static int
thread_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		syscall_raw(NR_pause);
	return 0;
}

TEST(exit_group_ends_all_threads)
{
	static char stack[16384];
	int word;

	CHECK_EQ(WEXITSTATUS(IN_CHILD({
			 clone(thread_for_ever, stack + sizeof(stack), THREAD,
			       NULL, &word, NULL, &word);
			 syscall(NR_exit_group, 9);
		 })),
		 9);
}

static int
thread_exits_group(void *arg)
{
	(void)arg;
	syscall_raw(NR_exit_group, 11);
	return 0;
}

TEST(exit_group_from_a_thread)
{
	static char stack[16384];
	int word;

	CHECK_EQ(WEXITSTATUS(IN_CHILD({
			 clone(thread_exits_group, stack + sizeof(stack),
			       THREAD, NULL, &word, NULL, &word);
			 for (;;)
				 pause();
		 })),
		 11);
}

static int
thread_exits_last(void *first)
{
	join(first);
	return 5;
}

TEST(exit_of_first_thread_leaves_the_rest)
{
	static char stack[16384];
	int word;

	CHECK_EQ(WEXITSTATUS(IN_CHILD({
			 clone(thread_exits_group, stack + sizeof(stack),
			       THREAD, NULL, &word, NULL, &word);
			 syscall(NR_exit, 3);
		 })),
		 11);
	CHECK_EQ(WEXITSTATUS(IN_CHILD({
			 static volatile int first = -1;

			 syscall(NR_set_tid_address, &first);
			 clone(thread_exits_last, stack + sizeof(stack), THREAD,
			       (void *)&first, &word, NULL, &word);
			 syscall(NR_exit, 3);
		 })),
		 5); /* the last one's, not the first thread's */
}

TEST(clone_errors)
{
	CHECK_ERR(syscall(NR_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0),
		  EINVAL);
	CHECK_ERR(syscall(NR_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0),
		  EINVAL);
	CHECK_ERR(syscall(NR_clone, CLONE_THREAD | CLONE_SIGHAND, 0, 0, 0, 0),
		  EINVAL);
}

TEST(fork_process_limit)
{
	unsigned long clone3_args[8] = { [4] = SIGCHLD };

	AS_USER({
		struct rlimit rl = { 0, 0 };

		REQUIRE(setrlimit(RLIMIT_NPROC, &rl) == 0);
		CHECK_ERR(fork(), EAGAIN);
		CHECK_ERR(syscall(NR_clone, SIGCHLD, 0, 0, 0, 0), EAGAIN);
		CHECK_ERR(syscall(NR_clone3, clone3_args, 64), EAGAIN);
		pid_t child = vfork();
		if (child == 0)
			_exit(0);
		CHECK(child < 0 && errno == EAGAIN);
	});
}

TEST(exit_status_is_a_byte)
{
	CHECK_EQ(IN_CHILD(_exit(0x1234)), 0x3400);
	CHECK_EQ(IN_CHILD(syscall(NR_exit, 255)), 0xff00);
	CHECK_EQ(IN_CHILD(syscall(NR_exit_group, -1)), 0xff00);
}

TEST(wait_status_of_signal)
{
	int status = IN_CHILD(kill(getpid(), SIGKILL); for (;;) pause());

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(!WIFEXITED(status) && !WCOREDUMP(status));
	status = IN_CHILD(*(volatile int *)BAD = 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

TEST(wait_for_any)
{
	pid_t a = fork();

	if (a == 0)
		_exit(1);
	pid_t b = fork();
	if (b == 0)
		_exit(2);
	pid_t x = wait(NULL), y = wait(NULL);
	CHECK((x == a && y == b) || (x == b && y == a));
	CHECK_ERR(wait(NULL), ECHILD);
}

TEST(wait_nohang)
{
	int p[2], status;
	char c;

	REQUIRE(pipe(p) == 0);
	pid_t child = fork();
	if (child == 0) {
		read(p[0], &c, 1);
		_exit(4);
	}
	status = 77;
	CHECK_EQ(waitpid(child, &status, WNOHANG), 0);
	CHECK_EQ(status, 77);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(WEXITSTATUS(status), 4);
}

TEST(wait_by_group)
{
	pid_t child = fork();

	if (child == 0) {
		setpgid(0, 0);
		_exit(6);
	}
	setpgid(child, child);			/* both, whoever comes first */
	CHECK_ERR(waitpid(0, NULL, 0), ECHILD); /* not in our group */
	CHECK_EQ(waitpid(-child, NULL, 0), child);
}

TEST(wait_errors)
{
	pid_t child;

	CHECK_ERR(wait(NULL), ECHILD);
	CHECK_ERR(waitpid(1, NULL, 0), ECHILD);
	CHECK_ERR(waitpid(-12345678, NULL, 0), ECHILD);
	CHECK_ERR(waitpid(-1, NULL, 0x100), EINVAL);
	child = fork();
	if (child == 0)
		_exit(0);
	CHECK_ERR(waitpid(child, BAD, 0), EFAULT);
}

TEST(wait_rusage)
{
	struct rusage ru;
	pid_t child = fork();

	if (child == 0) {
		for (volatile long i = 0; i < 3000000; i++)
			;
		_exit(0);
	}
	memset(&ru, 0xff, sizeof(ru));
	CHECK_EQ(wait4(child, NULL, 0, &ru), child);
	CHECK(ru.ru_utime.tv_sec >= 0 && ru.ru_utime.tv_sec < 100);
	CHECK(ru.ru_utime.tv_usec >= 0 && ru.ru_utime.tv_usec < 1000000);
	CHECK_EQ(ru.ru_nsignals, 0);
}

TEST(wait_stop_and_continue)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		for (;;)
			pause();
	CHECK_EQ(kill(child, SIGSTOP), 0);
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	CHECK_EQ(waitpid(child, &status, WUNTRACED | WNOHANG), 0);
	CHECK_EQ(kill(child, SIGCONT), 0);
	CHECK_EQ(waitpid(child, &status, WCONTINUED), child);
	CHECK(WIFCONTINUED(status));
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, SIGKILL);
}

static void
ignore(int sig)
{
	(void)sig;
}

TEST(wait_interrupted)
{
	struct sigaction act = { .sa_handler = ignore };
	pid_t child = fork();

	if (child == 0)
		for (;;)
			pause();
	CHECK_EQ(sigaction(SIGALRM, &act, NULL), 0);
	syscall(NR_alarm, 1);
	CHECK_ERR(waitpid(child, NULL, 0), EINTR);
	alarm(WATCHDOG_S);
	kill(child, SIGKILL);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

TEST(ignored_sigchld_reaps)
{
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < 3; i++)
		if (fork() == 0)
			_exit(0);
	CHECK_ERR(wait(NULL), ECHILD); /* after the last has ended */
}

/* It is not sent: not even to pend, blocked. */
TEST(ignored_sigchld_does_not_pend)
{
	sigset_t set = KSIGMASK(SIGCHLD), pending = 0;
	pid_t child;

	signal(SIGCHLD, SIG_IGN);
	REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	child = fork();
	if (child == 0) {
		raise(SIGSTOP);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, NULL, WUNTRACED), child);
	CHECK_EQ(sigpending(&pending), 0);
	CHECK_EQ(pending, 0);
	kill(child, SIGCONT);
	CHECK_ERR(waitpid(child, NULL, 0), ECHILD);
	CHECK_EQ(sigpending(&pending), 0);
	CHECK_EQ(pending, 0);
}

TEST(orphan_gets_a_new_parent)
{
	int p[2];
	pid_t parent = 0;

	REQUIRE(pipe(p) == 0);
	CHECK_EQ(IN_CHILD({
			 pid_t middle = getpid();

			 if (fork() == 0) {
				 while (getppid() == middle)
					 sched_yield();
				 parent = getppid();
				 write(p[1], &parent, sizeof(parent));
				 _exit(0);
			 }
		 }),
		 0);
	CHECK_EQ(read(p[0], &parent, sizeof(parent)), sizeof(parent));
	CHECK(parent > 0 && parent != getpid());
}

/* clone with fork's memory, for what is sent at the end; CLONE_PARENT and its
 * kin are not asked for. */
static pid_t
fork_sending(int sig)
{
	return (pid_t)syscall_raw(NR_clone, sig, 0, 0, 0, 0);
}

TEST(exit_signal_is_for_the_maker)
{
	int p[2], status;
	pid_t maker, child = 0, grandparent = getpid();

	syscall(NR_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	CHECK_EQ(pipe(p), 0);
	maker = fork();
	if (maker == 0) {
		if (fork_sending(SIGUSR1) == 0) {
			while (getppid() != grandparent)
				usleep(1000);
			child = getpid();
			write(p[1], &child, sizeof(child));
			_exit(3);
		}
		_exit(0);
	}
	CHECK_EQ(waitpid(maker, &status, 0), maker);
	CHECK_EQ(read(p[0], &child, sizeof(child)), sizeof(child));
	/* Else SIGUSR1 would have killed us, and this would find nobody. */
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(WEXITSTATUS(status), 3);
}

TEST(exit_signal_is_lost_at_exec)
{
	char *const argv[] = { "process", "no-such-test", NULL };
	int status, p[2];
	pid_t child;
	char c;

	CHECK_EQ(pipe2(p, O_CLOEXEC), 0);
	child = fork_sending(SIGUSR1);
	if (child == 0) {
		close(1);
		execv("/proc/self/exe", argv);
		_exit(99);
	}
	close(p[1]);
	CHECK_EQ(read(p[0], &c, 1), 0); /* it has begun */
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(WEXITSTATUS(status), 1);
}

TEST(descriptors_close_at_exit)
{
	int p[2];
	char c;

	REQUIRE(pipe(p) == 0);
	CHECK_EQ(IN_CHILD((void)0), 0);
	close(p[1]);
	CHECK_EQ(read(p[0], &c, 1), 0);
}

TEST(many_children)
{
	int status, sum = 0;

	for (int i = 0; i < 50; i++) {
		pid_t child = fork();

		REQUIRE(child >= 0);
		if (child == 0)
			_exit(i);
	}
	while (wait(&status) > 0)
		sum += WEXITSTATUS(status);
	CHECK_EQ(sum, 50 * 49 / 2);
}
