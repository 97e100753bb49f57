/*
 * What the C libraries' threads rest on: clone3, robust lists, exec among
 * threads; clone(2), set_robust_list(2), execve(2).
 */
#include <abi/futex.h>
#include <sched.h>
#include <time.h>
#include "check.h"

/* ---- clone3 ---- */

static long
clone3(struct clone_args *args, size_t size)
{
	return syscall(NR_clone3, args, size);
}

/**
 * clone3 with a stack of its own for the child, which runs fn(arg) and ends.
 * The two are in registers, which the child has from its parent.
 */
static long
clone3_run(struct clone_args *args, int (*fn)(void *arg), void *arg)
{
	long result;
	register int (*function)(void *) __asm__("r12") = fn;
	register void *argument __asm__("r13") = arg;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r13, %%rdi\n\t"
			 "call *%%r12\n\t"
			 "mov %%eax, %%edi\n\t"
			 "mov %[exit], %%eax\n\t"
			 "syscall\n\t"
			 "1:"
			 : "=a"(result)
			 : "0"(NR_clone3), "D"(args), "S"(sizeof(*args)),
			   "r"(function), "r"(argument), [exit] "i"(NR_exit)
			 : "rcx", "r11", "memory");
	return result;
}

/** Waits, as a joining thread does, until the kernel has cleared the word. */
static void
join(volatile int *word)
{
	int tid;

	while ((tid = *word) != 0)
		syscall_raw(NR_futex, word, FUTEX_WAIT, tid, NULL);
}

TEST(clone3_as_fork)
{
	int parent_tid = 0, child_tid = 0, status;
	struct clone_args args = { .flags = CLONE_PARENT_SETTID |
					    CLONE_CHILD_SETTID,
				   .parent_tid = (uint64_t)&parent_tid,
				   .child_tid = (uint64_t)&child_tid,
				   .exit_signal = SIGCHLD };
	long child = clone3(&args, sizeof(args));

	if (child == 0)
		_exit(child_tid == getpid() ? 7 : 1);
	CHECK_EQ(parent_tid, child);
	CHECK_EQ(child_tid, 0);
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 7 << 8);
}

static volatile int thread_tid;

static int
note_tid(void *arg)
{
	*(volatile char **)arg = __builtin_frame_address(0);
	thread_tid = (int)syscall_raw(NR_gettid);
	return 0;
}

TEST(clone3_as_thread)
{
	static char stack[16384];
	static char *frame;
	static volatile int word = -1;
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			 CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID,
		.child_tid = (uint64_t)&word,
		.stack = (uint64_t)stack,
		.stack_size = sizeof(stack),
	};
	long tid = clone3_run(&args, note_tid, &frame);

	REQUIRE(tid > 0);
	join(&word);
	CHECK_EQ(thread_tid, tid);
	CHECK(tid != getpid());
	CHECK(frame > stack + sizeof(stack) - 200 &&
	      frame < stack + sizeof(stack));
}

static void
handler(int sig)
{
	(void)sig;
}

static int
make_timer(void *id)
{
	struct itimerspec it = { .it_value = { 50, 0 } };

	syscall(NR_timer_create, CLOCK_THREAD_CPUTIME_ID, NULL, id);
	return (int)syscall(NR_timer_settime, *(int *)id, 0, &it, NULL);
}

/* The CPU time of a thread that has ended is no clock any more. */
TEST(timer_of_a_thread_that_is_gone)
{
	static char stack[16384];
	volatile int word = -1;
	struct itimerspec it = { 0 };
	int id, tid = clone(make_timer, stack + sizeof(stack),
			    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
				    CLONE_THREAD | CLONE_SYSVSEM |
				    CLONE_CHILD_CLEARTID,
			    &id, NULL, NULL, (int *)&word);

	REQUIRE(tid > 0);
	join(&word);
	while (syscall(NR_tgkill, getpid(), tid, 0) == 0)
		sched_yield();
	CHECK_EQ(syscall(NR_timer_gettime, id, &it), 0);
	CHECK(it.it_value.tv_sec == 0 && it.it_value.tv_nsec == 0);
	CHECK_ERR(syscall(NR_timer_settime, id, 0, &it, NULL), ESRCH);
	CHECK_EQ(syscall(NR_timer_delete, id), 0);
}

