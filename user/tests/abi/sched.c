/*
 * Scheduling policies: sched_setscheduler, sched_setparam, sched_setattr and
 * the calls that ask; and what the policies promise of who runs when. All that
 * is about order happens on one CPU, to which the test keeps itself.
 */
#include "check.h"
#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#define MS	   1000000L
#define FIFO	   1
#define RR	   2
#define BATCH	   3
#define IDLE	   5
#define RESET_FLAG 0x40000000

/* The kernel's own structures: libraries differ in what they declare. */
struct param {
	int priority;
};

struct attr {
	unsigned size, policy;
	unsigned long flags;
	int nice;
	unsigned priority;
	unsigned long runtime, deadline, period;
};

static long
set_policy(pid_t pid, int policy, int priority)
{
	struct param p = { priority };

	return syscall(NR_sched_setscheduler, pid, policy, &p);
}

static long
policy_of(pid_t pid)
{
	return syscall(NR_sched_getscheduler, pid);
}

static int
priority_of(pid_t pid)
{
	struct param p = { -1 };

	CHECK_EQ(syscall(NR_sched_getparam, pid, &p), 0);
	return p.priority;
}

/* A sandbox may keep real-time policies even from root. */
static void
need_realtime(void)
{
	if (set_policy(0, FIFO, 1) < 0 && errno == EPERM)
		SKIP("no real-time policy is allowed here");
	REQUIRE(set_policy(0, 0, 0) == 0);
}

static volatile int *
shared_words(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED);
	return p;
}

