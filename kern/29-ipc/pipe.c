/*
 * Pipes: a ring of bytes on lazily allocated pages, between files that write
 * and files that read. Entry points: pipe_new, sys_pipe2; FIFOs (fifo.c) open
 * the same thing by name.
 *
 * User memory is copied under the pipe's mutex: a fault there may sleep, and
 * that makes each write of up to PIPE_BUF bytes whole (IPC1).
 */
#include "abi/syscall.h"
#include "abi/termios.h"
#include "pipe.h"
#include "string.h"

#define PIPE_DEV 14 /* st_dev of what has no file system */

/* F_SETPIPE_SZ: most for everybody, pipe(7)'s fs.pipe-max-size, and for the
 * privileged: as many slots as fit a page. */
#define SIZE_MAX_USER  (1u << 20)
#define SIZE_MAX_ROOT  (PAGE_SIZE / sizeof(struct page *) * PAGE_SIZE)

#define OFFSET_OF(pos) ((pos) % PAGE_SIZE)

/* ---- The ring ---- */

static size_t
used(const struct pipe *p)
{
	return p->head - p->tail;
}

static size_t
room(const struct pipe *p)
{
	return p->size - used(p);
}

struct pipe *
pipe_alloc(void)
{
	struct pipe *p = knew(struct pipe);

	p->size = PIPE_SIZE;
	p->pages = p->few;
	mutex_init(&p->lock, "pipe");
	waitq_init(&p->read_wq, "pipe readers");
	waitq_init(&p->write_wq, "pipe writers");
	return p;
}

static void
free_pages(struct pipe *p, unsigned from)
{
	unsigned i;

	for (i = from; i < p->size / PAGE_SIZE && p->npages > from; i++) {
		if (!p->pages[i])
			continue;
		page_unref(p->pages[i]);
		p->pages[i] = NULL;
		p->npages--;
	}
}

void
pipe_free(struct pipe *p)
{
	free_pages(p, 0);
	if (p->slots)
		page_unref(p->slots);
	kfree(p);
}

/* The slot of the page for the byte at @p pos. */
static struct page **
slot_of(struct pipe *p, uint32_t pos)
{
	return &p->pages[pos % p->size / PAGE_SIZE];
}

/* Memory of the byte at @p pos, or NULL: there is none. */
static char *
ring_memory(struct pipe *p, uint32_t pos)
{
	struct page **page = slot_of(p, pos);

	if (!*page) {
		*page = page_alloc(0, PAGE_KERNEL, 0);
		if (!*page)
			return NULL;
		p->npages++;
	}
	return (char *)page_address(*page) + OFFSET_OF(pos);
}

/* Copy up to @p len bytes in, which there is room for: page by page, and none
 * of the page at which the user's memory ends.
 * @return bytes, or -EFAULT, -ENOMEM if none */
static int64_t
fill(struct pipe *p, struct uio *u, size_t len)
{
	size_t done = 0, n;
	char *to;

	while (done < len) {
		to = ring_memory(p, p->head);
		if (!to)
			return done ? (int64_t)done : -ENOMEM;
		n = MIN(len - done, PAGE_SIZE - OFFSET_OF(p->head));
		if (uio_copy_from(u, to, n) < n)
			return done ? (int64_t)done : -EFAULT;
		p->head += n;
		done += n;
	}
	return done;
}

/* Bytes have left. Begin anew with an empty ring: small messages stay on one
 * page, the others go. Not while a splice fills a page: it has the address of
 * the byte at head (IPC3). */
static void
settle(struct pipe *p)
{
	if (p->head != p->tail || p->filling)
		return;
	p->head = p->tail = 0;
	if (p->npages > 1)
		free_pages(p, 1);
}

/* Copy up to @p len bytes out, which are there; in the same way. */
static int64_t
drain(struct pipe *p, struct uio *u, size_t len)
{
	size_t done = 0, n;

	while (done < len) {
		n = MIN(len - done, PAGE_SIZE - OFFSET_OF(p->tail));
		if (uio_copy_to(u, ring_memory(p, p->tail), n) < n)
			break;
		p->tail += n;
		done += n;
	}
	settle(p);
	return done || !len ? (int64_t)done : -EFAULT;
}

/* ---- Reading ---- */

/* Bytes that a splice has in hand are not another reader's: which of them go is
 * known when it ends. */
