/*
 * The strings of execve. They are copied once, straight into the pages that
 * become the top of the new program's stack; downwards, so that all the rest
 * of the stack follows below them in the same page.
 */
#include "exec_internal.h"
#include "string.h"

/* Pages that are allowed with any RLIMIT_STACK: 128 KiB, as in Linux before it
 * was a share of the stack (execve(2)). */
#define ARGS_FLOOR 32

/* A quarter of the stack, as execve(2) has it, so that the program has the
 * rest. */
int
args_init(struct exec_args *a)
{
	uint64_t stack = proc_limit(RLIMIT_STACK);
	struct page *page = page_alloc(0, PAGE_KERNEL, 0);

	memset(a, 0, sizeof(*a));
	a->top = USER_TOP;
	if (!page)
		return -ENOMEM;
	a->pages = page_address(page);
	a->max_pages = MIN(MAX(stack / 4 >> PAGE_SHIFT, (uint64_t)ARGS_FLOOR),
			   (uint64_t)ARG_PAGES_MAX);
	return 0;
}

void
args_free(struct exec_args *a)
{
	if (!a->pages)
		return;
	for (unsigned i = 0; i < a->npages; i++)
		if (a->pages[i])
			page_unref(a->pages[i]);
	page_unref(address_to_page(a->pages));
}

/* The lowest byte so far. */
static vaddr_t
bottom(const struct exec_args *a)
{
	return a->top - a->used;
}

/* The kernel's address of a byte that has been reserved. Pages are counted from
 * the top, which is page-aligned; so the offset in a page is the same for both
 * addresses. */
static char *
at(const struct exec_args *a, vaddr_t va)
{
	struct page *page = a->pages[(a->top - 1 - va) >> PAGE_SHIFT];

	return (char *)page_address(page) + va % PAGE_SIZE;
}

/* Everything is counted from the top, so only the numbers that are addresses
 * change. */
void
args_place(struct exec_args *a, vaddr_t top)
{
	a->exec_fn -= a->top - top;
	a->top = top;
	a->strings = bottom(a);
}

/* The limit first: no page is taken for what does not fit. A page may have to
 * be waited for, as in a fault: a process that runs a program is not refused
 * where one that touches memory is not. */
int
args_reserve(struct exec_args *a, size_t len)
{
	struct page *page;
	unsigned tries = 0;

	if (len > a->max_pages * PAGE_SIZE - a->used)
		return -E2BIG;
	while ((size_t)a->npages * PAGE_SIZE < a->used + len) {
		page = page_alloc(0, PAGE_USER, ALLOC_ZERO);
		if (page)
			a->pages[a->npages++] = page;
		else if (vm_wait_for_memory(tries++))
			return -ENOMEM;
	}
	a->used += len;
	return 0;
}

void
args_write(struct exec_args *a, vaddr_t to, const void *from, size_t len)
{
	size_t n;

	for (; len > 0; len -= n) {
		n = MIN(len, PAGE_SIZE - to % PAGE_SIZE);
		memcpy(at(a, to), from, n);
		from = (const char *)from + n;
		to += n;
	}
}

int
args_push_bytes(struct exec_args *a, const void *bytes, size_t len)
{
	int error = args_reserve(a, len);

	if (!error)
		args_write(a, bottom(a), bytes, len);
	return error;
}

/* The 0 counts: ARG_STRLEN_MAX is Linux's MAX_ARG_STRLEN, 32 pages. */
int
args_push(struct exec_args *a, const char *text)
{
	size_t len = strlen(text) + 1;

	return len > ARG_STRLEN_MAX ? -E2BIG : args_push_bytes(a, text, len);
}

/* ---- From user space ---- */

/* The length of a long string: not within what is left of a page. */
static int64_t
measure(const char *user)
{
	struct page *page = page_alloc(0, PAGE_KERNEL, 0);
	int64_t n = -ENAMETOOLONG;
	size_t len = 0;

	if (!page)
		return -ENOMEM;
	while (n == -ENAMETOOLONG && len < ARG_STRLEN_MAX) {
		n = copyin_string(page_address(page), user + len, PAGE_SIZE);
		len += n >= 0 ? (size_t)n : PAGE_SIZE;
	}
	page_unref(page);
	if (n == -ENAMETOOLONG || len >= ARG_STRLEN_MAX)
		return -E2BIG;
	return n < 0 ? n : (int64_t)len;
}

