/*
 * Sync: what is dirty of whole file systems reaches their disks, when it is
 * asked for, every few seconds by the flush thread, and before the machine
 * stops.
 *
 * Entry points: mount_sync, vfs_sync, vfs_shutdown; cache_ops.flush.
 */
#include "tmpfs_internal.h"

/* Asked under the table's spinlock, for each vnode: a hint, without locks of
 * the vnode. What becomes dirty after the look is for the next round. */
static bool
needs_writing(struct vnode *v)
{
	return v->dirty || page_cache_has_dirty(rcu_deref(v->cache));
}

/* What fails is for the file's own fsync to tell, though we have seen it. Pages
 * first: to write them may change the inode (blocks, times), which is then
 * written once. */
static int
write_vnode(struct mount *m, struct vnode *v)
{
	int error = 0, error2 = 0;

	if (v->cache)
		error = page_cache_settle(v->cache);
	if (v->dirty && m->ops->write_inode)
		error2 = m->ops->write_inode(m, v);
	return error ? error : error2;
}

/* From file to file by inode number, as the table changes while one is written:
 * each that was there and dirty at the beginning is come to, and it ends, as
 * the numbers only go up. Then what the inodes' writing has made dirty in
 * turn: the file system's own, and its buffers. */
int
mount_write_back(struct mount *m)
{
	uint64_t ino = 0;
	struct vnode *v;
	int error = 0, e;

	if (m->in_memory)
		return 0;
	while ((v = vnode_next(m, ino, needs_writing))) {
		ino = v->ino;
		if ((e = write_vnode(m, v)) && !error)
			error = e;
		vnode_put(v);
	}
	if (m->ops->sync && (e = m->ops->sync(m)) && !error)
		error = e;
	if (m->device && (e = buf_sync(m->device)) && !error)
		error = e;
	return error;
}

int
mount_sync(struct mount *m)
{
	return m->flags & MS_RDONLY ? 0 : mount_write_back(m);
}

static void
sync_one(struct mount *m, void *arg)
{
	int error = mount_sync(m);

	if (error && !*(int *)arg)
		*(int *)arg = error;
}

/* Disks that are open as files come last; a disk that both ways are used on
 * gets both. */
int
vfs_sync(void)
{
	int error = 0, e;

	mount_for_each(sync_one, &error);
	e = block_files_sync();
	return error ? error : e;
}

/* The file system marks its disk as clean; then nothing is written to it, even
 * if something becomes dirty yet. */
static void
mark_clean(struct mount *m, void *arg)
{
	(void)arg;
	if (m->flags & MS_RDONLY || !m->ops->remount)
		return;
	mount_sync(m);
	if (m->ops->remount(m, MS_RDONLY) == 0)
		m->flags |= MS_RDONLY;
}

void
vfs_shutdown(void)
{
	vfs_sync();
	mount_for_each(mark_clean, NULL);
}

/* ---- The flush thread's work ---- */

/* What is clean is left in peace: no flush of the disk every few seconds.
 * Buffers do not say whose they are, so a dirty one counts for all mounts. */
static void
flush_mount(struct mount *m, void *arg)
{
	struct vnode *v;

	(void)arg;
	if (m->in_memory)
		return;
	v = vnode_next(m, 0, needs_writing);
	if (v)
		vnode_put(v);
	if (v || buf_has_dirty())
		mount_sync(m);
}

/* cache_ops.flush: every few seconds, with no locks held. What else is to be
 * done now and then is done here, too, as this thread may sleep and waits for
 * nobody. */
static void
flush(void)
{
	regular_note_time();
	vnode_trim();
	mount_reap();
	mount_for_each(flush_mount, NULL);
	block_files_sync();
}

void
sync_init(void)
{
	regular_note_time();
	cache_ops.flush = flush;
}