static bool
must_wait(const struct pipe *p)
{
	return (!used(p) && p->writers) || p->draining;
}

/* Wait until there is something to read, or no one to write it; locked.
 * @return 0, or the error of read */
static int
wait_readable(struct pipe *p, bool nonblock)
{
	while (must_wait(p)) {
		if (nonblock)
			return -EAGAIN;
		if (waitq_wait_mutex(&p->read_wq, &p->lock, WAIT_INTERRUPTIBLE,
				     WAIT_FOREVER))
			return -ERESTARTSYS;
	}
	return 0;
}

/* A read of no bytes says nothing, not even EAGAIN (POSIX.1-2017 read).
 * Writers are woken once a write of PIPE_BUF bytes fits: then every one of
 * them can do something. Who was woken and leaves bytes wakes the next reader;
 * who did not wait has taken no wake-up. The wake-up comes after the unlock, so
 * that who is woken on another CPU does not run into the lock. */
static int64_t
pipe_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct pipe *p = f->private_data;
	bool had_room, waits, more;
	int64_t n;

	(void)pos;
	if (!u->left)
		return 0;
	mutex_lock(&p->lock);
	waits = must_wait(p);
	n = wait_readable(p, (f->flags | u->flags) & O_NONBLOCK);
	had_room = room(p) >= PIPE_BUF;
	if (!n)
		n = drain(p, u, MIN(u->left, used(p)));
	had_room = had_room || room(p) < PIPE_BUF;
	more = waits && used(p);
	mutex_unlock(&p->lock);
	if (!had_room)
		waitq_wake_all(&p->write_wq);
	if (more)
		waitq_wake_one(&p->read_wq);
	return n;
}

/* ---- Writing ---- */

/* Wait until a part of @p len bytes may be written, all of it if it is to be
 * whole; locked. So O_NONBLOCK writes PIPE_BUF bytes or none, more in part
 * (POSIX.1-2017 write). That no reader is left ends the wait, room or not.
 * @return 0, or the error of write */
static int
wait_writable(struct pipe *p, bool nonblock, size_t len)
{
	size_t need = len <= PIPE_BUF ? len : 1;

	while (p->readers && (room(p) < need || p->filling)) {
		if (nonblock)
			return -EAGAIN;
		if (waitq_wait_mutex(&p->write_wq, &p->lock, WAIT_INTERRUPTIBLE,
				     WAIT_FOREVER))
			return -ERESTARTSYS;
	}
	return p->readers ? 0 : -EPIPE;
}

/* A long write lets go of the lock between its pieces, and readers in; one of
 * up to PIPE_BUF bytes is a single piece (IPC1). A piece that came out short
 * (no memory, a fault) is the last. What has been written counts, and the error
 * does not; but SIGPIPE is due even then. A write of no bytes is none, without
 * readers too. */
static int64_t
pipe_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct pipe *p = f->private_data;
	bool nonblock = (f->flags | u->flags) & O_NONBLOCK;
	int64_t done = 0, n = 0, want = 0;

	(void)pos;
	while (u->left && n == want) {
		mutex_lock(&p->lock);
		n = wait_writable(p, nonblock, u->left);
		want = MIN(u->left, room(p));
		if (!n)
			n = fill(p, u, want);
		mutex_unlock(&p->lock);
		if (n > 0) {
			done += n;
			waitq_wake_one(&p->read_wq);
		}
	}
	if (n == -EPIPE)
		signal_thread(current(), SIGPIPE, NULL);
	return done ? done : n;
}

/* ---- In place, for splice ---- */

int64_t
pipe_begin_read(struct pipe *p, bool nonblock, size_t len, char **mem)
{
	int64_t n;

	mutex_lock(&p->lock);
	n = wait_readable(p, nonblock);
	if (!n && used(p)) {
		n = MIN(MIN(len, used(p)), PAGE_SIZE - OFFSET_OF(p->tail));
		*mem = ring_memory(p, p->tail);
		p->draining = true;
	}
	mutex_unlock(&p->lock);
	return n;
}

/* All readers are woken: they waited for this end, too, and at the end of file
 * none of them would wake the next. */
void
pipe_end_read(struct pipe *p, size_t n)
{
	bool had_room;

	mutex_lock(&p->lock);
	had_room = room(p) >= PIPE_BUF;
	p->draining = false;
	p->tail += n;
	settle(p);
	had_room = had_room || room(p) < PIPE_BUF;
	mutex_unlock(&p->lock);
	if (!had_room)
		waitq_wake_all(&p->write_wq);
	waitq_wake_all(&p->read_wq);
}

