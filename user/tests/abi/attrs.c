/*
 * access, chmod, chown, umask, utimensat, truncate, mknod, fsync, and their
 * forms by descriptor: what a file has beside its bytes.
 */
#include <limits.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <sys/time.h>
#include "check.h"

TEST(access)
{
	make_file("f", "");
	CHECK_EQ(chmod("f", 0644), 0);
	CHECK_EQ(access("f", F_OK), 0);
	CHECK_EQ(access("f", R_OK | W_OK), 0);
	CHECK_ERR(access("f", X_OK), EACCES); /* even for root: no x bit */
	CHECK_EQ(chmod("f", 0604), 0);
	AS_USER(CHECK_EQ(access("f", R_OK), 0);
		CHECK_ERR(access("f", W_OK), EACCES));
}

TEST(access_asks_for_the_real_user)
{
	make_file("f", "");
	CHECK_EQ(chmod("f", 0600), 0);
	CHECK_EQ(IN_CHILD({
			 REQUIRE(setresuid(USER_ID, 0, 0) == 0);
			 CHECK_ERR(access("f", R_OK), EACCES);
			 CHECK(open("f", O_RDONLY) >= 0);
		 }),
		 0);
}

TEST(access_errors)
{
	make_file("f", "");
	make_loop();
	make_closed_folder();
	CHECK_ERR(access("none", F_OK), ENOENT);
	CHECK_ERR(access("", F_OK), ENOENT);
	CHECK_ERR(access("f/x", F_OK), ENOTDIR);
	CHECK_ERR(access("loop1", F_OK), ELOOP);
	CHECK_ERR(access(LONG_PATH, F_OK), ENAMETOOLONG);
	CHECK_ERR(access("f", 8), EINVAL);
	CHECK_ERR(access(BAD, F_OK), EFAULT);
	AS_USER(CHECK_ERR(access("closed/file", F_OK), EACCES));
}

TEST(faccessat)
{
	int dir = open(".", O_RDONLY);

	make_file("f", "");
	CHECK_EQ(faccessat(dir, "f", R_OK, 0), 0);
	CHECK_EQ(faccessat(AT_FDCWD, "f", F_OK, 0), 0);
	CHECK_ERR(faccessat(dir, "none", F_OK, 0), ENOENT);
	CHECK_ERR(syscall(NR_faccessat, dir, "f", 8), EINVAL);
	CHECK_ERR(faccessat(99, "f", F_OK, 0), EBADF);
	CHECK_ERR(faccessat(open("f", O_RDONLY), "f", F_OK, 0), ENOTDIR);
}

TEST(chmod)
{
	struct stat before, after;

	make_file("f", "");
	CHECK_EQ(stat("f", &before), 0);
	CHECK_EQ(chmod("f", 07751), 0);
	CHECK_EQ(stat("f", &after), 0);
	CHECK_EQ(after.st_mode, S_IFREG | 07751);
	CHECK(after.st_ctim.tv_sec > before.st_ctim.tv_sec ||
	      after.st_ctim.tv_nsec >= before.st_ctim.tv_nsec);
	CHECK_EQ(symlink("f", "s"), 0);
	CHECK_EQ(chmod("s", 0600), 0);
	CHECK_EQ(mode_of("f"), S_IFREG | 0600);
	CHECK_EQ(chmod("f", 0170000 | 0640), 0); /* the type stays */
	CHECK_EQ(mode_of("f"), S_IFREG | 0640);
}

TEST(chmod_errors)
{
	make_file("f", "");
	make_loop();
	make_closed_folder();
	CHECK_ERR(chmod("none", 0644), ENOENT);
	CHECK_ERR(chmod("", 0644), ENOENT);
	CHECK_ERR(chmod("f/x", 0644), ENOTDIR);
	CHECK_ERR(chmod("loop1", 0644), ELOOP);
	CHECK_ERR(chmod(LONG_PATH, 0644), ENAMETOOLONG);
	CHECK_ERR(chmod(BAD, 0644), EFAULT);
	AS_USER(CHECK_ERR(chmod("f", 0777), EPERM);
		CHECK_ERR(chmod("closed/file", 0777), EACCES));
}

