/*
 * Directories, links and files of /proc that a process finds on any Linux:
 * proc(5).
 */
#include <abi/futex.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include "check.h"

static int
open_of(pid_t pid, const char *name)
{
	char path[60];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return open(path, O_RDONLY);
}

/** Reads what /proc/PID/name says; its length, or -1 with errno. */
static long
read_of(pid_t pid, const char *name, char *text, size_t size)
{
	int fd = open_of(pid, name);
	long n;

	if (fd < 0)
		return -1;
	n = read(fd, text, size - 1);
	text[n < 0 ? 0 : n] = '\0';
	close(fd);
	return n;
}

static int
open_link(int fd, int flags)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags);
}

static mode_t
mode_of_link(int fd)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return mode_of(path);
}

TEST(links_show_what_files_are_open_for)
{
	int p[2];

	make_file("f", "");
	REQUIRE(pipe(p) == 0);
	CHECK_EQ(mode_of_link(p[0]), S_IFLNK | 0500);
	CHECK_EQ(mode_of_link(p[1]), S_IFLNK | 0300);
	CHECK_EQ(mode_of_link(open("f", O_RDWR)), S_IFLNK | 0700);
	CHECK_EQ(mode_of_link(open("f", O_PATH)), S_IFLNK);
}

TEST(a_name_stays_in_its_line)
{
	char text[4096];

	CHECK_EQ(syscall(NR_prctl, PR_SET_NAME, "a\nb\\c", 0, 0, 0), 0);
	CHECK(read_of(getpid(), "status", text, sizeof(text)) > 0);
	CHECK_EQ(strncmp(text, "Name:\ta\\nb\\\\c\n", 14), 0);
}

TEST(maps_stay_in_their_lines)
{
	char text[8192];
	int fd = open("new\nline", O_CREAT | O_RDWR, 0644);

	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
	CHECK(read_of(getpid(), "maps", text, sizeof(text)) > 0);
	CHECK(strstr(text, "/new\\012line\n") != NULL);
}

TEST(processes_end)
{
	static const long positions[] = { 0x7fffffff, 0x8000ffff, 0x80010000,
					  0x10000ffff, 0x7fffffffffffffff };
	char buf[1024];
	int fd = open("/proc", O_RDONLY | O_DIRECTORY);

	for (unsigned i = 0; i < sizeof(positions) / sizeof(long); i++)
		if (lseek(fd, positions[i], SEEK_SET) >= 0)
			CHECK_EQ(syscall(NR_getdents64, fd, buf, sizeof(buf)),
				 0);
}

TEST(descriptors_end)
{
	static const long positions[] = { 0x7fffffff, 0x80000001, 0x100000001,
					  0x7fffffffffffffff };
	char buf[1024];
	int fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);

	for (unsigned i = 0; i < sizeof(positions) / sizeof(long); i++)
		if (lseek(fd, positions[i], SEEK_SET) >= 0)
			CHECK_EQ(syscall(NR_getdents64, fd, buf, sizeof(buf)),
				 0);
}