/* The lock is not kept: the file may be slow, and who waits for a mutex cannot
 * be interrupted. `filling` waits with write_wq, where signals reach (IPC3). */
int64_t
pipe_begin_write(struct pipe *p, bool nonblock, size_t len, char **mem)
{
	int64_t n;

	mutex_lock(&p->lock);
	n = wait_writable(p, nonblock, 1);
	if (!n) {
		*mem = ring_memory(p, p->head);
		n = -ENOMEM;
		if (*mem)
			n = MIN(MIN(len, room(p)),
				PAGE_SIZE - OFFSET_OF(p->head));
		p->filling = n > 0;
	}
	mutex_unlock(&p->lock);
	return n;
}

void
pipe_end_write(struct pipe *p, size_t n)
{
	mutex_lock(&p->lock);
	p->filling = false;
	p->head += n;
	mutex_unlock(&p->lock);
	if (n)
		waitq_wake_one(&p->read_wq);
	waitq_wake_all(&p->write_wq);
}

/* ---- From one ring to another ---- */

static void
lock_both(struct pipe *a, struct pipe *b)
{
	struct pipe *first = MIN(a, b), *second = MAX(a, b);

	mutex_lock(&first->lock);
	mutex_lock_nested(&second->lock, 1);
}

static void
unlock_both(struct pipe *a, struct pipe *b)
{
	mutex_unlock(&a->lock);
	mutex_unlock(&b->lock);
}

/* Copy between two locked rings; the bytes and the room are there. A piece ends
 * with a page of either. @return bytes, or -ENOMEM */
static int64_t
copy_ring(struct pipe *from, struct pipe *to, size_t len)
{
	size_t done = 0, n;
	uint32_t pos;
	char *mem;

	for (; done < len; done += n) {
		pos = from->tail + done;
		mem = ring_memory(to, to->head);
		if (!mem)
			return done ? (int64_t)done : -ENOMEM;
		n = MIN(len - done,
			PAGE_SIZE - MAX(OFFSET_OF(pos), OFFSET_OF(to->head)));
		memcpy(mem, ring_memory(from, pos), n);
		to->head += n;
	}
	return done;
}

/* Both are locked, and on return again: 1 says to look anew, as they were not
 * meanwhile. Bytes come first: until there are some it does not matter whether
 * anybody reads the other pipe. No lock but that of the pipe that is waited for
 * is held when the sleep begins. Who sleeps for room may have been woken for
 * bytes, which another can have. */
static int64_t
wait_for_both(struct pipe *from, struct pipe *to, bool nonblock)
{
	bool empty = from->draining || (!used(from) && from->writers);
	struct pipe *p = empty ? from : to, *other = empty ? to : from;
	int64_t error;

	if (!empty && !to->readers)
		return -EPIPE;
	if (!empty && (!used(from) || (room(to) && !to->filling)))
		return 0;
	if (nonblock)
		return -EAGAIN;
	mutex_unlock(&other->lock);
	if (!empty)
		waitq_wake_one(&from->read_wq);
	error = waitq_wait_mutex(empty ? &p->read_wq : &p->write_wq, &p->lock,
				 WAIT_INTERRUPTIBLE, WAIT_FOREVER);
	mutex_unlock(&p->lock);
	lock_both(from, to);
	return error ? -ERESTARTSYS : 1;
}

/* tee, and splice between pipes: waits for the first byte and for room, then
 * copies what it can with both locked. It may have taken a wake-up at either
 * side that another can use, so it wakes one more of each. */
int64_t
pipe_copy(struct pipe *from, struct pipe *to, size_t len, bool nonblock,
	  bool move)
{
	int64_t n;

	lock_both(from, to);
	do {
		n = wait_for_both(from, to, nonblock);
	} while (n > 0);
	if (!n)
		n = copy_ring(from, to, MIN(MIN(len, used(from)), room(to)));
	if (move && n > 0) {
		from->tail += n;
		settle(from);
	}
	unlock_both(from, to);
	if (n > 0) {
		waitq_wake_one(&to->read_wq);
		waitq_wake_all(&from->write_wq);
	}
	waitq_wake_one(&from->read_wq); /* this one has not emptied it */
	waitq_wake_one(&to->write_wq);
	return n;
}