TEST(fchmod_fchmodat)
{
	int fd, dir = open(".", O_RDONLY);

	make_file("f", "");
	fd = open("f", O_RDONLY);
	CHECK_EQ(fchmod(fd, 0711), 0);
	CHECK_EQ(mode_of("f"), S_IFREG | 0711);
	CHECK_EQ(fchmodat(dir, "f", 0622, 0), 0);
	CHECK_EQ(mode_of("f"), S_IFREG | 0622);
	CHECK_ERR(fchmod(-1, 0644), EBADF);
	CHECK_ERR(fchmodat(99, "f", 0644, 0), EBADF);
	CHECK_ERR(fchmodat(fd, "f", 0644, 0), ENOTDIR);
	CHECK_ERR(fchmodat(dir, "none", 0644, 0), ENOENT);
	AS_USER(CHECK_ERR(fchmod(fd, 0777), EPERM));
}

static void
check_owner(const char *path, uid_t uid, gid_t gid)
{
	struct stat st;

	CHECK_EQ(lstat(path, &st), 0);
	CHECK_EQ(st.st_uid, uid);
	CHECK_EQ(st.st_gid, gid);
}

TEST(chown)
{
	make_file("f", "");
	CHECK_EQ(chown("f", 12, 34), 0);
	check_owner("f", 12, 34);
	CHECK_EQ(chown("f", (uid_t)-1, 56), 0);
	check_owner("f", 12, 56);
	CHECK_EQ(chown("f", 78, (gid_t)-1), 0);
	check_owner("f", 78, 56);
	CHECK_EQ(chown("f", 70000, 80000), 0); /* more than 16 bits */
	check_owner("f", 70000, 80000);
}

TEST(chown_symlink)
{
	make_file("f", "");
	CHECK_EQ(symlink("f", "s"), 0);
	CHECK_EQ(chown("s", 1, 1), 0);
	check_owner("f", 1, 1);
	check_owner("s", 0, 0);
	CHECK_EQ(lchown("s", 2, 2), 0);
	check_owner("s", 2, 2);
	check_owner("f", 1, 1);
}

TEST(chown_clears_setuid)
{
	make_file("f", "");
	CHECK_EQ(chmod("f", 06755), 0);
	CHECK_EQ(chown("f", USER_ID, USER_ID), 0);
	CHECK_EQ(mode_of("f"), S_IFREG | 0755);
}

TEST(chown_of_nothing_clears_for_the_owner)
{
	make_file("f", "");
	make_file("g", "");
	CHECK_EQ(chmod("f", 04755), 0);
	AS_USER(CHECK_ERR(chown("f", -1, -1), EPERM);
		CHECK_EQ(chown("g", -1, -1), 0));
	CHECK_EQ(mode_of("f"), S_IFREG | 04755);
	CHECK_EQ(chown("f", -1, -1), 0);
	CHECK_EQ(mode_of("f"), S_IFREG | 0755);
}

TEST(write_of_nothing_keeps_setuid)
{
	make_file("f", "abc");
	CHECK_EQ(chmod("f", 04766), 0);
	AS_USER(int fd = open("f", O_WRONLY); CHECK_EQ(write(fd, "", 0), 0));
	CHECK_EQ(mode_of("f"), S_IFREG | 04766);
	AS_USER(int fd = open("f", O_WRONLY); CHECK_EQ(write(fd, "x", 1), 1));
	CHECK_EQ(mode_of("f"), S_IFREG | 0766);
}

/* S_ISGID without the right to execute lends nothing. */
TEST(setgid_stays_for_the_group)
{
	make_file("f", "abc");
	CHECK_EQ(chown("f", USER_ID, USER_ID), 0);
	CHECK_EQ(chmod("f", 06766), 0);
	AS_USER(CHECK_EQ(truncate("f", 1), 0));
	CHECK_EQ(mode_of("f"), S_IFREG | 02766);
	CHECK_EQ(chown("f", USER_ID, 0), 0);
	CHECK_EQ(mode_of("f"), S_IFREG | 02766);
	AS_USER(CHECK_EQ(truncate("f", 1), 0));
	CHECK_EQ(mode_of("f"), S_IFREG | 0766);
}

