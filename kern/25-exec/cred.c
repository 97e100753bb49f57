/*
 * Identity: user and group IDs, and the rules by which a process changes them
 * (POSIX.1-2017 setuid() and kin; setresuid(2), setfsuid(2) for what Linux
 * adds). The credentials are in the fs_context that the threads share. Being
 * privileged means an effective user ID of 0; what is said of capabilities
 * follows from that (caps.c).
 */
#include "abi/mount.h"
#include "exec_internal.h"
#include "string.h"

/* -1: leave as it is. So no user or group has this number: setuid(2). */
#define KEEP UINT32_MAX

/* Its memory may hold what its former user read, and its parent is another
 * user's: prctl(2), PR_SET_DUMPABLE and PR_SET_PDEATHSIG. */
static void
identity_changed(void)
{
	current_proc()->dumpable = false;
	current_proc()->death_signal = 0;
}

/* Change the running process's credentials by @fn under their lock, on a copy:
 * a rule that refuses half-way has changed nothing. Others read them without
 * the lock, each ID as one word. The marks of the process follow without it,
 * too; they are its own, and the caller has not returned yet.
 * @return that of @fn; negative: refused */
static int64_t
change(int64_t (*fn)(struct cred *c, const uint32_t *ids), const uint32_t *ids)
{
	struct fs_context *fs = current()->fs;
	struct cred old, new;
	int64_t result;

	spin_lock(&fs->lock);
	old = new = fs->cred;
	result = fn(&new, ids);
	if (result >= 0)
		fs->cred = new;
	spin_unlock(&fs->lock);
	if (result < 0)
		return result;
	if (old.uid != new.uid) /* not refused here, but at exec: setuid(2) */
		current_proc()->over_nproc =
			proc_user_over_limit(current_proc());
	if (old.euid != new.euid || old.egid != new.egid ||
	    old.fsuid != new.fsuid || old.fsgid != new.fsgid)
		identity_changed();
	return result;
}

/* ---- Asking ---- */

static int64_t
sys_getuid(void)
{
	return current_cred()->uid;
}
SYSCALL(NR_getuid, sys_getuid);

static int64_t
sys_geteuid(void)
{
	return current_cred()->euid;
}
SYSCALL(NR_geteuid, sys_geteuid);

static int64_t
sys_getgid(void)
{
	return current_cred()->gid;
}
SYSCALL(NR_getgid, sys_getgid);

static int64_t
sys_getegid(void)
{
	return current_cred()->egid;
}
SYSCALL(NR_getegid, sys_getegid);

/* On a copy of the numbers: what is copied out may fault and sleep. */
static int64_t
copyout_three(uint32_t *const to[3], const uint32_t ids[3])
{
	for (unsigned i = 0; i < 3; i++)
		if (copyout(to[i], &ids[i], sizeof(ids[i])))
			return -EFAULT;
	return 0;
}

static int64_t
sys_getresuid(uint32_t *r, uint32_t *e, uint32_t *s)
{
	struct cred c = cred_copy();

	return copyout_three((uint32_t *[]){ r, e, s },
			     (uint32_t[]){ c.uid, c.euid, c.suid });
}
SYSCALL(NR_getresuid, sys_getresuid);

static int64_t
sys_getresgid(uint32_t *r, uint32_t *e, uint32_t *s)
{
	struct cred c = cred_copy();

	return copyout_three((uint32_t *[]){ r, e, s },
			     (uint32_t[]){ c.gid, c.egid, c.sgid });
}
SYSCALL(NR_getresgid, sys_getresgid);

/* POSIX.1-2017, getgroups(): size 0 asks for the number only; too small is
 * EINVAL, not a part of them. Whether the effective group is among them is left
 * open; here it is if setgroups put it there. */
static int64_t
sys_getgroups(int size, uint32_t *user)
{
	struct cred c = cred_copy();

	if (size < 0 || (size > 0 && (unsigned)size < c.ngroups))
		return -EINVAL;
	if (size > 0 &&
	    copyout(user, c.groups, c.ngroups * sizeof(c.groups[0])))
		return -EFAULT;
	return c.ngroups;
}
SYSCALL(NR_getgroups, sys_getgroups);

/* ---- Users ---- */

