/*
 * uname, sysinfo, getrandom, prlimit64, arch_prctl, set_tid_address, futex,
 * sched_yield, getpriority, setpriority, sync; and calls that do not exist.
 */
#include <abi/futex.h>
#include <limits.h>
#include <sched.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>
#include "check.h"

TEST(uname)
{
	struct utsname u;

	memset(&u, 0xff, sizeof(u));
	REQUIRE(uname(&u) == 0);
	CHECK(strcmp(u.machine, "x86_64") == 0);
	CHECK(strcmp(u.sysname, "Linux") == 0 ||
	      strcmp(u.sysname, "Hardtack") == 0);
	CHECK(u.release[0] >= '1' && u.release[0] <= '9');
	CHECK(memchr(u.nodename, 0, sizeof(u.nodename)) != NULL);
	CHECK(memchr(u.version, 0, sizeof(u.version)) != NULL);
	CHECK_ERR(uname(BAD), EFAULT);
}

TEST(sysinfo)
{
	struct sysinfo si;

	memset(&si, 0, sizeof(si));
	REQUIRE(sysinfo(&si) == 0);
	CHECK(si.totalram > 0 && si.freeram <= si.totalram);
	CHECK(si.mem_unit > 0 && si.procs > 0 && si.uptime >= 0);
	CHECK((unsigned long)si.totalram * si.mem_unit >= 8ul << 20);
	CHECK_ERR(sysinfo(BAD), EFAULT);
}

TEST(getrandom)
{
	unsigned char a[64] = { 0 }, b[64] = { 0 };

	CHECK_EQ(getrandom(a, 64, 0), 64);
	CHECK_EQ(getrandom(b, 64, GRND_NONBLOCK), 64);
	CHECK(memcmp(a, b, 64) != 0);
	CHECK_EQ(getrandom(a, 0, 0), 0);
	CHECK_ERR(getrandom(a, 64, 0x100), EINVAL);
	CHECK_ERR(getrandom(BAD, 64, 0), EFAULT);
}

TEST(random_devices)
{
	unsigned char a[64] = { 0 }, b[64] = { 0 };

	CHECK_EQ(read(open("/dev/urandom", O_RDONLY), a, 64), 64);
	CHECK_EQ(read(open("/dev/random", O_RDONLY), b, 64), 64);
	CHECK(memcmp(a, b, 64) != 0);
}

TEST(prlimit)
{
	struct rlimit rl, old, set = { 100, 200 };

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &rl), 0);
	CHECK(rl.rlim_cur <= rl.rlim_max && rl.rlim_cur >= 16);
	CHECK_EQ(prlimit(0, RLIMIT_NOFILE, &set, &old), 0);
	CHECK(old.rlim_cur == rl.rlim_cur && old.rlim_max == rl.rlim_max);
	CHECK_EQ(prlimit(getpid(), RLIMIT_NOFILE, NULL, &rl), 0);
	CHECK(rl.rlim_cur == 100 && rl.rlim_max == 200);
	CHECK_EQ(IN_CHILD({
			 CHECK_EQ(getrlimit(RLIMIT_NOFILE, &rl), 0);
			 CHECK_EQ(rl.rlim_cur, 100); /* inherited */
		 }),
		 0);
	for (int i = 0; i < RLIM_NLIMITS; i++)
		CHECK_EQ(getrlimit(i, &rl), 0);
	CHECK_EQ(getrlimit(RLIMIT_STACK, &rl), 0);
	CHECK(rl.rlim_cur >= 1 << 20);
}

TEST(prlimit_errors)
{
	struct rlimit rl = { 2, 1 };

	CHECK_ERR(prlimit(0, RLIM_NLIMITS, NULL, &rl), EINVAL);
	CHECK_ERR(prlimit(0, -1, NULL, &rl), EINVAL);
	CHECK_ERR(prlimit(0, RLIMIT_NOFILE, &rl, NULL), EINVAL);
	CHECK_ERR(prlimit(INT_MAX, RLIMIT_NOFILE, NULL, &rl), ESRCH);
	CHECK_ERR(prlimit(0, RLIMIT_NOFILE, BAD, NULL), EFAULT);
	CHECK_ERR(prlimit(0, RLIMIT_NOFILE, NULL, BAD), EFAULT);
	rl = (struct rlimit){ 50, 50 };
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &rl), 0);
	rl.rlim_max = 51;
	AS_USER(CHECK_ERR(setrlimit(RLIMIT_NOFILE, &rl), EPERM);
		CHECK_ERR(prlimit(1, RLIMIT_NOFILE, NULL, &rl), EPERM));
}

