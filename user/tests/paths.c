/*
 * Every call on names with every kind of path within a folder: what it answers,
 *and what the folder looks like afterwards. Prints a line for each; the lines
 *of Linux and of Hardtack are to be the same.
 *
 *	paths FOLDER [user]     as an ordinary user, in a sticky folder of
 *root's
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tree.h"

static char long_name[NAME_MAX + 2];

static const char *const paths[] = {
	"f",	 "f/",	  "f/.",     "f/..",   "f/x",	"d",	  "d/",
	"d/.",	 "d/..",  "d//",     "d/in",   "d/in/", "d/none", "d/none/",
	"d/e",	 "d/e/",  "l",	     "l/",     "ld",	"ld/",	  "ld/.",
	"ld/in", "dang",  "dang/",   "dang/x", "loop1", "loop1/", "loop1/x",
	"none",	 "none/", "none/.",  "none/x", ".",	"..",	  "",
	"./",	 "../",	  long_name, "p",
};

static const char *path; /* the one being tried */

/* ---- The calls ---- */

static long
opened(int flags)
{
	int fd = open(path, flags, 0600);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

#define OPEN(name, flags)                                                      \
	static long call_##name(void)                                          \
	{                                                                      \
		return opened((flags) | O_NONBLOCK);                           \
	}
#define CALL(name, expr)                                                       \
	static long call_##name(void)                                          \
	{                                                                      \
		return (expr);                                                 \
	}

static struct stat st;
static struct statx stx;
static struct statfs sfs;
static char text[100];

OPEN(open_read, O_RDONLY)
OPEN(open_write, O_RDWR)
OPEN(open_creat, O_CREAT | O_RDWR)
OPEN(open_creat_read, O_CREAT | O_RDONLY)
OPEN(open_excl, O_CREAT | O_EXCL | O_WRONLY)
OPEN(open_trunc, O_WRONLY | O_TRUNC)
OPEN(open_creat_trunc, O_CREAT | O_WRONLY | O_TRUNC)
OPEN(open_read_trunc, O_RDONLY | O_TRUNC)
OPEN(open_directory, O_DIRECTORY)
OPEN(open_directory_write, O_DIRECTORY | O_WRONLY)
OPEN(open_nofollow, O_NOFOLLOW)
OPEN(open_creat_nofollow, O_CREAT | O_NOFOLLOW | O_WRONLY)
OPEN(open_creat_directory, O_CREAT | O_DIRECTORY)
OPEN(open_nofollow_directory, O_NOFOLLOW | O_DIRECTORY)
OPEN(open_path, O_PATH)
OPEN(open_path_nofollow, O_PATH | O_NOFOLLOW)
OPEN(open_path_directory, O_PATH | O_DIRECTORY)
OPEN(open_tmpfile, O_TMPFILE | O_RDWR)
OPEN(open_noatime, O_NOATIME)
CALL(stat, stat(path, &st))
CALL(lstat, lstat(path, &st))
CALL(statx_nofollow, statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, 0, &stx))
CALL(statfs, statfs(path, &sfs))
CALL(access_r, access(path, R_OK))
CALL(access_w, access(path, W_OK))
CALL(access_x, access(path, X_OK))
CALL(readlink, readlink(path, text, sizeof(text)))
CALL(chdir, chdir(path))
CALL(chroot, chroot(path))
CALL(mkdir, mkdir(path, 0700))
CALL(rmdir, rmdir(path))
CALL(unlink, unlink(path))
CALL(mknod_file, mknod(path, S_IFREG | 0600, 0))
CALL(mknod_fifo, mknod(path, S_IFIFO | 0600, 0))
CALL(mknod_dir, mknod(path, S_IFDIR | 0600, 0))
CALL(mknod_none, mknod(path, S_IFLNK | 0600, 0))
CALL(symlink, symlink("f", path))
CALL(truncate, truncate(path, 1))
CALL(truncate_negative, truncate(path, -1))
CALL(chmod, chmod(path, 0640))
CALL(chown, chown(path, (uid_t)-1, (gid_t)-1))
CALL(chown_other, chown(path, 4242, (gid_t)-1))
CALL(lchown, lchown(path, (uid_t)-1, (gid_t)-1))
CALL(utimensat_now, utimensat(AT_FDCWD, path, NULL, 0))
CALL(utimensat_link, utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW))
CALL(link_from, link(path, "new"))
CALL(link_to, link("f2", path))
CALL(linkat_follow, linkat(AT_FDCWD, path, AT_FDCWD, "new", AT_SYMLINK_FOLLOW))
CALL(rename_from, rename(path, "new"))
CALL(rename_from_slash, rename(path, "new/"))
CALL(rename_file_to, rename("f2", path))
CALL(rename_dir_to, rename("d2", path))
CALL(rename_link_to, rename("l2", path))
CALL(rename_into_itself, rename("d", path))
CALL(rename_noreplace,
     renameat2(AT_FDCWD, "f2", AT_FDCWD, path, RENAME_NOREPLACE))
CALL(rename_from_noreplace,
     renameat2(AT_FDCWD, path, AT_FDCWD, "f2", RENAME_NOREPLACE))
CALL(exchange_file, renameat2(AT_FDCWD, path, AT_FDCWD, "f2", RENAME_EXCHANGE))
CALL(exchange_dir, renameat2(AT_FDCWD, "d2", AT_FDCWD, path, RENAME_EXCHANGE))
CALL(exchange_own, renameat2(AT_FDCWD, "mine", AT_FDCWD, path, RENAME_EXCHANGE))
CALL(rename_own_to, rename("mine", path))
CALL(execve, execve(path, (char *[]){ (char *)"x", NULL }, (char *[]){ NULL }))