/* One of the three between which a process may choose without privilege. */
static bool
own_uid(const struct cred *c, uint32_t id)
{
	return id == c->uid || id == c->euid || id == c->suid;
}

/* POSIX.1-2017, setuid(): with privilege all three, for good; without, the
 * effective one alone, to the real or the saved one. Not to what it is now, if
 * that is neither. */
static int64_t
setuid(struct cred *c, const uint32_t *ids)
{
	if (c->euid == 0)
		c->uid = c->suid = ids[0];
	else if (ids[0] != c->uid && ids[0] != c->suid)
		return -EPERM;
	c->euid = c->fsuid = ids[0];
	return 0;
}

static int64_t
sys_setuid(uint32_t id)
{
	return id == KEEP ? -EINVAL : change(setuid, &id);
}
SYSCALL(NR_setuid, sys_setuid);

/* setreuid(2): without privilege the real one becomes the real or the effective
 * one; the effective one any of three. The old values count for both, so that
 * the two can be swapped. The saved one follows if the real one is set, or the
 * effective one to something else than the real one was: what is given up so
 * cannot be taken again. */
static int64_t
setreuid(struct cred *c, const uint32_t *ids)
{
	bool privileged = c->euid == 0;
	struct cred old = *c;

	if (ids[0] != KEEP) {
		if (!privileged && ids[0] != c->uid && ids[0] != c->euid)
			return -EPERM;
		c->uid = ids[0];
	}
	if (ids[1] != KEEP) {
		if (!privileged && !own_uid(&old, ids[1]))
			return -EPERM;
		c->euid = ids[1];
	}
	if (ids[0] != KEEP || (ids[1] != KEEP && ids[1] != old.uid))
		c->suid = c->euid;
	c->fsuid = c->euid;
	return 0;
}

static int64_t
sys_setreuid(uint32_t r, uint32_t e)
{
	return change(setreuid, (uint32_t[]){ r, e });
}
SYSCALL(NR_setreuid, sys_setreuid);

/* setresuid(2): each to any of the three, and all or none: so the rights are
 * looked at before anything is set. */
static int64_t
setresuid(struct cred *c, const uint32_t *ids)
{
	if (c->euid != 0)
		for (unsigned i = 0; i < 3; i++)
			if (ids[i] != KEEP && !own_uid(c, ids[i]))
				return -EPERM;
	if (ids[0] != KEEP)
		c->uid = ids[0];
	if (ids[1] != KEEP)
		c->euid = ids[1];
	if (ids[2] != KEEP)
		c->suid = ids[2];
	c->fsuid = c->euid;
	return 0;
}

static int64_t
sys_setresuid(uint32_t r, uint32_t e, uint32_t s)
{
	return change(setresuid, (uint32_t[]){ r, e, s });
}
SYSCALL(NR_setresuid, sys_setresuid);

/* The old ID is the result, whether it was changed or not: setfsuid(2). */
static int64_t
setfsuid(struct cred *c, const uint32_t *ids)
{
	uint32_t old = c->fsuid;

	if (ids[0] != KEEP &&
	    (c->euid == 0 || own_uid(c, ids[0]) || ids[0] == c->fsuid))
		c->fsuid = ids[0];
	return old;
}

static int64_t
sys_setfsuid(uint32_t id)
{
	return change(setfsuid, &id);
}
SYSCALL(NR_setfsuid, sys_setfsuid);

/* ---- Groups ---- */

static bool
own_gid(const struct cred *c, uint32_t id)
{
	return id == c->gid || id == c->egid || id == c->sgid;
}

/* Groups follow the rules of users, and privilege is the effective user's
 * still: POSIX.1-2017, setgid(). */
static int64_t
setgid(struct cred *c, const uint32_t *ids)
{
	if (c->euid == 0)
		c->gid = c->sgid = ids[0];
	else if (ids[0] != c->gid && ids[0] != c->sgid)
		return -EPERM;
	c->egid = c->fsgid = ids[0];
	return 0;
}

static int64_t
sys_setgid(uint32_t id)
{
	return id == KEEP ? -EINVAL : change(setgid, &id);
}
SYSCALL(NR_setgid, sys_setgid);

