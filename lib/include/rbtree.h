/*
 * Intrusive red-black trees: sorted sets with search, insertion and removal in
 * O(log n), and no allocation. Guibas and Sedgewick 1978; the case analysis
 * follows Cormen et al., Introduction to Algorithms, chapter 13. A zeroed
 * rbroot is an empty tree. Nothing here locks. The definitions:
 * lib/freestanding/rbtree.c.
 */
#ifndef RBTREE_H
#define RBTREE_H

#include <stdbool.h>
#include <stddef.h>
#include "bits.h"

struct rbnode {
	struct rbnode *parent;
	struct rbnode *child[2]; /**< [0] smaller, [1] greater */
	bool red;
};

struct rbroot {
	struct rbnode *node;
};

/** The struct around a node. */
#define rb_entry(node, type, member) container_of(node, type, member)

/** Orders two nodes: negative, zero or positive. */
typedef int rb_cmp(const struct rbnode *a, const struct rbnode *b);

/** Orders a key and a node: negative if the key comes first. */
typedef int rb_key_cmp(const void *key, const struct rbnode *node);

/**
 * Inserts a node.
 * @return NULL, or the node in the tree that compares equal; then nothing has
 * been inserted.
 */
struct rbnode *rb_insert(struct rbroot *root, struct rbnode *node, rb_cmp *cmp);

/**
 * Inserts a node at a place that the caller has searched for, as one does to
 * allow equal keys or to avoid a callback.
 * @param parent the node it hangs from; NULL in an empty tree
 * @param dir which child of parent it becomes; that one must be NULL
 */
void rb_insert_at(struct rbroot *root, struct rbnode *parent, int dir,
		  struct rbnode *node);

/** Removes a node that is in the tree. */
void rb_erase(struct rbroot *root, struct rbnode *node);

/** The node that compares equal to key, or NULL. */
struct rbnode *rb_find(const struct rbroot *root, const void *key,
		       rb_key_cmp *cmp);

/** The first node not before key, or NULL. */
struct rbnode *rb_ceil(const struct rbroot *root, const void *key,
		       rb_key_cmp *cmp);

/** The last node not after key, or NULL. */
struct rbnode *rb_floor(const struct rbroot *root, const void *key,
			rb_key_cmp *cmp);

/** The first (last) node in order, or NULL. */
struct rbnode *rb_first(const struct rbroot *root);
struct rbnode *rb_last(const struct rbroot *root);

/** The next (previous) node in order, or NULL. */
struct rbnode *rb_next(const struct rbnode *node);
struct rbnode *rb_prev(const struct rbnode *node);

static inline bool
rb_empty(const struct rbroot *root)
{
	return root->node == NULL;
}

/**
 * Checks the tree's invariants, for tests and debug builds: links agree, no red
 * node has a red child, all paths have the same number of black nodes.
 * @return that number, or -1 if an invariant is broken
 */
int rb_check(const struct rbroot *root);

#endif