/** A pipe's link opens the pipe, as does the link of what that gave. */
TEST(pipe_by_its_link_again_and_again)
{
	char text[2][40], path[40], c;
	int p[2], fd, next;

	REQUIRE(pipe(p) == 0);
	fd = dup(p[0]);
	for (unsigned i = 0; i < 300; i++) {
		next = open_link(fd, O_RDONLY);
		REQUIRE(next >= 0);
		close(fd);
		fd = next;
	}
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(read(fd, &c, 1), 1);
	memset(text, 0, sizeof(text));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
	CHECK(readlink(path, text[0], sizeof(text[0]) - 1) > 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(readlink(path, text[1], sizeof(text[1]) - 1) > 0);
	CHECK_EQ(strcmp(text[0], text[1]), 0);
}

/** What was opened stays that pipe when its first number is another's. */
TEST(pipe_by_its_link_is_that_pipe)
{
	int p[2], other[2], fd;
	char c = 0;

	REQUIRE(pipe(p) == 0 && pipe(other) == 0);
	fd = open_link(p[0], O_RDONLY);
	REQUIRE(fd >= 0);
	REQUIRE(dup2(other[0], p[0]) == p[0]);
	CHECK_EQ(write(p[1], "p", 1), 1);
	CHECK_EQ(write(other[1], "o", 1), 1);
	CHECK_EQ(IN_CHILD({
			 int again = open_link(fd, O_RDONLY | O_NONBLOCK);

			 CHECK_EQ(read(again, &c, 1), 1);
			 CHECK_EQ(c, 'p');
		 }),
		 0);
}

/** A pipe belongs to its maker. */
TEST(pipe_of_a_user_by_its_link)
{
	AS_USER({
		char c;
		int p[2];

		CHECK_EQ(syscall(NR_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0), 0);
		REQUIRE(pipe(p) == 0);
		CHECK_EQ(write(p[1], "x", 1), 1);
		CHECK_EQ(read(open_link(p[0], O_RDONLY), &c, 1), 1);
		CHECK_EQ(write(open_link(p[1], O_WRONLY), "y", 1), 1);
		CHECK_EQ(read(p[0], &c, 1), 1);
		CHECK_EQ(c, 'y');
	});
}

/** Field @n of a text of stat, counted as in proc(5). */
static unsigned long
field_of(const char *text, unsigned n)
{
	const char *at = strrchr(text, ')') + 1;

	for (; n > 2; n--)
		at = strchr(at, ' ') + 1;
	return strtoul(at, NULL, 10);
}

/** Where things are in its memory is told to those who may look inside. */
TEST(addresses_are_not_for_others)
{
	char text[2000];
	pid_t self = getpid();

	CHECK(read_of(self, "maps", text, sizeof(text)) > 0);
	CHECK(read_of(self, "stat", text, sizeof(text)) > 0);
	CHECK(field_of(text, 26) > 1 && field_of(text, 28) > 0);
	AS_USER({
		CHECK_ERR(open_of(self, "maps"), EACCES);
		CHECK(read_of(self, "stat", text, sizeof(text)) > 0);
		CHECK(field_of(text, 26) <= 1 && field_of(text, 27) <= 1);
		CHECK_EQ(field_of(text, 28), 0);
		for (unsigned i = 45; i <= 51; i++)
			CHECK_EQ(field_of(text, i), 0);
		CHECK(read_of(getpid(), "maps", text, sizeof(text)) > 0);
		CHECK(read_of(getpid(), "stat", text, sizeof(text)) > 0);
		CHECK(field_of(text, 28) > 0);
	});
}

TEST(cmdline_of_who_wrote_over_its_arguments)
{
	static char text[3 * 4096];
	char *args;
	size_t room;
	long n, len = read_of(getpid(), "cmdline", text, sizeof(text));

	REQUIRE(len > 2);
	REQUIRE(read_of(getpid(), "stat", text, sizeof(text)) > 0);
	args = (char *)field_of(text, 48);
	CHECK_EQ(field_of(text, 49) - field_of(text, 48), len);
	room = field_of(text, 51) - field_of(text, 48);
	memset(args, 'a', (size_t)len - 1); /* the last NUL is there */
	args[1] = '\0';
	CHECK_EQ(read_of(getpid(), "cmdline", text, sizeof(text)), len);
	args[len - 1] = ' '; /* a title, which ends early */
	CHECK_EQ(read_of(getpid(), "cmdline", text, sizeof(text)), 2);
	CHECK(memcmp(text, "a", 2) == 0);
	args[1] = 'a'; /* it goes on into the environment, if there is one */
	room = room < 4096 ? room : 4096;
	n = strlen(args) < room ? (long)strlen(args) + 1 : (long)room;
	CHECK_EQ(read_of(getpid(), "cmdline", text, sizeof(text)), n);
	CHECK(memcmp(text, args, (size_t)n) == 0);
}

/** The text of a file of the whole system. */
static const char *
text_of(const char *path)
{
	static char text[4096];
	int fd = open(path, O_RDONLY);
	long n = read(fd, text, sizeof(text) - 1);

	REQUIRE(n >= 0);
	text[n] = '\0';
	close(fd);
	return text;
}

TEST(limits_of_the_system)
{
	unsigned long most = strtoul(text_of("/proc/sys/fs/nr_open"), NULL, 10);
	struct rlimit limit = { most, most }, above = { most, most + 1 };

	CHECK(most >= 1024);
	CHECK_ERR(setrlimit(RLIMIT_NOFILE, &above), EPERM);
	if (geteuid() == 0) /* perhaps without the right in a sandbox */
		CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0 || errno == EPERM);
	CHECK(strtoul(text_of("/proc/sys/fs/file-max"), NULL, 10) >= 1024);
	CHECK(strtoul(text_of("/proc/sys/vm/max_map_count"), NULL, 10) > 1000);
	CHECK(strtoul(text_of("/proc/sys/vm/overcommit_memory"), NULL, 10) < 3);
}

/* A line for each mount; that of /proc has the device of its files and the
 * number that fdinfo tells of them. */
