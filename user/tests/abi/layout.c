/*
 * Where a program finds itself: address-space randomization, personality(2),
 * proc(5) on randomize_va_space.
 */
#include <sched.h>
#include <stdio.h>
#include <sys/auxv.h>
#include "check.h"

#define RUNS   24
#define LEAST  20 /* different addresses among them, of 2^13 and more */
#define SWITCH "/proc/sys/kernel/randomize_va_space"

enum { STACK, MMAP, BRK, VDSO, PLACES };

static const char *const names[] = { "stack", "mmap", "brk", "vdso" };

struct places {
	unsigned long at[PLACES];
};

/** As the program that is started: tells where it is. */
int
check_exec_role(int argc, char **argv)
{
	struct places p;

	(void)argc;
	p.at[STACK] = (unsigned long)argv & ~4095ul;
	p.at[MMAP] = (unsigned long)mmap(NULL, 4096, PROT_READ,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	p.at[BRK] = (unsigned long)sbrk(0);
	p.at[VDSO] = getauxval(AT_SYSINFO_EHDR);
	return write(1, &p, sizeof(p)) != sizeof(p);
}

/** A look at where this program is when it is started again. */
static struct places
look(const char *program)
{
	char *argv[] = { "check", "-x", NULL };
	struct places places;
	int p[2], status = -1;
	pid_t child;

	REQUIRE(pipe(p) == 0);
	child = fork();
	if (child == 0) {
		dup2(p[1], 1);
		execve(program, argv, environ);
		_exit(126);
	}
	close(p[1]);
	REQUIRE(read(p[0], &places, sizeof(places)) == sizeof(places));
	close(p[0]);
	waitpid(child, &status, 0);
	REQUIRE(status == 0);
	return places;
}

/** How many different addresses several runs give. */
static void
count_places(int runs, int *different)
{
	struct places seen[RUNS];

	memset(different, 0, PLACES * sizeof(*different));
	for (int i = 0; i < runs; i++) {
		seen[i] = look(check_program);
		for (int place = 0; place < PLACES; place++) {
			int k = 0;

			while (k < i && seen[k].at[place] != seen[i].at[place])
				k++;
			different[place] += k == i;
		}
	}
}

static int
randomized(void)
{
	char text[8] = "";

	read(open(SWITCH, O_RDONLY), text, sizeof(text) - 1);
	return atoi(text);
}

/** Switches it for all of the system. @return whether that may be done here */
static bool
randomize(const char *value)
{
	int fd = open(SWITCH, O_WRONLY | O_TRUNC);
	bool done = write(fd, value, 1) == 1;

	close(fd);
	return done;
}

TEST(addresses_differ_from_run_to_run)
{
	int before = randomized(), different[PLACES];

	if (before != 2 && !randomize("2"))
		SKIP("randomization cannot be switched on here");
	count_places(RUNS, different);
	for (int i = 0; i < PLACES; i++)
		if (different[i] < LEAST &&
		    (i != VDSO || getauxval(AT_SYSINFO_EHDR)))
			FAIL("%s: %d addresses in %d runs", names[i],
			     different[i], RUNS);
	if (before != 2)
		randomize(before == 1 ? "1" : "0");
}

TEST(personality_switches_it_off)
{
	int different[PLACES];

	CHECK_EQ(syscall(NR_personality, 0xffffffff), 0);
	CHECK_EQ(syscall(NR_personality, ADDR_NO_RANDOMIZE), 0);
	CHECK_EQ(syscall(NR_personality, 0xffffffff), ADDR_NO_RANDOMIZE);
	/* inherited by fork, kept by exec */
	count_places(4, different);
	for (int i = 0; i < PLACES; i++)
		CHECK_EQ(different[i], 1);
	CHECK_EQ(syscall(NR_personality, PER_LINUX), ADDR_NO_RANDOMIZE);
	CHECK_EQ(syscall(NR_personality, 0xffffffff), 0);
}

TEST(personality_is_told)
{
	char text[16] = "";

	CHECK_EQ(syscall(NR_personality, ADDR_NO_RANDOMIZE), 0);
	CHECK_EQ(read(open("/proc/self/personality", O_RDONLY), text, 9), 9);
	CHECK(strcmp(text, "00040000\n") == 0);
}

TEST(switch_is_for_root_and_takes_numbers)
{
	int before = randomized(), different[PLACES], fd;
	char old[2] = { (char)('0' + before), '\0' };

	if (!exists("/proc/heap"))
		SKIP("the system is not ours to set here");
	CHECK(randomize("0"));
	count_places(4, different);
	for (int i = 0; i < PLACES; i++)
		CHECK_EQ(different[i], 1);
	CHECK(randomize("1")); /* all but the heap of a fixed program */
	count_places(4, different);
	CHECK_EQ(different[BRK], 1);
	CHECK(different[STACK] > 1 && different[MMAP] > 1);
	CHECK_EQ(randomized(), 1);
	fd = open(SWITCH, O_WRONLY);
	CHECK_ERR(pwrite(fd, "x", 1, 0), EINVAL);
	CHECK_EQ(pwrite(fd, " 0 \n", 4, 0), 4);
	CHECK_EQ(randomized(), 0);
	CHECK_EQ(pwrite(fd, "2\n", 2, 0), 2);
	CHECK_EQ(randomized(), 2);
	AS_USER(CHECK_EQ(randomized(), 2);
		CHECK_ERR(open(SWITCH, O_WRONLY), EACCES));
	CHECK(randomize(old));
}

/** Copies this program, set-user-ID to another user. */
static void
copy_program(const char *to)
{
	int in = open(check_program, O_RDONLY),
	    out = open(to, O_WRONLY | O_CREAT);
	static char buf[65536];
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		REQUIRE(write(out, buf, (size_t)n) == n);
	REQUIRE(fchmod(out, 04755) == 0);
	close(in);
	close(out);
}

TEST(personality_is_not_for_setuid_programs)
{
	struct places a, b;

	if (randomized() == 0)
		SKIP("nothing is randomized here");
	copy_program("setuid"); /* root's, run by a user */
	AS_USER({
		CHECK_EQ(syscall(NR_personality, ADDR_NO_RANDOMIZE), 0);
		a = look("./setuid");
		b = look("./setuid");
		CHECK(a.at[MMAP] != b.at[MMAP]);
		a = look(check_program);
		b = look(check_program);
		CHECK_EQ(a.at[MMAP], b.at[MMAP]);
	});
}
