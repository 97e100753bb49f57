/*
 * Who holds the heap. Each process has an account, and each object is charged
 * to the account on which it was allocated (kcharge may say otherwise). The
 * accounts form the tree of who made whom, and it does not change when
 * processes end: an account that has descendants alive is kept, so that who
 * forks and leaves hides nothing. Nothing is added up while the heap is not
 * short: then one walk over all objects does it.
 *
 * The rules, and why they are so: book/07-heap.md.
 */
#include "heap_internal.h"

/* Of all that processes hold, what a victim should hold at least: 1/n. So that
 * few victims free a heap full of small ones, who fork faster than they end. */
#define WORTH_SHARE 16

enum account_state {
	ACCOUNT_FREE,
	ACCOUNT_OPEN,	 /* its process lives, or descendants do */
	ACCOUNT_MERGED,	 /* objects may carry it: they are its parent's */
	ACCOUNT_RETIRED, /* as merged; a walk looks for the last of them */
};

/* Guarded by lock; the sums by walk_lock. */
struct account {
	uint16_t parent;
	uint16_t children; /* open accounts whose parent it is */
	uint8_t state;
	bool living; /* its process has not ended */
	bool doomed; /* ended for its memory */
	uint64_t own, total; /* with the descendants */
};

/** HEAP5: the parent of an open account is open, or 0; found through accounts
 * that have been merged. */
static struct account *accounts; /* [0]: nobody's, or the kernel's */
static unsigned naccounts, next_free;
static struct spinlock lock = SPINLOCK("heap accounts");
static struct mutex walk_lock;

/* The account that @id's objects belong to now. Without the lock it may be
 * merged a moment later. */
static uint16_t
find(uint16_t id)
{
	while (id && accounts[id].state >= ACCOUNT_MERGED)
		id = accounts[id].parent;
	return id;
}

/* ---- Opening and closing; lock is held ---- */

static uint16_t
open_free(uint16_t parent)
{
	unsigned i;

	for (i = 1; i < naccounts; i++) {
		if (++next_free >= naccounts)
			next_free = 1;
		if (accounts[next_free].state != ACCOUNT_FREE)
			continue;
		accounts[next_free] = (struct account){
			.parent = parent, .state = ACCOUNT_OPEN, .living = true
		};
		accounts[parent].children++;
		return next_free;
	}
	return 0;
}

static void
merge(uint16_t id)
{
	struct account *a = &accounts[id], *up = &accounts[find(a->parent)];

	a->state = ACCOUNT_MERGED;
	up->children += a->children - 1;
}

/* Whatever its process has left behind goes to who made it, unless it has
 * descendants, to which it may have been handed down. */
static void
settle(uint16_t id)
{
	uint16_t up;

	while (id && !accounts[id].living) {
		up = find(accounts[id].parent);
		if (accounts[id].children && (!up || accounts[up].living))
			return;
		merge(id);
		id = up;
	}
}

/* ---- Numbers that can be given again ---- */

static uint16_t
move_up(uint16_t id, const struct alloc_site *site, unsigned bytes, void *arg)
{
	(void)site, (void)bytes, (void)arg;
	return find(id);
}

static uint16_t
move_page_up(uint16_t id, void *arg)
{
	(void)arg;
	return find(id);
}

static void
retire(enum account_state from, enum account_state to)
{
	unsigned i;

	spin_lock(&lock);
	for (i = 1; i < naccounts; i++) {
		/* Ended processes between others: their descendants keep them,
		 * but one of a row is enough. */
		if (from == ACCOUNT_MERGED &&
		    accounts[i].state == ACCOUNT_OPEN)
			settle(i);
		if (accounts[i].state == from)
			accounts[i].state = to;
	}
	spin_unlock(&lock);
}

/* Open accounts may still have a retired one as their parent. */
static void
shorten_paths(void)
{
	unsigned i;

	spin_lock(&lock);
	for (i = 1; i < naccounts; i++)
		accounts[i].parent = find(accounts[i].parent);
	spin_unlock(&lock);
}

/* One walk for as many processes as there are numbers left over. */
static void
collect(void)
{
	mutex_lock(&walk_lock);
	retire(ACCOUNT_MERGED, ACCOUNT_RETIRED);
	heap_for_each(move_up, NULL);
	page_for_each(move_page_up, NULL);
	shorten_paths();
	retire(ACCOUNT_RETIRED, ACCOUNT_FREE);
	mutex_unlock(&walk_lock);
}

/* ---- Entry points ---- */

uint16_t
account_open(uint16_t parent)
{
	unsigned tries;
	uint16_t id = 0;

	for (tries = 0; !id && tries < 2; tries++) {
		if (tries)
			collect();
		spin_lock(&lock);
		id = open_free(find(parent));
		spin_unlock(&lock);
	}
	if (!id)
		panic("heap: more processes than accounts");
	return id;
}

