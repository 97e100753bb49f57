/*
 * System V shared memory: segments that are found by a key, and stay until they
 * are removed. A segment's memory is a file without a name, in tmpfs, so it is
 * counted and bounded as files in memory are; attaching is mapping it.
 *
 * How many have it attached is the length of the file's list of mappings. A
 * segment that has been removed while attached goes with the last of them:
 * chapter vm tells when a mapping of it has gone (shm_unmapped).
 *
 * Source of the interface: shmget(2), shmop(2), shmctl(2), sysvipc(7), proc(5).
 */
#include "abi/shm.h"
#include "abi/syscall.h"
#include "format.h"
#include "ipc_internal.h"
#include "procfs.h"
#include "string.h"

#define SLOTS	  4096 /* segments, at most: Linux's SHMMNI, shmget(2) */
#define SLOT_BITS 15   /* of an identifier; the rest is a count, below */
#define SEQ_MASK  0xffff
#define MODE_BITS 0777

/** A segment, from shmget until nobody has it and it is marked SHM_DEST. */
struct shm {
	/* Constant. */
	struct vnode *vnode; /* its memory: referenced; vnode->ipc is this */
	uint64_t size;	     /* bytes, as given; the file has whole pages */
	uint32_t cuid, cgid; /* who made it: keeps the owner's rights */
	int cpid;
	int id; /* slot, and how often one was made, above */

	/* Guarded by shm_lock. */
	int key;       /* IPC_PRIVATE: none finds it */
	uint32_t mode; /* permissions, SHM_DEST, SHM_LOCKED */
	uint32_t uid, gid;
	int64_t atime, dtime, ctime; /* seconds */
	int lpid; /* who attached or detached last, shmctl(2) */
	/** Calls that are about to map it: as long as there are any it stays,
	 * so that its address may be used without the lock. */
	unsigned attaching;
};

/* Guards the table, the segments in it, and `ipc` of their vnodes; taken with
 * no other held. */
static struct mutex shm_lock;
static struct shm *slots[SLOTS];
static unsigned nused, slots_end; /* the highest one in use, and 1 */
/* Of segments made: the next to get a slot gets another identifier, so one that
 * was kept too long names nothing. */
static unsigned sequence;
static uint64_t pages_used; /* sum of the sizes */

/* What root may set, in /proc/sys/kernel; the first two are Linux's defaults,
 * which bound nothing: bytes of one segment, and pages of all. Read without a
 * lock. */
static uint64_t shmmax = UINT64_MAX - BIT(24);
static uint64_t shmall = UINT64_MAX - BIT(24);
static uint64_t shmmni = SLOTS;

static uint64_t
pages_of(uint64_t size)
{
	return DIV_ROUND_UP(size, PAGE_SIZE);
}

static int64_t
now(void)
{
	return clock_realtime_ns() / (int64_t)NS_PER_SEC;
}

/* ---- The table; shm_lock held ---- */

static struct shm *
find_id(int id)
{
	unsigned slot = id & (BIT(SLOT_BITS) - 1);
	struct shm *s = id >= 0 && slot < SLOTS ? slots[slot] : NULL;

	return s && s->id == id ? s : NULL;
}

/* Not for IPC_PRIVATE, the key of many. A segment that was removed has it, so
 * its old key is free at once. */
static struct shm *
find_key(int key)
{
	for (unsigned i = 0; i < slots_end; i++)
		if (slots[i] && slots[i]->key == key)
			return slots[i];
	return NULL;
}

/* There is one: nused < shmmni <= SLOTS (check_limits). */
static void
take_slot(struct shm *s)
{
	unsigned i = 0;

	while (slots[i])
		i++;
	s->id = i | (sequence++ & SEQ_MASK) << SLOT_BITS;
	slots[i] = s;
	slots_end = MAX(slots_end, i + 1);
	nused++;
	pages_used += pages_of(s->size);
}

/* Mappings, of all processes: as on Linux, a part whose protection was changed
 * makes one more of it. */
static unsigned
attached(const struct shm *s)
{
	struct page_cache *c = s->vnode->cache;
	struct mapping *m;
	unsigned n = 0;

	spin_lock(&c->mappings_lock);
	list_for_each (m, &c->mappings, vnode_link)
		n++;
	spin_unlock(&c->mappings_lock);
	return n;
}

