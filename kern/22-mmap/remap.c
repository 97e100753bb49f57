/*
 * mremap: making a mapping larger or smaller, or moving it with its pages.
 */
#include "mmap_internal.h"

/* What the call asks for. Lengths in bytes, whole pages after check_args. */
struct remap {
	vaddr_t from, to; /* to: or 0; a wish, but for MREMAP_FIXED */
	size_t old_len, new_len;
	unsigned flags; /* MREMAP_* */
	bool fill;	/* what grew is locked in memory */
};

static bool
in_user_space(vaddr_t addr, size_t len)
{
	return len <= USER_TOP && addr <= USER_TOP - len;
}

/* What can be said without a look at the mappings: mremap(2), EINVAL. @to
 * counts with MREMAP_FIXED, and with MREMAP_DONTUNMAP, which alone takes it for
 * a hint. Old and new place must not overlap: the entries are moved one by one.
 */
static int
check_args(struct remap *r)
{
	bool fixed = r->flags & MREMAP_FIXED;
	bool keep = r->flags & MREMAP_DONTUNMAP;

	if (r->flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) ||
	    ((fixed || keep) && !(r->flags & MREMAP_MAYMOVE)) ||
	    (keep && r->old_len != r->new_len) ||
	    !IS_ALIGNED(r->from, PAGE_SIZE) || r->new_len == 0 ||
	    r->new_len > USER_TOP)
		return -EINVAL;
	r->old_len = ROUND_UP(r->old_len, PAGE_SIZE);
	r->new_len = ROUND_UP(r->new_len, PAGE_SIZE);
	if (!fixed && !keep)
		r->to = 0;
	else if (!IS_ALIGNED(r->to, PAGE_SIZE) ||
		 (fixed && r->to < USER_BOTTOM) ||
		 !in_user_space(r->to, r->new_len) ||
		 (r->to < r->from + r->old_len && r->from < r->to + r->new_len))
		return -EINVAL;
	return 0;
}

/* Move the entries while no one can cut the file short: he would look for a
 * page in the place where it is no more, or not yet (MMAP1). Both mappings are
 * in the file's list by now, so he looks in both. All or nothing: if there is
 * no memory for the tables at @to, what has moved goes back.
 * @return bytes moved, less than @len: none */
static size_t
move_entries(struct vmspace *vm, struct vnode *v, vaddr_t from, vaddr_t to,
	     size_t len)
{
	size_t done;

	if (v)
		spin_lock(&v->cache->mappings_lock);
	done = pmap_move(vm, from, to, len);
	if (done < len) /* back: there the tables are still in place */
		pmap_move(vm, to, from, done);
	if (v)
		spin_unlock(&v->cache->mappings_lock);
	return done;
}

/* The lock has gone with the pages: it is counted once. vm->lock is held for
 * writing; all of the range is of one mapping. */
static void
unlock_old(struct vmspace *vm, vaddr_t start, vaddr_t end)
{
	map_cut(vm, start, end);
	vm_find(vm, start)->locked = false;
	map_join(vm, start, end);
}

/* vm->lock held for writing; limits have been checked. The new mapping is a
 * copy of the old with all its rights and marks. It is inserted before the
 * entries move, for page tables belong to mappings (VM4). It may be merged with
 * @m: nothing looks at @m from then on.
 * With DONTUNMAP, or an old length of 0, the old mapping stays, and its pages
 * are gone, or (length 0) were never moved: a touch finds zeros or the file. On
 * failure the old place is as it was; what MREMAP_FIXED has removed is gone, as
 * on Linux.
 * @return the new address, or -ENOMEM */