/* Two passes: the length decides where it begins. The second takes as many
 * bytes as the first has counted, whatever is there by then; a 0 among them
 * makes two strings, which put_pointers survives. */
static int
push_long(struct exec_args *a, const char *user)
{
	int64_t len = measure(user);
	vaddr_t to, end;
	size_t n;
	int error;

	if (len < 0)
		return len;
	error = args_reserve(a, len + 1);
	if (error)
		return error;
	to = bottom(a);
	end = to + len;
	for (; to < end; to += n, user += n) {
		n = MIN(end - to, PAGE_SIZE - to % PAGE_SIZE);
		if (copyin(at(a, to), user, n))
			return -EFAULT;
	}
	*at(a, end) = '\0';
	return 0;
}

/* Most strings are short: copied to the lower end of the page that is being
 * filled, and moved up to their place once their length is known. One pass over
 * user memory. What remains of the copy at the lower end is overwritten by what
 * comes next, or lies below the new program's stack pointer; it was the
 * caller's own. */
static int
push_user(struct exec_args *a, const char *user)
{
	size_t room = -a->used % PAGE_SIZE;
	int64_t len;
	char *base;

	if (room < 2)
		return push_long(a, user);
	base = at(a, ROUND_DOWN(bottom(a), PAGE_SIZE));
	len = copyin_string(base, user, room);
	if (len == -ENAMETOOLONG)
		return push_long(a, user);
	if (len < 0)
		return len;
	a->used += len + 1;
	memmove(at(a, bottom(a)), base, len + 1);
	return 0;
}

/* ---- Lists ---- */

/* Element @i of a list; *@text NULL: there is none. */
static int
element(const struct arg_source *s, unsigned i, const char **text)
{
	if (s->kernel) {
		*text = s->kernel[i];
		return 0;
	}
	if (!s->user) { /* Linux takes a null list for an empty one */
		*text = NULL;
		return 0;
	}
	return copyin(text, &s->user[i], sizeof(*text));
}

/* More pointers than that do not fit below the strings. */
int
args_count(const struct arg_source *s)
{
	const char *text;
	unsigned n;

	for (n = 0; n < ARG_PAGES_MAX * PAGE_SIZE / sizeof(text); n++) {
		if (element(s, n, &text))
			return -EFAULT;
		if (!text)
			return n;
		if (n % 1024 == 1023 && thread_killed())
			return -EINTR;
	}
	return -E2BIG;
}

int
args_push_list(struct exec_args *a, const struct arg_source *s, unsigned n)
{
	const char *text;
	int error = 0;

	while (n-- > 0 && !error) {
		if (element(s, n, &text) || !text)
			return -EFAULT;
		error = s->kernel ? args_push(a, text) : push_user(a, text);
		if (thread_killed())
			error = -EINTR;
	}
	return error;
}

/* Byte by byte from the bottom, as the string may go over pages. The bytes are
 * cleared: what is reserved next begins with them. */
void
args_pop(struct exec_args *a)
{
	while (a->used > 0) {
		char c = *at(a, bottom(a));

		*at(a, bottom(a)) = '\0';
		a->used--;
		if (!c)
			break;
	}
}

/* ---- The rest of the stack ---- */

/* The address behind the string at @va. */
static vaddr_t
string_end(const struct exec_args *a, vaddr_t va)
{
	size_t room;
	char *p, *nul;

	for (;; va += room) {
		room = PAGE_SIZE - va % PAGE_SIZE;
		p = at(a, va);
		nul = memchr(p, 0, room);
		if (nul)
			return va + (nul - p) + 1;
	}
}

/* Store the addresses of @n strings from *@string on; moves it behind them.
 * Each is found by the end of the one before, in what was copied: if strings
 * were changed on the way there may be too few, and the walk stops at the path,
 * which lies above them all.
 * @return 0, or -E2BIG: user space has changed them meanwhile */
static int
put_pointers(struct exec_args *a, vaddr_t *to, vaddr_t *string, unsigned n)
{
	uint64_t null = 0;

	for (; n > 0; n--) {
		if (*string >= a->exec_fn)
			return -E2BIG;
		args_write(a, *to, string, sizeof(*string));
		*to += sizeof(*string);
		*string = string_end(a, *string);
	}
	args_write(a, *to, &null, sizeof(null));
	*to += sizeof(null);
	return 0;
}

/* Sources: System V ABI for x86-64, 3.4.3; getauxval(3) for what Linux adds.
 * AT_HWCAP is CPUID.1:EDX. The vDSO's ELF header is in the page behind the
 * clock's. */