void
account_close(uint16_t id)
{
	spin_lock(&lock);
	accounts[id].living = false;
	settle(id);
	spin_unlock(&lock);
}

bool
account_is_below(uint16_t id, uint16_t above)
{
	for (id = find(id); id && id != above;)
		id = find(accounts[id].parent);
	return id == above;
}

void
account_doom(uint16_t id)
{
	accounts[id].doomed = true;
}

void
account_tally_begin(void)
{
	unsigned i;

	mutex_lock(&walk_lock);
	for (i = 0; i < naccounts; i++)
		accounts[i].own = accounts[i].total = 0;
}

void
account_add(uint16_t id, uint64_t bytes)
{
	accounts[find(id)].own += bytes;
}

static uint16_t
add_object(uint16_t id, const struct alloc_site *site, unsigned bytes,
	   void *arg)
{
	(void)site, (void)arg;
	account_add(id, bytes);
	return id;
}

void
account_add_heap(void)
{
	heap_for_each(add_object, NULL);
}

static uint16_t
add_page(uint16_t id, void *arg)
{
	(void)arg;
	account_add(id, PAGE_SIZE);
	return id;
}

void
account_add_pages(void)
{
	page_for_each(add_page, NULL);
}

static void
add_up(void)
{
	unsigned i;
	uint16_t id;

	for (i = 1; i < naccounts; i++) {
		if (accounts[i].state != ACCOUNT_OPEN || accounts[i].doomed)
			continue;
		for (id = i; id; id = find(accounts[id].parent))
			accounts[id].total += accounts[i].own;
	}
}

static uint16_t
largest_child(uint16_t parent)
{
	uint64_t most = 0;
	uint16_t best = 0;
	unsigned i;

	for (i = 1; i < naccounts; i++)
		if (accounts[i].state == ACCOUNT_OPEN &&
		    find(accounts[i].parent) == parent &&
		    accounts[i].total > most) {
			best = i;
			most = accounts[i].total;
		}
	return best;
}

/*
 * Down the tree, each time to the child that has most with its descendants: who
 * forks is found by what its children hold, but who started it is spared. It
 * ends at a process that has more itself than any child, or whose children are
 * all too small to be worth ending: they would be made again.
 */
uint16_t
account_choose(uint16_t root)
{
	uint16_t id = root, child;
	uint64_t worth;

	spin_lock(&lock);
	add_up();
	worth = accounts[root].total / WORTH_SHARE;
	while ((child = largest_child(id)) &&
	       (id == root || (accounts[child].total > accounts[id].own &&
			       accounts[child].total >= worth)))
		id = child;
	spin_unlock(&lock);
	return id == root ? 0 : id;
}

uint64_t
account_total(uint16_t id)
{
	return accounts[id].total;
}

/* ---- What a victim holds, by type ---- */

extern const struct alloc_site alloc_sites[], alloc_sites_end[];

#define SITES_MAX 512
static uint32_t by_site[SITES_MAX]; /* bytes; guarded by walk_lock */

static uint16_t
add_to_site(uint16_t id, const struct alloc_site *site, unsigned bytes,
	    void *above)
{
	if (site && site - alloc_sites < SITES_MAX &&
	    account_is_below(id, *(uint16_t *)above))
		by_site[site - alloc_sites] += bytes;
	return id;
}

void
account_types(uint16_t id, struct heap_kill *kill)
{
	unsigned i, k, most;

	memset(by_site, 0, sizeof(by_site));
	heap_for_each(add_to_site, &id);
	for (k = 0; k < ARRAY_SIZE(kill->types); k++) {
		for (i = most = 0; i < SITES_MAX; i++)
			if (by_site[i] > by_site[most])
				most = i;
		kill->types[k].bytes = by_site[most];
		kill->types[k].what = alloc_sites[most].what;
		by_site[most] = 0;
	}
}

void
account_tally_end(void)
{
	mutex_unlock(&walk_lock);
}

void
account_init(unsigned processes)
{
	unsigned order = 0;
	struct page *page;

	/* Of ended accounts that are kept there are no more than open ones;
	 * the rest is there so that a walk serves for many. */
	naccounts = MIN(4 * processes + 64, (unsigned)UINT16_MAX);
	while (PAGE_SIZE << order < naccounts * sizeof(*accounts))
		order++;
	page = page_alloc(order, PAGE_KERNEL, ALLOC_ZERO);
	if (!page)
		panic("heap: no memory for %u accounts", naccounts);
	accounts = page_address(page);
	mutex_init(&walk_lock, "heap walk");
}