TEST(arch_prctl)
{
	static unsigned long area[4] = { 11, 22, 33, 44 };
	unsigned long base = 0, value;

	CHECK_EQ(syscall(NR_arch_prctl, ARCH_SET_FS, area), 0);
	CHECK_EQ(syscall(NR_arch_prctl, ARCH_GET_FS, &base), 0);
	CHECK_EQ(base, area);
	__asm__ volatile("movq %%fs:8, %0" : "=r"(value));
	CHECK_EQ(value, 22);
	CHECK_EQ(syscall(NR_arch_prctl, ARCH_SET_GS, area), 0);
	__asm__ volatile("movq %%gs:16, %0" : "=r"(value));
	CHECK_EQ(value, 33);
	CHECK_EQ(syscall(NR_arch_prctl, ARCH_GET_GS, &base), 0);
	CHECK_EQ(base, area);
	for (int i = 0; i < 100; i++)
		sched_yield();
	__asm__ volatile("movq %%fs:24, %0" : "=r"(value));
	CHECK_EQ(value, 44);
	CHECK_EQ(IN_CHILD({
			 __asm__ volatile("movq %%fs:8, %0" : "=r"(value));
			 CHECK_EQ(value, 22);
		 }),
		 0);
}

TEST(arch_prctl_errors)
{
	unsigned long base;

	CHECK_ERR(syscall(NR_arch_prctl, 0x9999, &base), EINVAL);
	CHECK_ERR(syscall(NR_arch_prctl, ARCH_GET_FS, BAD), EFAULT);
	CHECK_ERR(syscall(NR_arch_prctl, ARCH_SET_FS, KERNEL_HALF), EPERM);
	CHECK_ERR(syscall(NR_arch_prctl, ARCH_SET_GS, 1ul << 63), EPERM);
}

TEST(set_tid_address)
{
	int word;

	CHECK_EQ(syscall(NR_set_tid_address, &word), gettid());
	CHECK_EQ(syscall(NR_set_tid_address, BAD), gettid());
}

static long
futex(volatile int *word, int op, int value, const struct timespec *timeout)
{
	return syscall(NR_futex, word, op, value, timeout, NULL, 0);
}

TEST(futex_wait_and_wake)
{
	volatile int *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child = fork();
	int status;

	if (child == 0) {
		long r;

		while (word[0] == 0) {
			word[1] = 1;
			r = futex(word, FUTEX_WAIT, 0, NULL);
			if (r < 0 && errno != EAGAIN && errno != EINTR)
				_exit(1);
		}
		_exit(0);
	}
	while (word[1] == 0)
		sched_yield();
	word[0] = 1;
	CHECK(futex(word, FUTEX_WAKE, 1, NULL) >= 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

/* Who is moved from a word to the same word stays, and is counted. */
TEST(futex_requeue_to_itself)
{
	volatile int *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child = fork();

	if (child == 0)
		_exit(futex(word, FUTEX_WAIT, 0, NULL) != 0);
	until_asleep(child);
	CHECK_EQ(syscall(NR_futex, word, FUTEX_REQUEUE, 0, 9, word, 0), 1);
	CHECK_EQ(futex(word, FUTEX_WAKE, 9, NULL), 1);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

/* A way to compare that there is not shows after the word is changed, but
 * before anyone is woken. */
TEST(futex_wake_op_errors)
{
	unsigned set5_compare9 = 0u << 28 | 9u << 24 | 5u << 12;
	volatile int *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child = fork();

	if (child == 0)
		_exit(futex(word, FUTEX_WAIT, 0, NULL) != 0);
	until_asleep(child);
	CHECK_ERR(syscall(NR_futex, word, FUTEX_WAKE_OP, 1, 1ul, word + 1,
			  set5_compare9),
		  ENOSYS);
	CHECK_EQ(word[1], 5);
	CHECK_ERR(syscall(NR_futex, word, FUTEX_WAKE_OP, 1, 1ul, BAD,
			  set5_compare9),
		  EFAULT);
	CHECK_EQ(futex(word, FUTEX_WAKE, 9, NULL), 1);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

TEST(futex_timeout)
{
	int word = 5;
	struct timespec ts = { 0, 20000000 }, abs;

	CHECK_ERR(futex(&word, FUTEX_WAIT, 5, &ts), ETIMEDOUT);
	CHECK_ERR(futex(&word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 5, &ts),
		  ETIMEDOUT);
	CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &abs), 0);
	CHECK_ERR(syscall(NR_futex, &word, FUTEX_WAIT_BITSET, 5, &abs, NULL,
			  FUTEX_BITSET_MATCH_ANY),
		  ETIMEDOUT);
	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &abs), 0);
	CHECK_ERR(syscall(NR_futex, &word,
			  FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 5, &abs,
			  NULL, FUTEX_BITSET_MATCH_ANY),
		  ETIMEDOUT);
}

