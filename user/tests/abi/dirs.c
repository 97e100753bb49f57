/*
 * mkdir, rmdir, getdents64, chdir, fchdir, getcwd: their manual pages.
 */
#include <limits.h>
#include "check.h"

TEST(mkdir)
{
	struct stat st;

	umask(027);
	CHECK_EQ(mkdir("d", 0777), 0);
	CHECK_EQ(mode_of("d"), S_IFDIR | 0750);
	CHECK_EQ(mkdir("e/", 0700), 0);
	CHECK_EQ(stat("d/..", &st), 0);
	CHECK_EQ(mkdir("d/sub", 0700), 0);
}

TEST(mkdir_errors)
{
	make_file("f", "");
	make_loop();
	make_closed_folder();
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_ERR(mkdir("d", 0755), EEXIST);
	CHECK_ERR(mkdir("f", 0755), EEXIST);
	CHECK_ERR(mkdir("loop1", 0755), EEXIST);
	CHECK_ERR(mkdir("/", 0755), EEXIST);
	CHECK_ERR(mkdir(".", 0755), EEXIST);
	CHECK_ERR(mkdir("none/d", 0755), ENOENT);
	CHECK_ERR(mkdir("", 0755), ENOENT);
	CHECK_ERR(mkdir("f/d", 0755), ENOTDIR);
	CHECK_ERR(mkdir("loop1/d", 0755), ELOOP);
	CHECK_ERR(mkdir(LONG_NAME, 0755), ENAMETOOLONG);
	CHECK_ERR(mkdir(LONG_PATH, 0755), ENAMETOOLONG);
	CHECK_ERR(mkdir(BAD, 0755), EFAULT);
	AS_USER(CHECK_ERR(mkdir("x", 0755), EACCES);
		CHECK_ERR(mkdir("closed/x", 0755), EACCES));
}

TEST(mkdirat)
{
	int dir;

	CHECK_EQ(mkdir("d", 0755), 0);
	make_file("f", "");
	dir = open("d", O_RDONLY);
	CHECK_EQ(mkdirat(dir, "sub", 0711), 0);
	CHECK_EQ(mode_of("d/sub"), S_IFDIR | 0711);
	CHECK_EQ(mkdirat(AT_FDCWD, "e", 0755), 0);
	CHECK_ERR(mkdirat(dir, "sub", 0711), EEXIST);
	CHECK_ERR(mkdirat(99, "x", 0755), EBADF);
	CHECK_ERR(mkdirat(open("f", O_RDONLY), "x", 0755), ENOTDIR);
}

TEST(rmdir)
{
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(rmdir("d"), 0);
	CHECK(!exists("d"));
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(rmdir("d/"), 0);
}

TEST(rmdir_errors)
{
	make_file("f", "");
	make_loop();
	make_closed_folder();
	CHECK_EQ(mkdir("closed/sub", 0755), 0);
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(mkdir("d/sub", 0755), 0);
	CHECK_EQ(symlink("d/sub", "s"), 0);
	CHECK_ERR(rmdir("d"), ENOTEMPTY);
	CHECK_ERR(rmdir("d/."), EINVAL);
	CHECK_ERR(rmdir("d/sub/.."), ENOTEMPTY);
	CHECK_ERR(rmdir("f"), ENOTDIR);
	CHECK_ERR(rmdir("s"), ENOTDIR);
	CHECK_ERR(rmdir("f/x"), ENOTDIR);
	CHECK_ERR(rmdir("none"), ENOENT);
	CHECK_ERR(rmdir(""), ENOENT);
	CHECK_ERR(rmdir("loop1/x"), ELOOP);
	CHECK_ERR(rmdir(LONG_NAME), ENAMETOOLONG);
	CHECK_ERR(rmdir(BAD), EFAULT);
	CHECK_ERR(rmdir("/"), EBUSY);
	CHECK_ERR(rmdir("/proc"), EBUSY);
	AS_USER(CHECK_ERR(rmdir("d/sub"), EACCES);
		CHECK_ERR(rmdir("closed/sub"), EACCES));
}

