/*
 * Names of AF_UNIX sockets: a path, whose vnode points to the socket; or bytes
 * after a NUL, which live in a table of their own and in no file system
 * (abstract names, unix(7)). Entry points: unix_bind, unix_find.
 */
#include "format.h"
#include "unix.h"
#include "walk.h"

#define BUCKETS	       64u
#define NAME_OFFSET    offsetof(struct sockaddr_un, sun_path)
#define AUTOBIND_NAMES 0x100000u /* five hexadecimal digits, unix(7) */

/* Guards the table, and `ipc` of the vnodes of sockets. A socket that is found
 * under it still has a reference, its file's: it gives up its name under this
 * lock before that (unix_unbind). */
static struct spinlock names_lock = SPINLOCK("unix names");
static struct list buckets[BUCKETS];

/* ---- Addresses ---- */

/* At least a byte of a name: what has none is not to be found. */
int
unix_check_name(const struct sockaddr_storage *name, unsigned len)
{
	return len > NAME_OFFSET && len <= sizeof(struct sockaddr_un) &&
			       name->ss_family == AF_UNIX
		       ? 0
		       : -EINVAL;
}

static struct unix_address *
address_new(const void *name, unsigned len, struct unix_socket *s)
{
	struct unix_address *a = knew(struct unix_address);

	ref_init(&a->refs);
	memcpy(&a->name, name, len);
	a->len = len;
	a->socket = s;
	list_init(&a->hash_link);
	return a;
}

struct unix_address *
unix_address_get(struct unix_address *a)
{
	ref_get(&a->refs);
	return a;
}

void
unix_address_put(struct unix_address *a)
{
	if (ref_put(&a->refs))
		kfree(a);
}

unsigned
unix_copy_name(const struct unix_socket *s, struct sockaddr_storage *name)
{
	const struct unix_address *a = rcu_deref(s->address);

	if (!a)
		return 0;
	memcpy(name, &a->name, a->len);
	return a->len;
}

/* ---- Abstract names ---- */

/* A name of one type is another than the same of another type. All bytes of a
 * name count, NULs too, and its length: unix(7). */
static struct list *
bucket_of(const struct sockaddr_un *name, unsigned len, int type)
{
	uint32_t h = type;

	for (unsigned i = 0; i < len - NAME_OFFSET; i++)
		h = h * 31 + (uint8_t)name->sun_path[i];
	return &buckets[h % BUCKETS];
}

/* names_lock is held. */
static struct unix_address *
find_abstract(const struct sockaddr_un *name, unsigned len, int type)
{
	struct unix_address *a;

	list_for_each (a, bucket_of(name, len, type), hash_link)
		if (a->len == len && a->socket->socket.type == type &&
		    memcmp(&a->name, name, len) == 0)
			return a;
	return NULL;
}

/* @return whether the name was free */
static bool
take_abstract(struct unix_address *a)
{
	int type = a->socket->socket.type;
	bool is_free;

	spin_lock(&names_lock);
	is_free = !find_abstract(&a->name, a->len, type);
	if (is_free)
		list_add(&a->hash_link, bucket_of(&a->name, a->len, type));
	spin_unlock(&names_lock);
	return is_free;
}

/* ---- Binding ---- */

static int
bind_abstract(struct unix_address *a)
{
	return take_abstract(a) ? 0 : -EADDRINUSE;
}

/* POSIX says that the file is there already: EADDRINUSE. The file comes with
 * the permissions that fchmod has given the socket, less the umask. Between its
 * making and the lock below it is the path of no socket: ECONNREFUSED. The
 * length told is that of the path and its NUL, however it was given:
 * unix(7). */
static int
bind_path(struct unix_address *a)
{
	struct vnode *v;
	int error = vfs_make_socket(a->name.sun_path,
				    a->socket->socket.attr.mode & 07777, &v);

	if (error)
		return error == -EEXIST ? -EADDRINUSE : error;
	a->len = NAME_OFFSET + strlen(a->name.sun_path) + 1;
	a->vnode = v;
	spin_lock(&names_lock);
	v->ipc = a->socket;
	spin_unlock(&names_lock);
	return 0;
}

