/*
 * setpgid, getpgid, getpgrp, setsid, getsid; the process's and the users'
 * numbers: their manual pages, credentials(7).
 */
#include <limits.h>
#include <sched.h>
#include "check.h"

TEST(own_group)
{
	CHECK_EQ(getpgrp(), getpgid(0));
	CHECK_EQ(getpgrp(), getpgid(getpid()));
	CHECK_EQ(IN_CHILD({
			 pid_t old = getpgrp();

			 CHECK_EQ(old, getpgid(getppid()));
			 CHECK_EQ(setpgid(0, 0), 0);
			 CHECK_EQ(getpgrp(), getpid());
			 CHECK_EQ(setpgid(0, old), 0);
			 CHECK_EQ(getpgrp(), old);
		 }),
		 0);
}

TEST(setpgid_of_child)
{
	pid_t child = fork();

	if (child == 0)
		for (;;)
			pause();
	CHECK_EQ(setpgid(child, 0), 0);
	CHECK_EQ(getpgid(child), child);
	CHECK_EQ(setpgid(child, getpgrp()), 0);
	CHECK_EQ(getpgid(child), getpgrp());
	kill(child, SIGKILL);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

TEST(setpgid_errors)
{
	CHECK_ERR(setpgid(0, -1), EINVAL);
	CHECK_ERR(setpgid(INT_MAX, 0), ESRCH);
	CHECK_ERR(setpgid(1, 0), ESRCH); /* no child of ours */
	CHECK_ERR(setpgid(-1, 5), ESRCH);
	CHECK_ERR(setpgid(-1, 0), EINVAL); /* the group would be -1 */
	CHECK_EQ(IN_CHILD(CHECK_ERR(setpgid(0, INT_MAX), EPERM)), 0);
	CHECK_ERR(getpgid(INT_MAX), ESRCH);
	CHECK_ERR(getpgid(-1), ESRCH);
	CHECK_ERR(getsid(INT_MAX), ESRCH);
}

TEST(setpgid_after_exec)
{
	int p[2];
	pid_t child;
	char c;

	REQUIRE(pipe2(p, O_CLOEXEC) == 0);
	child = fork();
	if (child == 0) {
		execl(check_program, "check", "-x", "wait", NULL);
		_exit(1);
	}
	close(p[1]);
	CHECK_EQ(read(p[0], &c, 1), 0); /* its copy was closed by exec */
	CHECK_ERR(setpgid(child, 0), EACCES);
	kill(child, SIGKILL);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

int
check_exec_role(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (;;)
		pause();
	return 0;
}

#define FORK_PAGES 4000 /* what fork has to copy the tables of */
#define ROUNDS	   10

/* The leader of a group: most of the time it is within a fork. */
static void
fork_for_ever(int ready)
{
	char *m = mmap(NULL, FORK_PAGES * 4096L, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (m == MAP_FAILED || setpgid(0, 0))
		_exit(1);
	for (;;) {
		pid_t child = fork();

		if (child == 0)
			for (;;)
				pause();
		if (child > 0) {
			kill(child, SIGKILL);
			waitpid(child, NULL, 0);
			write(ready, "", 1);
		}
	}
}

/* fork(2) and kill(2) are atomic to each other: whoever is in a group, or is
 * about to be born into it, gets the signal. */
TEST(fork_does_not_escape_a_kill_of_its_group)
{
	int round, left = 0, i, p[2];
	char c;

	syscall(NR_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	for (round = 0; round < ROUNDS && !left; round++) {
		pid_t leader;

		REQUIRE(pipe(p) == 0);
		leader = fork();
		if (leader == 0)
			fork_for_ever(p[1]);
		CHECK_EQ(read(p[0], &c, 1), 1);
		usleep(round * 300);
		CHECK_EQ(kill(-leader, SIGKILL), 0);
		/* Its orphans come to us; who has escaped does not end. */
		for (i = 0; i < 300; i++) {
			while (waitpid(-leader, NULL, WNOHANG) > 0)
				;
			left = kill(-leader, 0) == 0;
			if (!left)
				break;
			usleep(10000);
		}
		kill(-leader, SIGKILL);
		close(p[0]);
		close(p[1]);
	}
	CHECK_EQ(left, 0);
}

TEST(setsid)
{
	CHECK_EQ(IN_CHILD({
			 CHECK_EQ(getsid(0), getsid(getppid()));
			 CHECK_EQ(setsid(), getpid());
			 CHECK_EQ(getsid(0), getpid());
			 CHECK_EQ(getpgrp(), getpid());
			 CHECK_ERR(setsid(), EPERM);	  /* leads a group */
			 CHECK_ERR(setpgid(0, 0), EPERM); /* and a session */
		 }),
		 0);
}

TEST(session_without_terminal)
{
	CHECK_EQ(IN_CHILD({
			 setsid();
			 CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
		 }),
		 0);
}

TEST(groups_do_not_cross_sessions)
{
	pid_t child = fork();
	int p[2];

	if (child == 0)
		for (;;)
			pause();
	REQUIRE(pipe(p) == 0);
	CHECK_EQ(IN_CHILD({
			 setsid();
			 CHECK_ERR(setpgid(0, child), EPERM);
		 }),
		 0);
	CHECK_EQ(IN_CHILD({
			 /* our child in another session may not be moved */
			 char c;
			 pid_t other = fork();

			 if (other == 0) {
				 setsid();
				 write(p[1], "x", 1);
				 for (;;)
					 pause();
			 }
			 CHECK_EQ(read(p[0], &c, 1), 1);
			 CHECK_ERR(setpgid(other, getpgrp()), EPERM);
			 kill(other, SIGKILL);
			 CHECK_EQ(waitpid(other, NULL, 0), other);
		 }),
		 0);
	kill(child, SIGKILL);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

TEST(process_numbers)
{
	pid_t self = getpid();

	CHECK(self > 1);
	CHECK_EQ(gettid(), self);
	CHECK_EQ(IN_CHILD(CHECK_EQ(getppid(), self); CHECK(getpid() != self)),
		 0);
}

TEST(user_numbers)
{
	CHECK_EQ(getuid(), 0);
	CHECK_EQ(geteuid(), 0);
	CHECK_EQ(getgid(), 0);
	CHECK_EQ(getegid(), 0);
	AS_USER(CHECK_EQ(getuid(), USER_ID); CHECK_EQ(geteuid(), USER_ID);
		CHECK_EQ(getgid(), USER_ID); CHECK_EQ(getegid(), USER_ID);
		CHECK_EQ(IN_CHILD(CHECK_EQ(getuid(), USER_ID)), 0));
}

TEST(users_may_not_become_others)
{
	AS_USER(CHECK_ERR(setuid(0), EPERM); CHECK_ERR(setgid(0), EPERM);
		CHECK_ERR(setresuid(0, 0, 0), EPERM);
		CHECK_ERR(setresgid(-1, 0, -1), EPERM);
		CHECK_ERR(setgroups(0, NULL), EPERM);
		CHECK_EQ(setuid(USER_ID), 0));
	CHECK_EQ(IN_CHILD({
			 /* the saved one may come back */
			 CHECK_EQ(setresuid(USER_ID, USER_ID, 0), 0);
			 CHECK_EQ(setresuid(-1, 0, -1), 0);
			 CHECK_EQ(geteuid(), 0);
		 }),
		 0);
}

TEST(getgroups)
{
	gid_t set[3] = { 5, 7, 100000 }, got[3] = { 0 };

	CHECK_EQ(setgroups(3, set), 0);
	CHECK_EQ(getgroups(0, NULL), 3);
	CHECK_EQ(getgroups(3, got), 3);
	CHECK(memcmp(set, got, sizeof(set)) == 0);
	CHECK_ERR(getgroups(2, got), EINVAL);
	CHECK_ERR(getgroups(-1, got), EINVAL);
	CHECK_ERR(getgroups(3, BAD), EFAULT);
	CHECK_ERR(setgroups(NGROUPS_MAX + 1, set), EINVAL);
	CHECK_ERR(setgroups(3, BAD), EFAULT);
	CHECK_EQ(setgroups(0, NULL), 0);
	CHECK_EQ(getgroups(3, got), 0);
}

TEST(groups_give_permission)
{
	gid_t group = 77;

	make_file("f", "");
	CHECK_EQ(chown("f", 0, 77), 0);
	CHECK_EQ(chmod("f", 0640), 0);
	AS_USER(CHECK_ERR(open("f", O_RDONLY), EACCES));
	CHECK_EQ(IN_CHILD({
			 CHECK_EQ(setgroups(1, &group), 0);
			 CHECK_EQ(setresgid(USER_ID, USER_ID, USER_ID), 0);
			 CHECK_EQ(setresuid(USER_ID, USER_ID, USER_ID), 0);
			 CHECK(open("f", O_RDONLY) >= 0);
			 CHECK_ERR(open("f", O_WRONLY), EACCES);
		 }),
		 0);
}

TEST(owner_class_wins)
{
	make_file("f", "");
	CHECK_EQ(chown("f", USER_ID, USER_ID), 0);
	CHECK_EQ(chmod("f", 0077), 0); /* the others may, the owner may not */
	AS_USER(CHECK_ERR(open("f", O_RDONLY), EACCES));
}