/* ---- The rest of a file ---- */

/* Ready to write means that no small write waits: there is room for PIPE_BUF
 * bytes, which the longest of them needs at once (IPC1). The side that is gone
 * is POLLHUP to a reader, who may find bytes besides, and POLLERR to a writer.
 * f->pos: see fifo_open. */
static inline unsigned
ready_events(const struct pipe *p, const struct file *f, unsigned access,
	     uint32_t bytes)
{
	unsigned events = 0;

	if (access != O_WRONLY) {
		if (bytes)
			events |= POLLIN | POLLRDNORM;
		if (!p->writers && f->pos != p->writer_opens)
			events |= POLLHUP;
	}
	if (access != O_RDONLY) {
		if (bytes <= p->size - PIPE_BUF)
			events |= POLLOUT | POLLWRNORM;
		if (!p->readers)
			events |= POLLERR;
	}
	return events;
}

/* Who hangs a watch looks under the lock: a change either sees the watch, or is
 * seen here. Another look needs no lock; if head and tail do not fit together,
 * they have changed in between. */
static unsigned
pipe_poll(struct file *f, struct poll_table *table)
{
	struct pipe *p = f->private_data;
	unsigned access = f->flags & O_ACCMODE, events;
	uint32_t tail = __atomic_load_n(&p->tail, __ATOMIC_ACQUIRE);
	uint32_t bytes = __atomic_load_n(&p->head, __ATOMIC_ACQUIRE) - tail;

	if (!table && bytes <= p->size)
		return ready_events(p, f, access, bytes);
	if (access != O_WRONLY)
		poll_add(table, &p->read_wq);
	if (access != O_RDONLY)
		poll_add(table, &p->write_wq);
	mutex_lock(&p->lock);
	events = ready_events(p, f, access, used(p));
	mutex_unlock(&p->lock);
	return events;
}

static int
pipe_ioctl(struct file *f, uint64_t request, uint64_t arg)
{
	struct pipe *p = f->private_data;
	int32_t n;

	if (request != FIONREAD)
		return -ENOTTY;
	mutex_lock(&p->lock);
	n = used(p);
	mutex_unlock(&p->lock);
	return copyout((void *)arg, &n, sizeof(n));
}

/* Both ends show the same inode, as one pipe. */
static int
pipe_stat(struct file *f, struct stat *st)
{
	const struct pipe *p = f->private_data;

	st->st_dev = PIPE_DEV;
	st->st_ino = p->ino;
	st->st_mode = p->attr.mode;
	st->st_uid = p->attr.uid;
	st->st_gid = p->attr.gid;
	st->st_atim = st->st_mtim = st->st_ctim = p->created;
	return 0;
}

static struct file_attr *
pipe_attr(struct file *f)
{
	struct pipe *p = f->private_data;

	return &p->attr;
}

/* ---- How much it holds ---- */

/* Move the pages from tail to head into the slots of another ring. Locked.
 * @return how many, or -EBUSY: more than it has; -ENOMEM */
static int
move_pages(struct pipe *p, struct page **slots, uint32_t size)
{
	unsigned old = p->size / PAGE_SIZE, new = size / PAGE_SIZE;
	unsigned n = DIV_ROUND_UP(OFFSET_OF(p->tail) + used(p), PAGE_SIZE), i;
	struct page *end = NULL;

	if (!used(p))
		return 0;
	if (n > new)
		return -EBUSY;
	if (n > old) { /* tail and head are on one page */
		end = page_alloc(0, PAGE_KERNEL, 0);
		if (!end)
			return -ENOMEM;
		memcpy(page_address(end),
		       ring_memory(p, p->tail - p->tail % PAGE_SIZE),
		       OFFSET_OF(p->head));
	}
	for (i = 0; i < n; i++) {
		uint32_t pos = p->tail + i * PAGE_SIZE;
		struct page **from = slot_of(p, pos);

		slots[pos % size / PAGE_SIZE] = i < old ? *from : end;
		*from = NULL;
	}
	return n;
}

/* Not while a splice has a pointer into a page (IPC3). Whether the bytes fit is
 * known under the lock, so the slots are allocated first, and perhaps in
 * vain. What fails leaves the pipe as it was. */
