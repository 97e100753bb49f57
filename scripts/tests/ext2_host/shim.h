/*
 * The ext2 host harness: chapters journal and ext2 compiled for the host, on a
 * disk image in memory, with simple stand-ins for the chapters below them
 * (threads.c, disk.c, pages.c, vnodes.c). They are strict: a lock that nobody
 * will release, a buffer changed without its lock, memory not given back, a
 * block past the end of the disk end the program.
 */
#ifndef SHIM_H
#define SHIM_H

#include "ext2.h"
#include "host.h"

/** The disk. */
extern struct block_device shim_disk;
extern uint8_t *shim_image;
extern struct mount shim_mount;

/** Messages of the kernel are shown. */
extern bool shim_verbose;
extern unsigned shim_messages; /* how many there were */
extern struct cred shim_cred;

/** Fault injection: after this many more buffers (or pages) asked for, one
 * fails with this error; 0: none. */
extern unsigned shim_fail_after;
extern int shim_fail_error;
extern unsigned shim_reads; /* blocks read since the mount: detects hangs */
extern unsigned shim_reads_max;

void shim_init(void *image, size_t size);
/** Mount and unmount as vfs does. */
int shim_mount_disk(unsigned flags);
/** Options of the mounts from here on. */
extern char shim_options[64];
void shim_unmount(void);
/** Take down idle vnodes and drop clean pages. */
void shim_evict(void);
int shim_sync(void);
/** Forget all that is not on the disk: the power fails. */
void shim_power_off(void);
/** Fail if anything is still held. */
void shim_check_idle(void);

/** Write to a file by its operations; its lock is not held. @p fault: bytes
 * after which the user's memory ends. @return bytes or -errno */
int64_t shim_write(struct vnode *v, const void *buf, size_t len, uint64_t pos,
		   size_t fault);
/** Store through a mapping. */
int shim_map_write(struct vnode *v, uint64_t pos, uint8_t value);

uint32_t shim_random(uint32_t below);
extern uint64_t shim_seed;

/* ---- Threads ---- */

/** Where a thread could sleep, another one runs once in so many times; 0:
 * only where it must wait. */
extern unsigned shim_preempt;
#define SHIM_SLOW 64
extern unsigned
	shim_slow; /**< during a flush this happens less than so often */
#define SHIM_CLOCK_START 1700000000000000000
extern int64_t shim_clock; /**< what time it is; goes on when asked */

void shim_thread(void (*entry)(void *arg), void *arg);
void shim_yield(void);	    /**< wait: let another thread run */
void shim_may_switch(void); /**< here the thread could sleep */
void shim_may_sleep(void);
void shim_progress(void); /**< something was done: not all threads wait */

/* ---- What the disk is told ---- */

enum shim_told {
	SHIM_WRITE,
	SHIM_THROUGH, /**< a write that lasts when it has ended (FUA) */
	SHIM_FLUSH,
	SHIM_MARK,
};

struct shim_event {
	enum shim_told what;
	uint64_t number; /**< the sector written first, or the mark */
	size_t len;
	uint8_t *data;
};

struct shim_record {
	struct shim_event *events;
	size_t n, room;
};

extern struct shim_record *shim_record; /**< NULL: none is kept */
void shim_record_mark(uint64_t number);
void shim_record_free(struct shim_record *r);

/* ---- Among the files ---- */

bool shim_fails(int *error); /**< whether this call was chosen to fail */
void shim_pages_init(void);
/** All pages of a cache, by index, linked by their lru. */
static inline struct list *
shim_pages_of(struct page_cache *c)
{
	return &c->dirty; /* in the place of the list of dirty ones */
}
/** Drop clean pages. */
void shim_cache_clean(struct page_cache *c);
void shim_check_memory(void);
void shim_check_buffers(void);
void shim_check_threads(void);

#endif