TEST(mountinfo)
{
	const char *text = text_of("/proc/self/mountinfo");
	char want[64], line[512], fdinfo[512];
	struct stat st;
	unsigned lines = 0;
	int id = 0;

	sprintf(want, "fdinfo/%d", open("/proc/self", O_RDONLY));
	REQUIRE(read_of(getpid(), want, fdinfo, sizeof(fdinfo)) > 0);

	REQUIRE(stat("/proc", &st) == 0);
	snprintf(want, sizeof(want), " %u:%u / /proc ", major(st.st_dev),
		 minor(st.st_dev));
	CHECK(strstr(text, want) != NULL);
	for (; *text; text += strcspn(text, "\n") + 1, lines++) {
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(text, "\n"),
			 text);
		CHECK(atoi(line) > 0);
		CHECK(atoi(line + strcspn(line, " ")) > 0);
		if (strstr(line, want))
			id = atoi(line);
		CHECK(strstr(line, " - ") != NULL);
	}
	CHECK(lines > 1);
	snprintf(want, sizeof(want), "\nmnt_id:\t%d\n", id);
	CHECK(strstr(fdinfo, want) != NULL);
}

TEST(disks_and_swaps)
{
	const char *line = text_of("/proc/diskstats");
	unsigned n = 0;

	for (const char *p = line; *p && *p != '\n'; p++)
		n += *p != ' ' && (p[1] == ' ' || p[1] == '\n');
	CHECK_EQ(n, 20);
	CHECK(strncmp(text_of("/proc/swaps"), "Filename\t", 9) == 0);
}

/* ---- /proc/PID/task ---- */

#define THREAD                                                                 \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |    \
	 CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

/** A thread that names itself "second", blocks SIGUSR1, waits, tells its name.
 */
struct second {
	char stack[16384];
	volatile int tid; /* until it has ended */
	volatile int ready, go;
	char name[16];
};

static void
futex_wait(volatile int *word, int value)
{
	syscall_raw(NR_futex, word, FUTEX_WAIT, value, NULL);
}

static void
futex_set(volatile int *word, int value)
{
	*word = value;
	syscall_raw(NR_futex, word, FUTEX_WAKE, 1);
}

static int
be_second(void *arg)
{
	unsigned long mask = KSIGMASK(SIGUSR1);
	struct second *s = arg;

	syscall_raw(NR_prctl, PR_SET_NAME, "second", 0, 0, 0);
	syscall_raw(NR_rt_sigprocmask, SIG_BLOCK, &mask, NULL, KSIGSET_SIZE);
	futex_set(&s->ready, 1);
	while (!s->go)
		futex_wait(&s->go, 0);
	syscall_raw(NR_prctl, PR_GET_NAME, s->name, 0, 0, 0);
	return 0;
}

static void
start_second(struct second *s)
{
	REQUIRE(clone(be_second, s->stack + sizeof(s->stack), THREAD, s,
		      (int *)&s->tid, NULL, (int *)&s->tid) > 0);
	while (!s->ready)
		futex_wait(&s->ready, 0);
}

static void
end_second(struct second *s)
{
	int tid;

	futex_set(&s->go, 1);
	while ((tid = s->tid) != 0)
		futex_wait(&s->tid, tid);
}

/** Reads what /proc/self/task/TID/name says, as read_of does. */
static long
read_of_thread(int tid, const char *name, char *text, size_t size)
{
	char path[60];

	snprintf(path, sizeof(path), "task/%d/%s", tid, name);
	return read_of(getpid(), path, text, size);
}

/** How many names there are in a folder; *@p found: whether one is @p name. */
static int
count_names(const char *path, const char *name, bool *found)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int n = 0;

	*found = false;
	while (d != NULL && (e = readdir(d)) != NULL) {
		n += e->d_name[0] != '.';
		*found |= strcmp(e->d_name, name) == 0;
	}
	if (d != NULL)
		closedir(d);
	return n;
}

TEST(threads_have_folders)
{
	static struct second s;
	char text[4096], path[60], name[20];
	bool found;
	int tid;

	CHECK_EQ(count_names("/proc/self/task", "x", &found), 1);
	start_second(&s);
	tid = s.tid;
	snprintf(name, sizeof(name), "%d", tid);
	CHECK_EQ(count_names("/proc/self/task", name, &found), 2);
	CHECK(found);
	count_names("/proc", name, &found);
	CHECK(!found);
	snprintf(path, sizeof(path), "/proc/self/task/%d", tid);
	count_names(path, "stat", &found);
	CHECK(found);
	count_names(path, "task", &found);
	CHECK(!found);
	CHECK(read_of_thread(tid, "stat", text, sizeof(text)) > 0);
	snprintf(name, sizeof(name), "%d (second) ", tid);
	CHECK_EQ(strncmp(text, name, strlen(name)), 0);
	CHECK_ERR(read_of_thread(1, "stat", text, sizeof(text)), ENOENT);
	CHECK_ERR(read_of_thread(0, "stat", text, sizeof(text)), ENOENT);
	end_second(&s);
	while (access(path, F_OK) == 0) /* its word is cleared just before */
		sched_yield();
	CHECK_ERR(access(path, F_OK), ENOENT);
}