/* Forget @s if it has been removed and nobody has it (IPC4). The pages go with
 * the file's last reference, whose putting may sleep for long.
 * @return its file, for the caller to put when the lock is released, or NULL */
static struct vnode *
drop_unused(struct shm *s)
{
	struct vnode *v = s->vnode;

	if (!(s->mode & SHM_DEST) || s->attaching || attached(s))
		return NULL;
	slots[s->id & (BIT(SLOT_BITS) - 1)] = NULL;
	while (slots_end && !slots[slots_end - 1])
		slots_end--;
	nused--;
	pages_used -= pages_of(s->size);
	v->ipc = NULL;
	kfree(s);
	return v;
}

static void
unlock_and_put(struct vnode *v)
{
	mutex_unlock(&shm_lock);
	if (v)
		vnode_put(v);
}

/* vm_ops.unmapped: a mapping of @v, whose reference is still there, has gone
 * from the running process: by shmdt, munmap, exec or its end. Of two that go
 * at once, the second may find the segment forgotten; the file is still there,
 * by the mapping's own reference. */
static void
shm_unmapped(struct vnode *v)
{
	struct vnode *unused = NULL;
	struct shm *s;

	mutex_lock(&shm_lock);
	s = v->ipc;
	if (s) {
		s->dtime = now();
		s->lpid = current_proc() ? current_proc()->pid : 0;
		unused = drop_unused(s);
	}
	unlock_and_put(unused);
}

/* ---- Rights ---- */

/* Whether the caller has all of @want: 4 read, 2 write, 1 execute. Owner and
 * creator count alike, users and groups, sysvipc(7); as with files, the first
 * class that fits decides, even if the next would give more. */
static bool
allowed(const struct shm *s, unsigned want)
{
	const struct cred *c = current_cred();
	unsigned mode = s->mode;

	if (c->euid == 0)
		return true;
	if (c->euid == s->uid || c->euid == s->cuid)
		mode >>= 6;
	else if (cred_in_group(c, s->gid) || cred_in_group(c, s->cgid))
		mode >>= 3;
	return !(want & ~mode & 7);
}

/* Who may change or remove it. */
static bool
owns(const struct shm *s)
{
	uint32_t euid = current_cred()->euid;

	return euid == 0 || euid == s->uid || euid == s->cuid;
}

/* ---- shmget ---- */

/* Whether a segment of @size bytes may be made. No page is reserved for it:
 * they come when they are touched. But what the whole machine does not have is
 * refused at once, unless SHM_NORESERVE says that it is not meant to be filled.
 * 0 or -errno */
static int
check_limits(uint64_t size, int flags)
{
	struct mem_stats mem;

	mem_stats_get(&mem);
	if (size == 0 || size > shmmax)
		return -EINVAL;
	if (nused >= shmmni || pages_of(size) > shmall ||
	    pages_used + pages_of(size) > shmall)
		return -ENOSPC;
	if (!(flags & SHM_NORESERVE) && pages_of(size) > mem.total)
		return -ENOMEM;
	return 0;
}

/* A segment is charged to nobody, as it outlives who made it; shmall and the
 * pages of tmpfs bound it. The file is in nobody's sight until take_slot: its
 * size is set without its lock. */
static int
make_segment(int key, uint64_t size, int flags)
{
	const struct cred *c = current_cred();
	int error = check_limits(size, flags);
	struct vnode *v;
	char name[16];
	struct shm *s;

	if (error)
		return error;
	snformat(name, sizeof(name), "SYSV%08x", (unsigned)key);
	error = tmpfs_nameless(name, S_IFREG | (flags & MODE_BITS), &v);
	if (error)
		return error;
	v->size = ROUND_UP(size, PAGE_SIZE);
	s = knew_shared(struct shm);
	s->vnode = v;
	s->size = size;
	s->key = key;
	s->uid = s->cuid = c->euid;
	s->gid = s->cgid = c->egid;
	s->mode = flags & MODE_BITS;
	s->cpid = current_proc()->pid;
	s->ctime = now();
	v->ipc = s;
	take_slot(s);
	return s->id;
}

/* The order of errors is that of shmget(2) on Linux: of one that is there,
 * first EEXIST, then its size, then the caller's rights; these are asked for in
 * whichever class of the mode they stand. Size 0 finds any. */
