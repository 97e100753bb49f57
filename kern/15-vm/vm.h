/*
 * vm: address spaces. A vmspace is a tree of mappings (what is where, with
 * which rights) and a page table that is filled by faults: memory appears when
 * it is touched, and is copied after a fork when it is written.
 */
#ifndef VM_H
#define VM_H

#include "abi/mman.h"
#include "files.h"

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
	vaddr_t brk_start, brk;
	vaddr_t mmap_top; /**< where the search for room begins, downwards */
	vaddr_t room_top; /**< no room of room_missed bytes is above it */
	size_t room_missed;
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
int vm_unmap(struct vmspace *vm, vaddr_t addr, size_t len);
int vm_protect(struct vmspace *vm, vaddr_t addr, size_t len, uint32_t prot);

/** The mapping that holds @p addr, or NULL; vm->lock held. */
struct mapping *vm_find(struct vmspace *vm, vaddr_t addr);

/** Mappings that one address space may have: a share of the kernel heap. */
unsigned vm_mappings_max(void);

/** Set the end of the heap, as brk(2), within @p limit bytes of it. A new
 * vmspace has none until both brk_start and brk are set.
 * @return the end of the heap: unchanged where that cannot be done */
vaddr_t vm_set_brk(struct vmspace *vm, vaddr_t brk, uint64_t limit);

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

/** Copy to or from another address space (exec's stack, /proc/PID/cmdline);
 * @p from of vm_copy_out NULL: zeros. May sleep.
 * @return bytes done, or -EFAULT if none */
int64_t vm_copy_out(struct vmspace *vm, vaddr_t to, const void *from,
		    size_t len);
int64_t vm_copy_in(struct vmspace *vm, void *to, vaddr_t from, size_t len);

/** Physical page and offset behind a user address of the current address
 * space, as futex keys need it: for shared mappings the vnode and index. */
struct vm_key {
	const void
		*object; /**< vnode, or the vmspace itself for private ones */
	uint64_t offset; /**< bytes */
};
int vm_key_get(const void *address, struct vm_key *key);

struct vm_ops {
	/** proc: RLIMIT_AS, RLIMIT_STACK, RLIMIT_DATA of the running process,
	 * in bytes. */
	uint64_t (*limit)(unsigned resource);
	/** proc: memory has run out: end the process that holds most.
	 * @return whether there is hope that pages become free */
	bool (*out_of_memory)(void);
};
extern struct vm_ops vm_ops;

#endif
