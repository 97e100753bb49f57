/*
 * The ext2 host harness: chapter ext2 compiled for the host, on a disk image
 * in memory, with simple stand-ins for the chapters below it. They are
 * single-threaded and strict: a lock that would have to be waited for, a
 * buffer changed without its lock, memory not given back, a block past the
 * end of the disk end the program.
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

/** Read or write a file's contents as vfs does. @p fault: bytes after which
 * the user's memory ends. @return bytes or -errno */
int64_t shim_read(struct vnode *v, void *buf, size_t len, uint64_t pos);
int64_t shim_write(struct vnode *v, const void *buf, size_t len, uint64_t pos,
		   size_t fault);
/** Store through a mapping: prepares nothing if @p unprepared. */
int shim_map_write(struct vnode *v, uint64_t pos, uint8_t value);
int shim_set_size(struct vnode *v, uint64_t size);

uint32_t shim_random(uint32_t below);
extern uint64_t shim_seed;

#endif
