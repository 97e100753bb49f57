/*
 * The states in which a power cut can leave a disk. What it was told before a
 * flush that has ended, it keeps; of what it was told since, it may keep any
 * part. So between two flushes: of up to 10 writes every subset; of more, all
 * up to one, all but one, one alone, and others by chance. Of a write of
 * several sectors, only the first or the last ones. A cut between two writes is
 * the subset without what comes after.
 *
 * Each is judged by what holds just before the next flush ends: that is the
 * latest moment at which the disk may be so, and asks for most.
 */
#include "crash.h"
#include "string.h"

#define ALL_SUBSETS 10 /* of so many writes */
#define CHANCE	    48 /* subsets of more */

struct enumeration {
	const struct shim_record *told;
	const struct bounds *bounds;
	uint64_t limit, seed, number;
	uint64_t epochs; /* in which something was written */
	uint64_t states; /* of this one */
	bool counting;
	void (*each)(void *arg, const struct state *s);
	void *arg;
	uint8_t *lasting, *image;
	uint64_t hash; /* of lasting */
	/* The writes since the flush, by number in the record. */
	size_t *since, n, room;
	uint8_t *kept;
	/* Sectors of the image that differ from lasting. */
	uint32_t *touched, ntouched;
	uint8_t *marked;
	/* One write torn: its sectors [from, to) are kept. */
	size_t torn, from, to;
};

#define NONE ((size_t)-1)

/* ---- Hashes: sums over the sectors that differ from a first image ---- */

static const uint8_t *first_image;

void
states_init(const uint8_t *image)
{
	first_image = image;
}

static uint64_t
sector_hash(const uint8_t *image, uint64_t sector)
{
	size_t at = sector * SECTOR_SIZE;

	if (memcmp(image + at, first_image + at, SECTOR_SIZE) == 0)
		return 0;
	return hash_bytes(sector * 0x9e3779b97f4a7c15 + 1, image + at,
			  SECTOR_SIZE);
}

uint64_t
states_hash(const uint8_t *image, const uint8_t *but)
{
	uint64_t h = 0, i;

	for (i = 0; i < shim_disk.sectors; i++)
		if (!but || !but[i])
			h += sector_hash(image, i);
	return h;
}

/** Whether this state is one of those to be judged: about as many of each
 * epoch, since the short ones are those that commit. */
static bool
chosen(struct enumeration *e)
{
	uint64_t number = e->number++, from = e->states * e->epochs;

	if (e->counting)
		return false;
	if (e->limit == 0 || from <= e->limit)
		return true;
	return hash_bytes(e->seed, &number, 8) % from < e->limit;
}

/* ---- One state ---- */

static void
keep_write(struct enumeration *e, size_t i)
{
	const struct shim_event *w = &e->told->events[e->since[i]];
	size_t from = 0, to = w->len / SECTOR_SIZE, k;

	if (i == e->torn) {
		from = e->from;
		to = e->to;
	}
	memcpy(e->image + (w->number + from) * SECTOR_SIZE,
	       w->data + from * SECTOR_SIZE, (to - from) * SECTOR_SIZE);
	for (k = from; k < to; k++) {
		uint32_t sector = (uint32_t)(w->number + k);

		if (!e->marked[sector])
			e->touched[e->ntouched++] = sector;
		e->marked[sector] = 1;
	}
}

static void
state(struct enumeration *e)
{
	struct state s = {
		.image = e->image,
		.hash = e->hash,
		.number = e->number,
		.bounds = e->bounds,
		.torn = e->torn != NONE,
	};
	size_t i;
	uint32_t k;

	if (!chosen(e))
		return;
	for (i = 0; i < e->n; i++)
		if (e->kept[i])
			keep_write(e, i);
	for (k = 0; k < e->ntouched; k++)
		s.hash += sector_hash(e->image, e->touched[k]) -
			  sector_hash(e->lasting, e->touched[k]);
	e->each(e->arg, &s);
	while (e->ntouched > 0) {
		k = e->touched[--e->ntouched];
		e->marked[k] = 0;
		memcpy(e->image + (size_t)k * SECTOR_SIZE,
		       e->lasting + (size_t)k * SECTOR_SIZE, SECTOR_SIZE);
	}
}

/* ---- Those of one epoch ---- */

static void
keep_range(struct enumeration *e, size_t from, size_t to)
{
	memset(e->kept, 0, e->n);
	memset(e->kept + from, 1, to - from);
}

static void
all_subsets(struct enumeration *e)
{
	uint32_t set;
	size_t i;

	for (set = 0; set < 1u << e->n; set++) {
		for (i = 0; i < e->n; i++)
			e->kept[i] = set >> i & 1;
		state(e);
	}
}

static void
keep_by_chance(struct enumeration *e, uint64_t number)
{
	uint64_t at;
	size_t i;

	for (i = 0; i < e->n; i++) {
		at = number * 1000003 + i;
		e->kept[i] = hash_bytes(e->seed, &at, 8) >> 40 & 1;
	}
}