TEST(futex_errors)
{
	int word = 5;
	struct timespec bad = { 0, -1 };

	CHECK_ERR(futex(&word, FUTEX_WAIT, 6, NULL), EAGAIN);
	CHECK_EQ(futex(&word, FUTEX_WAKE, 1, NULL), 0);
	CHECK_ERR(futex(BAD, FUTEX_WAIT, 0, NULL), EFAULT);
	CHECK_ERR(futex(&word, FUTEX_WAIT, 5, BAD), EFAULT);
	CHECK_ERR(futex(&word, FUTEX_WAIT, 5, &bad), EINVAL);
	CHECK_ERR(futex((int *)((char *)&word + 1), FUTEX_WAIT, 5, NULL),
		  EINVAL);
	CHECK_ERR(syscall(NR_futex, &word, FUTEX_WAIT_BITSET, 5, NULL, NULL, 0),
		  EINVAL);
	CHECK_ERR(futex(&word, 77, 0, NULL), ENOSYS);
}

TEST(sched_yield)
{
	CHECK_EQ(sched_yield(), 0);
}

TEST(sched_getaffinity)
{
	unsigned long cpus[16] = { 0 };
	long n = syscall(NR_sched_getaffinity, 0, sizeof(cpus), cpus);

	CHECK(n > 0 && n % 8 == 0 && n <= (long)sizeof(cpus));
	CHECK(cpus[0] != 0);
	CHECK_ERR(syscall(NR_sched_getaffinity, 0, 1, cpus), EINVAL);
	CHECK_ERR(syscall(NR_sched_getaffinity, INT_MAX, 128, cpus), ESRCH);
	CHECK_ERR(syscall(NR_sched_getaffinity, 0, 128, BAD), EFAULT);
}

TEST(set_robust_list)
{
	static struct robust_list_head head;

	head.list.next = &head.list;
	CHECK_EQ(syscall(NR_set_robust_list, &head, sizeof(head)), 0);
	CHECK_ERR(syscall(NR_set_robust_list, &head, 8), EINVAL);
}

TEST(priority)
{
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 0), 0); /* whoever runs this */
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 0);
	CHECK_EQ(syscall(NR_getpriority, PRIO_PROCESS, 0), 20);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 5), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, getpid()), 5);
	CHECK_EQ(IN_CHILD(CHECK_EQ(getpriority(PRIO_PROCESS, 0), 5)), 0);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 99), 0); /* cut to 19 */
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 19);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, -5), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), -5);
}

static int
ioprio_get(int which, int who)
{
	return (int)syscall(NR_ioprio_get, which, who);
}

static int
ioprio_set(int which, int who, int value)
{
	return (int)syscall(NR_ioprio_set, which, who, value);
}

#define IOPRIO(class, level) ((class) << 13 | (level))

