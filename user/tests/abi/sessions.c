/*
 * Controlling terminals, through a pseudo-terminal: who gets one, who loses it,
 * and who is told: ioctl_tty(2), setsid(2), vhangup(2), credentials(7).
 */
#include <sched.h>
#include "pseudo.h"

static volatile int hups, conts, winches;

static void
count(int signo)
{
	if (signo == SIGHUP)
		hups++;
	else if (signo == SIGCONT)
		conts++;
	else
		winches++;
}

static void
count_signals(void)
{
	signal(SIGHUP, count);
	signal(SIGCONT, count);
	signal(SIGWINCH, count);
}

TEST(hang_up_tells_the_leader_then_the_foreground)
{
	struct pair p = open_pair();
	int up[2], status;
	char c;

	REQUIRE(pipe(up) == 0);
	pid_t leader = fork();
	if (leader == 0) {
		close(p.master);
		lead_session(&p);
		pid_t front = fork();
		if (front == 0) {
			close(up[0]);
			signal(SIGHUP, SIG_DFL);
			for (;;)
				pause();
		}
		setpgid(front, front);
		signal(SIGTTOU, SIG_IGN);
		CHECK_EQ(tcsetpgrp(p.slave, front), 0);
		count_signals();
		put(up[1], "r");
		while (hups == 0 || conts == 0)
			usleep(1000);
		CHECK_EQ(waitpid(front, &status, WNOHANG), 0); /* not yet */
		CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
		_exit(check_failures != 0);
	}
	close(up[1]);
	CHECK_EQ(read(up[0], &c, 1), 1);
	CHECK_EQ(close(p.master), 0);
	CHECK(ends_well(leader));
	CHECK_EQ(read(up[0], &c, 1), 0); /* the one in front has ended, too */
}

TEST(the_leaders_end_frees_the_terminal)
{
	struct pair p = open_pair();
	int up[2];
	char c;

	REQUIRE(pipe(up) == 0);
	pid_t leader = fork();
	if (leader == 0) {
		lead_session(&p);
		if (fork() == 0) { /* in the foreground, and lives on */
			count_signals();
			put(up[1], "r");
			while (hups == 0)
				usleep(1000);
			CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
			put(p.slave, check_failures ? "bad" : "yes");
			_exit(0);
		}
		CHECK_EQ(read(up[0], &c, 1), 1);
		_exit(check_failures != 0);
	}
	CHECK(ends_well(leader));
	CHECK(gets_text(p.master, "yes"));	 /* files outlive the session */
	CHECK_EQ(IN_CHILD(lead_session(&p)), 0); /* it is free */
}

TEST(taking_a_terminal)
{
	struct pair p = open_pair();
	int32_t id;

	CHECK_ERR(ioctl(p.slave, TIOCSCTTY, 0), EPERM); /* leads no session */
	CHECK_ERR(ioctl(p.slave, TIOCGSID, &id), ENOTTY);
	CHECK_ERR(ioctl(p.slave, TIOCGPGRP, &id), ENOTTY);
	CHECK_ERR(ioctl(p.slave, TIOCNOTTY), ENOTTY);
	CHECK_EQ(ioctl(p.master, TIOCGPGRP, &id), 0);
	CHECK_EQ(id, 0);
	CHECK_EQ(IN_CHILD({
			 struct pair other = open_pair();

			 lead_session(&p);
			 CHECK_EQ(ioctl(p.slave, TIOCSCTTY, 0), 0); /* again */
			 CHECK_ERR(ioctl(other.slave, TIOCSCTTY, 0), EPERM);
			 CHECK_EQ(ioctl(p.slave, TIOCGSID, &id), 0);
			 CHECK_EQ(id, getpid());
			 CHECK_EQ(tcgetpgrp(p.slave), getpid());
			 CHECK_EQ(ioctl(p.master, TIOCGPGRP, &id), 0);
			 CHECK_EQ(id, getpid());
			 CHECK_EQ(ioctl(p.master, TIOCGSID, &id), 0);
			 CHECK_EQ(id, getpid());
			 CHECK_ERR(ioctl(other.slave, TIOCGPGRP, &id), ENOTTY);
			 CHECK_ERR(ioctl(p.slave, TIOCGPGRP, BAD), EFAULT);
			 CHECK_ERR(ioctl(p.slave, TIOCSPGRP, BAD), EFAULT);
			 CHECK_ERR(tcsetpgrp(p.slave, -1), EINVAL);
			 CHECK_ERR(tcsetpgrp(p.slave, INT_MAX), ESRCH);
			 CHECK_ERR(tcsetpgrp(p.slave, getppid()), EPERM);
			 CHECK_ERR(tcsetpgrp(other.slave, getpid()), ENOTTY);
		 }),
		 0);
}