static void
some_subsets(struct enumeration *e)
{
	size_t i;

	for (i = 0; i <= e->n; i++) {
		keep_range(e, 0, i);
		state(e);
	}
	for (i = 0; i < e->n; i++) {
		keep_range(e, 0, e->n);
		e->kept[i] = 0;
		state(e);
		keep_range(e, i, i + 1);
		state(e);
	}
	for (i = 0; i < CHANCE; i++) {
		keep_by_chance(e, i);
		state(e);
	}
}

/** Write @p i torn: with all before it, with all others, and by chance. */
static void
torn_states(struct enumeration *e, size_t i)
{
	size_t sectors = e->told->events[e->since[i]].len / SECTOR_SIZE;
	size_t cuts[3] = { 1, sectors / 2, sectors - 1 }, c, how;

	e->torn = i;
	for (c = 0; c < 3; c++) {
		if (c > 0 && cuts[c] == cuts[c - 1])
			continue;
		for (how = 0; how < 4; how++) {
			e->from = how & 1 ? cuts[c] : 0;
			e->to = how & 1 ? sectors : cuts[c];
			if (how < 2)
				keep_range(e, 0, i + 1);
			else
				keep_by_chance(e, 1000 + i * 8 + how);
			if (how >= 2 && c == 1)
				keep_range(e, 0, e->n);
			e->kept[i] = 1;
			state(e);
		}
	}
	e->torn = NONE;
}

static void
make_states(struct enumeration *e)
{
	size_t i;

	if (e->n <= ALL_SUBSETS)
		all_subsets(e);
	else
		some_subsets(e);
	for (i = 0; i < e->n; i++)
		if (e->told->events[e->since[i]].len > SECTOR_SIZE)
			torn_states(e, i);
}

static void
epoch(struct enumeration *e)
{
	uint64_t first = e->number;

	if (e->n == 0)
		return;
	if (e->counting) {
		e->epochs++;
		return;
	}
	e->counting = true;
	make_states(e);
	e->counting = false;
	e->states = e->number - first;
	e->number = first;
	make_states(e);
}

/** The writes since the flush from number @p from on are kept for good: all
 * when a flush has ended; or the last one, if it was written through. That one
 * is never to where an earlier one goes. */
static void
settle(struct enumeration *e, size_t from)
{
	size_t i;
	uint32_t k;

	for (i = from; i < e->n; i++)
		keep_write(e, i);
	while (e->ntouched > 0) {
		k = e->touched[--e->ntouched];
		e->marked[k] = 0;
		e->hash +=
			sector_hash(e->image, k) - sector_hash(e->lasting, k);
		memcpy(e->lasting + (size_t)k * SECTOR_SIZE,
		       e->image + (size_t)k * SECTOR_SIZE, SECTOR_SIZE);
	}
	e->n = from;
}

static void
add_write(struct enumeration *e, size_t at)
{
	if (e->n == e->room) {
		e->room = 2 * e->room + 64;
		e->since = host_grow(e->since, e->room * sizeof(*e->since));
		e->kept = host_grow(e->kept, e->room);
	}
	e->since[e->n++] = at;
}

static void
go_over(struct enumeration *e, const uint8_t *base, const struct bounds *marks)
{
	size_t size = shim_disk.sectors * SECTOR_SIZE, i;

	memcpy(e->lasting, base, size);
	memcpy(e->image, base, size);
	e->number = 0;
	e->bounds = marks;
	for (i = 0; i < e->told->n; i++) {
		const struct shim_event *event = &e->told->events[i];

		if (event->what == SHIM_WRITE) {
			add_write(e, i);
		} else if (event->what == SHIM_MARK && marks) {
			e->bounds = &marks[event->number];
		} else if (event->what == SHIM_FLUSH) {
			epoch(e);
			settle(e, 0);
		} else if (event->what == SHIM_THROUGH) {
			add_write(e, i);
			epoch(e);
			settle(e, e->n - 1);
		}
	}
	epoch(e);
	e->n = 0;
}

void
states_each(const uint8_t *base, const struct shim_record *told,
	    const struct bounds *marks, uint64_t limit, uint64_t seed,
	    void (*each)(void *arg, const struct state *s), void *arg)
{
	struct enumeration e = { .told = told,
				 .limit = limit,
				 .seed = seed,
				 .counting = true,
				 .each = each,
				 .arg = arg,
				 .torn = NONE };

	e.lasting = image_take();
	e.image = image_take();
	e.marked = host_alloc(shim_disk.sectors);
	e.touched = host_alloc(shim_disk.sectors * sizeof(*e.touched));
	go_over(&e, base, marks);
	e.counting = false;
	e.hash = states_hash(base, NULL);
	go_over(&e, base, marks);
	image_give(e.lasting);
	image_give(e.image);
	host_free(e.marked);
	host_free(e.touched);
	host_free(e.since);
	host_free(e.kept);
}
