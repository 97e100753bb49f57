/*
 * The mapping tree: which addresses are mapped to what. Splitting, merging,
 * finding room; and vm_map, vm_unmap, vm_protect, which every call that
 * changes an address space comes down to. Page tables are pmap.c's.
 */
#include "abi/mount.h"
#include "vm_internal.h"

/* What 64 page tables map: of larger mappings so much is taken out at once. */
#define PIECE (1UL << 27)

/* ---- Finding ---- */

struct mapping *
map_ceil(struct vmspace *vm, vaddr_t addr)
{
	struct mapping *m, *best = NULL;
	struct rbnode *n = vm->mappings.node;

	while (n) {
		m = rb_entry(n, struct mapping, node);
		if (addr < m->end) {
			best = m;
			if (addr >= m->start)
				break;
			n = n->child[0];
		} else {
			n = n->child[1];
		}
	}
	return best;
}

struct mapping *
vm_find(struct vmspace *vm, vaddr_t addr)
{
	struct mapping *m =
		atomic_load_explicit(&vm->last, memory_order_relaxed);

	if (m && addr >= m->start && addr < m->end)
		return m;
	m = map_ceil(vm, addr);
	if (!m || addr < m->start)
		return NULL;
	atomic_store_explicit(&vm->last, m, memory_order_relaxed);
	return m;
}

void
vm_for_each(struct vmspace *vm, void (*fn)(const struct mapping *m, void *arg),
	    void *arg)
{
	struct mapping *m;

	for (m = map_ceil(vm, 0); m; m = map_next(m))
		fn(m, arg);
}

/* ---- Limits ---- */

/* All mappings of all processes stand on the kernel heap; no single one may
 * have more than an eighth of it. 65,530 is Linux's limit. */
unsigned
vm_mappings_max(void)
{
	static unsigned max;
	struct mem_stats stats;

	if (!max) {
		mem_stats_get(&stats);
		max = MIN(65530UL, stats.heap_max * PAGE_SIZE / 8 /
					   sizeof(struct mapping));
	}
	return max;
}

int
map_check_limits(struct vmspace *vm, unsigned extra, uint64_t pages)
{
	uint64_t limit = RLIM_INFINITY;

	if (vm->nmappings + extra >= vm_mappings_max())
		return -ENOMEM;
	if (vm_ops.limit)
		limit = vm_ops.limit(RLIMIT_AS);
	if (pages && vm->mapped_pages + pages > limit >> PAGE_SHIFT)
		return -ENOMEM;
	return 0;
}

/* ---- Inserting, splitting, merging ---- */

/* Whether @b, which follows, could be a part of @a. A stack is never merged:
 * its lower end moves. */
static bool
alike(const struct mapping *a, const struct mapping *b)
{
	return a->end == b->start && a->prot == b->prot &&
	       a->flags == b->flags && a->vnode == b->vnode &&
	       a->may_write == b->may_write && a->is_stack == b->is_stack &&
	       a->dont_fork == b->dont_fork && a->locked == b->locked &&
	       a->wipe_on_fork == b->wipe_on_fork &&
	       (!a->vnode || a->offset + (a->end - a->start) == b->offset);
}

static void
file_lock(struct mapping *m)
{
	if (m->vnode)
		spin_lock(&m->vnode->cache->mappings_lock);
}

static void
file_unlock(struct mapping *m)
{
	if (m->vnode)
		spin_unlock(&m->vnode->cache->mappings_lock);
}

/* Put @m, whose fields are filled in, where it belongs: in the tree and in its
 * vnode's list. Its vnode reference is counted already. */
static void
link_mapping(struct mapping *m)
{
	struct vmspace *vm = m->vmspace;
	struct rbnode **child = &vm->mappings.node, *parent = NULL;
	int dir = 0;

	while (*child) {
		parent = *child;
		dir = m->start > rb_entry(parent, struct mapping, node)->start;
		child = &parent->child[dir];
	}
	rb_insert_at(&vm->mappings, parent, dir, &m->node);
	vm->nmappings++;
	if (m->vnode) {
		spin_lock(&m->vnode->cache->mappings_lock);
		list_add(&m->vnode_link, &m->vnode->cache->mappings);
		spin_unlock(&m->vnode->cache->mappings_lock);
	} else {
		list_init(&m->vnode_link);
	}
}