static long
cpu_ns(void)
{
	struct timespec t;

	REQUIRE(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
	return t.tv_sec * 1000 * MS + t.tv_nsec;
}

static void
spin(long ns)
{
	long end = cpu_ns() + ns;

	while (cpu_ns() < end)
		;
}

static void
all_ended(int n)
{
	int status;

	while (n-- > 0) {
		REQUIRE(wait(&status) > 0);
		CHECK_EQ(status, 0);
	}
}

TEST(policies_are_kept)
{
	need_realtime();
	CHECK_EQ(policy_of(0), 0);
	CHECK_EQ(priority_of(0), 0);
	CHECK_EQ(set_policy(0, FIFO, 10), 0);
	CHECK_EQ(policy_of(getpid()), FIFO);
	CHECK_EQ(priority_of(0), 10);
	CHECK_EQ(syscall(NR_sched_setparam, 0, &(struct param){ 99 }), 0);
	CHECK_EQ(policy_of(0), FIFO);
	CHECK_EQ(priority_of(0), 99);
	CHECK_EQ(IN_CHILD(CHECK_EQ(policy_of(0), FIFO);
			  CHECK_EQ(priority_of(0), 99)),
		 0);
	CHECK_EQ(set_policy(0, RR, 1), 0);
	CHECK_EQ(policy_of(0), RR);
	CHECK_EQ(set_policy(0, BATCH, 0), 0);
	CHECK_EQ(policy_of(0), BATCH);
	CHECK_EQ(set_policy(0, IDLE, 0), 0);
	CHECK_EQ(policy_of(0), IDLE);
	CHECK_EQ(set_policy(0, 0, 0), 0);
	CHECK_EQ(policy_of(0), 0);
}

TEST(reset_on_fork)
{
	need_realtime();
	CHECK_EQ(set_policy(0, RR | RESET_FLAG, 5), 0);
	CHECK_EQ(policy_of(0), RR | RESET_FLAG);
	CHECK_EQ(IN_CHILD(CHECK_EQ(policy_of(0), 0);
			  CHECK_EQ(priority_of(0), 0)),
		 0);
	CHECK_EQ(set_policy(0, RR, 5), 0);
	CHECK_EQ(IN_CHILD(CHECK_EQ(policy_of(0), RR)), 0);
	CHECK_EQ(set_policy(0, BATCH | RESET_FLAG, 0), 0);
	REQUIRE(setpriority(PRIO_PROCESS, 0, -3) == 0);
	CHECK_EQ(IN_CHILD(CHECK_EQ(policy_of(0), BATCH);
			  CHECK_EQ(getpriority(PRIO_PROCESS, 0), 0)),
		 0);
	REQUIRE(setpriority(PRIO_PROCESS, 0, 3) == 0);
	CHECK_EQ(IN_CHILD(CHECK_EQ(getpriority(PRIO_PROCESS, 0), 3)), 0);
}

TEST(priority_ranges)
{
	CHECK_EQ(syscall(NR_sched_get_priority_max, FIFO), 99);
	CHECK_EQ(syscall(NR_sched_get_priority_min, FIFO), 1);
	CHECK_EQ(syscall(NR_sched_get_priority_max, RR), 99);
	CHECK_EQ(syscall(NR_sched_get_priority_min, RR), 1);
	CHECK_EQ(syscall(NR_sched_get_priority_max, 0), 0);
	CHECK_EQ(syscall(NR_sched_get_priority_min, IDLE), 0);
	CHECK_ERR(syscall(NR_sched_get_priority_max, 77), EINVAL);
	CHECK_ERR(syscall(NR_sched_get_priority_min, -1), EINVAL);
}

TEST(round_robin_interval)
{
	struct timespec t = { -1, -1 };

	need_realtime();
	CHECK_EQ(set_policy(0, RR, 1), 0);
	CHECK_EQ(syscall(NR_sched_rr_get_interval, 0, &t), 0);
	CHECK(t.tv_sec == 0 && t.tv_nsec > 0);
	CHECK_EQ(set_policy(0, FIFO, 1), 0);
	CHECK_EQ(syscall(NR_sched_rr_get_interval, 0, &t), 0);
	CHECK(t.tv_sec == 0 && t.tv_nsec == 0);
	CHECK_ERR(syscall(NR_sched_rr_get_interval, -1, &t), EINVAL);
	CHECK_ERR(syscall(NR_sched_rr_get_interval, INT_MAX, &t), ESRCH);
	CHECK_ERR(syscall(NR_sched_rr_get_interval, 0, BAD), EFAULT);
}

TEST(policy_errors)
{
	struct param p = { 0 };

	CHECK_ERR(set_policy(0, FIFO, 0), EINVAL);
	CHECK_ERR(set_policy(0, FIFO, 100), EINVAL);
	CHECK_ERR(set_policy(0, RR, -1), EINVAL);
	CHECK_ERR(set_policy(0, 0, 1), EINVAL);
	CHECK_ERR(set_policy(0, 77, 0), EINVAL);
	CHECK_ERR(set_policy(0, -1, 0), EINVAL);
	CHECK_ERR(set_policy(-1, 0, 0), EINVAL);
	CHECK_ERR(set_policy(INT_MAX, 0, 0), ESRCH);
	CHECK_ERR(syscall(NR_sched_setscheduler, 0, 0, NULL), EINVAL);
	CHECK_ERR(syscall(NR_sched_setscheduler, 0, 0, BAD), EFAULT);
	CHECK_ERR(syscall(NR_sched_setparam, 0, NULL), EINVAL);
	CHECK_ERR(syscall(NR_sched_setparam, -1, &p), EINVAL);
	CHECK_ERR(syscall(NR_sched_setparam, INT_MAX, &p), ESRCH);
	CHECK_ERR(syscall(NR_sched_setparam, 0, &(struct param){ 3 }), EINVAL);
	CHECK_ERR(syscall(NR_sched_getparam, 0, NULL), EINVAL);
	CHECK_ERR(syscall(NR_sched_getparam, -1, &p), EINVAL);
	CHECK_ERR(syscall(NR_sched_getparam, INT_MAX, &p), ESRCH);
	CHECK_ERR(syscall(NR_sched_getparam, 0, BAD), EFAULT);
	CHECK_ERR(policy_of(-1), EINVAL);
	CHECK_ERR(policy_of(INT_MAX), ESRCH);
}

TEST(who_may)
{
	REQUIRE(setpriority(PRIO_PROCESS, 0, 0) == 0);
	AS_USER(CHECK_ERR(set_policy(0, FIFO, 1), EPERM);
		CHECK_EQ(set_policy(0, BATCH, 0), 0);
		CHECK_ERR(set_policy(getppid(), BATCH, 0), EPERM);
		CHECK_EQ(set_policy(0, IDLE, 0), 0);
		CHECK_ERR(set_policy(0, 0, 0), EPERM));
	/* As much as the limit allows, and what one has is not taken away. */
	struct rlimit limit = { 20, 20 };
	if (setrlimit(RLIMIT_RTPRIO, &limit) < 0)
		SKIP("root may not raise limits here");
	need_realtime();
	AS_USER(CHECK_EQ(set_policy(0, RR, 20), 0);
		CHECK_ERR(set_policy(0, RR, 21), EPERM);
		CHECK_EQ(set_policy(0, 0, 0), 0));
	AS_USER(CHECK_EQ(set_policy(0, RESET_FLAG, 0), 0);
		CHECK_ERR(set_policy(0, 0, 0), EPERM));
}

TEST(attributes)
{
	struct attr a = { .size = sizeof(a), .policy = BATCH, .nice = 7 };
	struct {
		struct attr a;
		unsigned long more[2];
	} big = { .a = { .size = sizeof(big), .policy = 0 } };

	CHECK_EQ(syscall(NR_sched_setattr, 0, &a, 0), 0);
	memset(&a, 0xff, sizeof(a));
	CHECK_EQ(syscall(NR_sched_getattr, 0, &a, sizeof(a), 0), 0);
	CHECK(a.size >= 48 && a.size <= sizeof(a));
	CHECK_EQ(a.policy, BATCH);
	CHECK_EQ(a.flags, 0);
	CHECK_EQ(a.nice, 7);
	CHECK_EQ(a.priority, 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 7);
	a = (struct attr){ .flags = 0x08 | 0x10, .policy = 0, .nice = 3 };
	CHECK_EQ(syscall(NR_sched_setattr, 0, &a, 0), 0); /* keeps both */
	CHECK_EQ(policy_of(0), BATCH);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 7);
	a.flags = 0x08 | 0x10 | 0x01; /* the mark is a part of what is kept */
	CHECK_EQ(syscall(NR_sched_setattr, 0, &a, 0), 0);
	CHECK_EQ(policy_of(0), BATCH);
	a = (struct attr){ .policy = IDLE, .nice = 3 };
	CHECK_EQ(syscall(NR_sched_setattr, 0, &a, 0), 0);
	CHECK_EQ(policy_of(0), IDLE);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 7); /* idle is without */
	CHECK_EQ(syscall(NR_sched_setattr, 0, &big, 0), 0);
	CHECK_EQ(policy_of(0), 0);
	big.more[1] = 1; /* of something that nobody knows */
	big.a.size = sizeof(big);
	CHECK_ERR(syscall(NR_sched_setattr, 0, &big, 0), E2BIG);
	CHECK(big.a.size >= 48 && big.a.size < sizeof(big));
}

