/*
 * malloc: boundary tags (Knuth, The Art of Computer Programming 1, 2.5). The
 * heap is a row of chunks, each headed by its own size and that of the one
 * below, so that free joins neighbours at once and two free chunks never touch.
 * Free chunks hang in bins by the power of two of their size. Requests of 256
 * KiB and more are maps of their own. No locks: one thread.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "bits.h"
#include "internal.h"
#include "list.h"

/** Before each block that malloc gives out; both are multiples of 16. */
struct chunk {
	size_t below; /**< size of the chunk below; 0 at a region's start */
	size_t size;  /**< with this header; and the flags USED, MAPPED */
};

#define HEADER	 sizeof(struct chunk)
#define ALIGN	 16
#define USED	 1ul
#define MAPPED	 2ul
#define FLAGS	 15ul
#define MIN_SIZE (HEADER + sizeof(struct list))
#define MAP_SIZE (256ul << 10) /* from here on, mmap */
#define GROW	 (64ul << 10)  /* the heap grows by multiples */
#define PAGE	 4096ul
#define BINS	 40

static struct list bins[BINS];
static uint64_t bin_map;       /* bit i: bins[i] is not empty */
static struct chunk *heap_end; /* the last region's end mark: USED, no body */

static size_t
size_of(const struct chunk *c)
{
	return c->size & ~FLAGS;
}

static struct chunk *
above(struct chunk *c)
{
	return (struct chunk *)((char *)c + size_of(c));
}

static struct chunk *
below(struct chunk *c)
{
	return (struct chunk *)((char *)c - c->below);
}

/** A free chunk's link in its bin stands where the user's bytes were. */
static struct list *
link_of(struct chunk *c)
{
	return (struct list *)(c + 1);
}

static struct chunk *
chunk_of(struct list *l)
{
	return (struct chunk *)l - 1;
}

/** Sets a chunk's size and flags, and tells the chunk above. */
static void
set_size(struct chunk *c, size_t size, size_t flags)
{
	c->size = size | flags;
	above(c)->below = size;
}

static unsigned
bin_of(size_t size)
{
	return MIN(ilog2(size), BINS - 1u);
}

static void
bin_insert(struct chunk *c)
{
	unsigned bin = bin_of(size_of(c));

	if (!(bin_map & BIT(bin)))
		list_init(&bins[bin]);
	bin_map |= BIT(bin);
	list_add(link_of(c), &bins[bin]);
}

static void
bin_remove(struct chunk *c)
{
	unsigned bin = bin_of(size_of(c));

	list_del(link_of(c));
	if (list_empty(&bins[bin]))
		bin_map &= ~BIT(bin);
}

/** Makes a chunk free and joins it with its free neighbours. */
static void
release(struct chunk *c)
{
	size_t size = size_of(c);
	struct chunk *next = above(c);

	if (!(next->size & USED)) {
		bin_remove(next);
		size += size_of(next);
	}
	if (c->below != 0 && !(below(c)->size & USED)) {
		c = below(c);
		bin_remove(c);
		size += size_of(c);
	}
	set_size(c, size, 0);
	bin_insert(c);
}

/** Cuts a used chunk to a size and releases the rest, if it can be a chunk. */
static void
trim(struct chunk *c, size_t size)
{
	size_t rest = size_of(c) - size;

	if (rest < MIN_SIZE)
		return;
	set_size(c, size, USED);
	set_size(above(c), rest, USED);
	release(above(c));
}

/** Gets memory from the kernel for a chunk of this size. @return success */
static bool
grow(size_t size)
{
	size_t more = ROUND_UP(size + 2 * HEADER, GROW);
	char *start = sbrk((intptr_t)more);
	struct chunk *c;

	if (start == (char *)-1)
		return false;
	if (heap_end != NULL && start == (char *)(heap_end + 1)) {
		c = heap_end; /* the end mark becomes the new chunk's header */
		start -= HEADER;
		more += HEADER;
	} else {
		size_t skip = -(uintptr_t)start % ALIGN;

		start += skip;
		more = ROUND_DOWN(more - skip, ALIGN);
		c = (struct chunk *)start;
		c->below = 0;
	}
	heap_end = (struct chunk *)(start + more) - 1;
	heap_end->size = HEADER | USED;
	set_size(c, more - HEADER, USED);
	release(c);
	return true;
}

