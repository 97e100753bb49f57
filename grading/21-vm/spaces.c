/*
 * What lab vm adds to the agent: address spaces and calls on them, loads and
 * stores at user addresses as system calls make them, and a file whose disk
 * is an array that the host fills. Nothing is compared here: the host reads
 * page tables, the page array and the array's contents in guest memory.
 */
#include "agent.h"
#include "string.h"
#include "vm_internal.h"

#define FILE_PAGES     128
#define RUNS	       64
#define CALL_PROT      0xff	 /* of agent_map's last argument: PROT_*, ... */
#define CALL_FLAGS     8	 /* ... MAP_* ... */
#define CALL_FILE      0x1000000 /* ... the file's pages ... */
#define ZAP_CACHE_ONLY 0x1
#define ZAP_TELL       0x2
#define CALL_INDEX     32 /* ... from this one on */

char agent_disk[FILE_PAGES][PAGE_SIZE];
uint64_t agent_reads[FILE_PAGES], agent_writes[FILE_PAGES];
uint64_t agent_prepared[FILE_PAGES];
uint64_t agent_no_space; /* prepare_write fails from now on */
struct gather agent_gather;

/* What agent_ranges has found. */
struct {
	uint64_t va, n, pte;
} agent_runs[RUNS];

void agent_constants_vm(void);
struct vmspace *agent_space(void);
struct vmspace *agent_fork(struct vmspace *from);
uint64_t agent_put(struct vmspace *vm);
uint64_t agent_enter(struct vmspace *vm);
int64_t agent_map(struct vmspace *vm, vaddr_t addr, uint64_t pages,
		  uint64_t how);
int64_t agent_unmap(struct vmspace *vm, vaddr_t addr, uint64_t pages);
int64_t agent_protect(struct vmspace *vm, vaddr_t addr, uint64_t pages,
		      uint32_t prot);
int64_t agent_fault(struct vmspace *vm, vaddr_t addr, unsigned how);
int64_t agent_load(vaddr_t addr);
int64_t agent_store(vaddr_t addr, uint64_t value);
uint64_t agent_interrupts(bool on);
uint64_t agent_word(const uint64_t *p);
uint64_t agent_ranges(pte_t *pml4, vaddr_t start, vaddr_t end);
uint64_t agent_zap(struct vmspace *vm, vaddr_t start, vaddr_t end,
		   uint64_t how);
uint64_t agent_free_tables(struct vmspace *vm, const vaddr_t range[4]);
uint64_t agent_free_pages(void);
struct vnode *agent_file(uint64_t size);
struct page *agent_cached(uint64_t index);
struct page *agent_cache(uint64_t index);
uint64_t agent_is_dirty(uint64_t index);
int64_t agent_sync(void);
int64_t agent_truncate(uint64_t size);

void
agent_constants_vm(void)
{
	AGENT_CONSTANT(vm_pml4, offsetof(struct vmspace, pml4));
	AGENT_CONSTANT(vm_resident, offsetof(struct vmspace, resident));
	AGENT_CONSTANT(PG_DIRTY, PG_DIRTY);
	AGENT_CONSTANT(FILE_PAGES, FILE_PAGES);
	AGENT_CONSTANT(RUNS, RUNS);
	AGENT_CONSTANT(CALL_FLAGS, CALL_FLAGS);
	AGENT_CONSTANT(CALL_FILE, CALL_FILE);
	AGENT_CONSTANT(CALL_INDEX, CALL_INDEX);
	AGENT_CONSTANT(ZAP_CACHE_ONLY, ZAP_CACHE_ONLY);
	AGENT_CONSTANT(ZAP_TELL, ZAP_TELL);
	AGENT_CONSTANT(gather_n, offsetof(struct gather, n));
	AGENT_CONSTANT(gather_start, offsetof(struct gather, start));
	AGENT_CONSTANT(gather_end, offsetof(struct gather, end));
	AGENT_CONSTANT(gather_pages, offsetof(struct gather, pages));
	AGENT_CONSTANT(GATHER_PAGES, GATHER_PAGES);
}

