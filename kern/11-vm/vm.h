/*
 * vm: address spaces. A vmspace is a tree of mappings (what is where, with
 * which rights) and a page table that is filled by faults: memory appears when
 * it is touched, and is copied after a fork when it is written.
 */
#ifndef VM_H
#define VM_H

#include "abi/mman.h"
#include "vfs.h"

/** A mapped range: [start, end) of one vmspace, all alike. */
struct mapping {
	vaddr_t start, end;
	uint32_t prot;	     /**< PROT_* */
	uint32_t flags;	     /**< MAP_SHARED or MAP_PRIVATE, and others */
	struct vnode *vnode; /**< whose pages; NULL: zero-fill */
	uint64_t offset;     /**< of start in the file: bytes, page-aligned */
	bool may_write; /**< shared file opened for writing: mprotect may */
	bool is_stack;	/**< grows down on faults below it */
	struct vmspace *vmspace;
	struct rbnode node;	/* of vmspace->mappings, by start */
	struct list vnode_link; /* of vnode->mappings */
};

/**
 * VM1: mappings do not overlap, and are page-aligned within user space.
 * VM2: a present, writable entry refers to a page that no one else maps
 * privately: after fork, entries of private mappings are read-only.
 * VM3: the TLB of no CPU holds rights that the page table does not give, once
 * a call that took them away has returned.
 */
struct vmspace {
	struct refcount refs;
	pte_t *pml4;
	_Atomic cpuset_t cpus; /**< CPUs whose CR3 is this table */

	/** Guards the tree and the rights; faults take it for reading. */
	struct rwlock lock;
	struct rbroot mappings;
	vaddr_t brk_start, brk;
	vaddr_t mmap_top; /**< where the search for room begins, downwards */
	uint64_t mapped_pages; /**< sum of the mappings' sizes */
	/* For /proc/PID. */
	vaddr_t code_start, code_end, data_start, data_end, stack_start;
	vaddr_t arg_start, arg_end, env_start, env_end;

	struct spinlock pt_lock;   /**< guards page-table entries */
	_Atomic uint64_t resident; /**< pages present */
	_Atomic uint64_t peak_resident;
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

/** Call @p fn for every mapping in order, vm->lock held for reading. */
void vm_for_each(struct vmspace *vm,
		 void (*fn)(const struct mapping *m, void *arg), void *arg);

/** Copy to or from another address space (exec's stack, /proc/PID/cmdline).
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