TEST(links_of_folders)
{
	struct stat before, with, after;

	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(stat("d", &before), 0);
	CHECK_EQ(mkdir("d/sub", 0755), 0);
	CHECK_EQ(stat("d", &with), 0);
	CHECK_EQ(rmdir("d/sub"), 0);
	CHECK_EQ(stat("d", &after), 0);
	/* 1 on file systems that do not count them */
	CHECK(before.st_nlink == 1 ||
	      (before.st_nlink == 2 && with.st_nlink == 3));
	CHECK_EQ(after.st_nlink, before.st_nlink);
}

TEST(getdents_all_once)
{
	bool seen[300] = { false };
	int dots = 0, n;
	struct dirent *e;
	char name[8];
	DIR *d;

	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "%d", i);
		make_file(name, "");
	}
	d = opendir(".");
	REQUIRE(d != NULL);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.') {
			dots++;
			CHECK_EQ(e->d_type, DT_DIR);
			continue;
		}
		n = atoi(e->d_name);
		REQUIRE(n >= 0 && n < 300);
		CHECK(!seen[n]);
		seen[n] = true;
		CHECK(e->d_type == DT_REG || e->d_type == DT_UNKNOWN);
	}
	CHECK_EQ(dots, 2);
	for (int i = 0; i < 300; i++)
		CHECK(seen[i]);
	rewinddir(d);
	CHECK(readdir(d) != NULL);
}

TEST(getdents_inodes)
{
	struct dirent *e;
	struct stat st;
	DIR *d;

	make_file("f", "");
	CHECK_EQ(symlink("f", "s"), 0);
	CHECK_EQ(mkdir("d", 0755), 0);
	d = opendir(".");
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.') {
			CHECK_EQ(lstat(e->d_name, &st), 0);
			CHECK_EQ(e->d_ino, st.st_ino);
			CHECK_EQ(e->d_type, IFTODT(st.st_mode));
		}
}

TEST(getdents_removing_while_reading)
{
	struct dirent *e;
	int removed = 0;
	char name[8];
	DIR *d;

	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "%d", i);
		make_file(name, "");
	}
	d = opendir(".");
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			removed += unlink(e->d_name) == 0;
	CHECK_EQ(removed, 200);
}

TEST(getdents_small_buffer)
{
	char buf[64];
	int fd = open(".", O_RDONLY), n = 0;
	long got;

	make_file("a", "");
	make_file("b", "");
	while ((got = syscall(NR_getdents64, fd, buf, 32)) > 0) {
		CHECK(got <= 32);
		n++;
	}
	CHECK_EQ(got, 0);
	CHECK_EQ(n, 4);
}

/* Wherever one begins, the end comes. */
static void
read_to_end(int fd)
{
	char buf[512];
	int n = 0;

	while (syscall(NR_getdents64, fd, buf, sizeof(buf)) > 0)
		REQUIRE(n++ < 100);
}

TEST(getdents_from_anywhere)
{
	int fd;

	CHECK_EQ(mkdir("d", 0755), 0);
	fd = open("d", O_RDONLY);
	for (int pos = 0; pos < 5000; pos += pos < 64 ? 1 : 63) {
		lseek(fd, pos, SEEK_SET);
		read_to_end(fd);
	}
}

/* The entry that comes next becomes part of the one before. */
TEST(getdents_next_removed)
{
	int fd = open(".", O_RDONLY);
	char next[] = "b";
	struct dirent e;

	make_file("a", "");
	make_file("b", "");
	do
		REQUIRE(syscall(NR_getdents64, fd, &e, 32) > 0);
	while (e.d_name[0] == '.');
	if (e.d_name[0] == 'b')
		next[0] = 'a';
	CHECK_EQ(unlink(next), 0);
	read_to_end(fd);
}

TEST(getdents_errors)
{
	char buf[512];
	int dir = open(".", O_RDONLY), file;

	make_file("f", "");
	file = open("f", O_RDONLY);
	CHECK_ERR(syscall(NR_getdents64, -1, buf, 512), EBADF);
	CHECK_ERR(syscall(NR_getdents64, file, buf, 512), ENOTDIR);
	CHECK_ERR(syscall(NR_getdents64, dir, buf, 4), EINVAL);
	CHECK_ERR(syscall(NR_getdents64, dir, BAD, 512), EFAULT);
	CHECK_EQ(mkdir("d", 0755), 0);
	dir = open("d", O_RDONLY);
	CHECK_EQ(rmdir("d"), 0);
	CHECK_ERR(syscall(NR_getdents64, dir, buf, 512), ENOENT);
}

