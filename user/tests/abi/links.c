/*
 * link, symlink, readlink, unlink and their -at forms.
 */
#include <limits.h>
#include "check.h"

static long
links_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 ? -1 : (long)st.st_nlink;
}

TEST(link)
{
	make_file("f", "abc");
	CHECK_EQ(link("f", "g"), 0);
	CHECK_EQ(links_of("f"), 2);
	CHECK_EQ(size_of_file("g"), 3);
	CHECK_EQ(unlink("f"), 0);
	CHECK_EQ(links_of("g"), 1);
	CHECK_EQ(size_of_file("g"), 3);
}

TEST(link_of_symlink_is_of_itself)
{
	CHECK_EQ(symlink("none", "s"), 0);
	CHECK_EQ(link("s", "t"), 0);
	CHECK(S_ISLNK(mode_of("t")));
	CHECK_EQ(links_of("s"), 2);
}

TEST(link_errors)
{
	make_file("f", "");
	make_file("g", "");
	make_loop();
	make_closed_folder();
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_ERR(link("f", "g"), EEXIST);
	CHECK_ERR(link("f", "f"), EEXIST);
	CHECK_ERR(link("f", "d"), EEXIST);
	CHECK_ERR(link("none", "x"), ENOENT);
	CHECK_ERR(link("f", "none/x"), ENOENT);
	CHECK_ERR(link("", "x"), ENOENT);
	CHECK_ERR(link("f", ""), ENOENT);
	CHECK_ERR(link("f/x", "y"), ENOTDIR);
	CHECK_ERR(link("f", "g/x"), ENOTDIR);
	CHECK_ERR(link("d", "x"), EPERM);
	CHECK_ERR(link("loop1/x", "y"), ELOOP);
	CHECK_ERR(link("f", LONG_NAME), ENAMETOOLONG);
	CHECK_ERR(link(LONG_PATH, "x"), ENAMETOOLONG);
	CHECK_ERR(link(BAD, "x"), EFAULT);
	CHECK_ERR(link("f", BAD), EFAULT);
	CHECK_ERR(link("f", "/dev/hardtack-x"), EXDEV);
	AS_USER(CHECK_ERR(link("closed/file", "x"), EACCES));
}

TEST(link_looks_at_the_path_first)
{
	make_file("f", "");
	make_file("g", "");
	make_closed_folder();
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_ERR(link("d", "f"), EEXIST);
	CHECK_ERR(link("d", "none/x"), ENOENT);
	CHECK_ERR(link("d", "g/x"), ENOTDIR);
	CHECK_ERR(link("f", "/dev/null"), EEXIST);
	AS_USER(CHECK_ERR(linkat(AT_FDCWD, "d", AT_FDCWD, "f", AT_EMPTY_PATH),
			  EEXIST));
}

TEST(linkat)
{
	int dir;

	CHECK_EQ(mkdir("d", 0755), 0);
	make_file("d/f", "");
	CHECK_EQ(symlink("f", "d/s"), 0);
	dir = open("d", O_RDONLY);
	CHECK_EQ(linkat(dir, "f", AT_FDCWD, "out", 0), 0);
	CHECK_EQ(linkat(AT_FDCWD, "out", dir, "in", 0), 0);
	CHECK_EQ(links_of("d/f"), 3);
	CHECK_EQ(linkat(dir, "s", dir, "s2", 0), 0);
	CHECK(S_ISLNK(mode_of("d/s2")));
	CHECK_EQ(linkat(dir, "s", dir, "s3", AT_SYMLINK_FOLLOW), 0);
	CHECK(S_ISREG(mode_of("d/s3")));
	CHECK_ERR(linkat(dir, "f", dir, "x", 0x40000000), EINVAL);
	CHECK_ERR(linkat(99, "f", dir, "x", 0), EBADF);
	CHECK_ERR(linkat(dir, "f", 99, "x", 0), EBADF);
	CHECK_ERR(linkat(open("out", O_RDONLY), "f", dir, "x", 0), ENOTDIR);
	CHECK_ERR(linkat(dir, "f", dir, "in", 0), EEXIST);
}

TEST(symlink_and_readlink)
{
	char buf[16] = "................";

	CHECK_EQ(symlink("tar/get", "s"), 0);
	CHECK_EQ(mode_of("s"), S_IFLNK | 0777);
	CHECK_EQ(readlink("s", buf, sizeof(buf)), 7);
	CHECK(memcmp(buf, "tar/get.", 8) == 0); /* no 0 byte */
	CHECK_EQ(readlink("s", buf, 3), 3);
}

