/*
 * Descriptor tables: numbers for open files. fd_get takes no lock; changes are
 * made under the table's.
 */
#include "files_internal.h"

#define NOFILE_DEFAULT 1024u /* before proc tells RLIMIT_NOFILE */

/* A descriptor of table @p t is closed: the process loses its record locks on
 * the file, whichever descriptor they were set through (fcntl(2)). The look at
 * `locks` takes no lock: who sets the first one at this moment looks at the
 * descriptor afterwards, under the table's lock (set_process_lock), and one of
 * the two sees the other. */
static void
file_closed(struct file *f, struct fdtable *t)
{
	if (f->vnode && f->vnode->locks && !(f->flags & O_PATH))
		record_locks_release(f->vnode, t);
	file_put(f);
}

/* ---- Looking up ---- */

/* A descriptor's place stays where it is while its table grows. Under RCU, or
 * while nobody else can change the table. */
static inline struct file **
place_of(struct fdtable *t, unsigned fd)
{
	struct file **files;

	if (fd >= rcu_deref(t->limit))
		return NULL;
	files = rcu_deref(rcu_deref(t->chunks)[fd / FDS_A_CHUNK].files);
	return files ? &files[fd % FDS_A_CHUNK] : NULL;
}

static inline struct file *
file_at(struct fdtable *t, unsigned fd)
{
	struct file **place = place_of(t, fd);

	return place ? rcu_deref(*place) : NULL;
}

/* Not a file whose descriptor was closed, or is another's, before the reference
 * was counted: who knows all references of a file (the collector of chapter
 * unix) need not fear one that comes from a descriptor that is no more.
 * @return whether that was so; *f is referenced then, too, or NULL */
static inline bool
try_get(struct fdtable *t, unsigned fd, struct file **f)
{
	struct file **place, *seen = NULL;
	bool moved = false;

	rcu_read_lock();
	place = place_of(t, fd);
	if (place)
		seen = rcu_deref(*place);
	*f = seen && ref_get_unless_zero(&seen->refs) ? seen : NULL;
	if (seen)
		moved = rcu_deref(*place) != seen;
	rcu_read_unlock();
	return moved;
}

static struct file *__attribute__((noinline))
get_again(struct fdtable *t, unsigned fd, struct file *f)
{
	do {
		if (f)
			file_put(f);
	} while (try_get(t, fd, &f));
	return f;
}

static struct file *__attribute__((noinline))
get_file(struct fdtable *t, unsigned fd)
{
	struct file *f;

	if (__builtin_expect(try_get(t, fd, &f), 0))
		return get_again(t, fd, f);
	return f;
}

struct file *
fd_get(int fd)
{
	struct fdtable *t = current()->fdtable;

	return t ? get_file(t, fd) : NULL;
}

/* FILES2. The look at the count acquires: what threads that shared the table
 * did to it before they ended is seen. */
struct borrowed
fd_borrow(int fd)
{
	struct fdtable *t = current()->fdtable;

	if (__builtin_expect(!t, 0))
		return (struct borrowed){ NULL, false };
	if (__builtin_expect(ref_is_only(&t->refs), 1))
		return (struct borrowed){ file_at(t, fd), false };
	return (struct borrowed){ get_file(t, fd), true };
}

struct file *
fdtable_get_file(struct fdtable *t, int fd)
{
	struct file *f;

	spin_lock(&t->lock);
	f = file_at(t, fd);
	if (f)
		file_get(f);
	spin_unlock(&t->lock);
	return f;
}

bool
fd_is(int fd, const struct file *f)
{
	struct fdtable *t = current()->fdtable;
	bool yes;

	spin_lock(&t->lock);
	yes = file_at(t, fd) == f;
	spin_unlock(&t->lock);
	return yes;
}

int
fdtable_next(struct fdtable *t, int fd)
{
	unsigned i, n = MAX(fd, 0);
	uint64_t bits;
	int found = -1;

	spin_lock(&t->lock);
	for (i = n / FDS_A_CHUNK; i * FDS_A_CHUNK < t->limit; i++) {
		bits = t->chunks[i].used;
		if (i == n / FDS_A_CHUNK)
			bits &= ~0ul << n % FDS_A_CHUNK;
		if (bits) {
			found = i * FDS_A_CHUNK + ctz64(bits);
			break;
		}
	}
	spin_unlock(&t->lock);
	return found;
}