TEST(attribute_errors)
{
	struct attr a = { .size = sizeof(a) };

	CHECK_ERR(syscall(NR_sched_setattr, 0, NULL, 0), EINVAL);
	CHECK_ERR(syscall(NR_sched_setattr, 0, BAD, 0), EFAULT);
	CHECK_ERR(syscall(NR_sched_setattr, 0, &a, 1), EINVAL);
	CHECK_ERR(syscall(NR_sched_setattr, -1, &a, 0), EINVAL);
	CHECK_ERR(syscall(NR_sched_setattr, INT_MAX, &a, 0), ESRCH);
	a.size = 47;
	CHECK_ERR(syscall(NR_sched_setattr, 0, &a, 0), E2BIG);
	a = (struct attr){ .size = sizeof(a), .policy = 77 };
	CHECK_ERR(syscall(NR_sched_setattr, 0, &a, 0), EINVAL);
	a = (struct attr){ .size = sizeof(a), .priority = 1 };
	CHECK_ERR(syscall(NR_sched_setattr, 0, &a, 0), EINVAL);
	a = (struct attr){ .size = sizeof(a), .flags = 1ul << 40 };
	CHECK_ERR(syscall(NR_sched_setattr, 0, &a, 0), EINVAL);
	CHECK_ERR(syscall(NR_sched_getattr, 0, NULL, sizeof(a), 0), EINVAL);
	CHECK_ERR(syscall(NR_sched_getattr, 0, &a, 47, 0), EINVAL);
	CHECK_ERR(syscall(NR_sched_getattr, 0, &a, sizeof(a), 1), EINVAL);
	CHECK_ERR(syscall(NR_sched_getattr, INT_MAX, &a, sizeof(a), 0), ESRCH);
	CHECK_ERR(syscall(NR_sched_getattr, 0, BAD, sizeof(a), 0), EFAULT);
}

/* Of those that wake, the greatest priority runs first. */
TEST(greatest_priority_first)
{
	static const int priorities[] = { 10, 30, 20 };
	volatile int *words = shared_words();
	int go[2];
	char c;

	need_realtime();
	keep_to_one_cpu();
	REQUIRE(pipe(go) == 0);
	REQUIRE(set_policy(0, FIFO, 50) == 0);
	for (int i = 0; i < 3; i++) {
		if (fork() > 0)
			continue;
		REQUIRE(set_policy(0, FIFO, priorities[i]) == 0);
		REQUIRE(read(go[0], &c, 1) == 1);
		words[1 + words[0]++] = priorities[i];
		_exit(0);
	}
	/* All three are waiting: they come before who has less than they. */
	REQUIRE(set_policy(0, FIFO, 1) == 0);
	REQUIRE(set_policy(0, FIFO, 50) == 0);
	REQUIRE(write(go[1], "abc", 3) == 3);
	all_ended(3);
	CHECK_EQ(words[1], 30);
	CHECK_EQ(words[2], 20);
	CHECK_EQ(words[3], 10);
}

/* A real-time thread is not interrupted by others. */
TEST(realtime_before_fair)
{
	volatile int *words = shared_words();
	pid_t child;
	int before;

	need_realtime();
	keep_to_one_cpu();
	child = fork();
	if (child == 0)
		for (;;)
			words[0]++;
	while (words[0] == 0)
		sched_yield();
	REQUIRE(set_policy(0, FIFO, 1) == 0);
	before = words[0];
	spin(50 * MS);
	CHECK_EQ(words[0] - before, 0);
	REQUIRE(kill(child, SIGKILL) == 0);
	REQUIRE(wait(NULL) == child);
}

