/*
 * Red-black trees; the contract is rbtree.h's. Every node is red or black, and
 * (RB1) the root is black, (RB2) a red node has no red child, (RB3) every path
 * from a node down to a NULL passes the same number of black nodes. So the
 * longest path is at most twice the shortest. NULL counts as black. The mirror
 * cases are one case here: child[dir] and child[!dir].
 */
#include "rbtree.h"

static bool
is_red(const struct rbnode *n)
{
	return n != NULL && n->red;
}

/** Which child of its parent a node is. */
static int
dir_of(const struct rbnode *n)
{
	return n->parent->child[1] == n;
}

/** Puts new (possibly NULL) where old hangs; old keeps its own links. */
static void
replace(struct rbroot *root, struct rbnode *old, struct rbnode *new)
{
	if (old->parent == NULL)
		root->node = new;
	else
		old->parent->child[dir_of(old)] = new;
	if (new != NULL)
		new->parent = old->parent;
}

/** Turns the edge from n to its child !dir, so that n becomes child dir. */
static void
rotate(struct rbroot *root, struct rbnode *n, int dir)
{
	struct rbnode *up = n->child[!dir];
	struct rbnode *middle = up->child[dir];

	replace(root, n, up);
	up->child[dir] = n;
	n->parent = up;
	n->child[!dir] = middle;
	if (middle != NULL)
		middle->parent = n;
}

/*
 * A red node n has been added. Only RB2 can be broken, between n and its
 * parent. A red uncle: push the red up two levels and look there. A black one:
 * two rotations at most end it.
 */
static void
insert_fixup(struct rbroot *root, struct rbnode *n)
{
	while (is_red(n->parent)) {
		struct rbnode *parent = n->parent;
		struct rbnode *grand = parent->parent; /* RB1: there is one */
		int dir = dir_of(parent);
		struct rbnode *uncle = grand->child[!dir];

		if (is_red(uncle)) {
			parent->red = false;
			uncle->red = false;
			grand->red = true;
			n = grand;
			continue;
		}
		if (dir_of(n) != dir) { /* bent: straighten it first */
			rotate(root, parent, dir);
			parent = n;
		}
		parent->red = false;
		grand->red = true;
		rotate(root, grand, !dir);
		break;
	}
	root->node->red = false;
}

void
rb_insert_at(struct rbroot *root, struct rbnode *parent, int dir,
	     struct rbnode *node)
{
	node->parent = parent;
	node->child[0] = NULL;
	node->child[1] = NULL;
	node->red = true;
	if (parent == NULL)
		root->node = node;
	else
		parent->child[dir] = node;
	insert_fixup(root, node);
}

struct rbnode *
rb_insert(struct rbroot *root, struct rbnode *node, rb_cmp *cmp)
{
	struct rbnode *parent = NULL;
	struct rbnode *n = root->node;
	int dir = 0;

	while (n != NULL) {
		int order = cmp(node, n);

		if (order == 0)
			return n;
		dir = order > 0;
		parent = n;
		n = n->child[dir];
	}
	rb_insert_at(root, parent, dir, node);
	return NULL;
}

/*
 * A black node has gone from under parent, on side dir: paths there have one
 * black too few (RB3). The sibling exists, for its side has that black one.
 */
static void
erase_fixup(struct rbroot *root, struct rbnode *parent, int dir)
{
	for (;;) {
		struct rbnode *sib = parent->child[!dir];

		if (sib->red) { /* make the sibling black; the need stays */
			sib->red = false;
			parent->red = true;
			rotate(root, parent, dir);
			sib = parent->child[!dir];
		}
		if (!is_red(sib->child[0]) && !is_red(sib->child[1])) {
			/* take a black from that side too, and go up */
			sib->red = true;
			if (parent->red || parent->parent == NULL) {
				parent->red = false;
				return;
			}
			dir = dir_of(parent);
			parent = parent->parent;
			continue;
		}
		if (!is_red(sib->child[!dir])) { /* bent: straighten it */
			sib->child[dir]->red = false;
			sib->red = true;
			rotate(root, sib, !dir);
			sib = parent->child[!dir];
		}
		sib->red = parent->red;
		parent->red = false;
		sib->child[!dir]->red = false;
		rotate(root, parent, dir);
		return;
	}
}