TEST(clone3_clears_handlers)
{
	struct clone_args args = { .flags = CLONE_CLEAR_SIGHAND,
				   .exit_signal = SIGCHLD };
	struct sigaction one, two;
	int status;

	signal(SIGUSR1, handler);
	signal(SIGUSR2, SIG_IGN);
	long child = clone3(&args, sizeof(args));
	if (child == 0) {
		sigaction(SIGUSR1, NULL, &one);
		sigaction(SIGUSR2, NULL, &two);
		_exit(one.sa_handler != SIG_DFL || two.sa_handler != SIG_IGN);
	}
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
	CHECK_EQ(status, 0);
	sigaction(SIGUSR1, NULL, &one);
	CHECK(one.sa_handler == handler);
}

TEST(clone3_signal_at_its_end)
{
	struct clone_args args = { .exit_signal = SIGUSR1 };
	int status;

	signal(SIGUSR1, SIG_IGN);
	long child = clone3(&args, CLONE_ARGS_SIZE_VER0);
	if (child == 0)
		_exit(3);
	/* who does not send SIGCHLD is waited for with WCLONE */
	CHECK_ERR(waitpid((pid_t)child, &status, 0), ECHILD);
	CHECK_EQ(waitpid((pid_t)child, &status, WCLONE), child);
	CHECK_EQ(status, 3 << 8);
}

TEST(clone3_errors)
{
	static struct {
		struct clone_args args;
		char more[5000];
	} long_one;
	struct clone_args a = { .exit_signal = SIGCHLD };
	int status;

	CHECK_ERR(clone3(&a, CLONE_ARGS_SIZE_VER0 - 1), EINVAL);
	a.flags = CLONE_PIDFD | CLONE_PARENT_SETTID;
	a.pidfd = a.parent_tid = (uint64_t)&status; /* one place for two */
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
	a = (struct clone_args){ .exit_signal = SIGCHLD };
	CHECK_ERR(clone3(&long_one.args, 4097), E2BIG);
	CHECK_ERR(clone3(BAD, sizeof(a)), EFAULT);
	/* Up to the last byte of all memory. */
	CHECK_ERR(clone3((void *)-sizeof(a), 2 * sizeof(a)), EFAULT);
	long_one.args = a;
	long_one.more[8] = 1;
	CHECK_ERR(clone3(&long_one.args, sizeof(a) + 16), E2BIG);
	long_one.more[8] = 0;
	long child = clone3(&long_one.args, sizeof(a) + 16);
	if (child == 0)
		_exit(0);
	CHECK_EQ(waitpid((pid_t)child, &status, 0), child);

	a = (struct clone_args){ .flags = SIGCHLD };
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
	a = (struct clone_args){ .flags = CLONE_DETACHED };
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
	a = (struct clone_args){ .flags = 1ul << 40 };
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
	a = (struct clone_args){ .exit_signal = 300 };
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
	a = (struct clone_args){ .exit_signal = SIGCHLD,
				 .stack = (uint64_t)&a };
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
	a = (struct clone_args){ .exit_signal = SIGCHLD, .stack_size = 4096 };
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
	a = (struct clone_args){ .flags = CLONE_THREAD | CLONE_SIGHAND |
					  CLONE_VM,
				 .exit_signal = SIGCHLD };
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
	a = (struct clone_args){ .flags = CLONE_SIGHAND };
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
	a = (struct clone_args){ .flags = CLONE_SIGHAND | CLONE_VM |
					  CLONE_CLEAR_SIGHAND };
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
}

/* ---- Robust lists ---- */

/** Locks as a C library lays them out, in memory shared with children. */
struct locks {
	struct robust_list_head head;
	struct {
		struct robust_list list;
		uint32_t word;
	} lock[3];
};

#define WORD_OFFSET 8

static struct locks *
new_locks(void)
{
	struct locks *l = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	REQUIRE(l != MAP_FAILED);
	l->head.list.next = &l->head.list;
	l->head.futex_offset = WORD_OFFSET;
	return l;
}