static unsigned
fill_auxv(Elf64_auxv_t *v, const struct exec_args *a,
	  const struct elf_info *info, const struct cred *c, bool secure,
	  vaddr_t platform, vaddr_t random)
{
	const Elf64_auxv_t all[] = {
		{ AT_HWCAP, cpuid(1, 0).d },
		{ AT_PAGESZ, PAGE_SIZE },
		{ AT_CLKTCK, USER_HZ },
		{ AT_PHDR, info->phdr },
		{ AT_PHENT, sizeof(Elf64_Phdr) },
		{ AT_PHNUM, info->phnum },
		{ AT_BASE, info->base },
		{ AT_FLAGS, 0 },
		{ AT_ENTRY, info->prog_entry },
		{ AT_UID, c->uid },
		{ AT_EUID, c->euid },
		{ AT_GID, c->gid },
		{ AT_EGID, c->egid },
		{ AT_SECURE, secure },
		{ AT_RANDOM, random },
		{ AT_EXECFN, a->exec_fn },
		{ AT_SYSINFO_EHDR, info->vdso + PAGE_SIZE },
		{ AT_PLATFORM, platform },
		{ AT_NULL, 0 },
	};

	_Static_assert(ARRAY_SIZE(all) <= AUXV_MAX, "exec_internal.h");
	memcpy(v, all, sizeof(all));
	return sizeof(all);
}

/* Push what the ABI puts below the strings (System V ABI for x86-64, figure
 * 3.9): argc, argv, envp, the auxiliary vector; argc 16-aligned. */
static int
push_vectors(struct exec_args *a, const struct elf_info *info,
	     const struct cred *c, bool secure, struct vmspace *vm)
{
	static const char platform[] = "x86_64";
	Elf64_auxv_t auxv[AUXV_MAX];
	vaddr_t platform_at, random_at, to, string = a->strings;
	uint64_t argc = a->argc;
	uint8_t random[16];
	unsigned auxv_len;
	size_t len;
	int error;

	random_bytes(random, sizeof(random));
	if (args_push_bytes(a, platform, sizeof(platform)))
		return -E2BIG;
	platform_at = bottom(a);
	if (args_push_bytes(a, random, sizeof(random)))
		return -E2BIG;
	random_at = bottom(a);
	auxv_len = fill_auxv(auxv, a, info, c, secure, platform_at, random_at);
	len = (1 + a->argc + 1 + a->envc + 1) * sizeof(uint64_t) + auxv_len;
	if (args_reserve(a, len + (bottom(a) - len) % 16))
		return -E2BIG;

	to = bottom(a);
	args_write(a, to, &argc, sizeof(argc));
	to += sizeof(argc);
	vm->arg_start = string;
	error = put_pointers(a, &to, &string, a->argc);
	vm->arg_end = vm->env_start = string;
	if (!error)
		error = put_pointers(a, &to, &string, a->envc);
	vm->env_end = string;
	args_write(a, to, auxv, auxv_len);
	vm->auxv_start = to;
	vm->auxv_end = to + auxv_len;
	return error;
}

/* Mapped larger than it is filled, and of the kind that grows. NOREPLACE: a
 * program file whose segments lie where the stack is to be is refused, before
 * the point of no return. */
int
stack_build(struct vmspace *vm, struct exec_args *a,
	    const struct elf_info *info, const struct cred *c, bool secure,
	    vaddr_t *rsp)
{
	uint32_t prot = PROT_READ | PROT_WRITE;
	int error = push_vectors(a, info, c, secure, vm);
	size_t size = a->npages * PAGE_SIZE + STACK_ROOM;
	int64_t mapped;

	if (error)
		return error;
	if (info->exec_stack)
		prot |= PROT_EXEC;
	mapped = vm_map(vm, a->top - size, size, prot,
			MAP_PRIVATE | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE, NULL,
			0, true);
	if (mapped < 0)
		return -ENOMEM;
	for (unsigned i = 0; i < a->npages; i++) {
		INVARIANT(EXEC3, a->pages[i]);
		error = vm_insert_page(vm, a->top - (i + 1) * PAGE_SIZE,
				       a->pages[i]);
		if (error)
			return error;
		a->pages[i] = NULL; /* the page table has the reference */
	}
	*rsp = bottom(a);
	vm->stack_start = *rsp;
	return 0;
}
