/*
 * Intrusive doubly linked circular lists. A struct list stands inside the
 * element and, alone, as the head; an empty head points to itself, so no
 * operation has a special case. The idea is as old as the VAX's queue
 * instructions. Nothing here locks. The kernel's checking build looks at the
 * neighbours at each change, and panics where they do not agree.
 */
#ifndef LIST_H
#define LIST_H

#include <stdbool.h>
#include <stddef.h>
#include "bits.h"

struct list {
	struct list *next;
	struct list *prev;
};

/* A link whose neighbours do not know it: an element was added twice, or its
 * memory was given away while it stood in a list. */
#ifdef DEBUG
void list_corrupted(const struct list *l);
#define LIST_CHECK(l)                                                          \
	do {                                                                   \
		if ((l)->next->prev != (l) || (l)->prev->next != (l))          \
			list_corrupted(l);                                     \
	} while (0)
#else
#define LIST_CHECK(l) ((void)0)
#endif

/** A static head: struct list queue = LIST_INIT(queue); */
#define LIST_INIT(name)                                                        \
	{                                                                      \
		&(name), &(name)                                               \
	}

/** Makes a head empty, or an element belong to no list. */
static inline void
list_init(struct list *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool
list_empty(const struct list *head)
{
	return head->next == head;
}

/** Puts an element after a given one: after the head, it is the first. */
static inline void
list_add(struct list *elem, struct list *where)
{
	LIST_CHECK(where);
	elem->next = where->next;
	elem->prev = where;
	where->next->prev = elem;
	where->next = elem;
}

/** Puts an element before a given one: before the head, it is the last. */
static inline void
list_add_tail(struct list *elem, struct list *where)
{
	list_add(elem, where->prev);
}

/**
 * Takes an element out of its list and makes it belong to none, so that a
 * second list_del does no harm and list_empty(elem) tells whether it is on one.
 */
static inline void
list_del(struct list *elem)
{
	LIST_CHECK(elem);
	elem->prev->next = elem->next;
	elem->next->prev = elem->prev;
	list_init(elem);
}

/** Moves all elements of from to the end of to; from is empty after it. */
static inline void
list_splice_tail(struct list *from, struct list *to)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	from->prev->next = to;
	to->prev->next = from->next;
	to->prev = from->prev;
	list_init(from);
}

/** The number of elements; takes a walk. */
static inline size_t
list_length(const struct list *head)
{
	size_t n = 0;

	for (const struct list *l = head->next; l != head; l = l->next)
		n++;
	return n;
}

/** The struct around a link. */
#define list_entry(link, type, member) container_of(link, type, member)

/** The first and last element, or NULL if there is none. */
#define list_first(head, type, member)                                         \
	(list_empty(head) ? (type *)NULL                                       \
			  : list_entry((head)->next, type, member))
#define list_last(head, type, member)                                          \
	(list_empty(head) ? (type *)NULL                                       \
			  : list_entry((head)->prev, type, member))

/** The element after this one, or NULL if it is the last. */
#define list_next(elem, head, member)                                          \
	((elem)->member.next == (head)                                         \
		 ? (__typeof__(elem))NULL                                      \
		 : list_entry((elem)->member.next, __typeof__(*(elem)),        \
			      member))

/**
 * Walks a list; elem is a pointer to the element's struct. The list must not
 * change in the loop except after elem.
 */
#define list_for_each(elem, head, member)                                      \
	for (elem = list_entry((head)->next, __typeof__(*elem), member);       \
	     &elem->member != (head);                                          \
	     elem = list_entry(elem->member.next, __typeof__(*elem), member))

/** The same, and the loop may take elem out; tmp is a pointer of elem's type.
 */
#define list_for_each_safe(elem, tmp, head, member)                            \
	for (elem = list_entry((head)->next, __typeof__(*elem), member),       \
	    tmp = list_entry(elem->member.next, __typeof__(*elem), member);    \
	     &elem->member != (head); elem = tmp,                              \
	    tmp = list_entry(elem->member.next, __typeof__(*elem), member))

#endif
