/*
 * The ext2 host harness: reads commands, one a line, and answers each with a
 * line: "ok ..." or the negative error number.
 *
 *	ext2_host IMAGE           commands on standard input; see commands[]
 *	ext2_host IMAGE corrupt SEED COUNT    see corrupt.c
 *
 * Paths begin with / and have no "." or "..".
 */
#include "abi/mount.h"
#include "corrupt.h"
#include "format.h"
#include "shim.h"
#include "string.h"

#define BUFFER_SIZE (1 << 20)
#define HELD_MAX    8

static char *buffer;
static struct vnode *held[HELD_MAX];

/* ---- Answers ---- */

static void
answer(const char *fmt, ...)
{
	char text[4608];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnformat(text, sizeof(text) - 1, fmt, ap);
	va_end(ap);
	text[n] = '\n';
	text[n + 1] = '\0';
	host_write(text);
}

static void
answer_result(int64_t result)
{
	if (result < 0)
		answer("%ld", result);
	else
		answer("ok %ld", result);
}

/* ---- Paths ---- */

static int
lookup(struct vnode *dir, const char *name, size_t len, struct vnode **v)
{
	int error;

	if (dir->type != VT_DIR)
		return -ENOTDIR;
	rwlock_read_lock(&dir->lock);
	error = dir->ops->lookup(dir, name, len, v);
	rwlock_read_unlock(&dir->lock);
	return error;
}

/** Walk; the last name is left to the caller if @p last. */
static int
walk(const char *path, const char **last, struct vnode **result)
{
	struct vnode *v = vnode_get(shim_mount.root), *next;
	const char *end;
	int error;

	for (path++; *path; path = *end ? end + 1 : end) {
		end = strchrnul(path, '/');
		if (last && !*end)
			break;
		error = lookup(v, path, (size_t)(end - path), &next);
		vnode_put(v);
		if (error)
			return error;
		v = next;
	}
	if (last)
		*last = path;
	*result = v;
	return 0;
}

/* ---- Commands: names ---- */

enum { MAKE_FILE, MAKE_DIR, MAKE_LINK };

static int
make(const char *path, int what, uint32_t mode, uint64_t rdev,
     const char *target)
{
	struct vnode *dir, *v = NULL;
	const char *name;
	size_t len;
	int error = walk(path, &name, &dir);

	if (error)
		return error;
	len = strlen(name);
	error = lookup(dir, name, len, &v);
	if (error == 0)
		error = -EEXIST;
	if (error == -ENOENT) {
		v = NULL;
		rwlock_write_lock(&dir->lock);
		if (what == MAKE_FILE)
			error = dir->ops->create(dir, name, len, mode, rdev,
						 &v);
		else if (what == MAKE_DIR)
			error = dir->ops->mkdir(dir, name, len, mode, &v);
		else
			error = dir->ops->symlink(dir, name, len, target, &v);
		rwlock_write_unlock(&dir->lock);
		if (error)
			v = NULL;
		else
			vnode_touch(dir, TOUCH_MTIME | TOUCH_CTIME);
	}
	if (v)
		vnode_put(v);
	vnode_put(dir);
	return error;
}

static bool
note_entry(void *arg, const char *name, size_t len, uint64_t ino, unsigned type,
	   uint64_t next)
{
	(void)ino;
	(void)type;
	(void)next;
	if (len > 2 || name[0] != '.' || (len == 2 && name[1] != '.'))
		*(bool *)arg = false;
	return true;
}

/** Whether a file that is to go is a directory with entries. */
static int
check_empty(struct vnode *v)
{
	bool empty = true;
	uint64_t pos = 0;
	int error;

	if (v->type != VT_DIR)
		return 0;
	error = v->ops->readdir(v, &pos, note_entry, &empty);
	return error ? error : empty ? 0 : -ENOTEMPTY;
}

static int
remove_name(const char *path, bool directory)
{
	struct vnode *dir, *v;
	const char *name;
	int error = walk(path, &name, &dir);

	if (error)
		return error;
	error = lookup(dir, name, strlen(name), &v);
	if (!error) {
		rwlock_write_lock(&dir->lock);
		if (directory != (v->type == VT_DIR))
			error = directory ? -ENOTDIR : -EISDIR;
		else if (!(error = check_empty(v)))
			error = (directory ? dir->ops->rmdir
					   : dir->ops->unlink)(dir, name,
							       strlen(name), v);
		rwlock_write_unlock(&dir->lock);
		vnode_put(v);
	}
	vnode_put(dir);
	return error;
}

