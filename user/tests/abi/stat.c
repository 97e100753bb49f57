/*
 * stat, lstat, fstat, newfstatat; statfs, fstatfs: stat(2), statfs(2).
 */
#include <limits.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <time.h>
#include "check.h"

TEST(stat_file)
{
	struct stat st;
	time_t now = time(NULL);

	make_file("f", "12345");
	REQUIRE(stat("f", &st) == 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0644);
	CHECK_EQ(st.st_size, 5);
	CHECK_EQ(st.st_nlink, 1);
	CHECK_EQ(st.st_uid, 0);
	CHECK_EQ(st.st_gid, 0);
	CHECK(st.st_ino != 0);
	CHECK(st.st_blksize >= 512);
	CHECK(st.st_blocks <= 64);
	/* the file's clock may be one that ticks coarsely */
	CHECK(st.st_mtime >= now - 1 && st.st_mtime < now + 60);
	CHECK(st.st_ctime >= now - 1 && st.st_atime >= now - 1);
}

TEST(stat_directory)
{
	struct stat st;

	CHECK_EQ(mkdir("d", 0755), 0);
	REQUIRE(stat("d", &st) == 0);
	CHECK_EQ(st.st_mode, S_IFDIR | 0755);
}

TEST(stat_same_file)
{
	struct stat a, b, c;

	make_file("f", "");
	CHECK_EQ(link("f", "g"), 0);
	REQUIRE(stat("f", &a) == 0 && stat("./g", &b) == 0 &&
		stat(".", &c) == 0);
	CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	CHECK(a.st_ino != c.st_ino && a.st_dev == c.st_dev);
	CHECK_EQ(a.st_nlink, 2);
}

TEST(stat_and_lstat_of_symlink)
{
	struct stat st;

	make_file("f", "12345");
	CHECK_EQ(symlink("f", "link"), 0);
	REQUIRE(stat("link", &st) == 0);
	CHECK(S_ISREG(st.st_mode));
	CHECK_EQ(st.st_size, 5);
	REQUIRE(lstat("link", &st) == 0);
	CHECK_EQ(st.st_mode, S_IFLNK | 0777);
	CHECK_EQ(st.st_size, 1);
}

TEST(stat_device)
{
	struct stat st;

	REQUIRE(stat("/dev/null", &st) == 0);
	CHECK(S_ISCHR(st.st_mode));
	CHECK(major(st.st_rdev) == 1 && minor(st.st_rdev) == 3);
	REQUIRE(stat("/dev/zero", &st) == 0);
	CHECK(major(st.st_rdev) == 1 && minor(st.st_rdev) == 5);
}

TEST(stat_errors)
{
	struct stat st;

	make_file("f", "");
	make_loop();
	make_closed_folder();
	CHECK_ERR(stat("none", &st), ENOENT);
	CHECK_ERR(stat("", &st), ENOENT);
	CHECK_ERR(stat("f/x", &st), ENOTDIR);
	CHECK_ERR(stat("loop1", &st), ELOOP);
	CHECK_EQ(lstat("loop1", &st), 0);
	CHECK_ERR(lstat("loop1/f", &st), ELOOP);
	CHECK_ERR(lstat("none", &st), ENOENT);
	CHECK_ERR(stat(LONG_PATH, &st), ENAMETOOLONG);
	CHECK_ERR(lstat(LONG_NAME, &st), ENAMETOOLONG);
	CHECK_ERR(stat(BAD, &st), EFAULT);
	CHECK_ERR(lstat(BAD, &st), EFAULT);
	CHECK_ERR(stat("f", BAD), EFAULT);
	CHECK_ERR(lstat("f", KERNEL_HALF), EFAULT);
	AS_USER(CHECK_ERR(stat("closed/file", &st), EACCES);
		CHECK_EQ(stat("closed", &st), 0));
}

TEST(fstat)
{
	struct stat st, same;
	int p[2], fd;

	make_file("f", "12");
	fd = open("f", O_RDONLY);
	REQUIRE(fstat(fd, &st) == 0 && stat("f", &same) == 0);
	CHECK(st.st_ino == same.st_ino && st.st_size == 2);
	CHECK_EQ(unlink("f"), 0);
	REQUIRE(fstat(fd, &st) == 0);
	CHECK_EQ(st.st_nlink, 0);
	REQUIRE(pipe(p) == 0 && fstat(p[0], &st) == 0);
	CHECK(S_ISFIFO(st.st_mode));
	CHECK_ERR(fstat(-1, &st), EBADF);
	CHECK_ERR(fstat(99, &st), EBADF);
	CHECK_ERR(fstat(fd, BAD), EFAULT);
}