/* The opposite; the vnode's reference stays with @m. */
static void
unlink_mapping(struct mapping *m)
{
	struct vmspace *vm = m->vmspace;

	file_lock(m);
	list_del(&m->vnode_link);
	file_unlock(m);
	rb_erase(&vm->mappings, &m->node);
	vm->nmappings--;
	if (atomic_load_explicit(&vm->last, memory_order_relaxed) == m)
		atomic_store_explicit(&vm->last, NULL, memory_order_relaxed);
}

void
map_resize(struct mapping *m, vaddr_t start, vaddr_t end)
{
	file_lock(m);
	m->vmspace->mapped_pages += (end - start) >> PAGE_SHIFT;
	m->vmspace->mapped_pages -= (m->end - m->start) >> PAGE_SHIFT;
	if (m->vnode)
		m->offset += start - m->start;
	m->start = start;
	m->end = end;
	file_unlock(m);
}

/* @b, which begins where @a ends, becomes a part of it. Who looks for a page
 * from the file's side finds it in one of them at all times. The vnode
 * reference may go at once: @a has another, so it is not the last. */
static void
absorb(struct mapping *a, struct mapping *b)
{
	file_lock(a);
	a->end = b->end;
	a->has_private |= b->has_private;
	file_unlock(a);
	unlink_mapping(b);
	if (b->vnode)
		vnode_put(b->vnode);
	kfree(b);
}

struct mapping *
map_merge(struct mapping *m)
{
	struct mapping *prev = map_prev(m), *next = map_next(m);

	if (next && alike(m, next))
		absorb(m, next);
	if (prev && alike(prev, m)) {
		absorb(prev, m);
		m = prev;
	}
	return m;
}

/* The commonest case: @p like is more of the mapping before it. */
static struct mapping *
extend_last(struct vmspace *vm, const struct mapping *like)
{
	struct mapping *prev, *next = map_ceil(vm, like->start);
	struct rbnode *n;

	n = next ? rb_prev(&next->node) : rb_last(&vm->mappings);
	prev = n ? rb_entry(n, struct mapping, node) : NULL;
	INVARIANT(VM1, !next || like->end <= next->start);
	if (!prev || !alike(prev, like))
		return NULL;
	map_resize(prev, prev->start, like->end);
	prev->has_private |= like->has_private;
	return map_merge(prev);
}

/* Make @p m like @p like and part of @p vm. */
static struct mapping *
add_mapping(struct vmspace *vm, const struct mapping *like, struct mapping *m)
{
	*m = *like;
	m->vmspace = vm;
	if (m->vnode)
		vnode_get(m->vnode);
	vm->mapped_pages += (m->end - m->start) >> PAGE_SHIFT;
	link_mapping(m);
	return map_merge(m);
}

struct mapping *
map_insert(struct vmspace *vm, const struct mapping *like)
{
	struct mapping *m = extend_last(vm, like);

	return m ? m : add_mapping(vm, like, knew(struct mapping));
}

void
map_insert_spare(struct vmspace *vm, const struct mapping *like,
		 struct list *spare)
{
	struct mapping *m;

	if (extend_last(vm, like))
		return;
	m = list_first(spare, struct mapping, vnode_link);
	list_del(&m->vnode_link);
	add_mapping(vm, like, m);
}

/* The halves together are what the mapping was, and each refers to the file by
 * itself. */
struct mapping *
map_split(struct mapping *m, vaddr_t at)
{
	struct mapping *upper = knew(struct mapping);

	ASSERT(at > m->start && at < m->end && IS_ALIGNED(at, PAGE_SIZE));
	*upper = *m;
	upper->start = at;
	if (m->vnode) {
		vnode_get(m->vnode);
		upper->offset += at - m->start;
	}
	link_mapping(upper);
	file_lock(m);
	m->end = at;
	file_unlock(m);
	return upper;
}

