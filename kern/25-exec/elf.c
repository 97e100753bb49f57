/*
 * Loading ELF files: mapping a program's segments, and its interpreter's, from
 * the page cache. Nothing is read but headers; the pages come by faults.
 *
 * The file may be anything. Every field is checked before it is used, sums are
 * checked for overflow, and a file that does not add up is -ENOEXEC.
 * Source: System V ABI, chapters 4 and 5.
 */
#include "exec_internal.h"
#include "string.h"

/* The table has to fit in one heap object; linkers make a dozen entries. */
#define PHNUM_MAX (KALLOC_MAX / sizeof(Elf64_Phdr))

/* A file that is being loaded. */
struct elf {
	struct image *image; /* the caller's; open, so it does not change */
	const struct layout *layout; /* NULL: an interpreter */
	Elf64_Ehdr header;	     /* checked */
	Elf64_Phdr *phdrs;	     /* on the heap */
	vaddr_t low, high; /* what the segments span, page-aligned, unbiased */
	uint64_t align;	   /* the largest that a segment asks for */
	vaddr_t bias;	   /* added to addresses of the file */
};

/* ---- Checking ---- */

/* Class, byte order, version, machine and type are what this kernel runs; an
 * ELF file for another machine is -ENOEXEC, as is what is no ELF file at all.
 * The table must lie in the file. @size is the file's: nobody may write it, so
 * it stays. */
static int
check_header(const Elf64_Ehdr *h, uint64_t size)
{
	if (size < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG) ||
	    h->e_ident[EI_CLASS] != ELFCLASS64 ||
	    h->e_ident[EI_DATA] != ELFDATA2LSB ||
	    h->e_ident[EI_VERSION] != EV_CURRENT ||
	    h->e_version != EV_CURRENT || h->e_machine != EM_X86_64 ||
	    (h->e_type != ET_EXEC && h->e_type != ET_DYN))
		return -ENOEXEC;
	if (h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum == 0 ||
	    h->e_phnum > PHNUM_MAX || h->e_phoff > size ||
	    h->e_phnum * sizeof(Elf64_Phdr) > size - h->e_phoff)
		return -ENOEXEC;
	return 0;
}

/* System V ABI, chapter 5, "Program Header": filesz at most memsz, the place in
 * the file and in memory alike modulo the page, an alignment that is a power of
 * two. Each sum by a difference, which cannot wrap once the first part has been
 * compared. Addresses are checked before the bias is added, and in map_segment
 * after. */
static int
check_load(const Elf64_Phdr *p, uint64_t size)
{
	if (p->p_filesz > p->p_memsz || p->p_offset > size ||
	    p->p_filesz > size - p->p_offset)
		return -ENOEXEC;
	if (p->p_memsz > USER_TOP || p->p_vaddr > USER_TOP - p->p_memsz)
		return -ENOEXEC;
	if (p->p_filesz && (p->p_vaddr - p->p_offset) % PAGE_SIZE)
		return -ENOEXEC;
	if (p->p_align > 1 && !IS_POW2(p->p_align))
		return -ENOEXEC;
	return 0;
}

/* Check all segments, and find what they span. Their order and that they do not
 * overlap is not checked: a later one replaces what it covers, which harms
 * nobody but the program. An alignment that is larger than user space has room
 * for is taken for none. */
static int
check_loads(struct elf *e, uint64_t size)
{
	const Elf64_Phdr *p;
	bool any = false;

	e->low = USER_TOP;
	e->high = 0;
	e->align = PAGE_SIZE;
	for (p = e->phdrs; p < e->phdrs + e->header.e_phnum; p++) {
		if (p->p_type != PT_LOAD || p->p_memsz == 0)
			continue;
		if (check_load(p, size))
			return -ENOEXEC;
		any = true;
		e->low = MIN(e->low, ROUND_DOWN(p->p_vaddr, PAGE_SIZE));
		e->high = MAX(e->high,
			      ROUND_UP(p->p_vaddr + p->p_memsz, PAGE_SIZE));
		if (p->p_align <= USER_TOP / 2)
			e->align = MAX(e->align, p->p_align);
	}
	return any ? 0 : -ENOEXEC;
}

/* Read and check the headers of @image. e->phdrs is to be freed in either case.
 * The table is the kernel's copy from here on: what was checked is what is
 * used. */
static int
open_elf(struct elf *e, struct image *image)
{
	uint64_t size = image->vnode->size, len;
	int64_t n;

	memset(e, 0, sizeof(*e));
	e->image = image;
	memcpy(&e->header, image->head, sizeof(e->header));
	if (check_header(&e->header, size))
		return -ENOEXEC;
	len = e->header.e_phnum * sizeof(Elf64_Phdr);
	e->phdrs = knew_array(Elf64_Phdr, e->header.e_phnum);
	n = vnode_read(image->vnode, e->phdrs, len, e->header.e_phoff);
	if (n < 0)
		return n;
	if ((uint64_t)n < len)
		return -ENOEXEC;
	return check_loads(e, size);
}