/** A free chunk of at least this size, out of its bin; or NULL. */
static struct chunk *
find(size_t size)
{
	unsigned bin = bin_of(size);
	uint64_t greater;

	if (bin_map & BIT(bin)) /* here they may be too small: first fit */
		for (struct list *l = bins[bin].next; l != &bins[bin];
		     l = l->next)
			if (size_of(chunk_of(l)) >= size) {
				struct chunk *c = chunk_of(l);

				bin_remove(c);
				return c;
			}
	greater = bin_map & ~(BIT(bin) | (BIT(bin) - 1));
	if (greater == 0)
		return NULL;
	struct chunk *c = chunk_of(bins[ctz64(greater)].next);

	bin_remove(c);
	return c;
}

/** A map with a chunk header before the block. */
static void *
map_block(size_t size)
{
	size_t len = ROUND_UP(size + HEADER, PAGE);
	struct chunk *c = mmap(NULL, len, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (c == MAP_FAILED)
		return NULL;
	c->below = 0;
	c->size = len | USED | MAPPED;
	return c + 1;
}

/** The chunk size for a request. */
static size_t
chunk_size(size_t request)
{
	return MAX(ROUND_UP(request + HEADER, ALIGN), MIN_SIZE);
}

void *
malloc(size_t size)
{
	size_t need;
	struct chunk *c;

	if (size > PTRDIFF_MAX - PAGE) {
		errno = ENOMEM;
		return NULL;
	}
	if (size >= MAP_SIZE)
		return map_block(size);
	need = chunk_size(size);
	c = find(need);
	if (c == NULL) {
		if (!grow(need))
			return NULL;
		c = find(need);
	}
	c->size |= USED;
	trim(c, need);
	return c + 1;
}

/** A block's chunk; says so and aborts if it cannot be one in use. */
static struct chunk *
checked_chunk(void *p, const char *caller)
{
	struct chunk *c = (struct chunk *)p - 1;

	if ((uintptr_t)p % ALIGN == 0 && (c->size & USED))
		return c;
	dprintf(STDERR_FILENO, "%s: %p is not a block in use\n", caller, p);
	abort();
}

void
free(void *p)
{
	struct chunk *c;
	int saved = errno;

	if (p == NULL)
		return;
	c = checked_chunk(p, "free");
	if (c->size & MAPPED)
		munmap(c, size_of(c));
	else
		release(c);
	errno = saved;
}

void *
calloc(size_t count, size_t size)
{
	size_t total;
	void *p;

	if (__builtin_mul_overflow(count, size, &total)) {
		errno = ENOMEM;
		return NULL;
	}
	p = malloc(total);
	if (p != NULL && total < MAP_SIZE) /* a new map is zero */
		memset(p, 0, total);
	return p;
}

/** Makes a chunk of the heap larger in its place. @return success */
static bool
extend(struct chunk *c, size_t need)
{
	struct chunk *next = above(c);

	if ((next->size & USED) || size_of(c) + size_of(next) < need)
		return false;
	bin_remove(next);
	set_size(c, size_of(c) + size_of(next), USED);
	return true;
}

static void *
remap(struct chunk *c, size_t size)
{
	size_t len = ROUND_UP(size + HEADER, PAGE);

	c = mremap(c, size_of(c), len, MREMAP_MAYMOVE);
	if (c == MAP_FAILED)
		return NULL;
	c->size = len | USED | MAPPED;
	return c + 1;
}

void *
realloc(void *p, size_t size)
{
	struct chunk *c;
	void *moved;

	if (p == NULL)
		return malloc(size);
	c = checked_chunk(p, "realloc");
	if (size > PTRDIFF_MAX - PAGE) {
		errno = ENOMEM;
		return NULL;
	}
	if (c->size & MAPPED) {
		if (size >= MAP_SIZE)
			return remap(c, size);
	} else if (size < MAP_SIZE && (chunk_size(size) <= size_of(c) ||
				       extend(c, chunk_size(size)))) {
		trim(c, chunk_size(size));
		return p;
	}
	moved = malloc(size);
	if (moved == NULL)
		return NULL;
	memcpy(moved, p, MIN(size, size_of(c) - HEADER));
	free(p);
	return moved;
}

void *
reallocarray(void *p, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(p, total);
}
