/*
 * The commands of the ext2 host harness: words of a line, as in commands[],
 * done in vfs's order of steps and with its locks. Each is answered with a
 * line: "ok ..." or the negative error number. Paths begin with / and have no
 * "." or ".."; @SLOT is the file that hold or tmpfile has put there.
 */
#include "abi/fcntl.h"
#include "abi/mount.h"
#include "commands.h"
#include "format.h"
#include "string.h"

#define BUFFER_SIZE (1 << 20)
#define HELD_MAX    8
#define MAGIC	    "\xc0\x3b\x39\x98" /* the journal's own blocks begin so */

bool command_quiet;
static char buffer[BUFFER_SIZE];     /* of answers: one thread asks for them */
static struct vnode *held[HELD_MAX]; /* see command_held */
static int64_t results[HOST_THREADS];

/* ---- Answers ---- */

static void
answer(const char *fmt, ...)
{
	char text[4608];
	va_list ap;
	int n;

	if (command_quiet)
		return;
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
	results[host_running()] = result;
	if (result < 0)
		answer("%ld", result);
	else
		answer("ok %ld", result);
}

/* ---- Names ---- */

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

/** magiclink PATH: a link whose block looks like the journal's */
static void
do_magiclink(char **arg)
{
	char target[101] = MAGIC;

	memset(target + 4, 'm', sizeof(target) - 5);
	answer_result(make(arg[0], MAKE_LINK, 0, 0, target));
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
do_exchange(char **arg)
{
	answer_result(exchange_names(arg[0], arg[1]));
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
	char *data;
	int64_t n = walk(arg[0], NULL, &v);

	if (n < 0)
		return n;
	data = host_alloc(len + 1);
	fill(data, len, host_number(arg[3]));
	n = v->type == VT_REG
		    ? shim_write(v, data, len, pos, host_number(arg[4]))
		    : -EINVAL;
	host_free(data);
	vnode_put(v);
	return n;
}

/** write PATH OFFSET LEN SEED FAULT */
static void
do_write(char **arg)
{
	answer_result(write_path(arg));
}

/** magic PATH OFFSET: write a page whose blocks look like the journal's */
static void
do_magic(char **arg)
{
	struct vnode *v;
	char *data;
	int64_t n = walk(arg[0], NULL, &v);
	unsigned i;

	if (n >= 0) {
		data = host_alloc(PAGE_SIZE);
		for (i = 0; i < PAGE_SIZE; i += 1024)
			memcpy(data + i, MAGIC "\0\0\0\2", 8);
		n = shim_write(v, data, PAGE_SIZE, host_number(arg[1]),
			       PAGE_SIZE);
		host_free(data);
		vnode_put(v);
	}
	answer_result(n);
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
	n = vnode_read(v, buffer, host_number(arg[2]), host_number(arg[1]));
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
		error = vnode_truncate(v, host_number(arg[1]));
		vnode_put(v);
	}
	answer_result(error);
}

/** As the call does, with the file's lock held. */
static int
change_room(struct vnode *v, unsigned mode, uint64_t from, uint64_t to)
{
	int error = 0;

	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		error = vnode_punch(v, from, to);
	if (!error && !(mode & FALLOC_FL_PUNCH_HOLE))
		error = vnode_allocate(v, from, to, mode & FALLOC_FL_KEEP_SIZE);
	if (!error)
		vnode_touch(v, TOUCH_MTIME | TOUCH_CTIME);
	return error;
}

