/*
 * The name cache: a hash table of (directory, name). Look-ups take no lock:
 * chains are read in an RCU section, and entries are freed after a grace
 * period. Changes are made under one lock. Entries hold no references: a vnode
 * that goes away takes its entries with it. But the name of a vnode that is in
 * use stays, and so does its directory.
 *
 * When there are too many, a hand goes round the buckets and removes those that
 * were not used since it came by last (second chance).
 * Idea: Biscuit's directory cache (Cutler et al., OSDI 2018, 4.2).
 */
#include "namecache.h"
#include "string.h"

/* A name that is noted. Constant, but for `next` and `vnode`, which are changed
 * under the lock and read in RCU sections, and `used`. Neither pointer to a
 * vnode is a reference. */
struct entry {
	struct entry *next; /* in the bucket */
	struct vnode *dir;
	struct vnode *vnode; /* NULL: there is no such name */
	uint32_t hash, len;
	bool used;		/* since the hand came by: a hint, no lock */
	struct list dir_link;	/* of dir->children */
	struct list vnode_link; /* of vnode->names, or of itself */
	struct rcu_head rcu;
	char text[];
};

#define ENTRIES_MIN   256u
#define HEAP_SHARE    16 /* of the heap, 1/n at most is names */
#define ENTRY_TYPICAL 128
#define HAND_BUCKETS  8 /* that the hand passes each time */

/* Guards changes; held for moments, and nothing is taken under it. */
static struct spinlock cache_lock = SPINLOCK("name cache");
static struct entry **buckets;
static uint32_t nbuckets, hand;
static unsigned nentries, entries_max;

struct name
name_of(const char *text, size_t len)
{
	struct name name = { .text = text, .len = len };
	size_t i;

	for (i = 0; i < len; i++)
		name.hash = NAME_HASH_STEP(name.hash, text[i]);
	return name;
}

/* The lowest bits of a vnode's address are always the same. */
static inline struct entry **
bucket_of(const struct vnode *dir, uint32_t hash)
{
	uint32_t mix = hash ^ hash >> 15 ^ (uint32_t)((uint64_t)dir >> 6);

	return &buckets[mix & (nbuckets - 1)];
}

static inline bool
same_text(const char *a, const char *b, uint32_t len)
{
	while (len && *a == *b) {
		a++;
		b++;
		len--;
	}
	return len == 0;
}

static inline struct entry *
find(const struct vnode *dir, const struct name *name)
{
	struct entry *e = rcu_deref(*bucket_of(dir, name->hash));

	for (; e; e = rcu_deref(e->next))
		if (e->hash == name->hash && e->dir == dir &&
		    e->len == name->len &&
		    same_text(e->text, name->text, name->len))
			return e;
	return NULL;
}

/* `used` is written only if it changes: what is looked up often stays in every
 * CPU's cache. */
enum name_state
namecache_lookup(const struct vnode *dir, const struct name *name,
		 struct vnode **v)
{
	struct entry *e = find(dir, name);

	if (!e)
		return NAME_MISS;
	if (!e->used)
		e->used = true;
	*v = rcu_deref(e->vnode);
	return *v ? NAME_POSITIVE : NAME_NEGATIVE;
}

/* ---- Changes; the lock is held ---- */

static void
entry_free(struct rcu_head *head)
{
	kfree(container_of(head, struct entry, rcu));
}

/* `next` stays as it is: who reads the chain at this moment goes on from
 * here. */
static void
entry_remove(struct entry *e)
{
	struct entry **at = bucket_of(e->dir, e->hash);

	while (*at != e)
		at = &(*at)->next;
	rcu_assign(*at, e->next);
	list_del(&e->dir_link);
	list_del(&e->vnode_link);
	nentries--;
	rcu_defer(&e->rcu, entry_free);
}

/* Not in the bucket yet: first all of it is filled. */
static struct entry *
entry_new(struct vnode *dir, const struct name *name)
{
	struct entry *e = kalloc(sizeof(*e) + name->len,
				 ALLOC_SITE(0, "name cache entry"));
	struct entry **bucket = bucket_of(dir, name->hash);

	kcharge(e, 0);
	e->dir = dir;
	e->hash = name->hash;
	e->len = name->len;
	memcpy(e->text, name->text, name->len);
	list_init(&e->vnode_link);
	list_add(&e->dir_link, &dir->children);
	e->next = *bucket;
	return e;
}

/* Whether somebody uses what the entry leads to: then it stays, as the path of
 * an open file or a running program is asked for (/proc/self/exe). */
static bool
in_use(const struct entry *e)
{
	return e->vnode && ref_count(&e->vnode->refs) > 1;
}

