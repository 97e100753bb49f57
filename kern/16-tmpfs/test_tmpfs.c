/*
 * Self-tests of files in memory: what they hold, and what is done to them while
 * they are in use.
 */
#include "test_tmpfs.h"

SELFTEST(tmpfs_file_holds_what_is_written)
{
	CHECK(test_begin());
	CHECK(test_write_file("/t/a", "hello") == 0);
	CHECK(test_file_is("/t/a", "hello"));
	CHECK(test_stat("/t/a").st_size == 5);
	CHECK(S_ISREG(test_stat("/t/a").st_mode));
	CHECK(test_write_file("/t/a", "hi") == 0); /* O_TRUNC */
	CHECK(test_file_is("/t/a", "hi"));
	CHECK(test_end());
}

SELFTEST(tmpfs_append_goes_to_the_end)
{
	struct file *f;

	CHECK(test_begin());
	CHECK(test_write_file("/t/a", "one") == 0);
	CHECK(test_open_file("/t/a", O_WRONLY | O_APPEND, &f) == 0);
	CHECK(test_pwrite(f, "two", 3, 0) == 3);
	file_put(f);
	CHECK(test_file_is("/t/a", "onetwo"));
	CHECK(test_end());
}

SELFTEST(tmpfs_holes_read_as_zeros)
{
	struct file *f;
	char c[3] = "xyz";

	CHECK(test_begin());
	CHECK(test_open_file("/t/a", O_CREAT | O_RDWR, &f) == 0);
	CHECK(test_pwrite(f, "end", 3, 5000000) == 3);
	CHECK(test_pread(f, c, 3, 12345) == 3);
	CHECK(c[0] == 0 && c[1] == 0 && c[2] == 0);
	CHECK(test_pread(f, c, 3, 5000000) == 3 && memcmp(c, "end", 3) == 0);
	CHECK(test_pread(f, c, 3, 5000003) == 0);
	/* A hole that was read takes no memory. */
	CHECK(test_stat("/t/a").st_blocks == PAGE_SIZE / 512);
	file_put(f);
	CHECK(test_end());
}

SELFTEST(tmpfs_truncate_zeroes_what_comes_back)
{
	struct vnode *v;

	CHECK(test_begin());
	CHECK(test_write_file("/t/a", "abcdef") == 0);
	CHECK((v = test_walk("/t/a")));
	CHECK(vnode_truncate(v, 2) == 0);
	CHECK(vnode_truncate(v, 6) == 0);
	vnode_put(v);
	CHECK(test_stat("/t/a").st_size == 6);
	{
		char buf[6];
		struct file *f;

		CHECK(test_open_file("/t/a", O_RDONLY, &f) == 0);
		CHECK(test_pread(f, buf, 6, 0) == 6);
		file_put(f);
		CHECK(memcmp(buf, "ab\0\0\0\0", 6) == 0);
	}
	CHECK(test_end());
}

SELFTEST(tmpfs_removed_file_lives_while_open)
{
	struct file *f;
	char buf[4];

	CHECK(test_begin());
	CHECK(test_write_file("/t/a", "data") == 0);
	CHECK(test_open_file("/t/a", O_RDONLY, &f) == 0);
	CHECK(vfs_unlink(AT_FDCWD, "/t/a") == 0);
	CHECK(test_exists("/t/a") == -ENOENT);
	CHECK(test_pread(f, buf, 4, 0) == 4 && memcmp(buf, "data", 4) == 0);
	CHECK(f->vnode->nlink == 0);
	file_put(f);
	CHECK(test_end());
}

SELFTEST(tmpfs_running_program_is_not_written)
{
	struct file *f;
	struct vnode *v;

	CHECK(test_begin());
	CHECK(test_write_file("/t/a", "x") == 0);
	CHECK((v = test_walk("/t/a")));
	CHECK(vnode_deny_write(v) == 0);
	CHECK(test_open_file("/t/a", O_WRONLY, &f) == -ETXTBSY);
	CHECK(test_open_file("/t/a", O_RDONLY, &f) == 0);
	file_put(f);
	vnode_allow_write(v);
	CHECK(test_open_file("/t/a", O_WRONLY, &f) == 0);
	file_put(f);
	vnode_put(v);
	CHECK(test_end());
}

/* ---- Directories ---- */

struct listing {
	unsigned n, stop_after;
	uint64_t sum; /* of the names' last characters */
};

static bool
list_entry_fn(void *arg, const char *name, size_t len, uint64_t ino,
	      unsigned type, uint64_t next)
{
	struct listing *l = arg;

	(void)ino;
	(void)type;
	(void)next;
	if (l->n == l->stop_after)
		return false;
	l->n++;
	if (name[0] != '.')
		l->sum += name[len - 1];
	return true;
}

SELFTEST(tmpfs_readdir_survives_changes)
{
	struct listing l = { .stop_after = 6 };
	char name[] = "/t/fx";
	struct vnode *d;
	uint64_t pos = 0, all = 0;
	unsigned i;

	CHECK(test_begin());
	for (i = 0; i < 20; i++) {
		name[4] = 'a' + i;
		all += name[4];
		CHECK(test_write_file(name, "") == 0);
	}
	CHECK((d = test_walk("/t")));
	d->ops->readdir(d, &pos, list_entry_fn, &l);
	CHECK(l.n == 6);
	CHECK(test_write_file("/t/new", "") == 0);
	CHECK(vfs_unlink(AT_FDCWD, "/t/new") == 0);
	l.stop_after = 1000;
	d->ops->readdir(d, &pos, list_entry_fn, &l);
	CHECK(l.n == 22 && l.sum == all); /* each once, "." and ".." too */
	vnode_put(d);
	CHECK(test_end());
}