TEST(chdir_and_getcwd)
{
	char here[PATH_MAX], sub[PATH_MAX], want[PATH_MAX + 8];

	REQUIRE(getcwd(here, sizeof(here)) != NULL);
	CHECK(strstr(here, "/chdir_and_getcwd.") != NULL);
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(chdir("d"), 0);
	CHECK(getcwd(sub, sizeof(sub)) != NULL);
	snprintf(want, sizeof(want), "%s/d", here);
	CHECK(strcmp(sub, want) == 0);
	CHECK_EQ(chdir(".."), 0);
	CHECK_EQ(chdir("/"), 0);
	CHECK(strcmp(getcwd(sub, sizeof(sub)), "/") == 0);
	CHECK_EQ(chdir(".."), 0);
	CHECK(strcmp(getcwd(sub, sizeof(sub)), "/") == 0);
	CHECK_EQ(chdir("proc"), 0);
	CHECK(strcmp(getcwd(sub, sizeof(sub)), "/proc") == 0);
}

TEST(getcwd_call)
{
	char buf[8];

	CHECK_EQ(chdir("/"), 0);
	CHECK_EQ(syscall(NR_getcwd, buf, 8), 2); /* with the 0 byte */
	CHECK_EQ(syscall(NR_getcwd, buf, 2), 2);
	CHECK_ERR(syscall(NR_getcwd, buf, 1), ERANGE);
	CHECK_ERR(syscall(NR_getcwd, buf, 0), ERANGE);
	CHECK_ERR(syscall(NR_getcwd, BAD, 8), EFAULT);
}

TEST(getcwd_removed)
{
	char buf[PATH_MAX];
	struct stat st;

	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(chdir("d"), 0);
	CHECK_EQ(rmdir("../d"), 0);
	CHECK_ERR(syscall(NR_getcwd, buf, sizeof(buf)), ENOENT);
	CHECK_ERR(open("f", O_WRONLY | O_CREAT, 0644), ENOENT);
	CHECK_ERR(mkdir("x", 0755), ENOENT);
	CHECK_EQ(stat(".", &st), 0);
	CHECK_EQ(chdir(".."), 0);
}

TEST(chdir_follows_rename)
{
	char buf[PATH_MAX];

	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(chdir("d"), 0);
	CHECK_EQ(rename("../d", "../e"), 0);
	CHECK(getcwd(buf, sizeof(buf)) != NULL);
	CHECK(strcmp(strrchr(buf, '/'), "/e") == 0);
}

TEST(chdir_errors)
{
	make_file("f", "");
	make_loop();
	make_closed_folder();
	CHECK_ERR(chdir("none"), ENOENT);
	CHECK_ERR(chdir(""), ENOENT);
	CHECK_ERR(chdir("f"), ENOTDIR);
	CHECK_ERR(chdir("loop1"), ELOOP);
	CHECK_ERR(chdir(LONG_PATH), ENAMETOOLONG);
	CHECK_ERR(chdir(BAD), EFAULT);
	AS_USER(CHECK_ERR(chdir("closed"), EACCES));
}

TEST(fchdir)
{
	int dir, file;

	CHECK_EQ(mkdir("d", 0755), 0);
	make_file("d/f", "");
	make_closed_folder();
	dir = open("d", O_RDONLY);
	file = open("d/f", O_RDONLY);
	CHECK_EQ(fchdir(dir), 0);
	CHECK(exists("f"));
	CHECK_ERR(fchdir(file), ENOTDIR);
	CHECK_ERR(fchdir(-1), EBADF);
	dir = open("../closed", O_RDONLY);
	AS_USER(CHECK_ERR(fchdir(dir), EACCES));
}

TEST(cwd_is_inherited_not_shared)
{
	CHECK_EQ(mkdir("d", 0755), 0);
	make_file("d/f", "");
	CHECK_EQ(IN_CHILD(CHECK(exists("d/f")); CHECK_EQ(chdir("d"), 0)), 0);
	CHECK(exists("d/f"));
}

