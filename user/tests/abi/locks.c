/*
 * Locks: flock(2), and fcntl(2)'s of open files (F_OFD_*). Those of processes
 * are in descriptor.c.
 */
#include <sched.h>
#include <sys/file.h>
#include "check.h"

static int
open_file(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);

	REQUIRE(fd >= 0);
	return fd;
}

/* ---- flock ---- */

TEST(flock_excludes)
{
	int a = open_file(), b = open_file();

	CHECK_EQ(flock(a, LOCK_SH), 0);
	CHECK_EQ(flock(b, LOCK_SH | LOCK_NB), 0);
	CHECK_ERR(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK_EQ(flock(a, LOCK_UN), 0);
	CHECK_EQ(flock(b, LOCK_EX | LOCK_NB), 0);
	CHECK_ERR(flock(a, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	CHECK_EQ(flock(b, LOCK_EX), 0); /* it has it */
	CHECK_EQ(flock(a, LOCK_UN), 0); /* it has none */
}

/** Of an open file: all its descriptors', until the last is closed. */
TEST(flock_belongs_to_the_open_file)
{
	int a = open_file(), b = open_file(), copy = dup(a);

	CHECK_EQ(flock(a, LOCK_EX), 0);
	CHECK_EQ(IN_CHILD(CHECK_EQ(flock(a, LOCK_EX | LOCK_NB), 0);
			  CHECK_ERR(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
			  close(a)),
		 0);
	CHECK_EQ(close(a), 0);
	CHECK_ERR(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK_EQ(close(copy), 0);
	CHECK_EQ(flock(b, LOCK_EX | LOCK_NB), 0);
}

TEST(flock_any_descriptor_unlocks)
{
	int a = open_file(), b = open_file(), copy = dup(a);

	CHECK_EQ(flock(a, LOCK_EX), 0);
	CHECK_EQ(flock(copy, LOCK_UN), 0);
	CHECK_EQ(flock(b, LOCK_EX | LOCK_NB), 0);
}

/** The lock that is to be changed is given up, also if that then fails. */
TEST(flock_conversion_is_two_steps)
{
	int a = open_file(), b = open_file(), c = open_file();

	CHECK_EQ(flock(a, LOCK_SH), 0);
	CHECK_EQ(flock(b, LOCK_SH), 0);
	CHECK_ERR(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK_EQ(flock(b, LOCK_EX | LOCK_NB), 0);
	CHECK_EQ(flock(b, LOCK_SH | LOCK_NB), 0);
	CHECK_EQ(flock(c, LOCK_SH | LOCK_NB), 0);
}

TEST(flock_waits)
{
	int a = open_file(), ready[2], status;
	pid_t child;
	char c = 0;

	REQUIRE(pipe(ready) == 0);
	CHECK_EQ(flock(a, LOCK_EX), 0);
	child = fork();
	if (child == 0) {
		int b = open_file();

		write(ready[1], "r", 1);
		CHECK_EQ(flock(b, LOCK_EX), 0);
		CHECK_EQ(size_of_file("f"), 1);
		_exit(check_failures != 0);
	}
	CHECK_EQ(read(ready[0], &c, 1), 1);
	CHECK_EQ(write(a, "x", 1), 1);
	CHECK_EQ(flock(a, LOCK_UN), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

static void
on_alarm(int signal)
{
	(void)signal;
}

TEST(flock_is_interrupted)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	int a = open_file(), b = open_file();

	CHECK_EQ(sigaction(SIGALRM, &sa, NULL), 0);
	CHECK_EQ(flock(a, LOCK_EX), 0);
	alarm(1);
	CHECK_ERR(flock(b, LOCK_EX), EINTR);
}

TEST(flock_knows_nothing_of_fcntl)
{
	struct flock fl = { .l_type = F_WRLCK };
	int a = open_file(), b = open_file();

	CHECK_EQ(flock(a, LOCK_EX), 0);
	CHECK_EQ(fcntl(b, F_OFD_SETLK, &fl), 0);
	CHECK_EQ(flock(a, LOCK_UN), 0);
	CHECK_EQ(flock(b, LOCK_EX | LOCK_NB), 0);
}

TEST(flock_needs_no_write_access)
{
	int fd;

	make_file("f", "");
	fd = open("f", O_RDONLY);
	CHECK_EQ(flock(fd, LOCK_EX), 0);
	fd = open(".", O_RDONLY);
	CHECK_EQ(flock(fd, LOCK_EX), 0);
}

TEST(flock_errors)
{
	int fd = open_file();

	CHECK_ERR(flock(-1, LOCK_SH), EBADF);
	CHECK_ERR(flock(open("f", O_PATH), LOCK_SH), EBADF);
	CHECK_ERR(flock(fd, 0), EINVAL);
	CHECK_ERR(flock(fd, LOCK_SH | LOCK_EX), EINVAL);
	CHECK_ERR(flock(fd, LOCK_NB), EINVAL);
	CHECK_ERR(flock(fd, 0x400), EINVAL);
}

/* ---- Of open files ---- */

static int
ofd(int fd, int command, short type, off_t start, off_t len)
{
	struct flock fl = { .l_type = type, .l_start = start, .l_len = len };

	return fcntl(fd, command, &fl);
}

TEST(ofd_ranges)
{
	int a = open_file(), b = open_file();

	CHECK_EQ(ofd(a, F_OFD_SETLK, F_WRLCK, 0, 10), 0);
	CHECK_EQ(ofd(a, F_OFD_SETLK, F_WRLCK, 5, 10), 0);
	CHECK_ERR(ofd(b, F_OFD_SETLK, F_RDLCK, 14, 1), EAGAIN);
	CHECK_EQ(ofd(b, F_OFD_SETLK, F_RDLCK, 15, 5), 0);
	CHECK_EQ(ofd(a, F_OFD_SETLK, F_UNLCK, 3, 4), 0);
	CHECK_EQ(ofd(b, F_OFD_SETLK, F_WRLCK, 3, 4), 0);
	CHECK_ERR(ofd(b, F_OFD_SETLK, F_WRLCK, 2, 4), EAGAIN);
}

/** What the process's own locks are not: of no process, and of no other
 * descriptor's closing. */
TEST(ofd_belongs_to_the_open_file)
{
	int a = open_file(), b = open_file(), copy = dup(a);

	CHECK_EQ(ofd(a, F_OFD_SETLK, F_WRLCK, 0, 0), 0);
	CHECK_EQ(close(open_file()), 0);
	CHECK_ERR(ofd(b, F_OFD_SETLK, F_RDLCK, 0, 1), EAGAIN);
	CHECK_EQ(IN_CHILD(CHECK_EQ(ofd(a, F_OFD_SETLK, F_WRLCK, 0, 0), 0);
			  close(a)),
		 0);
	CHECK_EQ(close(a), 0);
	CHECK_ERR(ofd(b, F_OFD_SETLK, F_RDLCK, 0, 1), EAGAIN);
	CHECK_EQ(close(copy), 0);
	CHECK_EQ(ofd(b, F_OFD_SETLK, F_RDLCK, 0, 1), 0);
}

TEST(ofd_and_process_locks_exclude)
{
	struct flock fl = { .l_type = F_WRLCK, .l_start = 4, .l_len = 2 };
	int a = open_file(), b = open_file();

	CHECK_EQ(ofd(a, F_OFD_SETLK, F_WRLCK, 0, 5), 0);
	CHECK_ERR(fcntl(b, F_SETLK, &fl), EAGAIN);
	CHECK_EQ(fcntl(b, F_GETLK, &fl), 0);
	CHECK_EQ(fl.l_type, F_WRLCK);
	CHECK_EQ(fl.l_pid, -1);
	CHECK_EQ(fl.l_start, 0);
	CHECK_EQ(fl.l_len, 5);
	fl = (struct flock){ .l_type = F_WRLCK, .l_start = 5, .l_len = 2 };
	CHECK_EQ(fcntl(b, F_SETLK, &fl), 0);
	fl = (struct flock){ .l_type = F_WRLCK };
	CHECK_EQ(fcntl(a, F_OFD_GETLK, &fl), 0);
	CHECK_EQ(fl.l_type, F_WRLCK);
	CHECK_EQ(fl.l_pid, getpid());
	CHECK_EQ(fl.l_start, 5);
}

TEST(ofd_waits)
{
	int a = open_file(), ready[2], status;
	pid_t child;
	char c = 0;

	REQUIRE(pipe(ready) == 0);
	CHECK_EQ(ofd(a, F_OFD_SETLK, F_WRLCK, 0, 0), 0);
	child = fork();
	if (child == 0) {
		int b = open_file();

		write(ready[1], "r", 1);
		CHECK_EQ(ofd(b, F_OFD_SETLKW, F_RDLCK, 0, 1), 0);
		CHECK_EQ(size_of_file("f"), 1);
		_exit(check_failures != 0);
	}
	CHECK_EQ(read(ready[0], &c, 1), 1);
	CHECK_EQ(write(a, "x", 1), 1);
	CHECK_EQ(ofd(a, F_OFD_SETLK, F_UNLCK, 0, 0), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

TEST(ofd_errors)
{
	struct flock fl = { .l_type = F_WRLCK, .l_pid = 1 };
	int fd = open_file();

	CHECK_ERR(fcntl(fd, F_OFD_SETLK, &fl), EINVAL);
	CHECK_ERR(fcntl(fd, F_OFD_GETLK, &fl), EINVAL);
	CHECK_ERR(fcntl(fd, F_OFD_SETLK, BAD), EFAULT);
	CHECK_ERR(ofd(fd, F_OFD_SETLK, 9, 0, 0), EINVAL);
	CHECK_ERR(ofd(fd, F_OFD_SETLK, F_RDLCK, -1, 0), EINVAL);
	CHECK_ERR(ofd(open("f", O_RDONLY), F_OFD_SETLK, F_WRLCK, 0, 0), EBADF);
	CHECK_ERR(ofd(open("f", O_WRONLY), F_OFD_SETLK, F_RDLCK, 0, 0), EBADF);
	CHECK_ERR(ofd(open("f", O_PATH), F_OFD_SETLK, F_RDLCK, 0, 0), EBADF);
	CHECK_ERR(ofd(-1, F_OFD_SETLK, F_RDLCK, 0, 0), EBADF);
}

/** To the last byte that there can be is to the end. */
TEST(ranges_end_with_the_last_byte)
{
	struct flock fl = { .l_type = F_WRLCK };
	int a = open_file(), b = open_file();

	CHECK_EQ(ofd(a, F_OFD_SETLK, F_RDLCK, LONG_MAX, 1), 0);
	CHECK_ERR(ofd(a, F_OFD_SETLK, F_RDLCK, LONG_MAX, 2), EOVERFLOW);
	CHECK_EQ(ofd(a, F_OFD_SETLK, F_RDLCK, 5, LONG_MAX - 4), 0);
	CHECK_ERR(ofd(a, F_OFD_SETLK, F_RDLCK, 5, LONG_MAX - 3), EOVERFLOW);
	CHECK_ERR(ofd(a, F_OFD_SETLK, F_RDLCK, LONG_MIN, -1), EINVAL);
	CHECK_ERR(ofd(a, F_OFD_SETLK, F_RDLCK, 5, LONG_MIN), EINVAL);
	CHECK_EQ(fcntl(b, F_OFD_GETLK, &fl), 0);
	CHECK(fl.l_type == F_RDLCK && fl.l_start == 5 && fl.l_len == 0);
}

TEST(asking_for_locks)
{
	struct flock fl = { .l_type = F_UNLCK };
	int fd = open_file();

	CHECK_EQ(ofd(fd, F_OFD_SETLK, F_WRLCK, 3, 4), 0);
	CHECK_ERR(ofd(fd, F_GETLK, 9, 0, 0), EINVAL);
	CHECK_ERR(ofd(fd, F_OFD_GETLK, 9, 0, 0), EINVAL);
	CHECK_ERR(ofd(fd, F_GETLK, F_UNLCK, 0, 0), EINVAL);
	if (fcntl(fd, F_OFD_GETLK, &fl) != 0)
		SKIP("a Linux before 6.5");
	CHECK(fl.l_type == F_WRLCK && fl.l_start == 3 && fl.l_len == 4);
	fl = (struct flock){ .l_type = F_UNLCK };
	CHECK_EQ(fcntl(open_file(), F_OFD_GETLK, &fl), 0);
	CHECK_EQ(fl.l_type, F_UNLCK); /* only its own */
}

/** /proc/locks has a line of this kind for the file. */
static bool
locks_show(const char *kind, const char *range)
{
	char line[200], ino[30];
	FILE *f = fopen("/proc/locks", "r");
	bool found = false;
	struct stat st;

	stat("f", &st);
	snprintf(ino, sizeof(ino), ":%lu ", (unsigned long)st.st_ino);
	while (fgets(line, sizeof(line), f))
		if (strstr(line, kind) && strstr(line, ino) &&
		    strstr(line, range))
			found = true;
	fclose(f);
	return found;
}

TEST(proc_locks)
{
	struct flock fl = { .l_type = F_RDLCK, .l_start = 100, .l_len = 50 };
	int a = open_file();

	CHECK(!locks_show("", ""));
	CHECK_EQ(flock(a, LOCK_EX), 0);
	CHECK_EQ(ofd(a, F_OFD_SETLK, F_WRLCK, 7, 1), 0);
	CHECK_EQ(fcntl(a, F_SETLK, &fl), 0);
	CHECK(locks_show("FLOCK  ADVISORY  WRITE", " 0 EOF"));
	CHECK(locks_show("OFDLCK ADVISORY  WRITE -1", " 7 7"));
	CHECK(locks_show("POSIX  ADVISORY  READ", " 100 149"));
	CHECK_EQ(close(a), 0);
	CHECK(!locks_show("", ""));
}

/** Each waits for what the other holds: one is told. */
TEST(deadlock_is_seen)
{
	struct flock first = { .l_type = F_WRLCK, .l_start = 0, .l_len = 1 };
	struct flock second = { .l_type = F_WRLCK, .l_start = 1, .l_len = 1 };
	int fd, p[2], told = 0, status;
	pid_t child;
	char c;

	make_file("f", "ab");
	fd = open("f", O_RDWR);
	REQUIRE(pipe(p) == 0);
	CHECK_EQ(fcntl(fd, F_SETLK, &first), 0);
	child = fork();
	if (child == 0) {
		REQUIRE(fcntl(fd, F_SETLK, &second) == 0);
		REQUIRE(write(p[1], "x", 1) == 1);
		_exit(fcntl(fd, F_SETLKW, &first) < 0 && errno == EDEADLK);
	}
	REQUIRE(read(p[0], &c, 1) == 1);
	if (fcntl(fd, F_SETLKW, &second) < 0) {
		CHECK_EQ(errno, EDEADLK);
		told++;
		first.l_type = F_UNLCK;
		CHECK_EQ(fcntl(fd, F_SETLK, &first), 0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(told + WEXITSTATUS(status), 1);
}

/** What was asked for is no deadlock once the other has been woken, though he
 * may not have run yet. */
TEST(deadlock_is_not_seen_of_who_goes_on)
{
	struct flock first = { .l_type = F_WRLCK, .l_start = 0, .l_len = 1 };
	struct flock second = { .l_type = F_WRLCK, .l_start = 1, .l_len = 1 };
	struct flock none = { .l_type = F_UNLCK };
	int fd = open_file(), go[2], waits[2], status, i;
	pid_t child;
	char c = 0;

	REQUIRE(pipe(go) == 0 && pipe(waits) == 0);
	child = fork();
	if (child == 0) {
		close(go[1]);
		while (read(go[0], &c, 1) == 1) {
			CHECK_EQ(fcntl(fd, F_SETLKW, &second), 0);
			REQUIRE(write(waits[1], &c, 1) == 1);
			CHECK_EQ(fcntl(fd, F_SETLKW, &first), 0);
			CHECK_EQ(fcntl(fd, F_SETLK, &none), 0);
		}
		_exit(check_failures != 0);
	}
	for (i = 0; i < 50; i++) {
		CHECK_EQ(fcntl(fd, F_SETLKW, &first), 0);
		REQUIRE(write(go[1], &c, 1) == 1);
		REQUIRE(read(waits[0], &c, 1) == 1);
		usleep(1000); /* let it sleep; else this shows less */
		first.l_type = F_UNLCK;
		CHECK_EQ(fcntl(fd, F_SETLK, &first), 0);
		first.l_type = F_WRLCK;
		REQUIRE(fcntl(fd, F_SETLKW, &second) == 0);
		CHECK_EQ(fcntl(fd, F_SETLK, &none), 0);
	}
	CHECK_EQ(close(go[1]), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

static int
lock_all(void *arg)
{
	struct flock all = { .l_type = F_WRLCK };

	return fcntl(*(int *)arg, F_SETLKW, &all) == 0 ? 0 : errno;
}

/** The descriptor is closed while another thread waits for a lock through it:
 * nobody would ever release what it gets. */
TEST(lock_got_after_the_close_is_given_back)
{
	static char stack[16384];
	struct flock all = { .l_type = F_WRLCK };
	int fd = open_file(), ready[2], go[2], status;
	pid_t holder, waiter;
	char c = 0;

	REQUIRE(pipe(ready) == 0 && pipe(go) == 0);
	holder = fork();
	if (holder == 0) {
		CHECK_EQ(fcntl(fd, F_SETLK, &all), 0);
		REQUIRE(write(ready[1], &c, 1) == 1);
		REQUIRE(read(go[0], &c, 1) == 1);
		_exit(check_failures != 0);
	}
	REQUIRE(read(ready[0], &c, 1) == 1);
	waiter = clone(lock_all, stack + sizeof(stack), CLONE_FILES | SIGCHLD,
		       &fd, NULL, NULL, NULL);
	usleep(50000); /* let it sleep; else this shows less */
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(write(go[1], &c, 1), 1);
	CHECK_EQ(waitpid(waiter, &status, 0), waiter);
	CHECK_EQ(status, EBADF << 8);
	CHECK_EQ(waitpid(holder, &status, 0), holder);
	CHECK_EQ(status, 0);
	CHECK(!locks_show("", ""));
	CHECK_EQ(IN_CHILD(CHECK_EQ(fcntl(open_file(), F_SETLK, &all), 0)), 0);
}