TEST(io_priority)
{
	int rt = IOPRIO(IOPRIO_CLASS_RT, 2), be = IOPRIO(IOPRIO_CLASS_BE, 7),
	    idle = IOPRIO(IOPRIO_CLASS_IDLE, 0);

	REQUIRE(setpgid(0, 0) == 0 && setpriority(PRIO_PROCESS, 0, 0) == 0);
	CHECK_EQ(ioprio_set(IOPRIO_WHO_PROCESS, 0, 0), 0);
	CHECK_EQ(ioprio_get(IOPRIO_WHO_PROCESS, 0), 0); /* none is set... */
	CHECK_EQ(ioprio_get(IOPRIO_WHO_PGRP, 0), IOPRIO(IOPRIO_CLASS_BE, 4));
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 19), 0); /* it is from this */
	CHECK_EQ(ioprio_get(IOPRIO_WHO_PGRP, getpid()), be);
	CHECK_EQ(ioprio_set(IOPRIO_WHO_PROCESS, getpid(), idle), 0);
	CHECK_EQ(ioprio_get(IOPRIO_WHO_PROCESS, 0), idle);
	IN_CHILD(CHECK_EQ(ioprio_get(IOPRIO_WHO_PROCESS, 0), idle);
		 CHECK_EQ(ioprio_set(IOPRIO_WHO_PROCESS, 0, be), 0);
		 CHECK_EQ(ioprio_get(IOPRIO_WHO_PGRP, 0), be); /* the best */
		 CHECK_EQ(ioprio_get(IOPRIO_WHO_PROCESS, getppid()), idle);
		 CHECK_EQ(ioprio_set(IOPRIO_WHO_PGRP, 0, rt), 0));
	CHECK_EQ(ioprio_get(IOPRIO_WHO_PROCESS, 0), rt);
}

TEST(io_priority_errors)
{
	int rt = IOPRIO(IOPRIO_CLASS_RT, 0), be = IOPRIO(IOPRIO_CLASS_BE, 0);

	CHECK_ERR(ioprio_get(0, 0), EINVAL);
	CHECK_ERR(ioprio_get(4, 0), EINVAL);
	CHECK_ERR(ioprio_get(INT_MIN, 0), EINVAL);
	CHECK_ERR(ioprio_get(IOPRIO_WHO_PROCESS, INT_MAX), ESRCH);
	CHECK_ERR(ioprio_get(IOPRIO_WHO_PGRP, INT_MAX), ESRCH);
	CHECK_ERR(ioprio_get(IOPRIO_WHO_USER, 54321), ESRCH);
	CHECK_ERR(ioprio_set(IOPRIO_WHO_PROCESS, INT_MAX, be), ESRCH);
	CHECK_ERR(ioprio_set(IOPRIO_WHO_PROCESS, INT_MAX, 1), EINVAL);
	CHECK_ERR(ioprio_set(0, 0, be), EINVAL);
	CHECK_ERR(ioprio_set(IOPRIO_WHO_PROCESS, 0, IOPRIO(4, 0)), EINVAL);
	CHECK_ERR(ioprio_set(IOPRIO_WHO_PROCESS, 0, 1), EINVAL);
	AS_USER(CHECK_ERR(ioprio_set(IOPRIO_WHO_PROCESS, 0, rt), EPERM);
		CHECK_EQ(ioprio_set(IOPRIO_WHO_PROCESS, 0, be), 0); CHECK_ERR(
			ioprio_set(IOPRIO_WHO_PROCESS, getppid(), be), EPERM));
}

TEST(priority_errors)
{
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 0), 0);
	CHECK_ERR(getpriority(99, 0), EINVAL);
	CHECK_ERR(setpriority(99, 0, 0), EINVAL);
	CHECK_ERR(getpriority(PRIO_PROCESS, INT_MAX), ESRCH);
	CHECK_ERR(setpriority(PRIO_PROCESS, INT_MAX, 0), ESRCH);
	AS_USER(CHECK_EQ(setpriority(PRIO_PROCESS, 0, 3), 0);
		CHECK_ERR(setpriority(PRIO_PROCESS, 0, 2), EACCES);
		CHECK_ERR(setpriority(PRIO_PROCESS, getppid(), 9), EPERM));
}