TEST(a_terminal_that_is_taken)
{
	struct pair p = open_pair();
	int go[2], done[2];
	char c;

	REQUIRE(pipe(go) == 0 && pipe(done) == 0);
	pid_t first = fork();
	if (first == 0) {
		int32_t id;

		lead_session(&p);
		put(go[1], "x");
		CHECK_EQ(read(done[0], &c, 1), 1);
		CHECK_ERR(ioctl(p.slave, TIOCGPGRP, &id), ENOTTY);
		_exit(check_failures != 0);
	}
	CHECK_EQ(read(go[0], &c, 1), 1);
	CHECK_EQ(IN_CHILD({
			 setsid();
			 CHECK_ERR(ioctl(p.slave, TIOCSCTTY, 0), EPERM);
			 CHECK_EQ(IN_CHILD({
					  setsid();
					  become_user();
					  CHECK_ERR(
						  ioctl(p.slave, TIOCSCTTY, 1),
						  EPERM);
				  }),
				  0);
			 CHECK_EQ(ioctl(p.slave, TIOCSCTTY, 1), 0); /* steal */
			 CHECK_EQ(tcgetpgrp(p.slave), getpid());
		 }),
		 0);
	put(done[1], "x");
	CHECK(ends_well(first));
}

TEST(opening_takes_it)
{
	struct pair p = open_master();
	int fd;

	chmod(p.path, 0666);
	CHECK_EQ(IN_CHILD({
			 setsid();
			 close(open(p.path, O_RDWR | O_NOCTTY));
			 CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
			 close(open(p.path, O_WRONLY)); /* cannot read it */
			 CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
			 close(open("/dev/ptmx", O_RDWR));
			 CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
			 close(open(p.path, O_RDWR));
			 fd = open("/dev/tty", O_RDWR);
			 CHECK(fd >= 0);
			 put(fd, "mine");
			 CHECK(gets_text(p.master, "mine"));
			 CHECK_EQ(tcgetpgrp(fd), getpid());
		 }),
		 0);
	CHECK_EQ(IN_CHILD({
			 setsid();
			 become_user();
			 fd = open(p.path, O_WRONLY);
			 CHECK(fd >= 0);
			 CHECK_ERR(ioctl(fd, TIOCSCTTY, 0), EPERM);
		 }),
		 0);
}

TEST(giving_it_up)
{
	struct pair p = open_pair();

	CHECK_EQ(IN_CHILD({
			 lead_session(&p);
			 CHECK_EQ(IN_CHILD({
					  CHECK_EQ(ioctl(p.slave, TIOCNOTTY),
						   0);
					  CHECK_ERR(open("/dev/tty", O_RDWR),
						    ENXIO);
				  }),
				  0);
			 CHECK_EQ(tcgetpgrp(p.slave), getpid());
			 count_signals();
			 CHECK_EQ(ioctl(p.slave, TIOCNOTTY), 0);
			 CHECK_EQ(hups, 1);
			 CHECK_EQ(conts, 1);
			 CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
			 put(p.slave, "alive");
			 CHECK(gets_text(p.master, "alive"));
			 CHECK_EQ(ioctl(p.slave, TIOCSCTTY, 0), 0);
		 }),
		 0);
}

