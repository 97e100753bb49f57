/*
 * The files of /proc. Their text is written when they are read, and kept as
 * long as the file is open (PROCFS2); a few take a text.
 */
#include "procfs_internal.h"
#include "string.h"

/* An open file: its text as it was when it was read from the start. */
struct procfs_file {
	struct mutex lock;
	struct text text;
	bool written;
};

/* Whether the caller may not see what process @p's file says. */
static bool
is_secret(const struct vnode *v, struct proc *p)
{
	return (INO_KIND(v->ino) == KIND_FDINFO || entry_of(v)->restricted) &&
	       !procfs_may_inspect(p);
}

static int
write_text(const struct vnode *v, struct text *t)
{
	const struct node *n = procfs_node(v);
	struct proc *p;
	int error;

	t->len = 0;
	if (n) {
		if (n->number)
			text_printf(
				t, "%lu\n",
				__atomic_load_n(n->number, __ATOMIC_RELAXED));
		else
			n->show(t);
		return 0;
	}
	p = proc_of(v);
	if (!p)
		return -ESRCH;
	if (is_secret(v, p))
		error = -EACCES;
	else if (INO_KIND(v->ino) == KIND_FDINFO)
		error = show_fdinfo(t, p, INO_INDEX(v->ino));
	else if (INO_KIND(v->ino) == KIND_OF_THREAD && entry_of(v)->show_thread)
		error = entry_of(v)->show_thread(t, p, INO_PID(v->ino));
	else
		error = entry_of(v)->show(t, p);
	proc_put(p);
	return error;
}

static int64_t
procfs_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct procfs_file *pf = f->private_data;
	size_t n;
	int error = 0;

	mutex_lock(&pf->lock);
	if (!pf->written || *pos == 0) {
		error = write_text(f->vnode, &pf->text);
		pf->written = !error;
	}
	INVARIANT(PROCFS2, error || pf->written);
	n = *pos < pf->text.len ? MIN(pf->text.len - *pos, u->left) : 0;
	if (!error && n > 0) {
		size_t done = uio_copy_to(u, pf->text.buf + *pos, n);

		error = done ? 0 : -EFAULT;
		n = done;
		*pos += done;
	}
	mutex_unlock(&pf->lock);
	return error ? error : (int64_t)n;
}

/* A number in decimal; white space may surround it. */
static int
store_number(const struct node *node, const char *text)
{
	const char *digits = text + strspn(text, " "), *p = digits;
	uint64_t value = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *p - '0', &value))
			return -EINVAL;
	if (p == digits || p[strspn(p, " \n")])
		return -EINVAL;
	if (node->store)
		return node->store(value);
	if (value > node->max)
		return -EINVAL;
	__atomic_store_n(node->number, value, __ATOMIC_RELAXED);
	return 0;
}

static int
store_of_process(const struct vnode *v, const char *text)
{
	struct proc *p = proc_of(v);
	int error;

	if (!p)
		return -ESRCH;
	error = entry_of(v)->store(p, INO_PID(v->ino), text);
	proc_put(p);
	return error;
}

/* All in one write. Of a number nothing may be missing; of a name what is too
 * long is left out. */
static int64_t
procfs_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct node *node = procfs_node(f->vnode);
	size_t len = u->left, taken;
	char text[24] = "";
	int error;

	if (node && (*pos != 0 || len >= sizeof(text)))
		return -EINVAL;
	taken = MIN(len, sizeof(text) - 1);
	if (uio_copy_from(u, text, taken) < taken)
		return -EFAULT;
	error = node ? store_number(node, text)
		     : store_of_process(f->vnode, text);
	if (error)
		return error;
	*pos += len;
	return len;
}

static void
procfs_release(struct file *f)
{
	struct procfs_file *pf = f->private_data;

	text_free(&pf->text);
	kfree(pf);
}

static const struct file_ops open_file_ops = {
	.read = procfs_read,
	.write = procfs_write,
	.release = procfs_release,
};

static bool
takes_text(const struct vnode *v)
{
	const struct node *n = procfs_node(v);

	return n ? n->number || n->store : is_entry(v) && entry_of(v)->store;
}

/* Only some files take what is written, and of these some give nothing. What is
 * for a process's user alone is opened by that user and by root. */
static bool
may_open(const struct file *f, const struct vnode *v)
{
	const struct node *n = procfs_node(v);
	struct proc *p = n ? NULL : proc_of(v);
	bool secret = p && is_secret(v, p);

	if (p)
		proc_put(p);
	if (secret || (file_writable(f) && !takes_text(v)))
		return false;
	return !file_readable(f) || !n || !n->store;
}

static int
procfs_open(struct vnode *v, struct file *f)
{
	struct procfs_file *pf;

	if (!may_open(f, v))
		return -EACCES;
	pf = knew_shared(struct procfs_file);
	mutex_init(&pf->lock, "proc text");
	f->private_data = pf;
	f->ops = &open_file_ops;
	f->has_pos = true;
	return 0;
}

const struct vnode_ops procfs_file_ops = {
	.open = procfs_open,
};