static int
get_segment(int key, uint64_t size, int flags)
{
	struct shm *s = key == IPC_PRIVATE ? NULL : find_key(key);

	if (!s && key != IPC_PRIVATE && !(flags & IPC_CREAT))
		return -ENOENT;
	if (!s)
		return make_segment(key, size, flags);
	if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		return -EEXIST;
	if (size > s->size)
		return -EINVAL;
	if (!allowed(s, (flags | flags >> 3 | flags >> 6) & 7))
		return -EACCES;
	return s->id;
}

static int64_t
sys_shmget(int key, uint64_t size, int flags)
{
	int id;

	if (flags & SHM_HUGETLB) /* there are no huge pages to be had */
		return -EINVAL;
	mutex_lock(&shm_lock);
	id = get_segment(key, size, flags);
	mutex_unlock(&shm_lock);
	return id;
}
SYSCALL(NR_shmget, sys_shmget);

/* ---- shmat, shmdt ---- */

/* Where and how the caller wants it, shmop(2): an address must be free unless
 * SHM_REMAP takes what is there away; for that there must be an address.
 * @return flags for vm_map, or -EINVAL */
static int
check_address(vaddr_t *addr, uint64_t size, int flags)
{
	bool anywhere = !*addr; /* and not one that is rounded to that */

	if (flags & SHM_RND)
		*addr = ROUND_DOWN(*addr, SHMLBA);
	if (!IS_ALIGNED(*addr, SHMLBA) || (!*addr && flags & SHM_REMAP))
		return -EINVAL;
	if (anywhere)
		return MAP_SHARED;
	if (*addr + size < *addr)
		return -EINVAL;
	return MAP_SHARED |
	       (flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE);
}

/* The segment, which stays until it is said that it is no longer being
 * attached. One that is marked as removed can still be attached by who knows
 * its identifier: Linux lets it. @return its file, or NULL: -EINVAL, -EACCES */
static struct vnode *
begin_attach(int id, int flags, int *error)
{
	unsigned want = flags & SHM_RDONLY ? 4 : 6;
	struct vnode *v = NULL;
	struct shm *s;

	if (flags & SHM_EXEC)
		want |= 1;
	mutex_lock(&shm_lock);
	s = find_id(id);
	if (!s)
		*error = -EINVAL;
	else if (!allowed(s, want))
		*error = -EACCES;
	else
		v = s->vnode;
	if (v)
		s->attaching++;
	mutex_unlock(&shm_lock);
	return v;
}

static void
end_attach(struct shm *s, bool done)
{
	struct vnode *unused;

	mutex_lock(&shm_lock);
	s->attaching--;
	if (done) {
		s->atime = now();
		s->lpid = current_proc()->pid;
	}
	unused = drop_unused(s);
	unlock_and_put(unused);
}

/* The mapping is made without shm_lock, which is never held with an address
 * space's: `attaching` keeps segment and file meanwhile, and so v->ipc may be
 * read here. Without the right to write, mprotect cannot give it later. */
static int64_t
sys_shmat(int id, vaddr_t addr, int flags)
{
	uint32_t prot = PROT_READ;
	int error = 0, how;
	struct vnode *v;
	int64_t at;

	v = begin_attach(id, flags, &error);
	if (!v)
		return error;
	if (!(flags & SHM_RDONLY))
		prot |= PROT_WRITE;
	if (flags & SHM_EXEC)
		prot |= PROT_EXEC;
	at = how = check_address(&addr, v->size, flags);
	if (how >= 0)
		at = vm_map(current()->vmspace, addr, v->size, prot, how, v, 0,
			    !(flags & SHM_RDONLY));
	end_attach(v->ipc, at >= 0);
	return at == -EEXIST ? -EINVAL : at;
}
SYSCALL(NR_shmat, sys_shmat);

/* Whether @m is a part of a segment that was attached at @addr: what it begins
 * with in the file stands as far behind @addr. Without shm_lock: the mapping
 * keeps the segment, so its file's `ipc` stays. */
static bool
is_attached_at(const struct mapping *m, vaddr_t addr)
{
	return m->vnode && m->vnode->type == VT_REG && m->vnode->ipc &&
	       m->start - addr == m->offset;
}

