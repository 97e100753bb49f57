/*
 * Self-tests of what is done to files, names and paths, on the tmpfs that is
 * the first root. Each test works below a directory of its own, /t, and leaves
 * nothing.
 */
#include "test_files.h"

int
test_open(const char *path, unsigned flags)
{
	struct file *f;
	int error = file_open(AT_FDCWD, path, flags, 0644, &f);

	if (!error)
		file_put(f);
	return error;
}

/* ---- Files ---- */

SELFTEST(files_access_mode_is_checked)
{
	struct file *f;
	char c;

	CHECK(test_begin());
	CHECK(test_write_file("/t/a", "x") == 0);
	CHECK(file_open(AT_FDCWD, "/t/a", O_RDONLY, 0, &f) == 0);
	CHECK(test_pwrite(f, "y", 1, 0) == -EBADF);
	file_put(f);
	CHECK(file_open(AT_FDCWD, "/t/a", O_WRONLY, 0, &f) == 0);
	CHECK(test_pread(f, &c, 1, 0) == -EBADF);
	file_put(f);
	CHECK(file_open(AT_FDCWD, "/t/a", O_PATH, 0, &f) == 0);
	CHECK(test_pread(f, &c, 1, 0) == -EBADF);
	file_put(f);
	CHECK(test_open("/t", O_WRONLY) == -EISDIR);
	CHECK(test_end());
}

/* ---- Names ---- */

SELFTEST(files_open_exclusive)
{
	CHECK(test_begin());
	CHECK(test_open("/t/a", O_CREAT | O_EXCL | O_WRONLY) == 0);
	CHECK(test_open("/t/a", O_CREAT | O_EXCL | O_WRONLY) == -EEXIST);
	CHECK(vfs_symlink("nowhere", AT_FDCWD, "/t/l") == 0);
	CHECK(test_open("/t/l", O_CREAT | O_EXCL | O_WRONLY) == -EEXIST);
	CHECK(test_open("/t/l", O_CREAT | O_WRONLY) == 0); /* makes nowhere */
	CHECK(test_exists("/t/nowhere") == 0);
	CHECK(test_open("/t/b/", O_CREAT | O_WRONLY) == -EISDIR);
	CHECK(test_open("/t/.", O_CREAT | O_WRONLY) == -EISDIR);
	CHECK(test_end());
}

SELFTEST(files_links_share_a_file)
{
	CHECK(test_begin());
	CHECK(test_write_file("/t/a", "one") == 0);
	CHECK(vfs_link(AT_FDCWD, "/t/a", AT_FDCWD, "/t/b", 0) == 0);
	CHECK(test_stat("/t/a").st_nlink == 2);
	CHECK(test_stat("/t/a").st_ino == test_stat("/t/b").st_ino);
	CHECK(vfs_unlink(AT_FDCWD, "/t/a") == 0);
	CHECK(test_file_is("/t/b", "one"));
	CHECK(test_stat("/t/b").st_nlink == 1);
	CHECK(vfs_link(AT_FDCWD, "/t", AT_FDCWD, "/t/d", 0) == -EPERM);
	CHECK(vfs_link(AT_FDCWD, "/t/b", AT_FDCWD, "/t/b", 0) == -EEXIST);
	CHECK(test_end());
}