static int64_t
setregid(struct cred *c, const uint32_t *ids)
{
	bool privileged = c->euid == 0;
	struct cred old = *c;

	if (ids[0] != KEEP) {
		if (!privileged && ids[0] != c->gid && ids[0] != c->egid)
			return -EPERM;
		c->gid = ids[0];
	}
	if (ids[1] != KEEP) {
		if (!privileged && !own_gid(&old, ids[1]))
			return -EPERM;
		c->egid = ids[1];
	}
	if (ids[0] != KEEP || (ids[1] != KEEP && ids[1] != old.gid))
		c->sgid = c->egid;
	c->fsgid = c->egid;
	return 0;
}

static int64_t
sys_setregid(uint32_t r, uint32_t e)
{
	return change(setregid, (uint32_t[]){ r, e });
}
SYSCALL(NR_setregid, sys_setregid);

static int64_t
setresgid(struct cred *c, const uint32_t *ids)
{
	if (c->euid != 0)
		for (unsigned i = 0; i < 3; i++)
			if (ids[i] != KEEP && !own_gid(c, ids[i]))
				return -EPERM;
	if (ids[0] != KEEP)
		c->gid = ids[0];
	if (ids[1] != KEEP)
		c->egid = ids[1];
	if (ids[2] != KEEP)
		c->sgid = ids[2];
	c->fsgid = c->egid;
	return 0;
}

static int64_t
sys_setresgid(uint32_t r, uint32_t e, uint32_t s)
{
	return change(setresgid, (uint32_t[]){ r, e, s });
}
SYSCALL(NR_setresgid, sys_setresgid);

static int64_t
setfsgid(struct cred *c, const uint32_t *ids)
{
	uint32_t old = c->fsgid;

	if (ids[0] != KEEP &&
	    (c->euid == 0 || own_gid(c, ids[0]) || ids[0] == c->fsgid))
		c->fsgid = ids[0];
	return old;
}

static int64_t
sys_setfsgid(uint32_t id)
{
	return change(setfsgid, &id);
}
SYSCALL(NR_setfsgid, sys_setfsgid);

/* ids[0] is how many follow. */
static int64_t
setgroups(struct cred *c, const uint32_t *ids)
{
	if (c->euid != 0)
		return -EPERM;
	c->ngroups = ids[0];
	memcpy(c->groups, ids + 1, c->ngroups * sizeof(c->groups[0]));
	return 0;
}

/* In ascending order, as Linux keeps them. */
static void
sort_ids(uint32_t *ids, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j > 0 && ids[j - 1] > ids[j]; j--) {
			uint32_t id = ids[j];

			ids[j] = ids[j - 1];
			ids[j - 1] = id;
		}
}

/* Right, then size, then memory, as on Linux. Read before the lock is taken,
 * for that may sleep. */
static int64_t
sys_setgroups(size_t size, const uint32_t *user)
{
	uint32_t ids[1 + ARRAY_SIZE(((struct cred *)0)->groups)];

	if (current_cred()->euid != 0)
		return -EPERM;
	if (size > ARRAY_SIZE(ids) - 1)
		return -EINVAL;
	ids[0] = size;
	if (copyin(ids + 1, user, size * sizeof(ids[0])))
		return -EFAULT;
	sort_ids(ids + 1, size);
	return change(setgroups, ids);
}
SYSCALL(NR_setgroups, sys_setgroups);

/* ---- exec ---- */

void
image_set_ids(const struct image *image, struct set_ids *ids)
{
	struct vnode *v = image->vnode;

	ids->uid = ids->gid = KEEP;
	if (v->mount->flags & MS_NOSUID || current_proc()->no_new_privs)
		return;
	/* chown changes the owner and takes the bits away in one step. */
	rwlock_read_lock(&v->lock);
	if (v->mode & S_ISUID)
		ids->uid = v->uid;
	/* Without the right to execute for its group, the bit means mandatory
	 * locking (chmod(2)). */
	if (v->mode & S_ISGID && v->mode & 010)
		ids->gid = v->gid;
	rwlock_read_unlock(&v->lock);
}

bool
cred_exec(struct cred *cred, const struct set_ids *ids)
{
	if (ids->uid != KEEP)
		cred->euid = ids->uid;
	if (ids->gid != KEEP)
		cred->egid = ids->gid;
	cred->suid = cred->fsuid = cred->euid;
	cred->sgid = cred->fsgid = cred->egid;
	return cred->uid != cred->euid || cred->gid != cred->egid;
}
