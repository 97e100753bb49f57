/*
 * Pseudo-terminals: pty(7), ptmx(4), ioctl_tty(2), tty_ioctl(2), vhangup(2);
 * and devpts. What the line discipline does is in terminal.c.
 */
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include "pseudo.h"

#define CLONE_NEWNS  0x20000
#define MS_PRIVATE   (1 << 18)
#define DEVPTS_MAGIC 0x1cd1

static int
try_open(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

TEST(a_pair)
{
	struct pair p = open_pair();

	put(p.slave, "out\n");
	CHECK(gets_text(p.master, "out\r\n"));
	put(p.master, "in\n");
	CHECK(reads_text(p.slave, "in\n"));
	CHECK(gets_text(p.master, "in\r\n"));
	CHECK_EQ(isatty(p.slave), 1);
	CHECK_EQ(isatty(p.master), 1);
}

TEST(it_is_locked_at_first)
{
	int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY), on = 7;
	unsigned n;
	char path[32];

	REQUIRE(fd >= 0);
	CHECK_EQ(ioctl(fd, TIOCGPTLCK, &on), 0);
	CHECK_EQ(on, 1);
	REQUIRE(ioctl(fd, TIOCGPTN, &n) == 0);
	snprintf(path, sizeof(path), "/dev/pts/%u", n);
	CHECK_ERR(open(path, O_RDWR | O_NOCTTY), EIO);
	on = 0;
	CHECK_EQ(ioctl(fd, TIOCSPTLCK, &on), 0);
	CHECK_EQ(ioctl(fd, TIOCGPTLCK, &on), 0);
	CHECK_EQ(on, 0);
	CHECK_EQ(try_open(path, O_RDWR | O_NOCTTY), 0);
	CHECK_ERR(ioctl(fd, TIOCGPTN, BAD), EFAULT);
	CHECK_ERR(ioctl(fd, TIOCSPTLCK, BAD), EFAULT);
	CHECK_ERR(ioctl(fd, TIOCGPTLCK, BAD), EFAULT);
	CHECK_ERR(ioctl(fd, TIOCPKT, BAD), EFAULT);
	CHECK_ERR(ioctl(fd, TIOCGPKT, BAD), EFAULT);
}

TEST(the_node)
{
	struct pair p = open_pair();
	struct stat st, open_st;
	char link[64] = "", fd_path[32];

	CHECK_EQ(stat(p.path, &st), 0);
	CHECK(S_ISCHR(st.st_mode));
	CHECK_EQ(major(st.st_rdev), 136);
	CHECK_EQ(minor(st.st_rdev), p.number);
	CHECK_EQ(st.st_uid, 0);
	CHECK_EQ(st.st_nlink, 1);
	CHECK_EQ(chmod(p.path, 0642), 0);
	CHECK_EQ(chown(p.path, 12, 34), 0);
	CHECK_EQ(fstat(p.slave, &open_st), 0);
	CHECK_EQ(open_st.st_ino, st.st_ino);
	CHECK_EQ(open_st.st_mode, S_IFCHR | 0642);
	CHECK_EQ(open_st.st_uid, 12);
	CHECK_EQ(open_st.st_gid, 34);
	snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", p.slave);
	CHECK(readlink(fd_path, link, sizeof(link) - 1) > 0);
	CHECK_EQ(strcmp(link, p.path), 0);
	CHECK_ERR(unlink(p.path), EPERM);
	CHECK_ERR(mkdir("/dev/pts/d", 0755), EPERM);
	CHECK_EQ(open("/dev/pts/new", O_CREAT | O_WRONLY, 0600), -1);
	CHECK(errno == EACCES || errno == EPERM);
	CHECK_ERR(stat("/dev/pts/00", &st), ENOENT);
	CHECK_ERR(stat("/dev/pts/99999", &st), ENOENT);
}

/** Whether readdir of /dev/pts shows a number. */
static bool
is_listed(unsigned number)
{
	DIR *d = opendir("/dev/pts");
	struct dirent *e;
	bool found = false;
	char name[16];

	REQUIRE(d != NULL);
	snprintf(name, sizeof(name), "%u", number);
	while ((e = readdir(d)) != NULL)
		found |= strcmp(e->d_name, name) == 0;
	closedir(d);
	return found;
}

TEST(nodes_come_and_go)
{
	struct pair a = open_master(), b = open_master();

	CHECK(a.number != b.number);
	CHECK(is_listed(a.number) && is_listed(b.number));
	CHECK_EQ(close(a.master), 0);
	CHECK(!is_listed(a.number) && is_listed(b.number));
	CHECK(!exists(a.path));
	CHECK_ERR(open(a.path, O_RDWR), ENOENT);
	a = open_master();
	CHECK(is_listed(a.number));
}

