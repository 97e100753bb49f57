/*
 * Judging one state of the disk: our mount recovers it (P1), its tree is one
 * that may be there (P2 to P5, expect.c), e2fsck finds nothing wrong
 * afterwards, e2fsck's own recovery gives the same tree, and so does a recovery
 * that the power cuts off (P6). The same image is recovered once; so is e2fsck
 * asked once about what comes out of it, the journal and times left out.
 */
#include "crash.h"
#include "commands.h"
#include "ext2_format.h"
#include "format.h"
#include "journal_internal.h"
#include "string.h"

struct judged judged;
static uint8_t *in_log; /* by sector: is it the journal's */
static size_t size;
static uint8_t *spare;	     /* room for an image */
static char image_path[256]; /* shim_image is a file, that e2fsck looks at */

/* ---- Sets of hashes, with a tree each ---- */

struct set {
	uint64_t *hashes;
	struct tree **trees;
	size_t n, room; /* a power of two */
};

static struct set images, recovered, trees;

static size_t
set_slot(const struct set *s, uint64_t hash)
{
	size_t i = hash & (s->room - 1);

	while (s->hashes[i] && s->hashes[i] != hash)
		i = (i + 1) & (s->room - 1);
	return i;
}

static void
set_grow(struct set *s)
{
	struct set old = *s;
	size_t i, at;

	s->room = old.room ? 2 * old.room : 4096;
	s->hashes = host_alloc(s->room * sizeof(*s->hashes));
	s->trees = host_alloc(s->room * sizeof(*s->trees));
	for (i = 0; i < old.room; i++) {
		if (!old.hashes[i])
			continue;
		at = set_slot(s, old.hashes[i]);
		s->hashes[at] = old.hashes[i];
		s->trees[at] = old.trees[i];
	}
	host_free(old.hashes);
	host_free(old.trees);
}

/** Whether a hash is there; if not, now it is. *tree: its tree, to be set. */
static bool
set_has(struct set *s, uint64_t hash, struct tree ***tree)
{
	size_t at;

	if (2 * s->n >= s->room)
		set_grow(s);
	at = set_slot(s, hash);
	*tree = &s->trees[at];
	if (s->hashes[at])
		return true;
	s->hashes[at] = hash;
	s->n++;
	return false;
}

void
judge_save_hashes(const char *path)
{
	uint64_t *all = host_alloc((images.n + 1) * sizeof(*all));
	size_t i, n = 0;

	for (i = 0; i < images.room; i++)
		if (images.hashes[i])
			all[n++] = images.hashes[i];
	host_save(path, all, n * sizeof(*all));
	host_free(all);
}

/* ---- Images ---- */

static uint8_t *unused[8];
static unsigned nunused;

uint8_t *
image_take(void)
{
	return nunused ? unused[--nunused] : host_alloc(size);
}

void
image_give(uint8_t *image)
{
	if (nunused == ARRAY_SIZE(unused))
		host_fail("too many images");
	unused[nunused++] = image;
}

/* ---- Mounting ---- */

void
judge_init(const uint8_t *image)
{
	const struct ext2_fs *fs;
	const struct journal *j;
	unsigned i;
	uint32_t k, at;

	size = shim_disk.sectors * SECTOR_SIZE;
	snformat(image_path, sizeof(image_path), "%s/image%s",
		 crash_options.dir, crash_options.share);
	shim_image = host_map_file(image_path, size); /* main has the other */
	in_log = host_alloc(shim_disk.sectors);
	spare = image_take();
	states_init(image);
	memcpy(shim_image, image, size);
	if (shim_mount_disk(0))
		host_fail("the first image cannot be mounted");
	fs = shim_mount.private_data;
	j = fs->journal;
	if (!j)
		host_fail("the first image has no journal");
	for (i = 0; i < j->nruns; i++)
		for (k = 0; k < j->runs[i].count; k++)
			for (at = 0; at < j->block_size / SECTOR_SIZE; at++)
				in_log[(j->runs[i].disk + k) *
					       (j->block_size / SECTOR_SIZE) +
				       at] = 1;
	shim_unmount();
}

/** Keep one tree of each. */
static struct tree *
keep_tree(struct tree *t)
{
	struct tree **kept;

	if (!t)
		return NULL;
	if (set_has(&trees, t->full | 1, &kept))
		tree_free(t);
	else
		*kept = t;
	return *kept;
}

static bool
mount_image(const uint8_t *image)
{
	memcpy(shim_image, image, size);
	shim_clock = SHIM_CLOCK_START + 1000000000000;
	shim_messages = 0;
	return shim_mount_disk(0) == 0;
}

/** Mount @p image, which replays it, and look; unmount. @return a tree that is
 * kept, or NULL: it cannot be mounted or read. shim_image is what it became. */
static struct tree *
look(const uint8_t *image)
{
	struct tree *t = NULL;

	if (mount_image(image)) {
		t = tree_read("", NULL);
		shim_unmount();
	}
	return keep_tree(t);
}

/** A hash of shim_image but for what is of no matter: the log, which is empty,
 * and times and counts of mounts in the superblock. */
static uint64_t
image_hash(void)
{
	struct ext2_super *s = (void *)(shim_image + EXT2_SUPER_OFFSET);

	s->s_mtime = s->s_wtime = 0;
	s->s_mnt_count = 0;
	return states_hash(shim_image, in_log) | 1;
}

/* ---- Violations ---- */