/** Gives the in-order successor the place, children and colour of node. */
static void
take_place(struct rbroot *root, struct rbnode *node, struct rbnode *successor)
{
	replace(root, node, successor);
	successor->red = node->red;
	for (int dir = 0; dir < 2; dir++) {
		successor->child[dir] = node->child[dir];
		if (node->child[dir] != NULL)
			node->child[dir]->parent = successor;
	}
}

void
rb_erase(struct rbroot *root, struct rbnode *node)
{
	struct rbnode *gone = node; /* what leaves its place in the shape */
	struct rbnode *orphan, *parent;
	int dir = 0;
	bool gone_red;

	if (node->child[0] != NULL && node->child[1] != NULL)
		for (gone = node->child[1]; gone->child[0] != NULL;)
			gone = gone->child[0];
	orphan = gone->child[gone->child[0] == NULL];
	parent = gone->parent;
	gone_red = gone->red;
	if (parent != NULL)
		dir = dir_of(gone);
	replace(root, gone, orphan);
	if (gone != node) {
		take_place(root, node, gone);
		if (parent == node)
			parent = gone;
	}
	if (gone_red)
		return;
	if (is_red(orphan))
		orphan->red = false;
	else if (parent != NULL)
		erase_fixup(root, parent, dir);
}

struct rbnode *
rb_find(const struct rbroot *root, const void *key, rb_key_cmp *cmp)
{
	struct rbnode *n = root->node;
	int order;

	while (n != NULL && (order = cmp(key, n)) != 0)
		n = n->child[order > 0];
	return n;
}

struct rbnode *
rb_ceil(const struct rbroot *root, const void *key, rb_key_cmp *cmp)
{
	struct rbnode *best = NULL;

	for (struct rbnode *n = root->node; n != NULL;) {
		int order = cmp(key, n);

		if (order <= 0)
			best = n;
		n = n->child[order > 0];
	}
	return best;
}

struct rbnode *
rb_floor(const struct rbroot *root, const void *key, rb_key_cmp *cmp)
{
	struct rbnode *best = NULL;

	for (struct rbnode *n = root->node; n != NULL;) {
		int order = cmp(key, n);

		if (order >= 0)
			best = n;
		n = n->child[order >= 0];
	}
	return best;
}

/** The outermost node on one side of a subtree. */
static struct rbnode *
outermost(struct rbnode *n, int dir)
{
	while (n != NULL && n->child[dir] != NULL)
		n = n->child[dir];
	return n;
}

/** The neighbour in order on side dir. */
static struct rbnode *
step(const struct rbnode *n, int dir)
{
	if (n->child[dir] != NULL)
		return outermost(n->child[dir], !dir);
	while (n->parent != NULL && dir_of(n) == dir)
		n = n->parent;
	return n->parent;
}

struct rbnode *
rb_first(const struct rbroot *root)
{
	return outermost(root->node, 0);
}

struct rbnode *
rb_last(const struct rbroot *root)
{
	return outermost(root->node, 1);
}

struct rbnode *
rb_next(const struct rbnode *node)
{
	return step(node, 1);
}

struct rbnode *
rb_prev(const struct rbnode *node)
{
	return step(node, 0);
}

/** The black height of a subtree, or -1. Recursion is at most 2 log2 n deep. */
static int
check_subtree(const struct rbnode *n)
{
	int height[2];

	if (n == NULL)
		return 0;
	for (int dir = 0; dir < 2; dir++) {
		const struct rbnode *c = n->child[dir];

		if (c != NULL && (c->parent != n || (n->red && c->red)))
			return -1;
		height[dir] = check_subtree(c);
	}
	if (height[0] < 0 || height[0] != height[1])
		return -1;
	return height[0] + !n->red;
}

int
rb_check(const struct rbroot *root)
{
	const struct rbnode *n = root->node;

	if (n != NULL && (n->parent != NULL || n->red))
		return -1;
	return check_subtree(n);
}