/* ---- Address spaces ---- */

struct vmspace *
agent_space(void)
{
	struct vmspace *vm;

	heap_begin(HEAP_BOUND(selftest));
	vm = vmspace_new();
	heap_end();
	return vm;
}

struct vmspace *
agent_fork(struct vmspace *from)
{
	struct vmspace *vm;

	heap_begin(HEAP_BOUND(selftest));
	vm = vmspace_fork(from);
	heap_end();
	return vm;
}

uint64_t
agent_put(struct vmspace *vm)
{
	vmspace_put(vm);
	return 0;
}

/** Have the running thread be in @p vm; NULL: in none. */
uint64_t
agent_enter(struct vmspace *vm)
{
	vmspace_put(vmspace_switch(vm ? vmspace_get(vm) : NULL));
	return 0;
}

static struct vnode *file;

int64_t
agent_map(struct vmspace *vm, vaddr_t addr, uint64_t pages, uint64_t how)
{
	struct vnode *v = how & CALL_FILE ? file : NULL;
	int64_t at;

	heap_begin(HEAP_BOUND(selftest));
	at = vm_map(vm, addr, pages * PAGE_SIZE, how & CALL_PROT,
		    (how >> CALL_FLAGS & 0xff) | MAP_FIXED_NOREPLACE, v,
		    (how >> CALL_INDEX) * PAGE_SIZE, true);
	heap_end();
	return at;
}

int64_t
agent_unmap(struct vmspace *vm, vaddr_t addr, uint64_t pages)
{
	int64_t error;

	heap_begin(HEAP_BOUND(selftest));
	error = vm_unmap(vm, addr, pages * PAGE_SIZE);
	heap_end();
	return error;
}

int64_t
agent_protect(struct vmspace *vm, vaddr_t addr, uint64_t pages, uint32_t prot)
{
	int64_t error;

	heap_begin(HEAP_BOUND(selftest));
	error = vm_protect(vm, addr, pages * PAGE_SIZE, prot);
	heap_end();
	return error;
}

/* ---- Touching ---- */

int64_t
agent_fault(struct vmspace *vm, vaddr_t addr, unsigned how)
{
	int64_t error;

	heap_begin(HEAP_BOUND(selftest));
	error = vm_fault(vm, addr, how);
	heap_end();
	return error;
}

/** The word at user address @p addr, which is positive, or -errno. */
int64_t
agent_load(vaddr_t addr)
{
	int64_t word = 0;
	int error;

	heap_begin(HEAP_BOUND(selftest));
	error = copyin(&word, (void *)addr, sizeof(word));
	heap_end();
	return error ? error : word;
}

int64_t
agent_store(vaddr_t addr, uint64_t value)
{
	int64_t error;

	heap_begin(HEAP_BOUND(selftest));
	error = copyout((void *)addr, &value, sizeof(value));
	heap_end();
	return error;
}

/** Turn interrupts of this CPU off (@p on false), or on again. */
uint64_t
agent_interrupts(bool on)
{
	if (on)
		sti();
	else
		cli();
	return 0;
}

/** The word at @p p. */
uint64_t
agent_word(const uint64_t *p)
{
	return *p;
}

/* ---- The page table ---- */

/** Find what pmap_next finds, from range to range, into agent_runs.
 * @return how many there are */
uint64_t
agent_ranges(pte_t *pml4, vaddr_t start, vaddr_t end)
{
	uint64_t found = 0;
	unsigned n;
	pte_t *pte;

	memset(agent_runs, 0, sizeof(agent_runs));
	while (found < RUNS && (pte = pmap_next(pml4, &start, end, &n))) {
		agent_runs[found].va = start;
		agent_runs[found].n = n;
		agent_runs[found++].pte = (uint64_t)pte;
		start += n * PAGE_SIZE;
	}
	return found;
}