/* ---- Making and freeing tables ---- */

struct fdtable *
fdtable_new(void)
{
	struct fdtable *t = knew(struct fdtable);

	ref_init(&t->refs);
	spin_init(&t->lock, "descriptors");
	t->chunks = t->inline_chunks;
	t->chunks[0].files = t->first;
	t->limit = CHUNKS_INLINE * FDS_A_CHUNK;
	return t;
}

/* Have room for all CHUNKS_MAX chunks. The lock is held. Chunks are copied, but
 * not their slots: both tops lead to the same. A look-up may still be in the
 * old top, which is a part of the table and so not freed before it; what is
 * installed in a chunk that it has not is later than that look-up. */
static void
grow_top(struct fdtable *t)
{
	struct fdchunk *top = knew_array(struct fdchunk, CHUNKS_MAX);

	memcpy(top, t->inline_chunks, sizeof(t->inline_chunks));
	rcu_assign(t->chunks, top);
	rcu_assign(t->limit, FDS_MAX);
}

static struct fdchunk *
chunk_at(struct fdtable *t, unsigned i)
{
	struct fdchunk *c = &t->chunks[i];

	if (!c->files)
		rcu_assign(c->files, knew_array(struct file *, FDS_A_CHUNK));
	return c;
}

static struct fdchunk *
chunk_for(struct fdtable *t, unsigned fd)
{
	if (fd >= t->limit)
		grow_top(t);
	return chunk_at(t, fd / FDS_A_CHUNK);
}

static void
copy_chunk(struct fdchunk *to, const struct fdchunk *from)
{
	uint64_t bits;
	unsigned i;

	for (bits = from->used; bits; bits &= bits - 1) {
		i = ctz64(bits);
		to->files[i] = file_get(from->files[i]);
	}
}

/* Record locks are known by their table, so the copy has none: a child does not
 * inherit them (POSIX.1-2017, fork()). */
struct fdtable *
fdtable_copy(struct fdtable *from)
{
	struct fdtable *t = fdtable_new();
	unsigned i;

	spin_lock(&from->lock);
	if (from->limit > t->limit)
		grow_top(t);
	for (i = 0; i < CHUNKS_MAX && i * FDS_A_CHUNK < from->limit; i++) {
		struct fdchunk *c;

		if (!from->chunks[i].used)
			continue;
		c = chunk_at(t, i);
		c->used = from->chunks[i].used;
		c->cloexec = from->chunks[i].cloexec;
		copy_chunk(c, &from->chunks[i]);
	}
	spin_unlock(&from->lock);
	return t;
}

struct fdtable *
fdtable_get(struct fdtable *t)
{
	ref_get(&t->refs);
	return t;
}

/* Without the lock: no thread has the table any more, and who looked at it by
 * way of a thread did so under proc_lock, under which that thread let go. */
void
fdtable_put(struct fdtable *t)
{
	unsigned i;
	uint64_t bits;

	if (!ref_put(&t->refs))
		return;
	for (i = 0; i * FDS_A_CHUNK < t->limit; i++) {
		for (bits = t->chunks[i].used; bits; bits &= bits - 1)
			file_closed(t->chunks[i].files[ctz64(bits)], t);
		if (t->chunks[i].files != t->first)
			kfree(t->chunks[i].files);
	}
	if (t->chunks != t->inline_chunks)
		kfree(t->chunks);
	kfree(t);
}

/* ---- Installing and closing ---- */

static unsigned
nofile_limit(void)
{
	unsigned limit =
		vfs_ops.nofile_limit ? vfs_ops.nofile_limit() : NOFILE_DEFAULT;

	return MIN(limit, FDS_MAX);
}

/* The lowest free descriptor from @p from on, which POSIX demands of all calls
 * that make one (POSIX.1-2017, open()); the lock is held. Where all chunks that
 * there are are full, it is the first beyond them. */
