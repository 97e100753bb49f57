/*
 * dup, dup2, dup3, fcntl, ioctl: their manual pages.
 */
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include "check.h"

TEST(dup)
{
	int fd = open("/", O_RDONLY | O_CLOEXEC), copy = dup(fd);

	CHECK(copy > fd);
	CHECK_EQ(fcntl(copy, F_GETFD), 0); /* not inherited by dup */
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(dup(copy), fd); /* the lowest */
	CHECK_ERR(dup(-1), EBADF);
	CHECK_ERR(dup(99), EBADF);
}

TEST(dup2)
{
	char c;
	int fd;

	make_file("f", "ab");
	fd = open("f", O_RDONLY);
	CHECK_EQ(dup2(fd, 50), 50);
	CHECK_EQ(read(50, &c, 1), 1);
	CHECK_EQ(read(fd, &c, 1), 1);
	CHECK_EQ(c, 'b'); /* one position */
	CHECK_EQ(dup2(fd, fd), fd);
	CHECK_EQ(dup2(fd, 50), 50); /* closes what was there */
	CHECK_ERR(dup2(-1, 50), EBADF);
	CHECK_ERR(dup2(99, 99), EBADF);
	CHECK_ERR(dup2(99, 50), EBADF);
	CHECK_ERR(dup2(fd, -1), EBADF);
	CHECK_ERR(dup2(fd, 1 << 30), EBADF);
	CHECK_EQ(fcntl(50, F_GETFD), 0);
}

TEST(dup3)
{
	int fd = open("/", O_RDONLY);

	CHECK_EQ(dup3(fd, 50, O_CLOEXEC), 50);
	CHECK_EQ(fcntl(50, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(dup3(fd, 50, 0), 50);
	CHECK_EQ(fcntl(50, F_GETFD), 0);
	CHECK_ERR(dup3(fd, fd, 0), EINVAL);
	CHECK_ERR(dup3(fd, 51, O_RDWR), EINVAL);
	CHECK_ERR(dup3(99, 51, 0), EBADF);
	CHECK_ERR(dup3(fd, -1, 0), EBADF);
}

TEST(dup_limit)
{
	struct rlimit rl = { 10, 10 };
	int fd = 0;

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &rl), 0);
	CHECK_ERR(dup2(0, 10), EBADF);
	CHECK_ERR(fcntl(0, F_DUPFD, 10), EINVAL);
	for (int i = 0; i < 20 && fd >= 0; i++)
		fd = dup(0);
	CHECK(fd == -1 && errno == EMFILE);
	CHECK_ERR(fcntl(0, F_DUPFD, 5), EMFILE);
}

TEST(fcntl_dupfd)
{
	int fd = open("/", O_RDONLY);

	CHECK_EQ(fcntl(fd, F_DUPFD, 40), 40);
	CHECK_EQ(fcntl(fd, F_DUPFD, 40), 41);
	CHECK_EQ(fcntl(40, F_GETFD), 0);
	CHECK_EQ(fcntl(fd, F_DUPFD_CLOEXEC, 45), 45);
	CHECK_EQ(fcntl(45, F_GETFD), FD_CLOEXEC);
	CHECK_ERR(fcntl(fd, F_DUPFD, -1), EINVAL);
	CHECK_ERR(fcntl(99, F_DUPFD, 0), EBADF);
}

TEST(fcntl_flags)
{
	int fd = open("f", O_RDWR | O_CREAT | O_APPEND, 0644);

	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_CREAT),
		 O_RDWR | O_APPEND);
	CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK),
		 O_RDWR | O_NONBLOCK);
	CHECK_EQ(fcntl(fd, F_SETFL, O_WRONLY | O_TRUNC), 0); /* unheard */
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	CHECK_EQ(fcntl(dup(fd), F_SETFL, O_APPEND), 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_APPEND, O_APPEND); /* shared */
	CHECK_EQ(fcntl(fd, F_SETFD, FD_CLOEXEC), 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_SETFD, 0), 0);
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
}

/** How the path was walked stays with the file. */
TEST(fcntl_flags_of_open)
{
	int walk = O_DIRECTORY | O_NOFOLLOW | O_TMPFILE;

	CHECK_EQ(fcntl(open(".", O_DIRECTORY | O_CLOEXEC), F_GETFL) &
			 (walk | O_CLOEXEC),
		 O_DIRECTORY);
	CHECK_EQ(fcntl(open(".", O_PATH | O_NOFOLLOW), F_GETFL),
		 O_PATH | O_NOFOLLOW);
	CHECK_EQ(fcntl(open(".", O_TMPFILE | O_RDWR, 0600), F_GETFL) & walk,
		 O_TMPFILE);
}