/** pmap_zap into agent_gather, which stays for the host to look at. */
uint64_t
agent_zap(struct vmspace *vm, vaddr_t start, vaddr_t end, uint64_t how)
{
	gather_init(&agent_gather, vm);
	agent_gather.cache_only = how & ZAP_CACHE_ONLY;
	agent_gather.vnode = how & ZAP_TELL ? file : NULL;
	pmap_zap(&agent_gather, start, end);
	return agent_gather.n;
}

/** pmap_free_tables into agent_gather; @p range: start, end, floor, ceiling. */
uint64_t
agent_free_tables(struct vmspace *vm, const vaddr_t range[4])
{
	gather_init(&agent_gather, vm);
	pmap_free_tables(&agent_gather, range[0], range[1], range[2], range[3]);
	return agent_gather.n;
}

/** Pages that nobody has. */
uint64_t
agent_free_pages(void)
{
	struct mem_stats stats;

	mem_stats_get(&stats);
	return stats.free;
}

/* ---- The file ---- */

static int
read_page(void *owner, struct page *page)
{
	(void)owner;
	if (page->index < FILE_PAGES) {
		memcpy(page_address(page), agent_disk[page->index], PAGE_SIZE);
		agent_reads[page->index]++;
	} else {
		memset(page_address(page), 0, PAGE_SIZE);
	}
	return 0;
}

static int
write_page(void *owner, struct page *page)
{
	(void)owner;
	memcpy(agent_disk[page->index], page_address(page), PAGE_SIZE);
	agent_writes[page->index]++;
	return 0;
}

static int
prepare_write(void *owner, uint64_t offset, uint64_t len)
{
	(void)owner;
	(void)len;
	agent_prepared[offset / PAGE_SIZE]++;
	return agent_no_space ? -ENOSPC : 0;
}

static int
set_attributes(struct vnode *v, const struct vattr *attr)
{
	if (attr->valid & VATTR_SIZE)
		v->size = attr->size;
	return 0;
}

static const struct page_cache_ops file_page_ops = {
	.read_page = read_page,
	.write_page = write_page,
	.prepare_write = prepare_write,
};
static const struct vnode_ops file_ops = {
	.setattr = set_attributes,
	.pages = &file_page_ops,
};
static struct mount file_mount = {
	.vnodes_lock = SPINLOCK("mount vnodes"),
	.in_memory = true,
};

/** Make the file, of @p size bytes, with the disk as it is. */
struct vnode *
agent_file(uint64_t size)
{
	bool is_new;

	heap_begin(HEAP_BOUND(selftest));
	file = vnode_lookup(&file_mount, 1, &is_new);
	file->mode = S_IFREG | 0600;
	file->size = size;
	vnode_ready(file, VT_REG, &file_ops);
	heap_end();
	return file;
}

/** The cache's page @p index, or NULL. */
struct page *
agent_cached(uint64_t index)
{
	struct page *page = page_cache_peek(file->cache, index);

	if (page)
		page_unref(page);
	return page;
}

/** The same; it is read if it is not there. */
struct page *
agent_cache(uint64_t index)
{
	struct page *page;
	int error = 0;

	heap_begin(HEAP_BOUND(selftest));
	page = page_cache_get(file->cache, index, &error);
	heap_end();
	if (page)
		page_unref(page);
	return page;
}

/** Whether page @p index is in the cache and dirty. */
uint64_t
agent_is_dirty(uint64_t index)
{
	struct page *page = page_cache_peek(file->cache, index);
	bool dirty = page && page->flags & PG_DIRTY;

	if (page)
		page_unref(page);
	return dirty;
}

/** Write what is dirty to the disk. */
int64_t
agent_sync(void)
{
	int64_t error;

	heap_begin(HEAP_BOUND(selftest));
	error = page_cache_sync(file->cache);
	heap_end();
	return error;
}

int64_t
agent_truncate(uint64_t size)
{
	int64_t error;

	heap_begin(HEAP_BOUND(selftest));
	error = vnode_truncate(file, size);
	heap_end();
	return error;
}
