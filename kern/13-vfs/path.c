/*
 * Paths from user space, and the path of a vnode.
 */
#include "vfs_internal.h"

/* ---- Buffers ---- */

/* Beyond the heap's largest object, a page: then it may fail. */
void *
buffer_new(size_t size)
{
	struct page *page;

	if (size <= KALLOC_MAX)
		return knew_array(char, size);
	ASSERT(size <= PAGE_SIZE);
	page = page_alloc(0, PAGE_KERNEL, 0);
	return page ? page_address(page) : NULL;
}

void
buffer_free(void *buffer)
{
	if (!buffer)
		return;
	if (address_to_page(buffer)->use == PAGE_SLAB)
		kfree(buffer);
	else
		page_unref(address_to_page(buffer));
}

/* ---- Paths from user space ---- */

/* A path that is too long for the small buffer: at most PATH_MAX bytes with the
 * NUL (POSIX.1-2017, {PATH_MAX}). */
static int
copy_long(const char *user, char **path)
{
	char *text = buffer_new(PATH_MAX);
	int64_t len;

	if (!text)
		return -ENOMEM;
	len = copyin_string(text, user, PATH_MAX);
	if (len < 0) {
		buffer_free(text);
		return len;
	}
	*path = text;
	return 0;
}

/* Most paths are short: they are copied to the stack first, and once more from
 * the beginning if they do not fit. Another thread may change them in between:
 * then it is the second text that counts, which may be short by now. */
int
user_path_get(struct user_path *p, const char *user, bool empty_ok)
{
	int64_t len = copyin_string(p->small, user, sizeof(p->small));

	p->text = p->small;
	if (len > 0 || (len == 0 && empty_ok))
		return 0;
	if (len == 0)
		return -ENOENT;
	return len == -ENAMETOOLONG ? copy_long(user, &p->text) : len;
}

void
user_path_put(struct user_path *p)
{
	if (p->text != p->small)
		buffer_free(p->text);
}

int
path_copyin(const char *user, char **path)
{
	struct user_path p;
	int error = user_path_get(&p, user, false);

	if (error)
		return error;
	*path = p.text;
	if (p.text == p.small) {
		*path = buffer_new(strlen(p.small) + 1);
		strcpy(*path, p.small);
	}
	return 0;
}

void
path_free(char *path)
{
	buffer_free(path);
}

int
fd_vnode(int fd, struct vnode **v)
{
	return vfs_ops.fd_vnode ? vfs_ops.fd_vnode(fd, v) : -EBADF;
}

/* With "" the file is the descriptor's own, of whatever kind: one that is open
 * with O_PATH | O_NOFOLLOW may be a link, which is not followed. */
int
path_walk_at(int dirfd, const char *path, unsigned at_flags,
	     struct vnode **result)
{
	unsigned flags = at_flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0;

	if (*path)
		return path_walk(dirfd, path, flags, result);
	if (dirfd == AT_FDCWD)
		return path_walk(dirfd, ".", 0, result);
	return fd_vnode(dirfd, result);
}

int
user_walk(int dirfd, const char *path, unsigned at_flags, struct vnode **result)
{
	struct user_path p;
	int error = user_path_get(&p, path, at_flags & AT_EMPTY_PATH);

	if (error)
		return error;
	error = path_walk_at(dirfd, p.text, at_flags, result);
	user_path_put(&p);
	return error;
}

/* ---- The path of a vnode ---- */

/* Text that grows towards the front of a buffer. */
struct backwards {
	char *buf;
	size_t left; /* room in front */
	size_t size;
	bool unreachable; /* it does not begin at the caller's root */
};

static int
prepend(struct backwards *b, const char *text, size_t len)
{
	if (len > b->left)
		return -ERANGE;
	b->left -= len;
	memcpy(b->buf + b->left, text, len);
	return 0;
}

/* The name first, then the slash in front of it: the text grows from its
 * end. */
static int
prepend_name(struct backwards *b, const char *name)
{
	int error = prepend(b, name, strlen(name));

	return error ? error : prepend(b, "/", 1);
}

/* Names of the directories from @p v up to @p root, or to where the tree ends;
 * tree_lock is held. */
static int
prepend_tree(struct backwards *b, struct vnode *v, const struct vnode *root)
{
	struct vnode *covered;
	int error = 0;

	while (!error && v != root) {
		if (v->parent) {
			error = prepend_name(b, v->name);
			v = v->parent;
		} else if ((covered = rcu_deref(v->mount->covered))) {
			v = covered;
		} else {
			b->unreachable = true;
			break;
		}
	}
	return error;
}

/* All steps are of one moment, as tree_lock is held: the path was true once. A
 * rename changes it a step later. */
static int
directory_path(struct backwards *b, struct vnode *v)
{
	struct fs_context *c = current_fs();
	int error;

	spin_lock(&tree_lock);
	error = prepend_tree(b, v, rcu_deref(c->root));
	spin_unlock(&tree_lock);
	return error;
}

/* Only directories have one place. A file's name is what the cache knows of it,
 * which is kept while the file is in use (namecache.c, in_use). */
static int
file_path(struct backwards *b, struct vnode *v)
{
	char name[NAME_MAX + 1];
	struct vnode *dir = namecache_reverse(v, name);
	int error;

	if (!dir)
		return -ENOENT;
	error = prepend_name(b, name);
	if (!error)
		error = directory_path(b, dir);
	vnode_put(dir);
	return error;
}

/* The path is whole: move it to the buffer's front. @return its length */
static int
finish(struct backwards *b, int error)
{
	size_t len;

	/* No name at all: it is the root itself. */
	if (!error && b->left == b->size - 1)
		error = prepend(b, "/", 1);
	if (error)
		return error;
	len = b->size - b->left;
	memmove(b->buf, b->buf + b->left, len);
	return len - 1;
}

int
vnode_path(struct vnode *v, char *buf, size_t size)
{
	struct backwards b = { buf, size, size, false };
	int error = prepend(&b, "", 1);

	if (!error && v->type != VT_DIR)
		error = file_path(&b, v);
	else if (!error)
		error = v->nlink ? directory_path(&b, v) : -ENOENT;
	return finish(&b, error);
}

/* The last path of what has lost its name: entry_removed has kept it. */
static int
deleted_path(struct vnode *v, char *buf, size_t size)
{
	static const char mark[] = " (deleted)";
	struct backwards b = { buf, size, size, false };
	int error = prepend(&b, mark, sizeof(mark));

	if (!error && v->parent)
		error = directory_path(&b, v);
	else if (!error)
		error = prepend(&b, "/", 1);
	return finish(&b, error);
}

/* As getcwd(2) says: since Linux 2.6.36 the mark stands where a path would be
 * wrong. */
int
vnode_path_marked(struct vnode *v, char *buf, size_t size)
{
	struct backwards b = { buf, size, size, false };
	int error = prepend(&b, "", 1);

	if (!error)
		error = v->nlink ? directory_path(&b, v) : -ENOENT;
	if (!error && b.unreachable) {
		error = b.left == b.size - 1 ? prepend(&b, "/", 1) : 0;
		if (!error)
			error = prepend(&b, "(unreachable)", 13);
	}
	return finish(&b, error);
}

int
vnode_link_text(struct vnode *v, char *buf, size_t size)
{
	int n = vnode_path(v, buf, size);

	return n == -ENOENT ? deleted_path(v, buf, size) : n;
}
