/*
 * Files without a name: open(2) with O_TMPFILE, and linkat(2) that names them.
 */
#include "check.h"

static int
tmpfile_in(const char *folder, int flags)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | flags, 0640);

	REQUIRE(fd >= 0);
	return fd;
}

/** linkat by way of /proc, as anyone may. */
static int
give_name(int fd, const char *name)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

static long
names_here(void)
{
	DIR *d = opendir(".");
	long n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

TEST(tmpfile_has_no_name)
{
	int fd = tmpfile_in(".", 0);
	struct stat st;
	char c;

	CHECK_EQ(names_here(), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0640);
	CHECK_EQ(st.st_size, 0);
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_EQ(pread(fd, &c, 1, 2), 1);
	CHECK_EQ(c, 'c');
	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(names_here(), 0);
}

TEST(tmpfile_is_linked)
{
	int fd = tmpfile_in(".", 0);
	struct stat st;

	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_EQ(give_name(fd, "f"), 0);
	CHECK_EQ(size_of_file("f"), 3);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_nlink, 1);
	CHECK_EQ(give_name(fd, "g"), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_nlink, 2);
	CHECK_ERR(give_name(fd, "f"), EEXIST);
	CHECK_EQ(write(fd, "def", 3), 3);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(size_of_file("g"), 6);
}

TEST(tmpfile_is_linked_by_descriptor)
{
	int fd = tmpfile_in(".", 0);

	CHECK_EQ(linkat(fd, "", AT_FDCWD, "f", AT_EMPTY_PATH), 0);
	CHECK(exists("f"));
	CHECK_ERR(linkat(fd, "", AT_FDCWD, "g", 0), ENOENT);
}

/** Once it has had a name and lost it, it is on its way out. */
TEST(tmpfile_is_not_linked_again)
{
	int fd = tmpfile_in(".", 0);

	CHECK_EQ(give_name(fd, "f"), 0);
	CHECK_EQ(unlink("f"), 0);
	CHECK_ERR(give_name(fd, "f"), ENOENT);
	CHECK_EQ(write(fd, "abc", 3), 3);
}

TEST(tmpfile_excl_never_has_a_name)
{
	int fd = tmpfile_in(".", O_EXCL);

	CHECK_ERR(give_name(fd, "f"), ENOENT);
}

TEST(tmpfile_permissions)
{
	CHECK_EQ(mkdir("setgid", 0777), 0);
	CHECK_EQ(chown("setgid", 0, 77), 0);
	CHECK_EQ(chmod("setgid", 02777), 0);
	umask(027);
	AS_USER(struct stat st; int fd = tmpfile_in("setgid", 0);
		CHECK_EQ(fstat(fd, &st), 0); CHECK_EQ(st.st_uid, USER_ID);
		CHECK_EQ(st.st_gid, 77); CHECK_EQ(st.st_mode, S_IFREG | 0640));
	AS_USER(CHECK_ERR(open(".", O_TMPFILE | O_RDWR, 0600), EACCES));
}

TEST(tmpfile_errors)
{
	make_file("f", "abc");
	CHECK_ERR(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
	CHECK_ERR(open(".", O_TMPFILE | O_RDWR | O_CREAT, 0600), EINVAL);
	CHECK_ERR(open(".", (O_TMPFILE & ~O_DIRECTORY) | O_RDWR, 0600), EINVAL);
	CHECK_ERR(open("f", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
	CHECK_ERR(open("none", O_TMPFILE | O_RDWR, 0600), ENOENT);
	CHECK_ERR(open("/proc", O_TMPFILE | O_RDWR, 0600), EOPNOTSUPP);
	CHECK_ERR(open(LONG_PATH, O_TMPFILE | O_RDWR, 0600), ENAMETOOLONG);
}
