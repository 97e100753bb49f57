/*
 * Descriptors of processes: pidfd_open(2), pidfd_send_signal(2), clone(2) with
 * CLONE_PIDFD, waitid(2) with P_PIDFD.
 */
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>

#include "check.h"
#include "events.h"

static int
pidfd_open(pid_t pid, unsigned flags)
{
	return (int)syscall(NR_pidfd_open, pid, flags);
}

static int
send_signal(int fd, int signo, siginfo_t *info, unsigned flags)
{
	return (int)syscall(NR_pidfd_send_signal, fd, signo, info, flags);
}

/** A child that ends when a byte comes, or the other end is closed. */
static pid_t
waiting_child(int *release)
{
	int p[2];
	char byte;
	pid_t child;

	REQUIRE(pipe(p) == 0);
	child = fork();
	REQUIRE(child >= 0);
	if (child == 0) {
		close(p[1]);
		read(p[0], &byte, 1);
		_exit(7);
	}
	close(p[0]);
	*release = p[1];
	return child;
}

static int
ready(int fd, int timeout)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int n = poll(&pfd, 1, timeout);

	return n <= 0 ? n : pfd.revents;
}

/** The status that waitid gives of a descriptor's process, or -errno. */
static int
status_of(int fd, int options, pid_t *pid)
{
	siginfo_t info = { 0 };

	*pid = -1;
	if (syscall(NR_waitid, P_PIDFD, fd, &info, options, NULL) < 0)
		return -errno;
	*pid = info.si_pid;
	return info.si_status;
}

TEST(pidfd_becomes_ready_at_the_end)
{
	int release, fd;
	pid_t child = waiting_child(&release), pid;

	fd = pidfd_open(child, 0);
	REQUIRE(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(ready(fd, 0), 0);
	CHECK_EQ(status_of(fd, WEXITED | WNOHANG, &pid), 0);
	CHECK_EQ(pid, 0);
	close(release);
	CHECK_EQ(ready(fd, -1), POLLIN);
	CHECK_EQ(status_of(fd, WEXITED | WNOWAIT, &pid), 7);
	CHECK_EQ(pid, child);
	CHECK_EQ(ready(fd, 0), POLLIN);
	CHECK_EQ(status_of(fd, WEXITED, &pid), 7);
	CHECK_EQ(status_of(fd, WEXITED, &pid), -ECHILD);
	CHECK(ready(fd, 0) & POLLIN); /* it stays ended */
	CHECK_ERR(send_signal(fd, 0, NULL, 0), ESRCH);
}

TEST(pidfd_in_an_epoll)
{
	int release, fd, ep = make();
	pid_t child = waiting_child(&release);
	struct epoll_event e;

	fd = pidfd_open(child, 0);
	add(ep, fd, EPOLLIN);
	CHECK_EQ(wait_for(ep, &e, 1, 0), 0);
	CHECK_EQ(send_signal(fd, SIGKILL, NULL, 0), 0);
	CHECK_EQ(wait_for(ep, &e, 1, -1), 1);
	CHECK_EQ(e.events, EPOLLIN);
}

TEST(pidfd_waits_for_its_process_alone)
{
	int release, other_release, fd;
	pid_t child = waiting_child(&release), pid;

	waiting_child(&other_release);
	fd = pidfd_open(child, 0);
	close(other_release);
	CHECK_EQ(status_of(fd, WEXITED | WNOHANG, &pid), 0);
	CHECK_EQ(pid, 0);
	close(release);
	CHECK_EQ(status_of(fd, WEXITED, &pid), 7);
	CHECK_EQ(pid, child);
}

TEST(pidfd_of_a_nonblocking_kind)
{
	int release, fd;
	pid_t child = waiting_child(&release), pid;

	fd = pidfd_open(child, PIDFD_NONBLOCK);
	REQUIRE(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CHECK_EQ(status_of(fd, WEXITED, &pid), -EAGAIN);
	CHECK_EQ(status_of(fd, WEXITED | WNOHANG, &pid), 0);
	close(release);
	ready(fd, -1);
	CHECK_EQ(status_of(fd, WEXITED, &pid), 7);
}

TEST(pidfd_open_errors)
{
	int release;
	pid_t child = waiting_child(&release);

	CHECK_ERR(pidfd_open(0, 0), EINVAL);
	CHECK_ERR(pidfd_open(-1, 0), EINVAL);
	CHECK_ERR(pidfd_open(getpid(), 1), EINVAL);
	close(release);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_ERR(pidfd_open(child, 0), ESRCH);
	child = fork();
	if (child == 0)
		_exit(0);
	syscall(NR_waitid, P_PID, child, NULL, WEXITED | WNOWAIT, NULL);
	CHECK(pidfd_open(child, 0) >= 0); /* a zombie is a process */
	CHECK(pidfd_open(getpid(), 0) >= 0);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 3, 3 }), 0);
	CHECK_ERR(pidfd_open(getpid(), 0), EMFILE);
	CHECK_ERR(syscall(NR_clone, CLONE_PIDFD | SIGCHLD, 0, &release, 0, 0),
		  EMFILE);
}

