/*
 * Vnodes: the table of each mount, references, and the eviction of those that
 * nobody uses. A vnode is made by vnode_lookup and vnode_ready, and goes away
 * in take_down: when it is idle and has no links, or when memory is short.
 */
#include "vfs_internal.h"

#define VNODES_MIN    64u /* however little memory there is */
#define HEAP_SHARE    8	  /* of the heap, 1/n is idle vnodes at most */
#define VNODE_TYPICAL 768 /* bytes, with the file system's part */

struct spinlock tree_lock = SPINLOCK("directory tree");

/* All vnodes that may be evicted; a hand goes round them (second chance). */
static struct spinlock clock_lock = SPINLOCK("vnode clock");
static struct list clock = LIST_INIT(clock);
static unsigned nclock, vnodes_max;

/* Look-ups wait here, under the mount's vnodes_lock, for a vnode to be ready or
 * gone. */
static struct waitq table_wq = WAITQ(table_wq, "vnode table");

/* ---- Locks ---- */

void
vnode_lock(struct vnode *v, unsigned level)
{
	if (level)
		rwlock_write_lock_nested(&v->lock, level);
	else
		rwlock_write_lock(&v->lock);
}

void
vnode_unlock(struct vnode *v)
{
	rwlock_write_unlock(&v->lock);
}

/* ---- The table of a mount ---- */

static int
compare_ino(const void *key, const struct rbnode *node)
{
	uint64_t ino = *(const uint64_t *)key;
	const struct vnode *v = rb_entry(node, struct vnode, table_node);

	return ino < v->ino ? -1 : ino > v->ino;
}

static int
compare_nodes(const struct rbnode *a, const struct rbnode *b)
{
	return compare_ino(&rb_entry(a, struct vnode, table_node)->ino, b);
}

/* The number of a vnode is of the mount, and may be used again by another file,
 * and its address by another vnode; `serial` is for who names one without a
 * reference to it (vm, the keys of futexes). */
static struct vnode *
vnode_new(struct mount *m, uint64_t ino)
{
	static _Atomic uint64_t last_serial;
	struct vnode *v = knew_shared(struct vnode);

	v->ino = ino;
	v->mount = m;
	v->serial = atomic_fetch_add(&last_serial, 1) + 1;
	v->refs.n = 2; /* the table's and the caller's */
	list_init(&v->names);
	list_init(&v->children);
	list_init(&v->clock_link);
	return v;
}

/* The new one is put into the table before it is filled, so whoever looks the
 * inode up at the same time waits for us, and does not read it a second time. A
 * count of 0 is waited for like one that is not ready: the old vnode may still
 * be writing the inode that the new one would read. */
struct vnode *
vnode_lookup(struct mount *m, uint64_t ino, bool *is_new)
{
	struct rbnode *node;
	struct vnode *v;

	spin_lock(&m->vnodes_lock);
	for (;;) {
		node = rb_find(&m->vnodes, &ino, compare_ino);
		*is_new = !node;
		if (!node) {
			v = vnode_new(m, ino);
			rb_insert(&m->vnodes, &v->table_node, compare_nodes);
			break;
		}
		v = rb_entry(node, struct vnode, table_node);
		if (v->ready && vnode_try_get(v))
			break;
		waitq_wait(&table_wq, &m->vnodes_lock, WAIT_UNINTERRUPTIBLE,
			   WAIT_FOREVER);
	}
	spin_unlock(&m->vnodes_lock);
	return v;
}

/* The queue is one for all mounts: wake-ups for others are rare, and only cost
 * a look. vnodes_lock is held, under which waiters of this mount join: none is
 * missed by the look. */
static void
wake_lookups(void)
{
	if (!list_empty(&table_wq.waiters))
		waitq_wake_all(&table_wq);
}

/* A file in memory is nowhere else, and what keeps no names goes with its last
 * user. */
static bool
may_be_evicted(const struct vnode *v)
{
	return !v->mount->in_memory && !v->mount->no_cache;
}

/* Made ready last: from then on look-ups use it. The clock has it before, but
 * evicts nothing that has more than the table's reference, and the caller has
 * one. */