static int
link_name(const char *from, const char *to)
{
	struct vnode *v, *dir;
	const char *name;
	int error = walk(from, NULL, &v);

	if (error)
		return error;
	error = walk(to, &name, &dir);
	if (!error) {
		rwlock_write_lock(&dir->lock);
		error = dir->ops->link(dir, name, strlen(name), v);
		rwlock_write_unlock(&dir->lock);
		vnode_put(dir);
	}
	vnode_put(v);
	return error;
}

static int
rename_in(struct vnode *from_dir, const char *from, struct vnode *to_dir,
	  const char *to)
{
	struct vnode *moved, *replaced = NULL;
	int error = lookup(from_dir, from, strlen(from), &moved);

	if (error)
		return error;
	error = lookup(to_dir, to, strlen(to), &replaced);
	if (error)
		replaced = NULL;
	if (error == -ENOENT || error == 0) {
		error = replaced ? check_empty(replaced) : 0;
		if (!error && moved != replaced)
			error = from_dir->ops->rename(
				from_dir, from, strlen(from), moved, to_dir, to,
				strlen(to), replaced);
	}
	vnode_put(moved);
	if (replaced)
		vnode_put(replaced);
	return error;
}

static int
rename_name(const char *from, const char *to)
{
	struct vnode *from_dir, *to_dir;
	const char *from_name, *to_name;
	int error = walk(from, &from_name, &from_dir);

	if (error)
		return error;
	error = walk(to, &to_name, &to_dir);
	if (!error) {
		error = rename_in(from_dir, from_name, to_dir, to_name);
		vnode_put(to_dir);
	}
	vnode_put(from_dir);
	return error;
}

static void
do_create(char **arg)
{
	answer_result(make(arg[0], MAKE_FILE, (uint32_t)host_number(arg[1]),
			   host_number(arg[2]), NULL));
}

static void
do_mkdir(char **arg)
{
	answer_result(make(arg[0], MAKE_DIR,
			   S_IFDIR | (uint32_t)host_number(arg[1]), 0, NULL));
}

static void
do_symlink(char **arg)
{
	answer_result(make(arg[1], MAKE_LINK, 0, 0, arg[0]));
}

static void
do_link(char **arg)
{
	answer_result(link_name(arg[0], arg[1]));
}

static void
do_unlink(char **arg)
{
	answer_result(remove_name(arg[0], false));
}

static void
do_rmdir(char **arg)
{
	answer_result(remove_name(arg[0], true));
}

static void
do_rename(char **arg)
{
	answer_result(rename_name(arg[0], arg[1]));
}

/* ---- Commands: contents ---- */

/* The bytes of a write: the test knows them from the seed. */
static void
fill(char *p, size_t n, unsigned long seed)
{
	size_t i;

	for (i = 0; i < n; i++) {
		uint32_t k = (uint32_t)((seed * 7919 + i) % 65521);

		p[i] = (char)((k * k >> 7) + k);
	}
}

static uint32_t
adler(const char *p, size_t n)
{
	uint32_t a = 1, b = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		a = (a + (uint8_t)p[i]) % 65521;
		b = (b + a) % 65521;
	}
	return b << 16 | a;
}

static int64_t
write_path(char **arg)
{
	uint64_t pos = host_number(arg[1]);
	size_t len = host_number(arg[2]);
	struct vnode *v;
	int64_t n = walk(arg[0], NULL, &v);

	if (n < 0)
		return n;
	fill(buffer, len, host_number(arg[3]));
	rwlock_write_lock(&v->lock);
	n = v->type == VT_REG
		    ? shim_write(v, buffer, len, pos, host_number(arg[4]))
		    : -EINVAL;
	rwlock_write_unlock(&v->lock);
	vnode_put(v);
	return n;
}

/** write PATH OFFSET LEN SEED FAULT */
static void
do_write(char **arg)
{
	answer_result(write_path(arg));
}

/** mapwrite PATH OFFSET VALUE */
static void
do_mapwrite(char **arg)
{
	struct vnode *v;
	int error = walk(arg[0], NULL, &v);

	if (!error) {
		error = shim_map_write(v, host_number(arg[1]),
				       (uint8_t)host_number(arg[2]));
		vnode_put(v);
	}
	answer_result(error);
}