TEST(status_of_a_thread)
{
	static struct second s;
	char text[4096], line[60];

	start_second(&s);
	CHECK(read_of_thread(s.tid, "status", text, sizeof(text)) > 0);
	snprintf(line, sizeof(line), "\nTgid:\t%d\n", getpid());
	CHECK(strstr(text, line));
	snprintf(line, sizeof(line), "\nPid:\t%d\n", s.tid);
	CHECK(strstr(text, line));
	CHECK(strstr(text, "Name:\tsecond\n"));
	CHECK(strstr(text, "\nSigBlk:\t0000000000000200\n"));
	CHECK(read_of(getpid(), "status", text, sizeof(text)) > 0);
	CHECK(strstr(text, "\nSigBlk:\t0000000000000000\n"));
	CHECK(!strstr(text, "Name:\tsecond\n"));
	end_second(&s);
}

TEST(signals_that_wait_for_a_thread_or_for_all)
{
	unsigned long mask = KSIGMASK(SIGUSR1) | KSIGMASK(SIGUSR2);
	char text[4096];

	CHECK_EQ(syscall(NR_rt_sigprocmask, SIG_BLOCK, &mask, NULL,
			 KSIGSET_SIZE),
		 0);
	CHECK_EQ(syscall(NR_tgkill, getpid(), gettid(), SIGUSR1), 0);
	CHECK_EQ(kill(getpid(), SIGUSR2), 0);
	CHECK(read_of(getpid(), "status", text, sizeof(text)) > 0);
	CHECK(strstr(text, "\nSigPnd:\t0000000000000200\n"));
	CHECK(strstr(text, "\nShdPnd:\t0000000000000800\n"));
}

TEST(thread_self)
{
	char text[60], expected[60];
	long n = readlink("/proc/thread-self", text, sizeof(text) - 1);

	REQUIRE(n > 0);
	text[n] = '\0';
	snprintf(expected, sizeof(expected), "%d/task/%d", getpid(), gettid());
	CHECK_EQ(strcmp(text, expected), 0);
}

/** Writes @p name into /proc/PID/file; what write gives. */
static long
write_name(pid_t pid, const char *file, const char *name)
{
	char path[60];
	long n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -1;
	n = write(fd, name, strlen(name));
	close(fd);
	return n;
}

TEST(a_name_is_written)
{
	static struct second s;
	char text[100], path[40];

	start_second(&s);
	snprintf(path, sizeof(path), "task/%d/comm", s.tid);
	CHECK_EQ(write_name(getpid(), path, "seventeen letters"), 17);
	CHECK_EQ(read_of_thread(s.tid, "comm", text, sizeof(text)), 16);
	CHECK_EQ(strcmp(text, "seventeen lette\n"), 0);
	CHECK_EQ(write_name(getpid(), "comm", "first"), 5);
	CHECK_EQ(read_of(getpid(), "comm", text, sizeof(text)), 6);
	CHECK_EQ(strcmp(text, "first\n"), 0);
	CHECK_ERR(write_name(getppid(), "comm", "x"), EINVAL);
	end_second(&s);
	CHECK_EQ(strcmp(s.name, "seventeen lette"), 0);
}

/** The first thread ends; the second waits to be ended. */
static void
end_first(void *arg)
{
	start_second(arg);
	syscall_raw(NR_exit, 0);
}

TEST(a_first_thread_that_has_ended)
{
	static struct second s;
	char text[4096], path[60], dead[40];
	pid_t pid = fork();

	if (pid == 0)
		end_first(&s);
	snprintf(path, sizeof(path), "task/%d/stat", pid);
	do
		REQUIRE(read_of(pid, path, text, sizeof(text)) > 0);
	while (strstr(text, ") Z ") == NULL);
	snprintf(dead, sizeof(dead), "%d (", pid);
	CHECK_EQ(strncmp(text, dead, strlen(dead)), 0);
	CHECK(read_of(pid, "stat", text, sizeof(text)) > 0);
	CHECK(strstr(text, ") Z "));
	CHECK(read_of(pid, "status", text, sizeof(text)) > 0);
	CHECK(strstr(text, "\nThreads:\t2\n"));
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}
