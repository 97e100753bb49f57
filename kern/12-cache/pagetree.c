/*
 * The tree of a file's pages: a radix tree of nodes of a page each, 512 slots,
 * so that a file's first page needs no node and its first 2 MiB need one. The
 * nodes come from the page pool, not from the kernel heap, whose use by a call
 * must be bounded. Look-ups take no lock: nodes are freed after a grace period.
 *
 * Entry points: tree_find (RCU section), tree_next, tree_insert, tree_remove
 * (cache->lock held).
 */
#include "cache_internal.h"

#define NODE_BITS   9
#define NODE_SLOTS  (1u << NODE_BITS)
#define HEIGHT_MASK 7ul /* of the root: all it can point to is aligned to 8 */
#define HEIGHT_MAX  DIV_ROUND_UP(64 - PAGE_SHIFT, NODE_BITS)

struct node {
	void *slots[NODE_SLOTS]; /* nodes; at height 1, struct page */
};

_Static_assert(sizeof(struct node) == PAGE_SIZE, "a node is a page");
_Static_assert(sizeof(struct rcu_head) <= sizeof(struct list),
	       "a dead node's rcu_head takes the place of its page's lru");

static inline unsigned
tree_height(uintptr_t root)
{
	return root & HEIGHT_MASK;
}

static inline void *
tree_top(uintptr_t root)
{
	return (void *)(root & ~HEIGHT_MASK);
}

/* Slot of @p index in a node of @p height (1: its slots are pages). */
static inline unsigned
slot_of(uint64_t index, unsigned height)
{
	return index >> NODE_BITS * (height - 1) & (NODE_SLOTS - 1);
}

/* Whether a tree of @p height has room for @p index. */
static inline bool
reaches(unsigned height, uint64_t index)
{
	return index >> NODE_BITS * height == 0;
}

/* Used slots of a node: in its struct page, which is otherwise free. */
static inline uint64_t *
node_used(struct node *node)
{
	return &address_to_page(node)->index;
}

/* One load has root and height, which belong together. Each slot is loaded
 * once: what is seen may be old, and is then as it was at some moment of the
 * look-up. A node that was taken out meanwhile has no slots in use, and is not
 * freed before the section ends. */
struct page *
tree_find(struct page_cache *c, uint64_t index)
{
	uintptr_t root = rcu_deref(c->root);
	unsigned height = tree_height(root);
	void *at = tree_top(root);

	if (!reaches(height, index))
		return NULL;
	for (; at && height > 0; height--)
		at = rcu_deref(
			((struct node *)at)->slots[slot_of(index, height)]);
	return at;
}

/* The first page below @p node from its slot of @p index on; of the first slot,
 * from the rest of @p index on, of later ones from their begin on. As deep as
 * the tree is high. */
static struct page *
next_below(struct node *node, unsigned height, uint64_t index)
{
	unsigned shift = NODE_BITS * (height - 1);
	uint64_t i;
	struct page *page;

	NESTS(HEIGHT_MAX, height <= HEIGHT_MAX);
	for (i = index >> shift; i < NODE_SLOTS; i++, index = i << shift) {
		if (!node->slots[i])
			continue;
		if (height == 1)
			return node->slots[i];
		page = next_below(node->slots[i], height - 1,
				  index - (i << shift));
		if (page)
			return page;
	}
	return NULL;
}

struct page *
tree_next(struct page_cache *c, uint64_t index)
{
	unsigned height = tree_height(c->root);

	if (!c->root || !reaches(height, index))
		return NULL;
	if (height == 0)
		return tree_top(c->root);
	return next_below(tree_top(c->root), height, index);
}

/* ---- Nodes for an insertion ---- */

int
tree_nodes_refill(struct tree_nodes *nodes)
{
	struct page *page;

	while (nodes->n < nodes->wanted) {
		page = page_alloc(0, PAGE_KERNEL, ALLOC_ZERO);
		if (!page)
			return -ENOMEM;
		page->index = 0;
		nodes->pages[nodes->n++] = page;
	}
	return 0;
}