static const Elf64_Phdr *
find_phdr(const struct elf *e, uint32_t type)
{
	for (unsigned i = 0; i < e->header.e_phnum; i++)
		if (e->phdrs[i].p_type == type)
			return &e->phdrs[i];
	return NULL;
}

/* ---- Mapping ---- */

static uint32_t
prot_of(const Elf64_Phdr *p)
{
	return (p->p_flags & PF_R ? PROT_READ : 0) |
	       (p->p_flags & PF_W ? PROT_WRITE : 0) |
	       (p->p_flags & PF_X ? PROT_EXEC : 0);
}

/* Memory of a segment past what the file has of it: zeros, from the middle of
 * the last page on, and to the end of that: a loader's first memory is there.
 * The page is private, so zeroing copies it, and the file keeps its bytes. In a
 * segment that cannot be written what follows in the file's page stays to be
 * seen, as on Linux. Without bytes in the file the first page is zeros whole.
 */
static int
map_bss(struct vmspace *vm, const Elf64_Phdr *p, vaddr_t file_end,
	vaddr_t mem_end)
{
	vaddr_t pages = ROUND_UP(file_end, PAGE_SIZE);
	int64_t n;

	INVARIANT(EXEC4, file_end <= mem_end && mem_end <= USER_TOP);
	if (p->p_filesz && p->p_flags & PF_W && pages > file_end) {
		n = pages - file_end;
		if (vm_copy_out(vm, file_end, NULL, n) != n)
			return -ENOMEM;
	}
	if (!p->p_filesz)
		pages = ROUND_DOWN(file_end, PAGE_SIZE);
	if (mem_end <= pages)
		return 0;
	n = vm_map(vm, pages, ROUND_UP(mem_end, PAGE_SIZE) - pages, prot_of(p),
		   MAP_PRIVATE | MAP_FIXED, NULL, 0, true);
	return n < 0 ? (int)n : 0;
}

/* From the start of a page, in memory as in the file: what lies before the
 * segment in its page is mapped with it. MAP_FIXED: the address space is new,
 * so all that it can replace is the file's own. */
static int
map_segment(struct vmspace *vm, const struct elf *e, const Elf64_Phdr *p)
{
	vaddr_t start = p->p_vaddr + e->bias;
	uint64_t in_page = start % PAGE_SIZE;
	int64_t n;

	if (start > USER_TOP - p->p_memsz)
		return -ENOMEM;
	if (p->p_filesz) {
		n = vm_map(vm, start - in_page, p->p_filesz + in_page,
			   prot_of(p), MAP_PRIVATE | MAP_FIXED, e->image->vnode,
			   p->p_offset - in_page, true);
		if (n < 0)
			return n;
	}
	if (p->p_memsz == p->p_filesz)
		return 0;
	return map_bss(vm, p, start + p->p_filesz, start + p->p_memsz);
}

/* A mapping takes heap, and how many there are is the file's to say: so the
 * reservation is begun anew after each. */
static int
map_segments(struct vmspace *vm, const struct elf *e)
{
	int error;

	for (unsigned i = 0; i < e->header.e_phnum; i++) {
		if (e->phdrs[i].p_type != PT_LOAD || !e->phdrs[i].p_memsz)
			continue;
		error = map_segment(vm, e, &e->phdrs[i]);
		if (error)
			return error;
		error = heap_again();
		if (error)
			return error;
	}
	return 0;
}

/* A place for a file that can be anywhere: wherever there is room, and as much
 * more as aligning may take. Only looked for: the segments are mapped one by
 * one, with gaps between as the file has them; nobody else maps here. */
static int
find_place(struct vmspace *vm, struct elf *e)
{
	int64_t at = vm_find_room(vm, e->high - e->low + e->align);

	if (at < 0)
		return -ENOMEM;
	e->bias = ROUND_UP((vaddr_t)at, e->align) - e->low;
	return 0;
}

/* ---- The interpreter ---- */

/* Read the path that PT_INTERP names, into @path (PATH_MAX bytes). It has its 0
 * in the file: without one, or without a character before it, the file is
 * damaged. */
static int
read_interp_path(const struct elf *e, const Elf64_Phdr *p, char *path)
{
	uint64_t size = e->image->vnode->size;
	int64_t n;

	if (p->p_filesz < 2 || p->p_filesz > PATH_MAX || p->p_offset > size ||
	    p->p_filesz > size - p->p_offset)
		return -ENOEXEC;
	n = vnode_read(e->image->vnode, path, p->p_filesz, p->p_offset);
	if (n < 0)
		return n;
	if ((uint64_t)n < p->p_filesz || path[p->p_filesz - 1])
		return -ENOEXEC;
	return 0;
}

