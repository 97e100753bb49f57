/*
 * vm: address spaces. A vmspace is a tree of mappings (what is where, with
 * which rights) and a page table that is filled by faults: memory appears when
 * it is touched, and is copied after a fork when it is written.
 */
#ifndef VM_H
#define VM_H

#include "abi/mman.h"
#include "files.h"

#define USER_BOTTOM 0x10000UL /**< lowest address that can be mapped */

/** A mapped range: [start, end) of one vmspace, all alike. */
struct mapping {
	/* Guarded by vmspace->lock; start, end and offset of a mapping with a
	 * vnode change under its cache's mappings_lock as well. */
	vaddr_t start, end;
	uint32_t prot;	     /**< PROT_* */
	uint32_t flags;	     /**< MAP_SHARED or MAP_PRIVATE */
	struct vnode *vnode; /**< whose pages; NULL: zero-fill */
	uint64_t offset;     /**< of start in the file: bytes, page-aligned */
	bool may_write;	   /**< shared file opened for writing: mprotect may */
	bool is_stack;	   /**< grows down on faults below it */
	bool dont_fork;	   /**< MADV_DONTFORK: a child does not get it */
	bool wipe_on_fork; /**< MADV_WIPEONFORK: a child finds zeros */
	bool locked;	   /**< mlock: stays in memory */
	bool has_private;  /**< may hold pages that fork has to share */
	struct vmspace *vmspace;
	struct rbnode node;	/* of vmspace->mappings, by start */
	struct list vnode_link; /* of vnode->cache->mappings */
};

/**
 * VM1: mappings do not overlap, and are page-aligned within user space.
 * VM2: a present, writable entry refers to a page that no one else maps
 * privately: after fork, entries of private mappings are read-only.
 * VM3: the TLB of no CPU holds rights that the page table does not give, once
 * a call that took them away has returned; and a page is freed only after.
 * VM4: a page-table page covers at least one mapping's addresses.
 * VM5: what a shared mapping of a file may write is dirty (vm_clean_pages).
 */
struct vmspace {
	struct refcount refs;
	pte_t *pml4;
	_Atomic cpuset_t cpus; /**< CPUs whose CR3 is this table */

	/** Guards the tree and the rights; faults take it for reading. */
	struct rwlock lock;
	struct rbroot mappings;
	unsigned nmappings;
	vaddr_t brk_start, brk; /**< the heap that brk(2) moves; 0: none */
	vaddr_t mmap_top; /**< where the search for room begins, downwards */
	vaddr_t room_top; /**< no room of room_missed bytes is above it */
	size_t room_missed;
	bool lock_new, fill_new;      /**< MCL_FUTURE; new ones are filled */
	uint64_t mapped_pages;	      /**< sum of the mappings' sizes */
	struct mapping *_Atomic last; /**< found last: a hint */
	/* For /proc/PID. */
	vaddr_t code_start, code_end, data_start, data_end, stack_start;
	vaddr_t arg_start, arg_end, env_start, env_end;
	vaddr_t auxv_start, auxv_end;

	struct spinlock pt_lock;   /**< guards page-table entries */
	_Atomic uint64_t resident; /**< pages present; changed under pt_lock */
	uint64_t peak_resident;	   /**< see vm_peak_resident */
};

/** A new, empty address space; NULL: no memory. */
struct vmspace *vmspace_new(void);
/** One more reference to @p vm. @return it */
struct vmspace *vmspace_get(struct vmspace *vm);
/** Give a reference back; the last one unmaps and frees all. May sleep. */
void vmspace_put(struct vmspace *vm);
/** A copy for fork: private memory is shared copy-on-write. NULL: no memory */
struct vmspace *vmspace_fork(struct vmspace *from);
/** Make @p vm the running thread's; the caller's reference goes with it. The
 * previous one's reference is the caller's to give back. */
struct vmspace *vmspace_switch(struct vmspace *vm);

/**
 * Map @p len bytes of @p vnode (NULL: zero-fill) at @p addr.
 * Rules as mmap(2): without MAP_FIXED @p addr is a hint (0: none).
 * @return the address, or a negative errno
 */
int64_t vm_map(struct vmspace *vm, vaddr_t addr, size_t len, uint32_t prot,
	       uint32_t flags, struct vnode *vnode, uint64_t offset,
	       bool may_write);
