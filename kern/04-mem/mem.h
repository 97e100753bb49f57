/*
 * mem: physical pages and kernel memory. Pages come from a buddy allocator
 * with a per-CPU cache in front; the kernel's page table maps each part of the
 * image with its exact rights; the kernel heap is a slab allocator of
 * single-page slabs that takes its pages from a share set aside at boot.
 */
#ifndef MEM_H
#define MEM_H

#include "list.h"
#include "sync.h"

/* ---- Physical pages ---- */

/**
 * One for each page frame of RAM: 48 bytes for 4096, in an array by number, so
 * that page, address and neighbours are found by arithmetic. The union says
 * what the page is used for; its owner alone writes it, under a lock of the
 * owner's: the buddy lists' while it is free, the slab cache's while it is a
 * slab. order and use are written by who takes the page off the lists or puts
 * it back, when nobody else has it.
 */
struct page {
	_Atomic uint32_t refs;	/**< 0: free */
	uint8_t order;		/**< of a free block, or of the allocation */
	uint8_t use;		/**< enum page_use */
	union {
		_Atomic uint16_t flags; /**< PAGE_CACHE: its PG_* bits */
		uint16_t account; /**< PAGE_KERNEL: who caused it (md_thread) */
	};
	union {
		struct list free_link; /**< PAGE_FREE: buddy lists */
		struct {	       /**< PAGE_SLAB */
			struct slab_cache *cache;
			void *free_objects; /**< chain through the objects */
			struct list slab_link;
			uint16_t in_use, slab_state;
			uint32_t charge; /**< of an object that is the page */
#ifdef DEBUG
			uint32_t serial;
#endif
		};
		struct { /**< PAGE_CACHE: a page of a file (cache) */
			void *owner;
			uint64_t index; /**< in pages from the file's start */
			struct list lru;
			void *private_data;
		};
	};
};

/** Who owns a page. Of a free block only the first page is PAGE_FREE, with the
 * block's order: a page in the middle of one must not look like a block. */
enum page_use {
	PAGE_FREE = 0,
	PAGE_RESERVED, /**< firmware, kernel image, page array: never freed */
	PAGE_KERNEL,   /**< page tables, stacks, buffers */
	PAGE_SLAB,
	PAGE_CACHE,
	PAGE_USER, /**< anonymous user memory */
};

/** The largest block: 4 MiB. Larger ones nobody asks for, and each order more
 * is a list more to merge into at every free. */
#define PAGE_ORDER_MAX 10

/* Flags of page_alloc. */
#define ALLOC_ZERO   0x1 /**< clear the pages */
#define ALLOC_HEAP   0x2 /**< for the kernel heap: may use the heap's share */
#define ALLOC_NOWAIT 0x4 /**< fail rather than reclaim (locks are held) */
#define ALLOC_LOW    0x8 /**< below 4 GiB: for devices of 32 address bits */

/**
 * Allocate 2^@p order contiguous pages, with one reference.
 *
 * Without ALLOC_HEAP, pages that are set aside for the kernel heap are not
 * given out (MEM3). If none are free, the reclaim hook is called first, unless
 * ALLOC_NOWAIT is given or preemption is off. If that does not help, a single
 * page, but for PAGE_USER, comes from those kept as a last resort. ALLOC_LOW
 * searches the lists of free blocks: it is for drivers that start.
 *
 * @return the first page, or NULL where there is no memory
 */
struct page *page_alloc(unsigned order, enum page_use use, unsigned flags);

/** Take another reference on @p page; the caller has one (MEM2). Any context.
 */
void page_ref(struct page *page);

/** Give a reference back; the last one frees the page (all 2^order of them).
 * Any context. */
void page_unref(struct page *page);

/**
 * Call @p fn for each PAGE_KERNEL allocation of one page: the account that it
 * is charged to, that of the thread that allocated it; fn may say another one.
 * What is allocated and freed meanwhile may be missed.
 */
