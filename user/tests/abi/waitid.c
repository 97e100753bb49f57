/*
 * waitid(2): which children, what is told of them, and what waits on.
 */
#include <sys/resource.h>
#include "check.h"

static siginfo_t info;

static long
wait_id(int which, int id, int options)
{
	memset(&info, 0x55, sizeof(info));
	return syscall(NR_waitid, which, id, &info, options, NULL);
}

static pid_t
child_that_exits(int status)
{
	pid_t child = fork();

	if (child == 0)
		_exit(status);
	return child;
}

static pid_t
child_that_waits(void)
{
	pid_t child = fork();

	if (child == 0)
		for (;;)
			pause();
	return child;
}

static void
told(pid_t child, int code, int status)
{
	CHECK_EQ(info.si_signo, SIGCHLD);
	CHECK_EQ(info.si_pid, child);
	CHECK_EQ(info.si_uid, getuid());
	CHECK_EQ(info.si_code, code);
	CHECK_EQ(info.si_status, status);
}

TEST(waitid_of_an_exit)
{
	pid_t child = child_that_exits(7);

	CHECK_EQ(wait_id(P_PID, child, WEXITED), 0);
	told(child, CLD_EXITED, 7);
	CHECK_ERR(wait_id(P_PID, child, WEXITED), ECHILD);
}

TEST(waitid_of_a_kill)
{
	pid_t child = child_that_waits();

	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(wait_id(P_ALL, 0, WEXITED), 0);
	told(child, CLD_KILLED, SIGKILL);
}

TEST(waitid_of_stop_and_continue)
{
	pid_t child = child_that_waits();

	CHECK_EQ(kill(child, SIGSTOP), 0);
	CHECK_EQ(wait_id(P_PID, child, WSTOPPED | WEXITED), 0);
	told(child, CLD_STOPPED, SIGSTOP);
	CHECK_EQ(kill(child, SIGCONT), 0);
	CHECK_EQ(wait_id(P_PID, child, WCONTINUED), 0);
	told(child, CLD_CONTINUED, SIGCONT);
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(wait_id(P_PID, child, WEXITED), 0);
}

TEST(waitid_leaves_it)
{
	pid_t child = child_that_exits(3);
	struct rusage usage = { .ru_utime = { -1, 0 } };

	for (int i = 0; i < 2; i++) {
		CHECK_EQ(wait_id(P_PID, child, WEXITED | WNOWAIT), 0);
		told(child, CLD_EXITED, 3);
	}
	CHECK_EQ(syscall(NR_waitid, P_PID, child, NULL, WEXITED, &usage), 0);
	CHECK(usage.ru_utime.tv_sec >= 0);
	CHECK_ERR(wait_id(P_PID, child, WEXITED), ECHILD);
}

TEST(waitid_nobody_yet)
{
	pid_t child = child_that_waits();

	CHECK_EQ(wait_id(P_PID, child, WEXITED | WNOHANG), 0);
	CHECK_EQ(info.si_signo, 0);
	CHECK_EQ(info.si_pid, 0);
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(wait_id(P_PID, child, WEXITED), 0);
}

TEST(waitid_by_group)
{
	pid_t other = child_that_waits(), own = child_that_exits(1);

	CHECK_EQ(setpgid(other, other), 0);
	CHECK_EQ(wait_id(P_PGID, 0, WEXITED), 0);
	CHECK_EQ(info.si_pid, own);
	CHECK_ERR(wait_id(P_PGID, getpgrp(), WEXITED), ECHILD);
	CHECK_EQ(kill(other, SIGKILL), 0);
	CHECK_EQ(wait_id(P_PGID, other, WEXITED), 0);
	CHECK_EQ(info.si_pid, other);
}

TEST(waitid_errors)
{
	pid_t child = child_that_exits(0);

	CHECK_ERR(wait_id(P_PID, child, 0), EINVAL);
	CHECK_ERR(wait_id(P_PID, child, WNOHANG), EINVAL);
	CHECK_ERR(wait_id(P_PID, child, WEXITED | 0x10), EINVAL);
	CHECK_ERR(wait_id(99, child, WEXITED), EINVAL);
	CHECK_ERR(wait_id(P_PID, 0, WEXITED), EINVAL);
	CHECK_ERR(wait_id(P_PID, -1, WEXITED), EINVAL);
	CHECK_ERR(wait_id(P_PGID, -1, WEXITED), EINVAL);
	CHECK_ERR(wait_id(P_PID, 1, WEXITED), ECHILD);
	CHECK(info.si_signo == 0 && info.si_pid == 0); /* told even so */
	CHECK_ERR(syscall(NR_waitid, P_PID, 1, BAD, WEXITED, NULL), EFAULT);
	CHECK_ERR(
		syscall(NR_waitid, P_PID, child, BAD, WEXITED | WNOWAIT, NULL),
		EFAULT);
	CHECK_EQ(wait_id(P_PID, child, WEXITED), 0);
	CHECK_ERR(syscall(NR_wait4, INT_MIN, NULL, 0, NULL), ESRCH);
}
