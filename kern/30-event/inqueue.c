/*
 * The queue of an inotify instance: records one after the other, in a chain of
 * pages. They are not on the kernel heap, because who fills the queue is any
 * call on a watched file, and those have no bound for it; a page may fail to be
 * had, and then the reader is told that something was lost, as when a queue is
 * full.
 */
#include "inqueue.h"
#include "string.h"

#define RECORDS_MAX 16384u /* Linux's max_queued_events */
#define PAGES_SHARE 64	   /* of memory, 1/n at most is queues */
#define NAME_ALIGN  16

struct record_page {
	struct page *next;
	unsigned begin, end; /* of what is not taken, in bytes */
	unsigned last;	     /* where the last record begins */
	char records[];
};
#define ROOM (PAGE_SIZE - sizeof(struct record_page))

static uint64_t npages, npages_max; /* under inotify's lock */

static struct record_page *
records_of(struct page *page)
{
	return page_address(page);
}

static size_t
size_of(const struct inotify_event *e)
{
	return sizeof(*e) + e->len;
}

/* ---- Putting ---- */

/* @return whether there is a last page with @p bytes of room */
static bool
make_room(struct inqueue *q, size_t bytes)
{
	struct page *page;

	if (q->last && ROOM - records_of(q->last)->end >= bytes)
		return true;
	if (npages >= npages_max)
		return false;
	page = page_alloc(0, PAGE_KERNEL, 0);
	if (!page)
		return false;
	npages++;
	*records_of(page) = (struct record_page){ 0 };
	if (q->last)
		records_of(q->last)->next = page;
	else
		q->first = page;
	q->last = page;
	return true;
}

/* Whether the last record, which nobody has read yet, is @p r. */
static bool
is_last(const struct inqueue *q, const struct inrecord *r)
{
	const struct record_page *p;

	if (!q->last)
		return false;
	p = records_of(q->last);
	return p->begin < p->end && p->end - p->last == size_of(&r->event) &&
	       memcmp(p->records + p->last, r, size_of(&r->event)) == 0;
}

void
inqueue_put(struct inqueue *q, int wd, uint32_t mask, uint32_t cookie,
	    const char *name, size_t len)
{
	struct inrecord r = {
		.event = { .wd = wd, .mask = mask, .cookie = cookie }
	};
	struct record_page *p;

	if (name) {
		r.event.len = ROUND_UP(len + 1, NAME_ALIGN + 0ul);
		memcpy(r.name, name, len);
	}
	if (q->lost || is_last(q, &r))
		return;
	if (q->n >= RECORDS_MAX || !make_room(q, size_of(&r.event))) {
		q->lost = true;
		return;
	}
	p = records_of(q->last);
	memcpy(p->records + p->end, &r, size_of(&r.event));
	p->last = p->end;
	p->end += size_of(&r.event);
	q->bytes += size_of(&r.event);
	q->n++;
}

/* ---- Taking ---- */

static void
drop_first_page(struct inqueue *q)
{
	struct page *page = q->first;

	q->first = records_of(page)->next;
	if (!q->first)
		q->last = NULL;
	page_unref(page);
	npages--;
}

/* The record that a reader gets next, in its page. */
static const struct inotify_event *
first_record(const struct inqueue *q)
{
	struct record_page *p = records_of(q->first);

	return (const struct inotify_event *)(p->records + p->begin);
}

size_t
inqueue_next(const struct inqueue *q)
{
	if (q->first)
		return size_of(first_record(q));
	return q->lost ? sizeof(struct inotify_event) : 0;
}

void
inqueue_take(struct inqueue *q, struct inrecord *record)
{
	struct record_page *p;
	size_t bytes;

	if (!q->first) {
		record->event =
			(struct inotify_event){ -1, IN_Q_OVERFLOW, 0, 0 };
		q->lost = false;
		return;
	}
	p = records_of(q->first);
	bytes = size_of(first_record(q));
	memcpy(record, first_record(q), bytes);
	p->begin += bytes;
	q->bytes -= bytes;
	q->n--;
	if (p->begin == p->end)
		drop_first_page(q);
}

uint64_t
inqueue_bytes(const struct inqueue *q)
{
	return q->bytes + (q->lost ? sizeof(struct inotify_event) : 0);
}

void
inqueue_free(struct inqueue *q)
{
	while (q->first)
		drop_first_page(q);
}

void
inqueue_init(void)
{
	struct mem_stats stats;

	mem_stats_get(&stats);
	npages_max = stats.total / PAGES_SHARE;
}
