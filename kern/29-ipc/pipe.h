/*
 * The inside of a pipe, for pipe.c and fifo.c.
 */
#ifndef PIPE_H
#define PIPE_H

#include "ipc_internal.h"

#define PIPE_PAGES (PIPE_SIZE / PAGE_SIZE)

/** A ring of bytes: those from tail to head are in it, modulo its size. */
struct pipe {
	/* Constant; of pipes without a name. */
	uint64_t ino;
	struct timespec created;

	struct file_attr attr; /* of pipes without a name, too */

	/** Held while user memory is copied (IPC1). A FIFO's comes after its
	 * "FIFO opens"; of two pipes, that at the lower address first. */
	struct mutex lock;

	/* Guarded by lock. head and tail are also read without it, by poll. */

	/** Bytes that ever came in and went out, never more than size apart:
	 * the place of a byte is its number modulo size. They may overflow, for
	 * size divides 2^32. */
	uint32_t head, tail;
	uint32_t size; /* bytes; a power of two, whole pages */
	/** Open files that may read, and that may write: one of both kinds
	 * counts twice. 0 is what ends a wait at the other side. */
	unsigned readers, writers;
	/** Opens so far: an open that waits for the other side sees it come
	 * even if it has gone again. */
	uint32_t reader_opens, writer_opens;
	unsigned npages;     /* of the ring that are allocated */
	struct page **pages; /* few, or the page that slots is */
	/** Slots of a pipe of the usual size; a page of slots for one that was
	 * resized, or NULL. A slot is NULL where no byte has come yet. */
	struct page *few[PIPE_PAGES], *slots;
	/** A splice reads at tail, or writes at head, without the lock: until
	 * it has done so nobody else reads, or writes (IPC3). */
	bool draining, filling;

	/** References: open files, and FIFO opens on their way. Each gives up
	 * its own as the last thing it does, after it has let go of lock: so
	 * nobody is still inside the lock or a queue when the pipe is freed. */
	_Atomic unsigned files;

	/* Who sleeps here has looked under lock. */
	struct waitq read_wq;  /* waits for bytes, or for a writer to open */
	struct waitq write_wq; /* waits for room, or for a reader to open */
};

/** A pipe that nobody has open, of PIPE_SIZE bytes. Does not sleep nor fail. */
struct pipe *pipe_alloc(void);
/** Free one that nobody has open any more, and its pages. What is in it is
 * lost. */
void pipe_free(struct pipe *p);

/** A file with @p access (O_RDONLY...) is closed, or was not opened after all:
 * wakes who waits at the other side. The pipe's lock is not held; may sleep.
 * @return whether nobody has the pipe open any more: it is the caller's to
 * free, and else may be gone already */
bool pipe_close_end(struct pipe *p, unsigned access);

/**
 * Begin to read where the bytes are: up to @p len of them at *mem, which end at
 * the latest with their page. Waits as read(2) does. Nobody else reads until
 * pipe_end_read, which must follow if the result is positive; the caller holds
 * no lock in between, and keeps the pipe open. May sleep.
 * @return bytes, 0: the end; -EAGAIN, -ERESTARTSYS
 */
int64_t pipe_begin_read(struct pipe *p, bool nonblock, size_t len, char **mem);
/** @p n bytes of them have been read, or none: the others stay. May sleep. */
void pipe_end_read(struct pipe *p, size_t n);
/** The same for room at *mem, of an allocated page; waits for a byte of it.
 * @return bytes, -EPIPE (no signal is sent), -EAGAIN, -ENOMEM, -ERESTARTSYS */
int64_t pipe_begin_write(struct pipe *p, bool nonblock, size_t len, char **mem);
/** @p n bytes have been written there; 0: it was given up. May sleep. */
void pipe_end_write(struct pipe *p, size_t n);
/**
 * Copy what there is of @p len bytes, as far as it fits, into another pipe;
 * waits for the first. @p move: and take it out. The two differ; neither is
 * locked. May sleep.
 * @return bytes, 0: the end; -EPIPE (no signal is sent), -EAGAIN, -ENOMEM,
 * -ERESTARTSYS
 */
int64_t pipe_copy(struct pipe *from, struct pipe *to, size_t len, bool nonblock,
		  bool move);

/** The last reference of a FIFO's file is gone; its vnode's is not yet. May
 * sleep. */
void fifo_release(struct file *f);

extern const struct file_ops pipe_file_ops;

/** The pipe that @p f reads or writes, or NULL: it is something else. It lives
 * as long as the caller keeps @p f. */
static inline struct pipe *
pipe_of(const struct file *f)
{
	return f->ops == &pipe_file_ops ? f->private_data : NULL;
}

#endif