SELFTEST(files_mkdir_and_rmdir)
{
	CHECK(test_begin());
	CHECK(vfs_mkdir(AT_FDCWD, "/t/d/", 0777) == 0);
	CHECK((test_stat("/t/d").st_mode & 07777) == 0755); /* umask 022 */
	CHECK(test_stat("/t").st_nlink == 3);
	CHECK(vfs_mkdir(AT_FDCWD, "/t/d", 0777) == -EEXIST);
	CHECK(vfs_mkdir(AT_FDCWD, "/", 0777) == -EEXIST);
	CHECK(test_write_file("/t/d/f", "") == 0);
	CHECK(vfs_rmdir(AT_FDCWD, "/t/d") == -ENOTEMPTY);
	CHECK(vfs_rmdir(AT_FDCWD, "/t/d/f") == -ENOTDIR);
	CHECK(vfs_unlink(AT_FDCWD, "/t/d") == -EISDIR);
	CHECK(vfs_unlink(AT_FDCWD, "/t/d/f/") == -ENOTDIR);
	CHECK(vfs_unlink(AT_FDCWD, "/t/d/f") == 0);
	CHECK(vfs_rmdir(AT_FDCWD, "/t/d/.") == -EINVAL);
	CHECK(vfs_rmdir(AT_FDCWD, "/t/d/..") == -ENOTEMPTY);
	CHECK(vfs_rmdir(AT_FDCWD, "/t/d") == 0);
	CHECK(test_stat("/t").st_nlink == 2);
	CHECK(test_end());
}

SELFTEST(files_nothing_is_made_in_a_removed_directory)
{
	struct vnode *d;
	struct fs_context *c = fs_context_new(), *old = current()->fs;

	CHECK(test_begin());
	CHECK(vfs_mkdir(AT_FDCWD, "/t/d", 0777) == 0);
	CHECK((d = test_walk("/t/d")));
	current()->fs = c;
	context_set_dir(&c->cwd, d);
	CHECK(vfs_rmdir(AT_FDCWD, "/t/d") == 0);
	CHECK(vfs_mkdir(AT_FDCWD, "x", 0777) == -ENOENT);
	CHECK(test_open("x", O_CREAT | O_WRONLY) == -ENOENT);
	CHECK(test_exists("x") == -ENOENT);
	CHECK(test_exists("..") == 0);
	current()->fs = old;
	fs_context_put(c);
	CHECK(test_end());
}

SELFTEST(files_rename_moves_and_replaces)
{
	CHECK(test_begin());
	CHECK(test_write_file("/t/a", "a") == 0);
	CHECK(test_write_file("/t/b", "b") == 0);
	CHECK(vfs_rename(AT_FDCWD, "/t/a", AT_FDCWD, "/t/b",
			 RENAME_NOREPLACE) == -EEXIST);
	CHECK(vfs_rename(AT_FDCWD, "/t/a", AT_FDCWD, "/t/b", 0) == 0);
	CHECK(test_exists("/t/a") == -ENOENT);
	CHECK(test_file_is("/t/b", "a"));
	CHECK(vfs_mkdir(AT_FDCWD, "/t/d", 0777) == 0);
	CHECK(vfs_mkdir(AT_FDCWD, "/t/d/e", 0777) == 0);
	CHECK(vfs_rename(AT_FDCWD, "/t/b", AT_FDCWD, "/t/d/e/b", 0) == 0);
	CHECK(test_file_is("/t/d/e/b", "a"));
	CHECK(vfs_link(AT_FDCWD, "/t/d/e/b", AT_FDCWD, "/t/c", 0) == 0);
	CHECK(vfs_rename(AT_FDCWD, "/t/c", AT_FDCWD, "/t/d/e/b", 0) == 0);
	CHECK(test_exists("/t/c") == 0); /* the same file: nothing is done */
	CHECK(test_end());
}