TEST(chown_errors)
{
	make_file("f", "");
	make_loop();
	make_closed_folder();
	CHECK_ERR(chown("none", 1, 1), ENOENT);
	CHECK_ERR(chown("f/x", 1, 1), ENOTDIR);
	CHECK_ERR(chown("loop1", 1, 1), ELOOP);
	CHECK_ERR(chown(LONG_PATH, 1, 1), ENAMETOOLONG);
	CHECK_ERR(chown(BAD, 1, 1), EFAULT);
	AS_USER(CHECK_ERR(chown("f", USER_ID, USER_ID), EPERM);
		CHECK_ERR(chown("closed/file", 1, 1), EACCES));
	CHECK_EQ(chown("f", USER_ID, USER_ID), 0);
	AS_USER(CHECK_ERR(chown("f", 5, (gid_t)-1), EPERM);
		CHECK_ERR(chown("f", (uid_t)-1, 5), EPERM);
		CHECK_EQ(chown("f", USER_ID, USER_ID), 0);
		CHECK_EQ(chmod("f", 0600), 0));
}

TEST(fchown_fchownat)
{
	int fd, dir = open(".", O_RDONLY);

	make_file("f", "");
	CHECK_EQ(symlink("f", "s"), 0);
	fd = open("f", O_RDONLY);
	CHECK_EQ(fchown(fd, 3, 4), 0);
	check_owner("f", 3, 4);
	CHECK_EQ(fchownat(dir, "f", 5, 6, 0), 0);
	check_owner("f", 5, 6);
	CHECK_EQ(fchownat(dir, "s", 7, 8, AT_SYMLINK_NOFOLLOW), 0);
	check_owner("s", 7, 8);
	CHECK_EQ(fchownat(fd, "", 9, 9, AT_EMPTY_PATH), 0);
	check_owner("f", 9, 9);
	CHECK_ERR(fchown(-1, 1, 1), EBADF);
	CHECK_ERR(fchownat(99, "f", 1, 1, 0), EBADF);
	CHECK_ERR(fchownat(fd, "f", 1, 1, 0), ENOTDIR);
	CHECK_ERR(fchownat(dir, "f", 1, 1, 0x40000000), EINVAL);
}