TEST(vhangup)
{
	struct pair p = open_pair();
	char c;

	AS_USER(CHECK_ERR(syscall(NR_vhangup), EPERM));
	CHECK_EQ(IN_CHILD({
			 lead_session(&p);
			 count_signals();
			 CHECK_EQ(syscall(NR_vhangup), 0);
			 CHECK_EQ(hups, 1);
			 CHECK_EQ(conts, 1);
			 CHECK_EQ(read(p.slave, &c, 1), 0);
			 CHECK_ERR(write(p.slave, "x", 1), EIO);
			 CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
			 close(p.slave);
			 p.slave = open(p.path, O_RDWR | O_NOCTTY);
			 put(p.slave, "again");
			 CHECK(gets_text(p.master, "again"));
		 }),
		 0);
}

TEST(window_size)
{
	struct pair p = open_pair();
	struct winsize w = { 1, 2, 3, 4 };

	CHECK_EQ(ioctl(p.slave, TIOCGWINSZ, &w), 0);
	CHECK_EQ(w.ws_row | w.ws_col | w.ws_xpixel | w.ws_ypixel, 0);
	CHECK_EQ(IN_CHILD({
			 lead_session(&p);
			 count_signals();
			 w = (struct winsize){ 24, 80, 1, 2 };
			 CHECK_EQ(ioctl(p.master, TIOCSWINSZ, &w), 0);
			 CHECK_EQ(winches, 1);
			 CHECK_EQ(ioctl(p.slave, TIOCSWINSZ, &w), 0);
			 CHECK_EQ(winches, 1); /* as it was: no news */
			 w.ws_col = 81;
			 CHECK_EQ(ioctl(p.slave, TIOCSWINSZ, &w), 0);
			 CHECK_EQ(winches, 2);
			 memset(&w, 0, sizeof(w));
			 CHECK_EQ(ioctl(p.master, TIOCGWINSZ, &w), 0);
			 CHECK_EQ(w.ws_row, 24);
			 CHECK_EQ(w.ws_col, 81);
			 CHECK_EQ(w.ws_xpixel, 1);
			 CHECK_EQ(w.ws_ypixel, 2);
		 }),
		 0);
	CHECK_ERR(ioctl(p.slave, TIOCGWINSZ, BAD), EFAULT);
	CHECK_ERR(ioctl(p.slave, TIOCSWINSZ, BAD), EFAULT);
}

TEST(signals_from_the_master)
{
	struct pair p = open_pair();
	int status;

	pid_t child = fork();
	if (child == 0) {
		lead_session(&p);
		put(p.slave, "r");
		for (;;)
			pause();
	}
	CHECK(gets_text(p.master, "r"));
	CHECK_EQ(ioctl(p.master, TIOCSIG, SIGQUIT), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(WTERMSIG(status), SIGQUIT);
}

/* ---- In the background ---- */

static int
read_in_thread(void *fd)
{
	char c = 0;

	_exit(read((int)(long)fd, &c, 1) != 1 || c != 'x');
}

/* The signal may be another thread's; the one that reads stops with it, and
 * reads once it is in the foreground. */
TEST(background_reads_of_a_thread)
{
	struct pair p = open_pair();
	static char stack[16384] __attribute__((aligned(16)));
	int status;
	pid_t leader, job;

	put(p.master, "x\n");
	leader = fork();
	if (leader == 0) {
		lead_session(&p);
		signal(SIGTTOU, SIG_IGN);
		job = fork();
		if (job == 0) {
			setpgid(0, 0);
			clone(read_in_thread, stack + sizeof(stack),
			      CLONE_VM | CLONE_SIGHAND | CLONE_THREAD |
				      CLONE_FILES | CLONE_FS,
			      (void *)(long)p.slave, NULL, NULL, NULL);
			for (;;)
				pause();
		}
		CHECK_EQ(waitpid(job, &status, WUNTRACED), job);
		CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
		CHECK_EQ(tcsetpgrp(p.slave, job), 0);
		kill(job, SIGCONT);
		CHECK_EQ(waitpid(job, &status, 0), job);
		CHECK_EQ(status, 0);
		_exit(check_failures != 0);
	}
	CHECK_EQ(waitpid(leader, &status, 0), leader);
	CHECK_EQ(status, 0);
}