void
violation(const struct run *r, const struct state *s, const char *what)
{
	char text[512], path[256];

	judged.violations++;
	if (judged.violations > 20)
		return;
	snformat(path, sizeof(path), "%s/%s-%lu.img", crash_options.dir,
		 r->name, s->number);
	host_save(path, s->image, size);
	snformat(text, sizeof(text),
		 "violation: %s: %s state %lu; again: only=%s state=%lu "
		 "limit=%s seed=%s; kept: %s\n",
		 what, r->name, s->number, r->name, s->number,
		 crash_options.limit, crash_options.seed, path);
	host_message(text);
	if (host_number(crash_options.first))
		host_exit(1);
}

static void
show_tree(const char *what, unsigned number, const struct tree *t)
{
	char text[512];
	unsigned i;

	snformat(text, sizeof(text), "%s %u\n", what, number);
	host_message(text);
	for (i = 0; i < t->n; i++) {
		const struct entry *e = &t->e[i];

		snformat(text, sizeof(text),
			 "  %s ino %lu mode %o links %u owner %u:%u size %lu "
			 "contents %lx\n",
			 e->path, e->ino, e->mode, e->nlink, e->uid, e->gid,
			 e->size, e->content ? e->content->hash : 0);
		host_message(text);
	}
}

/** What is there, and what might be. */
static void
show(const struct run *r, const struct bounds *b, const struct tree *t)
{
	unsigned i, k;

	show_tree("found", 0, t);
	for (i = 0; i < r->nstreams; i++)
		for (k = b->low[i]; k <= b->ended[i] + 1 && k < r->streams[i].n;
		     k++)
			show_tree("after call", k, r->streams[i].calls[k].tree);
}

/* ---- A recovery that is cut off ---- */

/** What a second crash may leave: the tree that the first did, and what is
 * done next. */
struct second {
	const struct tree *t, *next;
	const char *wrong;
};

static void
judge_second(void *arg, const struct state *s)
{
	struct second *second = arg;
	struct tree **slot, *t;

	if (set_has(&images, s->hash | 1, &slot)) {
		t = *slot;
		if (!t)
			return; /* the state itself, which is being judged */
	} else {
		judged.recovery_images++;
		t = look(s->image);
		set_has(&images, s->hash | 1, &slot);
		*slot = t;
	}
	if (!t)
		second->wrong = "P6: no recovery after a second crash";
	else if (t != second->t && t != second->next)
		second->wrong = "P6: another tree after a second crash";
}

/** Recover @p s again, and go on; with what the disk is told then, crash. */
static void
recover_twice(const struct run *r, const struct state *s, const struct tree *t)
{
	struct shim_record told = { 0 };
	struct second second = { .t = t };
	char line[] = "mkdir /after 0755";

	judged.recoveries++;
	shim_record = &told;
	if (!mount_image(s->image))
		host_fail("mounted once, but not twice");
	command_run(line);
	shim_sync();
	second.next = keep_tree(tree_read("", NULL));
	shim_record = NULL;
	shim_unmount();
	states_each(s->image, &told, NULL, 30, s->hash, judge_second, &second);
	if (second.wrong)
		violation(r, s, second.wrong);
	shim_record_free(&told);
}

/* ---- e2fsck ---- */

static bool
one_in(const char *option, uint64_t hash)
{
	uint64_t n = host_number(option);

	return n && (hash >> 20) % n == 0;
}

/** Replay @p image by e2fsck, and look. */
static const struct tree *
e2fsck_replay(const uint8_t *image)
{
	char path[256];
	bool ok;

	judged.replays++;
	snformat(path, sizeof(path), "%s/replay%s", crash_options.dir,
		 crash_options.share);
	host_save(path, image, size);
	ok = host_e2fsck("-p", path) <= 1;
	host_read(path, spare, size);
	return ok ? look(spare) : NULL;
}

static bool
e2fsck_clean(void)
{
	judged.checks++;
	return host_e2fsck("-fn", image_path) == 0;
}

/* ---- The whole ---- */

/** Recover a state not seen before. @return its tree, or NULL after telling */
static struct tree *
recover(const struct run *r, const struct state *s)
{
	struct tree *t = look(s->image), **unused;

	if (!t) {
		violation(r, s, "P1: it cannot be mounted");
		return NULL;
	}
	if (!set_has(&recovered, image_hash(), &unused) && !e2fsck_clean())
		violation(r, s, "P1: e2fsck complains");
	if (one_in(crash_options.recovery, s->hash))
		recover_twice(r, s, t);
	/* A commit block that is torn between sectors never happened, for us;
	 * for JBD2, whose checksum covers all of it, it is damage. */
	if (one_in(crash_options.e2fsck, s->hash) && !s->torn &&
	    e2fsck_replay(s->image) != t)
		violation(r, s, "P1: e2fsck's replay gives another tree");
	return t;
}

void
judge(void *arg, const struct state *s)
{
	const struct run *r = arg;
	struct tree **slot, *t;
	const char *wrong;

	if (crash_options.state &&
	    host_number(crash_options.state) != s->number)
		return;
	judged.states++;
	snformat(host_context, HOST_CONTEXT_SIZE, "%s state %lu", r->name,
		 s->number);
	if (set_has(&images, s->hash | 1, &slot)) {
		t = *slot;
	} else {
		judged.images++;
		judged.torn += s->torn;
		t = recover(r, s);
		set_has(&images, s->hash | 1, &slot); /* it may have moved */
		*slot = t;
	}
	wrong = t ? expect(r, s->bounds, t) : NULL;
	if (wrong)
		violation(r, s, wrong);
	if (wrong && crash_options.state)
		show(r, s->bounds, t);
}