/* The counter goes on from the last name given: names come back late, and a try
 * mostly succeeds. `binding` keeps two threads from naming it twice, and goes
 * back if there was no name to be had. */
int
unix_autobind(struct unix_socket *s)
{
	static _Atomic uint32_t next;
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct unix_address *a;
	uint32_t tries;

	if (atomic_exchange(&s->binding, true))
		return 0;
	a = address_new(&name, NAME_OFFSET + 6, s);
	for (tries = 0; tries < AUTOBIND_NAMES; tries++) {
		snformat(a->name.sun_path + 1, 6, "%05x",
			 atomic_fetch_add(&next, 1) % AUTOBIND_NAMES);
		if (take_abstract(a)) {
			rcu_assign(s->address, a);
			return 0;
		}
	}
	unix_address_put(a);
	s->binding = false;
	return -ENOSPC;
}

/* A wrong address is EINVAL, and so is a second one, POSIX.1-2017 bind. While
 * one thread makes the file, which may take a while, another's bind is EINVAL
 * as if that had been done; it can be tried again if it was not. */
int
unix_bind(struct socket *socket, const struct sockaddr_storage *name,
	  unsigned len)
{
	struct unix_socket *s = to_unix(socket);
	struct unix_address *a;
	int error;

	if (len == NAME_OFFSET && name->ss_family == AF_UNIX)
		return unix_autobind(s);
	error = unix_check_name(name, len);
	if (error)
		return error;
	if (atomic_exchange(&s->binding, true))
		return -EINVAL;
	a = address_new(name, len, s);
	error = a->name.sun_path[0] ? bind_path(a) : bind_abstract(a);
	if (error) {
		unix_address_put(a);
		s->binding = false;
		return error;
	}
	rcu_assign(s->address, a);
	return 0;
}

/* A socket that was accepted has its listener's address, but not its name: the
 * name goes when the listener does. The address stays for those who ask, until
 * the last of them is freed. */
void
unix_unbind(struct unix_socket *s)
{
	struct unix_address *a = s->address;
	struct vnode *v;

	if (!a || a->socket != s)
		return;
	v = a->vnode;
	spin_lock(&names_lock);
	if (v)
		v->ipc = NULL;
	list_del(&a->hash_link);
	spin_unlock(&names_lock);
	if (v)
		vnode_put(v);
}

/* ---- Finding ---- */

/* The socket behind @p v, referenced. To connect or send needs the right to
 * write to the file, unix(7): that is looked at first, whatever it is. */
static int
socket_at(struct vnode *v, int type, struct unix_socket **result)
{
	struct unix_socket *s;
	int error = vnode_access(v, W_OK);

	if (error)
		return error;
	if (v->type != VT_SOCK)
		return -ECONNREFUSED;
	spin_lock(&names_lock);
	s = v->ipc;
	if (!s)
		error = -ECONNREFUSED; /* left by one that is gone */
	else if (s->socket.type != type)
		error = -EPROTOTYPE;
	else
		*result = unix_get(s);
	spin_unlock(&names_lock);
	return error;
}

/* A path of full length has no NUL of its own. Links are followed. */
static int
find_path(const struct sockaddr_un *name, unsigned len, int type,
	  struct unix_socket **result)
{
	char path[UNIX_PATH_MAX + 1] = { 0 };
	struct vnode *v;
	int error;

	memcpy(path, name->sun_path, len - NAME_OFFSET);
	error = path_walk(AT_FDCWD, path, 0, &v);
	if (error)
		return error;
	error = socket_at(v, type, result);
	vnode_put(v);
	return error;
}

int
unix_find(const struct sockaddr_storage *storage, unsigned len, int type,
	  struct unix_socket **result)
{
	const struct sockaddr_un *name = (const struct sockaddr_un *)storage;
	const struct unix_address *a;

	if (name->sun_path[0])
		return find_path(name, len, type, result);
	spin_lock(&names_lock);
	a = find_abstract(name, len, type);
	if (a)
		*result = unix_get(a->socket);
	spin_unlock(&names_lock);
	return a ? 0 : -ECONNREFUSED;
}

void
names_init(void)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		list_init(&buckets[i]);
}