/** read PATH OFFSET LEN: the count and the Adler-32 sum */
static void
do_read(char **arg)
{
	struct vnode *v;
	int64_t n = walk(arg[0], NULL, &v);

	if (n < 0) {
		answer_result(n);
		return;
	}
	n = v->type == VT_REG ? shim_read(v, buffer, host_number(arg[2]),
					  host_number(arg[1]))
			      : -EINVAL;
	vnode_put(v);
	if (n < 0)
		answer_result(n);
	else
		answer("ok %ld %u", n, adler(buffer, (size_t)n));
}

static void
do_truncate(char **arg)
{
	struct vnode *v;
	int error = walk(arg[0], NULL, &v);

	if (!error) {
		rwlock_write_lock(&v->lock);
		error = shim_set_size(v, host_number(arg[1]));
		rwlock_write_unlock(&v->lock);
		vnode_put(v);
	}
	answer_result(error);
}

/** setattr PATH MODE UID GID MTIME */
static void
do_setattr(char **arg)
{
	struct vattr attr = {
		.valid = VATTR_MODE | VATTR_UID | VATTR_GID | VATTR_MTIME,
		.mode = (uint32_t)host_number(arg[1]),
		.uid = (uint32_t)host_number(arg[2]),
		.gid = (uint32_t)host_number(arg[3]),
		.mtime = { (int64_t)host_number(arg[4]), 123456789 },
	};
	struct vnode *v;
	int error = walk(arg[0], NULL, &v);

	if (!error) {
		error = v->ops->setattr(v, &attr);
		vnode_put(v);
	}
	answer_result(error);
}

/** stat PATH: mode, links, uid, gid, size, blocks, device, mtime */
static void
do_stat(char **arg)
{
	struct vnode *v;
	int error = walk(arg[0], NULL, &v);

	if (error) {
		answer_result(error);
		return;
	}
	answer("ok %o %u %u %u %lu %lu %lu %ld", v->mode, v->nlink, v->uid,
	       v->gid, v->size, v->blocks, v->rdev, v->mtime.tv_sec);
	vnode_put(v);
}

/* ---- Commands: directories ---- */

struct listing {
	size_t len;
	unsigned room; /* entries taken at once */
};

static bool
list_entry_out(void *arg, const char *name, size_t len, uint64_t ino,
	       unsigned type, uint64_t next)
{
	struct listing *l = arg;

	(void)next;
	(void)ino;
	if (l->room == 0)
		return false;
	l->room--;
	l->len += (size_t)snformat(buffer + l->len, BUFFER_SIZE - l->len,
				   " %.*s:%u", (int)len, name, type);
	return true;
}

/** list PATH: its entries, read a few at a time */
static void
do_list(char **arg)
{
	struct listing l = { .len = 0 };
	uint64_t pos = 0;
	struct vnode *v;
	size_t before;
	int error = walk(arg[0], NULL, &v);

	if (!error && v->type != VT_DIR)
		error = -ENOTDIR;
	memcpy(buffer, "ok", 3);
	l.len = 2;
	while (!error) {
		before = l.len;
		l.room = 1 + shim_random(20);
		error = v->ops->readdir(v, &pos, list_entry_out, &l);
		if (l.len == before)
			break;
	}
	if (error) {
		answer_result(error);
	} else {
		host_write(buffer);
		host_write("\n");
	}
	vnode_put(v);
}

static void
do_readlink(char **arg)
{
	struct vnode *v;
	int n = walk(arg[0], NULL, &v);

	if (n == 0) {
		n = v->type == VT_LNK ? v->ops->readlink(v, buffer, 4096)
				      : -EINVAL;
		vnode_put(v);
	}
	if (n < 0) {
		answer_result(n);
	} else {
		buffer[n] = '\0';
		answer("ok %s", buffer);
	}
}

/* ---- Commands: the whole ---- */

/** hold SLOT PATH: as if opened */
static void
do_hold(char **arg)
{
	answer_result(walk(arg[1], NULL, &held[host_number(arg[0])]));
}

static void
do_drop(char **arg)
{
	vnode_put(held[host_number(arg[0])]);
	answer_result(0);
}

static void
do_mount(char **arg)
{
	answer_result(shim_mount_disk((unsigned)host_number(arg[0])));
}

