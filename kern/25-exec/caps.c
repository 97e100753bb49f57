/*
 * Capabilities, as far as there are any: user 0 has all, others have none. What
 * Linux gives a process that never touches them follows from its user IDs alone
 * (capabilities(7), "Effect of user ID changes on capabilities"), so that is
 * computed and nothing is stored; what could not be kept is refused.
 */
#include "abi/syscall.h"
#include "exec.h"

uint64_t
cred_permitted(const struct cred *c)
{
	return c->uid && c->euid && c->suid ? 0 : CAPS_ALL;
}

uint64_t
cred_effective(const struct cred *c)
{
	return c->euid ? 0 : CAPS_ALL;
}

/* The header, and how many elements go with it: 32 bits each, one in the first
 * version, two since. In the answer to an unknown version is the one that is
 * preferred: by this a program asks for it (capget(2)). Versions 2 and 3 have
 * the same form. */
static int
read_header(struct cap_header *user, struct cap_header *h, unsigned *n)
{
	uint32_t preferred = CAPABILITY_VERSION_3;

	if (copyin(h, user, sizeof(*h)))
		return -EFAULT;
	*n = h->version == CAPABILITY_VERSION_1 ? 1 : 2;
	if (h->version == CAPABILITY_VERSION_1 ||
	    h->version == CAPABILITY_VERSION_2 ||
	    h->version == CAPABILITY_VERSION_3)
		return 0;
	if (copyout(user_field(user, version), &preferred, sizeof(preferred)))
		return -EFAULT;
	return -EINVAL;
}

/* The credentials of thread @p tid; 0: the caller's. Under proc_lock a thread
 * keeps its fs_context; the IDs in it may be changing, by their own lock, and
 * each is one word. */
static int
cred_of(int tid, struct cred *cred)
{
	struct thread *t;
	int error = 0;

	if (tid == 0) {
		*cred = cred_copy();
		return 0;
	}
	spin_lock(&proc_lock);
	t = thread_find(tid);
	if (t && t->fs)
		*cred = t->fs->cred;
	else
		error = -ESRCH;
	spin_unlock(&proc_lock);
	return error;
}

/* Anybody may ask about anybody (capget(2)). */
static int64_t
sys_capget(struct cap_header *user, struct cap_data *data)
{
	struct cap_data out[2] = { 0 };
	struct cap_header h;
	struct cred cred;
	uint64_t effective, permitted;
	unsigned n, i;
	int error = read_header(user, &h, &n);

	if (!data && error != -EFAULT) /* the version was asked for */
		return 0;
	if (error)
		return error;
	if (h.pid < 0)
		return -EINVAL;
	error = cred_of(h.pid, &cred);
	if (error)
		return error;
	effective = cred_effective(&cred);
	permitted = cred_permitted(&cred);
	for (i = 0; i < n; i++) {
		out[i].effective = effective >> 32 * i;
		out[i].permitted = permitted >> 32 * i;
	}
	return copyout(data, out, n * sizeof(out[0]));
}
SYSCALL(NR_capget, sys_capget);

/* Only what is so already can be set: dropping would have to be remembered. */
static int64_t
sys_capset(struct cap_header *user, const struct cap_data *data)
{
	struct cap_data in[2] = { 0 };
	struct cap_header h;
	uint64_t effective, permitted, all = CAPS_ALL;
	unsigned n;
	int error = read_header(user, &h, &n);

	if (error)
		return error;
	if (h.pid != 0 && h.pid != current()->tid)
		return -EPERM;
	if (copyin(in, data, n * sizeof(in[0])))
		return -EFAULT;
	if (n == 1)
		all = (uint32_t)all;
	effective = (in[0].effective | (uint64_t)in[1].effective << 32) & all;
	permitted = (in[0].permitted | (uint64_t)in[1].permitted << 32) & all;
	if (effective != (cred_effective(current_cred()) & all) ||
	    permitted != (cred_permitted(current_cred()) & all) ||
	    in[0].inheritable || in[1].inheritable)
		return -EPERM;
	return 0;
}
SYSCALL(NR_capset, sys_capset);
