/*
 * Self-tests of descriptor tables.
 */
#include "files_internal.h"

static struct file *
null_file(void)
{
	static const struct file_ops ops;

	return file_new(&ops, O_RDONLY, NULL);
}

SELFTEST(files_descriptors_lowest_first)
{
	struct file *f = null_file();
	struct fdtable *copy, *old = current()->fdtable;
	unsigned i;

	current()->fdtable = fdtable_new();
	for (i = 0; i < 5; i++)
		CHECK(fd_install(file_get(f), 0, false) == (int)i);
	CHECK(fd_close(2) == 0);
	CHECK(fd_close(2) == -EBADF);
	CHECK(fd_get(2) == NULL && fd_get(-1) == NULL && fd_get(99999) == NULL);
	CHECK(fd_install(file_get(f), 0, true) == 2);
	CHECK(fd_install(file_get(f), 3, false) == 5);
	CHECK(fd_install(file_get(f), 700, false) == 700); /* table grows */
	CHECK(fd_replace(64, file_get(f), false) == 64);
	CHECK(fd_replace(1 << 20, f, false) == -EBADF);
	CHECK(ref_count(&f->refs) == 9);
	CHECK(fdtable_next(current()->fdtable, 6) == 64);
	CHECK(fdtable_next(current()->fdtable, 65) == 700);
	CHECK(fdtable_next(current()->fdtable, 701) == -1);
	copy = fdtable_copy(current()->fdtable);
	CHECK(ref_count(&f->refs) == 17);
	fdtable_close_on_exec(copy);
	CHECK(fdtable_get_file(copy, 2) == NULL);
	CHECK(fdtable_get_file(copy, 700) == f);
	file_put(f);
	fdtable_put(copy);
	fdtable_put(current()->fdtable);
	current()->fdtable = old;
	CHECK(ref_count(&f->refs) == 1);
	file_put(f);
}

SELFTEST(files_descriptor_of_a_dying_file_is_none)
{
	struct fdtable *t = fdtable_new(), *old = current()->fdtable;
	struct file *f = null_file();

	current()->fdtable = t;
	/* As it is for a moment while another thread closes the last one. */
	t->first[0] = f;
	f->refs.n = 0;
	CHECK(fd_get(0) == NULL);
	CHECK(ref_count(&f->refs) == 0);
	t->first[0] = NULL;
	ref_init(&f->refs);
	file_put(f);
	fdtable_put(t);
	current()->fdtable = old;
}

SELFTEST(files_descriptors_have_a_limit)
{
	struct file *f = null_file();
	struct fdtable *old = current()->fdtable;
	int fd, n = 0;

	current()->fdtable = fdtable_new();
	while ((fd = fd_install(file_get(f), 0, false)) >= 0)
		CHECK(fd == n++);
	CHECK(fd == -EMFILE && n >= 1024);
	fdtable_put(current()->fdtable);
	current()->fdtable = old;
	CHECK(ref_count(&f->refs) == 1);
	file_put(f);
}

/* A call that fails after it has installed a file takes that one back, and not
 * what another thread has put in its place meanwhile. */
SELFTEST(files_uninstalled_is_what_was_installed)
{
	struct file *f = null_file(), *other = null_file();
	struct fdtable *old = current()->fdtable;

	current()->fdtable = fdtable_new();
	CHECK(fd_install(file_get(f), 0, false) == 0);
	fd_uninstall(0, file_get(f));
	CHECK(fd_install(file_get(f), 0, false) == 0);
	CHECK(fd_replace(0, file_get(other), false) == 0);
	fd_uninstall(0, file_get(f));
	CHECK(fdtable_get_file(current()->fdtable, 0) == other);
	file_put(other);
	fdtable_put(current()->fdtable);
	current()->fdtable = old;
	CHECK(ref_count(&f->refs) == 1 && ref_count(&other->refs) == 1);
	file_put(f);
	file_put(other);
}