static unsigned
lowest_free(const struct fdtable *t, unsigned from)
{
	unsigned i;
	uint64_t free;

	for (i = from / FDS_A_CHUNK; i * FDS_A_CHUNK < t->limit; i++) {
		free = ~t->chunks[i].used;
		if (i == from / FDS_A_CHUNK)
			free &= ~0ul << from % FDS_A_CHUNK;
		if (free)
			return i * FDS_A_CHUNK + ctz64(free);
	}
	return MAX(i * FDS_A_CHUNK, from);
}

static void
set_slot(struct fdchunk *c, unsigned bit, struct file *f, bool cloexec)
{
	c->used |= BIT(bit);
	c->cloexec &= ~BIT(bit);
	c->cloexec |= (uint64_t)cloexec << bit;
	rcu_assign(c->files[bit], f);
}

int
fd_install(struct file *f, int from, bool cloexec)
{
	struct fdtable *t = current()->fdtable;
	unsigned fd, limit = nofile_limit();

	spin_lock(&t->lock);
	fd = lowest_free(t, from);
	if (fd < limit)
		set_slot(chunk_for(t, fd), fd % FDS_A_CHUNK, f, cloexec);
	spin_unlock(&t->lock);
	if (fd < limit)
		return fd;
	file_put(f);
	return -EMFILE;
}

unsigned
fd_bound(void)
{
	return MAX(nofile_limit(), current()->fdtable->limit);
}

bool
fd_available(void)
{
	struct fdtable *t = current()->fdtable;
	bool yes;

	spin_lock(&t->lock);
	yes = lowest_free(t, 0) < nofile_limit();
	spin_unlock(&t->lock);
	return yes;
}

int
fd_install_pair(struct file *files[2], bool cloexec, int32_t *user)
{
	int32_t fds[2] = { -1, -1 };
	int error = 0, i;

	for (i = 0; i < 2 && !error; i++) {
		fds[i] = fd_install(file_get(files[i]), 0, cloexec);
		error = MIN(fds[i], 0);
	}
	if (!error)
		error = copyout(user, fds, sizeof(fds));
	for (i = 0; i < 2; i++)
		if (error && fds[i] >= 0)
			fd_uninstall(fds[i], files[i]);
		else
			file_put(files[i]);
	return error;
}

/* Empty slot @p fd. @return what was there, or NULL; the lock is held */
static struct file *
take_slot(struct fdtable *t, unsigned fd)
{
	struct fdchunk *c;
	struct file *f;

	if (fd >= t->limit)
		return NULL;
	c = &t->chunks[fd / FDS_A_CHUNK];
	if (!(c->used >> fd % FDS_A_CHUNK & 1))
		return NULL;
	f = c->files[fd % FDS_A_CHUNK];
	INVARIANT(FILES1, f);
	rcu_assign(c->files[fd % FDS_A_CHUNK], NULL);
	c->used &= ~BIT(fd % FDS_A_CHUNK);
	return f;
}

/* The number is free before the file is released, which may take long. So no
 * interruption leaves it open to doubt: a program that closed once more after
 * EINTR could hit another thread's new file (close(2)). */
int
fd_close(int fd)
{
	struct fdtable *t = current()->fdtable;
	struct file *f;

	spin_lock(&t->lock);
	f = take_slot(t, fd);
	spin_unlock(&t->lock);
	if (!f)
		return -EBADF;
	file_closed(f, t);
	return 0;
}

void
fd_uninstall(int fd, struct file *f)
{
	struct fdtable *t = current()->fdtable;
	struct file *closed = NULL;

	spin_lock(&t->lock);
	if (file_at(t, fd) == f)
		closed = take_slot(t, fd);
	spin_unlock(&t->lock);
	if (closed)
		file_closed(closed, t);
	file_put(f);
}

void
fd_close_range(unsigned first, unsigned last, bool cloexec)
{
	struct fdtable *t = current()->fdtable;
	int fd = (int)MIN(first, FDS_MAX);

	while ((fd = fdtable_next(t, fd)) >= 0 && (unsigned)fd <= last) {
		if (cloexec)
			fd_set_flags(fd, true);
		else
			fd_close(fd);
		fd++;
	}
}

