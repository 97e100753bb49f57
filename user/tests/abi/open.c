/*
 * open, openat, creat and close: open(2), close(2).
 */
#include <limits.h>
#include <sys/resource.h>
#include "check.h"

/** Reads a file into a static string. */
static const char *
content(const char *path)
{
	static char text[100];
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

TEST(open_creates)
{
	int fd = open("f", O_RDWR | O_CREAT, 0640);

	REQUIRE(fd >= 0);
	CHECK_EQ(mode_of("f"), S_IFREG | 0640);
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_EQ(close(fd), 0);
	CHECK(strcmp(content("f"), "abc") == 0);
}

TEST(open_lowest_descriptor)
{
	int a = open("/", O_RDONLY), b = open("/", O_RDONLY);

	CHECK(a >= 0 && b == a + 1);
	CHECK_EQ(close(a), 0);
	CHECK_EQ(open("/", O_RDONLY), a);
}

TEST(open_umask)
{
	umask(027);
	CHECK(open("f", O_WRONLY | O_CREAT, 0777) >= 0);
	CHECK_EQ(mode_of("f"), S_IFREG | 0750);
}

TEST(open_mode_does_not_bind_creator)
{
	int fd = open("f", O_RDWR | O_CREAT, 0);

	CHECK_EQ(write(fd, "x", 1), 1);
}

TEST(open_access_modes)
{
	char c;
	int fd;

	make_file("f", "abc");
	fd = open("f", O_RDONLY);
	CHECK_ERR(write(fd, "x", 1), EBADF);
	CHECK_EQ(read(fd, &c, 1), 1);
	fd = open("f", O_WRONLY);
	CHECK_ERR(read(fd, &c, 1), EBADF);
	CHECK_EQ(write(fd, "x", 1), 1);
}

TEST(open_trunc)
{
	make_file("f", "abc");
	CHECK(open("f", O_WRONLY) >= 0);
	CHECK_EQ(size_of_file("f"), 3);
	CHECK(open("f", O_WRONLY | O_TRUNC) >= 0);
	CHECK_EQ(size_of_file("f"), 0);
}

TEST(open_append)
{
	int fd;

	make_file("f", "abc");
	fd = open("f", O_WRONLY | O_APPEND);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(write(fd, "d", 1), 1);
	CHECK(strcmp(content("f"), "abcd") == 0);
}

TEST(open_excl)
{
	CHECK(open("f", O_WRONLY | O_CREAT | O_EXCL, 0644) >= 0);
	CHECK_ERR(open("f", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
	CHECK_EQ(symlink("nowhere", "link"), 0);
	CHECK_ERR(open("link", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
	CHECK(!exists("nowhere"));
}

TEST(open_creates_through_symlink)
{
	CHECK_EQ(symlink("target", "link"), 0);
	CHECK(open("link", O_WRONLY | O_CREAT, 0644) >= 0);
	CHECK(S_ISREG(mode_of("target")));
	CHECK(S_ISLNK(mode_of("link")));
}

TEST(open_nofollow)
{
	make_file("f", "");
	CHECK_EQ(symlink("f", "link"), 0);
	CHECK_ERR(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK(open("f", O_RDONLY | O_NOFOLLOW) >= 0);
}

TEST(open_directory)
{
	char c;
	int fd = open(".", O_RDONLY | O_DIRECTORY);

	CHECK(fd >= 0);
	CHECK_ERR(read(fd, &c, 1), EISDIR);
	make_file("f", "");
	CHECK_ERR(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	CHECK_ERR(open(".", O_WRONLY), EISDIR);
	CHECK_ERR(open(".", O_RDWR), EISDIR);
	CHECK_ERR(open(".", O_RDONLY | O_CREAT, 0644), EISDIR);
	CHECK_ERR(open("new/", O_WRONLY | O_CREAT, 0644), EISDIR);
	CHECK_ERR(open("f/", O_RDONLY), ENOTDIR);
}

TEST(open_path_errors)
{
	make_file("f", "");
	make_loop();
	CHECK_ERR(open("none", O_RDONLY), ENOENT);
	CHECK_ERR(open("none/f", O_RDONLY | O_CREAT, 0644), ENOENT);
	CHECK_ERR(open("", O_RDONLY), ENOENT);
	CHECK_ERR(open("f/g", O_RDONLY), ENOTDIR);
	CHECK_ERR(open("f/.", O_RDONLY), ENOTDIR);
	CHECK_ERR(open("loop1", O_RDONLY), ELOOP);
	CHECK_ERR(open("loop1/f", O_RDONLY), ELOOP);
	CHECK_ERR(open(LONG_PATH, O_RDONLY), ENAMETOOLONG);
	CHECK_ERR(open(LONG_NAME, O_RDONLY | O_CREAT, 0644), ENAMETOOLONG);
	CHECK_ERR(open(BAD, O_RDONLY), EFAULT);
	CHECK_ERR(open(KERNEL_HALF, O_RDONLY), EFAULT);
	CHECK_ERR(open(NULL, O_RDONLY), EFAULT);
}

TEST(open_longest_name)
{
	CHECK(open(long_text(NAME_MAX), O_WRONLY | O_CREAT, 0644) >= 0);
	CHECK(exists(long_text(NAME_MAX)));
}

TEST(open_path_at_page_end)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK_EQ(mprotect(page + 4096, 4096, PROT_NONE), 0);
	memcpy(page + 4096 - 2, "/", 2);
	CHECK(open(page + 4096 - 2, O_RDONLY) >= 0);
	page[4095] = '/'; /* now it has no end */
	CHECK_ERR(open(page + 4096 - 2, O_RDONLY), EFAULT);
}

TEST(open_many_slashes)
{
	make_file("f", "");
	CHECK(open(".//./f", O_RDONLY) >= 0);
	CHECK(open("//", O_RDONLY) >= 0);
	CHECK(open("/..//../", O_RDONLY) >= 0);
}

TEST(open_permission)
{
	make_file("f", "");
	make_closed_folder();
	CHECK_EQ(chmod("f", 0604), 0);
	AS_USER({
		CHECK(open("f", O_RDONLY) >= 0);
		CHECK_ERR(open("f", O_WRONLY), EACCES);
		CHECK_ERR(open("f", O_RDWR), EACCES);
		CHECK_ERR(open("f", O_RDONLY | O_TRUNC), EACCES);
		CHECK_ERR(open("closed/file", O_RDONLY), EACCES);
		CHECK_ERR(open("new", O_WRONLY | O_CREAT, 0644), EACCES);
	});
}

TEST(open_too_many)
{
	struct rlimit rl = { 10, 10 };
	int fd = 0;

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &rl), 0);
	for (int i = 0; i < 20 && fd >= 0; i++)
		fd = open("/", O_RDONLY);
	CHECK(fd == -1 && errno == EMFILE);
	CHECK_ERR(open("none", O_WRONLY | O_CREAT, 0644), EMFILE);
}

TEST(open_cloexec)
{
	int fd = open("/", O_RDONLY | O_CLOEXEC);

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(open("/", O_RDONLY), F_GETFD), 0);
}

TEST(open_devices)
{
	char buf[16] = "xxxxxxxxxxxxxxx";
	int fd = open("/dev/null", O_RDWR);

	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_EQ(read(fd, buf, 3), 0);
	fd = open("/dev/zero", O_RDWR);
	CHECK_EQ(read(fd, buf, sizeof(buf)), sizeof(buf));
	CHECK(memcmp(buf, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16) == 0);
	CHECK_EQ(write(fd, buf, 5), 5);
}

TEST(open_fifo_nonblock)
{
	CHECK_EQ(mkfifo("p", 0600), 0);
	CHECK_ERR(open("p", O_WRONLY | O_NONBLOCK), ENXIO);
	CHECK(open("p", O_RDONLY | O_NONBLOCK) >= 0);
	CHECK(open("p", O_WRONLY | O_NONBLOCK) >= 0);
	CHECK_ERR(open("p", O_ACCMODE | O_NONBLOCK), EINVAL);
}

TEST(open_fifo_meets)
{
	char c = 0;
	int fd;

	CHECK_EQ(mkfifo("p", 0600), 0);
	if (fork() == 0) {
		fd = open("p", O_WRONLY);
		write(fd, "z", 1);
		_exit(0);
	}
	fd = open("p", O_RDONLY);
	CHECK(fd >= 0);
	CHECK_EQ(read(fd, &c, 1), 1);
	CHECK_EQ(c, 'z');
	CHECK_EQ(read(fd, &c, 1), 0);
}

TEST(open_unlinked_lives)
{
	char c;
	int fd = open("f", O_RDWR | O_CREAT, 0644);

	CHECK_EQ(unlink("f"), 0);
	CHECK_EQ(write(fd, "q", 1), 1);
	CHECK_EQ(pread(fd, &c, 1, 0), 1);
	CHECK_EQ(c, 'q');
}

TEST(open_path_only)
{
	struct stat st;
	char c;
	int fd = open(".", O_PATH);

	CHECK(fd >= 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK(S_ISDIR(st.st_mode));
	CHECK_ERR(read(fd, &c, 1), EBADF);
	make_file("f", "x");
	CHECK(openat(fd, "f", O_RDONLY) >= 0);
}

TEST(openat)
{
	int dir, file;

	CHECK_EQ(mkdir("d", 0755), 0);
	make_file("d/f", "inner");
	make_file("f", "outer");
	dir = open("d", O_RDONLY | O_DIRECTORY);
	file = open("f", O_RDONLY);
	CHECK(openat(dir, "f", O_RDONLY) >= 0);
	CHECK(openat(dir, "g", O_WRONLY | O_CREAT, 0600) >= 0);
	CHECK_EQ(mode_of("d/g"), S_IFREG | 0600);
	CHECK(openat(AT_FDCWD, "f", O_RDONLY) >= 0);
	CHECK(openat(99, "/", O_RDONLY) >= 0);
	CHECK_ERR(openat(99, "f", O_RDONLY), EBADF);
	CHECK_ERR(openat(-1, "f", O_RDONLY), EBADF);
	CHECK_ERR(openat(file, "f", O_RDONLY), ENOTDIR);
	CHECK_ERR(openat(dir, "", O_RDONLY), ENOENT);
	CHECK_ERR(openat(dir, BAD, O_RDONLY), EFAULT);
}

TEST(openat_folder_moved)
{
	int dir;

	CHECK_EQ(mkdir("a", 0755), 0);
	dir = open("a", O_RDONLY);
	CHECK_EQ(rename("a", "b"), 0);
	CHECK(openat(dir, "f", O_WRONLY | O_CREAT, 0644) >= 0);
	CHECK(exists("b/f"));
}

TEST(openat_folder_removed)
{
	int dir;

	CHECK_EQ(mkdir("a", 0755), 0);
	dir = open("a", O_RDONLY);
	CHECK_EQ(rmdir("a"), 0);
	CHECK_ERR(openat(dir, "f", O_WRONLY | O_CREAT, 0644), ENOENT);
}

TEST(creat)
{
	char c;
	int fd;

	make_file("f", "abc");
	fd = creat("f", 0600);
	CHECK(fd >= 0);
	CHECK_EQ(size_of_file("f"), 0);
	CHECK_ERR(read(fd, &c, 1), EBADF);
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK(creat("g", 0604) >= 0);
	CHECK_EQ(mode_of("g"), S_IFREG | 0604);
	CHECK_ERR(creat(".", 0644), EISDIR);
	CHECK_ERR(creat("none/f", 0644), ENOENT);
	CHECK_ERR(creat(BAD, 0644), EFAULT);
}

TEST(close)
{
	int fd = open("/", O_RDONLY);

	CHECK_EQ(close(fd), 0);
	CHECK_ERR(close(fd), EBADF);
	CHECK_ERR(close(-1), EBADF);
	CHECK_ERR(close(1 << 30), EBADF);
}

TEST(open_noatime_is_the_owners)
{
	make_file("f", "");
	CHECK(open("f", O_RDONLY | O_NOATIME) >= 0);
	AS_USER(CHECK_ERR(open("f", O_RDONLY | O_NOATIME), EPERM);
		CHECK_ERR(openat(AT_FDCWD, "f", O_RDONLY | O_NOATIME), EPERM));
	CHECK_EQ(chmod("f", 0600), 0);
	AS_USER(CHECK_ERR(open("f", O_RDONLY | O_NOATIME), EACCES));
}

TEST(openat_errors)
{
	make_file("f", "");
	CHECK_EQ(mkfifo("fifo", 0600), 0);
	CHECK_ERR(openat(AT_FDCWD, "f", O_CREAT | O_EXCL, 0600), EEXIST);
	CHECK_ERR(openat(AT_FDCWD, ".", O_WRONLY), EISDIR);
	CHECK_ERR(openat(AT_FDCWD, "fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	CHECK_ERR(openat(AT_FDCWD, ".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
}