void
map_cut(struct vmspace *vm, vaddr_t start, vaddr_t end)
{
	struct mapping *m = map_ceil(vm, start);

	if (m && m->start < start)
		m = map_split(m, start);
	if (m && m->end <= end)
		m = map_ceil(vm, end);
	if (m && m->start < end && m->end > end)
		map_split(m, end);
}

void
map_join(struct vmspace *vm, vaddr_t start, vaddr_t end)
{
	struct mapping *m = map_ceil(vm, start);

	if (m)
		map_merge(m);
	m = map_ceil(vm, end);
	if (m)
		map_merge(m);
}

/* ---- Removing ---- */

/*
 * Of a large mapping, take the pages and the tables out piece by piece, so that
 * memory comes free from the first moment on: there may be somebody waiting for
 * it. Not where a file may be looking at the tables until m is unlinked.
 */
static void
zap_pieces(struct gather *g, struct mapping *m, vaddr_t floor)
{
	vaddr_t va = m->start, start, stop;
	unsigned n;

	while (pmap_next(g->vm->pml4, &va, m->end, &n)) {
		start = MAX(ROUND_DOWN(va, PIECE), m->start);
		stop = MIN(ROUND_DOWN(va, PIECE) + PIECE, m->end);
		pmap_zap(g, va, stop);
		pmap_free_tables(g, start, stop, floor, stop);
		va = stop;
	}
}

/* Take the pages of @m out, and the tables that nothing else needs. */
static void
zap_mapping(struct gather *g, struct mapping *m)
{
	struct mapping *prev = map_prev(m), *next = map_next(m);
	struct vnode *v = m->flags & MAP_SHARED ? m->vnode : NULL;

	if (g->vnode && g->vnode != v)
		gather_flush(g);
	g->vnode = v;
	if (!m->vnode && m->end - m->start > PIECE)
		zap_pieces(g, m, prev ? prev->end : 0);
	pmap_zap(g, m->start, m->end);
	unlink_mapping(m);
	pmap_free_tables(g, m->start, m->end, prev ? prev->end : 0,
			 next ? next->start : USER_TOP);
}

void
map_remove(struct vmspace *vm, vaddr_t start, vaddr_t end, struct list *dead)
{
	map_cut(vm, start, end);
	map_remove_whole(vm, start, end, dead);
}

void
map_remove_whole(struct vmspace *vm, vaddr_t start, vaddr_t end,
		 struct list *dead)
{
	struct mapping *m, *next;
	struct gather g;

	gather_init(&g, vm);
	for (m = map_ceil(vm, start); m && m->start < end; m = next) {
		next = map_next(m);
		zap_mapping(&g, m);
		vm->mapped_pages -= (m->end - m->start) >> PAGE_SHIFT;
		list_add_tail(&m->vnode_link, dead);
	}
	gather_flush(&g);
	if (end > vm->room_top)
		vm->room_top = m ? MIN(m->start, vm->mmap_top) : vm->mmap_top;
}

void
map_reap(struct list *dead)
{
	struct mapping *m, *tmp;

	list_for_each_safe (m, tmp, dead, vnode_link) {
		if (m->vnode) {
			if (__builtin_expect(m->vnode->ipc != NULL, 0))
				vm_ops.unmapped(m->vnode);
			vnode_put(m->vnode);
		}
		kfree(m);
	}
}

/* ---- Finding room ---- */

bool
map_is_free(struct vmspace *vm, vaddr_t start, vaddr_t end)
{
	struct mapping *m = map_ceil(vm, start);

	return !m || (m->start >= end &&
		      (!m->is_stack || m->start - end >= STACK_GUARD));
}

/* The highest free range of @len bytes that ends at or below @top; 0: none.
 * *@missed receives the size of the largest one that was too small. */
static vaddr_t
room_below(struct vmspace *vm, vaddr_t top, size_t len, size_t *missed)
{
	struct mapping *m = map_ceil(vm, top - 1);
	vaddr_t end = top, low, limit;
	struct rbnode *n;

	if (m && m->start < end)
		end = m->start;
	n = m ? rb_prev(&m->node) : rb_last(&vm->mappings);
	for (;;) {
		low = n ? rb_entry(n, struct mapping, node)->end : USER_BOTTOM;
		limit = end;
		m = map_ceil(vm, end);
		if (m && m->is_stack)
			limit = MIN(limit, m->start - STACK_GUARD);
		if (limit >= low && limit - low >= len)
			return limit - len;
		if (limit > low)
			*missed = MAX(*missed, limit - low);
		if (!n)
			return 0;
		end = rb_entry(n, struct mapping, node)->start;
		n = rb_prev(n);
	}
}