TEST(a_number_in_use_is_not_given_again)
{
	struct pair p = open_pair();
	unsigned old = p.number;

	CHECK_EQ(close(p.master), 0);
	CHECK(!exists(p.path));
	CHECK(open_master().number != old);
}

TEST(many_pairs)
{
	static struct pair p[100];

	for (int i = 0; i < 100; i++)
		p[i] = open_pair();
	for (int i = 0; i < 100; i++) {
		CHECK_EQ(write(p[i].slave, &i, 1), 1);
		CHECK_EQ(is_listed(p[i].number), true);
	}
	for (int i = 99; i >= 0; i--) {
		char c = -1;

		CHECK_EQ(read(p[i].master, &c, 1), 1);
		if (i != '\n')
			CHECK_EQ(c, i == '\n' ? '\r' : i);
		close(p[i].master);
		close(p[i].slave);
	}
}

TEST(peer)
{
	struct pair p = open_master();
	struct stat a, b;
	char link[64] = "", fd_path[32];
	int fd = ioctl(p.master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);

	REQUIRE(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	CHECK_EQ(fstat(fd, &a), 0);
	CHECK_EQ(stat(p.path, &b), 0);
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_EQ(a.st_dev, b.st_dev);
	snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", fd);
	CHECK(readlink(fd_path, link, sizeof(link) - 1) > 0);
	CHECK_EQ(strcmp(link, p.path), 0);
	put(fd, "x");
	CHECK(gets_text(p.master, "x"));
	CHECK_ERR(ioctl(fd, TIOCGPTPEER, O_RDWR), EIO);
}

TEST(what_the_slave_does_not_know)
{
	struct pair p = open_pair();
	int n = 0;

	CHECK_ERR(ioctl(p.slave, TIOCGPTN, &n), ENOTTY);
	CHECK_ERR(ioctl(p.slave, TIOCSPTLCK, &n), ENOTTY);
	CHECK_ERR(ioctl(p.slave, TIOCGPTLCK, &n), ENOTTY);
	CHECK_ERR(ioctl(p.slave, TIOCPKT, &n), ENOTTY);
	CHECK_ERR(ioctl(p.slave, TIOCGPKT, &n), ENOTTY);
	CHECK_ERR(ioctl(p.slave, TIOCSIG, SIGINT), ENOTTY);
	CHECK_ERR(ioctl(p.slave, 0x54ff, &n), ENOTTY);
	CHECK_ERR(ioctl(p.master, 0x54ff, &n), ENOTTY);
	CHECK_ERR(ioctl(p.master, TIOCSIG, SIGHUP), EINVAL);
}

/* ---- One end goes ---- */

TEST(when_the_master_goes)
{
	struct pair p = open_pair();
	struct winsize w;
	struct stat st;
	int32_t group = getpgrp();
	char c;

	put(p.master, "unread\n");
	CHECK_EQ(close(p.master), 0);
	CHECK_EQ(read(p.slave, &c, 1), 0);
	CHECK_EQ(read(p.slave, &c, 1), 0);
	CHECK_ERR(write(p.slave, "x", 1), EIO);
	CHECK_ERR(ioctl(p.slave, TIOCGWINSZ, &w), EIO);
	CHECK_ERR(ioctl(p.slave, TIOCSPGRP, &group), ENOTTY);
	CHECK_EQ(events_of(p.slave), POLLIN | POLLOUT | POLLERR | POLLHUP);
	CHECK_EQ(fstat(p.slave, &st), 0);
	CHECK_EQ(st.st_nlink, 0);
}

TEST(when_the_slave_goes)
{
	struct pair p = open_master();
	char c;

	set_nonblocking(p.master);
	CHECK_ERR(read(p.master, &c, 1), EAGAIN); /* it was never there */
	CHECK_EQ(events_of(p.master), POLLOUT);
	p.slave = open(p.path, O_RDWR | O_NOCTTY);
	CHECK_ERR(read(p.master, &c, 1), EAGAIN);
	put(p.slave, "last");
	CHECK_EQ(close(p.slave), 0);
	CHECK_EQ(events_of(p.master), POLLIN | POLLOUT | POLLHUP);
	CHECK(gets_text(p.master, "last"));
	CHECK_ERR(read(p.master, &c, 1), EIO);
	CHECK_EQ(events_of(p.master), POLLOUT | POLLHUP);
	set_flags(p.master, ECHO, 0);
	put(p.master, "typed\n"); /* it waits for the next who opens */
	p.slave = open(p.path, O_RDWR | O_NOCTTY);
	CHECK(reads_text(p.slave, "typed\n"));
	CHECK_EQ(events_of(p.master), POLLOUT);
}

/** A child that waits in a call on the slave; the call must end so. */
#define WAITING_CHILD(p, call)                                                 \
	({                                                                     \
		pid_t child_ = fork();                                         \
		if (child_ == 0) {                                             \
			close((p)->master);                                    \
			put((p)->slave, "ready");                              \
			call;                                                  \
			_exit(check_failures != 0);                            \
		}                                                              \
		CHECK(gets_text((p)->master, "ready"));                        \
		child_;                                                        \
	})

static bool
ends_well(pid_t child)
{
	int status = -1;

	return waitpid(child, &status, 0) == child && status == 0;
}

TEST(the_masters_end_wakes_who_waits)
{
	struct pair p = open_pair();
	static char much[20000];
	char c;
	pid_t reader = WAITING_CHILD(&p, CHECK_ERR(read(p.slave, &c, 1), EIO));
	pid_t writer = WAITING_CHILD(&p, {
		while (write(p.slave, much, sizeof(much)) > 0)
			;
		CHECK_EQ(errno, EIO);
	});

	CHECK_EQ(close(p.master), 0);
	CHECK(ends_well(reader));
	CHECK(ends_well(writer));
}

TEST(the_slaves_end_wakes_who_waits)
{
	struct pair p = open_pair();
	int go[2];
	char c;

	REQUIRE(pipe(go) == 0);
	pid_t child = fork();
	if (child == 0) {
		close(p.slave);
		put(go[1], "x");
		CHECK_ERR(read(p.master, &c, 1), EIO);
		_exit(check_failures != 0);
	}
	CHECK_EQ(read(go[0], &c, 1), 1);
	CHECK_EQ(close(p.slave), 0);
	CHECK(ends_well(child));
}

/* ---- Sessions ---- */

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

TEST(exclusive)
{
	struct pair p = open_pair();
	int on = 0;

	chmod(p.path, 0666);
	CHECK_EQ(ioctl(p.slave, TIOCGEXCL, &on), 0);
	CHECK_EQ(on, 0);
	CHECK_EQ(ioctl(p.slave, TIOCEXCL), 0);
	CHECK_EQ(ioctl(p.slave, TIOCGEXCL, &on), 0);
	CHECK_EQ(on, 1);
	CHECK_EQ(try_open(p.path, O_RDWR | O_NOCTTY), 0); /* root may */
	AS_USER(CHECK_ERR(open(p.path, O_RDWR | O_NOCTTY), EBUSY));
	CHECK_EQ(ioctl(p.slave, TIOCNXCL), 0);
	AS_USER(CHECK_EQ(try_open(p.path, O_RDWR | O_NOCTTY), 0));
	CHECK_ERR(ioctl(p.slave, TIOCGEXCL, BAD), EFAULT);
}

/* ---- Packet mode ---- */

/** The master reads one packet that is these notices alone. */
static bool
has_notice(const struct pair *p, int bits)
{
	unsigned char c[2] = { 0xff };

	return read(p->master, c, 2) == 1 && c[0] == bits;
}

TEST(packet_mode)
{
	struct pair p = open_pair();
	struct termios t;
	char buf[16];
	int on = 1;

	CHECK_EQ(ioctl(p.master, TIOCPKT, &on), 0);
	on = 0;
	CHECK_EQ(ioctl(p.master, TIOCGPKT, &on), 0);
	CHECK_EQ(on, 1);
	put(p.slave, "abc");
	CHECK_EQ(read(p.master, buf, 3), 3);
	CHECK_EQ(memcmp(buf, "\0ab", 3), 0);
	CHECK_EQ(read(p.master, buf, sizeof(buf)), 2);
	CHECK_EQ(memcmp(buf, "\0c", 2), 0);
	CHECK_EQ(events_of(p.master), POLLOUT);

	CHECK_EQ(tcflow(p.slave, TCOOFF), 0);
	CHECK_EQ(events_of(p.master), POLLIN | POLLOUT | POLLPRI);
	CHECK(has_notice(&p, TIOCPKT_STOP));
	CHECK_EQ(tcflow(p.slave, TCOOFF), 0); /* again: no news */
	CHECK_EQ(events_of(p.master), POLLOUT);
	CHECK_EQ(tcflow(p.slave, TCOON), 0);
	CHECK(has_notice(&p, TIOCPKT_START));
	CHECK_EQ(tcflush(p.slave, TCIFLUSH), 0);
	CHECK(has_notice(&p, TIOCPKT_FLUSHREAD));
	CHECK_EQ(tcflush(p.slave, TCOFLUSH), 0);
	CHECK(has_notice(&p, TIOCPKT_FLUSHWRITE));

	REQUIRE(tcgetattr(p.slave, &t) == 0);
	t.c_iflag &= ~IXON;
	CHECK_EQ(tcsetattr(p.slave, TCSANOW, &t), 0);
	CHECK(has_notice(&p, TIOCPKT_NOSTOP));
	t.c_iflag |= IXON;
	CHECK_EQ(tcsetattr(p.slave, TCSANOW, &t), 0);
	CHECK(has_notice(&p, TIOCPKT_DOSTOP));

	CHECK_EQ(tcflush(p.slave, TCIFLUSH), 0);
	on = 0;
	CHECK_EQ(ioctl(p.master, TIOCPKT, &on), 0);
	put(p.slave, "z");
	CHECK(reads_text(p.master, "z"));
}

/* ---- devpts ---- */

/** A devpts on "m", in a name space of the test's own. */
static int
mount_devpts(const char *options)
{
	if (syscall(NR_unshare, CLONE_NEWNS) == 0)
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	mkdir("m", 0755);
	return mount("devpts", "m", "devpts", 0, options);
}

TEST(devpts_options)
{
	struct stat st;
	struct statfs fs;
	int a, b;
	unsigned n = 99;

	REQUIRE(mount_devpts("newinstance,uid=7,gid=5,mode=0621,ptmxmode=0666,"
			     "max=2") == 0);
	CHECK_EQ(statfs("m", &fs), 0);
	CHECK_EQ(fs.f_type, DEVPTS_MAGIC);
	CHECK_EQ(mode_of("m/ptmx"), S_IFCHR | 0666);
	a = open("m/ptmx", O_RDWR | O_NOCTTY);
	REQUIRE(a >= 0);
	CHECK_EQ(ioctl(a, TIOCGPTN, &n), 0);
	CHECK_EQ(n, 0); /* numbers are each mount's own */
	CHECK_EQ(stat("m/0", &st), 0);
	CHECK_EQ(st.st_mode, S_IFCHR | 0621);
	CHECK_EQ(st.st_uid, 7);
	CHECK_EQ(st.st_gid, 5);
	b = open("m/ptmx", O_RDWR | O_NOCTTY);
	CHECK(b >= 0);
	CHECK_ERR(open("m/ptmx", O_RDWR | O_NOCTTY), ENOSPC);
	CHECK_EQ(close(a), 0);
	CHECK(!exists("m/0") && exists("m/1"));
	a = open("m/ptmx", O_RDWR | O_NOCTTY);
	CHECK_EQ(ioctl(a, TIOCGPTN, &n), 0);
	CHECK_EQ(n, 0); /* the least that is free */
	close(a);
	close(b);
	CHECK_EQ(umount2("m", 0), 0);
}

TEST(devpts_is_closed_to_users)
{
	REQUIRE(mount_devpts("newinstance") == 0);
	CHECK_EQ(mode_of("m/ptmx"), S_IFCHR);
	AS_USER(CHECK_ERR(open("m/ptmx", O_RDWR), EACCES));
	CHECK_EQ(umount2("m", 0), 0);
}

TEST(devpts_bad_options)
{
	static const char *const bad[] = { "mode=9", "uid=x", "gid=", "nosuch",
					   "nosuch=1" };

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERR(mount_devpts(bad[i]), EINVAL);
}

/* ---- Neither file nor memory ---- */

TEST(terminals_have_no_positions)
{
	struct pair p = open_pair();
	char c;

	CHECK_ERR(lseek(p.slave, 0, SEEK_CUR), ESPIPE);
	CHECK_ERR(lseek(p.master, 0, SEEK_CUR), ESPIPE);
	CHECK_ERR(pread(p.slave, &c, 1, 0), ESPIPE);
	CHECK_ERR(pwrite(p.master, &c, 1, 0), ESPIPE);
	CHECK_ERR(write(p.master, BAD, 5), EFAULT);
	CHECK_ERR(write(p.slave, BAD, 5), EFAULT);
	put(p.slave, "x");
	CHECK_ERR(read(p.master, BAD, 5), EFAULT);
	CHECK_EQ((long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, p.slave, 0), -1);
	CHECK_EQ(errno, ENODEV);
}
