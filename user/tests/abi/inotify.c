/*
 * inotify_init, inotify_init1, inotify_add_watch, inotify_rm_watch, and what
 * each call on files tells: inotify(7).
 */
#include <abi/inotify.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/time.h>
#include "check.h"

#define MOST 64

static int in;

/** The events read last, in words: "CREATE:name OPEN:name ...". */
static char said[2000];

static const struct {
	unsigned mask;
	const char *name;
} names[] = {
	{ IN_ACCESS, "ACCESS" },
	{ IN_MODIFY, "MODIFY" },
	{ IN_ATTRIB, "ATTRIB" },
	{ IN_CLOSE_WRITE, "CLOSE_WRITE" },
	{ IN_CLOSE_NOWRITE, "CLOSE_NOWRITE" },
	{ IN_OPEN, "OPEN" },
	{ IN_MOVED_FROM, "MOVED_FROM" },
	{ IN_MOVED_TO, "MOVED_TO" },
	{ IN_CREATE, "CREATE" },
	{ IN_DELETE, "DELETE" },
	{ IN_DELETE_SELF, "DELETE_SELF" },
	{ IN_MOVE_SELF, "MOVE_SELF" },
	{ IN_UNMOUNT, "UNMOUNT" },
	{ IN_Q_OVERFLOW, "OVERFLOW" },
	{ IN_IGNORED, "IGNORED" },
};

static void
start(void)
{
	in = (int)syscall(NR_inotify_init1, O_NONBLOCK);
	REQUIRE(in >= 0);
}

static int
watch(const char *path, unsigned mask)
{
	return (int)syscall(NR_inotify_add_watch, in, path, mask);
}

static void
put_word(const struct inotify_event *e, const char *name)
{
	size_t at = strlen(said);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (e->mask & names[i].mask)
			snprintf(said + at, sizeof(said) - at, "%s%s%s%s%s",
				 at ? " " : "", names[i].name,
				 e->mask & IN_ISDIR ? "/" : "",
				 e->len ? ":" : "", e->len ? name : "");
}