void page_for_each(uint16_t (*fn)(uint16_t account, void *arg), void *arg);

/** References now: exact only if the caller keeps others from changing them. */
static inline uint32_t
page_refs(const struct page *page)
{
	return atomic_load_explicit(&page->refs, memory_order_relaxed);
}

/** The page frame array, indexed by physical address / PAGE_SIZE. It spans
 * holes in memory too; their entries are PAGE_RESERVED for ever. */
extern struct page *page_array;
extern uint64_t page_array_len;

/** Physical address of the page's memory. */
static inline paddr_t
page_to_phys(const struct page *page)
{
	return (uint64_t)(page - page_array) << PAGE_SHIFT;
}

/** Page of physical address @p pa, or NULL where there is no RAM. */
static inline struct page *
phys_to_page(paddr_t pa)
{
	return pa >> PAGE_SHIFT < page_array_len ? &page_array[pa >> PAGE_SHIFT]
						 : NULL;
}

/** The page's memory, in the direct map. */
static inline void *
page_address(const struct page *page)
{
	return direct_map(page_to_phys(page));
}

/** Page that holds kernel address @p p, which is of the direct map. */
static inline struct page *
address_to_page(const void *p)
{
	return &page_array[((uint64_t)p - DIRECT_MAP_BASE) >> PAGE_SHIFT];
}

/** Physical address of @p p, in the direct map or in the kernel image. */
static inline paddr_t
kernel_phys(const void *p)
{
	return (uint64_t)p >= KERNBASE ? (uint64_t)p - KERNBASE
				       : (uint64_t)p - DIRECT_MAP_BASE;
}

/** Clear or copy one page, by addresses of the direct map. Any context. */
void page_clear(void *page);
void page_copy(void *to, const void *from);

struct mem_stats {
	uint64_t total;	    /**< pages managed */
	uint64_t free;	    /**< pages free now, those set aside included */
	uint64_t heap_max;  /**< M: pages that the heap may have */
	uint64_t heap_used; /**< pages that it has */
};
/** Figures for /proc and tests. Other CPUs' caches are read without a lock, so
 * they are exact only while nobody allocates. */
void mem_stats_get(struct mem_stats *stats);

/** Pages that the heap has now. Any context. */
uint64_t mem_heap_used(void);

/** What later chapters fill in at their start. */
struct mem_ops {
	/** cache: free about @p want pages. May sleep.
	 * @return pages freed; 0: none can be */
	uint64_t (*reclaim)(uint64_t want);
	/** heap: there is no page, and none could be reclaimed: free one that
	 * was kept, on this CPU. Interrupts off. @return whether there was one
	 */
	bool (*last_resort)(void);
};
extern struct mem_ops mem_ops;

/*
 * ---- Page tables (SDM vol. 3A, 4.5) ----
 *
 * Four levels of 512 entries. The kernel's upper half is the same in all root
 * tables, because its level-3 tables are made once, at start-up, and their 256
 * entries copied into each new root. So a kernel mapping that is added below
 * them is in every address space at once.
 */

typedef uint64_t pte_t;

#define PTE_P	0x1UL /**< present */
#define PTE_W	0x2UL /**< writable */
#define PTE_U	0x4UL /**< user */
#define PTE_PWT 0x8UL
#define PTE_PCD 0x10UL	/**< uncached (with PWT) */
#define PTE_A	0x20UL	/**< accessed */
#define PTE_D	0x40UL	/**< dirty */
#define PTE_PS	0x80UL	/**< maps 2 MiB or 1 GiB */
#define PTE_G	0x100UL /**< global: survives a load of CR3 */
/* Free for software. SW1: vm's, for copy-on-write. */
#define PTE_SW1	     0x200UL
#define PTE_SW2	     0x400UL
#define PTE_NX	     0x8000000000000000UL
#define PTE_ADDR     0x000ffffffffff000UL
#define PTE_UNCACHED (PTE_PCD | PTE_PWT)

#define PT_ENTRIES   512

