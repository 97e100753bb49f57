/*
 * Reaching into an address space that is not the running one (exec's new
 * stack, /proc/PID/cmdline): page by page, through the direct map.
 */
#include "string.h"
#include "vm_internal.h"

/*
 * Copy @n bytes of the page at @va: to @in, or if that is NULL from @out (NULL:
 * zeros). It is done under pt_lock, with an entry that allows it, and so is
 * like an instruction of the program: write-back that has marked a shared page
 * clean takes the right away under that lock before it reads the page (VM5).
 * Either it has not been there yet, and will see what is stored here, or it
 * has, and the fault that comes first marks the page dirty again.
 */
static int
copy_in_page(struct vmspace *vm, vaddr_t va, char *in, const char *out,
	     size_t n)
{
	bool done = false;
	pte_t *pte, old;
	char *at;
	int error;

	do {
		error = vm_fault(vm, va, in ? 0 : VM_FAULT_WRITE);
		if (error)
			return error;
		/* The lock keeps the table; the fault may be undone already,
		 * and is then repeated. */
		rwlock_read_lock(&vm->lock);
		pte = pmap_find(vm->pml4, va);
		spin_lock(&vm->pt_lock);
		old = pte ? *pte : 0;
		if (old & PTE_P && (in || old & PTE_W)) {
			at = page_address(pte_page(old));
			at += va % PAGE_SIZE;
			if (in)
				memcpy(in, at, n);
			else if (out)
				memcpy(at, out, n);
			else
				memset(at, 0, n);
			done = true;
		}
		spin_unlock(&vm->pt_lock);
		rwlock_read_unlock(&vm->lock);
	} while (!done);
	return 0;
}

int64_t
vm_copy_out(struct vmspace *vm, vaddr_t to, const void *from, size_t len)
{
	const char *out = from;
	size_t done, n;

	for (done = 0; done < len && to + done < USER_TOP; done += n) {
		n = MIN(len - done, PAGE_SIZE - (to + done) % PAGE_SIZE);
		if (copy_in_page(vm, to + done, NULL, out ? out + done : NULL,
				 n))
			break;
	}
	return done || !len ? (int64_t)done : -EFAULT;
}

int64_t
vm_copy_in(struct vmspace *vm, void *to, vaddr_t from, size_t len)
{
	size_t done, n;

	for (done = 0; done < len && from + done < USER_TOP; done += n) {
		n = MIN(len - done, PAGE_SIZE - (from + done) % PAGE_SIZE);
		if (copy_in_page(vm, from + done, (char *)to + done, NULL, n))
			break;
	}
	return done || !len ? (int64_t)done : -EFAULT;
}

int
vm_insert_page(struct vmspace *vm, vaddr_t va, struct page *page)
{
	struct mapping *m;
	pte_t *pte;
	unsigned tries = 0;

	rwlock_read_lock(&vm->lock);
	while (!(pte = pmap_make(vm, va))) {
		rwlock_read_unlock(&vm->lock);
		if (vm_wait_for_memory(tries++))
			return -ENOMEM;
		rwlock_read_lock(&vm->lock);
	}
	m = vm_find(vm, va);
	ASSERT(m && !m->vnode && m->flags & MAP_PRIVATE);
	spin_lock(&vm->pt_lock);
	ASSERT(!*pte);
	m->has_private = true;
	*pte = page_to_phys(page) | pmap_rights(m->prot, true);
	vm->resident++;
	spin_unlock(&vm->pt_lock);
	rwlock_read_unlock(&vm->lock);
	return 0;
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
		key->object = m->vnode->serial;
		key->offset = m->offset + (va - m->start);
	} else {
		key->object = (uint64_t)vm;
		key->offset = va;
	}
	rwlock_read_unlock(&vm->lock);
	return error;
}