/* Take out all that is left of what was attached at @addr: parts may have been
 * unmapped, the first one, too, or have other mappings between them, which
 * stay. vm->lock held for writing. */
static int
detach(struct vmspace *vm, vaddr_t addr, struct list *dead)
{
	struct mapping *m = map_ceil(vm, addr), *next;
	struct vnode *v;
	uint64_t end;

	while (m && !(m->start >= addr && is_attached_at(m, addr)))
		m = map_next(m);
	if (!m)
		return -EINVAL;
	v = m->vnode;
	end = addr + v->size;
	for (; m && m->start < end; m = next) {
		next = map_next(m);
		if (m->vnode == v && is_attached_at(m, addr))
			map_remove_whole(vm, m->start, m->end, dead);
	}
	return 0;
}

/* The segment learns of it in map_reap, when no lock is held (shm_unmapped). */
static int64_t
sys_shmdt(vaddr_t addr)
{
	struct vmspace *vm = current()->vmspace;
	struct list dead = LIST_INIT(dead);
	int error;

	if (!IS_ALIGNED(addr, SHMLBA))
		return -EINVAL;
	rwlock_write_lock(&vm->lock);
	error = detach(vm, addr, &dead);
	rwlock_write_unlock(&vm->lock);
	map_reap(&dead);
	return error;
}
SYSCALL(NR_shmdt, sys_shmdt);

/* ---- shmctl ---- */

static void
fill_ds(const struct shm *s, struct shmid_ds *ds)
{
	*ds = (struct shmid_ds){
		.shm_perm = { .__key = s->key,
			      .uid = s->uid,
			      .gid = s->gid,
			      .cuid = s->cuid,
			      .cgid = s->cgid,
			      .mode = s->mode,
			      .__seq = s->id >> SLOT_BITS },
		.shm_segsz = s->size,
		.shm_atime = s->atime,
		.shm_dtime = s->dtime,
		.shm_ctime = s->ctime,
		.shm_cpid = s->cpid,
		.shm_lpid = s->lpid,
		.shm_nattch = attached(s),
	};
}

/* By identifier, or (SHM_STAT) by slot, which answers the identifier: so a
 * program (ipcs) finds all of them. SHM_STAT_ANY needs no right to read, as
 * /proc shows as much, shmctl(2). Copied out without the lock. */
static int64_t
stat_segment(int id, int command, struct shmid_ds *user)
{
	struct shmid_ds ds;
	int64_t result = 0;
	struct shm *s;

	mutex_lock(&shm_lock);
	if (command == IPC_STAT)
		s = find_id(id);
	else
		s = id >= 0 && id < SLOTS ? slots[id] : NULL;
	if (!s)
		result = -EINVAL;
	else if (command != SHM_STAT_ANY && !allowed(s, 4))
		result = -EACCES;
	else
		fill_ds(s, &ds);
	if (!result && command != IPC_STAT)
		result = s->id;
	mutex_unlock(&shm_lock);
	if (result >= 0 && copyout(user, &ds, sizeof(ds)))
		result = -EFAULT;
	return result;
}

/* IPC_INFO and SHM_INFO answer the highest slot in use, for SHM_STAT. */
static int64_t
tell_limits(struct shminfo *user)
{
	struct shminfo info = { .shmmax = shmmax,
				.shmmin = 1,
				.shmmni = shmmni,
				.shmseg = shmmni,
				.shmall = shmall };

	if (copyout(user, &info, sizeof(info)))
		return -EFAULT;
	return slots_end ? slots_end - 1 : 0;
}

/* Resident is what is in the page cache: all that was ever touched. */
static int64_t
tell_use(struct shm_info *user)
{
	struct shm_info info = { 0 };
	int64_t highest;

	mutex_lock(&shm_lock);
	info.used_ids = nused;
	info.shm_tot = pages_used;
	for (unsigned i = 0; i < slots_end; i++)
		if (slots[i])
			info.shm_rss += slots[i]->vnode->cache->npages;
	highest = slots_end ? slots_end - 1 : 0;
	mutex_unlock(&shm_lock);
	return copyout(user, &info, sizeof(info)) ? -EFAULT : highest;
}

/* Nothing is ever swapped out here, so a lock is a mark; who may set it is as
 * if it were more. */