static void
do_options(char **arg)
{
	memcpy(shim_options, arg[0],
	       MIN(strlen(arg[0]) + 1, sizeof(shim_options) - 1));
	answer_result(0);
}

static void
do_unmount(char **arg)
{
	(void)arg;
	shim_unmount();
	answer_result(0);
}

static void
do_sync(char **arg)
{
	(void)arg;
	answer_result(shim_sync());
}

static void
do_evict(char **arg)
{
	(void)arg;
	shim_evict();
	answer_result(0);
}

static void
do_poweroff(char **arg)
{
	(void)arg;
	shim_power_off();
	answer_result(0);
}

static void
do_save(char **arg)
{
	host_save(arg[0], shim_image, shim_disk.sectors * SECTOR_SIZE);
	answer_result(0);
}

/** record FILE: from now on, all that is written to the disk, flushes, and
 * marks, as lines "write SECTOR BYTES" before the bytes, "flush", "mark N" */
static void
do_record(char **arg)
{
	host_record(arg[0]);
	answer_result(0);
}

static void
do_mark(char **arg)
{
	host_record_mark(host_number(arg[0]));
	answer_result(0);
}

/** fail AFTER ERROR: the AFTERth block or page asked for cannot be had */
static void
do_fail(char **arg)
{
	shim_fail_after = (unsigned)host_number(arg[0]);
	shim_fail_error = -(int)host_number(arg[1]);
	answer_result(0);
}

static void
do_user(char **arg)
{
	shim_cred.fsuid = (uint32_t)host_number(arg[0]);
	answer_result(0);
}

static void
do_statfs(char **arg)
{
	struct statfs st;
	int error = shim_mount.ops->statfs(&shim_mount, &st);

	(void)arg;
	if (error)
		answer_result(error);
	else
		answer("ok %lu %lu %lu %lu %lu", st.f_blocks, st.f_bfree,
		       st.f_bavail, st.f_files, st.f_ffree);
}

static const struct command {
	const char *name;
	unsigned args;
	void (*run)(char **arg);
} commands[] = {
	{ "create", 3, do_create },	{ "mkdir", 2, do_mkdir },
	{ "symlink", 2, do_symlink },	{ "link", 2, do_link },
	{ "unlink", 1, do_unlink },	{ "rmdir", 1, do_rmdir },
	{ "rename", 2, do_rename },	{ "write", 5, do_write },
	{ "mapwrite", 3, do_mapwrite }, { "read", 3, do_read },
	{ "truncate", 2, do_truncate }, { "setattr", 5, do_setattr },
	{ "stat", 1, do_stat },		{ "list", 1, do_list },
	{ "readlink", 1, do_readlink }, { "hold", 2, do_hold },
	{ "drop", 1, do_drop },		{ "mount", 1, do_mount },
	{ "unmount", 0, do_unmount },	{ "sync", 0, do_sync },
	{ "evict", 0, do_evict },	{ "poweroff", 0, do_poweroff },
	{ "save", 1, do_save },		{ "fail", 2, do_fail },
	{ "record", 1, do_record },	{ "mark", 1, do_mark },
	{ "options", 1, do_options },	{ "user", 1, do_user },
	{ "statfs", 0, do_statfs },
};

static void
run_line(char *line)
{
	char *word[8] = { NULL };
	unsigned n = 0, i;

	while (n < ARRAY_SIZE(word) && *line) {
		word[n++] = line;
		line = strchrnul(line, ' ');
		if (*line)
			*line++ = '\0';
	}
	for (i = 0; n && i < ARRAY_SIZE(commands); i++)
		if (strcmp(word[0], commands[i].name) == 0 &&
		    n == commands[i].args + 1) {
			commands[i].run(word + 1);
			return;
		}
	host_fail("unknown command");
}

int
main(int argc, char **argv)
{
	static char line[16384];
	size_t size;
	void *image;

	if (argc < 2)
		host_fail("usage: ext2_host IMAGE [corrupt SEED COUNT]");
	image = host_load(argv[1], &size);
	shim_verbose = argc == 2;
	shim_init(image, size);
	buffer = host_alloc(BUFFER_SIZE);
	if (argc == 5 && strcmp(argv[2], "corrupt") == 0) {
		corrupt(host_number(argv[3]), (unsigned)host_number(argv[4]));
	} else {
		while (host_line(line, sizeof(line)))
			run_line(line);
	}
	host_free(buffer);
	host_free(shim_image);
	return 0;
}
