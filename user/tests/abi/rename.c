/*
 * rename, renameat, renameat2: rename(2).
 */
#include <limits.h>
#include "check.h"

TEST(rename_file)
{
	struct stat a, b;

	make_file("f", "abc");
	CHECK_EQ(stat("f", &a), 0);
	CHECK_EQ(rename("f", "g"), 0);
	CHECK(!exists("f"));
	CHECK_EQ(stat("g", &b), 0);
	CHECK_EQ(a.st_ino, b.st_ino);
}

TEST(rename_over_file)
{
	int old;

	make_file("f", "new");
	make_file("g", "replaced");
	old = open("g", O_RDONLY);
	CHECK_EQ(rename("f", "g"), 0);
	CHECK_EQ(size_of_file("g"), 3);
	char c;
	CHECK_EQ(read(old, &c, 1), 1);
	CHECK_EQ(c, 'r');
}

TEST(rename_to_itself)
{
	make_file("f", "abc");
	CHECK_EQ(link("f", "g"), 0);
	CHECK_EQ(rename("f", "f"), 0);
	CHECK_EQ(rename("f", "g"), 0); /* same file: nothing happens */
	CHECK(exists("f") && exists("g"));
}

TEST(rename_symlink_itself)
{
	make_file("f", "");
	CHECK_EQ(symlink("f", "s"), 0);
	CHECK_EQ(rename("s", "t"), 0);
	CHECK(S_ISLNK(mode_of("t")) && S_ISREG(mode_of("f")));
}

TEST(rename_folder)
{
	struct stat a, b;

	CHECK_EQ(mkdir("a", 0755), 0);
	CHECK_EQ(mkdir("b", 0755), 0);
	CHECK_EQ(mkdir("a/d", 0755), 0);
	make_file("a/d/f", "");
	CHECK_EQ(rename("a/d", "b/e"), 0);
	CHECK(exists("b/e/f") && !exists("a/d"));
	CHECK_EQ(stat("b", &a), 0);
	CHECK_EQ(stat("b/e/..", &b), 0);
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_EQ(rename("b/", "c/"), 0);
	CHECK_EQ(rename("c", "a"), 0); /* a is empty */
	CHECK(exists("a/e/f"));
}

TEST(rename_folder_errors)
{
	make_file("f", "");
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(mkdir("d/sub", 0755), 0);
	CHECK_EQ(mkdir("e", 0755), 0);
	CHECK_ERR(rename("d", "d/sub/x"), EINVAL);
	CHECK_ERR(rename("d", "d/x"), EINVAL);
	CHECK_ERR(rename("e", "d"), ENOTEMPTY);
	CHECK_ERR(rename("d/sub", "d"), ENOTEMPTY);
	CHECK_ERR(rename("f", "e"), EISDIR);
	CHECK_ERR(rename("e", "f"), ENOTDIR);
	CHECK_ERR(rename("d/.", "x"), EBUSY);
	CHECK_ERR(rename("d", "."), EBUSY);
	CHECK_ERR(rename("f", "x/"), ENOTDIR);
	CHECK_ERR(rename("f/", "x"), ENOTDIR);
	CHECK(exists("f") && exists("e") && exists("d/sub"));
}

TEST(rename_errors)
{
	make_file("f", "");
	make_file("g", "");
	make_loop();
	make_closed_folder();
	CHECK_ERR(rename("none", "x"), ENOENT);
	CHECK_ERR(rename("f", "none/x"), ENOENT);
	CHECK_ERR(rename("", "x"), ENOENT);
	CHECK_ERR(rename("f", ""), ENOENT);
	CHECK_ERR(rename("f/x", "y"), ENOTDIR);
	CHECK_ERR(rename("f", "g/x"), ENOTDIR);
	CHECK_ERR(rename("loop1/x", "y"), ELOOP);
	CHECK_ERR(rename("f", "loop1/x"), ELOOP);
	CHECK_ERR(rename("f", LONG_NAME), ENAMETOOLONG);
	CHECK_ERR(rename(LONG_PATH, "x"), ENAMETOOLONG);
	CHECK_ERR(rename(BAD, "x"), EFAULT);
	CHECK_ERR(rename("f", BAD), EFAULT);
	CHECK_ERR(rename("f", "/dev/hardtack-x"), EXDEV);
	AS_USER(CHECK_ERR(rename("f", "x"), EACCES);
		CHECK_ERR(rename("closed/file", "x"), EACCES));
	CHECK(exists("f"));
}