/* Both ends of a pipe are one file, of a pair of sockets two. */
TEST(attributes_of_what_has_no_name)
{
	int p[2], s[2];
	struct stat st;

	REQUIRE(pipe(p) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	CHECK_EQ(fstat(p[1], &st), 0);
	CHECK_EQ(st.st_mode, S_IFIFO | 0600);
	CHECK_EQ(fchmod(p[0], 06750), 0);
	CHECK_EQ(fstat(p[1], &st), 0);
	CHECK_EQ(st.st_mode, S_IFIFO | 06750);
	CHECK_EQ(fchown(p[1], 3, 4), 0);
	CHECK_EQ(fstat(p[0], &st), 0);
	CHECK(st.st_uid == 3 && st.st_gid == 4);
	CHECK_EQ(st.st_mode, S_IFIFO | 0750); /* as of any file given away */
	AS_USER(CHECK_ERR(fchmod(p[0], 0600), EPERM);
		CHECK_ERR(fchown(p[0], 3, 3), EPERM);
		CHECK_ERR(fchmod(s[0], 0600), EPERM));
	CHECK_EQ(fchmod(s[0], S_IFREG | 0400), 0);
	CHECK_EQ(fchown(s[0], 5, (gid_t)-1), 0);
	CHECK_EQ(fstat(s[0], &st), 0);
	CHECK(st.st_mode == (S_IFSOCK | 0400) && st.st_uid == 5 &&
	      st.st_gid == 0);
	CHECK_EQ(fstat(s[1], &st), 0);
	CHECK(st.st_mode == (S_IFSOCK | 0777) && st.st_uid == 0);
}

TEST(new_files_belong_to_their_maker)
{
	CHECK_EQ(chmod(".", 0777), 0);
	AS_USER(make_file("f", ""); mkdir("d", 0755); symlink("x", "s"));
	check_owner("f", USER_ID, USER_ID);
	check_owner("d", USER_ID, USER_ID);
	check_owner("s", USER_ID, USER_ID);
}

TEST(setgid_folder_gives_its_group)
{
	CHECK_EQ(mkdir("d", 0777), 0);
	CHECK_EQ(chown("d", 0, 77), 0);
	CHECK_EQ(chmod("d", 02777), 0);
	make_file("d/f", "");
	check_owner("d/f", 0, 77);
	CHECK_EQ(mkdir("d/e", 0755), 0);
	check_owner("d/e", 0, 77);
	CHECK_EQ(mode_of("d/e"), S_IFDIR | 02755);
}

TEST(umask)
{
	umask(022);
	CHECK_EQ(umask(0177), 022);
	CHECK_EQ(umask(07777), 0177);
	CHECK_EQ(umask(0), 0777); /* no more than the nine bits */
	CHECK_EQ(umask(027), 0);
	CHECK_EQ(IN_CHILD(CHECK_EQ(umask(0), 027)), 0);
	CHECK_EQ(umask(0), 027);
}

TEST(utimensat)
{
	struct timespec ts[2] = { { 1000000000, 123456789 }, { 2, 0 } };
	struct stat st, later;

	make_file("f", "");
	CHECK_EQ(utimensat(AT_FDCWD, "f", ts, 0), 0);
	CHECK_EQ(stat("f", &st), 0);
	CHECK_EQ(st.st_atim.tv_sec, 1000000000);
	CHECK(st.st_atim.tv_nsec == 123456789 || st.st_atim.tv_nsec == 0);
	CHECK_EQ(st.st_mtim.tv_sec, 2);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = UTIME_NOW;
	CHECK_EQ(utimensat(AT_FDCWD, "f", ts, 0), 0);
	CHECK_EQ(stat("f", &later), 0);
	CHECK_EQ(later.st_atim.tv_sec, 1000000000);
	CHECK(later.st_mtim.tv_sec > 1000000000);
	CHECK_EQ(utimensat(AT_FDCWD, "f", NULL, 0), 0);
	CHECK_EQ(stat("f", &later), 0);
	CHECK(later.st_atim.tv_sec > 1000000000);
}

TEST(utimensat_of_nothing_looks_at_nothing)
{
	const struct timespec ts[2] = { { 0, UTIME_OMIT }, { 0, UTIME_OMIT } };

	CHECK_EQ(utimensat(AT_FDCWD, "none", ts, 0), 0);
	CHECK_EQ(utimensat(-1, "none", ts, ~0), 0);
}

TEST(utimensat_targets)
{
	struct timespec ts[2] = { { 5, 0 }, { 6, 0 } };
	struct stat st;
	int fd, dir = open(".", O_RDONLY);

	make_file("f", "");
	CHECK_EQ(symlink("f", "s"), 0);
	fd = open("f", O_RDONLY);
	CHECK_EQ(utimensat(dir, "s", ts, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_EQ(lstat("s", &st), 0);
	CHECK_EQ(st.st_mtime, 6);
	CHECK_EQ(stat("f", &st), 0);
	CHECK(st.st_mtime != 6);
	CHECK_EQ(futimens(fd, ts), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_mtime, 6);
}

TEST(utimensat_errors)
{
	struct timespec ts[2] = { { 5, 0 }, { 6, 1000000000 } };
	int fd;

	make_file("f", "");
	make_closed_folder();
	fd = open("f", O_RDONLY);
	CHECK_ERR(utimensat(AT_FDCWD, "f", ts, 0), EINVAL);
	ts[1].tv_nsec = -1;
	CHECK_ERR(utimensat(AT_FDCWD, "f", ts, 0), EINVAL);
	ts[1].tv_nsec = 0;
	CHECK_ERR(utimensat(AT_FDCWD, "none", ts, 0), ENOENT);
	CHECK_ERR(utimensat(AT_FDCWD, "", ts, 0), ENOENT);
	CHECK_ERR(utimensat(AT_FDCWD, "f/x", ts, 0), ENOTDIR);
	CHECK_ERR(utimensat(99, "f", ts, 0), EBADF);
	CHECK_ERR(utimensat(fd, "f", ts, 0), ENOTDIR);
	CHECK_ERR(utimensat(AT_FDCWD, "f", ts, 0x40000000), EINVAL);
	CHECK_ERR(utimensat(AT_FDCWD, BAD, ts, 0), EFAULT);
	CHECK_ERR(utimensat(AT_FDCWD, "f", BAD, 0), EFAULT);
	AS_USER(CHECK_ERR(utimensat(AT_FDCWD, "f", ts, 0), EPERM);
		CHECK_ERR(utimensat(AT_FDCWD, "f", NULL, 0), EACCES);
		CHECK_ERR(utimensat(AT_FDCWD, "closed/file", ts, 0), EACCES));
}

TEST(times_change_with_use)
{
	struct timespec old[2] = { { 5, 0 }, { 5, 0 } };
	struct stat st;

	make_file("f", "");
	CHECK_EQ(utimensat(AT_FDCWD, "f", old, 0), 0);
	CHECK_EQ(utimensat(AT_FDCWD, ".", old, 0), 0);
	CHECK_EQ(write(open("f", O_WRONLY), "x", 1), 1);
	CHECK_EQ(stat("f", &st), 0);
	CHECK(st.st_mtime > 5);
	make_file("g", "");
	CHECK_EQ(stat(".", &st), 0);
	CHECK(st.st_mtime > 5);
}

TEST(truncate)
{
	char buf[8] = "xxxxxxx";

	make_file("f", "abcdef");
	CHECK_EQ(truncate("f", 2), 0);
	CHECK_EQ(size_of_file("f"), 2);
	CHECK_EQ(truncate("f", 5), 0);
	CHECK_EQ(size_of_file("f"), 5);
	CHECK_EQ(read(open("f", O_RDONLY), buf, 8), 5);
	CHECK(memcmp(buf, "ab\0\0\0", 5) == 0);
	CHECK_EQ(truncate("f", 0), 0);
	CHECK_EQ(size_of_file("f"), 0);
}

TEST(truncate_zeroes_what_comes_back)
{
	char buf[4096], zero[4096] = { 0 };
	int fd;

	memset(buf, 'x', sizeof(buf));
	fd = open("f", O_RDWR | O_CREAT, 0644);
	for (int i = 0; i < 20; i++)
		CHECK_EQ(write(fd, buf, 4096), 4096);
	CHECK_EQ(ftruncate(fd, 100), 0);
	CHECK_EQ(ftruncate(fd, 80000), 0);
	CHECK_EQ(pread(fd, buf, 4096, 100), 4096);
	CHECK(memcmp(buf, zero, 4096) == 0);
	CHECK_EQ(pread(fd, buf, 4096, 70000), 4096);
	CHECK(memcmp(buf, zero, 4096) == 0);
}

TEST(truncate_errors)
{
	struct rlimit rl = { 100, 100 };
	int p[2];

	make_file("f", "");
	make_loop();
	make_closed_folder();
	CHECK_ERR(truncate("none", 0), ENOENT);
	CHECK_ERR(truncate("f/x", 0), ENOTDIR);
	CHECK_ERR(truncate("loop1", 0), ELOOP);
	CHECK_ERR(truncate(LONG_PATH, 0), ENAMETOOLONG);
	CHECK_ERR(truncate(".", 0), EISDIR);
	CHECK_ERR(truncate("f", -1), EINVAL);
	CHECK_ERR(truncate(BAD, 0), EFAULT);
	CHECK_ERR(ftruncate(-1, 0), EBADF);
	CHECK_ERR(ftruncate(open("f", O_RDONLY), 0), EINVAL);
	CHECK_ERR(ftruncate(open("f", O_WRONLY), -1), EINVAL);
	REQUIRE(pipe(p) == 0);
	CHECK_ERR(ftruncate(p[1], 0), EINVAL);
	AS_USER(CHECK_ERR(truncate("f", 0), EACCES);
		CHECK_ERR(truncate("closed/file", 0), EACCES));
	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &rl), 0);
	CHECK_ERR(truncate("f", 101), EFBIG);
	CHECK_EQ(truncate("f", 100), 0);
}

TEST(mknod)
{
	struct stat st;

	CHECK_EQ(mknod("f", S_IFREG | 0640, 0), 0);
	CHECK_EQ(mode_of("f"), S_IFREG | 0640);
	CHECK_EQ(mknod("g", 0600, 0), 0); /* no type: a regular file */
	CHECK_EQ(mode_of("g"), S_IFREG | 0600);
	CHECK_EQ(mknod("p", S_IFIFO | 0644, 0), 0);
	CHECK_EQ(mode_of("p"), S_IFIFO | 0644);
	CHECK_EQ(mknod("c", S_IFCHR | 0600, makedev(1, 3)), 0);
	CHECK_EQ(stat("c", &st), 0);
	CHECK_EQ(st.st_mode, S_IFCHR | 0600);
	CHECK_EQ(st.st_rdev, makedev(1, 3));
	CHECK_EQ(mknod("b", S_IFBLK | 0600, makedev(259, 70000)), 0);
	CHECK_EQ(stat("b", &st), 0);
	CHECK_EQ(st.st_rdev, makedev(259, 70000));
	CHECK_EQ(mknod("s", S_IFSOCK | 0600, 0), 0);
	CHECK(S_ISSOCK(mode_of("s")));
}

TEST(mknod_errors)
{
	make_file("f", "");
	make_loop();
	CHECK_EQ(chmod(".", 0777), 0);
	CHECK_ERR(mknod("f", S_IFREG | 0644, 0), EEXIST);
	CHECK_ERR(mknod("loop1", S_IFREG | 0644, 0), EEXIST);
	CHECK_ERR(mknod("d", S_IFDIR | 0755, 0), EPERM);
	CHECK_ERR(mknod("x", S_IFLNK | 0755, 0), EINVAL);
	CHECK_ERR(mknod("none/x", S_IFREG | 0644, 0), ENOENT);
	CHECK_ERR(mknod("", S_IFREG | 0644, 0), ENOENT);
	CHECK_ERR(mknod("f/x", S_IFREG | 0644, 0), ENOTDIR);
	CHECK_ERR(mknod("loop1/x", S_IFREG | 0644, 0), ELOOP);
	CHECK_ERR(mknod(LONG_NAME, S_IFREG | 0644, 0), ENAMETOOLONG);
	CHECK_ERR(mknod(BAD, S_IFREG | 0644, 0), EFAULT);
	AS_USER(CHECK_ERR(mknod("c", S_IFCHR | 0644, makedev(1, 3)), EPERM);
		CHECK_ERR(mknod("f", S_IFCHR | 0644, makedev(1, 3)), EEXIST);
		CHECK_EQ(mknod("p", S_IFIFO | 0644, 0), 0));
	CHECK_EQ(chmod(".", 0755), 0);
	AS_USER(CHECK_ERR(mknod("q", S_IFIFO | 0644, 0), EACCES);
		CHECK_ERR(mknod("q", S_IFCHR | 0644, makedev(1, 3)), EACCES));
}

TEST(mknodat)
{
	int dir;

	CHECK_EQ(mkdir("d", 0755), 0);
	make_file("f", "");
	dir = open("d", O_RDONLY);
	CHECK_EQ(mknodat(dir, "p", S_IFIFO | 0644, 0), 0);
	CHECK_EQ(mode_of("d/p"), S_IFIFO | 0644);
	CHECK_ERR(mknodat(dir, "p", S_IFIFO | 0644, 0), EEXIST);
	CHECK_ERR(mknodat(99, "p", S_IFIFO | 0644, 0), EBADF);
	CHECK_ERR(mknodat(open("f", O_RDONLY), "p", S_IFIFO, 0), ENOTDIR);
	CHECK_ERR(mknodat(AT_FDCWD, "x", 0170000 | 0600, 0), EINVAL);
}

TEST(sync_fsync)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644), p[2];

	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(fdatasync(fd), 0);
	CHECK_EQ(fsync(open(".", O_RDONLY)), 0);
	CHECK_ERR(fsync(-1), EBADF);
	CHECK_ERR(fdatasync(99), EBADF);
	REQUIRE(pipe(p) == 0);
	CHECK_ERR(fsync(p[0]), EINVAL);
	CHECK_ERR(fdatasync(p[1]), EINVAL);
	CHECK_EQ(syscall(NR_sync), 0);
}