/*
 * The search begins where the last one ended: above room_top there is no hole
 * of more than room_missed bytes. (The scheme is that of Linux before 3.8; a
 * tree that knows its largest gaps would do it in log n.)
 */
int64_t
map_find_room(struct vmspace *vm, size_t len)
{
	vaddr_t addr;

	if (len > vm->mmap_top)
		return -ENOMEM;
	if (len <= vm->room_missed) {
		vm->room_top = vm->mmap_top;
		vm->room_missed = 0;
	}
	addr = room_below(vm, vm->room_top, len, &vm->room_missed);
	if (!addr)
		return -ENOMEM;
	vm->room_top = addr;
	return addr;
}

int64_t
vm_find_room(struct vmspace *vm, size_t len)
{
	int64_t addr;

	rwlock_write_lock(&vm->lock);
	addr = map_find_room(vm, ROUND_UP(len, PAGE_SIZE));
	rwlock_write_unlock(&vm->lock);
	return addr;
}

/* ---- The three operations ---- */

/* Choose the address of a new mapping, as mmap(2) says. */
static int64_t
choose_address(struct vmspace *vm, vaddr_t addr, size_t len, uint32_t flags)
{
	vaddr_t top = flags & MAP_32BIT ? 1UL << 31 : USER_TOP;
	struct mapping *m;
	size_t missed = 0;

	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (!IS_ALIGNED(addr, PAGE_SIZE))
			return -EINVAL;
		if (len > USER_TOP || addr > USER_TOP - len)
			return -ENOMEM;
		if (addr < USER_BOTTOM)
			return -EPERM;
		m = flags & MAP_FIXED_NOREPLACE ? map_ceil(vm, addr) : NULL;
		return m && m->start < addr + len ? -EEXIST : (int64_t)addr;
	}
	addr = ROUND_UP(addr, PAGE_SIZE);
	if (addr >= USER_BOTTOM && len <= top && addr <= top - len &&
	    map_is_free(vm, addr, addr + len))
		return addr;
	if (top == USER_TOP)
		return map_find_room(vm, len);
	addr = room_below(vm, top, len, &missed);
	return addr ? (int64_t)addr : -ENOMEM;
}

/* A writable mapping of more than all memory cannot ever be used; to refuse it
 * early is kinder than to kill later. A shared file has the disk. */
static bool
too_much(uint64_t pages, uint32_t prot, uint32_t flags)
{
	struct mem_stats stats;

	if (!(prot & PROT_WRITE) || flags & MAP_NORESERVE || pages < 4096 ||
	    (flags & (MAP_SHARED | MAP_ANONYMOUS)) == MAP_SHARED)
		return false;
	mem_stats_get(&stats);
	return pages > stats.total;
}

uint64_t
vm_pages_within(struct vmspace *vm, vaddr_t start, vaddr_t end, bool all)
{
	struct mapping *m;
	uint64_t n = 0;

	for (m = map_ceil(vm, start); m && m->start < end;
	     m = map_ceil(vm, m->end))
		if (all || m->locked)
			n += MIN(m->end, end) - MAX(m->start, start);
	return n >> PAGE_SHIFT;
}

bool
vm_may_lock(struct vmspace *vm, uint64_t more)
{
	uint64_t limit =
		vm_ops.limit ? vm_ops.limit(RLIMIT_MEMLOCK) : RLIM_INFINITY;

	return current_cred()->euid == 0 || limit == RLIM_INFINITY ||
	       vm_pages_within(vm, 0, USER_TOP, false) + more <= limit >>
		       PAGE_SHIFT;
}

/* Two mappings more at most: the new one, and one of which MAP_FIXED replaces
 * the middle. */
