/*
 * The vDSO's place in a program: an object of shared memory that holds the page
 * with the clock's numbers (clockpage.h) and, behind it, the library that reads
 * them (folder vdso). It is mapped privately and without the right to write, so
 * it costs a program two mappings, and pages of its own only if a debugger
 * changes it.
 */
#include "exec_internal.h"
#include "mmap.h"
#include "string.h"

extern const uint8_t vdso_image[], vdso_image_end[];

struct vnode *vdso_object;

size_t
vdso_size(void)
{
	return PAGE_SIZE +
	       ROUND_UP((size_t)(vdso_image_end - vdso_image), PAGE_SIZE);
}

/* Both are private: a debugger's write makes a copy, and the object stays as it
 * is. The clock's page is data, and not to be executed: so two mappings. */
int
vdso_map(struct vmspace *vm, vaddr_t at)
{
	int64_t n = vm_map(vm, at, PAGE_SIZE, PROT_READ,
			   MAP_PRIVATE | MAP_FIXED, vdso_object, 0, false);

	if (n >= 0)
		n = vm_map(vm, at + PAGE_SIZE, vdso_size() - PAGE_SIZE,
			   PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED,
			   vdso_object, PAGE_SIZE, false);
	return n < 0 ? -ENOMEM : 0;
}

/* A page of the object; it has been made, and stays without this reference: the
 * cache has one, and never reclaims it (MMAP2). */
static void *
page_of(uint64_t index)
{
	int error;
	struct page *page = page_cache_get(vdso_object->cache, index, &error);

	if (!page)
		panic("exec: no memory for the vDSO");
	page_unref(page);
	return page_address(page);
}

/* Page 0 is the clock's; the image begins in page 1, and what is left of its
 * last page is zeros. */
void
vdso_init(void)
{
	size_t done = 0, n, len = vdso_image_end - vdso_image;

	heap_begin(HEAP_BOUND(startup));
	if (shared_object_new(vdso_size(), &vdso_object))
		panic("exec: no memory for the vDSO");
	for (; done < len; done += n) {
		n = MIN(len - done, PAGE_SIZE);
		memcpy(page_of(1 + done / PAGE_SIZE), vdso_image + done, n);
	}
	clock_share(page_of(0));
	heap_end();
}
