/*
 * Mounts: mount(2), umount(2). On Linux, in a name space of the test's own.
 */
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include "check.h"

#define CLONE_NEWNS 0x20000
#define MS_PRIVATE  (1 << 18)

/** A tmpfs on "m". */
static void
mount_here(unsigned long flags)
{
	if (syscall(NR_unshare, CLONE_NEWNS) == 0)
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	REQUIRE(mkdir("m", 0755) == 0);
	REQUIRE(mount("t", "m", "tmpfs", flags, NULL) == 0);
}

static int
remount(unsigned long flags)
{
	return mount("t", "m", NULL, MS_REMOUNT | flags, NULL);
}

TEST(mount_covers)
{
	struct stat below, above;

	CHECK_EQ(stat(".", &below), 0);
	mount_here(0);
	make_file("m/f", "abc");
	CHECK_EQ(stat("m", &above), 0);
	CHECK(below.st_dev != above.st_dev);
	CHECK_EQ(stat("m/..", &above), 0);
	CHECK_EQ(above.st_ino, below.st_ino);
	CHECK_EQ(umount2("m", 0), 0);
	CHECK(!exists("m/f"));
	CHECK_EQ(rmdir("m"), 0);
}

/** What a file below @p dir tells. */
static const char *
text_at(int dir, const char *name)
{
	static char text[16384];
	int fd = openat(dir, name, O_RDONLY);
	long n = read(fd, text, sizeof(text) - 1);

	REQUIRE(n > 0);
	text[n] = '\0';
	close(fd);
	return text;
}

TEST(mounts_with_spaces_in_their_names)
{
	const char *text;

	mount_here(0);
	CHECK_EQ(mkdir("m/a b", 0755), 0);
	CHECK_EQ(mount("x\ty", "m/a b", "tmpfs", 0, NULL), 0);
	text = text_at(AT_FDCWD, "/proc/self/mounts");
	CHECK(strstr(text, "\nx\\011y ") != NULL);
	CHECK(strstr(text, "/m/a\\040b tmpfs ") != NULL);
	CHECK_EQ(umount2("m/a b", 0), 0);
	CHECK_EQ(umount2("m", 0), 0);
}

#define DEEP "a_directory_whose_name_is_longer_than_some_would_have_it_be_at_all"

/** They are told where they are, not where they once were. */
TEST(mounts_move_with_their_folder)
{
	const char *text;

	mount_here(0);
	CHECK(mkdir("m/old", 0755) == 0 && mkdir("m/old/" DEEP, 0755) == 0);
	CHECK_EQ(mount("inner", "m/old/" DEEP, "tmpfs", 0, NULL), 0);
	CHECK_EQ(rename("m/old", "m/new"), 0);
	text = text_at(AT_FDCWD, "/proc/self/mounts");
	CHECK(strstr(text, "/m/new/" DEEP " tmpfs rw") != NULL);
	CHECK(strstr(text, "/m/old") == NULL);
	text = text_at(AT_FDCWD, "/proc/self/mountinfo");
	CHECK(strstr(text, "/m/new/" DEEP " rw") != NULL);
	CHECK_EQ(umount2("m/new/" DEEP, 0), 0);
	CHECK_EQ(umount2("m", 0), 0);
}

static void
look_from_inside(void)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY);
	const char *text;

	REQUIRE(chroot("m") == 0);
	text = text_at(proc, "self/mounts");
	CHECK(strncmp(text, "t / tmpfs rw", 12) == 0);
	CHECK(strstr(text, "\ninner /d tmpfs rw") != NULL);
	CHECK(strstr(text, "/proc ") == NULL);
}

/** By the reader's root: what is outside is not told. */
TEST(mounts_are_told_from_the_root)
{
	mount_here(0);
	CHECK_EQ(mkdir("m/d", 0755), 0);
	CHECK_EQ(mount("inner", "m/d", "tmpfs", 0, NULL), 0);
	CHECK_EQ(IN_CHILD(look_from_inside()), 0);
	CHECK_EQ(umount2("m/d", 0), 0);
	CHECK_EQ(umount2("m", 0), 0);
}