void
tree_nodes_free(struct tree_nodes *nodes)
{
	while (nodes->n > 0)
		page_unref(nodes->pages[--nodes->n]);
}

/* Exactly as many as tree_insert takes then, if the lock is held in between: so
 * a page that is there needs none, and none is left in the tree unused. */
static unsigned
nodes_needed(struct page_cache *c, uint64_t index)
{
	unsigned height = tree_height(c->root), reach = 0;
	struct node *node;

	while (!reaches(reach, index))
		reach++;
	if (!c->root)
		return reach;
	if (reach > height) /* new nodes on top, and a branch of them */
		return reach - height + reach - 1;
	for (node = tree_top(c->root); height > 1; height--) {
		node = node->slots[slot_of(index, height)];
		if (!node)
			return height - 1;
	}
	return 0;
}

/* Zeroed, and with 0 slots in use, by tree_nodes_refill. */
static struct node *
node_take(struct tree_nodes *nodes)
{
	return page_address(nodes->pages[--nodes->n]);
}

/* A new root is complete before it is published: look-ups see the old tree, or
 * the same below one more node. Nothing makes it lower again but that it
 * becomes empty. */
static void
grow(struct page_cache *c, uint64_t index, struct tree_nodes *nodes)
{
	unsigned height = tree_height(c->root);
	struct node *node;

	while (!reaches(height, index)) {
		if (c->root) {
			node = node_take(nodes);
			node->slots[0] = tree_top(c->root);
			*node_used(node) = 1;
			rcu_assign(c->root, (uintptr_t)node | (height + 1));
		}
		height++;
	}
	if (!c->root && height > 0)
		rcu_assign(c->root, (uintptr_t)node_take(nodes) | height);
}

int
tree_insert(struct page_cache *c, struct page *page, uint64_t index,
	    struct tree_nodes *nodes)
{
	struct node *node, *child;
	unsigned height;

	nodes->wanted = nodes_needed(c, index);
	if (nodes->n < nodes->wanted)
		return -EAGAIN;
	grow(c, index, nodes);
	height = tree_height(c->root);
	if (height == 0) {
		if (c->root)
			return -EEXIST;
		rcu_assign(c->root, (uintptr_t)page);
		return 0;
	}
	for (node = tree_top(c->root); height > 1; height--, node = child) {
		child = node->slots[slot_of(index, height)];
		if (child)
			continue;
		child = node_take(nodes);
		rcu_assign(node->slots[slot_of(index, height)], child);
		++*node_used(node);
	}
	if (node->slots[slot_of(index, 1)])
		return -EEXIST;
	rcu_assign(node->slots[slot_of(index, 1)], page);
	++*node_used(node);
	return 0;
}

/* See the assertion at the top: the node itself may be read until now, so its
 * rcu_head is not in it. */
static void
node_free_deferred(struct rcu_head *head)
{
	page_unref(container_of((struct list *)head, struct page, lru));
}

/* From the page upwards, as long as a node becomes empty: then it is cut off
 * above, and freed once no look-up is in it. */
void
tree_remove(struct page_cache *c, uint64_t index)
{
	unsigned height = tree_height(c->root), level;
	struct node *path[HEIGHT_MASK + 1];
	struct page *page;

	if (height == 0) {
		rcu_assign(c->root, 0);
		return;
	}
	path[height] = tree_top(c->root);
	for (level = height; level > 1; level--)
		path[level - 1] = path[level]->slots[slot_of(index, level)];
	for (level = 1; level <= height; level++) {
		rcu_assign(path[level]->slots[slot_of(index, level)], NULL);
		if (--*node_used(path[level]) > 0)
			return;
		if (level == height)
			rcu_assign(c->root, 0);
		page = address_to_page(path[level]);
		rcu_defer((struct rcu_head *)&page->lru, node_free_deferred);
	}
}
