/*
 * Doing a workload: text of lines, commands as in commands.c. "= NAME" begins
 * it; up to "go" it is prepared, what follows is recorded. "N| COMMAND" is of
 * stream N (1 to 3), whose files are below /wN: streams run at the same time,
 * switched between by chance. All that is known without a crash is noted: the
 * tree after each call; after sync and fsync, what they promise:
 *
 * - sync: all calls that had ended when it began, and all contents;
 * - fsync of a file: up to the last call that changed its inode or a name of
 *   it, and its contents; of a directory: and its entries. What else is in the
 *   same transaction comes with it but is not promised.
 */
#include "crash.h"
#include "abi/mount.h"
#include "commands.h"
#include "format.h"
#include "string.h"

#define CALLS_MAX 4096

static struct bounds now;
static uint64_t clock;
static unsigned running; /* streams */

/* ---- What a sync promises ---- */

static void
note(struct run *r)
{
	r->marks = host_grow(r->marks, (r->nmarks + 1) * sizeof(now));
	r->marks[r->nmarks] = now;
	shim_record_mark(r->nmarks++);
}

/** All of a file that fsync is about, but the contents; 0: it is not there. */
static uint64_t
file_hash(const struct tree *t, uint64_t ino)
{
	uint64_t sum = 0, h;
	unsigned i;

	for (i = 0; i < t->n; i++) {
		const struct entry *e = &t->e[i];
		const char *name = e->path + strlen(e->path);
		uint64_t n[] = { e->parent, e->mode, e->nlink, e->uid,
				 e->gid,    e->size, e->ino };

		while (name[-1] != '/')
			name--;
		if (e->ino == ino)
			h = hash_bytes(e->content ? e->content->hash : 1, n,
				       sizeof(n));
		else if (e->parent == ino)
			h = e->ino * 77;
		else
			continue;
		sum += hash_bytes(h, name, strlen(name));
	}
	return sum;
}

static void
promise_file(const struct stream *s, unsigned number, const char *path)
{
	const struct tree *t = s->calls[s->n - 2].tree;
	const struct vnode *held = command_held(path);
	const struct entry *e =
		held ? tree_find_ino(t, held->ino) : tree_find_path(t, path);
	unsigned low = s->n - 2, i = 0;
	uint64_t ino, hash;

	if (!e && strcmp(path, s->top) != 0 && strcmp(path, "/") != 0)
		return; /* a file without a name */
	ino = e ? e->ino : s->top[0] ? t->e[0].parent : EXT2_ROOT_INO;
	hash = file_hash(t, ino);
	while (low > 0 && file_hash(s->calls[low - 1].tree, ino) == hash)
		low--;
	now.low[number] = MAX(now.low[number], low);
	while (i < now.nfiles && now.files[i].ino != ino)
		i++;
	if (i == ARRAY_SIZE(now.files))
		host_fail("too many files are synced");
	now.nfiles = MAX(now.nfiles, i + 1);
	now.files[i].ino = ino;
	now.files[i].low = s->n - 2;
}

/* ---- Calls ---- */

static struct call *
call_new(struct stream *s)
{
	struct call *c;

	if (s->n == CALLS_MAX)
		host_fail("too many calls in a workload");
	s->calls = host_grow(s->calls, (s->n + 1) * sizeof(*c));
	c = &s->calls[s->n++];
	*c = (struct call){ .began = ++clock };
	return c;
}

static void
call_end(struct stream *s)
{
	struct call *c = &s->calls[s->n - 1];

	c->tree = tree_read(s->top, s->n > 1 ? c[-1].tree : NULL);
	if (!c->tree)
		host_fail("a tree cannot be read");
	c->ended = ++clock;
}

/** How far "MODE OFFSET LENGTH" of fallocate goes: while it tries to, the file
 * may be so long, even if it ends with a full disk and the file as before. */
static uint64_t
room_end(const char *mode)
{
	const char *offset = strchrnul(mode, ' ') + 1;

	return host_number(offset) + host_number(strchrnul(offset, ' ') + 1);
}

/** What a write, or fallocate, changes while it runs. */
static void
note_write(struct call *c, const char *line)
{
	bool room = memcmp(line, "fallocate ", 10) == 0;
	const char *name = strchrnul(line, ' ') + 1, *end;
	char path[256];
	struct vnode *v;

	if (!room && memcmp(line, "write ", 6) != 0)
		return;
	end = strchrnul(name, ' ');
	snformat(path, sizeof(path), "%.*s", (int)(end - name), name);
	if (walk(path, NULL, &v))
		return;
	c->writes = true;
	c->ino = v->ino;
	c->size = room ? room_end(end + 1) : 0;
	vnode_put(v);
}