static int
lock_segment(struct shm *s, bool lock)
{
	if (!owns(s) || (lock && current_cred()->euid != 0 &&
			 proc_limit(RLIMIT_MEMLOCK) == 0))
		return -EPERM;
	s->mode = lock ? s->mode | SHM_LOCKED : s->mode & ~SHM_LOCKED;
	return 0;
}

/* IPC_SET: owner, group and permissions alone, shmctl(2). The creator stays,
 * and keeps his rights. */
static int
set_segment(struct shm *s, const struct shmid_ds *ds)
{
	const struct ipc_perm *p = &ds->shm_perm;

	if (!owns(s))
		return -EPERM;
	if (p->uid == UINT32_MAX || p->gid == UINT32_MAX)
		return -EINVAL;
	s->uid = p->uid;
	s->gid = p->gid;
	s->mode = (s->mode & ~MODE_BITS) | (p->mode & MODE_BITS);
	s->ctime = now();
	return 0;
}

/* Its key is free at once; the segment goes with who has it last, which may be
 * this call (drop_unused). */
static int
remove_segment(struct shm *s)
{
	if (!owns(s))
		return -EPERM;
	s->mode |= SHM_DEST;
	s->key = IPC_PRIVATE;
	return 0;
}

/* The user's memory is read before the lock is taken: a fault may sleep, and
 * EFAULT comes before what is wrong with the identifier. */
static int64_t
change_segment(int id, int command, const struct shmid_ds *user)
{
	struct vnode *unused = NULL;
	struct shmid_ds ds;
	int error = -EINVAL;
	struct shm *s;

	if (command == IPC_SET && copyin(&ds, user, sizeof(ds)))
		return -EFAULT;
	mutex_lock(&shm_lock);
	s = find_id(id);
	if (s && command == IPC_SET)
		error = set_segment(s, &ds);
	else if (s && command == IPC_RMID)
		error = remove_segment(s);
	else if (s)
		error = lock_segment(s, command == SHM_LOCK);
	if (s)
		unused = drop_unused(s);
	unlock_and_put(unused);
	return error;
}

static int64_t
sys_shmctl(int id, int command, void *user)
{
	if (id < 0)
		return -EINVAL;
	switch (command) {
	case IPC_INFO:
		return tell_limits(user);
	case SHM_INFO:
		return tell_use(user);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return stat_segment(id, command, user);
	case IPC_SET:
	case IPC_RMID:
	case SHM_LOCK:
	case SHM_UNLOCK:
		return change_segment(id, command, user);
	default:
		return -EINVAL;
	}
}
SYSCALL(NR_shmctl, sys_shmctl);

/* ---- /proc ---- */

/* /proc/sysvipc/shm, proc(5): to everybody, whatever a segment's mode. */
static void
show_segments(struct text *t)
{
	const struct shm *s;

	text_printf(t, "%10s %10s %5s %21s %5s %5s %5s", "key", "shmid",
		    "perms", "size", "cpid", "lpid", "nattch");
	text_printf(t, " %5s %5s %5s %5s %10s %10s %10s %21s %21s\n", "uid",
		    "gid", "cuid", "cgid", "atime", "dtime", "ctime", "rss",
		    "swap");
	mutex_lock(&shm_lock);
	for (unsigned i = 0; i < slots_end; i++) {
		if (!(s = slots[i]))
			continue;
		text_printf(t, "%10d %10d  %4o %21lu %5d %5d  %5u", s->key,
			    s->id, s->mode, s->size, s->cpid, s->lpid,
			    attached(s));
		text_printf(t, " %5u %5u %5u %5u %10ld %10ld %10ld", s->uid,
			    s->gid, s->cuid, s->cgid, s->atime, s->dtime,
			    s->ctime);
		text_printf(t, " %21lu %21lu\n",
			    s->vnode->cache->npages * PAGE_SIZE, 0UL);
	}
	mutex_unlock(&shm_lock);
}

void
shm_init(void)
{
	mutex_init(&shm_lock, "segments");
	vm_ops.unmapped = shm_unmapped;
	procfs_add("sysvipc/shm", show_segments);
	procfs_add_number("sys/kernel/shmmax", &shmmax, UINT64_MAX);
	procfs_add_number("sys/kernel/shmall", &shmall, UINT64_MAX);
	procfs_add_number("sys/kernel/shmmni", &shmmni, SLOTS);
}