void
vnode_ready(struct vnode *v, enum vnode_type type, const struct vnode_ops *ops)
{
	ASSERT(!v->ready);
	v->type = type;
	v->ops = ops;
	rwlock_init(&v->lock, type == VT_DIR ? "directory" : "file");
	if (type == VT_REG)
		v->cache = page_cache_new(v, ops->pages, &v->size);
	if (may_be_evicted(v)) {
		spin_lock(&clock_lock);
		list_add(&v->clock_link, &clock);
		nclock++;
		spin_unlock(&clock_lock);
	}
	spin_lock(&v->mount->vnodes_lock);
	v->ready = true;
	wake_lookups();
	spin_unlock(&v->mount->vnodes_lock);
	if (nclock > vnodes_max)
		flush_kick();
}

static void
vnode_free(struct rcu_head *head)
{
	kfree(container_of(head, struct vnode, rcu));
}

/* Last of all: who waits for the inode reads it from the disk now. Who found
 * the vnode in an RCU section, and was refused a reference, may look at it
 * still. */
static void
table_remove(struct vnode *v)
{
	struct mount *m = v->mount;

	spin_lock(&m->vnodes_lock);
	rb_erase(&m->vnodes, &v->table_node);
	wake_lookups();
	spin_unlock(&m->vnodes_lock);
	rcu_defer(&v->rcu, vnode_free);
}

void
vnode_abandon(struct vnode *v)
{
	ASSERT(!v->ready);
	table_remove(v);
}

/* ---- References ---- */

struct vnode *
vnode_get(struct vnode *v)
{
	ref_get(&v->refs);
	return v;
}

/* No look whether it was the last: the caller's other one makes sure. */
void
vnode_put_early(struct vnode *v)
{
	uint32_t before =
		atomic_fetch_sub_explicit(&v->refs.n, 1, memory_order_release);

	INVARIANT(VFS1, before > 2);
	(void)before;
}

bool
vnode_try_get(struct vnode *v)
{
	return ref_get_unless_zero(&v->refs);
}

/* Take the table's reference from an idle vnode: it is ours to take down. In
 * one step, for a look-up may take a reference at the same moment: then the
 * count is 2, and this fails. */
static bool
claim(struct vnode *v)
{
	uint32_t idle = 1;

	return atomic_compare_exchange_strong(&v->refs.n, &idle, 0);
}

/*
 * Take down a claimed vnode. No one else can get a reference; who looks its
 * inode up waits until it has left the table. @return its parent, whose
 * reference is now the caller's to put (no recursion up the tree)
 */
static struct vnode *
take_down(struct vnode *v)
{
	struct page_cache *cache = v->type == VT_REG ? v->cache : NULL;
	struct vnode *parent;
	char *name;

	INVARIANT(VFS1, ref_count(&v->refs) == 0);
	if (may_be_evicted(v)) {
		spin_lock(&clock_lock);
		list_del(&v->clock_link);
		nclock--;
		spin_unlock(&clock_lock);
	}
	/* Names first: no walk comes here any more to be refused. */
	namecache_purge(v);
	spin_lock(&tree_lock);
	parent = v->parent;
	name = v->name;
	v->parent = NULL;
	v->name = NULL;
	spin_unlock(&tree_lock);
	kfree(name);
	if (cache) {
		/* What a removed file has need not be written. */
		if (v->nlink > 0)
			page_cache_sync(cache);
		page_cache_drop(cache);
	}
	if (v->ops->inactive)
		v->ops->inactive(v);
	if (cache) {
		rcu_assign(v->cache, NULL);
		page_cache_destroy(cache);
	}
	table_remove(v);
	return parent;
}

/* Three ends of a reference. With the table's left, the vnode is idle, and
 * stays, unless its file has lost its names. With the watches' left, too
 * (VFS4), who watches such a file is told that it goes, which gives their
 * reference back; for that ours is taken again. Two who come to this at once:
 * the count says to each what it has left, and only one claims. */