TEST(mount_read_only)
{
	int fd;

	mount_here(0);
	make_file("m/f", "abc");
	CHECK_EQ(mkdir("m/d", 0755), 0);
	fd = open("m/f", O_WRONLY);
	CHECK_ERR(remount(MS_RDONLY), EBUSY);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(remount(MS_RDONLY), 0);
	CHECK_EQ(open("m/none", O_CREAT | O_WRONLY, 0644), -1);
	CHECK_EQ(errno, EROFS);
	CHECK_ERR(open("m/f", O_WRONLY), EROFS);
	CHECK_ERR(open("m/f", O_RDONLY | O_TRUNC), EROFS);
	CHECK_ERR(open("m", O_TMPFILE | O_RDWR, 0600), EROFS);
	CHECK_ERR(unlink("m/f"), EROFS);
	CHECK_ERR(rmdir("m/d"), EROFS);
	CHECK_ERR(unlink("m/none"), EROFS);
	CHECK_ERR(rmdir("m/none"), EROFS);
	CHECK_ERR(unlink("m/f/"), EROFS);
	CHECK_ERR(rmdir("m/f"), EROFS);
	CHECK_ERR(unlink("m/."), EISDIR);
	CHECK_ERR(unlink("m/none/x"), ENOENT);
	CHECK_ERR(mkdir("m/e", 0755), EROFS);
	CHECK_ERR(mknod("m/e", S_IFIFO | 0600, 0), EROFS);
	CHECK_ERR(symlink("x", "m/e"), EROFS);
	CHECK_ERR(link("m/f", "m/e"), EROFS);
	CHECK_ERR(rename("m/f", "m/e"), EROFS);
	CHECK_ERR(chmod("m/f", 0600), EROFS);
	CHECK_ERR(chown("m/f", 1, 1), EROFS);
	CHECK_ERR(truncate("m/f", 1), EROFS);
	CHECK_ERR(utimensat(AT_FDCWD, "m/f", NULL, 0), EROFS);
	CHECK_ERR(access("m/f", W_OK), EROFS);
	CHECK_EQ(access("m/f", R_OK), 0);
	CHECK((fd = open("m/f", O_RDONLY | O_CREAT, 0644)) >= 0);
	CHECK_ERR(fchmod(fd, 0600), EROFS);
	CHECK_ERR(fchown(fd, 1, 1), EROFS);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(remount(0), 0);
	CHECK_EQ(unlink("m/f"), 0);
	CHECK_EQ(umount2("m", 0), 0);
}

TEST(mount_nodev_noexec)
{
	char *argv[] = { (char *)"x", NULL };
	struct statfs st;
	char *text;
	int fd;

	mount_here(MS_NODEV | MS_NOEXEC);
	CHECK_EQ(statfs("m", &st), 0);
	CHECK_EQ(st.f_flags & (ST_NODEV | ST_NOEXEC | ST_NOSUID),
		 ST_NODEV | ST_NOEXEC);
	CHECK_EQ(mknod("m/null", S_IFCHR | 0666, makedev(1, 3)), 0);
	CHECK_ERR(open("m/null", O_RDONLY), EACCES);
	make_file("m/x", "#!/bin/sh\n");
	CHECK_EQ(chmod("m/x", 0755), 0);
	REQUIRE((fd = open("m/x", O_RDONLY)) >= 0);
	CHECK_ERR(execve("m/x", argv, argv + 1), EACCES);
	CHECK_ERR(access("m/x", X_OK), EACCES);
	CHECK_ERR(mmap(NULL, 4096, PROT_EXEC, MAP_PRIVATE, fd, 0), EPERM);
	text = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK_ERR(mprotect(text, 4096, PROT_READ | PROT_EXEC), EACCES);
	CHECK_EQ(remount(0), 0);
	CHECK(open("m/null", O_RDONLY) >= 0);
	CHECK_EQ(umount2("m", MNT_DETACH), 0);
}

TEST(mount_noatime)
{
	struct timespec old[2] = { { 1, 0 }, { 1, 0 } };
	struct timespec future[2] = { { 4000000000, 0 }, { 1, 0 } };
	struct stat st;
	char c;
	int fd;

	mount_here(MS_NOATIME);
	make_file("m/f", "abc");
	CHECK_EQ(utimensat(AT_FDCWD, "m/f", old, 0), 0);
	fd = open("m/f", O_RDONLY);
	CHECK_EQ(read(fd, &c, 1), 1);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_atime, 1);
	CHECK_EQ(remount(MS_NOSUID), 0); /* keeps what it does not name */
	CHECK_EQ(pread(fd, &c, 1, 0), 1);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_atime, 1);
	CHECK_EQ(remount(MS_STRICTATIME), 0);
	CHECK_EQ(pread(fd, &c, 1, 0), 1);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK(st.st_atime > 1);
	CHECK_EQ(utimensat(AT_FDCWD, "m/f", future, 0), 0);
	CHECK_EQ(remount(MS_RELATIME), 0);
	CHECK_EQ(pread(fd, &c, 1, 0), 1);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_atime, future[0].tv_sec);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(umount2("m", 0), 0);
}

