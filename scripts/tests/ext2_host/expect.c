/*
 * What may be there after a crash: for each stream, the tree after its first k
 * calls, k as large as what was synced asks for. A write that was under way may
 * be there in part: a size between, contents of before and after.
 *
 * With ordered data, contents are freer than names: what is written over other
 * contents reaches the disk at any time from then on, until it is synced; so
 * each sector may be of an earlier or a later version of this file. But what a
 * file has grown by is there when its size says so.
 */
#include "crash.h"
#include "abi/mount.h"
#include "string.h"

/* ---- Contents ---- */

/** Bytes of sector @p at of @p c up to @p size are those of @p t; behind the
 * end of @p c are zeros. */
static bool
sector_is(const struct content *c, const struct content *t, uint64_t at)
{
	uint64_t n = MIN(t->size - at, (uint64_t)SECTOR_SIZE), have, i;

	have = at < c->size ? MIN(n, c->size - at) : 0;
	if (memcmp(c->bytes + at, t->bytes + at, have) != 0)
		return false;
	for (i = have; i < n; i++)
		if (t->bytes[at + i])
			return false;
	return true;
}

/** From which call on the contents of @p ino may be. */
static unsigned
content_low(const struct bounds *b, unsigned stream, uint64_t ino)
{
	unsigned low = b->content_low[stream], i;

	for (i = 0; i < b->nfiles; i++)
		if (b->files[i].ino == ino)
			low = MAX(low, b->files[i].low);
	return low;
}

struct versions {
	const struct call *calls;
	unsigned k;	    /* the tree that is there */
	unsigned low, high; /* versions that may be */
	uint64_t ino;
	bool strict; /* data=journal */
};

static const struct content *
version(const struct versions *v, unsigned k)
{
	const struct entry *e = tree_find_ino(v->calls[k].tree, v->ino);

	return e ? e->content : NULL;
}

static bool
sector_ok(const struct versions *v, const struct content *t, uint64_t at)
{
	const struct content *c;
	unsigned k;

	for (k = v->k; k <= v->high && (c = version(v, k)); k++)
		if (sector_is(c, t, at))
			return true;
	for (k = v->k; !v->strict && k-- > v->low && (c = version(v, k));)
		if ((at + SECTOR_SIZE <= c->size || c->size >= t->size) &&
		    sector_is(c, t, at))
			return true;
	return false;
}

static bool
contents_ok(const struct versions *v, const struct content *t)
{
	const struct content *c = version(v, v->k);
	uint64_t at;

	if (c && c->hash == t->hash && c->size == t->size)
		return true;
	for (at = 0; at < t->size; at += SECTOR_SIZE)
		if (!sector_ok(v, t, at))
			return false;
	return true;
}

/* ---- Trees ---- */

/** Whether @p e is as @p old but for a write that is under way. */
static bool
partly_written(const struct entry *e, const struct entry *old,
	       const struct call *c)
{
	const struct entry *new = tree_find_ino(c->tree, c->ino);

	return c->writes && old->ino == c->ino && new && e->mode == old->mode &&
	       e->nlink == old->nlink && e->uid == old->uid &&
	       e->gid == old->gid && e->size >= old->size &&
	       e->size <= MAX(new->size, c->size);
}

enum { MATCH, OTHER_TREE, OTHER_CONTENTS };

/** Whether entry @p e is as after call @p k. */
static int
entry_match(const struct run *r, const struct bounds *b, unsigned stream,
	    unsigned k, const struct entry *e)
{
	const struct stream *s = &r->streams[stream];
	const struct call *next = k + 1 < s->n ? &s->calls[k + 1] : NULL;
	const struct entry *old = tree_find_path(s->calls[k].tree, e->path);
	struct versions v = {
		.calls = s->calls,
		.k = k,
		.high = MIN(b->ended[stream] + 1, s->n - 1),
		.strict = r->data_journal,
	};

	if (!old ||
	    (old->meta != e->meta && !(next && partly_written(e, old, next))))
		return OTHER_TREE;
	if (!S_ISREG(e->mode))
		return MATCH;
	v.ino = old->ino;
	v.low = content_low(b, stream, v.ino);
	if (r->data_journal)
		v.high = MIN(v.high, k + 1);
	return contents_ok(&v, e->content) ? MATCH : OTHER_CONTENTS;
}

static bool
below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return memcmp(path, top, n) == 0 && path[n] == '/';
}

static int
tree_match(const struct run *r, const struct bounds *b, unsigned stream,
	   unsigned k, const struct tree *t)
{
	const struct stream *s = &r->streams[stream];
	unsigned i, n = 0;
	int result = MATCH, match;

	if (!s->top[0] && t->full == s->calls[k].tree->full)
		return MATCH;
	for (i = 0; i < t->n; i++) {
		if (!below(t->e[i].path, s->top))
			continue;
		n++;
		match = entry_match(r, b, stream, k, &t->e[i]);
		if (match == OTHER_TREE)
			return OTHER_TREE;
		result = MAX(result, match);
	}
	return n == s->calls[k].tree->n ? result : OTHER_TREE;
}

/* ---- All streams ---- */

#define CANDIDATES 64

/** That a call is there means that all are that had ended when it began. */
static bool
in_order(const struct run *r, const unsigned k[STREAMS_MAX])
{
	unsigned i, j;

	for (i = 0; i < r->nstreams; i++)
		for (j = 0; j < r->nstreams; j++) {
			const struct stream *a = &r->streams[i],
					    *b = &r->streams[j];

			if (i != j && k[i] > 0 && k[j] + 1 < b->n &&
			    a->calls[k[i]].began > b->calls[k[j] + 1].ended)
				return false;
		}
	return true;
}

static bool
some_in_order(const struct run *r, unsigned (*found)[CANDIDATES],
	      const unsigned *nfound, unsigned stream, unsigned *k)
{
	unsigned i;

	if (stream == r->nstreams)
		return in_order(r, k);
	for (i = 0; i < nfound[stream]; i++) {
		k[stream] = found[stream][i];
		if (some_in_order(r, found, nfound, stream + 1, k))
			return true;
	}
	return false;
}

/** Why no tree fits that may be there. */
static const char *
reason(const struct run *r, const struct bounds *b, unsigned stream,
       const struct tree *t, bool contents)
{
	unsigned k;

	if (contents)
		return "P5: contents that no version of the file had";
	for (k = 0; k < r->streams[stream].n; k++)
		if (tree_match(r, b, stream, k, t) != OTHER_TREE)
			return k < b->low[stream]
				       ? "P3: what was synced is not there"
				       : "P2: a call is there that was not "
					 "made";
	return "P2: a tree that was not between two calls";
}

const char *
expect(const struct run *r, const struct bounds *b, const struct tree *t)
{
	unsigned found[STREAMS_MAX][CANDIDATES], nfound[STREAMS_MAX] = { 0 };
	unsigned k[STREAMS_MAX], i, at;
	bool contents;

	for (i = 0; i < r->nstreams; i++) {
		contents = false;
		at = MIN(b->ended[i] + 1, r->streams[i].n - 1) + 1;
		while (at-- > b->low[i] && nfound[i] < CANDIDATES) {
			int match = tree_match(r, b, i, at, t);

			if (match == MATCH)
				found[i][nfound[i]++] = at;
			contents |= match == OTHER_CONTENTS;
			if (match == MATCH && r->nstreams == 1)
				return NULL;
		}
		if (nfound[i] == 0)
			return reason(r, b, i, t, contents);
	}
	return some_in_order(r, found, nfound, 0, k)
		       ? NULL
		       : "P2: a call is there without one before it";
}