TEST(waitid_errors)
{
	int fd = pidfd_open(getpid(), 0);
	pid_t pid;

	CHECK_EQ(status_of(-1, WEXITED, &pid), -EINVAL);
	CHECK_EQ(status_of(99, WEXITED, &pid), -EBADF);
	CHECK_EQ(status_of(1, WEXITED, &pid), -EBADF);
	CHECK_EQ(status_of(fd, WEXITED, &pid), -ECHILD); /* not a child */
	CHECK_ERR(syscall(NR_waitid, 4, fd, NULL, WEXITED, NULL), EINVAL);
}

static volatile int got, got_value, got_pid;

static void
note_signal(int signo, siginfo_t *info, void *context)
{
	(void)context;
	got = signo;
	got_value = info->si_int;
	got_pid = info->si_pid;
}

TEST(pidfd_sends_signals)
{
	struct sigaction act = { .sa_sigaction = note_signal,
				 .sa_flags = SA_SIGINFO };
	int fd = pidfd_open(getpid(), 0);
	siginfo_t info = { .si_signo = SIGUSR2, .si_code = SI_QUEUE };

	info.si_int = 99;
	info.si_pid = 1;
	sigaction(SIGUSR1, &act, NULL);
	sigaction(SIGUSR2, &act, NULL);
	CHECK_EQ(send_signal(fd, 0, NULL, 0), 0);
	CHECK_EQ(send_signal(fd, SIGUSR1, NULL, 0), 0);
	CHECK_EQ(got, SIGUSR1);
	CHECK_EQ(got_pid, getpid());
	CHECK_EQ(send_signal(fd, SIGUSR2, &info, 0), 0);
	CHECK_EQ(got, SIGUSR2);
	CHECK_EQ(got_value, 99);
	CHECK_ERR(send_signal(fd, SIGUSR1, &info, 0), EINVAL);
	CHECK_ERR(send_signal(fd, 65, NULL, 0), EINVAL);
	CHECK_ERR(send_signal(fd, SIGUSR1, NULL, 0x100), EINVAL);
	CHECK_ERR(send_signal(fd, SIGUSR1, BAD, 0), EFAULT);
	CHECK_ERR(send_signal(99, SIGUSR1, NULL, 0), EBADF);
	CHECK_ERR(send_signal(1, SIGUSR1, NULL, 0), EBADF);
	AS_USER(CHECK_ERR(send_signal(fd, SIGUSR1, NULL, 0), EPERM));
}

TEST(pidfd_is_also_a_folder_in_proc)
{
	int release, folder, inside, path;
	char name[32];
	pid_t child = waiting_child(&release);

	snprintf(name, sizeof(name), "/proc/%d", child);
	folder = open(name, O_RDONLY | O_DIRECTORY);
	path = open(name, O_PATH);
	inside = openat(folder, "fd", O_RDONLY | O_DIRECTORY);
	REQUIRE(folder >= 0 && inside >= 0 && path >= 0);
	CHECK_EQ(send_signal(folder, 0, NULL, 0), 0);
	CHECK_ERR(send_signal(folder, 65, NULL, 0), EINVAL);
	CHECK_ERR(send_signal(inside, 0, NULL, 0), EBADF);
	CHECK_ERR(send_signal(path, 0, NULL, 0), EBADF);
	CHECK_ERR(send_signal(open("/proc", O_RDONLY), 0, NULL, 0), EBADF);
	AS_USER(CHECK_ERR(send_signal(folder, SIGKILL, NULL, 0), EPERM));
	CHECK_EQ(send_signal(folder, SIGKILL, NULL, 0), 0);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_ERR(send_signal(folder, 0, NULL, 0), ESRCH);
}