SELFTEST(files_rename_of_directories)
{
	CHECK(test_begin());
	CHECK(vfs_mkdir(AT_FDCWD, "/t/d", 0777) == 0);
	CHECK(vfs_mkdir(AT_FDCWD, "/t/d/e", 0777) == 0);
	CHECK(vfs_mkdir(AT_FDCWD, "/t/x", 0777) == 0);
	CHECK(test_write_file("/t/f", "") == 0);
	CHECK(vfs_rename(AT_FDCWD, "/t/d", AT_FDCWD, "/t/d/e/g", 0) == -EINVAL);
	CHECK(vfs_rename(AT_FDCWD, "/t/d/e", AT_FDCWD, "/t/d", 0) ==
	      -ENOTEMPTY);
	CHECK(vfs_rename(AT_FDCWD, "/t/x", AT_FDCWD, "/t/d", 0) == -ENOTEMPTY);
	CHECK(vfs_rename(AT_FDCWD, "/t/d", AT_FDCWD, "/t/f", 0) == -ENOTDIR);
	CHECK(vfs_rename(AT_FDCWD, "/t/f", AT_FDCWD, "/t/d", 0) == -EISDIR);
	CHECK(vfs_rename(AT_FDCWD, "/t/f", AT_FDCWD, "/t/g/", 0) == -ENOTDIR);
	CHECK(vfs_rename(AT_FDCWD, "/t/d", AT_FDCWD, "/t/x", 0) == 0);
	CHECK(vfs_rename(AT_FDCWD, "/t/x/e", AT_FDCWD, "/t/e", 0) == 0);
	CHECK(test_stat("/t").st_nlink == 4 && test_stat("/t/x").st_nlink == 2);
	CHECK(test_stat("/t/e/..").st_ino == test_stat("/t").st_ino);
	CHECK(vfs_rename(AT_FDCWD, "/t/.", AT_FDCWD, "/t/y", 0) == -EBUSY);
	CHECK(test_end());
}

SELFTEST(files_special_files)
{
	CHECK(test_begin());
	CHECK(vfs_mknod(AT_FDCWD, "/t/p", S_IFIFO | 0644, 0) == 0);
	CHECK(S_ISFIFO(test_stat("/t/p").st_mode));
	CHECK(vfs_mknod(AT_FDCWD, "/t/n", S_IFCHR | 0666, dev_make(1, 3)) == 0);
	CHECK(test_stat("/t/n").st_rdev == dev_make(1, 3));
	CHECK(test_write_file("/t/n", "gone") == 0); /* it is /dev/null */
	CHECK(test_file_is("/t/n", ""));
	CHECK(vfs_mknod(AT_FDCWD, "/t/q", S_IFCHR, dev_make(99, 9)) == 0);
	CHECK(test_open("/t/q", O_RDONLY) == -ENXIO);
	CHECK(test_end());
}

/* ---- Paths ---- */

SELFTEST(files_walk_dots_and_slashes)
{
	uint64_t t;

	CHECK(test_begin());
	CHECK(vfs_mkdir(AT_FDCWD, "/t/d", 0755) == 0);
	CHECK(test_write_file("/t/f", "") == 0);
	t = test_stat("/t").st_ino;
	CHECK(test_stat("//t///").st_ino == t);
	CHECK(test_stat("/t/d/..").st_ino == t);
	CHECK(test_stat("/t/./d/../d/../").st_ino == t);
	CHECK(test_stat("/../../t").st_ino == t);
	CHECK(test_exists("") == -ENOENT);
	CHECK(test_exists("/t/f/") == -ENOTDIR);
	CHECK(test_exists("/t/f/..") == -ENOTDIR);
	CHECK(test_exists("/t/no/..") == -ENOENT);
	CHECK(test_end());
}

SELFTEST(files_walk_links)
{
	CHECK(test_begin());
	CHECK(vfs_mkdir(AT_FDCWD, "/t/d", 0755) == 0);
	CHECK(test_write_file("/t/d/f", "text") == 0);
	CHECK(vfs_symlink("d/f", AT_FDCWD, "/t/rel") == 0);
	CHECK(vfs_symlink("/t/d", AT_FDCWD, "/t/abs") == 0);
	CHECK(vfs_symlink("../t/abs/f", AT_FDCWD, "/t/two") == 0);
	CHECK(test_file_is("/t/rel", "text"));
	CHECK(test_file_is("/t/abs/f", "text"));
	CHECK(test_file_is("/t/two", "text"));
	CHECK(S_ISLNK(test_stat("/t/abs").st_mode));
	CHECK(S_ISDIR(test_stat("/t/abs/").st_mode)); /* a slash follows it */
	CHECK(test_stat("/t/abs").st_size == 4);
	CHECK(test_open("/t/rel", O_RDONLY | O_NOFOLLOW) == -ELOOP);
	CHECK(test_open("/t/rel", O_PATH | O_NOFOLLOW) == 0);
	CHECK(vfs_symlink("", AT_FDCWD, "/t/empty") == -ENOENT);
	CHECK(test_end());
}