/** fallocate PATH MODE OFFSET LENGTH */
static void
do_fallocate(char **arg)
{
	uint64_t from = host_number(arg[2]);
	struct vnode *v;
	int error = walk(arg[0], NULL, &v);

	if (!error) {
		vnode_lock(v, 0);
		error = change_room(v, (unsigned)host_number(arg[1]), from,
				    from + host_number(arg[3]));
		vnode_unlock(v);
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
		rwlock_write_lock(&v->lock);
		error = v->ops->setattr(v, &attr);
		rwlock_write_unlock(&v->lock);
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
	struct vnode **v = &held[host_number(arg[0])];

	if (*v)
		vnode_put(*v);
	*v = NULL;
	answer_result(0);
}

/** tmpfile SLOT DIRECTORY MODE: hold a file without a name, which can get one
 */
static void
do_tmpfile(char **arg)
{
	struct vnode *dir;
	int error = walk(arg[1], NULL, &dir);

	if (!error) {
		error = dir->ops->tmpfile(
			dir, S_IFREG | (uint32_t)host_number(arg[2]),
			&held[host_number(arg[0])]);
		vnode_put(dir);
	}
	answer_result(error);
}

struct vnode *
command_held(const char *path)
{
	return *path == '@' ? held[host_number(path + 1)] : NULL;
}

void
command_drop_all(void)
{
	unsigned i;

	for (i = 0; i < HELD_MAX; i++) {
		if (held[i])
			vnode_put(held[i]);
		held[i] = NULL;
	}
}

/** tick: the time passes after which the journal commits by itself */
static void
do_tick(char **arg)
{
	unsigned i;

	(void)arg;
	shim_clock += 6000000000;
	for (i = 0; i < 10; i++)
		shim_yield();
	answer_result(0);
}

/** slow TURNS: others do so much meanwhile when the disk is flushed */
static void
do_slow(char **arg)
{
	shim_slow = (unsigned)host_number(arg[0]);
	answer_result(0);
}

/** fsync PATH */
static void
do_fsync(char **arg)
{
	struct vnode *v;
	int error = walk(arg[0], NULL, &v);

	if (!error) {
		error = vnode_fsync(v, false);
		vnode_put(v);
	}
	answer_result(error);
}

static void
do_mount(char **arg)
{
	answer_result(shim_mount_disk((unsigned)host_number(arg[0])));
}

/** remount FLAGS: as vfs, which has written all before */
static void
do_remount(char **arg)
{
	unsigned flags = (unsigned)host_number(arg[0]);
	int error = flags & MS_RDONLY ? shim_sync() : 0;

	if (!error)
		error = shim_mount.ops->remount(&shim_mount, flags);
	if (!error)
		shim_mount.flags = flags;
	answer_result(error);
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
	{ "create", 3, do_create },	  { "mkdir", 2, do_mkdir },
	{ "symlink", 2, do_symlink },	  { "link", 2, do_link },
	{ "unlink", 1, do_unlink },	  { "rmdir", 1, do_rmdir },
	{ "exchange", 2, do_exchange },	  { "fallocate", 4, do_fallocate },
	{ "rename", 2, do_rename },	  { "write", 5, do_write },
	{ "mapwrite", 3, do_mapwrite },	  { "read", 3, do_read },
	{ "truncate", 2, do_truncate },	  { "setattr", 5, do_setattr },
	{ "stat", 1, do_stat },		  { "list", 1, do_list },
	{ "readlink", 1, do_readlink },	  { "hold", 2, do_hold },
	{ "drop", 1, do_drop },		  { "mount", 1, do_mount },
	{ "unmount", 0, do_unmount },	  { "sync", 0, do_sync },
	{ "evict", 0, do_evict },	  { "poweroff", 0, do_poweroff },
	{ "save", 1, do_save },		  { "fail", 2, do_fail },
	{ "options", 1, do_options },	  { "user", 1, do_user },
	{ "statfs", 0, do_statfs },	  { "fsync", 1, do_fsync },
	{ "tick", 0, do_tick },		  { "magic", 2, do_magic },
	{ "magiclink", 1, do_magiclink }, { "tmpfile", 3, do_tmpfile },
	{ "slow", 1, do_slow },		  { "remount", 1, do_remount },
};

int64_t
command_run(char *line)
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
			return results[host_running()];
		}
	host_message(word[0]);
	host_fail("unknown command");
}