bool
namecache_children_in_use(const struct vnode *dir)
{
	bool found = false;
	struct entry *e;

	spin_lock(&cache_lock);
	list_for_each (e, &dir->children, dir_link) {
		found = in_use(e);
		if (found)
			break;
	}
	spin_unlock(&cache_lock);
	return found;
}

/* Names of what is in use stay, so the bound may be passed: by no more than
 * there are such files. */
static void
make_room(void)
{
	struct entry *e, *next;
	unsigned i;

	for (i = 0; i < HAND_BUCKETS; i++) {
		for (e = buckets[hand]; e; e = next) {
			next = e->next;
			if (e->used)
				e->used = false;
			else if (!in_use(e))
				entry_remove(e);
		}
		hand = (hand + 1) & (nbuckets - 1);
	}
}

/* A new entry is shown when it is whole; the vnode of an old one is changed in
 * one store: who looks the name up finds the old or the new one, and never none
 * in between. Allocated under the lock: kernel heap does not wait (chapter
 * heap). */
void
namecache_enter(struct vnode *dir, const struct name *name, struct vnode *v)
{
	struct entry *e;
	bool fresh = false;

	if (dir->mount->no_cache)
		return;
	spin_lock(&cache_lock);
	e = find(dir, name);
	if (!e) {
		if (nentries >= entries_max)
			make_room();
		e = entry_new(dir, name);
		fresh = true;
	}
	if (e->vnode != v) {
		list_del(&e->vnode_link);
		if (v)
			list_add(&e->vnode_link, &v->names);
		rcu_assign(e->vnode, v);
	}
	if (fresh) {
		rcu_assign(*bucket_of(dir, name->hash), e);
		nentries++;
	}
	spin_unlock(&cache_lock);
}

/* The first look needs no lock: entries are made by who has a reference, and
 * there is none any more. */
void
namecache_purge(struct vnode *v)
{
	struct entry *e, *next;

	if (list_empty(&v->names) && list_empty(&v->children))
		return;
	spin_lock(&cache_lock);
	list_for_each_safe (e, next, &v->names, vnode_link)
		entry_remove(e);
	list_for_each_safe (e, next, &v->children, dir_link)
		entry_remove(e);
	spin_unlock(&cache_lock);
}

/* An entry is no reference to its directory, which may be going: then it has no
 * path. */
static struct vnode *
reverse(struct vnode *v, char *buf, bool watched)
{
	struct vnode *dir = NULL;
	struct entry *e;

	spin_lock(&cache_lock);
	list_for_each (e, &v->names, vnode_link) {
		if (watched && !rcu_deref(e->dir->watches))
			continue;
		if (!vnode_try_get(e->dir))
			continue;
		dir = e->dir;
		memcpy(buf, e->text, e->len);
		buf[e->len] = '\0';
		break;
	}
	spin_unlock(&cache_lock);
	return dir;
}

struct vnode *
namecache_reverse(struct vnode *v, char *buf)
{
	return reverse(v, buf, false);
}

struct vnode *
namecache_watched(struct vnode *v, char *buf)
{
	return reverse(v, buf, true);
}

unsigned
namecache_count(void)
{
	return nentries;
}

/* Half of them go; the chain a bucket holds is not looked at. How many @p want
 * would take is not known: a name is a fraction of a page. Two rounds, as the
 * first takes away the second chance. */
static uint64_t
evict(uint64_t want)
{
	unsigned before, rounds;

	(void)want;
	spin_lock(&cache_lock);
	before = nentries;
	for (rounds = 0;
	     rounds < 2 * nbuckets / HAND_BUCKETS && nentries > before / 2;
	     rounds++)
		make_room();
	before -= nentries;
	spin_unlock(&cache_lock);
	return before;
}

EVICTOR(names, evict);

/* One bucket for each entry that there may be, or as many as the largest block
 * of pages holds. */
void
namecache_init(void)
{
	struct mem_stats stats;
	unsigned order = 0;
	struct page *page;

	mem_stats_get(&stats);
	entries_max =
		MAX(stats.heap_max * PAGE_SIZE / HEAP_SHARE / ENTRY_TYPICAL,
		    ENTRIES_MIN + 0ul);
	while ((PAGE_SIZE << order) / sizeof(*buckets) < entries_max &&
	       order < PAGE_ORDER_MAX)
		order++;
	page = page_alloc(order, PAGE_KERNEL, ALLOC_ZERO);
	if (!page)
		panic("vfs: no memory for the name cache");
	buckets = page_address(page);
	nbuckets = (PAGE_SIZE << order) / sizeof(*buckets);
}
