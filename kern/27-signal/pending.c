/*
 * Pending signals: sets of what is on its way to a process or a thread. Entry
 * points: pending_add, pending_next, pending_take, pending_flush. Who may send
 * what to whom is not decided here.
 */
#include "sigstate.h"
#include "string.h"

#define INFO_FIELDS_AT                                                         \
	16 /* of siginfo_t: behind signo, errno, code, padding                 \
	    */

_Static_assert(offsetof(siginfo_t, si_u) == INFO_FIELDS_AT, "siginfo_t");
_Static_assert(sizeof(siginfo_t) >=
		       INFO_FIELDS_AT +
			       sizeof(((struct signal_info *)0)->fields),
	       "siginfo_t");

void
signal_info_from(struct signal_info *to, const siginfo_t *from)
{
	to->error = from->si_errno;
	to->code = from->si_code;
	memcpy(to->fields, &from->si_u, sizeof(to->fields));
}

void
signal_info_to(siginfo_t *to, int signo, const struct signal_info *from)
{
	memset(to, 0, sizeof(*to));
	to->si_signo = signo;
	to->si_errno = from->error;
	to->si_code = from->code;
	memcpy(&to->si_u, from->fields, sizeof(from->fields));
}

void
pending_init(struct pending *p)
{
	p->set = 0;
	list_init(&p->queue);
}

void
pending_add(struct pending *p, int signo, const struct signal_info *info,
	    struct queued_signal *q)
{
	p->set |= KSIGMASK(signo);
	if (q) {
		q->signo = signo;
		q->info = *info;
		q->in = p;
		list_add_tail(&q->link, &p->queue);
	} else if (signo <= SIGNALS_STANDARD) {
		p->standard[signo - 1] = *info;
	}
}

int
pending_next(ksigset_t set)
{
	if (set & SIGNALS_SYNCHRONOUS)
		set &= SIGNALS_SYNCHRONOUS;
	return set ? (int)ctz64(set) + 1 : 0;
}

/* The oldest entry for @p signo that comes after @p from. */
static struct queued_signal *
find_queued(struct pending *p, struct list *from, int signo)
{
	struct list *l;
	struct queued_signal *q;

	for (l = from->next; l != &p->queue; l = l->next) {
		q = list_entry(l, struct queued_signal, link);
		if (q->signo == signo)
			return q;
	}
	return NULL;
}

/* The bit stays set while another entry for the signal is in the queue. */
struct queued_signal *
pending_take(struct pending *p, int signo, struct signal_info *info)
{
	struct queued_signal *q = find_queued(p, &p->queue, signo);

	ASSERT(p->set & KSIGMASK(signo));
	if (q)
		*info = q->info;
	else if (signo <= SIGNALS_STANDARD)
		*info = p->standard[signo - 1];
	else
		memset(info, 0, sizeof(*info)); /* SI_USER, from nobody */

	if (!q || !find_queued(p, &q->link, signo))
		p->set &= ~KSIGMASK(signo);
	if (!q)
		return NULL;
	list_del(&q->link);
	if (!q->taken)
		return q;
	q->taken(q, info);
	return NULL;
}

void
pending_remove(struct queued_signal *q)
{
	struct pending *p = q->in;

	if (!find_queued(p, &q->link, q->signo) &&
	    find_queued(p, &p->queue, q->signo) == q)
		p->set &= ~KSIGMASK(q->signo);
	list_del(&q->link);
}

/* Timers' entries go out of the queue and are not freed: they are the timers'
 * own. */
unsigned
pending_flush(struct pending *p, ksigset_t set)
{
	struct queued_signal *q, *next;
	unsigned n = 0;

	p->set &= ~set;
	list_for_each_safe (q, next, &p->queue, link) {
		if (!(set & KSIGMASK(q->signo)))
			continue;
		list_del(&q->link);
		if (q->taken) {
			q->taken(q, NULL);
			continue;
		}
		kfree(q);
		n++;
	}
	return n;
}