SELFTEST(files_walk_link_limit)
{
	char from[16], to[16];
	unsigned i;

	CHECK(test_begin());
	CHECK(vfs_symlink("loop", AT_FDCWD, "/t/loop") == 0);
	CHECK(test_open("/t/loop", O_RDONLY) == -ELOOP);
	CHECK(test_open("/t/loop", O_CREAT | O_WRONLY) == -ELOOP);
	CHECK(test_write_file("/t/0", "end") == 0);
	for (i = 1; i <= SYMLINKS_MAX + 1; i++) {
		memcpy(from, "/t/AA", 6);
		from[3] = 'A' + i / 26;
		from[4] = 'A' + i % 26;
		memcpy(to, from, 6);
		to[3] = 'A' + (i - 1) / 26;
		to[4] = 'A' + (i - 1) % 26;
		CHECK(vfs_symlink(i == 1 ? "/t/0" : to, AT_FDCWD, from) == 0);
		CHECK(test_file_is(from, "end") == (i <= SYMLINKS_MAX));
	}
	CHECK(test_end());
}

SELFTEST(files_walk_long_names)
{
	static char path[PATH_MAX];

	CHECK(test_begin());
	strlcpy(path, "/t/", sizeof(path));
	memset(path + 3, 'n', NAME_MAX + 1);
	path[3 + NAME_MAX + 1] = '\0';
	CHECK(test_exists(path) == -ENAMETOOLONG);
	CHECK(test_write_file(path, "") == -ENAMETOOLONG);
	CHECK(vfs_mkdir(AT_FDCWD, path, 0755) == -ENAMETOOLONG);
	path[3 + NAME_MAX] = '\0';
	CHECK(test_write_file(path, "x") == 0);
	CHECK(test_file_is(path, "x"));
	CHECK(vfs_unlink(AT_FDCWD, path) == 0);
	CHECK(test_end());
}

SELFTEST(files_permissions)
{
	struct fs_context *c = fs_context_new(), *old = current()->fs;

	CHECK(test_begin());
	CHECK(vfs_mkdir(AT_FDCWD, "/t/shut", 0700) == 0);
	CHECK(vfs_mkdir(AT_FDCWD, "/t/sticky", 0777) == 0);
	CHECK(test_write_file("/t/shut/f", "") == 0);
	CHECK(test_write_file("/t/f", "") == 0); /* root's, 0644 */
	c->umask = 0;
	current()->fs = c;
	CHECK(vfs_mkdir(AT_FDCWD, "/t/all", 0777) == 0);
	CHECK(vfs_mkdir(AT_FDCWD, "/t/all/s", 01777) == 0);
	CHECK(test_write_file("/t/all/s/roots", "") == 0);
	c->cred.uid = c->cred.euid = c->cred.fsuid = 1000;
	c->cred.gid = c->cred.egid = c->cred.fsgid = 1000;
	CHECK(test_exists("/t/shut/f") == -EACCES);
	CHECK(test_open("/t/f", O_RDONLY) == 0);
	CHECK(test_open("/t/f", O_WRONLY) == -EACCES);
	CHECK(test_write_file("/t/mine", "") == -EACCES);
	CHECK(vfs_unlink(AT_FDCWD, "/t/f") == -EACCES);
	CHECK(test_write_file("/t/all/mine", "m") == 0);
	CHECK(test_stat("/t/all/mine").st_uid == 1000);
	CHECK(vfs_unlink(AT_FDCWD, "/t/all/s/roots") == -EPERM);
	CHECK(test_write_file("/t/all/s/mine", "") == 0);
	CHECK(vfs_unlink(AT_FDCWD, "/t/all/s/mine") == 0);
	CHECK(vfs_mknod(AT_FDCWD, "/t/all/n", S_IFCHR, 0) == -EPERM);
	current()->fs = old;
	fs_context_put(c);
	CHECK(test_end());
}

