/*
 * rt_sigaction, rt_sigprocmask, rt_sigsuspend, sigpending, pause, kill, tkill,
 * tgkill: signal(7) and their manual pages. Faults, frames, stacks: frames.c.
 */
#include <limits.h>
#include <sched.h>
#include <time.h>
#include "check.h"

static volatile int caught, caught_sig, in_handler;
static volatile siginfo_t info;

static void
count(int sig)
{
	caught++;
	caught_sig = sig;
}

static void
keep_info(int sig, siginfo_t *si, void *context)
{
	(void)context;
	caught++;
	caught_sig = sig;
	info = *si;
}

static void
install(int sig, void (*handler)(int), unsigned flags)
{
	struct sigaction act = { .sa_handler = handler, .sa_flags = flags };

	REQUIRE(sigaction(sig, &act, NULL) == 0);
	caught = 0;
}

static void
install_info(int sig)
{
	struct sigaction act = { .sa_sigaction = keep_info,
				 .sa_flags = SA_SIGINFO };

	REQUIRE(sigaction(sig, &act, NULL) == 0);
	caught = 0;
}

static void
block(int sig)
{
	sigset_t set = KSIGMASK(sig);

	REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
}

static void
unblock(int sig)
{
	sigset_t set = KSIGMASK(sig);

	REQUIRE(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
}

static bool
is_pending(int sig)
{
	sigset_t set = 0;

	CHECK_EQ(sigpending(&set), 0);
	return sigismember(&set, sig);
}

TEST(handler_runs)
{
	install(SIGUSR1, count, 0);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(caught, 1);
	CHECK_EQ(caught_sig, SIGUSR1);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(caught, 2);
}

TEST(sigaction_reports_the_old)
{
	struct sigaction old, act = { .sa_handler = count,
				      .sa_mask = KSIGMASK(SIGHUP),
				      .sa_flags = SA_RESTART };

	CHECK_EQ(sigaction(SIGUSR1, &act, &old), 0);
	CHECK(old.sa_handler == SIG_DFL);
	CHECK_EQ(sigaction(SIGUSR1, NULL, &old), 0);
	CHECK(old.sa_handler == count && old.sa_flags == SA_RESTART);
	CHECK_EQ(old.sa_mask, KSIGMASK(SIGHUP));
	act.sa_mask = ~0ul; /* the two that cannot be blocked are dropped */
	CHECK_EQ(sigaction(SIGUSR1, &act, NULL), 0);
	CHECK_EQ(sigaction(SIGUSR1, NULL, &old), 0);
	CHECK_EQ(old.sa_mask, ~(KSIGMASK(SIGKILL) | KSIGMASK(SIGSTOP)));
}

TEST(sigaction_errors)
{
	struct sigaction act = { .sa_handler = SIG_IGN };
	struct ksigaction k = { 0 };

	CHECK_ERR(sigaction(0, &act, NULL), EINVAL);
	CHECK_ERR(sigaction(65, &act, NULL), EINVAL);
	CHECK_ERR(sigaction(-1, NULL, NULL), EINVAL);
	CHECK_ERR(sigaction(SIGKILL, &act, NULL), EINVAL);
	CHECK_ERR(sigaction(SIGSTOP, &act, NULL), EINVAL);
	CHECK_EQ(sigaction(SIGKILL, NULL, &act), 0);
	CHECK_ERR(syscall(NR_rt_sigaction, SIGUSR1, &k, NULL, 4), EINVAL);
	CHECK_ERR(syscall(NR_rt_sigaction, SIGUSR1, BAD, NULL, 8), EFAULT);
	CHECK_ERR(syscall(NR_rt_sigaction, SIGUSR1, NULL, BAD, 8), EFAULT);
}

TEST(default_actions)
{
	static const int kill_by[] = { SIGHUP,	SIGINT,	 SIGQUIT, SIGABRT,
				       SIGKILL, SIGUSR1, SIGSEGV, SIGPIPE,
				       SIGALRM, SIGTERM, 34,	  64 };
	static const int ignore[] = { SIGCHLD, SIGURG, SIGWINCH, SIGCONT };

	for (size_t i = 0; i < ARRAY_SIZE(kill_by); i++)
		CHECK_EQ(WTERMSIG(IN_CHILD(raise(kill_by[i]))), kill_by[i]);
	for (size_t i = 0; i < ARRAY_SIZE(ignore); i++)
		CHECK_EQ(IN_CHILD(raise(ignore[i])), 0);
}

TEST(ignored)
{
	signal(SIGTERM, SIG_IGN);
	CHECK_EQ(raise(SIGTERM), 0);
	block(SIGTERM);
	CHECK_EQ(raise(SIGTERM), 0);
	unblock(SIGTERM); /* nothing happens */
	CHECK(!is_pending(SIGTERM));
}

TEST(procmask)
{
	sigset_t old, set = KSIGMASK(SIGUSR1) | KSIGMASK(SIGUSR2);

	CHECK_EQ(sigprocmask(SIG_SETMASK, &set, &old), 0);
	CHECK_EQ(old, 0);
	set = KSIGMASK(SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
	set = KSIGMASK(SIGHUP);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(sigprocmask(99, NULL, &old), 0); /* how is not read */
	CHECK_EQ(old, KSIGMASK(SIGHUP) | KSIGMASK(SIGUSR2));
	set = ~0ul;
	CHECK_EQ(sigprocmask(SIG_SETMASK, &set, NULL), 0);
	CHECK_EQ(sigprocmask(0, NULL, &old), 0);
	CHECK_EQ(old, ~(KSIGMASK(SIGKILL) | KSIGMASK(SIGSTOP)));
	CHECK_ERR(sigprocmask(99, &set, NULL), EINVAL);
	CHECK_ERR(syscall(NR_rt_sigprocmask, 0, &set, NULL, 4), EINVAL);
	CHECK_ERR(sigprocmask(SIG_BLOCK, BAD, NULL), EFAULT);
	CHECK_ERR(sigprocmask(SIG_BLOCK, NULL, BAD), EFAULT);
}

TEST(blocked_signal_waits)
{
	install(SIGUSR1, count, 0);
	block(SIGUSR1);
	raise(SIGUSR1);
	raise(SIGUSR1);
	CHECK_EQ(caught, 0);
	CHECK(is_pending(SIGUSR1));
	unblock(SIGUSR1);
	CHECK_EQ(caught, 1); /* it does not queue */
	CHECK(!is_pending(SIGUSR1));
}

TEST(real_time_signals_queue)
{
	install(SIGRTMIN, count, 0);
	block(SIGRTMIN);
	for (int i = 0; i < 3; i++)
		raise(SIGRTMIN);
	CHECK_EQ(caught, 0);
	unblock(SIGRTMIN);
	CHECK_EQ(caught, 3);
}

TEST(kill_cannot_be_blocked)
{
	CHECK_EQ(WTERMSIG(IN_CHILD(block(SIGKILL); raise(SIGKILL))), SIGKILL);
}

TEST(mask_is_inherited_pending_is_not)
{
	block(SIGUSR1);
	raise(SIGUSR1);
	CHECK(is_pending(SIGUSR1));
	CHECK_EQ(IN_CHILD(CHECK(!is_pending(SIGUSR1)); raise(SIGUSR1);
			  CHECK(is_pending(SIGUSR1))),
		 0);
	CHECK_ERR(syscall(NR_rt_sigpending, BAD, 8), EFAULT);
}

static void
raise_again(int sig)
{
	if (in_handler++ == 0) {
		raise(sig);
		caught = in_handler; /* how far it got at once */
	}
}

TEST(own_signal_is_blocked_in_handler)
{
	install(SIGUSR1, raise_again, 0);
	in_handler = 0;
	raise(SIGUSR1);
	CHECK_EQ(caught, 1);
	CHECK_EQ(in_handler, 2);
}

TEST(nodefer)
{
	install(SIGUSR1, raise_again, SA_NODEFER);
	in_handler = 0;
	raise(SIGUSR1);
	CHECK_EQ(caught, 2);
}

static void
raise_usr2(int sig)
{
	(void)sig;
	raise(SIGUSR2);
	in_handler = caught;
}

TEST(mask_in_handler)
{
	struct sigaction act = { .sa_handler = raise_usr2,
				 .sa_mask = KSIGMASK(SIGUSR2) };
	sigset_t now;

	install(SIGUSR2, count, 0);
	CHECK_EQ(sigaction(SIGUSR1, &act, NULL), 0);
	in_handler = 99;
	raise(SIGUSR1);
	CHECK_EQ(in_handler, 0); /* USR2 waited */
	CHECK_EQ(caught, 1);
	CHECK_EQ(sigprocmask(0, NULL, &now), 0);
	CHECK_EQ(now, 0); /* the return restored it */
}

TEST(resethand)
{
	struct sigaction old;

	install(SIGUSR1, count, SA_RESETHAND);
	raise(SIGUSR1);
	CHECK_EQ(caught, 1);
	CHECK_EQ(sigaction(SIGUSR1, NULL, &old), 0);
	CHECK(old.sa_handler == SIG_DFL);
}

TEST(siginfo_of_kill)
{
	install_info(SIGUSR1);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(caught, 1);
	CHECK_EQ(info.si_signo, SIGUSR1);
	CHECK_EQ(info.si_code, SI_USER);
	CHECK_EQ(info.si_pid, getpid());
	CHECK_EQ(info.si_uid, getuid());
	raise(SIGUSR1);
	CHECK_EQ(info.si_code, SI_TKILL);
}

TEST(siginfo_of_child)
{
	pid_t child;

	install_info(SIGCHLD);
	child = fork();
	if (child == 0)
		_exit(5);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_EQ(caught, 1);
	CHECK_EQ(info.si_code, CLD_EXITED);
	CHECK_EQ(info.si_pid, child);
	CHECK_EQ(info.si_status, 5);
	CHECK_EQ(IN_CHILD(raise(SIGKILL)), SIGKILL);
	CHECK_EQ(info.si_code, CLD_KILLED);
	CHECK_EQ(info.si_status, SIGKILL);
}

TEST(sigsuspend)
{
	sigset_t none = 0, now;

	install(SIGUSR1, count, 0);
	block(SIGUSR1);
	raise(SIGUSR1);
	CHECK_EQ(caught, 0);
	CHECK_ERR(sigsuspend(&none), EINTR);
	CHECK_EQ(caught, 1);
	CHECK_EQ(sigprocmask(0, NULL, &now), 0);
	CHECK_EQ(now, KSIGMASK(SIGUSR1)); /* as it was before */
	CHECK_ERR(sigsuspend(BAD), EFAULT);
	CHECK_ERR(syscall(NR_rt_sigsuspend, &none, 4), EINVAL);
}

static void
kill_parent_soon(int sig)
{
	if (fork() == 0) {
		struct timespec ts = { 0, 100000000 };

		nanosleep(&ts, NULL);
		kill(getppid(), sig);
		_exit(0);
	}
}

TEST(pause)
{
	install(SIGUSR1, count, SA_RESTART);
	kill_parent_soon(SIGUSR1);
	CHECK_ERR(pause(), EINTR);
	CHECK_EQ(caught, 1);
}

TEST(interrupted_read)
{
	int p[2];
	char c;

	REQUIRE(pipe(p) == 0);
	install(SIGUSR1, count, 0);
	kill_parent_soon(SIGUSR1);
	CHECK_ERR(read(p[0], &c, 1), EINTR);
	CHECK_EQ(caught, 1);
}

TEST(restarted_read)
{
	struct timespec ts = { 0, 100000000 };
	int p[2];
	char c = 0;

	REQUIRE(pipe(p) == 0);
	install(SIGUSR1, count, SA_RESTART);
	if (fork() == 0) {
		nanosleep(&ts, NULL);
		kill(getppid(), SIGUSR1);
		nanosleep(&ts, NULL);
		write(p[1], "r", 1);
		_exit(0);
	}
	CHECK_EQ(read(p[0], &c, 1), 1);
	CHECK_EQ(c, 'r');
	CHECK_EQ(caught, 1);
}

TEST(kill)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		for (;;)
			pause();
	CHECK_EQ(kill(child, 0), 0);
	CHECK_EQ(kill(child, SIGTERM), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, SIGTERM);
	CHECK_ERR(kill(child, 0), ESRCH);
	CHECK_ERR(kill(child, SIGTERM), ESRCH);
}

TEST(kill_zombie)
{
	pid_t child = fork();
	int p[2];
	char c;

	if (child == 0)
		_exit(0);
	REQUIRE(pipe(p) == 0);
	close(p[1]);
	read(p[0], &c, 1);
	for (int i = 0; i < 1000; i++)
		sched_yield();
	CHECK_EQ(kill(child, SIGTERM), 0); /* dead, but still there */
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

TEST(kill_group)
{
	int status, killed = 0;
	pid_t group = 0;

	for (int i = 0; i < 3; i++) {
		pid_t child = fork();

		if (child == 0)
			for (;;)
				pause();
		if (group == 0)
			group = child;
		CHECK_EQ(setpgid(child, group), 0);
	}
	CHECK_EQ(kill(-group, SIGTERM), 0);
	while (wait(&status) > 0)
		killed += status == SIGTERM;
	CHECK_EQ(killed, 3);
	CHECK_ERR(kill(-group, SIGTERM), ESRCH);
}

TEST(kill_own_group)
{
	CHECK_EQ(WTERMSIG(IN_CHILD({
			 setpgid(0, 0);
			 if (fork() == 0)
				 for (;;)
					 pause();
			 kill(0, SIGTERM);
			 for (;;)
				 pause();
		 })),
		 SIGTERM);
}

TEST(kill_errors)
{
	CHECK_ERR(kill(getpid(), 65), EINVAL);
	CHECK_ERR(kill(getpid(), -1), EINVAL);
	CHECK_ERR(kill(INT_MAX, SIGTERM), ESRCH);
	CHECK_ERR(kill(INT_MAX, 65), ESRCH);
	CHECK_ERR(tgkill(getpid(), INT_MAX, 65), ESRCH);
	CHECK_ERR(kill(INT_MIN, 0), ESRCH);
	AS_USER(CHECK_ERR(kill(getppid(), SIGTERM), EPERM);
		CHECK_ERR(kill(getppid(), 0), EPERM);
		CHECK_ERR(kill(1, SIGTERM), EPERM);
		CHECK_EQ(kill(-1, 0), 0)); /* though all are others' */
}

TEST(kill_of_a_zombie)
{
	siginfo_t info;
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	CHECK_EQ(syscall(NR_waitid, P_PID, child, &info, WEXITED | WNOWAIT,
			 NULL),
		 0);
	AS_USER(CHECK_ERR(kill(child, 0), EPERM));
	CHECK_EQ(kill(child, SIGTERM), 0);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

TEST(tkill_tgkill)
{
	install(SIGUSR1, count, 0);
	CHECK_EQ(syscall(NR_tkill, gettid(), SIGUSR1), 0);
	CHECK_EQ(tgkill(getpid(), gettid(), SIGUSR1), 0);
	CHECK_EQ(caught, 2);
	CHECK_EQ(tgkill(getpid(), gettid(), 0), 0);
	CHECK_ERR(syscall(NR_tkill, 0, SIGUSR1), EINVAL);
	CHECK_ERR(syscall(NR_tkill, -1, SIGUSR1), EINVAL);
	CHECK_ERR(syscall(NR_tkill, INT_MAX, SIGUSR1), ESRCH);
	CHECK_ERR(syscall(NR_tkill, gettid(), 65), EINVAL);
	CHECK_ERR(syscall(NR_tkill, INT_MAX, 65), ESRCH);
	CHECK_ERR(tgkill(0, gettid(), SIGUSR1), EINVAL);
	CHECK_ERR(tgkill(getpid(), 0, SIGUSR1), EINVAL);
	CHECK_ERR(tgkill(getpid(), INT_MAX, SIGUSR1), ESRCH);
	CHECK_ERR(tgkill(INT_MAX, gettid(), SIGUSR1), ESRCH);
	AS_USER(CHECK_ERR(tgkill(getppid(), getppid(), SIGUSR1), EPERM));
}

TEST(stop_by_each_signal)
{
	static const int stops[] = { SIGSTOP, SIGTSTP };
	int status;

	for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
		pid_t child = fork();

		if (child == 0)
			for (;;)
				pause();
		CHECK_EQ(kill(child, stops[i]), 0);
		CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
		CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == stops[i]);
		CHECK_EQ(kill(child, SIGTERM), 0); /* waits for CONT */
		CHECK_EQ(kill(child, SIGCONT), 0);
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(status, SIGTERM);
	}
}

TEST(stopped_child_can_be_killed)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		for (;;)
			pause();
	CHECK_EQ(kill(child, SIGSTOP), 0);
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, SIGKILL);
}

TEST(cont_runs_a_handler)
{
	int p[2], status;
	char c;
	pid_t child;

	REQUIRE(pipe(p) == 0);
	install(SIGCONT, count, 0);
	child = fork();
	if (child == 0) {
		kill(getpid(), SIGSTOP);
		while (caught == 0)
			sched_yield();
		write(p[1], "c", 1);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(kill(child, SIGCONT), 0);
	CHECK_EQ(read(p[0], &c, 1), 1);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}