#define ROW(name)                                                              \
	{                                                                      \
#name, call_##name                                             \
	}

static const struct {
	const char *name;
	long (*call)(void);
} calls[] = {
	ROW(open_read),
	ROW(open_write),
	ROW(open_creat),
	ROW(open_creat_read),
	ROW(open_excl),
	ROW(open_trunc),
	ROW(open_creat_trunc),
	ROW(open_read_trunc),
	ROW(open_directory),
	ROW(open_directory_write),
	ROW(open_nofollow),
	ROW(open_creat_nofollow),
	ROW(open_creat_directory),
	ROW(open_nofollow_directory),
	ROW(open_path),
	ROW(open_path_nofollow),
	ROW(open_path_directory),
	ROW(open_tmpfile),
	ROW(open_noatime),
	ROW(stat),
	ROW(lstat),
	ROW(statx_nofollow),
	ROW(statfs),
	ROW(access_r),
	ROW(access_w),
	ROW(access_x),
	ROW(readlink),
	ROW(chdir),
	ROW(chroot),
	ROW(mkdir),
	ROW(rmdir),
	ROW(unlink),
	ROW(mknod_file),
	ROW(mknod_fifo),
	ROW(mknod_dir),
	ROW(mknod_none),
	ROW(symlink),
	ROW(truncate),
	ROW(truncate_negative),
	ROW(chmod),
	ROW(chown),
	ROW(chown_other),
	ROW(lchown),
	ROW(utimensat_now),
	ROW(utimensat_link),
	ROW(link_from),
	ROW(link_to),
	ROW(linkat_follow),
	ROW(rename_from),
	ROW(rename_from_slash),
	ROW(rename_file_to),
	ROW(rename_dir_to),
	ROW(rename_link_to),
	ROW(rename_into_itself),
	ROW(rename_noreplace),
	ROW(rename_from_noreplace),
	ROW(exchange_file),
	ROW(exchange_dir),
	ROW(exchange_own),
	ROW(rename_own_to),
	ROW(execve),
};

/* ---- The folder ---- */

static void
make_file(const char *name, const char *bytes)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0644);

	write(fd, bytes, strlen(bytes));
	close(fd);
}

static void
set_up(void)
{
	make_file("f", "file");
	make_file("f2", "second");
	mkdir("d", 0755);
	mkdir("d2", 0755);
	make_file("d/in", "inside");
	mkdir("d/e", 0755);
	symlink("f", "l");
	symlink("f2", "l2");
	symlink("d", "ld");
	symlink("nowhere", "dang");
	symlink("loop2", "loop1");
	symlink("loop1", "loop2");
	mknod("p", S_IFIFO | 0644, 0);
	make_file("mine", "own");
	chown("mine", 1000, 1000);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/** What is there now: names, types, sizes of what is no folder, links. */
static void
show_folder(const char *folder)
{
	char *names[64], where[PATH_MAX];
	DIR *dir = opendir(folder);
	struct dirent *e;
	unsigned n = 0;

	while (dir && (e = readdir(dir)) && n < 64)
		if (e->d_name[0] != '.')
			names[n++] = strdup(e->d_name);
	if (dir)
		closedir(dir);
	qsort(names, n, sizeof(*names), by_name);
	for (unsigned i = 0; i < n; i++) {
		snprintf(where, sizeof(where), "%s/%s", folder, names[i]);
		lstat(where, &st);
		printf(" %s:%o:%ld:%ld", names[i], st.st_mode,
		       S_ISDIR(st.st_mode) ? 0 : (long)st.st_size,
		       (long)st.st_nlink);
		free(names[i]);
	}
}

/** In a child, for a call may change what a process is. @return errno */
static int
try(long (*call)(void), bool as_user)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (as_user &&
		    (setgroups(0, NULL) || setresgid(1000, 1000, 1000) ||
		     setresuid(1000, 1000, 1000)))
			_exit(255);
		errno = 0;
		_exit(call() < 0 ? errno : 0);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

int
main(int argc, char **argv)
{
	bool as_user = argc > 2 && strcmp(argv[2], "user") == 0;
	char folder[PATH_MAX];

	if (argc < 2) {
		fprintf(stderr, "usage: paths FOLDER [user]\n");
		return 2;
	}
	umask(022);
	memset(long_name, 'x', NAME_MAX + 1);
	snprintf(folder, sizeof(folder), "%s/paths", argv[1]);
	for (unsigned c = 0; c < sizeof(calls) / sizeof(calls[0]); c++) {
		/* Linux may be told to protect links, or not (proc(5)). */
		if (as_user && strncmp(calls[c].name, "link", 4) == 0)
			continue;
		for (unsigned p = 0; p < sizeof(paths) / sizeof(paths[0]);
		     p++) {
			path = paths[p];
			remove_tree(folder);
			if (mkdir(folder, 0755) || chdir(folder) ||
			    mkdir("here", 0755) || chdir("here") ||
			    chmod(".", as_user ? 01777 : 0755))
				return 1;
			set_up();
			printf("%s %.20s %d |", calls[c].name, path,
			       try(calls[c].call, as_user));
			show_folder(".");
			printf(" |");
			show_folder("d");
			printf("\n");
			fflush(stdout);
			chdir("/");
		}
	}
	remove_tree(folder);
	return 0;
}