TEST(fcntl_errors)
{
	CHECK_ERR(fcntl(0, 9999), EINVAL);
	CHECK_ERR(fcntl(-1, F_GETFD), EBADF);
	CHECK_ERR(fcntl(99, F_GETFL), EBADF);
	CHECK_ERR(fcntl(99, F_SETFL, 0), EBADF);
	CHECK_ERR(fcntl(open("/", O_RDONLY), F_GETLK, BAD), EFAULT);
}

static int
lock(int fd, int cmd, int type, off_t start, off_t len)
{
	struct flock fl = { .l_type = (short)type,
			    .l_start = start,
			    .l_len = len };

	return fcntl(fd, cmd, &fl);
}

TEST(fcntl_locks)
{
	struct flock fl = { .l_type = F_WRLCK, .l_len = 1 };
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	pid_t parent = getpid();

	CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, 0, 10), 0);
	CHECK_EQ(lock(fd, F_SETLK, F_UNLCK, 4, 2), 0); /* a hole */
	CHECK_EQ(IN_CHILD({
			 CHECK_EQ(fcntl(fd, F_GETLK, &fl), 0);
			 CHECK(fl.l_type == F_WRLCK && fl.l_pid == parent);
			 CHECK(fl.l_start == 0 && fl.l_len == 4);
			 errno = 0;
			 CHECK_EQ(lock(fd, F_SETLK, F_RDLCK, 0, 1), -1);
			 CHECK(errno == EAGAIN || errno == EACCES);
			 CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, 4, 2), 0);
		 }),
		 0);
	CHECK_EQ(lock(fd, F_SETLK, F_RDLCK, 0, 10), 0);
	CHECK_EQ(IN_CHILD(CHECK_EQ(lock(fd, F_SETLK, F_RDLCK, 0, 0), 0)), 0);
	close(open("f", O_PATH)); /* which opens no file */
	CHECK_EQ(IN_CHILD(CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, 0, 0), -1)), 0);
	close(dup(fd)); /* any close of the file gives up the locks */
	CHECK_EQ(IN_CHILD(CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, 0, 0), 0)), 0);
}

TEST(fcntl_lock_errors)
{
	int rd;

	make_file("f", "");
	rd = open("f", O_RDONLY);
	CHECK_ERR(lock(rd, F_SETLK, F_WRLCK, 0, 1), EBADF);
	CHECK_ERR(lock(open("f", O_WRONLY), F_SETLK, F_RDLCK, 0, 1), EBADF);
	CHECK_ERR(lock(rd, F_SETLK, 77, 0, 1), EINVAL);
	CHECK_ERR(lock(rd, F_SETLK, F_RDLCK, -1, 1), EINVAL);
	CHECK_ERR(lock(99, F_SETLK, F_RDLCK, 0, 1), EBADF);
}

TEST(fcntl_lock_waits)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644), p[2];
	char c;

	REQUIRE(pipe(p) == 0);
	if (fork() == 0) {
		lock(fd, F_SETLK, F_WRLCK, 0, 0);
		write(p[1], "x", 1);
		for (int i = 0; i < 200; i++)
			syscall(NR_sched_yield);
		_exit(0); /* gives the lock up */
	}
	CHECK_EQ(read(p[0], &c, 1), 1);
	CHECK_EQ(lock(fd, F_SETLKW, F_WRLCK, 0, 0), 0);
}