static void
hold(struct locks *l, int i, uint32_t bits)
{
	l->lock[i].word = (uint32_t)syscall_raw(NR_gettid) | bits;
	l->lock[i].list.next = l->head.list.next;
	l->head.list.next = &l->lock[i].list;
}

static int
announce(struct locks *l)
{
	return (int)syscall(NR_set_robust_list, &l->head, sizeof(l->head));
}

TEST(robust_locks_of_a_dead_owner)
{
	struct locks *l = new_locks();

	CHECK_EQ(IN_CHILD(announce(l); hold(l, 0, 0); hold(l, 1, FUTEX_WAITERS);
			  hold(l, 2, 0); l->lock[2].word = 1),
		 0);
	CHECK_EQ(l->lock[0].word, FUTEX_OWNER_DIED);
	CHECK_EQ(l->lock[1].word, FUTEX_OWNER_DIED | FUTEX_WAITERS);
	CHECK_EQ(l->lock[2].word, 1); /* another's by now */
}

TEST(robust_lock_after_a_kill)
{
	struct locks *l = new_locks();
	int status =
		IN_CHILD(announce(l); hold(l, 0, 0); kill(getpid(), SIGKILL));

	CHECK_EQ(WTERMSIG(status), SIGKILL);
	CHECK_EQ(l->lock[0].word, FUTEX_OWNER_DIED);
}

TEST(robust_lock_about_to_be_taken)
{
	struct locks *l = new_locks();

	CHECK_EQ(IN_CHILD(announce(l); l->lock[0].word = (uint32_t)getpid();
			  l->head.list_op_pending = &l->lock[0].list),
		 0);
	CHECK_EQ(l->lock[0].word, FUTEX_OWNER_DIED);
}

TEST(robust_lock_wakes_a_waiter)
{
	struct locks *l = new_locks();
	int p[2];
	char c;

	REQUIRE(pipe(p) == 0);
	pid_t owner = fork();
	if (owner == 0) {
		announce(l);
		hold(l, 0, FUTEX_WAITERS);
		write(p[1], "x", 1);
		usleep(50000); /* the parent waits, most often */
		_exit(0);
	}
	CHECK_EQ(read(p[0], &c, 1), 1);
	/* Never ends, if the owner's end wakes nobody. */
	while (!(*(volatile uint32_t *)&l->lock[0].word & FUTEX_OWNER_DIED))
		syscall(NR_futex, &l->lock[0].word, FUTEX_WAIT,
			(uint32_t)owner | FUTEX_WAITERS, NULL);
	CHECK_EQ(waitpid(owner, NULL, 0), owner);
}

TEST(robust_lock_at_exec)
{
	struct locks *l = new_locks();

	CHECK_EQ(IN_CHILD(announce(l); hold(l, 0, 0);
			  execve(check_program,
				 (char *[]){ "check", "-x", NULL }, environ)),
		 0);
	CHECK_EQ(l->lock[0].word, FUTEX_OWNER_DIED);
}

TEST(robust_list_is_not_believed)
{
	struct locks *l = new_locks();

	/* a circle without the head; it is left after some turns */
	CHECK_EQ(IN_CHILD(announce(l); hold(l, 0, 0); hold(l, 1, 0);
			  l->lock[0].list.next = &l->lock[1].list),
		 0);
	CHECK_EQ(l->lock[0].word, FUTEX_OWNER_DIED);
	/* an entry that is not there, behind a good one */
	l->head.list.next = BAD;
	CHECK_EQ(IN_CHILD(announce(l); hold(l, 0, 0)), 0);
	CHECK_EQ(l->lock[0].word, FUTEX_OWNER_DIED);
	/* words that are not there, or not aligned, or a head that is gone */
	l->head.list.next = &l->head.list;
	for (long offset = 1; offset < 1l << 50; offset <<= 7)
		CHECK_EQ(IN_CHILD(announce(l); hold(l, 0, 0);
				  l->head.futex_offset = offset),
			 0);
	CHECK_EQ(IN_CHILD(syscall(NR_set_robust_list, BAD,
				  sizeof(struct robust_list_head))),
		 0);
}