TEST(clone_gives_a_pidfd)
{
	int release[2], fd = -1, status;
	char byte;
	pid_t child, pid;

	REQUIRE(pipe(release) == 0);
	child = (pid_t)syscall(NR_clone, CLONE_PIDFD | SIGCHLD, 0, &fd, 0, 0);
	if (child == 0) { /* it has no descriptor of itself */
		close(release[1]);
		read(release[0], &byte, 1);
		_exit(send_signal(fd, 0, NULL, 0) == 0);
	}
	REQUIRE(child > 0 && fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(ready(fd, 0), 0);
	close(release[1]);
	CHECK_EQ(ready(fd, -1), POLLIN);
	status = status_of(fd, WEXITED, &pid);
	CHECK_EQ(pid, child);
	CHECK_EQ(status, 0);
}

TEST(clone3_gives_a_pidfd)
{
	int fd = -1, tid = -1;
	struct clone_args args = { .flags = CLONE_PIDFD | CLONE_PARENT_SETTID,
				   .pidfd = (uint64_t)&fd,
				   .parent_tid = (uint64_t)&tid,
				   .exit_signal = SIGCHLD };
	pid_t child = (pid_t)syscall(NR_clone3, &args, sizeof(args)), pid;

	if (child == 0)
		_exit(9);
	REQUIRE(child > 0 && fd >= 0);
	CHECK_EQ(tid, child);
	CHECK_EQ(status_of(fd, WEXITED, &pid), 9);
	CHECK_EQ(pid, child);
}

TEST(clone_errors_leave_nothing)
{
	int fd = -1, next = dup(0);

	close(next);
	CHECK_ERR(syscall(NR_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD,
			  0, &fd, 0, 0),
		  EINVAL);
	CHECK_ERR(syscall(NR_clone, CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, 0,
			  &fd, 0, 0),
		  EINVAL);
	CHECK_ERR(syscall(NR_clone, CLONE_PIDFD | SIGCHLD, 0, BAD, 0, 0),
		  EFAULT);
	CHECK_EQ(fd, -1);
	CHECK_EQ(dup(0), next);
	CHECK_ERR(wait(NULL), ECHILD);
}

/** What /proc says of a descriptor; without its ending NUL. */
static const char *
fdinfo(int fd)
{
	static char text[512];
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	n = read(open(path, O_RDONLY), text, sizeof(text) - 1);
	REQUIRE(n > 0);
	text[n] = '\0';
	return text;
}

TEST(pidfd_in_proc)
{
	int release, fd, file;
	pid_t child = waiting_child(&release), pid;
	char want[64], link[64] = "";

	fd = pidfd_open(child, 0);
	snprintf(want, sizeof(want), "\nPid:\t%d\n", child);
	CHECK(strstr(fdinfo(fd), want) != NULL);
	CHECK(strncmp(fdinfo(fd), "pos:\t0\nflags:\t02000002\n", 23) == 0);
	snprintf(want, sizeof(want), "/proc/self/fd/%d", fd);
	CHECK(readlink(want, link, sizeof(link) - 1) > 0);
	CHECK(strstr(link, "pidfd") != NULL);
	close(release);
	status_of(fd, WEXITED, &pid);
	CHECK(strstr(fdinfo(fd), "\nPid:\t-1\n") != NULL);

	file = open("f", O_RDWR | O_CREAT | O_APPEND, 0600);
	CHECK_EQ(write(file, "abc", 3), 3);
	CHECK(strncmp(fdinfo(file), "pos:\t3\nflags:\t0102002\n", 22) == 0);
	CHECK_EQ(open("/proc/self/fdinfo/99", O_RDONLY), -1);
}