TEST(rename_in_sticky_folder)
{
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(chmod("d", 01777), 0);
	make_file("d/root", "");
	AS_USER({
		make_file("d/mine", "");
		CHECK_ERR(rename("d/root", "d/x"), EPERM);
		CHECK_ERR(rename("d/mine", "d/root"), EPERM);
		CHECK_EQ(rename("d/mine", "d/y"), 0);
	});
}

TEST(renameat)
{
	int a, b, file;

	CHECK_EQ(mkdir("a", 0755), 0);
	CHECK_EQ(mkdir("b", 0755), 0);
	make_file("a/f", "");
	make_file("file", "");
	a = open("a", O_RDONLY);
	b = open("b", O_RDONLY);
	file = open("file", O_RDONLY);
	CHECK_EQ(renameat(a, "f", b, "g"), 0);
	CHECK(exists("b/g") && !exists("a/f"));
	CHECK_EQ(renameat(b, "g", AT_FDCWD, "h"), 0);
	CHECK_ERR(renameat(99, "x", b, "y"), EBADF);
	CHECK_ERR(renameat(AT_FDCWD, "h", 99, "y"), EBADF);
	CHECK_ERR(renameat(file, "x", b, "y"), ENOTDIR);
	CHECK_ERR(renameat(a, "x", b, "y"), ENOENT);
}

TEST(renameat2_noreplace)
{
	make_file("f", "1");
	make_file("g", "22");
	CHECK_ERR(renameat2(AT_FDCWD, "f", AT_FDCWD, "g", RENAME_NOREPLACE),
		  EEXIST);
	CHECK_EQ(size_of_file("g"), 2);
	CHECK_EQ(renameat2(AT_FDCWD, "f", AT_FDCWD, "h", RENAME_NOREPLACE), 0);
	CHECK_EQ(renameat2(AT_FDCWD, "h", AT_FDCWD, "g", 0), 0);
	CHECK_EQ(size_of_file("g"), 1);
	CHECK_ERR(renameat2(AT_FDCWD, "g", AT_FDCWD, "f", 0x100), EINVAL);
	CHECK_ERR(renameat2(AT_FDCWD, "", AT_FDCWD, BAD, 0x100), EINVAL);
	CHECK_ERR(renameat2(AT_FDCWD, "g", AT_FDCWD, "f",
			    RENAME_NOREPLACE | RENAME_EXCHANGE),
		  EINVAL);
}

/* ---- RENAME_EXCHANGE ---- */

static int
exchange(const char *a, const char *b)
{
	return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

static ino_t
ino_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 ? 0 : st.st_ino;
}

TEST(exchange_files)
{
	make_file("f", "abc");
	make_file("g", "defghi");
	CHECK_EQ(exchange("f", "g"), 0);
	CHECK_EQ(size_of_file("f"), 6);
	CHECK_EQ(size_of_file("g"), 3);
	CHECK_EQ(exchange("f", "f"), 0);
	CHECK_EQ(unlink("f"), 0);
	CHECK_EQ(size_of_file("g"), 3);
}

/** Of a folder and a file; the parents count the folders' "..". */
TEST(exchange_across_parents)
{
	ino_t dir;
	struct stat a, b;

	CHECK_EQ(mkdir("a", 0755), 0);
	CHECK_EQ(mkdir("b", 0755), 0);
	CHECK_EQ(mkdir("a/dir", 0755), 0);
	make_file("a/dir/inside", "x");
	make_file("b/file", "abc");
	dir = ino_of("a/dir");
	CHECK_EQ(exchange("a/dir", "b/file"), 0);
	CHECK_EQ(size_of_file("a/dir"), 3);
	CHECK_EQ(ino_of("b/file"), dir);
	CHECK_EQ(size_of_file("b/file/inside"), 1);
	CHECK_EQ(ino_of("b/file/.."), ino_of("b"));
	CHECK_EQ(stat("a", &a), 0);
	CHECK_EQ(stat("b", &b), 0);
	CHECK_EQ(a.st_nlink, 2);
	CHECK_EQ(b.st_nlink, 3);
	CHECK_EQ(exchange("b/file", "a/dir"), 0);
	CHECK_EQ(ino_of("a/dir/.."), ino_of("a"));
	CHECK_EQ(rmdir("b"), -1);
	CHECK_EQ(unlink("b/file"), 0);
	CHECK_EQ(rmdir("b"), 0);
}