TEST(robust_list_calls)
{
	struct locks *l = new_locks();
	void *head;
	size_t size;

	CHECK_ERR(syscall(NR_set_robust_list, &l->head, 23), EINVAL);
	CHECK_EQ(announce(l), 0);
	CHECK_EQ(syscall(NR_get_robust_list, 0, &head, &size), 0);
	CHECK(head == &l->head);
	CHECK_EQ(size, sizeof(l->head));
	CHECK_ERR(syscall(NR_get_robust_list, 999999, &head, &size), ESRCH);
	CHECK_ERR(syscall(NR_get_robust_list, 0, BAD, &size), EFAULT);
	AS_USER(CHECK_ERR(syscall(NR_get_robust_list, getppid(), &head, &size),
			  EPERM));
	/* a child has none, and so marks nothing */
	hold(l, 0, 0);
	CHECK_EQ(IN_CHILD(l->lock[0].word = (uint32_t)getpid()), 0);
	CHECK(!(l->lock[0].word & FUTEX_OWNER_DIED));
}

/* ---- futexes in files ---- */

static uint32_t *
map_new_file(void)
{
	int fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0644);
	void *p;

	REQUIRE(fd >= 0 && ftruncate(fd, 4096) == 0);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(p != MAP_FAILED);
	REQUIRE(close(fd) == 0 && unlink("f") == 0);
	return p;
}

static int
wait_at(void *word)
{
	return (int)syscall_raw(NR_futex, word, FUTEX_WAIT, 0, NULL);
}

/* Who waits in memory that is no longer mapped does not wait in other files. */
TEST(futex_in_a_file_that_is_gone)
{
	static char stack[16384];
	uint32_t *word = map_new_file();
	pid_t waiter = clone(wait_at, stack + sizeof(stack), CLONE_VM | SIGCHLD,
			     word, NULL, NULL, NULL);

	REQUIRE(waiter > 0);
	until_asleep(waiter);
	REQUIRE(munmap(word, 4096) == 0);
	usleep(50000); /* the kernel's memory of the file is freed late */
	for (int i = 0; i < 200; i++)
		CHECK_EQ(syscall(NR_futex, map_new_file(), FUTEX_WAKE, 1), 0);
	kill(waiter, SIGKILL);
}

/* ---- exec among threads ---- */

/** What the new program does: tells its numbers, and its threads. */
int
check_exec_role(int argc, char **argv)
{
	struct dirent *e;
	int threads = 0;
	DIR *d;

	if (argc < 3)
		return 0;
	d = opendir("/proc/self/task");
	while (d != NULL && (e = readdir(d)) != NULL)
		threads += e->d_name[0] != '.';
	return getpid() == atoi(argv[2]) &&
			       syscall_raw(NR_gettid) == getpid() &&
			       (d == NULL || threads == 1)
		       ? 21
		       : 1;
}

static int
sleeper(void *arg)
{
	(void)arg;
	for (;;)
		syscall_raw(NR_pause);
	return 0;
}

static int
spinner(void *arg)
{
	for (;;)
		(*(volatile long *)arg)++;
	return 0;
}

static int
exec_in_thread(void *arg)
{
	syscall_raw(NR_execve, check_program, arg, environ);
	return 99;
}

static void
start(int (*fn)(void *), char *stack, size_t size, void *arg)
{
	static int words[8], n;
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			 CLONE_THREAD | CLONE_CHILD_CLEARTID,
		.child_tid = (uint64_t)&words[n++],
		.stack = (uint64_t)stack,
		.stack_size = size,
	};

	REQUIRE(clone3_run(&args, fn, arg) > 0);
}

TEST(exec_ends_the_other_threads)
{
	static char stacks[4][16384], number[16];
	static char *argv[] = { "check", "-x", number, NULL };
	static long count;

	for (int in_thread = 0; in_thread < 2; in_thread++) {
		int status = IN_CHILD({
			snprintf(number, sizeof(number), "%d", getpid());
			start(sleeper, stacks[0], sizeof(stacks[0]), NULL);
			start(spinner, stacks[1], sizeof(stacks[1]), &count);
			if (in_thread)
				start(exec_in_thread, stacks[2],
				      sizeof(stacks[2]), argv);
			else
				exec_in_thread(argv);
			for (;;)
				pause();
		});
		CHECK_EQ(status, 21 << 8);
	}
}
