/*
 * What all calls on a path have in common: the errors of the way to it. Each
 * call is a row of a table, each error a test that goes through the table. What
 * a call does with the file is in the files of its family; paths.c tries every
 * kind of path.
 */
#include <sys/mount.h>
#include "check.h"

#define CLONE_NEWNS  0x20000
#define MS_PRIVATE   (1 << 18)
#define UNKNOWN_FLAG 0x40000000L

static char buffer[4096];
#define B ((long)buffer)

/** Its arguments: first (if any), a folder's descriptor (if at), the path,
 * rest. */
static const struct call {
	const char *name;
	int number;
	bool at;      /**< the path is relative to a folder */
	bool changes; /**< it changes the file that is there */
	bool creates; /**< the path is of what it makes */
	int flags;    /**< which argument after the path is flags; 0: none */
	long first;
	long rest[4];
} calls[] = {
	{ "open", NR_open, .changes = true, .rest = { O_RDWR } },
	{ "openat", NR_openat, .at = true, .changes = true,
	  .rest = { O_RDWR } },
	{ "creat", NR_creat, .changes = true, .rest = { 0644 } },
	{ "stat", NR_stat, .rest = { B } },
	{ "lstat", NR_lstat, .rest = { B } },
	{ "newfstatat", NR_newfstatat, .at = true, .flags = 2,
	  .rest = { B, 0 } },
	{ "statx", NR_statx, .at = true, .flags = 1, .rest = { 0, 0x7ff, B } },
	{ "statfs", NR_statfs, .rest = { B } },
	{ "access", NR_access, .changes = true, .rest = { W_OK } },
	{ "faccessat", NR_faccessat, .at = true, .changes = true,
	  .rest = { W_OK } },
	{ "faccessat2", NR_faccessat2, .at = true, .changes = true, .flags = 2,
	  .rest = { W_OK } },
	{ "chmod", NR_chmod, .changes = true, .rest = { 0644 } },
	{ "fchmodat", NR_fchmodat, .at = true, .changes = true,
	  .rest = { 0644 } },
	{ "fchmodat2", NR_fchmodat2, .at = true, .changes = true, .flags = 2,
	  .rest = { 0644, 0 } },
	{ "chown", NR_chown, .changes = true, .rest = { 1, 1 } },
	{ "lchown", NR_lchown, .changes = true, .rest = { 1, 1 } },
	{ "fchownat", NR_fchownat, .at = true, .changes = true, .flags = 3,
	  .rest = { 1, 1, 0 } },
	{ "utime", NR_utime, .changes = true },
	{ "utimes", NR_utimes, .changes = true },
	{ "futimesat", NR_futimesat, .at = true, .changes = true },
	{ "utimensat", NR_utimensat, .at = true, .changes = true, .flags = 2 },
	{ "truncate", NR_truncate, .changes = true },
	{ "mkdir", NR_mkdir, .creates = true, .rest = { 0755 } },
	{ "mkdirat", NR_mkdirat, .at = true, .creates = true,
	  .rest = { 0755 } },
	{ "mknod", NR_mknod, .creates = true, .rest = { S_IFIFO | 0600 } },
	{ "mknodat", NR_mknodat, .at = true, .creates = true,
	  .rest = { S_IFIFO | 0600 } },
	{ "symlink", NR_symlink, .creates = true, .first = (long)"target" },
	{ "symlinkat", NR_symlinkat, .at = true, .creates = true,
	  .first = (long)"target" },
	{ "link", NR_link, .changes = true, .rest = { (long)"m/new" } },
	{ "linkat", NR_linkat, .at = true, .changes = true, .flags = 3,
	  .rest = { AT_FDCWD, (long)"m/new", 0 } },
	{ "rename", NR_rename, .changes = true, .rest = { (long)"m/new" } },
	{ "renameat", NR_renameat, .at = true, .changes = true,
	  .rest = { AT_FDCWD, (long)"m/new" } },
	{ "renameat2", NR_renameat2, .at = true, .changes = true, .flags = 3,
	  .rest = { AT_FDCWD, (long)"m/new", 0 } },
	{ "unlink", NR_unlink, .changes = true },
	{ "unlinkat", NR_unlinkat, .at = true, .changes = true, .flags = 1 },
	{ .name = "rmdir", .number = NR_rmdir },
	{ "readlink", NR_readlink, .rest = { B, 4096 } },
	{ "readlinkat", NR_readlinkat, .at = true, .rest = { B, 4096 } },
	{ .name = "chdir", .number = NR_chdir },
	{ .name = "chroot", .number = NR_chroot },
	{ "mount", NR_mount, .first = (long)"none",
	  .rest = { (long)"tmpfs", 0, 0 } },
	{ .name = "umount2", .number = NR_umount2 },
	{ "setxattr", NR_setxattr, .flags = 4,
	  .rest = { (long)"user.a", B, 1, 0 } },
	{ "lsetxattr", NR_lsetxattr, .flags = 4,
	  .rest = { (long)"user.a", B, 1, 0 } },
	{ "getxattr", NR_getxattr, .rest = { (long)"user.a", B, 4096 } },
	{ "lgetxattr", NR_lgetxattr, .rest = { (long)"user.a", B, 4096 } },
	{ "listxattr", NR_listxattr, .rest = { B, 4096 } },
	{ "llistxattr", NR_llistxattr, .rest = { B, 4096 } },
	{ "removexattr", NR_removexattr, .rest = { (long)"user.a" } },
	{ "lremovexattr", NR_lremovexattr, .rest = { (long)"user.a" } },
	{ .name = "execve", .number = NR_execve },
	{ "execveat", NR_execveat, .at = true, .flags = 3 },
};