/* Equals with SCHED_FIFO go one after the other; a yield goes to the end. */
TEST(fifo_has_no_turns)
{
	volatile int *words = shared_words();

	need_realtime();
	keep_to_one_cpu();
	REQUIRE(set_policy(0, FIFO, 10) == 0);
	if (fork() == 0) {
		words[0] = 1;
		_exit(0);
	}
	spin(150 * MS);
	CHECK_EQ(words[0], 0);
	sched_yield();
	CHECK_EQ(words[0], 1);
	all_ended(1);
}

/* Equals with SCHED_RR take turns: each must see the other twice. */
TEST(round_robin_has_turns)
{
	volatile int *words = shared_words();

	need_realtime();
	keep_to_one_cpu();
	REQUIRE(set_policy(0, RR, 10) == 0);
	for (int i = 0; i < 2; i++) {
		if (fork() > 0)
			continue;
		for (int seen = -1, turns = 0; turns < 2;) {
			words[i]++;
			if (words[!i] != seen) {
				seen = words[!i];
				turns++;
			}
		}
		words[i]++;
		_exit(0);
	}
	all_ended(2);
}

/* A real-time loop leaves the others enough to end it. */
TEST(realtime_loop_can_be_killed)
{
	volatile int *words = shared_words();
	pid_t child;
	int status;

	need_realtime();
	keep_to_one_cpu();
	child = fork();
	if (child == 0) {
		REQUIRE(set_policy(0, FIFO, 50) == 0);
		for (words[0] = 1;;)
			;
	}
	while (words[0] == 0)
		sched_yield();
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, SIGKILL);
}

/* Many busy processes, of which none gives up its CPU: all get on. */
TEST(nobody_starves)
{
	enum { MANY = 200 };
	volatile int *words = shared_words();

	for (int i = 0; i < MANY; i++) {
		if (fork() > 0)
			continue;
		__atomic_fetch_add(&words[0], 1, __ATOMIC_SEQ_CST);
		while (words[0] < MANY)
			;
		_exit(0);
	}
	all_ended(MANY);
}

/* ---- Which CPUs ---- */

TEST(set_affinity)
{
	unsigned long cpus[16], none[16] = { 0 };
	pid_t parent = getppid();

	REQUIRE(syscall(NR_sched_getaffinity, 0, sizeof(cpus), cpus) > 0);
	CHECK_EQ(syscall(NR_sched_setaffinity, 0, sizeof(cpus), cpus), 0);
	CHECK_ERR(syscall(NR_sched_setaffinity, 0, sizeof(none), none), EINVAL);
	CHECK_ERR(syscall(NR_sched_setaffinity, 0, sizeof(cpus), BAD), EFAULT);
	CHECK_ERR(syscall(NR_sched_setaffinity, INT_MAX, sizeof(cpus), cpus),
		  ESRCH);
	CHECK_ERR(syscall(NR_sched_setaffinity, INT_MAX, sizeof(none), none),
		  ESRCH);
	CHECK_ERR(syscall(NR_sched_setaffinity, -1, sizeof(cpus), cpus), ESRCH);
	CHECK_ERR(syscall(NR_sched_setaffinity, -1, sizeof(cpus), BAD), EFAULT);
	CHECK_ERR(syscall(NR_sched_getaffinity, -1, sizeof(cpus), cpus), ESRCH);
	CHECK_ERR(syscall(NR_sched_getaffinity, -1, 3, cpus), EINVAL);
	AS_USER(CHECK_ERR(
		syscall(NR_sched_setaffinity, parent, sizeof(cpus), cpus),
		EPERM));
	AS_USER(CHECK_ERR(
		syscall(NR_sched_setaffinity, parent, sizeof(none), none),
		EPERM));
}

/* Nor may a user set the policy of another's process. */
TEST(policies_of_others)
{
	pid_t parent = getppid();
	struct attr a = { .size = sizeof(a) };
	struct param p = { 0 };

	AS_USER(CHECK_ERR(syscall(NR_sched_setparam, parent, &p), EPERM);
		CHECK_ERR(syscall(NR_sched_setattr, parent, &a, 0), EPERM);
		CHECK_ERR(set_policy(parent, BATCH, 0), EPERM));
}

TEST(getcpu)
{
	unsigned cpu = 9999, node = 9999;

	CHECK_EQ(syscall(NR_getcpu, &cpu, &node, NULL), 0);
	CHECK(cpu < 1024 && node < 1024);
	CHECK_EQ(syscall(NR_getcpu, NULL, NULL, NULL), 0);
	CHECK_ERR(syscall(NR_getcpu, BAD, NULL, NULL), EFAULT);
}