static int64_t
move(struct vmspace *vm, struct mapping *m, struct remap *r, struct list *dead)
{
	struct mapping new = *m;
	struct vnode *v = m->vnode;
	size_t len = MIN(r->old_len, r->new_len);
	int64_t to;

	if (v)
		new.offset += r->from - m->start;
	if (r->flags & MREMAP_FIXED) {
		/* That may be a part of @m: it is not looked at any more. */
		map_remove(vm, r->to, r->to + r->new_len, dead);
		to = r->to;
	} else if (r->to >= USER_BOTTOM &&
		   map_is_free(vm, r->to, r->to + r->new_len)) {
		to = r->to;
	} else {
		to = map_find_room(vm, r->new_len);
		if (to < 0)
			return to;
	}
	new.start = to;
	new.end = to + r->new_len;
	map_insert(vm, &new);
	if (move_entries(vm, v, r->from, to, len) < len) {
		map_remove(vm, to, to + r->new_len, dead);
		return -ENOMEM;
	}
	if (r->flags & MREMAP_DONTUNMAP)
		unlock_old(vm, r->from, r->from + r->old_len);
	else if (r->old_len)
		map_remove(vm, r->from, r->from + r->old_len, dead);
	return to;
}

/* Grow @m where it is: only if what is asked for ends where @m ends, and what
 * is behind is free. No entry is touched; new pages come by faults.
 * @return whether there was room */
static bool
grow_in_place(struct vmspace *vm, struct mapping *m, struct remap *r)
{
	vaddr_t end = r->from + r->new_len;

	if (m->end != r->from + r->old_len ||
	    !in_user_space(r->from, r->new_len) ||
	    !map_is_free(vm, m->end, end))
		return false;
	map_resize(m, m->start, end);
	map_merge(m);
	return true;
}

/* vm->lock held for writing. Nothing is changed before all checks are done. A
 * move may split the old mapping and the target, and adds one: four more at
 * most are asked for, whatever it will be.
 * @return the address, or a negative errno */
static int64_t
remap_locked(struct vmspace *vm, struct remap *r, struct list *dead)
{
	struct mapping *m = vm_find(vm, r->from);
	uint64_t more = r->new_len - MIN(r->new_len, r->old_len);
	bool moves = r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);
	bool shrinks = r->new_len < r->old_len;

	if (m && !in_user_space(r->from, r->old_len))
		return -EINVAL;
	/* What goes may be of several mappings, with holes between them. */
	if (!m || ((moves || !shrinks) &&
		   m->end - r->from < MIN(r->old_len, r->new_len)))
		return -EFAULT;
	/* No length: a second mapping of shared memory. */
	if (r->old_len == 0 && !(m->flags & MAP_SHARED))
		return -EINVAL;
	if (map_check_limits(
		    vm, 4,
		    (r->flags & MREMAP_DONTUNMAP ? r->new_len : more) >>
			    PAGE_SHIFT))
		return -ENOMEM;
	if (m->locked && !vm_may_lock(vm, more >> PAGE_SHIFT))
		return -EAGAIN;
	r->fill = m->locked && more;
	if (moves)
		return move(vm, m, r, dead);
	if (r->new_len <= r->old_len) {
		if (shrinks)
			map_remove(vm, r->from + r->new_len,
				   r->from + r->old_len, dead);
		return r->from;
	}
	if (r->old_len && grow_in_place(vm, m, r))
		return r->from;
	if (!(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	return move(vm, m, r, dead);
}

/* What is gone is freed when the lock has been let go. What has grown of locked
 * memory is faulted in; pages that are there cost a look each. */
static int64_t
sys_mremap(vaddr_t from, size_t old_len, size_t new_len, uint64_t flags,
	   vaddr_t to)
{
	struct remap r = { from, to, old_len, new_len, flags, false };
	struct vmspace *vm = current()->vmspace;
	struct list dead = LIST_INIT(dead);
	int64_t result = check_args(&r);

	if (result)
		return result;
	rwlock_write_lock(&vm->lock);
	result = remap_locked(vm, &r, &dead);
	rwlock_write_unlock(&vm->lock);
	map_reap(&dead);
	if (result >= 0 && r.fill)
		mmap_populate(vm, result, result + r.new_len);
	return result;
}
SYSCALL(NR_mremap, sys_mremap);