SELFTEST(files_chroot_holds)
{
	struct fs_context *c = fs_context_new(), *old = current()->fs;
	struct vnode *d;
	char buf[64];

	CHECK(test_begin());
	CHECK(vfs_mkdir(AT_FDCWD, "/t/jail", 0755) == 0);
	CHECK(vfs_mkdir(AT_FDCWD, "/t/jail/d", 0755) == 0);
	CHECK(vfs_symlink("/d", AT_FDCWD, "/t/jail/l") == 0);
	CHECK(test_write_file("/t/out", "") == 0);
	CHECK((d = test_walk("/t/jail")));
	current()->fs = c;
	context_set_dir(&c->root, vnode_get(d));
	context_set_dir(&c->cwd, d);
	CHECK(test_exists("/../out") == -ENOENT);
	CHECK(test_exists("../out") == -ENOENT);
	CHECK(test_exists("/d/../../../d") == 0);
	CHECK(test_exists("/l/") == 0);
	CHECK(vnode_path(d, buf, sizeof(buf)) == 1 && strcmp(buf, "/") == 0);
	current()->fs = old;
	fs_context_put(c);
	CHECK(test_end());
}

SELFTEST(files_path_of_a_vnode)
{
	struct vnode *d, *f;
	char buf[64];

	CHECK(test_begin());
	CHECK(vfs_mkdir(AT_FDCWD, "/t/d", 0755) == 0);
	CHECK(vfs_mkdir(AT_FDCWD, "/t/d/e", 0755) == 0);
	CHECK(test_write_file("/t/d/f", "") == 0);
	CHECK((d = test_walk("/t/d/e")) && (f = test_walk("/t/d/f")));
	CHECK(vnode_path(d, buf, sizeof(buf)) == 6);
	CHECK(strcmp(buf, "/t/d/e") == 0);
	CHECK(vnode_path(f, buf, sizeof(buf)) == 6);
	CHECK(strcmp(buf, "/t/d/f") == 0);
	CHECK(vnode_path(d, buf, 6) == -ERANGE);
	CHECK(vfs_rename(AT_FDCWD, "/t/d", AT_FDCWD, "/t/new", 0) == 0);
	CHECK(vnode_path(d, buf, sizeof(buf)) == 8);
	CHECK(strcmp(buf, "/t/new/e") == 0);
	CHECK(vfs_rmdir(AT_FDCWD, "/t/new/e") == 0);
	CHECK(vnode_path(d, buf, sizeof(buf)) == -ENOENT);
	vnode_put(d);
	vnode_put(f);
	CHECK(test_end());
}

SELFTEST(files_link_text_of_what_is_gone)
{
	struct vnode *d, *f;
	char buf[64];

	CHECK(test_begin());
	CHECK(vfs_mkdir(AT_FDCWD, "/t/d", 0755) == 0);
	CHECK(test_write_file("/t/f", "") == 0);
	CHECK((d = test_walk("/t/d")) && (f = test_walk("/t/f")));
	CHECK(vnode_link_text(f, buf, sizeof(buf)) == 4);
	CHECK(vfs_rmdir(AT_FDCWD, "/t/d") == 0);
	CHECK(vfs_unlink(AT_FDCWD, "/t/f") == 0);
	CHECK(vnode_link_text(d, buf, sizeof(buf)) == 14);
	CHECK(strcmp(buf, "/t/d (deleted)") == 0);
	CHECK(vnode_link_text(f, buf, sizeof(buf)) == 14);
	CHECK(strcmp(buf, "/t/f (deleted)") == 0);
	CHECK(vnode_path(f, buf, sizeof(buf)) == -ENOENT);
	vnode_put(d);
	vnode_put(f);
	CHECK(test_end());
}