static int64_t
resize(struct pipe *p, uint32_t size)
{
	struct page *slots = page_alloc(0, PAGE_KERNEL, ALLOC_ZERO);
	int n;

	if (!slots)
		return -ENOMEM;
	mutex_lock(&p->lock);
	n = p->draining || p->filling
		    ? -EBUSY
		    : move_pages(p, page_address(slots), size);
	if (n < 0) {
		mutex_unlock(&p->lock);
		page_unref(slots);
		return n;
	}
	p->npages += n > (int)(p->size / PAGE_SIZE); /* the one made */
	p->npages -= n;
	free_pages(p, 0);
	if (p->slots)
		page_unref(p->slots);
	p->slots = slots;
	p->pages = page_address(slots);
	p->npages = n;
	p->size = size;
	mutex_unlock(&p->lock);
	waitq_wake_all(&p->write_wq);
	return size;
}

/* A power of two of pages, as slots are found by a remainder; the least is one
 * page, which a write of PIPE_BUF bytes needs. F_SETPIPE_SZ, fcntl(2). */
static int64_t
set_size(struct pipe *p, uint32_t wanted)
{
	uint32_t size = PAGE_SIZE;

	if (wanted > 1u << 31)
		return -EINVAL;
	while (size < wanted)
		size *= 2;
	if (size > SIZE_MAX_USER && size > p->size && !is_root(current_cred()))
		return -EPERM;
	return size > SIZE_MAX_ROOT ? -ENOMEM : resize(p, size);
}

int64_t
pipe_fcntl(struct file *f, unsigned command, uint64_t arg)
{
	struct pipe *p = f->private_data;

	if (f->ops != &pipe_file_ops)
		return command == F_GETPIPE_SZ || command == F_SETPIPE_SZ
			       ? -EBADF
			       : -EINVAL;
	switch (command) {
	case F_GETPIPE_SZ:
		return p->size;
	case F_SETPIPE_SZ:
		return set_size(p, arg);
	default:
		return -EINVAL;
	}
}

static int64_t
pipe_seek(struct file *f, int64_t offset, int whence)
{
	(void)f, (void)offset, (void)whence;
	return -ESPIPE;
}

/* Its reference goes last, after the unlock: see `files`. */
bool
pipe_close_end(struct pipe *p, unsigned access)
{
	mutex_lock(&p->lock);
	p->readers -= access != O_WRONLY;
	p->writers -= access != O_RDONLY;
	waitq_wake_all(&p->read_wq);
	waitq_wake_all(&p->write_wq);
	mutex_unlock(&p->lock);
	return atomic_fetch_sub(&p->files, 1) == 1;
}

static void
pipe_release(struct file *f)
{
	struct pipe *p = f->private_data;

	if (f->vnode)
		fifo_release(f);
	else if (pipe_close_end(p, f->flags & O_ACCMODE))
		pipe_free(p);
}

const struct file_ops pipe_file_ops = {
	.read = pipe_read,
	.write = pipe_write,
	.seek = pipe_seek,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.stat = pipe_stat,
	.attr = pipe_attr,
	.release = pipe_release,
};

/* ---- The calls ---- */

static _Atomic uint64_t last_ino;

int
pipe_new(unsigned flags, struct file *ends[2])
{
	struct pipe *p = pipe_alloc();

	p->ino = atomic_fetch_add(&last_ino, 1) + 1;
	p->attr.mode = S_IFIFO | S_IRUSR | S_IWUSR;
	p->attr.uid = current_cred()->fsuid;
	p->attr.gid = current_cred()->fsgid;
	p->created = timespec_now();
	p->readers = p->writers = 1;
	p->writer_opens = 1; /* hang-up counts from the start */
	p->files = 2;
	ends[0] = file_new(&pipe_file_ops, O_RDONLY | flags, p);
	ends[1] = file_new(&pipe_file_ops, O_WRONLY | flags, p);
	return 0;
}

/* Packets (O_DIRECT, pipe(2)) are not to be had: EINVAL. The descriptors are
 * told last; if that fails, closing the files frees the pipe. */
static int64_t
sys_pipe2(int32_t *user, int flags)
{
	struct file *ends[2];

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	pipe_new(flags & O_NONBLOCK, ends);
	return fd_install_pair(ends, flags & O_CLOEXEC, user);
}
SYSCALL(NR_pipe2, sys_pipe2);

static int64_t
sys_pipe(int32_t *user)
{
	return sys_pipe2(user, 0);
}
SYSCALL(NR_pipe, sys_pipe);
