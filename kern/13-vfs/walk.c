/*
 * The path walk. As long as the name cache knows the names, it goes on in an
 * RCU section, taking neither locks nor references (walk_cached); at the first
 * name that is not known, or a symbolic link, it takes a reference to where it
 * has come, does that one step the slow way (walk_step), and goes on.
 *
 * Entry points: path_walk; walk_begin, walk_run, walk_end.
 */
#include "vfs_internal.h"

/* ---- Names ---- */

static inline const char *
skip_slashes(const char *p)
{
	while (*p == '/')
		p++;
	return p;
}

/* The name at @p p. @return what follows it */
static inline const char *
next_name(const char *p, struct name *name)
{
	uint32_t hash = 0;

	name->text = p;
	for (; *p != '/' && *p; p++)
		hash = NAME_HASH_STEP(hash, *p);
	name->len = p - name->text;
	name->hash = hash;
	return p;
}

static inline enum last_type
name_type(const struct name *name)
{
	if (name->text[0] != '.')
		return LAST_NORMAL;
	if (name->len == 1)
		return LAST_DOT;
	return name->len == 2 && name->text[1] == '.' ? LAST_DOTDOT
						      : LAST_NORMAL;
}

/* A name in the path being walked, and what follows. Slashes between names and
 * at the end are one slash. */
struct step {
	struct name name;
	enum last_type type;
	const char *rest; /* after the name: "", or begins with a slash */
	bool is_last, slash;
};

static inline void
next_step(const char *path, struct step *s)
{
	s->rest = next_name(path, &s->name);
	s->type = name_type(&s->name);
	s->slash = *s->rest == '/';
	s->rest = skip_slashes(s->rest);
	s->is_last = !*s->rest;
}

/* Whether a link found by step @p s is followed: always in the middle. At the
 * end POSIX.1-2017 ("Pathname Resolution") has a slash ask for what the link
 * leads to, whatever the call says. */
static inline bool
follows(const struct walk *w, const struct step *s)
{
	return !s->is_last || s->slash ||
	       !(w->flags & (WALK_NOFOLLOW | WALK_PARENT));
}

/* ---- Single steps ---- */

/* Root of the topmost file system that is mounted on @p v, or it. In an RCU
 * section: who takes a mount down waits for that to end before it frees
 * anything. */
static inline struct vnode *
mounted_root(struct vnode *v)
{
	struct mount *m;

	while ((m = (struct mount *)rcu_deref(v->mounted)))
		v = m->root;
	return v;
}

/* Whether the caller may look a name up in @p v. */
static inline int
may_search(const struct walk *w, struct vnode *v)
{
	if (v->type != VT_DIR)
		return -ENOTDIR;
	return cred_access(w->cred, v, X_OK);
}

/* The parent as the caller sees it: not above its root, and across mounts. In
 * an RCU section. A root that is mounted on another directory has that one's
 * parent; the top of the tree, and of a detached mount, is its own. */
static struct vnode *
parent_of(struct vnode *v)
{
	const struct vnode *root = rcu_deref(current_fs()->root);
	struct vnode *parent, *covered;

	for (;;) {
		if (v == root)
			return v;
		parent = rcu_deref(v->parent);
		if (parent)
			return mounted_root(parent);
		covered = rcu_deref(v->mount->covered);
		if (!covered)
			return v;
		v = covered;
	}
}

/* Go to @p v, a reference to which is handed over. */
static void
move_to(struct walk *w, struct vnode *v, const char *rest)
{
	vnode_put(w->at);
	w->at = v;
	w->path = rest;
}

/* Note the last name, for WALK_PARENT. */
static void
stop_at(struct walk *w, const struct step *s)
{
	w->last = s->name;
	w->last_type = s->type;
	w->slash = s->slash;
}

/* ---- The fast way ---- */

static int walk_step(struct walk *w);

/*
 * Walk on while the cache knows the names. On return `at` is referenced again
 * and `path` is what is left of the path.
 * @return 0, or a negative errno; a step not made is no error
 */
static int
walk_cached(struct walk *w)
{
	struct vnode *at = w->at, *v;
	const char *path = w->path;
	enum name_state state;
	struct step s;
	int error = 0;

	rcu_read_lock();
	while (*path) {
		error = may_search(w, at);
		if (error)
			break;
		next_step(path, &s);
		if (s.is_last && (w->flags & WALK_PARENT)) {
			stop_at(w, &s);
			break;
		}
		if (s.type == LAST_NORMAL) {
			state = namecache_lookup(at, &s.name, &v);
			if (state == NAME_NEGATIVE)
				error = -ENOENT;
			if (state != NAME_POSITIVE)
				break;
			v = mounted_root(v);
			if (v->type == VT_LNK && follows(w, &s))
				break;
		} else {
			v = s.type == LAST_DOT ? at : parent_of(at);
		}
		at = v;
		path = s.rest;
		w->slash = s.slash;
	}
	if (error || at == w->at) {
		rcu_read_unlock();
		w->path = path;
		return error;
	}
	if (!vnode_try_get(at)) {
		/* It is going away: make the steps again, slowly, from `at`. */
		rcu_read_unlock();
		w->last.text = NULL;
		return walk_step(w);
	}
	rcu_read_unlock();
	move_to(w, at, path);
	return 0;
}

