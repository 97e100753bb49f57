/*
 * Reaching into an address space that is not the running one (exec's new
 * stack, /proc/PID/cmdline): page by page, through the direct map.
 */
#include "string.h"
#include "vm_internal.h"

int64_t
vm_copy_out(struct vmspace *vm, vaddr_t to, const void *from, size_t len)
{
	struct page *page;
	size_t done = 0, n;
	char *at;
	int error;

	while (done < len) {
		n = MIN(len - done, PAGE_SIZE - (to + done) % PAGE_SIZE);
		if (to + done >= USER_TOP)
			break;
		page = vm_get_page(vm, to + done, true, &error);
		if (!page)
			break;
		at = (char *)page_address(page) + (to + done) % PAGE_SIZE;
		if (from)
			memcpy(at, (const char *)from + done, n);
		else
			memset(at, 0, n);
		page_unref(page);
		done += n;
	}
	return done || !len ? (int64_t)done : -EFAULT;
}

int64_t
vm_copy_in(struct vmspace *vm, void *to, vaddr_t from, size_t len)
{
	struct page *page;
	size_t done = 0, n;
	int error;

	while (done < len) {
		n = MIN(len - done, PAGE_SIZE - (from + done) % PAGE_SIZE);
		if (from + done >= USER_TOP)
			break;
		page = vm_get_page(vm, from + done, false, &error);
		if (!page)
			break;
		memcpy((char *)to + done,
		       (char *)page_address(page) + (from + done) % PAGE_SIZE,
		       n);
		page_unref(page);
		done += n;
	}
	return done || !len ? (int64_t)done : -EFAULT;
}

int
vm_insert_page(struct vmspace *vm, vaddr_t va, struct page *page)
{
	struct mapping *m;
	pte_t *pte = NULL;
	unsigned tries = 0;

	rwlock_read_lock(&vm->lock);
	m = vm_find(vm, va);
	ASSERT(m && !m->vnode && m->flags & MAP_PRIVATE);
	while (!(pte = pmap_make(vm, va)))
		if (vm_wait_for_memory(tries++))
			break;
	if (pte) {
		spin_lock(&vm->pt_lock);
		ASSERT(!*pte);
		m->has_private = true;
		*pte = page_to_phys(page) | pmap_rights(m->prot, true);
		vm->resident++;
		spin_unlock(&vm->pt_lock);
	}
	rwlock_read_unlock(&vm->lock);
	return pte ? 0 : -ENOMEM;
}

int
vm_key_get(const void *address, struct vm_key *key)
{
	struct vmspace *vm = current()->vmspace;
	vaddr_t va = (vaddr_t)address;
	struct mapping *m;
	int error = 0;

	if (!vm || va >= USER_TOP)
		return -EFAULT;
	rwlock_read_lock(&vm->lock);
	m = vm_find(vm, va);
	if (!m) {
		error = -EFAULT;
	} else if (m->flags & MAP_SHARED) {
		key->object = m->vnode;
		key->offset = m->offset + (va - m->start);
	} else {
		key->object = vm;
		key->offset = va;
	}
	rwlock_read_unlock(&vm->lock);
	return error;
}