/* An interpreter of an interpreter is not looked at. Its damage is another
 * error than the program's: the caller has to know which file to look at
 * (execve(2), ELIBBAD). */
static int
load_interp_image(struct vmspace *vm, struct image *image,
		  struct elf_info *info)
{
	struct elf e;
	int error = open_elf(&e, image);

	if (!error && e.header.e_type == ET_DYN)
		error = find_place(vm, &e);
	if (!error)
		error = map_segments(vm, &e);
	if (!error) {
		info->base = e.bias;
		info->entry = e.header.e_entry + e.bias;
		if (info->entry >= USER_TOP)
			error = -ENOEXEC;
	}
	kfree(e.phdrs);
	return error == -ENOEXEC ? -ELIBBAD : error;
}

/* It is denied to writers while it is loaded; while it runs, only the program
 * is, as on Linux. */
static int
load_interp(struct vmspace *vm, const struct elf *e, const Elf64_Phdr *p,
	    struct elf_info *info)
{
	struct page *page = page_alloc(0, PAGE_KERNEL, 0);
	struct image image;
	int error;

	if (!page)
		return -ENOMEM;
	error = read_interp_path(e, p, page_address(page));
	if (!error)
		error = image_open(AT_FDCWD, page_address(page), 0, &image);
	page_unref(page);
	if (error)
		return error;
	error = load_interp_image(vm, &image, info);
	image_close(&image);
	return error;
}

/* ---- The program ---- */

/* Where the program headers are in memory: for AT_PHDR, by which the program
 * finds its own dynamic section and thread-local storage. */
static vaddr_t
phdr_address(const struct elf *e)
{
	const Elf64_Phdr *p = find_phdr(e, PT_PHDR);
	uint64_t at = e->header.e_phoff;

	if (p)
		return p->p_vaddr + e->bias;
	for (p = e->phdrs; p < e->phdrs + e->header.e_phnum; p++)
		if (p->p_type == PT_LOAD && at >= p->p_offset &&
		    at - p->p_offset < p->p_filesz)
			return p->p_vaddr + (at - p->p_offset) + e->bias;
	return 0;
}

/* For /proc/PID/stat: where code and data are, the last segment of each kind;
 * and where the heap begins: behind the program, a random gap away. */
static void
note_layout(struct vmspace *vm, const struct elf *e, bool interpreted)
{
	const Elf64_Phdr *p;
	vaddr_t start;

	for (p = e->phdrs; p < e->phdrs + e->header.e_phnum; p++) {
		if (p->p_type != PT_LOAD || !p->p_memsz)
			continue;
		start = p->p_vaddr + e->bias;
		if (p->p_flags & PF_X) {
			vm->code_start = start;
			vm->code_end = start + p->p_filesz;
		} else if (p->p_flags & PF_W) {
			vm->data_start = start;
			vm->data_end = start + p->p_filesz;
		}
	}
	/* A loader that is run by itself lies among the mappings: no heap can
	 * grow there. */
	vm->brk_start = e->header.e_type == ET_DYN && !interpreted
				? e->layout->pie
				: e->high + e->bias;
	vm->brk_start += e->layout->brk_gap;
	vm->brk = vm->brk_start;
}

/* With an interpreter: far below the mappings, so that its heap has room.
 * Without one it is most likely an interpreter itself, run by name, and must
 * not be where the program that it loads will be mapped. */
static int
place_program(struct vmspace *vm, struct elf *e, bool interpreted)
{
	if (e->header.e_type != ET_DYN)
		return 0;
	if (!interpreted)
		return find_place(vm, e);
	e->bias = ROUND_DOWN(e->layout->pie, e->align) - e->low;
	return 0;
}

/* The entry point is not looked at but for user space: a wrong one faults in
 * the new program. With an interpreter that is where it begins, and AT_ENTRY
 * tells it where to go on. */
static int
load_program(struct vmspace *vm, struct elf *e, struct elf_info *info)
{
	const Elf64_Phdr *interp = find_phdr(e, PT_INTERP);
	const Elf64_Phdr *stack = find_phdr(e, PT_GNU_STACK);
	int error = place_program(vm, e, interp);

	if (!error)
		error = map_segments(vm, e);
	if (error)
		return error;
	note_layout(vm, e, interp);
	info->prog_entry = info->entry = e->header.e_entry + e->bias;
	info->phdr = phdr_address(e);
	info->phnum = e->header.e_phnum;
	info->exec_stack = stack && stack->p_flags & PF_X;
	if (info->entry >= USER_TOP)
		return -ENOEXEC;
	return interp ? load_interp(vm, e, interp, info) : 0;
}

int
elf_load(struct vmspace *vm, struct image *image, const struct layout *l,
	 struct elf_info *info)
{
	struct elf e;
	int error = open_elf(&e, image);

	memset(info, 0, sizeof(*info));
	e.layout = l;
	if (!error)
		error = load_program(vm, &e, info);
	kfree(e.phdrs);
	return error;
}