TEST(symlink_long)
{
	static char buf[PATH_MAX];
	const char *target = long_text(PATH_MAX - 1);

	CHECK_EQ(symlink(target, "s"), 0);
	CHECK_EQ(readlink("s", buf, sizeof(buf)), PATH_MAX - 1);
	CHECK(memcmp(buf, target, PATH_MAX - 1) == 0);
	CHECK_ERR(symlink(LONG_PATH, "t"), ENAMETOOLONG);
}

TEST(symlink_errors)
{
	make_file("f", "");
	make_loop();
	CHECK_ERR(symlink("x", "f"), EEXIST);
	CHECK_ERR(symlink("x", "loop1"), EEXIST);
	CHECK_ERR(symlink("", "s"), ENOENT);
	CHECK_ERR(symlink("x", ""), ENOENT);
	CHECK_ERR(symlink("x", "none/s"), ENOENT);
	CHECK_ERR(symlink("x", "f/s"), ENOTDIR);
	CHECK_ERR(symlink("x", "loop1/s"), ELOOP);
	CHECK_ERR(symlink("x", LONG_NAME), ENAMETOOLONG);
	CHECK_ERR(symlink(BAD, "s"), EFAULT);
	CHECK_ERR(symlink("x", BAD), EFAULT);
	AS_USER(CHECK_ERR(symlink("x", "s"), EACCES));
	CHECK_ERR(symlink("x", "/dev/pts/hardtack-x"), EPERM); /* none there */
}

TEST(symlink_is_relative_to_its_folder)
{
	CHECK_EQ(mkdir("d", 0755), 0);
	make_file("d/f", "abc");
	CHECK_EQ(symlink("f", "d/s"), 0);
	CHECK_EQ(symlink("d", "e"), 0);
	CHECK_EQ(size_of_file("e/s"), 3);
	CHECK_EQ(size_of_file("e/../d/s"), 3);
}

TEST(symlinkat)
{
	int dir;
	char buf[8];

	CHECK_EQ(mkdir("d", 0755), 0);
	make_file("f", "");
	dir = open("d", O_RDONLY);
	CHECK_EQ(symlinkat("abc", dir, "s"), 0);
	CHECK_EQ(readlink("d/s", buf, 8), 3);
	CHECK_ERR(symlinkat("abc", dir, "s"), EEXIST);
	CHECK_ERR(symlinkat("abc", 99, "s"), EBADF);
	CHECK_ERR(symlinkat("abc", open("f", O_RDONLY), "s"), ENOTDIR);
}

TEST(readlink_errors)
{
	char buf[8];

	make_file("f", "");
	make_loop();
	make_closed_folder();
	CHECK_EQ(symlink("abc", "s"), 0);
	CHECK_ERR(readlink("f", buf, 8), EINVAL);
	CHECK_ERR(readlink(".", buf, 8), EINVAL);
	CHECK_ERR(readlink("s", buf, 0), EINVAL);
	CHECK_ERR(readlink("s", buf, (size_t)-1), EINVAL);
	CHECK_ERR(readlink("none", buf, 8), ENOENT);
	CHECK_ERR(readlink("", buf, 8), ENOENT);
	CHECK_ERR(readlink("f/s", buf, 8), ENOTDIR);
	CHECK_ERR(readlink("loop1/s", buf, 8), ELOOP);
	CHECK_ERR(readlink(LONG_PATH, buf, 8), ENAMETOOLONG);
	CHECK_ERR(readlink("s", BAD, 8), EFAULT);
	CHECK_ERR(readlink(BAD, buf, 8), EFAULT);
	AS_USER(CHECK_ERR(readlink("closed/file", buf, 8), EACCES));
}

TEST(readlinkat)
{
	char buf[8];
	int dir = open(".", O_RDONLY);

	make_file("f", "");
	CHECK_EQ(symlink("abcd", "s"), 0);
	CHECK_EQ(readlinkat(dir, "s", buf, 8), 4);
	CHECK_EQ(readlinkat(AT_FDCWD, "s", buf, 8), 4);
	CHECK_ERR(readlinkat(99, "s", buf, 8), EBADF);
	CHECK_ERR(readlinkat(open("f", O_RDONLY), "s", buf, 8), ENOTDIR);
	CHECK_ERR(readlinkat(dir, "f", buf, 8), EINVAL);
}

