/*
 * Trees of files as values: names, types, modes, owners, links, sizes,
 * contents. Times are left out: they are stored now and then. Sizes of
 * directories are not seen by programs.
 */
#include "tree.h"
#include "abi/mount.h"
#include "commands.h"
#include "string.h"

#define CONTENT_MAX (16u << 20)

/* Eight bytes anywhere. The sanitizer makes a call of a memcpy. */
typedef uint64_t __attribute__((may_alias, aligned(1))) eight_bytes;

uint64_t
hash_bytes(uint64_t h, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t word;

	for (; len >= 8; len -= 8, p += 8) {
		h = (h ^ *(const eight_bytes *)p) * 0x9e3779b97f4a7c15;
		h ^= h >> 32;
	}
	for (word = 1; len > 0; len--)
		word = word << 8 | *p++;
	h = (h ^ word) * 0x9e3779b97f4a7c15;
	return h ^ h >> 29;
}

/* ---- Reading ---- */

struct names {
	char *text; /* each ended by NUL */
	size_t len, room;
};

static bool
take_name(void *arg, const char *name, size_t len, uint64_t ino, unsigned type,
	  uint64_t next)
{
	struct names *n = arg;

	(void)ino;
	(void)type;
	(void)next;
	if (n->len + len + 1 > n->room) {
		n->room = 2 * n->room + 512;
		n->text = host_grow(n->text, n->room);
	}
	memcpy(n->text + n->len, name, len);
	n->text[n->len + len] = '\0';
	n->len += len + 1;
	return true;
}

static struct content *
content_read(struct vnode *v, const struct entry *old)
{
	struct content *c;
	int64_t n;

	if (v->size > CONTENT_MAX)
		return NULL;
	c = host_alloc(sizeof(*c) + v->size + 1);
	c->refs = 1;
	c->size = v->size;
	n = v->type == VT_LNK ? v->ops->readlink(v, (char *)c->bytes, v->size)
			      : vnode_read(v, c->bytes, v->size, 0);
	if (n != (int64_t)c->size) {
		host_free(c);
		return NULL;
	}
	c->hash = hash_bytes(c->size, c->bytes, c->size);
	if (old && old->content && old->content->hash == c->hash &&
	    old->content->size == c->size &&
	    memcmp(old->content->bytes, c->bytes, c->size) == 0) {
		host_free(c);
		c = old->content;
		c->refs++;
	}
	return c;
}

static char *
path_join(const char *dir, const char *name)
{
	size_t n = strlen(dir), m = strlen(name);
	char *path = host_alloc(n + m + 2);

	memcpy(path, dir, n);
	path[n] = '/';
	memcpy(path + n + 1, name, m + 1);
	return path;
}

static void
entry_hash(struct tree *t, struct entry *e)
{
	uint64_t numbers[] = { e->mode, e->nlink, e->uid,
			       e->gid,	e->rdev,  e->size };

	e->meta = hash_bytes(hash_bytes(7, e->path, strlen(e->path)), numbers,
			     sizeof(numbers));
	t->full += hash_bytes(e->meta, e->content ? &e->content->hash : NULL,
			      e->content ? 8 : 0);
	if (S_ISLNK(e->mode))
		e->meta = hash_bytes(e->meta, &e->content->hash, 8);
	t->meta += e->meta; /* a sum: the order is no matter */
}

static int read_dir(struct tree *t, struct vnode *dir, const char *path,
		    const struct tree *before);

static int
read_entry(struct tree *t, struct vnode *dir, char *path, struct vnode *v,
	   const struct tree *before)
{
	struct entry *e;
	bool has = v->type == VT_REG || v->type == VT_LNK;

	if (t->n == t->room) {
		t->room = 2 * t->room + 16;
		t->e = host_grow(t->e, t->room * sizeof(*t->e));
	}
	e = &t->e[t->n++];
	*e = (struct entry){
		.path = path,
		.parent = dir->ino,
		.ino = v->ino,
		.size = v->type == VT_DIR ? 0 : v->size,
		.rdev = v->rdev,
		.mode = v->mode,
		.nlink = v->nlink,
		.uid = v->uid,
		.gid = v->gid,
	};
	if (has)
		e->content = content_read(
			v, before ? tree_find_ino(before, v->ino) : NULL);
	if (has && !e->content)
		return -EIO;
	entry_hash(t, e);
	return v->type == VT_DIR ? read_dir(t, v, path, before) : 0;
}

static int
read_dir(struct tree *t, struct vnode *dir, const char *path,
	 const struct tree *before)
{
	struct names names = { 0 };
	struct vnode *v;
	uint64_t pos = 0;
	int error;
	char *at;

	rwlock_read_lock(&dir->lock);
	error = dir->ops->readdir(dir, &pos, take_name, &names);
	rwlock_read_unlock(&dir->lock);
	for (at = names.text; !error && at < names.text + names.len;
	     at += strlen(at) + 1) {
		if (strcmp(at, ".") == 0 || strcmp(at, "..") == 0 ||
		    strcmp(at, "lost+found") == 0)
			continue;
		rwlock_read_lock(&dir->lock);
		error = dir->ops->lookup(dir, at, strlen(at), &v);
		rwlock_read_unlock(&dir->lock);
		if (error)
			break;
		error = read_entry(t, dir, path_join(path, at), v, before);
		vnode_put(v);
	}
	host_free(names.text);
	return error;
}

struct tree *
tree_read(const char *top, const struct tree *before)
{
	struct tree *t = host_alloc(sizeof(*t));
	struct vnode *dir;
	int error = walk(*top ? top : "/", NULL, &dir);

	if (!error) {
		error = read_dir(t, dir, top, before);
		vnode_put(dir);
	}
	if (!error)
		return t;
	tree_free(t);
	return NULL;
}

void
tree_free(struct tree *t)
{
	struct entry *e;

	while (t->n) {
		e = &t->e[--t->n];
		host_free(e->path);
		if (e->content && --e->content->refs == 0)
			host_free(e->content);
	}
	host_free(t->e);
	host_free(t);
}

const struct entry *
tree_find_ino(const struct tree *t, uint64_t ino)
{
	unsigned i;

	for (i = 0; i < t->n; i++)
		if (t->e[i].ino == ino)
			return &t->e[i];
	return NULL;
}

const struct entry *
tree_find_path(const struct tree *t, const char *path)
{
	unsigned i;

	for (i = 0; i < t->n; i++)
		if (strcmp(t->e[i].path, path) == 0)
			return &t->e[i];
	return NULL;
}