TEST(fstatat)
{
	struct stat st;
	int dir, file;

	CHECK_EQ(mkdir("d", 0755), 0);
	make_file("d/f", "123");
	CHECK_EQ(symlink("f", "d/link"), 0);
	dir = open("d", O_RDONLY);
	file = open("d/f", O_RDONLY);
	CHECK_EQ(fstatat(dir, "f", &st, 0), 0);
	CHECK_EQ(st.st_size, 3);
	CHECK_EQ(fstatat(AT_FDCWD, "d/link", &st, 0), 0);
	CHECK(S_ISREG(st.st_mode));
	CHECK_EQ(fstatat(dir, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
	CHECK(S_ISLNK(st.st_mode));
	CHECK_EQ(fstatat(file, "", &st, AT_EMPTY_PATH), 0);
	CHECK_EQ(st.st_size, 3);
	CHECK_EQ(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH), 0);
	CHECK(S_ISDIR(st.st_mode));
	CHECK_EQ(fstatat(99, "/", &st, 0), 0);
	CHECK_ERR(fstatat(99, "f", &st, 0), EBADF);
	CHECK_ERR(fstatat(file, "f", &st, 0), ENOTDIR);
	CHECK_ERR(fstatat(dir, "", &st, 0), ENOENT);
	CHECK_ERR(fstatat(dir, "none", &st, 0), ENOENT);
	CHECK_ERR(fstatat(dir, "f", &st, 0x40000000), EINVAL);
	CHECK_ERR(fstatat(dir, BAD, &st, 0), EFAULT);
	CHECK_ERR(fstatat(dir, "f", BAD, 0), EFAULT);
}

TEST(stat_long_chain_of_symlinks)
{
	char from[16], to[16] = "f";
	struct stat st;

	make_file("f", "");
	for (int i = 0; i <= SYMLINKS_MAX; i++) {
		snprintf(from, sizeof(from), "l%d", i);
		REQUIRE(symlink(to, from) == 0);
		strcpy(to, from);
	}
	snprintf(from, sizeof(from), "l%d", SYMLINKS_MAX - 1);
	CHECK_EQ(stat(from, &st), 0);
	CHECK_ERR(stat(to, &st), ELOOP);
}

TEST(statfs)
{
	struct statfs fs, same;
	int fd = open("/", O_RDONLY);

	REQUIRE(statfs("/", &fs) == 0);
	CHECK(fs.f_bsize >= 512 && fs.f_blocks > 0);
	CHECK(fs.f_bfree <= fs.f_blocks && fs.f_bavail <= fs.f_bfree);
	CHECK_EQ(fs.f_namelen, NAME_MAX);
	REQUIRE(fstatfs(fd, &same) == 0);
	CHECK_EQ(same.f_type, fs.f_type);
	CHECK_EQ(same.f_blocks, fs.f_blocks);
}

TEST(statfs_types)
{
	struct statfs fs;

	CHECK_EQ(statfs("/proc", &fs), 0);
	CHECK_EQ(fs.f_type, PROC_SUPER_MAGIC);
}

static void
check_type(int fd, long type)
{
	struct statfs fs;

	memset(&fs, 0xff, sizeof(fs));
	REQUIRE(fstatfs(fd, &fs) == 0);
	CHECK_EQ(fs.f_type, type);
	CHECK_EQ(fs.f_bsize, 4096);
	CHECK_EQ(fs.f_blocks + fs.f_bfree + fs.f_files, 0);
	CHECK_EQ(fs.f_namelen, 255);
	CHECK_EQ(fs.f_flags, ST_VALID);
	CHECK_EQ(close(fd), 0);
}

TEST(fstatfs_of_what_has_no_path)
{
	int fds[2];

	REQUIRE(pipe(fds) == 0);
	check_type(fds[0], PIPEFS_MAGIC);
	CHECK_EQ(close(fds[1]), 0);
	check_type(socket(AF_UNIX, SOCK_STREAM, 0), SOCKFS_MAGIC);
	check_type((int)syscall(NR_eventfd2, 0, 0), ANON_INODE_FS_MAGIC);
}

TEST(statfs_errors)
{
	struct statfs fs;

	make_file("f", "");
	make_loop();
	make_closed_folder();
	CHECK_ERR(statfs("none", &fs), ENOENT);
	CHECK_ERR(statfs("f/x", &fs), ENOTDIR);
	CHECK_ERR(statfs("loop1", &fs), ELOOP);
	CHECK_ERR(statfs(LONG_PATH, &fs), ENAMETOOLONG);
	CHECK_ERR(statfs(BAD, &fs), EFAULT);
	CHECK_ERR(statfs("/", BAD), EFAULT);
	CHECK_ERR(fstatfs(-1, &fs), EBADF);
	CHECK_ERR(fstatfs(0, BAD), EFAULT);
	AS_USER(CHECK_ERR(statfs("closed/file", &fs), EACCES));
}

/* ---- statx ---- */

TEST(statx_agrees_with_stat)
{
	struct statx x;
	struct stat st;

	make_file("f", "abc");
	CHECK_EQ(link("f", "g"), 0);
	CHECK_EQ(chmod("f", 04751), 0);
	CHECK_EQ(chown("f", 12, 34), 0);
	CHECK_EQ(stat("f", &st), 0);
	CHECK_EQ(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &x), 0);
	CHECK_EQ(x.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
	CHECK_EQ(x.stx_mode, st.st_mode);
	CHECK_EQ(x.stx_nlink, 2);
	CHECK(x.stx_uid == 12 && x.stx_gid == 34);
	CHECK_EQ(x.stx_ino, st.st_ino);
	CHECK_EQ(x.stx_size, 3);
	CHECK_EQ(x.stx_blocks, st.st_blocks);
	CHECK_EQ(x.stx_blksize, st.st_blksize);
	CHECK_EQ(x.stx_mtime.tv_sec, st.st_mtime);
	CHECK_EQ(x.stx_ctime.tv_nsec, st.st_ctim.tv_nsec);
	CHECK_EQ(x.stx_atime.tv_sec, st.st_atime);
	CHECK_EQ(x.stx_dev_major, major(st.st_dev));
	CHECK_EQ(x.stx_dev_minor, minor(st.st_dev));
	CHECK(!(x.stx_attributes & ~x.stx_attributes_mask));
}

TEST(statx_targets)
{
	struct statx x;
	int fd;

	make_file("f", "abc");
	CHECK_EQ(symlink("f", "l"), 0);
	CHECK_EQ(statx(AT_FDCWD, "l", 0, STATX_SIZE, &x), 0);
	CHECK_EQ(x.stx_mode & S_IFMT, S_IFREG);
	CHECK_EQ(statx(AT_FDCWD, "l", AT_SYMLINK_NOFOLLOW, STATX_SIZE, &x), 0);
	CHECK_EQ(x.stx_mode & S_IFMT, S_IFLNK);
	fd = open("f", O_RDONLY);
	CHECK_EQ(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &x), 0);
	CHECK_EQ(x.stx_size, 3);
	CHECK_EQ(statx(AT_FDCWD, "/dev/null", AT_STATX_DONT_SYNC, 0, &x), 0);
	CHECK(x.stx_rdev_major == 1 && x.stx_rdev_minor == 3);
	CHECK_EQ(statx(AT_FDCWD, "/proc", AT_STATX_FORCE_SYNC, 0, &x), 0);
	CHECK(x.stx_attributes & STATX_ATTR_MOUNT_ROOT);
	CHECK_EQ(statx(AT_FDCWD, ".", 0, 0, &x), 0);
	CHECK(!(x.stx_attributes & STATX_ATTR_MOUNT_ROOT));
}