TEST(readlinkat_of_what_is_open)
{
	char buf[8];
	int dir = open(".", O_RDONLY), s;

	CHECK_EQ(symlink("x", "s"), 0);
	s = open("s", O_PATH | O_NOFOLLOW);
	CHECK_EQ(readlinkat(s, "", buf, sizeof(buf)), 1);
	CHECK_ERR(readlinkat(dir, "", buf, sizeof(buf)), ENOENT);
	CHECK_ERR(readlinkat(dir, ".", buf, sizeof(buf)), EINVAL);
}

TEST(unlink)
{
	make_file("f", "");
	CHECK_EQ(unlink("f"), 0);
	CHECK(!exists("f"));
	CHECK_EQ(symlink("none", "s"), 0);
	CHECK_EQ(unlink("s"), 0);
	CHECK(!exists("s"));
}

TEST(unlink_errors)
{
	make_file("f", "");
	make_loop();
	make_closed_folder();
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_ERR(unlink("none"), ENOENT);
	CHECK_ERR(unlink(""), ENOENT);
	CHECK_ERR(unlink("f/x"), ENOTDIR);
	CHECK_ERR(unlink("f/"), ENOTDIR);
	CHECK_ERR(unlink("d"), EISDIR);
	CHECK_ERR(unlink("d/"), EISDIR);
	CHECK_ERR(unlink("loop1/f"), ELOOP);
	CHECK_ERR(unlink(LONG_PATH), ENAMETOOLONG);
	CHECK_ERR(unlink(LONG_NAME), ENAMETOOLONG);
	CHECK_ERR(unlink(BAD), EFAULT);
	AS_USER(CHECK_ERR(unlink("f"), EACCES);
		CHECK_ERR(unlink("closed/file"), EACCES));
	CHECK(exists("f"));
}

TEST(unlink_in_sticky_folder)
{
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(chmod("d", 01777), 0);
	make_file("d/root", "");
	AS_USER({
		CHECK_ERR(unlink("d/root"), EPERM);
		make_file("d/mine", "");
		CHECK_EQ(unlink("d/mine"), 0);
	});
}

TEST(unlinkat)
{
	int dir;

	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(mkdir("d/sub", 0755), 0);
	make_file("d/f", "");
	make_file("f", "");
	dir = open("d", O_RDONLY);
	CHECK_EQ(unlinkat(dir, "f", 0), 0);
	CHECK(exists("f") && !exists("d/f"));
	CHECK_ERR(unlinkat(dir, "sub", 0), EISDIR);
	CHECK_EQ(unlinkat(dir, "sub", AT_REMOVEDIR), 0);
	CHECK_ERR(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR), ENOTDIR);
	CHECK_ERR(unlinkat(dir, "x", 0), ENOENT);
	CHECK_ERR(unlinkat(dir, "x", 1), EINVAL);
	CHECK_ERR(unlinkat(99, "x", 0), EBADF);
	CHECK_ERR(unlinkat(open("f", O_RDONLY), "x", 0), ENOTDIR);
}

/* ---- What the calls with a folder's descriptor refuse like the others ---- */

TEST(linkat_errors)
{
	make_file("f", "");
	make_file("g", "");
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_ERR(linkat(AT_FDCWD, "d", AT_FDCWD, "x", 0), EPERM);
	CHECK_ERR(linkat(AT_FDCWD, "f", AT_FDCWD, "g", 0), EEXIST);
	CHECK_ERR(linkat(AT_FDCWD, "f", AT_FDCWD, "/dev/hardtack-x", 0), EXDEV);
	CHECK_ERR(linkat(99, "f", AT_FDCWD, "x", 0), EBADF);
	CHECK_ERR(linkat(AT_FDCWD, "f", open("g", O_RDONLY), "x", 0), ENOTDIR);
}

TEST(unlinkat_errors)
{
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(chmod("d", 01777), 0);
	make_file("d/root", "");
	CHECK_ERR(unlinkat(AT_FDCWD, "d", AT_REMOVEDIR), ENOTEMPTY);
	CHECK_ERR(unlinkat(AT_FDCWD, "d/.", AT_REMOVEDIR), EINVAL);
	CHECK_ERR(unlinkat(AT_FDCWD, "/dev", AT_REMOVEDIR), EBUSY);
	AS_USER(CHECK_ERR(unlinkat(AT_FDCWD, "d/root", 0), EPERM));
}
