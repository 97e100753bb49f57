/*
 * Shared memory that has names: shmget(2), shmop(2), shmctl(2); shm_open(3).
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <time.h>
#include "check.h"

#define PAGE	4096ul
#define FAILED	((void *)-1)
#define KEY	0x48617264
#define NOWHERE ((char *)0x10000000000) /* nothing is mapped there */

static int
make(size_t size, int mode)
{
	int id = shmget(IPC_PRIVATE, size, mode);

	REQUIRE(id >= 0);
	return id;
}

static char *
attach(int id, int flags)
{
	char *p = shmat(id, NULL, flags);

	REQUIRE(p != FAILED);
	return p;
}

static struct shmid_ds
stat_of(int id)
{
	struct shmid_ds ds;

	REQUIRE(shmctl(id, IPC_STAT, &ds) == 0);
	return ds;
}

/** Removes a segment; its attachments stay. */
static void
removed(int id)
{
	CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
}

/** The signal that a store there ends a child by; 0: none. */
static int
signal_of_write(volatile char *p)
{
	int status = IN_CHILD(*p = 1);

	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(segment_is_shared)
{
	int id = make(3 * PAGE, 0600);
	char *p = attach(id, 0), *q = attach(id, 0);

	CHECK(p != q && (unsigned long)p % PAGE == 0);
	CHECK(p[0] == 0 && p[3 * PAGE - 1] == 0);
	p[5] = 'x';
	CHECK_EQ(q[5], 'x');
	CHECK_EQ(IN_CHILD(CHECK_EQ(p[5], 'x'); q[PAGE] = 'y'), 0);
	CHECK_EQ(p[PAGE], 'y');
	CHECK_EQ(shmdt(p), 0);
	CHECK_EQ(signal_of_write(p), SIGSEGV);
	CHECK_EQ(q[5], 'x');
	CHECK_EQ(shmdt(q), 0);
	p = attach(id, 0); /* contents stay while nobody has it */
	CHECK_EQ(p[5], 'x');
	removed(id);
}

TEST(segment_is_found_by_key)
{
	int id = shmget(KEY, 5000, IPC_CREAT | IPC_EXCL | 0640), other;
	char *p;

	REQUIRE(id >= 0);
	CHECK_EQ(shmget(KEY, 5000, 0), id);
	CHECK_EQ(shmget(KEY, 0, 0), id);
	CHECK_EQ(shmget(KEY, 100, IPC_CREAT | 0600), id);
	CHECK_ERR(shmget(KEY, 5001, 0), EINVAL);
	CHECK_ERR(shmget(KEY, 5000, IPC_CREAT | IPC_EXCL), EEXIST);
	CHECK((other = make(1, 0)) != id);
	removed(other);
	p = attach(id, 0);
	removed(id);
	CHECK_ERR(shmget(KEY, 0, 0), ENOENT); /* though it is still there */
	p[0] = 1;
}

TEST(shmget_errors)
{
	CHECK_ERR(shmget(KEY + 1, 1, 0), ENOENT);
	CHECK_ERR(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
	CHECK_ERR(shmget(IPC_PRIVATE, -1ul, 0600), EINVAL);
	CHECK_ERR(shmget(KEY + 1, 0, IPC_CREAT | 0600), EINVAL);
}

TEST(stat_tells_all)
{
	time_t before = time(NULL);
	int id = make(5000, 0640);
	struct shmid_ds ds = stat_of(id);
	char *p;

	CHECK_EQ(ds.shm_segsz, 5000);
	CHECK_EQ(ds.shm_perm.mode, 0640);
	CHECK_EQ(ds.shm_perm.__key, IPC_PRIVATE);
	CHECK_EQ(ds.shm_perm.uid, geteuid());
	CHECK_EQ(ds.shm_perm.cuid, geteuid());
	CHECK_EQ(ds.shm_perm.gid, getegid());
	CHECK_EQ(ds.shm_cpid, getpid());
	CHECK(ds.shm_lpid == 0 && ds.shm_atime == 0 && ds.shm_dtime == 0);
	CHECK(ds.shm_ctime >= before - 1 && ds.shm_ctime <= time(NULL));
	CHECK_EQ(ds.shm_nattch, 0);
	p = attach(id, 0);
	attach(id, SHM_RDONLY);
	ds = stat_of(id);
	CHECK_EQ(ds.shm_nattch, 2);
	CHECK(ds.shm_atime >= before - 1 && ds.shm_dtime == 0);
	CHECK_EQ(ds.shm_lpid, getpid());
	CHECK_EQ(shmdt(p), 0);
	ds = stat_of(id);
	CHECK_EQ(ds.shm_nattch, 1);
	CHECK(ds.shm_dtime >= before - 1);
	removed(id);
	ds = stat_of(id);
	CHECK_EQ(ds.shm_perm.mode, SHM_DEST | 0640);
}

TEST(removed_segment_goes_with_its_last)
{
	int id = make(PAGE, 0600);
	char *p = attach(id, 0), *q;

	removed(id);
	CHECK_EQ(stat_of(id).shm_nattch, 1);
	q = attach(id, 0); /* Linux lets one */
	q[7] = 'x';
	CHECK_EQ(p[7], 'x');
	CHECK_EQ(shmdt(p), 0);
	CHECK_EQ(stat_of(id).shm_nattch, 1);
	CHECK_EQ(munmap(q, PAGE), 0);
	CHECK_ERR(shmctl(id, IPC_STAT, &(struct shmid_ds){ 0 }), EINVAL);
	CHECK_ERR(shmat(id, NULL, 0), EINVAL);
	id = make(PAGE, 0600);
	removed(id);
	CHECK_ERR(shmctl(id, IPC_RMID, NULL), EINVAL);
}

TEST(fork_inherits_and_exit_detaches)
{
	int id = make(PAGE, 0600);
	char *p = attach(id, 0);
	pid_t child;

	CHECK_EQ(IN_CHILD(CHECK_EQ(stat_of(id).shm_nattch, 2);
			  CHECK_EQ(shmdt(p), 0);
			  CHECK_EQ(stat_of(id).shm_nattch, 1)),
		 0);
	CHECK_EQ(IN_CHILD(p[0] = 'x'), 0); /* ends with it attached */
	CHECK_EQ(stat_of(id).shm_nattch, 1);
	CHECK_EQ(p[0], 'x');
	child = fork();
	if (child == 0)
		_exit(attach(id, 0)[0] != 'x');
	waitpid(child, NULL, 0);
	CHECK_EQ(stat_of(id).shm_lpid, child);
	removed(id);
}

/** As the program that is started: how many have the segment. */
int
check_exec_role(int argc, char **argv)
{
	(void)argc;
	return (int)stat_of(atoi(argv[2])).shm_nattch;
}

TEST(exec_detaches)
{
	int id = make(PAGE, 0600);
	char text[16];

	snprintf(text, sizeof(text), "%d", id);
	attach(id, 0);
	attach(id, 0);
	CHECK_EQ(WEXITSTATUS(IN_CHILD(execve(
			 check_program, (char *[]){ "check", "-x", text, NULL },
			 environ))),
		 2); /* the parent's */
	removed(id);
}

TEST(attach_read_only)
{
	int id = make(PAGE, 0600);
	char *p = attach(id, SHM_RDONLY);

	CHECK_EQ(p[0], 0);
	CHECK_EQ(signal_of_write(p), SIGSEGV);
	CHECK_ERR(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
	removed(id);
}

TEST(attach_executable)
{
	static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
	int id = make(PAGE, 0700);
	char *p = attach(id, 0), *q = attach(id, SHM_EXEC);

	memcpy(p, code, sizeof(code)); /* mov $42, %eax; ret */
	CHECK_EQ(((int (*)(void))q)(), 42);
	CHECK_EQ(WTERMSIG(IN_CHILD(((int (*)(void))p)())), SIGSEGV);
	removed(id);
}

TEST(attach_at_an_address)
{
	int id = make(2 * PAGE, 0600);

	CHECK_EQ(shmat(id, NOWHERE, 0), NOWHERE);
	CHECK_ERR(shmat(id, NOWHERE, 0), EINVAL); /* it is taken */
	CHECK_ERR(shmat(id, NOWHERE + PAGE, 0), EINVAL);
	CHECK_ERR(shmat(id, NOWHERE + 4 * PAGE + 1, 0), EINVAL);
	CHECK_EQ(shmat(id, NOWHERE + 5 * PAGE - 1, SHM_RND),
		 NOWHERE + 4 * PAGE);
	CHECK_ERR(shmat(id, NULL, SHM_REMAP), EINVAL);
	CHECK_ERR(shmat(id, (void *)1, SHM_RND | SHM_REMAP), EINVAL);
	AS_USER(int own = make(PAGE, 0600);
		CHECK_ERR(shmat(own, (void *)1, SHM_RND), EPERM); removed(own));
	NOWHERE[0] = NOWHERE[PAGE] = 'x';
	CHECK_EQ(shmat(id, NOWHERE + PAGE, SHM_REMAP), NOWHERE + PAGE);
	CHECK(NOWHERE[PAGE] == 'x' && NOWHERE[2 * PAGE] == 'x');
	CHECK_EQ(stat_of(id).shm_nattch, 3);
	/* the first one's rest is still attached where it was */
	CHECK_EQ(shmdt(NOWHERE), 0);
	CHECK_EQ(stat_of(id).shm_nattch, 2);
	CHECK_EQ(NOWHERE[PAGE], 'x');
	CHECK_ERR(shmat(id, (void *)(1ul << 47), 0), ENOMEM);
	CHECK_ERR(shmat(id, (void *)-PAGE, 0), EINVAL);
	removed(id);
}

TEST(detach_in_parts)
{
	int id = make(5 * PAGE, 0600);
	char *p = attach(id, 0);

	CHECK_EQ(munmap(p + PAGE, PAGE), 0);
	CHECK_EQ(mprotect(p + 3 * PAGE, PAGE, PROT_READ), 0);
	CHECK_EQ(stat_of(id).shm_nattch, 4);
	CHECK_EQ(munmap(p, PAGE), 0);
	CHECK_EQ(shmdt(p), 0); /* all that is left of it */
	CHECK_EQ(stat_of(id).shm_nattch, 0);
	CHECK_EQ(signal_of_write(p + 4 * PAGE), SIGSEGV);
	CHECK_ERR(shmdt(p), EINVAL);
	removed(id);
}

TEST(detach_errors)
{
	int id = make(2 * PAGE, 0600);
	char *p = attach(id, 0), *other;

	CHECK_ERR(shmdt(p + 1), EINVAL);
	CHECK_ERR(shmdt(p + PAGE), EINVAL);
	other = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK_ERR(shmdt(other), EINVAL);
	CHECK_ERR(shmdt(NULL), EINVAL);
	CHECK_EQ(shmdt(p), 0);
	removed(id);
}

TEST(permissions)
{
	int mine = make(PAGE, 0640), all = make(PAGE, 0644), key;

	key = shmget(KEY + 2, PAGE, IPC_CREAT | 0604);
	REQUIRE(key >= 0);
	AS_USER({
		struct shmid_ds ds;

		CHECK_ERR(shmat(mine, NULL, SHM_RDONLY), EACCES);
		CHECK_ERR(shmctl(mine, IPC_STAT, &ds), EACCES);
		CHECK(shmat(all, NULL, SHM_RDONLY) != FAILED);
		CHECK_ERR(shmat(all, NULL, 0), EACCES);
		CHECK_ERR(shmat(all, NULL, SHM_RDONLY | SHM_EXEC), EACCES);
		CHECK_EQ(shmctl(all, IPC_STAT, &ds), 0);
		CHECK_ERR(shmctl(all, IPC_SET, &ds), EPERM);
		CHECK_ERR(shmctl(all, IPC_RMID, NULL), EPERM);
		CHECK_ERR(shmctl(all, SHM_LOCK, NULL), EPERM);
		CHECK_ERR(shmget(KEY + 2, PAGE, 0600), EACCES);
		CHECK_EQ(shmget(KEY + 2, PAGE, 0400), key);
		CHECK_EQ(shmget(KEY + 2, PAGE, 0), key);
	});
	removed(mine);
	removed(all);
	removed(key);
}

TEST(owner_may_be_set)
{
	int id = make(PAGE, 0600);
	struct shmid_ds ds = stat_of(id);

	ds.shm_perm.uid = USER_ID;
	ds.shm_perm.gid = 77;
	ds.shm_perm.mode = 07642;
	CHECK_EQ(shmctl(id, IPC_SET, &ds), 0);
	ds = stat_of(id);
	CHECK_EQ(ds.shm_perm.uid, USER_ID);
	CHECK_EQ(ds.shm_perm.gid, 77);
	CHECK_EQ(ds.shm_perm.cuid, 0);
	CHECK_EQ(ds.shm_perm.mode, 0642);
	AS_USER({
		CHECK(shmat(id, NULL, 0) != FAILED);
		CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
	});
	CHECK_ERR(shmctl(id, IPC_STAT, &ds), EINVAL);
}

TEST(lock_is_told)
{
	int id = make(PAGE, 0600);

	CHECK_EQ(shmctl(id, SHM_LOCK, NULL), 0);
	CHECK_EQ(stat_of(id).shm_perm.mode, SHM_LOCKED | 0600);
	CHECK_EQ(shmctl(id, SHM_UNLOCK, NULL), 0);
	CHECK_EQ(stat_of(id).shm_perm.mode, 0600);
	removed(id);
}

TEST(shmctl_errors)
{
	int id = make(PAGE, 0600);

	CHECK_ERR(shmctl(id, 99, NULL), EINVAL);
	CHECK_ERR(shmctl(-1, IPC_STAT, NULL), EINVAL);
	CHECK_ERR(shmctl(id + 1, IPC_RMID, NULL), EINVAL);
	CHECK_ERR(shmctl(id, IPC_STAT, BAD), EFAULT);
	CHECK_ERR(shmctl(id, IPC_SET, BAD), EFAULT);
	CHECK_ERR(shmctl(0, IPC_INFO, BAD), EFAULT);
	removed(id);
}

static unsigned long
limit_of(const char *name)
{
	char path[64], text[32] = "";

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
	CHECK(read(open(path, O_RDONLY), text, sizeof(text) - 1) > 0);
	return strtoul(text, NULL, 10);
}

TEST(info_tells_limits_and_use)
{
	struct shminfo limits;
	struct shm_info before, after;
	struct shmid_ds ds;
	int id, highest, found = 0;

	REQUIRE(shmctl(0, IPC_INFO, (void *)&limits) >= 0);
	CHECK_EQ(limits.shmmax, limit_of("shmmax"));
	CHECK_EQ(limits.shmall, limit_of("shmall"));
	CHECK_EQ(limits.shmmni, limit_of("shmmni"));
	CHECK_EQ(limits.shmmin, 1);
	REQUIRE(shmctl(0, SHM_INFO, (void *)&before) >= 0);
	id = make(3 * PAGE - 1, 0600);
	attach(id, 0)[0] = 1;
	highest = shmctl(0, SHM_INFO, (void *)&after);
	CHECK_EQ(after.used_ids, before.used_ids + 1);
	CHECK_EQ(after.shm_tot, before.shm_tot + 3);
	CHECK_EQ(after.shm_rss, before.shm_rss + 1);
	for (int i = 0; i <= highest; i++)
		found += shmctl(i, SHM_STAT, &ds) == id;
	CHECK_EQ(found, 1);
	CHECK_ERR(shmctl(highest + 1, SHM_STAT, &ds), EINVAL);
	removed(id);
}

TEST(segments_are_in_proc)
{
	int id = shmget(KEY + 3, 5000, IPC_CREAT | 0604), n = 0;
	static char text[65536];
	ssize_t len;
	char want[128], *line;

	REQUIRE(id >= 0);
	attach(id, 0);
	for (int fd = open("/proc/sysvipc/shm", O_RDONLY);
	     (len = read(fd, text + n, sizeof(text) - 1 - (size_t)n)) > 0;)
		n += (int)len;
	CHECK(strncmp(text, "       key      shmid perms", 27) == 0);
	snprintf(want, sizeof(want), "\n%10d %10d   604 %21d %5d %5d      1",
		 KEY + 3, id, 5000, getpid(), getpid());
	line = strstr(text, want);
	CHECK(line != NULL);
	removed(id);
}

TEST(limits_are_kept)
{
	int fd = open("/proc/sys/kernel/shmmni", O_RDWR), id;
	struct shm_info info;
	char text[16], old[16] = "";

	if (!exists("/proc/heap"))
		SKIP("the system is not ours to set here");
	id = make(PAGE, 0600);
	REQUIRE(shmctl(0, SHM_INFO, (void *)&info) >= 0);
	REQUIRE(read(fd, old, sizeof(old) - 1) > 0);
	snprintf(text, sizeof(text), "%d\n", info.used_ids);
	REQUIRE(pwrite(fd, text, strlen(text), 0) > 0);
	CHECK_ERR(shmget(IPC_PRIVATE, PAGE, 0600), ENOSPC);
	removed(id);
	id = make(PAGE, 0600);
	CHECK(pwrite(fd, old, strlen(old), 0) > 0);
	removed(id);
	fd = open("/proc/sys/kernel/shmmax", O_RDWR);
	memset(old, 0, sizeof(old));
	CHECK_EQ(pwrite(fd, "8192", 4, 0), 4);
	CHECK_ERR(shmget(IPC_PRIVATE, 8193, 0600), EINVAL);
	removed(make(8192, 0600));
	CHECK(pwrite(fd, "18446744073692774399", 20, 0) == 20);
}

TEST(storm_of_segments)
{
	/* made, shared with children that end, removed: nothing is left */
	struct shm_info before, after;

	REQUIRE(shmctl(0, SHM_INFO, (void *)&before) >= 0);
	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			for (int k = 0; k < 50; k++) {
				int id = make(4 * PAGE, 0600);
				char *p = attach(id, 0);

				if (fork() == 0) {
					p[PAGE] = 1;
					_exit(shmctl(id, IPC_RMID, NULL) < 0);
				}
				if (shmdt(p) < 0 || wait(NULL) < 0)
					_exit(1);
			}
			_exit(0);
		}
	for (int i = 0, status; i < 4; i++) {
		REQUIRE(wait(&status) > 0);
		CHECK_EQ(status, 0);
	}
	REQUIRE(shmctl(0, SHM_INFO, (void *)&after) >= 0);
	CHECK_EQ(after.used_ids, before.used_ids);
	CHECK_EQ(after.shm_tot, before.shm_tot);
}

TEST(posix_shared_memory)
{
	char name[32];
	char *p, *q;
	int fd;

	snprintf(name, sizeof(name), "/check-%d", getpid());
	CHECK_ERR(shm_open(name, O_RDWR, 0600), ENOENT);
	fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	REQUIRE(fd >= 0);
	CHECK_ERR(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	CHECK_EQ(ftruncate(fd, 2 * PAGE), 0);
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(p != MAP_FAILED);
	close(fd);
	CHECK_EQ(IN_CHILD({
			 fd = shm_open(name, O_RDWR, 0);
			 q = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
				  MAP_SHARED, fd, 0);
			 q[PAGE + 1] = 'x';
		 }),
		 0);
	CHECK_EQ(p[PAGE + 1], 'x');
	AS_USER(CHECK_ERR(shm_open(name, O_RDWR, 0), EACCES);
		CHECK_ERR(shm_unlink(name), EPERM));
	CHECK_EQ(shm_unlink(name), 0);
	CHECK_ERR(shm_unlink(name), ENOENT);
	p[0] = 'y';
}

TEST(dev_shm_is_for_all)
{
	CHECK_EQ(mode_of("/dev/shm"), S_IFDIR | 01777);
	AS_USER({
		int fd = shm_open("check-user", O_RDWR | O_CREAT, 0600);

		CHECK(fd >= 0);
		CHECK_EQ(shm_unlink("check-user"), 0);
	});
}
