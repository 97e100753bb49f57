/*
 * Pseudo-terminals: pty(7), ptmx(4), ioctl_tty(2), tty_ioctl(2), vhangup(2);
 * and devpts. What the line discipline does is in terminal.c.
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include "pseudo.h"

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

/** Opens what others make and close, by its name; until killed. */
static void
disturb(unsigned near)
{
	char path[32], c;

	for (unsigned i = 0;; i++) {
		int fd;

		snprintf(path, sizeof(path), "/dev/pts/%u", near + i % 8);
		fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
		if (fd < 0)
			continue;
		read(fd, &c, 1);
		is_listed(near);
		close(fd);
	}
}

TEST(pairs_made_and_closed_at_once)
{
	unsigned near = open_master().number;
	pid_t children[4], other[2];

	for (int i = 0; i < 2; i++)
		if ((other[i] = fork()) == 0)
			disturb(near);
	for (int i = 0; i < 4; i++)
		if ((children[i] = fork()) == 0) {
			for (int n = 0; n < 40; n++) {
				struct pair p = open_pair();

				put(p.slave, "x");
				CHECK(gets_text(p.master, "x"));
				close(n % 2 ? p.slave : p.master);
				close(n % 2 ? p.master : p.slave);
			}
			_exit(check_failures != 0);
		}
	for (int i = 0; i < 4; i++)
		CHECK(ends_well(children[i]));
	for (int i = 0; i < 2; i++)
		kill(other[i], SIGKILL);
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

/** A child that waits in a call on the slave; the call must end so. Begun after
 * the hang-up it would end otherwise: a read with 0. */
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
		until_asleep(child_);                                          \
		child_;                                                        \
	})

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
	CHECK_EQ(ioctl(p.master, TIOCEXCL), 0); /* nothing to the slave */
	CHECK_EQ(ioctl(p.slave, TIOCGEXCL, &on), 0);
	CHECK_EQ(on, 0);
	CHECK_EQ(ioctl(p.master, TIOCGEXCL, &on), 0);
	CHECK_EQ(on, 1);
	AS_USER(CHECK_EQ(try_open(p.path, O_RDWR | O_NOCTTY), 0));
	CHECK_EQ(ioctl(p.master, TIOCNXCL), 0);
	CHECK_EQ(ioctl(p.slave, TIOCEXCL), 0);
	CHECK_EQ(ioctl(p.master, TIOCGEXCL, &on), 0);
	CHECK_EQ(on, 0);
}

/* What is typed while output is stopped is taken, and shown when it starts; the
 * key that starts it may throw that away. */
TEST(echo_waits_where_output_is_stopped)
{
	struct pair p = open_pair();

	put(p.master, "\x13"
		      "ab\x7f\n");
	CHECK(reads_text(p.slave, "a\n"));
	CHECK_EQ(events_of(p.master) & POLLIN, 0);
	put(p.master, "\x11");
	CHECK(gets_text(p.master, "ab\b \b\r\n"));
	put(p.master, "\x13"
		      "lost\x03"
		      "2");
	CHECK(gets_text(p.master, "^C2"));
}

/* tcflow of the master: what it writes is what the slave reads. */
TEST(the_masters_flow)
{
	struct pair p = open_pair();

	set_raw(p.slave, 1, 0);
	set_nonblocking(p.master);
	CHECK_EQ(tcflow(p.master, TCOOFF), 0);
	put(p.slave, "out");
	AWAIT(events_of(p.master) & POLLIN);
	CHECK(gets_text(p.master, "out"));
	CHECK_ERR(write(p.master, "x", 1), EAGAIN);
	CHECK_EQ(events_of(p.master), 0);
	CHECK_EQ(tcflow(p.slave, TCOON), 0); /* the other direction */
	CHECK_ERR(write(p.master, "x", 1), EAGAIN);
	CHECK_EQ(tcflow(p.master, TCOON), 0);
	put(p.master, "in");
	CHECK(gets_text(p.slave, "in"));
	CHECK_EQ(tcflow(p.master, TCIOFF), 0);
	CHECK_EQ(tcflow(p.master, TCION), 0);
	CHECK(gets_text(p.slave, "\x13\x11"));
	CHECK_ERR(ioctl(p.master, TCXONC, 9), EINVAL);
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

	/* Notices come alone, and before what is there. */
	put(p.slave, "de");
	CHECK_EQ(tcflush(p.slave, TCIFLUSH), 0);
	CHECK(has_notice(&p, TIOCPKT_FLUSHREAD));
	CHECK_EQ(read(p.master, buf, sizeof(buf)), 3);
	CHECK_EQ(memcmp(buf, "\0de", 3), 0);

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
	static const char *const bad[] = {
		"mode=9",   "uid=x", "gid=", "nosuch",
		"nosuch=1", "n",     "new",  "newinstances",
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERR(mount_devpts(bad[i]), EINVAL);
}

/* ---- Two readers ---- */

/** Reads lines until killed; tells of each whether it was whole. */
static void
read_lines(int fd, int tell)
{
	char line[4096];
	ssize_t n;

	while ((n = read(fd, line, sizeof(line))) > 0) {
		bool whole = n == 3000 && line[n - 1] == '\n';

		for (ssize_t i = 0; i < n - 1; i++)
			whole &= line[i] == line[0];
		write(tell, whole ? "y" : "n", 1);
	}
	_exit(1);
}

TEST(a_line_is_one_readers)
{
	struct pair p = open_pair();
	char line[3000], c;
	pid_t readers[4];
	int told[2];

	REQUIRE(pipe(told) == 0);
	set_flags(p.slave, ECHO, 0);
	for (int i = 0; i < 4; i++)
		if ((readers[i] = fork()) == 0)
			read_lines(p.slave, told[1]);
	for (int i = 0; i < 2000; i++) {
		memset(line, 'a' + i % 26, sizeof(line) - 1);
		line[sizeof(line) - 1] = '\n';
		CHECK_EQ(write(p.master, line, sizeof(line)), sizeof(line));
		if (i >= 1) { /* one is typed while one is read */
			REQUIRE(read(told[0], &c, 1) == 1);
			REQUIRE(c == 'y');
		}
	}
	for (int i = 0; i < 4; i++)
		kill(readers[i], SIGKILL);
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