#define EACH_CALL(c)                                                           \
	for (const struct call *c = calls; c < calls + ARRAY_SIZE(calls); c++)

/** The call's arguments. @return where the path is among them */
static int
arguments(const struct call *c, int folder, const char *path, long *a)
{
	int n = 0, at;

	if (c->first != 0)
		a[n++] = c->first;
	if (c->at)
		a[n++] = folder;
	at = n;
	a[n++] = (long)path;
	for (int i = 0; i < 4 && n < 6; i++)
		a[n++] = c->rest[i];
	return at;
}

static void
fails(const struct call *c, const long *a, int error)
{
	long got;

	errno = 0;
	got = syscall(c->number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (got != -1 || errno != error)
		FAIL("%s is %ld (errno %d), not errno %d", c->name, got, errno,
		     error);
}

/** Every call must answer this error on this path. */
static void
all_fail(const char *path, int error)
{
	long a[6] = { 0 };

	EACH_CALL(c)
	{
		arguments(c, AT_FDCWD, path, a);
		fails(c, a, error);
	}
}

TEST(path_to_nothing)
{
	all_fail("none/x", ENOENT);
	all_fail("", ENOENT);
}

TEST(path_through_a_file)
{
	make_file("f", "");
	all_fail("f/x", ENOTDIR);
}

TEST(path_through_a_loop)
{
	make_loop();
	all_fail("loop1/x", ELOOP);
}

TEST(path_too_long)
{
	REQUIRE(mkdir("m", 0755) == 0); /* rename asks for this folder first */
	all_fail(LONG_NAME, ENAMETOOLONG);
	all_fail(LONG_PATH, ENAMETOOLONG);
}

TEST(path_at_a_bad_address)
{
	all_fail(BAD, EFAULT);
	all_fail(KERNEL_HALF, EFAULT);
	all_fail(NULL, EFAULT);
}

TEST(path_through_a_closed_folder)
{
	make_closed_folder();
	AS_USER(all_fail("closed/file", EACCES));
}

TEST(path_from_what_is_no_folder)
{
	long a[6] = { 0 };
	int fd;

	make_file("f", "");
	fd = open("f", O_RDONLY);
	EACH_CALL(c)
	if (c->at) {
		arguments(c, -1, "f", a);
		fails(c, a, EBADF);
		arguments(c, fd, "x", a);
		fails(c, a, ENOTDIR);
	}
}

TEST(unknown_flags)
{
	long a[6] = { 0 };

	make_file("f", "");
	EACH_CALL(c)
	if (c->flags != 0) {
		int path = arguments(c, AT_FDCWD, "f", a);

		a[path + c->flags] |= UNKNOWN_FLAG;
		fails(c, a, EINVAL);
	}
}

TEST(name_that_is_taken)
{
	long a[6] = { 0 };

	make_file("f", "");
	EACH_CALL(c)
	if (c->creates) {
		arguments(c, AT_FDCWD, "f", a);
		fails(c, a, EEXIST);
	}
}

TEST(folder_that_may_not_be_written)
{
	long a[6] = { 0 };

	AS_USER(EACH_CALL(c) if (c->creates) {
		arguments(c, AT_FDCWD, "new", a);
		fails(c, a, EACCES);
	});
}

TEST(read_only_file_system)
{
	long a[6] = { 0 };

	if (syscall(NR_unshare, CLONE_NEWNS) == 0)
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	REQUIRE(mkdir("m", 0755) == 0);
	REQUIRE(mount("t", "m", "tmpfs", 0, NULL) == 0);
	make_file("m/f", "");
	REQUIRE(mount("t", "m", NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
	EACH_CALL(c)
	if (c->changes || c->creates) {
		arguments(c, AT_FDCWD, c->creates ? "m/x" : "m/f", a);
		fails(c, a, EROFS);
	}
	CHECK_EQ(umount2("m", MNT_DETACH), 0);
}