void
vnode_put(struct vnode *v)
{
	uint32_t before;
	bool claimed, only_watched;

	while (v) {
		/* Once the reference is given back, the vnode is valid only
		 * until the end of the RCU section. */
		rcu_read_lock();
		v->recent = true;
		before = atomic_fetch_sub_explicit(&v->refs.n, 1,
						   memory_order_acq_rel);
		INVARIANT(VFS1, before >= 2);
		claimed = before == 2 &&
			  (v->nlink == 0 || v->mount->no_cache) && claim(v);
		only_watched = before == 3 && v->nlink == 0 &&
			       rcu_deref(v->watches) && vnode_try_get(v);
		rcu_read_unlock();
		if (only_watched) {
			notify_ops.forget(v, IN_DELETE_SELF);
			continue;
		}
		v = claimed ? take_down(v) : NULL;
	}
}

/* ---- Eviction ---- */

/* What is dirty would have to be written, and reclaim comes when memory is
 * short: the flush thread does that. A directory whose children are in use is
 * asked for their paths. First only files without pages: to read them again
 * costs nothing but the inode. */
static bool
may_evict(struct vnode *v, bool with_pages)
{
	if (v->recent) {
		v->recent = false;
		return false;
	}
	if (page_cache_has_dirty(rcu_deref(v->cache)) ||
	    (!with_pages && page_cache_has_pages(rcu_deref(v->cache))))
		return false;
	if (v->type == VT_DIR && namecache_children_in_use(v))
		return false;
	return claim(v);
}

/* The next idle vnode at the hand, claimed, or NULL after @p *budget looks. The
 * hand is the list's end: who is looked at goes to the front. clock_lock keeps
 * what is in the list: take_down needs it to take it off. */
static struct vnode *
choose_victim(unsigned *budget, bool with_pages)
{
	struct vnode *v, *victim = NULL;

	spin_lock(&clock_lock);
	while (!victim && *budget > 0) {
		(*budget)--;
		v = list_last(&clock, struct vnode, clock_link);
		if (!v)
			break;
		list_del(&v->clock_link);
		list_add(&v->clock_link, &clock);
		if (may_evict(v, with_pages))
			victim = v;
	}
	spin_unlock(&clock_lock);
	return victim;
}

/* Twice round and one more: the first time each loses what it was used for, the
 * second time the first of them goes. */
static uint64_t
evict_some(uint64_t want, bool with_pages)
{
	unsigned budget = 2 * nclock + 1;
	struct vnode *v;
	uint64_t done = 0;

	while (done < want && (v = choose_victim(&budget, with_pages))) {
		v = take_down(v);
		if (v)
			vnode_put(v);
		done++;
	}
	return done;
}

/* @p want is in pages, of which a vnode with its inode and cache takes about an
 * eighth. */
static uint64_t
evict(uint64_t want)
{
	uint64_t done = evict_some(want * 8, false);

	return done ? done : evict_some(want * 8, true);
}

EVICTOR(vnodes, evict);

void
vnode_trim(void)
{
	if (nclock > vnodes_max)
		evict_some(nclock - vnodes_max, false);
}

struct vnode *
vnode_next(struct mount *m, uint64_t ino, bool (*want)(struct vnode *v))
{
	struct rbnode *node;
	struct vnode *v = NULL;

	ino++;
	spin_lock(&m->vnodes_lock);
	for (node = rb_ceil(&m->vnodes, &ino, compare_ino); node;
	     node = rb_next(node)) {
		v = rb_entry(node, struct vnode, table_node);
		if (v->ready && want(v) && vnode_try_get(v))
			break;
	}
	spin_unlock(&m->vnodes_lock);
	return node ? v : NULL;
}

/* ---- Unmounting ---- */

static bool
not_root(struct vnode *v)
{
	return v != v->mount->root;
}

/* Give back a reference and, if that was the last, claim the vnode. */
static bool
put_and_claim(struct vnode *v)
{
	bool claimed;

	rcu_read_lock();
	atomic_fetch_sub(&v->refs.n, 1);
	claimed = claim(v);
	rcu_read_unlock();
	return claimed;
}