/* ---- getdents of old ---- */

struct old_dirent {
	unsigned long d_ino;
	unsigned long d_off;
	unsigned short d_reclen;
	char d_name[]; /* and in the last byte the type */
};

TEST(old_getdents)
{
	_Alignas(8) char buf[2000];
	int fd, n, seen = 0, at;

	make_file("file", "x");
	CHECK_EQ(mkdir("a-folder-with-a-longer-name", 0755), 0);
	fd = open(".", O_RDONLY);
	n = (int)syscall(NR_getdents, fd, buf, sizeof(buf));
	REQUIRE(n > 0);
	for (at = 0; at < n;) {
		struct old_dirent *d = (struct old_dirent *)(buf + at);
		int type = buf[at + d->d_reclen - 1];

		if (strcmp(d->d_name, "file") == 0) {
			CHECK_EQ(type, DT_REG);
			seen |= 1;
		} else if (strcmp(d->d_name, "a-folder-with-a-longer-name") ==
			   0) {
			CHECK_EQ(type, DT_DIR);
			seen |= 2;
		} else if (strcmp(d->d_name, "..") == 0) {
			seen |= 4;
		}
		at += d->d_reclen;
	}
	CHECK_EQ(at, n);
	CHECK_EQ(seen, 7);
	CHECK_EQ(syscall(NR_getdents, fd, buf, sizeof(buf)), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_ERR(syscall(NR_getdents, fd, buf, 3), EINVAL);
	CHECK_ERR(syscall(NR_getdents, fd, BAD, 1000), EFAULT);
	CHECK_ERR(syscall(NR_getdents, -1, buf, sizeof(buf)), EBADF);
	CHECK_ERR(syscall(NR_getdents, 1, buf, sizeof(buf)), ENOTDIR);
}

/** More than PATH_MAX bytes deep: one goes there step by step. */
TEST(getcwd_too_long)
{
	static char here[3 * PATH_MAX], name[200];
	int depth, steps = 2 * PATH_MAX / (int)sizeof(name);

	memset(name, 'n', sizeof(name) - 1);
	for (depth = 0; depth < steps; depth++)
		REQUIRE(mkdir(name, 0755) == 0 && chdir(name) == 0);
	CHECK_ERR(syscall(NR_getcwd, here, sizeof(here)), ENAMETOOLONG);
	while (depth-- > 0)
		REQUIRE(chdir("..") == 0 && rmdir(name) == 0);
	CHECK(syscall(NR_getcwd, here, sizeof(here)) > 0);
}

TEST(getdents_of_a_folder_that_is_gone)
{
	char buf[1000];
	int fd;

	CHECK_EQ(mkdir("d", 0755), 0);
	fd = open("d", O_RDONLY);
	CHECK_EQ(rmdir("d"), 0);
	CHECK_ERR(syscall(NR_getdents, fd, buf, sizeof(buf)), ENOENT);
	CHECK_ERR(syscall(NR_getdents64, fd, buf, sizeof(buf)), ENOENT);
}

TEST(rmdir_in_sticky_folder)
{
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(chmod("d", 01777), 0);
	CHECK_EQ(mkdir("d/root", 0777), 0);
	AS_USER(CHECK_ERR(rmdir("d/root"), EPERM));
}

/** In a folder as its root; what is above is out of reach. */
TEST(chroot)
{
	struct stat root, above;
	char buf[PATH_MAX];

	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(mkdir("d/in", 0755), 0);
	CHECK_EQ(syscall(NR_chroot, "d"), 0);
	CHECK(syscall(NR_getcwd, buf, sizeof(buf)) > 0);
	CHECK_EQ(strncmp(buf, "(unreachable)/", 14), 0);
	CHECK_EQ(chdir("/"), 0);
	CHECK(exists("/in"));
	CHECK_EQ(stat("/", &root), 0);
	CHECK_EQ(stat("/../..", &above), 0);
	CHECK_EQ(root.st_ino, above.st_ino);
	AS_USER(CHECK_ERR(syscall(NR_chroot, "/in"), EPERM));
}