/** All that is queued, in words. */
static const char *
events(void)
{
	char buf[4096];
	ssize_t n, at;

	said[0] = '\0';
	while ((n = read(in, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n;) {
			struct inotify_event *e =
				(struct inotify_event *)(buf + at);

			CHECK(e->len % 16 == 0);
			put_word(e, buf + at + sizeof(*e));
			at += sizeof(*e) + e->len;
		}
		CHECK_EQ(at, n);
	}
	CHECK(n == -1 && errno == EAGAIN);
	return said;
}

#define CHECK_EVENTS(want)                                                     \
	do {                                                                   \
		if (strcmp(events(), want) != 0)                               \
			FAIL("told \"%s\", not \"%s\"", said, want);           \
	} while (0)

static void
make_dir(const char *path)
{
	REQUIRE(mkdir(path, 0755) == 0);
}

TEST(inotify_of_a_directory)
{
	char c;
	int fd;

	make_dir("d");
	start();
	CHECK_EQ(watch("d", IN_ALL_EVENTS), 1);
	fd = open("d/f", O_RDWR | O_CREAT, 0644);
	CHECK_EVENTS("CREATE:f OPEN:f");
	CHECK_EQ(write(fd, "ab", 2), 2);
	CHECK_EQ(write(fd, "ab", 2), 2);
	CHECK_EVENTS("MODIFY:f"); /* two that are the same are one */
	CHECK_EQ(pread(fd, &c, 1, 0), 1);
	CHECK_EVENTS("ACCESS:f");
	CHECK_EQ(ftruncate(fd, 1), 0);
	CHECK_EVENTS("MODIFY:f");
	CHECK_EQ(fchmod(fd, 0600), 0);
	CHECK_EVENTS("ATTRIB:f");
	close(fd);
	CHECK_EVENTS("CLOSE_WRITE:f");
	close(open("d/f", O_RDONLY));
	CHECK_EVENTS("OPEN:f CLOSE_NOWRITE:f");
	CHECK_EQ(unlink("d/f"), 0);
	CHECK_EVENTS("DELETE:f");
}

TEST(inotify_of_names)
{
	make_dir("d");
	make_file("x", "");
	start();
	watch("d", IN_CREATE | IN_DELETE | IN_MOVE);
	make_dir("d/sub");
	symlink("a", "d/link");
	mknod("d/fifo", S_IFIFO | 0600, 0);
	link("x", "d/y");
	CHECK_EVENTS("CREATE/:sub CREATE:link CREATE:fifo CREATE:y");
	rename("d/sub", "d/dir");
	CHECK_EVENTS("MOVED_FROM/:sub MOVED_TO/:dir");
	rename("d/y", "z");
	rename("z", "d/y");
	rename("d/link", "d/y");
	CHECK_EVENTS("MOVED_FROM:y MOVED_TO:y MOVED_FROM:link MOVED_TO:y");
	rmdir("d/dir");
	unlink("d/y");
	unlink("d/fifo");
	CHECK_EVENTS("DELETE/:dir DELETE:y DELETE:fifo");
}

TEST(inotify_cookies)
{
	struct {
		struct inotify_event e;
		char name[16];
	} r[3];

	make_dir("a");
	make_dir("b");
	make_file("a/f", "");
	start();
	CHECK_EQ(watch("a", IN_MOVE), 1);
	CHECK_EQ(watch("b", IN_MOVE), 2);
	CHECK_EQ(rename("a/f", "b/g"), 0);
	CHECK_EQ(rename("b/g", "a/f"), 0);
	CHECK_EQ(read(in, r, sizeof(r)), sizeof(r));
	CHECK(r[0].e.wd == 1 && r[0].e.mask == IN_MOVED_FROM);
	CHECK(r[1].e.wd == 2 && r[1].e.mask == IN_MOVED_TO);
	CHECK(r[0].e.cookie != 0 && r[0].e.cookie == r[1].e.cookie);
	CHECK(strcmp(r[0].name, "f") == 0 && strcmp(r[1].name, "g") == 0);
	CHECK(r[2].e.cookie != 0 && r[2].e.cookie != r[1].e.cookie);
}

TEST(inotify_of_a_file)
{
	int fd;

	make_file("f", "abc");
	make_file("over", "");
	start();
	CHECK_EQ(watch("f", IN_ALL_EVENTS), 1);
	link("f", "g");
	CHECK_EVENTS("ATTRIB");
	rename("f", "h");
	CHECK_EVENTS("MOVE_SELF");
	unlink("h");
	CHECK_EVENTS("ATTRIB");
	fd = open("g", O_WRONLY | O_TRUNC);
	CHECK_EVENTS("OPEN MODIFY");
	unlink("g");
	CHECK_EVENTS("ATTRIB"); /* it is still open */
	close(fd);
	CHECK_EVENTS("CLOSE_WRITE DELETE_SELF IGNORED");
	CHECK_ERR(syscall(NR_inotify_rm_watch, in, 1), EINVAL);
}

TEST(inotify_of_a_file_that_is_replaced)
{
	make_file("old", "");
	make_file("new", "");
	start();
	watch("old", IN_ALL_EVENTS);
	CHECK_EQ(rename("new", "old"), 0);
	CHECK_EVENTS("ATTRIB DELETE_SELF IGNORED");
}

TEST(inotify_of_the_directory_itself)
{
	make_dir("d");
	start();
	watch("d", IN_ALL_EVENTS);
	close(open("d", O_RDONLY | O_DIRECTORY));
	CHECK_EVENTS("OPEN/ CLOSE_NOWRITE/");
	chmod("d", 0700);
	CHECK_EVENTS("ATTRIB/");
	rename("d", "e");
	CHECK_EVENTS("MOVE_SELF");
	rmdir("e");
	CHECK_EVENTS("DELETE_SELF IGNORED");
}

TEST(inotify_of_reading_a_directory)
{
	char buf[1000];
	int fd;

	make_dir("d");
	make_dir("d/sub");
	start();
	watch("d", IN_ACCESS);
	fd = open("d/sub", O_RDONLY);
	CHECK(syscall(NR_getdents64, fd, buf, sizeof(buf)) > 0);
	CHECK_EVENTS("ACCESS/:sub");
}

TEST(inotify_of_times)
{
	struct timespec t[2] = { { 1000, 0 }, { 1000, 0 } };

	make_file("f", "");
	start();
	watch(".", IN_ATTRIB | IN_ACCESS | IN_MODIFY);
	CHECK_EQ(utimensat(AT_FDCWD, "f", t, 0), 0);
	CHECK_EVENTS("ATTRIB:f");
	t[0].tv_nsec = UTIME_OMIT;
	CHECK_EQ(utimensat(AT_FDCWD, "f", t, 0), 0);
	CHECK_EVENTS("MODIFY:f");
	t[0].tv_nsec = 0;
	t[1].tv_nsec = UTIME_OMIT;
	CHECK_EQ(utimensat(AT_FDCWD, "f", t, 0), 0);
	CHECK_EVENTS("ACCESS:f");
	CHECK_EQ(chown("f", 1, 1), 0);
	CHECK_EVENTS("ATTRIB:f");
	CHECK_EQ(truncate("f", 10), 0);
	CHECK_EVENTS("MODIFY:f");
}

TEST(inotify_tells_only_what_was_asked)
{
	make_dir("d");
	start();
	watch("d", IN_CLOSE_WRITE);
	make_file("d/f", "text");
	unlink("d/f");
	CHECK_EVENTS("CLOSE_WRITE:f");
	make_file("e", "");
	close(open("e", O_PATH));
	watch("e", IN_OPEN);
	close(open("e", O_PATH));
	CHECK_EVENTS("");
}

TEST(inotify_masks)
{
	make_dir("d");
	start();
	CHECK_EQ(watch("d", IN_CREATE), 1);
	CHECK_EQ(watch("d", IN_DELETE), 1); /* instead of the first */
	make_file("d/f", "");
	CHECK_EVENTS("");
	CHECK_EQ(watch("d", IN_CREATE | IN_MASK_ADD), 1);
	unlink("d/f");
	make_file("d/f", "");
	CHECK_EVENTS("DELETE:f CREATE:f");
	CHECK_ERR(watch("d", IN_CREATE | IN_MASK_CREATE), EEXIST);
	CHECK_EQ(watch("d/f", IN_OPEN | IN_MASK_CREATE), 2);
	CHECK_ERR(watch("d", IN_CREATE | IN_MASK_CREATE | IN_MASK_ADD), EINVAL);
}

TEST(inotify_oneshot)
{
	make_dir("d");
	start();
	CHECK_EQ(watch("d", IN_CREATE | IN_ONESHOT), 1);
	make_file("d/f", "");
	make_file("d/g", "");
	CHECK_EVENTS("CREATE:f IGNORED");
	CHECK_ERR(syscall(NR_inotify_rm_watch, in, 1), EINVAL);
	CHECK_EQ(watch("d", IN_CREATE), 2);
}

TEST(inotify_rm_watch)
{
	int wd;

	start();
	wd = watch(".", IN_CREATE);
	CHECK_EQ(syscall(NR_inotify_rm_watch, in, wd), 0);
	make_file("f", "");
	CHECK_EVENTS("IGNORED");
	CHECK_ERR(syscall(NR_inotify_rm_watch, in, wd), EINVAL);
	CHECK_ERR(syscall(NR_inotify_rm_watch, -1, 1), EBADF);
	CHECK_ERR(syscall(NR_inotify_rm_watch, dup(1), 1), EINVAL);
}

TEST(inotify_of_an_unlinked_file)
{
	int fd;

	start();
	make_file("f", "");
	make_file("g", "");
	watch(".", IN_MODIFY);
	fd = open("f", O_WRONLY);
	unlink("f");
	write(fd, "x", 1);
	CHECK_EVENTS("MODIFY:f");
	close(fd);
	watch(".", IN_MODIFY | IN_EXCL_UNLINK);
	fd = open("g", O_WRONLY);
	unlink("g");
	write(fd, "x", 1);
	CHECK_EVENTS("");
}

TEST(inotify_errors)
{
	char small[20];
	int bytes;

	start();
	CHECK_ERR(syscall(NR_inotify_init1, 1), EINVAL);
	CHECK(syscall(NR_inotify_init) >= 0);
	CHECK_EQ(fcntl((int)syscall(NR_inotify_init1, O_CLOEXEC), F_GETFD),
		 FD_CLOEXEC);
	CHECK_ERR(watch("none", IN_OPEN), ENOENT);
	CHECK_ERR(watch("", IN_OPEN), ENOENT);
	CHECK_ERR(watch(BAD, IN_OPEN), EFAULT);
	CHECK_ERR(watch(LONG_PATH, IN_OPEN), ENAMETOOLONG);
	CHECK_ERR(watch(".", 0), EINVAL);
	CHECK_ERR(syscall(NR_inotify_add_watch, -1, ".", IN_OPEN), EBADF);
	CHECK_ERR(syscall(NR_inotify_add_watch, dup(1), ".", IN_OPEN), EINVAL);
	CHECK_ERR(syscall(NR_inotify_rm_watch, open(".", O_PATH), 1), EBADF);
	make_file("f", "");
	CHECK_ERR(watch("f", IN_OPEN | IN_ONLYDIR), ENOTDIR);
	CHECK_EQ(watch(".", IN_CREATE | IN_ONLYDIR), 1);
	chmod("f", 0600);
	AS_USER(CHECK_ERR(watch("f", IN_OPEN), EACCES));
	CHECK_ERR(read(in, small, sizeof(small)), EAGAIN);
	CHECK_ERR(write(in, small, sizeof(small)), EBADF);
	make_file("name", "");
	CHECK_EQ(ioctl(in, FIONREAD, &bytes), 0);
	CHECK_EQ(bytes, sizeof(struct inotify_event) + 16);
	CHECK_ERR(read(in, small, sizeof(small)), EINVAL);
	CHECK_ERR(read(in, BAD, 100), EFAULT);
}

TEST(inotify_follows_links_or_not)
{
	make_file("f", "");
	symlink("f", "link");
	start();
	CHECK_EQ(watch("f", IN_ATTRIB), 1);
	CHECK_EQ(watch("link", IN_ATTRIB), 1);
	CHECK_EQ(watch("link", IN_DELETE_SELF | IN_DONT_FOLLOW), 2);
	unlink("link");
	CHECK_EVENTS("DELETE_SELF IGNORED");
}

TEST(inotify_two_instances)
{
	int first, second;

	start();
	first = in;
	watch(".", IN_CREATE);
	start();
	second = in;
	watch(".", IN_CREATE | IN_DELETE);
	make_file("f", "");
	unlink("f");
	CHECK_EVENTS("CREATE:f DELETE:f");
	in = first;
	CHECK_EVENTS("CREATE:f");
	close(second);
	make_file("f", "");
	CHECK_EVENTS("CREATE:f");
}

TEST(inotify_poll_and_wait)
{
	struct pollfd p;
	char buf[100];
	int status;

	start();
	watch(".", IN_CREATE);
	p = (struct pollfd){ in, POLLIN, 0 };
	CHECK_EQ(poll(&p, 1, 0), 0);
	if (fork() == 0) {
		make_file("f", "");
		_exit(0);
	}
	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK(wait(&status) > 0);
	CHECK_EVENTS("CREATE:f");
	fcntl(in, F_SETFL, 0);
	if (fork() == 0) {
		make_file("g", "");
		_exit(0);
	}
	CHECK_EQ(read(in, buf, sizeof(buf)), sizeof(struct inotify_event) + 16);
	CHECK(wait(&status) > 0);
}

static volatile int caught;

static void
note(int sig)
{
	caught = sig;
}

TEST(inotify_read_is_restarted)
{
	struct sigaction act = { .sa_handler = note, .sa_flags = SA_RESTART };
	pid_t parent = getpid();
	char buf[100];

	REQUIRE(sigaction(SIGUSR1, &act, NULL) == 0);
	start();
	watch(".", IN_CREATE);
	fcntl(in, F_SETFL, 0);
	if (fork() == 0) {
		until_asleep(parent);
		kill(parent, SIGUSR1);
		until_asleep(parent);
		make_file("f", "");
		_exit(0);
	}
	CHECK_EQ(read(in, buf, sizeof(buf)), sizeof(struct inotify_event) + 16);
	CHECK_EQ(caught, SIGUSR1);
}

TEST(inotify_overflow)
{
	char name[24], *last;
	int n = 0;

	start();
	make_file("f0", "");
	make_file("f1", "");
	watch(".", IN_ATTRIB);
	for (int i = 0; i < 17000; i++) {
		snprintf(name, sizeof(name), "f%d", i % 2);
		REQUIRE(chmod(name, 0600) == 0);
	}
	for (;;) {
		char buf[320];
		ssize_t got = read(in, buf, sizeof(buf));

		if (got < 0)
			break;
		for (ssize_t at = 0; at < got; n++) {
			struct inotify_event *e =
				(struct inotify_event *)(buf + at);

			said[0] = '\0';
			put_word(e, buf + at + sizeof(*e));
			at += sizeof(*e) + e->len;
		}
	}
	last = said;
	CHECK_EQ(strcmp(last, "OVERFLOW"), 0);
	CHECK_EQ(n, 16385);
	chmod("f0", 0600);
	CHECK_EVENTS("ATTRIB:f0");
}

TEST(inotify_rename_exchange)
{
	make_file("a", "");
	make_file("b", "");
	start();
	watch(".", IN_MOVE);
	CHECK_EQ(syscall(NR_renameat2, AT_FDCWD, "a", AT_FDCWD, "b",
			 RENAME_EXCHANGE),
		 0);
	CHECK_EVENTS("MOVED_FROM:a MOVED_TO:b MOVED_FROM:b MOVED_TO:a");
}

TEST(inotify_of_copies)
{
	int from, to;

	make_file("from", "abc");
	make_file("to", "");
	start();
	from = open("from", O_RDONLY);
	to = open("to", O_WRONLY);
	CHECK_EQ(watch("from", IN_ALL_EVENTS), 1);
	CHECK_EQ(sendfile(to, from, NULL, 3), 3);
	CHECK_EVENTS("ACCESS");
	lseek(from, 0, SEEK_SET);
	CHECK_EQ(syscall(NR_copy_file_range, from, NULL, to, NULL, 3, 0), 3);
	CHECK_EVENTS("ACCESS");
	CHECK_EQ(watch("from", IN_OPEN), 1);
	watch("to", IN_MODIFY);
	lseek(from, 0, SEEK_SET);
	CHECK_EQ(syscall(NR_copy_file_range, from, NULL, to, NULL, 3, 0), 3);
	CHECK_EVENTS("MODIFY");
	CHECK_EQ(fallocate(to, 0, 0, 100), 0);
	CHECK_EVENTS("MODIFY");
}

TEST(inotify_of_a_mount_that_goes)
{
	make_dir("d");
	REQUIRE(mount("none", "d", "tmpfs", 0, NULL) == 0);
	make_file("d/f", "");
	start();
	CHECK_EQ(watch("d/f", IN_OPEN), 1);
	CHECK_EQ(umount2("d", 0), 0); /* a watch is no use of the mount */
	CHECK_EVENTS("UNMOUNT IGNORED");
	CHECK_ERR(syscall(NR_inotify_rm_watch, in, 1), EINVAL);
}

/* Files come and go in a watched directory while others read of it and watches
 * come and go: who waits for the end of it sees it. */
TEST(inotify_in_a_crowd)
{
	char name[20];
	int status;

	make_dir("d");
	start();
	watch("d", IN_ALL_EVENTS);
	for (int k = 0; k < 3; k++) {
		if (fork() != 0)
			continue;
		start();
		for (int i = 0; i < 150; i++) {
			snprintf(name, sizeof(name), "d/%d", (i + k) % 3);
			close(open(name, O_RDWR | O_CREAT, 0600));
			watch(name, IN_ALL_EVENTS | (i & 1 ? IN_ONESHOT : 0));
			unlink(name);
			events();
		}
		_exit(0);
	}
	for (int k = 0; k < 3; k++) {
		CHECK(wait(&status) > 0);
		CHECK_EQ(status, 0);
		events();
	}
	rmdir("d");
	CHECK_EVENTS("DELETE_SELF IGNORED");
}