/** Take out what is mapped in [@p addr, @p addr + @p len), as munmap(2): holes
 * are no error. May sleep. @return 0, -EINVAL, -ENOMEM: one mapping too many */
int vm_unmap(struct vmspace *vm, vaddr_t addr, size_t len);
/** Give all that is mapped there rights @p prot, as mprotect(2). May sleep.
 * @return 0, -EINVAL, -EACCES: a file not to be written, or not to be executed,
 * so; -ENOMEM: a hole; what lies before the one that failed is changed */
int vm_protect(struct vmspace *vm, vaddr_t addr, size_t len, uint32_t prot);

/** Pages of mappings from @p start to @p end, of all or of those that are
 * locked; vm's lock held. */
uint64_t vm_pages_within(struct vmspace *vm, vaddr_t start, vaddr_t end,
			 bool all);

/** Whether RLIMIT_MEMLOCK lets @p more pages be locked; vm's lock held. */
bool vm_may_lock(struct vmspace *vm, uint64_t more);

/** The mapping that holds @p addr, or NULL; vm->lock held. */
struct mapping *vm_find(struct vmspace *vm, vaddr_t addr);

/** Mappings that one address space may have: a share of the kernel heap. */
unsigned vm_mappings_max(void);

/** Where @p len bytes can be mapped, at or above 0, or -ENOMEM. The answer is
 * good as long as nobody else maps: for exec's new vmspace. */
int64_t vm_find_room(struct vmspace *vm, size_t len);

/** Put @p page, whose reference goes with it, at @p va of a private zero-fill
 * mapping that holds nothing there yet: exec's stack. 0 or -ENOMEM */
int vm_insert_page(struct vmspace *vm, vaddr_t va, struct page *page);

/** Most pages that have been resident at once. */
uint64_t vm_peak_resident(const struct vmspace *vm);

/** Pages that the mappings of @p vm have in the page cache and of their own. */
void vm_count_pages(struct vmspace *vm, uint64_t *shared, uint64_t *data);

/** Call @p fn for every mapping in order, vm->lock held for reading. */
void vm_for_each(struct vmspace *vm,
		 void (*fn)(const struct mapping *m, void *arg), void *arg);

/** Copy to or from another address space (exec's stack, /proc/PID/cmdline),
 * from or to kernel memory, as the program itself would: rights are checked,
 * files become dirty. @p from of vm_copy_out NULL: zeros. May sleep.
 * @return bytes done, or -EFAULT if none */
int64_t vm_copy_out(struct vmspace *vm, vaddr_t to, const void *from,
		    size_t len);
int64_t vm_copy_in(struct vmspace *vm, void *to, vaddr_t from, size_t len);

/** Memory is short, and @p tries waits for it were in vain: wait for pages to
 * be written back, or have a process ended. Sleeps; no locks held. @return 0 to
 * try again, or -ENOMEM: the running process is to die */
int vm_wait_for_memory(unsigned tries);

/** What a word of user memory is known by to all who have it mapped. */
struct vm_key {
	/** Serial number of the vnode, which nobody keeps; or the vmspace. */
	uint64_t object;
	uint64_t offset; /**< bytes */
};
/** Find the key of @p address of the running address space: the vnode and the
 * offset in it for a shared mapping, else the address space and the address.
 * May sleep. @return 0 or -EFAULT: nothing is mapped there */
int vm_key_get(const void *address, struct vm_key *key);

#define VM_FAULT_WRITE 0x1
#define VM_FAULT_FETCH 0x2
#define VM_FAULT_USER  0x4 /**< from user mode: no heap is reserved yet */

/** Make @p address of @p vm accessible; see trap_ops.page_fault. */
int vm_fault(struct vmspace *vm, vaddr_t address, unsigned how);

/** Whether a touch of @p va of @p m would find its page in memory, be it in the
 * page table or in the page cache. vm->lock held. */
bool vm_in_core(struct mapping *m, vaddr_t va);

/*
 * The tree of mappings, for calls that change it in ways of their own. If not
 * said otherwise, vm->lock is held for writing; none fails.
 */

/** First mapping that ends above @p addr, or NULL. Reading suffices. */
struct mapping *map_ceil(struct vmspace *vm, vaddr_t addr);