TEST(exchange_folders)
{
	char where[PATH_MAX];

	CHECK_EQ(mkdir("a", 0755), 0);
	CHECK_EQ(mkdir("a/x", 0755), 0);
	CHECK_EQ(mkdir("y", 0755), 0);
	make_file("a/x/in_x", "1");
	make_file("y/in_y", "1");
	CHECK_EQ(chdir("a/x"), 0);
	CHECK_EQ(exchange("../../y", "../x"), 0);
	CHECK(getcwd(where, sizeof(where)) != NULL);
	CHECK(strcmp(where + strlen(where) - 2, "/y") == 0);
	CHECK_EQ(chdir(".."), 0);
	CHECK(exists("a/x/in_y") && exists("y/in_x"));
	CHECK_EQ(ino_of("a/x/.."), ino_of("a"));
	CHECK_EQ(ino_of("y/.."), ino_of("."));
}

TEST(exchange_links_themselves)
{
	make_file("f", "abc");
	CHECK_EQ(symlink("f", "l"), 0);
	CHECK_EQ(exchange("f", "l"), 0);
	CHECK_EQ(mode_of("f") & S_IFMT, S_IFLNK);
	CHECK_EQ(mode_of("l") & S_IFMT, S_IFREG);
}

TEST(exchange_errors)
{
	make_file("f", "abc");
	CHECK_EQ(mkdir("a", 0755), 0);
	CHECK_EQ(mkdir("a/b", 0755), 0);
	CHECK_EQ(mkdir("a/b/c", 0755), 0);
	CHECK_ERR(exchange("f", "none"), ENOENT);
	CHECK_ERR(exchange("none", "f"), ENOENT);
	CHECK_ERR(exchange("a", "a/b"), EINVAL);
	CHECK_ERR(exchange("a/b", "a"), EINVAL);
	CHECK_ERR(exchange("a", "a/b/c"), EINVAL);
	CHECK_ERR(exchange("a/b/c", "a"), EINVAL);
	CHECK_ERR(exchange("f/", "a"), ENOTDIR);
	CHECK_ERR(exchange("a", "f/"), ENOTDIR);
	CHECK_EQ(exchange("a/", "f"), 0);
	CHECK_EQ(exchange("f", "a"), 0);
	CHECK_ERR(exchange("f", "a/."), EBUSY);
	CHECK_ERR(exchange("f", "/proc/version"), EXDEV);
	CHECK_ERR(renameat2(AT_FDCWD, "f", AT_FDCWD, "a",
			    RENAME_EXCHANGE | RENAME_NOREPLACE),
		  EINVAL);
	CHECK_ERR(renameat2(AT_FDCWD, "f", AT_FDCWD, "a", 16), EINVAL);
	CHECK_EQ(chmod("a", 0777), 0);
	make_file("a/mine", "x");
	AS_USER(CHECK_ERR(exchange("f", "a/mine"), EACCES));
	CHECK_EQ(chmod("a", 01777), 0);
	CHECK_EQ(chmod(".", 0777), 0);
	AS_USER(make_file("own", "x");
		CHECK_ERR(exchange("own", "a/mine"), EPERM);
		CHECK_ERR(exchange("a/mine", "own"), EPERM));
}

/* ---- Each of the three calls ---- */

static int
rename_by(int call, const char *from, const char *to)
{
	switch (call) {
	case 0:
		return rename(from, to);
	case 1:
		return renameat(AT_FDCWD, from, AT_FDCWD, to);
	default:
		return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
	}
}

TEST(each_rename_refuses)
{
	make_file("f", "");
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(mkdir("d/sub", 0755), 0);
	CHECK_EQ(mkdir("e", 0755), 0);
	CHECK_EQ(mkdir("sticky", 0755), 0);
	CHECK_EQ(chmod("sticky", 01777), 0);
	make_file("sticky/root", "");
	for (int call = 0; call < 3; call++) {
		CHECK_ERR(rename_by(call, "d", "d/sub/x"), EINVAL);
		CHECK_ERR(rename_by(call, "e", "d"), ENOTEMPTY);
		CHECK_ERR(rename_by(call, "f", "e"), EISDIR);
		CHECK_ERR(rename_by(call, "e", "f"), ENOTDIR);
		CHECK_ERR(rename_by(call, "d", "."), EBUSY);
		CHECK_ERR(rename_by(call, "f", "/dev/hardtack-x"), EXDEV);
		AS_USER(CHECK_ERR(rename_by(call, "f", "x"), EACCES);
			CHECK_ERR(rename_by(call, "sticky/root", "sticky/x"),
				  EPERM));
	}
}