/** Index of @p va in a table of @p level: 1 maps 4 KiB ... 4 is the root. */
static inline unsigned
pt_index(vaddr_t va, unsigned level)
{
	return va >> (12 + 9 * (level - 1)) & (PT_ENTRIES - 1);
}

/** The table that entry @p pte points to; the entry is present, no PTE_PS. */
static inline pte_t *
pte_table(pte_t pte)
{
	return direct_map(pte & PTE_ADDR);
}

/** PTE_NX where the CPU has it, else 0. */
extern pte_t pte_nx;

/** The kernel's root table: its upper half is shared by all address spaces. */
extern pte_t *kernel_pml4;

/**
 * Find the level-1 entry for @p va below root table @p pml4.
 *
 * Tables' rights are the widest that any entry below may have: what counts is
 * the leaf. Lock: who may change the table at the same time is the caller's
 * matter (the kernel's: kvmap; an address space's: chapter vm).
 *
 * @param create  make missing tables (rights P, W and, for user addresses, U)
 * @return the entry; NULL where it does not exist (or a large page maps it),
 *         or there is no memory to create it
 */
pte_t *pt_walk(pte_t *pml4, vaddr_t va, bool create);

/** A new root table whose upper half is the kernel's; NULL: no memory. May
 * sleep, as page_alloc does. */
pte_t *pt_new_root(void);

/** Free a page that held a table. No entry leads to it, and no CPU's TLB or
 * paging-structure cache does: it has been shot down. */
void pt_free_table(pte_t *table);

/** Whether kernel address @p va can be read (panic's backtrace uses it). */
bool kernel_address_readable(uint64_t va);

/* ---- Kernel virtual memory: stacks, device registers ---- */

/**
 * Map @p len bytes of device memory at @p pa, uncached.
 * @return its address; the mapping is never undone
 */
volatile void *mmio_map(paddr_t pa, size_t len);

/** Bytes of a kernel stack. A call that goes deeper meets the guard page below,
 * and ends in a double fault with a report, not in somebody else's memory. */
#define KSTACK_SIZE 16384

/**
 * Allocate a kernel stack with an unmapped guard page below it.
 * @return its top (highest address), 16-aligned; 0: no memory
 */
uint64_t kstack_alloc(void);

/** Free a stack from kstack_alloc: it is kept. Nothing runs on it. Any context.
 */
void kstack_free(uint64_t top);

/** The deepest that a thread which has ended, or another one on its stack, has
 * used it, in bytes; 0 but in the debug build. Any context. */
uint64_t kstack_deepest(void);

/** Give the pages of all stacks back that are kept for new threads. Interrupts
 * and preemption on. @return pages freed */
uint64_t kstack_shrink(void);

/** Whether @p va lies in a guard page: names a stack overflow in a panic. */
bool kstack_is_guard(uint64_t va);

/** Flush [@p va, @p va + @p len) from all CPUs' TLBs, and wait until it is
 * done; smp fills it (until then: this CPU). Context as for tlb_shootdown. */
extern void (*kernel_tlb_flush)(vaddr_t va, size_t len);

/* ---- The kernel heap ---- */

/** Where a type is allocated: one entry a knew in the source, for
 * scripts and /proc/heap. */
struct alloc_site {
	const char *file;
	uint32_t line;
	uint32_t size; /**< bytes; 0: not a constant */
	const char *what;
};

#define ALLOC_SITE(bytes, text)                                                \
	({                                                                     \
		static const struct alloc_site site LINKED(".alloc_site") = {  \
			__FILE__, __LINE__,                                    \
			__builtin_constant_p(bytes) ? (bytes) : 0, text        \
		};                                                             \
		&site;                                                         \
	})

/**
 * Allocate a zeroed object of type @p type on the kernel heap. Never fails and
 * never sleeps: the running call has reserved it (chapter heap). Any context
 * that may take a spinlock with interrupts off.
 */
