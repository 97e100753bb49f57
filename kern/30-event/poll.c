/*
 * Waiting for several files at once. A poller looks at each file and, the first
 * time, hangs a watch on every queue that would announce a change; if nothing
 * is ready it sleeps until a watch is woken and looks again. Entry points:
 * poll_wait, for poll(2) and select(2) (select.c).
 *
 * A watch may be woken between two looks: it sets `triggered`, and the poller
 * sleeps only if that is not set, so no event is lost.
 */
#include "poll.h"

#define ENTRIES_PER_PAGE                                                       \
	((PAGE_SIZE - sizeof(struct page *)) / sizeof(struct poll_entry))

/** More watches than the stack holds: a page of them. */
struct poll_page {
	struct page *next;
	struct poll_entry entries[ENTRIES_PER_PAGE];
};
_Static_assert(sizeof(struct poll_page) <= PAGE_SIZE, "one page");

/* ---- Watches ---- */

static bool
poll_woken(struct waitq_watch *w)
{
	struct poller *p = container_of(w, struct poll_entry, watch)->poller;

	atomic_store(&p->triggered, true);
	thread_wake(p->thread);
	return true;
}

static struct poll_entry *
new_entry(struct poller *p)
{
	unsigned n = p->nentries, i;
	struct page *page;
	struct poll_page *pp;

	if (n < POLL_ENTRIES_INLINE)
		return &p->entries[p->nentries++];
	i = (n - POLL_ENTRIES_INLINE) % ENTRIES_PER_PAGE;
	if (i == 0) {
		page = page_alloc(0, PAGE_KERNEL, 0);
		if (!page)
			return NULL;
		pp = page_address(page);
		pp->next = p->pages;
		p->pages = page;
	}
	pp = page_address(p->pages);
	p->nentries++;
	return &pp->entries[i];
}

/* poll_table.add. The entry keeps the file: its queue must not go away. */
static void
poll_hang(struct poll_table *table, struct waitq *wq)
{
	struct poller *p = container_of(table, struct poller, table);
	struct poll_entry *e = new_entry(p);

	if (!e) {
		p->error = -ENOMEM;
		return;
	}
	e->poller = p;
	e->wq = wq;
	e->file = file_get(p->file);
	e->watch = (struct waitq_watch){ .wake = poll_woken };
	waitq_watch(wq, &e->watch);
}

static void
drop_entry(struct poll_entry *e)
{
	waitq_unwatch(e->wq, &e->watch);
	file_put(e->file);
}

static void
poller_end(struct poller *p)
{
	unsigned n = p->nentries, i;
	struct poll_page *pp;
	struct page *page;

	for (; n > POLL_ENTRIES_INLINE; n -= i + 1) {
		page = p->pages;
		pp = page_address(page);
		i = (n - POLL_ENTRIES_INLINE - 1) % ENTRIES_PER_PAGE;
		for (unsigned j = 0; j <= i; j++)
			drop_entry(&pp->entries[j]);
		p->pages = pp->next;
		page_unref(page);
	}
	while (n > 0)
		drop_entry(&p->entries[--n]);
}

/* ---- Looking ---- */

unsigned
file_poll(struct file *f, struct poll_table *table)
{
	if (!f->ops->poll)
		return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
	return f->ops->poll(f, table);
}

unsigned
poller_look(struct poller *p, int fd)
{
	struct borrowed b = fd_borrow(fd);
	unsigned events;

	if (!b.file)
		return POLLNVAL;
	p->file = b.file;
	events = b.file->flags & O_PATH
			 ? POLLNVAL
			 : file_poll(b.file, p->hang ? &p->table : NULL);
	fd_return(b);
	return events;
}

/* ---- Waiting ---- */

static int
poller_sleep(struct poller *p, uint64_t deadline)
{
	int error = 0;

	if (sched_ops.sleep_begin)
		sched_ops.sleep_begin();
	thread_sleep_prepare();
	if (atomic_exchange(&p->triggered, false))
		thread_sleep_cancel();
	else
		error = thread_sleep(WAIT_INTERRUPTIBLE, deadline);
	if (sched_ops.sleep_end)
		sched_ops.sleep_end();
	return error;
}

/* Look and sleep until something is ready. The very first look hangs no
 * watches: often something is ready, and then they would be all of the cost.
 * Who only looks hears of a signal, too: by ppoll it may wait for nothing else.
 */
static int
poll_loop(struct poller *p, poll_scan_fn *scan, void *arg, uint64_t deadline)
{
	int n = scan(p, arg), error = 0;

	if (n)
		return n;
	if (!deadline)
		return thread_interrupted(INTERRUPT_SIGNAL) ? -EINTR : 0;
	p->hang = true;
	for (;;) {
		n = scan(p, arg);
		p->hang = false;
		if (n || p->error)
			return n ? n : p->error;
		if (error)
			return error == -EINTR ? -EINTR : 0;
		error = poller_sleep(p, deadline);
	}
}

int
poll_wait(poll_scan_fn *scan, void *arg, uint64_t deadline)
{
	struct poller p;
	int n;

	p.table = (struct poll_table){ poll_hang, ~0u };
	p.thread = current();
	atomic_init(&p.triggered, false);
	p.hang = false;
	p.error = 0;
	p.nentries = 0;
	p.pages = NULL;
	n = poll_loop(&p, scan, arg, deadline);
	poller_end(&p);
	return n;
}
