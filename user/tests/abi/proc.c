/*
 * Directories, links and files of /proc that a process finds on any Linux:
 * proc(5).
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>

#include "abi/sched.h"
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