TEST(statx_errors)
{
	struct statx x;
	int fd;

	make_file("f", "abc");
	make_loop();
	make_closed_folder();
	fd = open("f", O_RDONLY);
	CHECK_ERR(statx(AT_FDCWD, "none", 0, 0, &x), ENOENT);
	CHECK_ERR(statx(AT_FDCWD, "", 0, 0, &x), ENOENT);
	CHECK_ERR(statx(AT_FDCWD, "f/x", 0, 0, &x), ENOTDIR);
	CHECK_ERR(statx(fd, "x", 0, 0, &x), ENOTDIR);
	CHECK_ERR(statx(-1, "f", 0, 0, &x), EBADF);
	CHECK_ERR(statx(-1, "", AT_EMPTY_PATH, 0, &x), EBADF);
	CHECK_ERR(statx(AT_FDCWD, "f", 0x10000, 0, &x), EINVAL);
	CHECK_ERR(statx(AT_FDCWD, "f", AT_STATX_SYNC_TYPE, 0, &x), EINVAL);
	CHECK_ERR(statx(AT_FDCWD, "f", 0, STATX__RESERVED, &x), EINVAL);
	CHECK_ERR(statx(AT_FDCWD, "loop1", 0, 0, &x), ELOOP);
	CHECK_ERR(statx(AT_FDCWD, LONG_PATH, 0, 0, &x), ENAMETOOLONG);
	CHECK_ERR(statx(AT_FDCWD, BAD, 0, 0, &x), EFAULT);
	CHECK_ERR(statx(AT_FDCWD, "f", 0, 0, BAD), EFAULT);
	AS_USER(CHECK_ERR(statx(AT_FDCWD, "closed/file", 0, 0, &x), EACCES));
}