#define knew(type)                                                             \
	((type *)kalloc(sizeof(type), ALLOC_SITE(sizeof(type), #type)))

/** The same for what is no process's, but the system's: it outlives who caused
 * it, and has a bound of its own or can be evicted. Charged to nobody. */
#define knew_shared(type)                                                      \
	({                                                                     \
		type *_object = knew(type);                                    \
		kcharge(_object, 0);                                           \
		_object;                                                       \
	})

/** Allocate @p n zeroed objects, together at most KALLOC_MAX bytes. */
#define knew_array(type, n)                                                    \
	((type *)kalloc(sizeof(type) * (n), ALLOC_SITE(0, #type "[]")))

#define KALLOC_MAX 4096 /**< bytes: the largest object, a page */

/** Bytes at the end of an object that are the allocator's own: to whom it is
 * charged; in the debug build its guards too. An object of KALLOC_MAX has none.
 */
#ifdef DEBUG
#define HEAP_TRAILER 16
#else
#define HEAP_TRAILER 4
#endif

#define HEAP_CLASSES 19 /**< size classes */

/** What knew and knew_array call. @p size is 1 to KALLOC_MAX. The result is
 * aligned to 16, or to 64 from 64 bytes on. */
void *kalloc(size_t size, const struct alloc_site *site);

/** Free an object of knew; NULL is ignored. Any context. In the debug build it
 * panics where the object was freed before, written to past its end, or is
 * none. */
void kfree(void *object);

/** Pages that @p n objects of @p size bytes can need at most (a bound): what
 * their slabs take if no slab in use has room for any of them. */
unsigned kalloc_pages(size_t size, unsigned n);

/** Site number @p i of the kernel and how many of its objects live (debug
 * build). @return whether there is one */
bool alloc_site_get(unsigned i, const struct alloc_site **site, long *n);

/** Give empty slabs, and what is in this CPU's magazines, back to the page
 * allocator. Any context that may take a spinlock. @return pages freed */
uint64_t slab_shrink(void);

/** Pages that @p cpus CPUs' magazines can keep from the others at most. */
unsigned slab_margin(unsigned cpus);

/** Charge the object of knew that @p object points into, which nobody frees
 * meanwhile, to @p account instead of that of the thread which allocated it.
 * Anything else is ignored. Any context. */
void kcharge(void *object, uint16_t account);

/**
 * Call @p fn for each object of the heap: the account that it is charged to,
 * where it was allocated (NULL: not known), bytes it takes. What others
 * allocate and free meanwhile may be missed. @p fn may say another account,
 * which the object is then charged to. Spinlocks are held while it runs.
 */
void heap_for_each(uint16_t (*fn)(uint16_t account,
				  const struct alloc_site *site, unsigned bytes,
				  void *arg),
		   void *arg);

/** Debug build: what one call has allocated and not freed itself. */
struct heap_count {
	uint32_t serial; /**< of the call */
	uint32_t pages;	 /**< that these need at most, all classes */
	uint16_t live[HEAP_CLASSES];
};

/** What chapter heap fills in: it counts the heap's pages. */
struct heap_ops {
	/** heap: the heap has taken one more page. Interrupts off. */
	void (*page_taken)(void);
	/** heap: the heap has given @p pages back. */
	void (*pages_returned)(uint64_t pages);
	/** heap, debug build: an object is allocated, of which a slab of its
	 * class holds @p n. @return the serial of the running call */
	uint32_t (*allocated)(unsigned class, unsigned n,
			      const struct alloc_site *site);
	/** heap, debug build: one of the call @p serial is freed. */
	void (*freed)(unsigned class, unsigned n, uint32_t serial);
};
extern struct heap_ops heap_ops;

/** One line of /proc/heap's table of size classes. */
struct slab_info {		 /**< objects in magazines count as in use */
	uint32_t size;		 /**< bytes an object */
	uint64_t objects, slabs; /**< in use */
};
/** Describe size class @p i. @return false past the last */
bool slab_info_get(unsigned i, struct slab_info *info);

#endif