void
vnode_evict_mount(struct mount *m)
{
	struct vnode *v, *parent;
	bool progress;
	uint64_t ino;

	/* Directories go after what stands in them, which refers to them:
	 * several rounds, until one brings nothing. */
	do {
		progress = false;
		for (ino = 0; (v = vnode_next(m, ino, not_root));) {
			ino = v->ino;
			if (!put_and_claim(v))
				continue;
			parent = take_down(v);
			if (parent)
				vnode_put(parent);
			progress = true;
		}
	} while (progress);
}

/* All references of all vnodes against those that the mount can account for:
 * each vnode has the table's, its watches' (VFS4), and gives one to its parent.
 * Counted so, it needs no look at who the others are. */
bool
vnode_mount_busy(struct mount *m)
{
	uint64_t refs = 0, own = 1; /* the mount's, to its root */
	struct rbnode *node;
	struct vnode *v;

	spin_lock(&m->vnodes_lock);
	for (node = rb_first(&m->vnodes); node; node = rb_next(node)) {
		v = rb_entry(node, struct vnode, table_node);
		refs += ref_count(&v->refs);
		own += 1 + (v->parent != NULL) + (v->watches != NULL);
	}
	spin_unlock(&m->vnodes_lock);
	return refs != own;
}

bool
mount_has_writers(struct mount *m)
{
	struct rbnode *node;
	bool found = false;

	spin_lock(&m->vnodes_lock);
	for (node = rb_first(&m->vnodes); node && !found; node = rb_next(node))
		found = rb_entry(node, struct vnode, table_node)->writers > 0;
	spin_unlock(&m->vnodes_lock);
	return found;
}

void
vnode_drop_root(struct mount *m)
{
	struct vnode *root = m->root;

	m->root = NULL;
	if (put_and_claim(root))
		take_down(root);
	else
		panic("vfs: VFS3: the root of %s is in use after unmounting",
		      m->source);
}

/* ---- The tree of directories ---- */

/* Most calls find it as it is: a directory is looked up by its name again and
 * again. So this is looked at before anything is allocated, which tree_lock, a
 * spinlock, would not allow to wait for. The directory's lock is held: no other
 * name comes in between. What is replaced is given back without the lock. */
void
vnode_set_parent(struct vnode *v, struct vnode *dir, const struct name *name)
{
	struct vnode *old_parent = NULL;
	char *fresh, *old_name = NULL;

	spin_lock(&tree_lock);
	if (v->parent == dir && v->name && strlen(v->name) == name->len &&
	    memcmp(v->name, name->text, name->len) == 0) {
		spin_unlock(&tree_lock);
		return;
	}
	spin_unlock(&tree_lock);
	fresh = knew_array(char, name->len + 1);
	kcharge(fresh, 0);
	memcpy(fresh, name->text, name->len);
	vnode_get(dir);
	spin_lock(&tree_lock);
	old_parent = v->parent;
	old_name = v->name;
	rcu_assign(v->parent, dir);
	v->name = fresh;
	spin_unlock(&tree_lock);
	kfree(old_name);
	if (old_parent)
		vnode_put(old_parent);
}

void
vnode_init(void)
{
	struct mem_stats stats;

	mem_stats_get(&stats);
	vnodes_max =
		MAX(stats.heap_max * PAGE_SIZE / HEAP_SHARE / VNODE_TYPICAL,
		    VNODES_MIN + 0ul);
}

/* ---- Directories ---- */

/* The first entry beside "." and ".." is enough. */
static bool
note_entry(void *arg, const char *name, size_t len, uint64_t ino, unsigned type,
	   uint64_t next)
{
	bool *empty = arg;

	(void)ino;
	(void)type;
	(void)next;
	if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
		return true;
	*empty = false;
	return false;
}

int
directory_check_empty(struct vnode *v)
{
	bool empty = true;
	uint64_t pos = 0;
	int error = v->ops->readdir(v, &pos, note_entry, &empty);

	if (error)
		return error;
	return empty ? 0 : -ENOTEMPTY;
}