TEST(unknown_calls)
{
	CHECK_ERR(syscall(1000), ENOSYS);
	CHECK_ERR(syscall(999999), ENOSYS);
	CHECK_ERR(syscall(-1), ENOSYS);
}

TEST(call_number_is_32_bits_or_unknown)
{
	/* Linux reads eax alone; to refuse the rest is as good */
	long r = syscall(NR_getpid | 1l << 32);

	CHECK(r == getpid() || (r == -1 && errno == ENOSYS));
}

TEST(calls_keep_registers)
{
	unsigned long rdi = 1, rsi = 2, rdx = 3;
	register unsigned long r8 __asm__("r8") = 8;
	register unsigned long r9 __asm__("r9") = 9;
	register unsigned long r10 __asm__("r10") = 10;
	long result;
	bool kept;

	__asm__ volatile("syscall"
			 : "=a"(result), "+D"(rdi), "+S"(rsi), "+d"(rdx),
			   "+r"(r8), "+r"(r9), "+r"(r10)
			 : "0"((long)NR_getpid)
			 : "rcx", "r11", "memory");
	kept = rdi == 1 && rsi == 2 && rdx == 3 && r8 == 8 && r9 == 9 &&
	       r10 == 10; /* before a call of ours changes them */
	CHECK(kept);
	CHECK_EQ(result, getpid());
}

/* ---- The calls of old ---- */

TEST(getrlimit_and_setrlimit)
{
	struct rlimit rl, raised;

	CHECK_EQ(syscall(NR_getrlimit, RLIMIT_NOFILE, &rl), 0);
	CHECK_EQ(syscall(NR_setrlimit, RLIMIT_NOFILE, &rl), 0);
	CHECK_ERR(syscall(NR_getrlimit, 99, &rl), EINVAL);
	CHECK_ERR(syscall(NR_setrlimit, 99, &rl), EINVAL);
	CHECK_ERR(syscall(NR_getrlimit, RLIMIT_NOFILE, BAD), EFAULT);
	CHECK_ERR(syscall(NR_setrlimit, RLIMIT_NOFILE, BAD), EFAULT);
	raised = (struct rlimit){ rl.rlim_cur, rl.rlim_max + 1 };
	AS_USER(CHECK_ERR(syscall(NR_setrlimit, RLIMIT_NOFILE, &raised),
			  EPERM));
}

TEST(personality)
{
	CHECK_EQ(syscall(NR_personality, 0xffffffff), 0);
	CHECK_EQ(syscall(NR_personality, 0), 0);
}

/* ---- What belongs to the machine: refused, or as it was ---- */

TEST(names_of_the_machine)
{
	struct utsname u;
	long len;

	REQUIRE(uname(&u) == 0);
	len = (long)strlen(u.nodename);
	CHECK_ERR(syscall(NR_sethostname, BAD, 5), EFAULT);
	CHECK_ERR(syscall(NR_setdomainname, BAD, 5), EFAULT);
	CHECK_ERR(syscall(NR_sethostname, u.nodename, -1), EINVAL);
	CHECK_ERR(syscall(NR_sethostname, u.nodename, 65), EINVAL);
	CHECK_ERR(syscall(NR_setdomainname, u.domainname, 65), EINVAL);
	AS_USER(CHECK_ERR(syscall(NR_sethostname, "x", 1), EPERM);
		CHECK_ERR(syscall(NR_setdomainname, "x", 1), EPERM));
	CHECK_EQ(syscall(NR_sethostname, u.nodename, len), 0);
	len = (long)strlen(u.domainname);
	CHECK_EQ(syscall(NR_setdomainname, u.domainname, len), 0);
}

#define MAGIC1	0xfee1dead
#define MAGIC2	0x28121969
#define CAD_OFF 0

TEST(reboot_refused)
{
	CHECK_ERR(syscall(NR_reboot, 1, MAGIC2, CAD_OFF, 0), EINVAL);
	CHECK_ERR(syscall(NR_reboot, MAGIC1, 1, CAD_OFF, 0), EINVAL);
	AS_USER(CHECK_ERR(syscall(NR_reboot, MAGIC1, MAGIC2, CAD_OFF, 0),
			  EPERM));
}
