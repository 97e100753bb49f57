/*
 * What a process runs: a file that no one may write meanwhile (ETXTBSY), and
 * the path by which it was found, for those who ask. A process has it in common
 * with all that were forked from it. Chapter exec makes one of the file that it
 * has opened.
 */
#include "proc_internal.h"
#include "string.h"

/* Without a page for the path the program runs all the same; /proc/PID/exe is
 * then without a name. The path is that of the moment: a later rename is not
 * followed. */
struct program *
program_new(struct vnode *v)
{
	struct page *page = page_alloc(0, PAGE_KERNEL, 0);
	const char *path = page ? page_address(page) : "";
	struct program *g;
	size_t len;

	INVARIANT(PROC5, atomic_load(&v->writers) < 0);
	if (page &&
	    vnode_path(v, page_address(page), KALLOC_MAX - sizeof(*g)) < 0)
		path = "";
	len = strlen(path);
	g = (struct program *)knew_array(uint8_t, sizeof(*g) + len + 1);
	ref_init(&g->refs);
	memcpy(g->path, path, len + 1);
	g->vnode = v;
	if (page)
		page_unref(page);
	return g;
}

struct program *
program_get(struct program *g)
{
	ref_get(&g->refs);
	return g;
}

void
program_put(struct program *g)
{
	if (!g || !ref_put(&g->refs))
		return;
	vnode_allow_write(g->vnode);
	vnode_put(g->vnode);
	kfree(g);
}

void
proc_set_program(struct proc *p, struct program *g)
{
	struct program *old;

	spin_lock(&p->lock);
	old = p->program;
	p->program = g;
	spin_unlock(&p->lock);
	program_put(old);
}

struct program *
proc_program(struct proc *p)
{
	struct program *g;

	spin_lock(&p->lock);
	g = p->program ? program_get(p->program) : NULL;
	spin_unlock(&p->lock);
	return g;
}
