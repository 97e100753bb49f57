/*
 * A very small test harness. A program is one C file of TEST(name) { ... };
 * check.h brings main. Each test runs in a child, in an empty folder of its
 * own under /tmp, with a watchdog; so a test that crashes or hangs costs only
 * itself. Prints "ok NAME", "skip NAME: why" or "FAIL file:line: ..." and exits
 * 0 if nothing failed. Arguments name the tests to run; before them -n: without
 * children; -d FOLDER: there, and not in /tmp.
 */
#ifndef CHECK_H
#define CHECK_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bits.h"
#include "tree.h"

#define WATCHDOG_S 60
#define EXIT_SKIP  77

struct test {
	const char *name;
	void (*run)(void);
};

/* The linker gathers the tests in one section and names its two ends. */
extern const struct test __start_tests[], __stop_tests[];

/* In the order of the source, which gcc otherwise does not promise. */
#ifdef __clang__
#define IN_ORDER
#else
#define IN_ORDER , no_reorder
#endif

#define TEST(id)                                                               \
	static void test_##id(void);                                           \
	static const struct test entry_##id __attribute__((                    \
		used, section("tests") IN_ORDER)) = { #id, test_##id };        \
	static void test_##id(void)

static int check_failures;

/* Straight to the descriptor: children must not repeat a parent's buffer. */
#define FAIL(...)                                                              \
	do {                                                                   \
		char text_[300];                                               \
		snprintf(text_, sizeof(text_), __VA_ARGS__);                   \
		dprintf(1, "FAIL %s:%d: %s\n", __FILE__, __LINE__, text_);     \
		check_failures++;                                              \
	} while (0)

/** Must be true; says errno, which often tells why not. */
#define CHECK(expr)                                                            \
	do {                                                                   \
		if (!(expr))                                                   \
			FAIL("%s (errno %d)", #expr, errno);                   \
	} while (0)

/** Must be true, or the rest of the test makes no sense. */
#define REQUIRE(expr)                                                          \
	do {                                                                   \
		if (!(expr)) {                                                 \
			FAIL("%s (errno %d)", #expr, errno);                   \
			_exit(1);                                              \
		}                                                              \
	} while (0)

/** Two integers must be the same. */
#define CHECK_EQ(expr, want)                                                   \
	do {                                                                   \
		long got_ = (long)(expr), want_ = (long)(want);                \
		if (got_ != want_)                                             \
			FAIL("%s is %ld, not %ld (errno %d)", #expr, got_,     \
			     want_, errno);                                    \
	} while (0)

/** The call must fail: answer -1, with this errno. */
#define CHECK_ERR(expr, error)                                                 \
	do {                                                                   \
		errno = 0;                                                     \
		long got_ = (long)(expr);                                      \
		if (got_ != -1)                                                \
			FAIL("%s is %ld, not " #error, #expr, got_);           \
		else if (errno != (error))                                     \
			FAIL("%s fails with %d (%s), not " #error, #expr,      \
			     errno, strerror(errno));                          \
	} while (0)

/** Leaves the test, saying why it cannot be made here. */
#define SKIP(why)                                                              \
	do {                                                                   \
		dprintf(1, "skip %s: %s\n", __func__ + 5, why);                \
		_exit(EXIT_SKIP);                                              \
	} while (0)

/** Runs statements in a child; its wait status. 0: they passed. */
#define IN_CHILD(...)                                                          \
	({                                                                     \
		pid_t child_ = fork();                                         \
		int status_ = -1;                                              \
		if (child_ == 0) {                                             \
			check_failures = 0;                                    \
			__VA_ARGS__;                                           \
			_exit(check_failures != 0);                            \
		}                                                              \
		while (waitpid(child_, &status_, 0) < 0 && errno == EINTR)     \
			;                                                      \
		status_;                                                       \
	})

/** Statements that must pass as an ordinary user. */
#define AS_USER(...) CHECK_EQ(IN_CHILD(become_user(); __VA_ARGS__), 0)

#define USER_ID	     1000

static inline void
become_user(void)
{
	REQUIRE(setgroups(0, NULL) == 0);
	REQUIRE(setresgid(USER_ID, USER_ID, USER_ID) == 0);
	REQUIRE(setresuid(USER_ID, USER_ID, USER_ID) == 0);
}

/** An address of user space where nothing may be read or written. */
static inline void *
bad_pointer(void)
{
	static void *page;

	if (page == NULL)
		page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	return page;
}

#define BAD ((void *)bad_pointer())
/** An address of the kernel's half. */
#define KERNEL_HALF ((void *)0xffff800000000000ul)

/** A string that is too long for a path (4096), and one for a name (256). */
static inline const char *
long_text(size_t n)
{
	static char text[8192];

	memset(text, 'x', n);
	text[n] = '\0';
	return text;
}

#define LONG_PATH long_text(PATH_MAX)
#define LONG_NAME long_text(NAME_MAX + 1)

/** Makes a file of these bytes. */
static inline void
make_file(const char *path, const char *content)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ssize_t len = (ssize_t)strlen(content);

	REQUIRE(fd >= 0);
	REQUIRE(write(fd, content, (size_t)len) == len);
	REQUIRE(close(fd) == 0);
}

/** Two links that lead to one another. */
static inline void
make_loop(void)
{
	REQUIRE(symlink("loop2", "loop1") == 0);
	REQUIRE(symlink("loop1", "loop2") == 0);
}

/** A folder that only root may search, with a file in it. */
static inline void
make_closed_folder(void)
{
	REQUIRE(mkdir("closed", 0700) == 0);
	make_file("closed/file", "secret");
}

static inline mode_t
mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 ? 0 : st.st_mode;
}

static inline bool
exists(const char *path)
{
	return mode_of(path) != 0;
}

/** The file's size, or -1. */
static inline long
size_of_file(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? -1 : st.st_size;
}

/** Waits until a process sleeps in a call, be it for a lock of the kernel's. */
static inline void
until_asleep(pid_t pid)
{
	char path[32], text[64] = "";
	const char *state;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	do {
		syscall(NR_sched_yield);
		fd = open(path, O_RDONLY);
		REQUIRE(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
		close(fd);
		state = strchr(text, ')');
	} while (state == NULL || strchr("SD", state[2]) == NULL);
}

/** Runs a test in this process. @return 0 passed, 1 failed */
static int
check_run_here(const struct test *t)
{
	check_failures = 0;
	umask(022);
	t->run();
	return check_failures != 0;
}

/** Runs a test in a child. @return its exit status, 1 if it was killed */
static int
check_run_child(const struct test *t)
{
	int status;
	pid_t child = fork();

	if (child < 0) {
		FAIL("%s: fork: errno %d", t->name, errno);
		return 1;
	}
	if (child == 0) {
		setpgid(0, 0);
		alarm(WATCHDOG_S);
		_exit(check_run_here(t));
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	kill(-child, SIGKILL); /* what it left running */
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	FAIL("%s: killed by signal %d (%s)", t->name, WTERMSIG(status),
	     strsignal(WTERMSIG(status)));
	return 1;
}

/** Where the tests' folders are made. */
static const char *check_base = "/tmp";

/** Runs one test in an empty folder; by its name scripts/abi knows in a trace
 * where the test begins. @return whether it failed */
static bool
check_one(const struct test *t, bool here)
{
	char folder[PATH_MAX];
	int result;

	snprintf(folder, sizeof(folder), "%s/%s.XXXXXX", check_base, t->name);
	if (mkdtemp(folder) == NULL || chmod(folder, 0755) < 0 ||
	    chdir(folder) < 0) {
		FAIL("cannot make %s: errno %d", folder, errno);
		return true;
	}
	result = here ? check_run_here(t) : check_run_child(t);
	chdir("/");
	remove_tree(folder);
	if (result == 0)
		dprintf(1, "ok %s\n", t->name);
	else if (result != EXIT_SKIP)
		dprintf(1, "FAIL %s\n", t->name);
	return result != 0 && result != EXIT_SKIP;
}

static bool
check_wanted(const struct test *t, char **names)
{
	if (*names == NULL)
		return true;
	for (; *names != NULL; names++)
		if (strcmp(*names, t->name) == 0)
			return true;
	return false;
}

/** This program's absolute path, for tests that exec it again. */
static char check_program[PATH_MAX];

static void
check_find_program(const char *name)
{
	if (*name == '/')
		strlcpy(check_program, name, sizeof(check_program));
	else if (strchr(name, '/') != NULL) {
		getcwd(check_program, sizeof(check_program));
		strlcat(check_program, "/", sizeof(check_program));
		strlcat(check_program, name, sizeof(check_program));
	} else { /* found by PATH */
		readlink("/proc/self/exe", check_program,
			 sizeof(check_program) - 1);
	}
}

/** A program whose first argument is -x does this instead of testing. */
int check_exec_role(int argc, char **argv) __attribute__((weak));

int
main(int argc, char **argv)
{
	int failed = 0, run = 0, option;
	bool here = false;

	check_find_program(argc > 0 ? argv[0] : "");
	if (argc > 1 && strcmp(argv[1], "-x") == 0 && check_exec_role != NULL)
		return check_exec_role(argc, argv);
	while ((option = getopt(argc, argv, "nd:")) != -1) {
		if (option == '?')
			return 2;
		if (option == 'd')
			check_base = optarg;
		here |= option == 'n';
	}
	for (const struct test *t = __start_tests; t < __stop_tests; t++)
		if (check_wanted(t, argv + optind)) {
			failed += check_one(t, here);
			run++;
		}
	dprintf(1, "%d tests, %d failed\n", run, failed);
	return failed != 0 || run == 0;
}

/** All threads made from now on have one CPU: what one does in a high real-time
 * priority is a single step for the others. */
static inline void
keep_to_one_cpu(void)
{
	unsigned long cpus[16] = { 0 }, one[16] = { 0 };
	int i = 0;

	REQUIRE(syscall(NR_sched_getaffinity, 0, sizeof(cpus), cpus) > 0);
	while (!cpus[i])
		i++;
	one[i] = cpus[i] & -cpus[i];
	REQUIRE(syscall(NR_sched_setaffinity, 0, sizeof(one), one) == 0);
}

#endif
