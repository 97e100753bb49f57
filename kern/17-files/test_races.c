/*
 * Self-tests with several threads at the same names and
 * descriptors. What is checked holds however they are scheduled.
 */
#include "test_files.h"

#define THREADS 4
#define ROUNDS	150

static _Atomic unsigned made, removed, wrong;

/* Each name exists at most once: of all who make it, one succeeds. */
static void
make_and_remove(unsigned number)
{
	char path[] = "/r/fx";
	unsigned i;

	for (i = 0; i < ROUNDS; i++) {
		path[4] = 'a' + (i + number) % 5;
		switch (test_open(path, O_CREAT | O_EXCL | O_WRONLY)) {
		case 0:
			made++;
			break;
		case -EEXIST:
			if (vfs_unlink(AT_FDCWD, path) == 0)
				removed++;
			break;
		default:
			wrong++;
		}
	}
}

static unsigned
count_left(void)
{
	char path[] = "/r/fx";
	unsigned n = 0;

	for (path[4] = 'a'; path[4] < 'f'; path[4]++)
		n += test_exists(path) == 0;
	return n;
}

SELFTEST(race_create_and_unlink)
{
	made = removed = wrong = 0;
	CHECK(vfs_mkdir(AT_FDCWD, "/r", 0755) == 0);
	test_in_threads(THREADS, make_and_remove);
	CHECK(wrong == 0);
	CHECK(made - removed == count_left());
	test_remove_tree("/r");
	CHECK(test_exists("/r") == -ENOENT);
}

/* Files and directories move about between directories; nothing is lost, and
 * no directory comes to stand in itself. */
static void
move_about(unsigned number)
{
	static const char *const places[] = { "/r/a/x", "/r/b/x", "/r/a/y",
					      "/r/b/y", "/r/a/b", "/r/b" };
	unsigned i, from, to;
	int error;

	for (i = 0; i < ROUNDS; i++) {
		from = (i * 5 + number) % ARRAY_SIZE(places);
		to = (i * 7 + number * 3) % ARRAY_SIZE(places);
		error = vfs_rename(AT_FDCWD, places[from], AT_FDCWD, places[to],
				   RENAME_NOREPLACE);
		if (error && error != -ENOENT && error != -EEXIST &&
		    error != -EINVAL && error != -ENOTEMPTY &&
		    error != -ENOTDIR)
			wrong++;
	}
}

static unsigned
count_tree(const char *path)
{
	static const char *const names[] = { "a", "b", "x", "y" };
	char below[64];
	unsigned i, n = 1;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		strlcpy(below, path, sizeof(below));
		strlcat(below, "/", sizeof(below));
		strlcat(below, names[i], sizeof(below));
		if (test_exists(below) == 0)
			n += count_tree(below);
	}
	return n;
}

SELFTEST(race_rename)
{
	wrong = 0;
	CHECK(vfs_mkdir(AT_FDCWD, "/r", 0755) == 0);
	CHECK(vfs_mkdir(AT_FDCWD, "/r/a", 0755) == 0);
	CHECK(vfs_mkdir(AT_FDCWD, "/r/b", 0755) == 0);
	CHECK(vfs_mkdir(AT_FDCWD, "/r/a/x", 0755) == 0);
	CHECK(test_write_file("/r/b/y", "") == 0);
	CHECK(count_tree("/r") == 5);
	test_in_threads(THREADS, move_about);
	CHECK(wrong == 0);
	CHECK(count_tree("/r") == 5);
	test_remove_tree("/r");
	CHECK(test_exists("/r") == -ENOENT);
}

/* A file that is replaced by rename is there at all times: what a look-up
 * without locks finds is the old one or the new one. */
static void
replace_or_look(unsigned number)
{
	unsigned i;

	for (i = 0; i < ROUNDS; i++) {
		if (number > 0) {
			if (!test_file_is("/r/f", "contents"))
				wrong++;
			continue;
		}
		if (test_write_file("/r/new", "contents") ||
		    vfs_rename(AT_FDCWD, "/r/new", AT_FDCWD, "/r/f", 0))
			wrong++;
	}
}