/** The mapping after @p m, or NULL. Reading suffices. */
static inline struct mapping *
map_next(const struct mapping *m)
{
	struct rbnode *n = rb_next(&m->node);

	return n ? rb_entry(n, struct mapping, node) : NULL;
}

/** Insert a copy of @p like (its tree links aside) in the tree, and in its
 * vnode's list with a reference; merges it with its neighbours where they are
 * alike. @return the mapping that holds it now */
struct mapping *map_insert(struct vmspace *vm, const struct mapping *like);

/** The same with memory from @p spare, a list of mappings (by vnode_link) that
 * has one: allocates nothing. */
void map_insert_spare(struct vmspace *vm, const struct mapping *like,
		      struct list *spare);

/** Have a mapping begin at @p at, which lies inside of @p m.
 * @return that one; @p m ends there */
struct mapping *map_split(struct mapping *m, vaddr_t at);

/** Split the mappings that lie across @p start and @p end, so that those
 * between lie between wholly: two more at most. The tree is locked for writing;
 * the caller has checked the limits, and calls map_join after its changes. */
void map_cut(struct vmspace *vm, vaddr_t start, vaddr_t end);

/** Merge at @p start and @p end what map_cut has split and is alike (again). */
void map_join(struct vmspace *vm, vaddr_t start, vaddr_t end);

/** Move the ends of @p m; no neighbour is there. */
void map_resize(struct mapping *m, vaddr_t start, vaddr_t end);

/** Merge @p m with the mappings beside it where they are alike.
 * @return the mapping that holds it now */
struct mapping *map_merge(struct mapping *m);

/** Take everything in [@p start, @p end) out: mappings go to list @p dead for
 * map_reap. */
void map_remove(struct vmspace *vm, vaddr_t start, vaddr_t end,
		struct list *dead);

/** The same where no mapping lies across an end: allocates nothing. */
void map_remove_whole(struct vmspace *vm, vaddr_t start, vaddr_t end,
		      struct list *dead);

/** Free removed mappings; may sleep, vm->lock not held. */
void map_reap(struct list *dead);

/** Whether one more mapping than @p extra may be made, and @p pages more be
 * mapped. 0 or -ENOMEM */
int map_check_limits(struct vmspace *vm, unsigned extra, uint64_t pages);

/** Find room for @p len bytes below mmap_top: address, or -ENOMEM. */
int64_t map_find_room(struct vmspace *vm, size_t len);

/** Whether [@p start, @p end) holds no mapping, and keeps the guard gap of a
 * stack above it. */
bool map_is_free(struct vmspace *vm, vaddr_t start, vaddr_t end);

/*
 * The page table, for the same calls. A page that leaves it, or loses a right,
 * has done so on all CPUs when the function returns (VM3).
 */

/** Take the pages of [@p start, @p end), which lies in @p m, out: the next
 * touch finds zeros, or the file's contents. What was written through a shared
 * mapping stays written. vm->lock held for writing. */
void pmap_forget(struct mapping *m, vaddr_t start, vaddr_t end);

/**
 * Take the write rights and the dirty marks from the entries of shared
 * mapping @p m in [@p start, @p end), so that the next write faults again.
 *
 * vm->lock held for reading, or the file's mappings_lock.
 *
 * @param tell  whether the page cache is told which pages were dirty
 */
void pmap_clean(struct mapping *m, vaddr_t start, vaddr_t end, bool tell);

/** Move the entries of [@p from, @p from + @p len) to @p to, where there are
 * none. vm->lock held for writing, and a file's mappings_lock: who looks for a
 * page from the file's side must not miss it on its way.
 * @return bytes done, less than @p len without memory for tables */
size_t pmap_move(struct vmspace *vm, vaddr_t from, vaddr_t to, size_t len);

struct vm_ops {
	/** proc: RLIMIT_AS, RLIMIT_STACK, RLIMIT_DATA of the running process,
	 * in bytes. */
	uint64_t (*limit)(unsigned resource);
	/** proc: memory has run out: end the process that holds most.
	 * @return whether there is hope that pages become free */
	bool (*out_of_memory)(void);
	/** ipc: a mapping of @p v, whose field `ipc` is set, has gone. No locks
	 * held; may sleep. */
	void (*unmapped)(struct vnode *v);
};
extern struct vm_ops vm_ops;

#endif
