/*
 * Which epoll waits for which file. Epolls may wait for epolls; a circle of
 * them would call itself for ever, and a long chain would hold interrupts off
 * for long, so both are refused. Entry points: epoll_link, epoll_unlink.
 *
 * graph_lock guards all of this, of all epolls: links are made and unmade
 * rarely. The walk visits each epoll once, and goes no deeper than the nest.
 */
#include "epoll.h"

static struct spinlock graph_lock = SPINLOCK("epoll graph");
static uint64_t walks; /* under graph_lock */

/* Edges on the longest path down from @p e, which is @p level below where the
 * walk began; more than EPOLL_DEPTH_MAX if one leads to @p to. */
static unsigned
height(struct epoll *e, const struct epoll *to, unsigned level)
{
	struct epoll_member *m;
	unsigned h, highest = 0;

	NESTS(EPOLL_DEPTH_MAX + 1, level <= EPOLL_DEPTH_MAX);
	if (e == to)
		return EPOLL_DEPTH_MAX + 1;
	if (e->visit == walks)
		return e->below;
	list_for_each (m, &e->children, child_link) {
		h = height(m->file->private_data, to, level + 1) + 1;
		highest = MAX(highest, h);
	}
	e->visit = walks;
	e->below = highest;
	return highest;
}

/* The same up from @p e. */
static unsigned
depth(struct epoll *e, unsigned level)
{
	struct epoll_member *m;
	unsigned d, deepest = 0;

	NESTS(EPOLL_DEPTH_MAX + 1, level <= EPOLL_DEPTH_MAX);
	if (e->visit == walks)
		return e->below;
	list_for_each (m, &e->file->epolls, file_link) {
		d = depth(m->epoll, level + 1) + 1;
		deepest = MAX(deepest, d);
	}
	e->visit = walks;
	e->below = deepest;
	return deepest;
}

/* Whether @p child may become a member of @p e. */
static bool
may_nest(struct epoll *e, struct epoll *child)
{
	unsigned below, above;

	walks++;
	below = height(child, e, 0);
	walks++;
	above = depth(e, 0);
	return above + 1 + below <= EPOLL_DEPTH_MAX;
}

int
epoll_link(struct epoll_member *m)
{
	int error = 0;

	spin_lock(&graph_lock);
	if (is_epoll(m->file)) {
		if (may_nest(m->epoll, m->file->private_data))
			list_add(&m->child_link, &m->epoll->children);
		else
			error = -ELOOP;
	}
	if (!error)
		list_add(&m->file_link, &m->file->epolls);
	spin_unlock(&graph_lock);
	return error;
}

void
epoll_unlink(struct epoll_member *m)
{
	spin_lock(&graph_lock);
	list_del(&m->child_link);
	list_del(&m->file_link);
	spin_unlock(&graph_lock);
}

struct epoll *
epoll_of_file(struct file *f)
{
	struct epoll_member *m;
	struct epoll *e = NULL;

	spin_lock(&graph_lock);
	m = list_first(&f->epolls, struct epoll_member, file_link);
	if (m) {
		e = m->epoll;
		ref_get(&e->refs);
	}
	spin_unlock(&graph_lock);
	return e;
}

struct epoll_member *
epoll_member_of_file(struct epoll *e, struct file *f)
{
	struct epoll_member *m, *found = NULL;

	spin_lock(&graph_lock);
	list_for_each (m, &f->epolls, file_link) {
		if (m->epoll == e) {
			found = m;
			break;
		}
	}
	spin_unlock(&graph_lock);
	return found;
}