/* ---- fchmodat2 ---- */

static long
fchmodat2(int dir, const char *path, mode_t mode, int flags)
{
	return syscall(NR_fchmodat2, dir, path, mode, flags);
}

TEST(fchmodat2)
{
	int fd;

	make_file("f", "abc");
	CHECK_EQ(symlink("f", "l"), 0);
	CHECK_EQ(fchmodat2(AT_FDCWD, "f", 0600, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_EQ(mode_of("f"), S_IFREG | 0600);
	CHECK_EQ(fchmodat2(AT_FDCWD, "l", 0640, 0), 0);
	CHECK_EQ(mode_of("f"), S_IFREG | 0640);
	fd = open("f", O_PATH);
	CHECK_EQ(fchmodat2(fd, "", 0604, AT_EMPTY_PATH), 0);
	CHECK_EQ(mode_of("f"), S_IFREG | 0604);
	CHECK_ERR(fchmodat2(AT_FDCWD, "l", 0600, AT_SYMLINK_NOFOLLOW),
		  EOPNOTSUPP);
	CHECK_ERR(fchmodat2(AT_FDCWD, "f", 0600, 1), EINVAL);
	CHECK_ERR(fchmodat2(AT_FDCWD, "none", 0600, 0), ENOENT);
	CHECK_ERR(fchmodat2(-1, "", 0600, AT_EMPTY_PATH), EBADF);
	AS_USER(CHECK_ERR(fchmodat2(AT_FDCWD, "f", 0600, 0), EPERM));
}

/** What is the owner's, or root's, to do: by each call. */
TEST(not_the_owner)
{
	struct timeval tv[2] = { { 1, 0 }, { 1, 0 } };
	struct timespec ts[2] = { { 1, 0 }, { 1, 0 } };
	long old[2] = { 1, 1 };
	int fd;

	make_file("f", "");
	fd = open("f", O_RDONLY);
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(chmod("d", 0777), 0);
	AS_USER({
		CHECK_ERR(fchmod(fd, 0777), EPERM);
		CHECK_ERR(syscall(NR_fchmodat, AT_FDCWD, "f", 0777), EPERM);
		CHECK_ERR(syscall(NR_fchmodat2, AT_FDCWD, "f", 0777, 0), EPERM);
		CHECK_ERR(lchown("f", USER_ID, -1), EPERM);
		CHECK_ERR(fchown(fd, USER_ID, -1), EPERM);
		CHECK_ERR(fchownat(AT_FDCWD, "f", USER_ID, -1, 0), EPERM);
		CHECK_ERR(syscall(NR_utime, "f", old), EPERM);
		CHECK_ERR(syscall(NR_utimes, "f", tv), EPERM);
		CHECK_ERR(syscall(NR_futimesat, AT_FDCWD, "f", tv), EPERM);
		CHECK_ERR(utimensat(AT_FDCWD, "f", ts, 0), EPERM);
		CHECK_ERR(syscall(NR_utime, "f", NULL), EACCES);
		CHECK_ERR(syscall(NR_utimes, "f", NULL), EACCES);
		CHECK_ERR(syscall(NR_futimesat, AT_FDCWD, "f", NULL), EACCES);
		CHECK_ERR(mknodat(AT_FDCWD, "d/n", S_IFCHR, makedev(1, 3)),
			  EPERM);
	});
}

TEST(times_by_the_calls_of_old)
{
	struct timeval tv[2] = { { 10, 5 }, { 20, 6 } };
	long old[2] = { 30, 40 };
	struct stat st;

	make_file("f", "");
	CHECK_EQ(syscall(NR_utimes, "f", tv), 0);
	CHECK_EQ(stat("f", &st), 0);
	CHECK(st.st_atim.tv_sec == 10 && st.st_atim.tv_nsec == 5000);
	CHECK(st.st_mtim.tv_sec == 20 && st.st_mtim.tv_nsec == 6000);
	CHECK_EQ(syscall(NR_utime, "f", old), 0);
	CHECK_EQ(stat("f", &st), 0);
	CHECK(st.st_atim.tv_sec == 30 && st.st_mtim.tv_sec == 40);
	CHECK_EQ(syscall(NR_futimesat, AT_FDCWD, "f", tv), 0);
	CHECK_EQ(stat("f", &st), 0);
	CHECK_EQ(st.st_mtim.tv_sec, 20);
	tv[1].tv_usec = 1000000;
	CHECK_ERR(syscall(NR_utimes, "f", tv), EINVAL);
	CHECK_ERR(syscall(NR_futimesat, AT_FDCWD, "f", tv), EINVAL);
	CHECK_ERR(syscall(NR_utimes, "f", BAD), EFAULT);
	CHECK_ERR(syscall(NR_utime, "f", BAD), EFAULT);
}

/* ---- Extended attributes, where there are none ---- */

#define PLACE "/proc/self/status"

TEST(xattr_of_files_without)
{
	char buf[10];
	int fd = open(PLACE, O_RDONLY);

	CHECK_ERR(syscall(NR_setxattr, PLACE, "user.a", "x", 1, 0), EOPNOTSUPP);
	CHECK_ERR(syscall(NR_lsetxattr, PLACE, "user.a", "x", 1, 0),
		  EOPNOTSUPP);
	CHECK_ERR(syscall(NR_fsetxattr, fd, "user.a", "x", 1, 0), EOPNOTSUPP);
	CHECK_ERR(syscall(NR_getxattr, PLACE, "user.a", buf, 10), EOPNOTSUPP);
	CHECK_ERR(syscall(NR_lgetxattr, PLACE, "user.a", buf, 10), EOPNOTSUPP);
	CHECK_ERR(syscall(NR_fgetxattr, fd, "user.a", buf, 10), EOPNOTSUPP);
	CHECK_ERR(syscall(NR_removexattr, PLACE, "user.a"), EOPNOTSUPP);
	CHECK_ERR(syscall(NR_lremovexattr, PLACE, "user.a"), EOPNOTSUPP);
	CHECK_ERR(syscall(NR_fremovexattr, fd, "user.a"), EOPNOTSUPP);
	CHECK_EQ(syscall(NR_listxattr, PLACE, buf, 10), 0);
	CHECK_EQ(syscall(NR_llistxattr, PLACE, buf, 10), 0);
	CHECK_EQ(syscall(NR_flistxattr, fd, buf, 10), 0);
}

TEST(xattr_errors)
{
	const char *name = long_text(256);
	int fd;

	make_file("f", "");
	fd = open("f", O_RDONLY);
	CHECK_ERR(syscall(NR_setxattr, "f", "user.a", "", 65537, 0), E2BIG);
	CHECK_ERR(syscall(NR_setxattr, "f", name, "", 1, 0), ERANGE);
	CHECK_ERR(syscall(NR_lsetxattr, "f", "", "", 1, 0), ERANGE);
	CHECK_ERR(syscall(NR_fsetxattr, fd, name, "", 1, 0), ERANGE);
	CHECK_ERR(syscall(NR_fsetxattr, fd, BAD, "", 1, 0), EFAULT);
	CHECK_ERR(syscall(NR_fsetxattr, fd, "user.a", "", 1, 4), EINVAL);
	CHECK_ERR(syscall(NR_fsetxattr, -1, "user.a", "", 1, 0), EBADF);
	CHECK_ERR(syscall(NR_getxattr, "f", name, NULL, 0), ERANGE);
	CHECK_ERR(syscall(NR_lgetxattr, "f", "", NULL, 0), ERANGE);
	CHECK_ERR(syscall(NR_fgetxattr, fd, name, NULL, 0), ERANGE);
	CHECK_ERR(syscall(NR_fgetxattr, fd, BAD, NULL, 0), EFAULT);
	CHECK_ERR(syscall(NR_fgetxattr, -1, "user.a", NULL, 0), EBADF);
	CHECK_ERR(syscall(NR_removexattr, "f", name), ERANGE);
	CHECK_ERR(syscall(NR_fremovexattr, fd, BAD), EFAULT);
	CHECK_ERR(syscall(NR_fremovexattr, -1, "user.a"), EBADF);
	CHECK_ERR(syscall(NR_flistxattr, -1, NULL, 0), EBADF);
	CHECK_ERR(syscall(NR_flistxattr, open("f", O_PATH), NULL, 0), EBADF);
}