static void
do_call(struct run *r, unsigned number, char *line)
{
	struct stream *s = &r->streams[number];
	struct bounds before = now;
	bool sync = strcmp(line, "sync") == 0;
	char path[256] = "";
	int64_t result;
	unsigned i;

	if (memcmp(line, "fsync ", 6) == 0)
		snformat(path, sizeof(path), "%s", line + 6);
	note_write(call_new(s), line);
	result = command_run(line);
	if (result < 0 && result != -ENOSPC) {
		host_message(line);
		host_fail("a workload's call fails");
	}
	call_end(s);
	shim_progress();
	now.ended[number] = s->n - 1;
	if (sync)
		for (i = 0; i < r->nstreams; i++) {
			now.low[i] = MAX(now.low[i], before.ended[i]);
			now.content_low[i] =
				MAX(now.content_low[i], before.ended[i]);
		}
	else if (path[0])
		promise_file(s, number, path);
	note(r);
}

/* ---- Streams ---- */

struct task {
	struct run *r;
	unsigned number;
	char *text;
};

/** The next line, ended by NUL; NULL: the workload ends. */
static char *
next_line(char **text)
{
	char *line = *text, *end = strchrnul(line, '\n');

	if (*line == '\0' || *line == '=')
		return NULL;
	*text = *end ? end + 1 : end;
	*end = '\0';
	return line;
}

/** A line that can be torn apart; the text is needed again. */
static void
do_line(struct run *r, unsigned number, const char *line)
{
	char copy[512];

	snformat(copy, sizeof(copy), "%s", line);
	do_call(r, number, copy);
}

static void
stream_main(void *arg)
{
	struct task *t = arg;
	const char *line;

	for (line = t->text; *line && *line != '='; line += strlen(line) + 1)
		if (line[0] == (char)('1' + t->number) && line[1] == '|')
			do_line(t->r, t->number, line + 3);
	running--;
}

/** Cut the text into lines. @return what is behind the workload */
static char *
cut_lines(char *text, bool *streams)
{
	char *line;

	*streams = false;
	while ((line = next_line(&text)))
		if (line[0] && line[1] == '|')
			*streams = true;
	return text;
}

static void
run_streams(struct run *r, char *text)
{
	static struct task tasks[STREAMS_MAX];
	unsigned i;

	shim_preempt = 2;
	for (i = 0; i < r->nstreams; i++) {
		tasks[i] = (struct task){ r, i, text };
		running++;
		shim_thread(stream_main, &tasks[i]);
	}
	while (running)
		shim_yield();
	shim_preempt = 0;
}

/* ---- The whole ---- */

static void
prepare(char **text)
{
	char *line;

	while ((line = next_line(text)) && strcmp(line, "go") != 0) {
		int64_t result = command_run(line);

		if (result < 0 && result != -ENOSPC) {
			host_message(line);
			host_fail("a workload cannot be prepared");
		}
	}
	shim_sync();
}

static void
run_begin(struct run *r, bool streams)
{
	unsigned i;

	r->nstreams = streams ? 3 : 1;
	for (i = 0; i < r->nstreams; i++) {
		if (streams)
			snformat(r->streams[i].top, 8, "/w%u", i + 1);
		call_new(&r->streams[i]);
		call_end(&r->streams[i]);
	}
	r->base = image_take();
	memcpy(r->base, shim_image, shim_disk.sectors * SECTOR_SIZE);
	memset(&now, 0, sizeof(now));
	shim_record = &r->told;
	note(r);
}

char *
run_workload(struct run *r, char *text, const uint8_t *image)
{
	const char *name = next_line(&(char *){ text + 1 });
	char *rest;
	bool streams;

	snformat(r->name, sizeof(r->name), "%s", name + 1);
	text += strlen(name) + 2;
	memcpy(shim_image, image, shim_disk.sectors * SECTOR_SIZE);
	shim_clock = SHIM_CLOCK_START;
	shim_slow = SHIM_SLOW;
	shim_seed = hash_bytes(1, r->name, strlen(r->name));
	clock = 0;
	if (shim_mount_disk(0))
		host_fail("the first image cannot be mounted");
	prepare(&text);
	rest = cut_lines(text, &streams);
	run_begin(r, streams);
	if (streams)
		run_streams(r, text);
	else
		for (; text < rest; text += strlen(text) + 1)
			do_line(r, 0, text);
	command_drop_all();
	shim_unmount();
	shim_record = NULL;
	return rest;
}

void
run_free(struct run *r)
{
	unsigned i, k;

	for (i = 0; i < r->nstreams; i++) {
		for (k = 0; k < r->streams[i].n; k++)
			tree_free(r->streams[i].calls[k].tree);
		host_free(r->streams[i].calls);
	}
	shim_record_free(&r->told);
	image_give(r->base);
	host_free(r->marks);
	memset(r, 0, sizeof(*r));
}