SELFTEST(race_replaced_file_is_always_there)
{
	wrong = 0;
	CHECK(vfs_mkdir(AT_FDCWD, "/r", 0755) == 0);
	CHECK(test_write_file("/r/f", "contents") == 0);
	test_in_threads(THREADS, replace_or_look);
	CHECK(wrong == 0);
	test_remove_tree("/r");
}

/* Appends are atomic: none overwrites another. */
static void
append(unsigned number)
{
	char record[8];
	struct file *f;
	unsigned i;

	if (file_open(AT_FDCWD, "/r/log", O_WRONLY | O_APPEND, 0, &f)) {
		wrong++;
		return;
	}
	memset(record, 'A' + number, sizeof(record));
	for (i = 0; i < ROUNDS; i++)
		if (test_pwrite(f, record, sizeof(record), 0) != sizeof(record))
			wrong++;
	file_put(f);
}

SELFTEST(race_append)
{
	unsigned count[THREADS] = { 0 }, i, j;
	char record[8];
	struct file *f;

	wrong = 0;
	CHECK(vfs_mkdir(AT_FDCWD, "/r", 0755) == 0);
	CHECK(test_write_file("/r/log", "") == 0);
	test_in_threads(THREADS, append);
	CHECK(wrong == 0);
	CHECK(file_open(AT_FDCWD, "/r/log", O_RDONLY, 0, &f) == 0);
	for (i = 0; test_pread(f, record, 8, i * 8) == 8; i++) {
		for (j = 1; j < 8; j++)
			wrong += record[j] != record[0];
		count[record[0] - 'A']++;
	}
	file_put(f);
	CHECK(wrong == 0);
	for (i = 0; i < THREADS; i++)
		CHECK(count[i] == ROUNDS);
	test_remove_tree("/r");
}

/* ---- Descriptors ---- */

static struct fdtable *table;
static _Atomic unsigned released;

static void
count_release(struct file *f)
{
	(void)f;
	released++;
}

static const struct file_ops counting_ops = { .release = count_release };

static void
use_descriptors(unsigned number)
{
	struct file *f;
	unsigned i;
	int fd;

	current()->fdtable = table;
	for (i = 0; i < ROUNDS * 4; i++) {
		if (number % 2 == 0) {
			fd = fd_install(file_new(&counting_ops, 0, NULL), 0,
					false);
			made++;
			if (i % 8 == 0 && i > 0)
				fd = i / 8 % 8; /* maybe another's */
			fd_close(fd);
		} else if ((f = fd_get(i % 8))) {
			if (f->ops != &counting_ops)
				wrong++;
			file_put(f);
		}
	}
	current()->fdtable = NULL;
}

SELFTEST(race_descriptors)
{
	made = released = wrong = 0;
	table = fdtable_new();
	test_in_threads(THREADS, use_descriptors);
	CHECK(wrong == 0);
	fdtable_put(table);
	CHECK(made == released);
}

/* ---- Mounts ---- */

static void
mount_or_walk(unsigned number)
{
	unsigned i;
	int error;

	for (i = 0; i < 30; i++) {
		if (number == 0) {
			if (vfs_mount("tmpfs", "none", "/r/m", 0, ""))
				wrong++;
			test_write_file("/r/m/f", "in the mount");
			while ((error = vfs_unmount("/r/m", 0)) == -EBUSY)
				thread_yield();
			if (error)
				wrong++;
		} else {
			error = test_exists("/r/m/f");
			if (error && error != -ENOENT)
				wrong++;
			if (test_exists("/r/m/../m/.."))
				wrong++;
		}
	}
}

SELFTEST(race_unmount)
{
	wrong = 0;
	CHECK(vfs_mkdir(AT_FDCWD, "/r", 0755) == 0);
	CHECK(vfs_mkdir(AT_FDCWD, "/r/m", 0755) == 0);
	test_in_threads(THREADS, mount_or_walk);
	CHECK(wrong == 0);
	test_remove_tree("/r");
	CHECK(test_exists("/r") == -ENOENT);
}