int64_t
vm_map(struct vmspace *vm, vaddr_t addr, size_t len, uint32_t prot,
       uint32_t flags, struct vnode *vnode, uint64_t offset, bool may_write)
{
	struct mapping m = { .prot = prot,
			     .flags = flags & (MAP_SHARED | MAP_PRIVATE),
			     .vnode = vnode,
			     .offset = vnode ? offset : 0,
			     .may_write = may_write,
			     .is_stack = flags & MAP_GROWSDOWN };
	struct list dead = LIST_INIT(dead);
	uint64_t replaced = 0;
	int64_t at;

	if (len == 0)
		return -EINVAL;
	if (len > USER_TOP)
		return -ENOMEM;
	len = ROUND_UP(len, PAGE_SIZE);
	if (too_much(len >> PAGE_SHIFT, prot, flags))
		return -ENOMEM;

	rwlock_write_lock(&vm->lock);
	at = choose_address(vm, addr, len, flags);
	m.locked = flags & MAP_LOCKED || vm->lock_new;
	if (at >= 0 && m.locked && !vm_may_lock(vm, len >> PAGE_SHIFT))
		at = -EAGAIN;
	if (at >= 0 && flags & MAP_FIXED)
		replaced = vm_pages_within(vm, at, at + len, true);
	if (at >= 0 && map_check_limits(vm, 2, (len >> PAGE_SHIFT) - replaced))
		at = -ENOMEM;
	if (at >= 0) {
		m.start = at;
		m.end = at + len;
		if (flags & MAP_FIXED)
			map_remove(vm, m.start, m.end, &dead);
		map_insert(vm, &m);
	}
	rwlock_write_unlock(&vm->lock);
	map_reap(&dead);
	return at;
}

int
vm_unmap(struct vmspace *vm, vaddr_t addr, size_t len)
{
	struct list dead = LIST_INIT(dead);
	struct mapping *m;
	int error = 0;

	if (!IS_ALIGNED(addr, PAGE_SIZE) || len == 0 || len > USER_TOP ||
	    addr > USER_TOP - len)
		return -EINVAL;
	len = ROUND_UP(len, PAGE_SIZE);
	rwlock_write_lock(&vm->lock);
	m = map_ceil(vm, addr);
	if (m && m->start < addr && m->end > addr + len)
		error = map_check_limits(vm, 1, 0); /* a hole makes one more */
	if (!error)
		map_remove(vm, addr, addr + len, &dead);
	rwlock_write_unlock(&vm->lock);
	map_reap(&dead);
	return error;
}

/* As far as it comes: what lies before a hole has the new rights although the
 * result is -ENOMEM, as on Linux. */
static int
protect_all(struct vmspace *vm, vaddr_t start, vaddr_t end, uint32_t prot)
{
	struct mapping *m;
	vaddr_t va;

	for (va = start; va < end; va = m->end) {
		m = vm_find(vm, va);
		if (!m)
			return -ENOMEM;
		if (prot & PROT_WRITE && m->flags & MAP_SHARED && m->vnode &&
		    !m->may_write)
			return -EACCES;
		if (prot & PROT_EXEC && m->vnode &&
		    m->vnode->mount->flags & MS_NOEXEC)
			return -EACCES;
		if (m->prot == prot)
			continue;
		m->prot = prot;
		pmap_protect(vm, m, m->start, m->end);
		m = map_merge(m);
	}
	return 0;
}

static int
protect_locked(struct vmspace *vm, vaddr_t start, vaddr_t end, uint32_t prot)
{
	int error;

	if (map_check_limits(vm, 2, 0))
		return -ENOMEM;
	map_cut(vm, start, end);
	error = protect_all(vm, start, end, prot);
	map_join(vm, start, end);
	return error;
}

int
vm_protect(struct vmspace *vm, vaddr_t addr, size_t len, uint32_t prot)
{
	int error;

	if (!IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	if (len == 0)
		return 0;
	if (len > USER_TOP || addr > USER_TOP - len)
		return -ENOMEM;
	rwlock_write_lock(&vm->lock);
	error = protect_locked(vm, addr, addr + ROUND_UP(len, PAGE_SIZE), prot);
	rwlock_write_unlock(&vm->lock);
	return error;
}