/** A folder's access time follows the same rules as a file's. */
TEST(mount_relatime_of_folders)
{
	struct timespec future[2] = { { 4000000000, 0 }, { 1, 0 } };
	struct timespec old[2] = { { 1, 0 }, { 1, 0 } };
	char entries[512];
	struct stat st;
	int fd;

	mount_here(0);
	CHECK_EQ(utimensat(AT_FDCWD, "m", future, 0), 0);
	fd = open("m", O_RDONLY);
	CHECK(syscall(NR_getdents64, fd, entries, sizeof(entries)) > 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_atime, future[0].tv_sec);
	CHECK_EQ(utimensat(AT_FDCWD, "m", old, 0), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK(syscall(NR_getdents64, fd, entries, sizeof(entries)) > 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK(st.st_atime > 1);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(umount2("m", 0), 0);
}

TEST(mount_of_size_0_has_no_limit)
{
	struct statfs st;

	mount_here(0);
	CHECK_EQ(mkdir("m/d", 0755), 0);
	CHECK_EQ(mount("t", "m/d", "tmpfs", 0, "size=0"), 0);
	make_file("m/d/f", "abc");
	CHECK_EQ(statfs("m/d", &st), 0);
	CHECK_EQ(st.f_blocks, 0);
	CHECK_EQ(st.f_bfree, 0);
	CHECK_EQ(umount2("m/d", 0), 0);
	CHECK_EQ(umount2("m", 0), 0);
}

/** No path would lead to it. */
TEST(mount_on_a_removed_folder)
{
	int home;

	mount_here(0);
	home = open(".", O_RDONLY);
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(chdir("d"), 0);
	CHECK_EQ(rmdir("../d"), 0);
	CHECK_ERR(mount("t", ".", "tmpfs", 0, NULL), ENOENT);
	CHECK_EQ(fchdir(home), 0);
	CHECK_EQ(umount2("m", 0), 0);
}

TEST(umount_busy)
{
	int fd;

	mount_here(0);
	fd = open("m/f", O_WRONLY | O_CREAT, 0644);
	CHECK_ERR(umount2("m", 0), EBUSY);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(chdir("m"), 0);
	CHECK_ERR(umount2("../m", 0), EBUSY);
	CHECK_EQ(chdir(".."), 0);
	CHECK_ERR(rmdir("m"), EBUSY);
	CHECK_ERR(rename("m", "n"), EBUSY);
	CHECK_EQ(umount2("m", 0), 0);
}

/** A try that fails is not seen by others. */
TEST(umount_busy_stays_in_the_tree)
{
	int fd, status, i, gone = 0;
	pid_t child;

	mount_here(0);
	fd = open("m/f", O_WRONLY | O_CREAT, 0644);
	child = fork();
	if (child == 0)
		for (;;)
			if (umount2("m", 0) == 0)
				_exit(1);
	for (i = 0; i < 20000; i++)
		gone += !exists("m/f");
	CHECK_EQ(gone, 0);
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, SIGKILL);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(umount2("m", 0), 0);
}

/** It leaves the tree at once, and stays for who is inside. */
TEST(umount_detach)
{
	char buf[PATH_MAX];
	int fd, dir;

	mount_here(0);
	fd = open("m/f", O_RDWR | O_CREAT, 0644);
	CHECK_EQ(mkdir("m/inner", 0755), 0);
	CHECK_EQ(mount("t2", "m/inner", "tmpfs", 0, NULL), 0);
	dir = open("m/inner", O_RDONLY);
	CHECK_EQ(chdir("m"), 0);
	CHECK_EQ(umount2("../m", MNT_DETACH), 0);
	CHECK_ERR(umount2(".", MNT_DETACH), EINVAL);
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK(exists("f"));
	CHECK(exists("../f")); /* nothing is above it */
	CHECK(syscall(NR_getcwd, buf, sizeof(buf)) > 0);
	CHECK_EQ(strcmp(buf, "(unreachable)/"), 0);
	CHECK_EQ(readlink("/proc/self/cwd", buf, sizeof(buf)), 1);
	CHECK_EQ(chdir("inner"), 0);
	CHECK(syscall(NR_getcwd, buf, sizeof(buf)) > 0);
	CHECK_EQ(strncmp(buf, "(unreachable)/", 14), 0);
	CHECK_EQ(chdir(".."), 0);
	make_file("g", "x");
	CHECK_EQ(mkdirat(dir, "d", 0755), 0);
	CHECK_EQ(close(dir), 0);
	CHECK_EQ(close(fd), 0);
}

TEST(umount_detach_frees_the_place)
{
	mount_here(0);
	make_file("m/f", "abc");
	CHECK_EQ(umount2("m", MNT_DETACH), 0);
	CHECK(!exists("m/f"));
	CHECK_EQ(rmdir("m"), 0);
}

TEST(umount_nofollow)
{
	mount_here(0);
	CHECK_EQ(symlink("m", "l"), 0);
	CHECK_ERR(umount2("l", UMOUNT_NOFOLLOW), EINVAL);
	CHECK_EQ(umount2("l", 0), 0);
}

/** /proc/mounts names it, with its options, while it is there. */
TEST(proc_mounts)
{
	char text[8192] = "";
	int fd;

	mount_here(MS_NOSUID | MS_NOEXEC);
	fd = open("/proc/mounts", O_RDONLY);
	CHECK(read(fd, text, sizeof(text) - 1) > 0);
	CHECK(strstr(text, "/m tmpfs rw,nosuid,noexec") != NULL);
	CHECK_EQ(umount2("m", MNT_DETACH), 0);
	memset(text, 0, sizeof(text));
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK(read(fd, text, sizeof(text) - 1) > 0);
	CHECK(strstr(text, "/m tmpfs rw,nosuid,noexec") == NULL);
}

TEST(mount_errors)
{
	mount_here(0);
	make_file("f", "abc");
	make_loop();
	CHECK_ERR(mount("t", "m/none", "tmpfs", 0, NULL), ENOENT);
	CHECK_ERR(mount("t", "f", "tmpfs", 0, NULL), ENOTDIR);
	CHECK_ERR(mount("t", "loop1", "tmpfs", 0, NULL), ELOOP);
	CHECK_ERR(mount("t", LONG_PATH, "tmpfs", 0, NULL), ENAMETOOLONG);
	CHECK_ERR(mount("t", "m", "nosuchfs", 0, NULL), ENODEV);
	CHECK_ERR(mount("t", "f", "nosuchfs", 0, NULL), ENODEV);
	CHECK_ERR(mount("t", "m/none", "nosuchfs", 0, NULL), ENOENT);
	CHECK_ERR(mount("t", "f/x", "nosuchfs", 0, NULL), ENOTDIR);
	CHECK_ERR(mount("t", "m/none", NULL, 0, NULL), ENOENT);
	CHECK_ERR(mount("t", "m", NULL, 0, NULL), EINVAL);
	CHECK_ERR(mount("/nosuchdisk", "f", "ext2", 0, NULL), ENOENT);
	CHECK_ERR(mount("t", BAD, "tmpfs", 0, NULL), EFAULT);
	CHECK_ERR(mount("t", "m", BAD, 0, NULL), EFAULT);
	CHECK_ERR(mount("/nosuchdisk", "m", "ext2", 0, NULL), ENOENT);
	CHECK_ERR(mount("/dev/null", "m", "ext2", 0, NULL), ENOTBLK);
	CHECK_ERR(mount("f", "m", "ext2", 0, NULL), ENOTBLK);
	CHECK_ERR(umount2("f", 0), EINVAL);
	CHECK_ERR(umount2("none", 0), ENOENT);
	CHECK_ERR(umount2("m", 0x100), EINVAL);
	CHECK_ERR(umount2(BAD, 0), EFAULT);
	CHECK_ERR(umount2(LONG_PATH, 0), ENAMETOOLONG);
	AS_USER(CHECK_ERR(mount("t", "m", "tmpfs", 0, NULL), EPERM);
		CHECK_ERR(umount2("m", 0), EPERM));
	CHECK_EQ(mkdir("m/d", 0755), 0);
	CHECK_ERR(mount("t", "m/d", NULL, MS_REMOUNT, NULL), EINVAL);
	CHECK_EQ(umount2("m", 0), 0);
}