/* ---- The slow way ---- */

#define NOT_CACHED 1

/* What the cache says: 0, *v referenced; -ENOENT; or NOT_CACHED, also where the
 * vnode is going: the file system says what is there now. */
static int
cached_lookup(struct vnode *dir, const struct name *name, struct vnode **v)
{
	enum name_state state;
	bool got;

	rcu_read_lock();
	state = namecache_lookup(dir, name, v);
	got = state == NAME_POSITIVE && vnode_try_get(*v);
	rcu_read_unlock();
	if (got)
		return 0;
	return state == NAME_NEGATIVE ? -ENOENT : NOT_CACHED;
}

/* The cache learns what is not there, too: shells ask for each command in every
 * directory of $PATH. The directory's lock is held, so that what is noted is
 * still true (VFS2). Longer names than NAME_MAX are never cached. */
int
name_lookup(struct vnode *dir, const struct name *name, struct vnode **v)
{
	int error = cached_lookup(dir, name, v);

	if (error != NOT_CACHED)
		return error;
	if (name->len > NAME_MAX)
		return -ENAMETOOLONG;
	error = dir->ops->lookup(dir, name->text, name->len, v);
	if (error == 0) {
		if ((*v)->type == VT_DIR)
			vnode_set_parent(*v, dir, name);
		namecache_enter(dir, name, *v);
	} else if (error == -ENOENT) {
		namecache_enter(dir, name, NULL);
	}
	return error;
}

/* Heap is reserved anew before the lock is taken, once for each name that is
 * not cached. A directory that was removed has no names: its file system is not
 * asked. */
int
name_lookup_unlocked(struct vnode *dir, const struct name *name,
		     struct vnode **v)
{
	int error = cached_lookup(dir, name, v);

	if (error != NOT_CACHED)
		return error;
	error = heap_again();
	if (error)
		return error;
	rwlock_read_lock(&dir->lock);
	error = dir->nlink == 0 ? -ENOENT : name_lookup(dir, name, v);
	rwlock_read_unlock(&dir->lock);
	return error;
}

/* Put @p target, a link's, and a slash and what follows it, in the place of the
 * path. So links in links need no recursion, and the text no more than a page;
 * POSIX.1-2017 ("Pathname Resolution") has the whole of it be at most PATH_MAX.
 * The old text goes last: @p rest may be in it. */
static int
replace_path(struct walk *w, struct vnode *link, const char *rest, bool slash)
{
	struct page *page = page_alloc(0, PAGE_KERNEL, 0);
	size_t rest_len = strlen(rest);
	char *text;
	int len;

	if (!page)
		return -ENOMEM;
	text = page_address(page);
	len = link->ops->readlink ? link->ops->readlink(link, text, PATH_MAX)
				  : -EINVAL;
	/* An empty link leads nowhere, as an empty path does. */
	if (len == 0)
		len = -ENOENT;
	if (len >= 0 && len + 1 + rest_len + 1 > PATH_MAX)
		len = -ENAMETOOLONG;
	if (len < 0) {
		page_unref(page);
		return len;
	}
	if (slash)
		text[len++] = '/';
	memcpy(text + len, rest, rest_len + 1);
	if (w->text)
		page_unref(w->text);
	w->text = page;
	w->path = text;
	return 0;
}

static struct vnode *
context_dir(bool root)
{
	struct fs_context *c = current_fs();
	struct vnode *v;

	spin_lock(&c->lock);
	v = vnode_get(root ? c->root : c->cwd);
	spin_unlock(&c->lock);
	return v;
}

/* Follow @p link, found in `at`, and go on with @p rest. The number of links is
 * bounded for the whole walk (-ELOOP), as a circle of them is not seen
 * otherwise. A link of procfs leads to a file, not to a name: it works where
 * the file has no name, or one that the caller cannot reach. */
static int
follow(struct walk *w, struct vnode *link, const char *rest, bool slash)
{
	struct vnode *target;
	int error;

	if (++w->links > SYMLINKS_MAX)
		return -ELOOP;
	if (link->ops->follow) {
		error = heap_again();
		if (error)
			return error;
		error = link->ops->follow(link, &target);
		if (error == 0) {
			move_to(w, target, rest);
			w->slash = slash;
		}
		return error;
	}
	error = replace_path(w, link, rest, slash);
	if (error == 0 && *w->path == '/')
		move_to(w, context_dir(true), skip_slashes(w->path));
	return error;
}