TEST(ioctl_of_files)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644), one = 1, p[2];
	struct termios t;
	struct winsize size;

	CHECK_ERR(ioctl(fd, TCGETS, &t), ENOTTY);
	CHECK_ERR(ioctl(fd, TIOCGWINSZ, &size), ENOTTY);
	CHECK_ERR(ioctl(fd, 0x12345678, &t), ENOTTY);
	CHECK_ERR(ioctl(open("/dev/null", O_RDWR), TCGETS, &t), ENOTTY);
	CHECK_ERR(ioctl(-1, TCGETS, &t), EBADF);
	CHECK_ERR(ioctl(99, TCGETS, &t), EBADF);
	CHECK_EQ(ioctl(fd, FIOCLEX), 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(ioctl(fd, FIONCLEX), 0);
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	REQUIRE(pipe(p) == 0);
	CHECK_EQ(ioctl(p[0], FIONBIO, &one), 0);
	CHECK_EQ(fcntl(p[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CHECK_ERR(ioctl(p[0], FIONBIO, BAD), EFAULT);
	CHECK_ERR(ioctl(p[0], FIONREAD, BAD), EFAULT);
	CHECK_ERR(ioctl(p[0], TCGETS, &t), ENOTTY);
}

/* ---- close_range ---- */

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

TEST(close_range)
{
	int fd[5];

	for (int i = 0; i < 5; i++)
		fd[i] = dup2(1, 20 + i);
	CHECK_EQ(close_range(21, 22, 0), 0);
	CHECK(is_open(20) && !is_open(21) && !is_open(22) && is_open(23));
	CHECK_EQ(close_range(23, ~0u, 0), 0);
	CHECK(is_open(fd[0]) && !is_open(23) && !is_open(24));
	CHECK_EQ(close_range(500, 600, 0), 0);
	CHECK_EQ(close_range(~0u, ~0u, 0), 0);
}

TEST(close_range_cloexec)
{
	CHECK_EQ(dup2(1, 20), 20);
	CHECK_EQ(dup2(1, 21), 21);
	CHECK_EQ(close_range(21, 30, CLOSE_RANGE_CLOEXEC), 0);
	CHECK_EQ(fcntl(20, F_GETFD), 0);
	CHECK_EQ(fcntl(21, F_GETFD), FD_CLOEXEC);
}

/** A child that shares the table, and closes its own copy alone. */
static int
unsharing_child(void *arg)
{
	(void)arg;
	return close_range(20, 21, CLOSE_RANGE_UNSHARE) != 0 || is_open(20);
}

TEST(close_range_unshare)
{
	static char stack[16384];
	int status;
	pid_t child;

	CHECK_EQ(dup2(1, 20), 20);
	child = clone(unsharing_child, stack + sizeof(stack),
		      CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK(is_open(20));
}

TEST(close_range_errors)
{
	CHECK_ERR(close_range(21, 20, 0), EINVAL);
	CHECK_ERR(close_range(20, 21, 1), EINVAL);
	CHECK_ERR(close_range(20, 21, 8), EINVAL);
}

/** Every call that makes descriptors, where there is no number left. */
TEST(no_descriptor_left)
{
	struct rlimit rl = { 12, 12 };
	static struct sockaddr_un un = { .sun_family = AF_UNIX,
					 .sun_path = "s" };
	int s = socket(AF_UNIX, SOCK_STREAM, 0), p[2];
	int client = socket(AF_UNIX, SOCK_STREAM, 0);
	sigset_t none = 0;

	REQUIRE(bind(s, (struct sockaddr *)&un, sizeof(un)) == 0);
	REQUIRE(listen(s, 2) == 0);
	REQUIRE(connect(client, (struct sockaddr *)&un, sizeof(un)) == 0);
	REQUIRE(setrlimit(RLIMIT_NOFILE, &rl) == 0);
	while (dup(0) >= 0)
		;
	CHECK_ERR(dup(0), EMFILE);
	CHECK_ERR(open("/", O_RDONLY), EMFILE);
	CHECK_ERR(open("none", O_RDONLY), EMFILE);
	CHECK_ERR(open("none", O_PATH), EMFILE);
	CHECK_ERR(open(BAD, O_RDONLY), EFAULT);
	CHECK_ERR(openat(AT_FDCWD, "/", O_RDONLY), EMFILE);
	CHECK_ERR(syscall(NR_creat, "f", 0600), EMFILE);
	CHECK(!exists("f"));
	CHECK_ERR(syscall(NR_pipe, p), EMFILE);
	CHECK_ERR(syscall(NR_pipe2, p, 0), EMFILE);
	CHECK_ERR(socket(AF_UNIX, SOCK_STREAM, 0), EMFILE);
	CHECK_ERR(socketpair(AF_UNIX, SOCK_STREAM, 0, p), EMFILE);
	CHECK_ERR(accept(s, NULL, NULL), EMFILE);
	CHECK_ERR(accept4(s, NULL, NULL, 0), EMFILE);
	CHECK_ERR(syscall(NR_epoll_create, 1), EMFILE);
	CHECK_ERR(syscall(NR_epoll_create1, 0), EMFILE);
	CHECK_ERR(syscall(NR_eventfd, 0), EMFILE);
	CHECK_ERR(syscall(NR_eventfd2, 0, 0), EMFILE);
	CHECK_ERR(syscall(NR_signalfd, -1, &none, 8), EMFILE);
	CHECK_ERR(syscall(NR_signalfd4, -1, &none, 8, 0), EMFILE);
	CHECK_ERR(syscall(NR_timerfd_create, CLOCK_MONOTONIC, 0), EMFILE);
	CHECK_ERR(syscall(NR_inotify_init), EMFILE);
	CHECK_ERR(syscall(NR_inotify_init1, 0), EMFILE);
	CHECK_ERR(syscall(NR_memfd_create, "m", 0), EMFILE);
	CHECK_ERR(syscall(NR_pidfd_open, getpid(), 0), EMFILE);
}