/* A count of 1 stays 1: only this thread could share the table. */
void
fdtable_unshare(void)
{
	struct fdtable *old = current()->fdtable;

	if (ref_count(&old->refs) == 1)
		return;
	vfs_ops.set_fdtable(fdtable_copy(old));
	fdtable_put(old);
}

/* The bits are read without the lock, as no other thread changes them; it is
 * taken for who looks from /proc. */
void
fdtable_close_on_exec(struct fdtable *t)
{
	struct file *f;
	unsigned i, bit;

	for (i = 0; i * FDS_A_CHUNK < t->limit; i++) {
		struct fdchunk *c = &t->chunks[i];

		while (c->used & c->cloexec) {
			bit = ctz64(c->used & c->cloexec);
			spin_lock(&t->lock);
			f = take_slot(t, i * FDS_A_CHUNK + bit);
			c->cloexec &= ~BIT(bit);
			spin_unlock(&t->lock);
			if (f)
				file_closed(f, t);
		}
	}
}

/* In one step under the lock: at no moment is the number free for another
 * thread's open, for which close and then dup would leave room (dup2(2)). Nor
 * does anybody hold a number without a file, so there is no EBUSY as on Linux.
 */
int
fd_replace(int fd, struct file *f, bool cloexec)
{
	struct fdtable *t = current()->fdtable;
	struct fdchunk *c;
	struct file *old;

	if ((unsigned)fd >= nofile_limit())
		return -EBADF;
	spin_lock(&t->lock);
	c = chunk_for(t, fd);
	old = c->files[fd % FDS_A_CHUNK];
	set_slot(c, fd % FDS_A_CHUNK, f, cloexec);
	spin_unlock(&t->lock);
	if (old)
		file_closed(old, t);
	return fd;
}

int
fd_get_flags(int fd)
{
	return fdtable_get_flags(current()->fdtable, fd);
}

int
fdtable_get_flags(struct fdtable *t, int fd)
{
	int flags = -EBADF;

	spin_lock(&t->lock);
	if ((unsigned)fd < t->limit &&
	    t->chunks[fd / FDS_A_CHUNK].used >> fd % FDS_A_CHUNK & 1)
		flags = t->chunks[fd / FDS_A_CHUNK].cloexec >>
				fd % FDS_A_CHUNK &
			1;
	spin_unlock(&t->lock);
	return flags;
}

int
fd_set_flags(int fd, bool cloexec)
{
	struct fdtable *t = current()->fdtable;
	int error = -EBADF;

	spin_lock(&t->lock);
	if ((unsigned)fd < t->limit &&
	    t->chunks[fd / FDS_A_CHUNK].used >> fd % FDS_A_CHUNK & 1) {
		struct fdchunk *c = &t->chunks[fd / FDS_A_CHUNK];

		c->cloexec &= ~BIT(fd % FDS_A_CHUNK);
		c->cloexec |= (uint64_t)cloexec << fd % FDS_A_CHUNK;
		error = 0;
	}
	spin_unlock(&t->lock);
	return error;
}

/* ---- Their vnodes ---- */

/* vfs_ops.fd_vnode: for paths that begin at a descriptor, which O_PATH is for
 * (open(2)). */
static int
get_vnode(int fd, struct vnode **v)
{
	struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	*v = f->vnode ? vnode_get(f->vnode) : NULL;
	file_put(f);
	return *v ? 0 : -ENOTDIR;
}

int
fd_real_vnode(int fd, struct vnode **v)
{
	struct file *f = fd_get(fd);
	int error = -EBADF;

	if (!f)
		return -EBADF;
	if (!(f->flags & O_PATH)) {
		error = f->vnode ? 0 : -EINVAL;
		if (f->vnode)
			*v = vnode_get(f->vnode);
	}
	file_put(f);
	return error;
}

static void
files_init(void)
{
	vfs_ops.fd_vnode = get_vnode;
	vfs_ops.file_gone = file_locks_release;
}
CHAPTER_INIT(files_init);