int
walk_follow_last(struct walk *w, struct vnode *link)
{
	return follow(w, link, "", w->slash);
}

/* The topmost root above @p v; takes the reference over. Where the mount is
 * going at this moment, the covered directory is as good an answer. */
static struct vnode *
cross_mounts(struct vnode *v)
{
	struct vnode *top;

	if (!v->mounted)
		return v;
	rcu_read_lock();
	top = mounted_root(v);
	if (top != v && !vnode_try_get(top))
		top = v;
	rcu_read_unlock();
	if (top != v)
		vnode_put(v);
	return top;
}

/* A vnode has a reference to its parent: one that is going is the parent no
 * more, and the next look finds another. */
static struct vnode *
parent_get(struct vnode *at)
{
	struct vnode *v;

	rcu_read_lock();
	do
		v = parent_of(at);
	while (!vnode_try_get(v));
	rcu_read_unlock();
	return v;
}

/* One step through the file system, with a reference and the rights looked at
 * anew. No lock is held between the steps: who renames meanwhile may have it
 * seen in either state. */
static int
walk_step(struct walk *w)
{
	struct vnode *v = NULL;
	struct step s;
	int error = may_search(w, w->at);

	if (error)
		return error;
	next_step(w->path, &s);
	if (s.is_last && (w->flags & WALK_PARENT)) {
		stop_at(w, &s);
		return 0;
	}
	if (s.type == LAST_DOT)
		v = vnode_get(w->at);
	else if (s.type == LAST_DOTDOT)
		v = parent_get(w->at);
	else
		error = name_lookup_unlocked(w->at, &s.name, &v);
	if (error)
		return error;
	v = cross_mounts(v);
	w->slash = s.slash;
	if (v->type != VT_LNK || !follows(w, &s)) {
		move_to(w, v, s.rest);
		return 0;
	}
	error = follow(w, v, s.rest, s.slash);
	vnode_put(v);
	return error;
}

/* ---- Whole walks ---- */

static inline bool
walk_finished(const struct walk *w)
{
	return !*w->path || w->last.text;
}

/* After each slow step the cache is tried again. A name with a slash behind it,
 * and WALK_DIRECTORY, ask for a directory, whichever way it was found; with
 * WALK_PARENT that is for the caller to ask. */
int
walk_run(struct walk *w)
{
	int error;

	w->last.text = NULL;
	w->last_type = LAST_ROOT;
	for (;;) {
		error = walk_cached(w);
		if (error || walk_finished(w))
			break;
		error = walk_step(w);
		if (error || walk_finished(w))
			break;
	}
	if (error)
		return error;
	if (((w->flags & WALK_DIRECTORY) || w->slash) && !w->last.text &&
	    w->at->type != VT_DIR)
		return -ENOTDIR;
	return 0;
}

/* Where a relative path begins. Any open directory will do, O_PATH too; that it
 * is one is asked by the first step. */
static int
start_at(int dirfd, struct vnode **v)
{
	if (dirfd != AT_FDCWD)
		return fd_vnode(dirfd, v);
	*v = context_dir(false);
	return 0;
}

/* "" is no path (POSIX.1-2017: -ENOENT); whoever allows it does not come here.
 * Whose rights count is settled once, for all steps. */
int
walk_begin(struct walk *w, int dirfd, const char *path, unsigned flags)
{
	int error = 0;

	w->path = skip_slashes(path);
	w->flags = flags;
	w->slash = false;
	w->links = 0;
	w->text = NULL;
	w->cred = current_cred();
	w->at = NULL;
	if (!*path)
		return -ENOENT;
	if (*path == '/')
		w->at = context_dir(true);
	else
		error = start_at(dirfd, &w->at);
	return error;
}

void
walk_end(struct walk *w)
{
	if (w->at)
		vnode_put(w->at);
	if (w->text)
		page_unref(w->text);
}

int
path_walk_as(const struct cred *cred, int dirfd, const char *path,
	     unsigned flags, struct vnode **result)
{
	struct walk w;
	int error = walk_begin(&w, dirfd, path, flags);

	w.cred = cred;
	if (error == 0)
		error = walk_run(&w);
	if (error == 0) {
		*result = w.at;
		w.at = NULL;
	}
	walk_end(&w);
	return error;
}

int
path_walk(int dirfd, const char *path, unsigned flags, struct vnode **result)
{
	return path_walk_as(current_cred(), dirfd, path, flags, result);
}
