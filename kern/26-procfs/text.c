/*
 * Texts that the kernel writes for readers of /proc. A text grows on whole
 * pages, outside of the heap: how long it gets depends on how much there is to
 * tell. A text that gets no more memory is cut short.
 */
#include "procfs_internal.h"
#include "format.h"
#include "string.h"

void
text_free(struct text *t)
{
	if (t->buf)
		page_unref(address_to_page(t->buf));
	t->buf = NULL;
	t->len = t->cap = 0;
}

/* Make room for @len more bytes. @return whether there is */
static bool
grow(struct text *t, size_t len)
{
	struct page *page;
	unsigned order = 0;

	if (t->len + len <= t->cap)
		return true;
	while (PAGE_SIZE << order < t->len + len)
		if (++order > PAGE_ORDER_MAX)
			return false;
	page = page_alloc(order, PAGE_KERNEL, 0);
	if (!page)
		return false;
	if (t->buf) {
		memcpy(page_address(page), t->buf, t->len);
		page_unref(address_to_page(t->buf));
	}
	t->buf = page_address(page);
	t->cap = PAGE_SIZE << order;
	return true;
}

void
text_append(struct text *t, const void *bytes, size_t len)
{
	if (!grow(t, len))
		return;
	memcpy(t->buf + t->len, bytes, len);
	t->len += len;
	INVARIANT(PROCFS4, t->len <= t->cap);
}

void
text_printf(struct text *t, const char *fmt, ...)
{
	va_list ap;
	size_t room = t->cap - t->len;
	int n;

	va_start(ap, fmt);
	n = vsnformat(t->buf ? t->buf + t->len : NULL, room, fmt, ap);
	va_end(ap);
	if ((size_t)n < room) {
		t->len += n;
		return;
	}
	/* It did not fit, with its NUL: again, with room for it. */
	if (!grow(t, n + 1))
		return;
	va_start(ap, fmt);
	t->len += vsnformat(t->buf + t->len, n + 1, fmt, ap);
	va_end(ap);
	INVARIANT(PROCFS4, t->len < t->cap);
}

void
text_escape(struct text *t, const char *string, const char *special)
{
	for (; *string; string++) {
		if (strchr(special, *string))
			text_printf(t, "\\%03o", *string);
		else
			text_append(t, string, 1);
	}
}

void
text_pad(struct text *t, size_t from, size_t column)
{
	while (t->len - from < column) {
		size_t before = t->len;

		text_append(t, " ", 1);
		if (t->len == before)
			return;
	}
}
