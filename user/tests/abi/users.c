/*
 * Users: credentials(7), the set*id calls, set-user-ID programs and what they
 * lose, capabilities(7) as far as they follow from the user, prctl(2).
 */
#include <sys/mount.h>
#include "abi/capability.h"
#include "abi/elf.h"
#include "abi/sched.h"
#include <stdarg.h>
#include "check.h"

#define MS_PRIVATE (1 << 18)
#define ALL	   ((2UL << CAP_LAST_CAP) - 1)
#define OTHER	   1001

/* What the library has no functions for. */
#define getresuid(r, e, s) syscall(NR_getresuid, r, e, s)
#define getresgid(r, e, s) syscall(NR_getresgid, r, e, s)
#define setreuid(r, e)	   syscall(NR_setreuid, r, e)
#define setregid(r, e)	   syscall(NR_setregid, r, e)
#define seteuid(e)	   syscall(NR_setresuid, -1, e, -1)

static long
ctl(int option, long a, long b, long c, long d)
{
	return syscall(NR_prctl, option, a, b, c, d);
}

/* ---- The set*id calls ---- */

static bool
uids_are(uid_t r, uid_t e, uid_t s)
{
	uid_t got[3] = { 9, 9, 9 };

	CHECK_EQ(getresuid(&got[0], &got[1], &got[2]), 0);
	if (got[0] == r && got[1] == e && got[2] == s)
		return true;
	dprintf(1, "uids %u %u %u\n", got[0], got[1], got[2]);
	return false;
}

static bool
gids_are(gid_t r, gid_t e, gid_t s)
{
	gid_t got[3] = { 9, 9, 9 };

	CHECK_EQ(getresgid(&got[0], &got[1], &got[2]), 0);
	return got[0] == r && got[1] == e && got[2] == s;
}

/** setfsuid answers the old one: so a bad one asks. */
static long
fsuid(void)
{
	return syscall(NR_setfsuid, -1);
}

TEST(setuid_of_root_is_for_good)
{
	CHECK_EQ(IN_CHILD({
			 CHECK_EQ(setuid(USER_ID), 0);
			 CHECK(uids_are(USER_ID, USER_ID, USER_ID));
			 CHECK_EQ(fsuid(), USER_ID);
			 CHECK_ERR(setuid(0), EPERM);
		 }),
		 0);
	CHECK_EQ(IN_CHILD({
			 CHECK_EQ(setgid(USER_ID), 0);
			 CHECK(gids_are(USER_ID, USER_ID, USER_ID));
			 CHECK_EQ(setgid(0), 0); /* root may still */
		 }),
		 0);
	CHECK_ERR(setuid(-1), EINVAL);
	CHECK_ERR(setgid(-1), EINVAL);
}

TEST(setuid_of_others_moves_among_their_own)
{
	CHECK_EQ(IN_CHILD({
			 CHECK_EQ(setresgid(7, 8, 9), 0);
			 CHECK_EQ(setresuid(USER_ID, OTHER, 5), 0);
			 CHECK_EQ(setuid(USER_ID), 0);
			 CHECK(uids_are(USER_ID, USER_ID, 5));
			 CHECK_EQ(setuid(5), 0);
			 CHECK(uids_are(USER_ID, 5, 5));
			 CHECK_ERR(setuid(OTHER), EPERM);
			 CHECK_EQ(setgid(9), 0);
			 CHECK(gids_are(7, 9, 9));
			 CHECK_EQ(setgid(7), 0);
			 CHECK_ERR(setgid(8), EPERM);
		 }),
		 0);
}

TEST(setreuid)
{
	CHECK_EQ(IN_CHILD({
			 CHECK_EQ(setreuid(-1, USER_ID), 0);
			 CHECK(uids_are(0, USER_ID, USER_ID));
			 CHECK_EQ(fsuid(), USER_ID);
			 CHECK_EQ(setreuid(-1, 0), 0); /* the real one */
			 CHECK(uids_are(0, 0, USER_ID));
			 CHECK_EQ(setreuid(USER_ID, OTHER), 0);
			 CHECK(uids_are(USER_ID, OTHER, OTHER));
			 CHECK_EQ(setreuid(OTHER, USER_ID), 0); /* a swap */
			 CHECK(uids_are(OTHER, USER_ID, USER_ID));
			 CHECK_ERR(setreuid(0, -1), EPERM);
			 CHECK_ERR(setreuid(-1, 0), EPERM);
		 }),
		 0);
	CHECK_EQ(IN_CHILD({
			 CHECK_EQ(setregid(USER_ID, OTHER), 0);
			 CHECK(gids_are(USER_ID, OTHER, OTHER));
			 CHECK_EQ(setresuid(-1, USER_ID, -1), 0);
			 CHECK_EQ(setregid(OTHER, USER_ID), 0);
			 CHECK(gids_are(OTHER, USER_ID, USER_ID));
			 CHECK_ERR(setregid(0, -1), EPERM);
			 CHECK_ERR(setregid(-1, 0), EPERM);
		 }),
		 0);
}

TEST(setresuid)
{
	CHECK_EQ(IN_CHILD({
			 CHECK_EQ(setresuid(1, 2, 3), 0);
			 CHECK(uids_are(1, 2, 3));
			 CHECK_EQ(setresuid(3, -1, 1), 0);
			 CHECK(uids_are(3, 2, 1));
			 CHECK_EQ(setresuid(-1, -1, -1), 0);
			 CHECK_ERR(setresuid(4, -1, -1), EPERM);
			 CHECK_ERR(setresuid(-1, 4, -1), EPERM);
			 CHECK_ERR(setresuid(-1, -1, 4), EPERM);
			 CHECK(uids_are(3, 2, 1));
		 }),
		 0);
	CHECK_ERR(getresuid(BAD, BAD, BAD), EFAULT);
	CHECK_ERR(getresgid(BAD, BAD, BAD), EFAULT);
}

TEST(setfsuid)
{
	make_file("f", "");
	CHECK_EQ(chmod("f", 0600), 0);
	CHECK_EQ(IN_CHILD({
			 CHECK_EQ(syscall(NR_setfsuid, USER_ID), 0);
			 CHECK_EQ(fsuid(), USER_ID);
			 CHECK_EQ(geteuid(), 0);
			 CHECK_ERR(open("f", O_RDONLY), EACCES);
			 CHECK_EQ(syscall(NR_setfsuid, 0), USER_ID);
			 CHECK(open("f", O_RDONLY) >= 0);
			 CHECK_EQ(syscall(NR_setfsgid, 5), 0);
			 CHECK_EQ(syscall(NR_setfsgid, -1), 5);
		 }),
		 0);
	AS_USER(CHECK_EQ(syscall(NR_setfsuid, 0), USER_ID);
		CHECK_EQ(fsuid(), USER_ID)); /* refused, without a word */
}

/* ---- Programs that change the user ---- */

/** Runs as the program itself: numbers it must have. */
static int
role_ids(char **want)
{
	const long have[] = { getuid(), geteuid(), getgid(), getegid(),
			      fsuid() };

	for (int i = 0; i < 5; i++)
		if (have[i] != atol(want[i]))
			return i + 1;
	return 0;
}

static long
auxv(unsigned long type)
{
	char **e = environ;

	while (*e != NULL)
		e++;
	for (Elf64_auxv_t *a = (Elf64_auxv_t *)(e + 1); a->a_type != AT_NULL;
	     a++)
		if (a->a_type == type)
			return (long)a->a_val;
	return -1;
}

int
check_exec_role(int argc, char **argv)
{
	if (argc == 8 && strcmp(argv[2], "ids") == 0)
		return role_ids(argv + 3);
	if (strcmp(argv[2], "secure") == 0)
		return auxv(AT_SECURE) << 4 | ctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
	return 99;
}

static void
copy_program(const char *name, uid_t uid, gid_t gid, mode_t mode)
{
	static char buf[65536];
	int in = open(check_program, O_RDONLY);
	int out = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ssize_t n;

	REQUIRE(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		REQUIRE(write(out, buf, n) == n);
	close(in);
	close(out);
	REQUIRE(chown(name, uid, gid) == 0);
	REQUIRE(chmod(name, mode) == 0);
}

/** Exit status of the program in this role. */
static int
status_of(const char *name, ...)
{
	char *argv[12] = { "prog", "-x" };
	int n = 2;
	va_list ap;

	va_start(ap, name);
	while (n < 11 && (argv[n] = va_arg(ap, char *)) != NULL)
		n++;
	va_end(ap);
	int status = IN_CHILD(execve(name, argv, environ); _exit(127));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define IDS(r, e, rg, eg, fs) "ids", r, e, rg, eg, fs, NULL

TEST(set_user_id_programs)
{
	copy_program("user", OTHER, 0, 04755);
	copy_program("root", 0, 0, 04755);
	copy_program("group", 0, OTHER, 02755);
	copy_program("both", OTHER, OTHER, 06755);
	copy_program("locking", 0, OTHER, 02745); /* no right to execute */
	AS_USER(CHECK_EQ(status_of("user",
				   IDS("1000", "1001", "1000", "1000", "1001")),
			 0);
		CHECK_EQ(status_of("root",
				   IDS("1000", "0", "1000", "1000", "0")),
			 0);
		CHECK_EQ(status_of("group",
				   IDS("1000", "1000", "1000", "1001", "1000")),
			 0);
		CHECK_EQ(status_of("both",
				   IDS("1000", "1001", "1000", "1001", "1001")),
			 0);
		CHECK_EQ(status_of("locking",
				   IDS("1000", "1000", "1000", "1000", "1000")),
			 0));
	CHECK_EQ(status_of("user", IDS("0", "1001", "0", "0", "1001")), 0);
}

TEST(set_user_id_is_marked_secure)
{
	copy_program("plain", 0, 0, 0755);
	copy_program("suid", OTHER, 0, 04755);
	copy_program("sgid", 0, OTHER, 02755);
	copy_program("own", USER_ID, 0, 04755);
	AS_USER(CHECK_EQ(status_of("plain", "secure", NULL), 0x01);
		CHECK_EQ(status_of("suid", "secure", NULL), 0x10);
		CHECK_EQ(status_of("sgid", "secure", NULL), 0x10);
		CHECK_EQ(status_of("own", "secure", NULL), 0x01));
}

TEST(set_user_id_without_effect)
{
	copy_program("suid", OTHER, 0, 04755);
	AS_USER(CHECK_EQ(ctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
		CHECK_EQ(status_of("suid",
				   IDS("1000", "1000", "1000", "1000", "1000")),
			 0);
		CHECK_EQ(status_of("suid", "secure", NULL), 0x01));
	if (syscall(NR_unshare, CLONE_NEWNS) == 0)
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	REQUIRE(mkdir("m", 0755) == 0);
	REQUIRE(mount("t", "m", "tmpfs", MS_NOSUID, "mode=755") == 0);
	copy_program("m/suid", OTHER, 0, 04755);
	AS_USER(CHECK_EQ(status_of("m/suid",
				   IDS("1000", "1000", "1000", "1000", "1000")),
			 0));
	CHECK_EQ(umount2("m", 0), 0);
}

TEST(set_user_id_of_a_script)
{
	char text[PATH_MAX + 8];

	snprintf(text, sizeof(text), "#!%s\n", check_program);
	copy_program("prog", 0, 0, 0755);
	make_file("script", "#!prog -x\n");
	CHECK_EQ(chown("script", OTHER, 0), 0);
	CHECK_EQ(chmod("script", 04755), 0);
	/* argv: prog, "-x", "script", "ids", ...: not a role */
	AS_USER(CHECK_EQ(status_of("script", NULL), 99));
}

TEST(saved_ids_after_exec)
{
	copy_program("prog", 0, 0, 0755);
	CHECK_EQ(IN_CHILD({
			 CHECK_EQ(setresuid(USER_ID, OTHER, 0), 0);
			 CHECK_EQ(status_of("prog", IDS("1000", "1001", "0",
							"0", "1001")),
				  0);
			 CHECK_EQ(status_of("prog", "secure", NULL), 0x10);
		 }),
		 0);
}

/* ---- Capabilities ---- */

static bool
caps_are(uint64_t effective, uint64_t permitted)
{
	struct cap_header h = { CAPABILITY_VERSION_3, 0 };
	struct cap_data d[2] = { { 1, 1, 1 }, { 1, 1, 1 } };

	CHECK_EQ(syscall(NR_capget, &h, d), 0);
	CHECK_EQ(d[0].inheritable | d[1].inheritable, 0);
	return (d[0].effective | (uint64_t)d[1].effective << 32) == effective &&
	       (d[0].permitted | (uint64_t)d[1].permitted << 32) == permitted;
}

/** What root has: all that the bounding set holds (a container's is less). */
static uint64_t
root_caps(void)
{
	uint64_t set = 0;

	for (int i = 0; i <= CAP_LAST_CAP; i++)
		set |= (uint64_t)ctl(PR_CAPBSET_READ, i, 0, 0, 0) << i;
	return set;
}

TEST(capabilities_follow_the_user)
{
	const uint64_t all = root_caps();

	CHECK(caps_are(all, all));
	AS_USER(CHECK(caps_are(0, 0)));
	CHECK_EQ(IN_CHILD({
			 CHECK_EQ(seteuid(USER_ID), 0);
			 CHECK(caps_are(0, all));
			 CHECK_EQ(seteuid(0), 0);
			 CHECK(caps_are(all, all));
			 CHECK_EQ(setuid(USER_ID), 0);
			 CHECK(caps_are(0, 0));
		 }),
		 0);
}

TEST(capget)
{
	struct cap_header h = { CAPABILITY_VERSION_1, 0 };
	struct cap_data d[2] = { { 1, 1, 1 }, { 1, 1, 1 } };

	CHECK_EQ(syscall(NR_capget, &h, d), 0);
	CHECK_EQ(d[0].effective, (uint32_t)root_caps());
	CHECK_EQ(d[1].effective, 1); /* it knows of 32 */
	h.version = 0;
	CHECK_EQ(syscall(NR_capget, &h, NULL), 0);
	CHECK_EQ(h.version, CAPABILITY_VERSION_3);
	h.version = 0;
	CHECK_ERR(syscall(NR_capget, &h, d), EINVAL);
	CHECK_EQ(h.version, CAPABILITY_VERSION_3);
	h.pid = -1;
	CHECK_ERR(syscall(NR_capget, &h, d), EINVAL);
	CHECK_EQ(syscall(NR_capget, &h, NULL), 0); /* nobody is looked for */
	h.pid = INT_MAX;
	CHECK_ERR(syscall(NR_capget, &h, d), ESRCH);
	CHECK_EQ(syscall(NR_capget, &h, NULL), 0);
	h.pid = getpid();
	CHECK_EQ(syscall(NR_capget, &h, d), 0);
	CHECK_ERR(syscall(NR_capget, &h, BAD), EFAULT);
	CHECK_ERR(syscall(NR_capget, BAD, d), EFAULT);
	AS_USER(pid_t parent = getppid(); h.pid = parent;
		CHECK_EQ(syscall(NR_capget, &h, d), 0); /* no secret */
		CHECK_EQ(d[0].effective, (uint32_t)root_caps()));
}

TEST(capset)
{
	struct cap_header h = { CAPABILITY_VERSION_3, 0 };
	struct cap_data d[2];

	AS_USER({
		memset(d, 0, sizeof(d));
		CHECK_EQ(syscall(NR_capset, &h, d), 0);
		d[0].permitted = 1;
		CHECK_ERR(syscall(NR_capset, &h, d), EPERM);
		d[0].permitted = 0;
		d[0].effective = 1;
		CHECK_ERR(syscall(NR_capset, &h, d), EPERM);
		d[0].effective = 0;
		d[0].inheritable = 1;
		CHECK_ERR(syscall(NR_capset, &h, d), EPERM);
	});
	CHECK_EQ(syscall(NR_capget, &h, d), 0);
	CHECK_EQ(syscall(NR_capset, &h, d), 0);
	CHECK_ERR(syscall(NR_capset, &h, BAD), EFAULT);
	CHECK_ERR(syscall(NR_capset, BAD, d), EFAULT);
	h.pid = 1;
	CHECK_ERR(syscall(NR_capset, &h, d), EPERM);
	h.pid = 0;
	h.version = 1;
	CHECK_ERR(syscall(NR_capset, &h, d), EINVAL);
	CHECK_EQ(h.version, CAPABILITY_VERSION_3);
}

TEST(capabilities_of_prctl)
{
	CHECK_EQ(ctl(PR_CAPBSET_READ, 0, 0, 0, 0), 1);
	CHECK_EQ(ctl(PR_CAPBSET_READ, CAP_LAST_CAP, 0, 0, 0), 1);
	CHECK_ERR(ctl(PR_CAPBSET_READ, CAP_LAST_CAP + 1, 0, 0, 0), EINVAL);
	CHECK_ERR(ctl(PR_CAPBSET_DROP, CAP_LAST_CAP + 1, 0, 0, 0), EINVAL);
	CHECK_EQ(ctl(PR_GET_KEEPCAPS, 0, 0, 0, 0), 0);
	CHECK_EQ(ctl(PR_SET_KEEPCAPS, 0, 0, 0, 0), 0);
	CHECK_ERR(ctl(PR_SET_KEEPCAPS, 2, 0, 0, 0), EINVAL);
	CHECK_EQ(ctl(PR_GET_SECUREBITS, 0, 0, 0, 0), 0);
	CHECK_EQ(ctl(PR_SET_SECUREBITS, 0, 0, 0, 0), 0);
	CHECK_EQ(ctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 3, 0, 0), 0);
	CHECK_EQ(ctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, 3, 0, 0), 0);
	CHECK_EQ(ctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), 0);
	CHECK_ERR(ctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 3, 0, 0), EPERM);
	CHECK_ERR(ctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 99, 0, 0), EINVAL);
	CHECK_ERR(ctl(PR_CAP_AMBIENT, 9, 3, 0, 0), EINVAL);
	CHECK_ERR(ctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 3, 1, 0), EINVAL);
	AS_USER(CHECK_ERR(ctl(PR_CAPBSET_DROP, 3, 0, 0, 0), EPERM);
		CHECK_ERR(ctl(PR_CAPBSET_DROP, 99, 0, 0, 0), EPERM);
		CHECK_ERR(ctl(PR_SET_SECUREBITS, 1, 0, 0, 0), EPERM));
	CHECK_ERR(ctl(12345, 0, 0, 0, 0), EINVAL);
}

/* ---- prctl ---- */

TEST(no_new_privileges)
{
	CHECK_EQ(ctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	CHECK_ERR(ctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
	CHECK_ERR(ctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0), EINVAL);
	CHECK_ERR(ctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0), EINVAL);
	CHECK_EQ(ctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQ(ctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	CHECK_EQ(IN_CHILD(CHECK_EQ(ctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1)),
		 0);
}

TEST(names)
{
	char name[16] = "";

	CHECK_EQ(ctl(PR_SET_NAME, (long)"a name that is too long", 0, 0, 0), 0);
	CHECK_EQ(ctl(PR_GET_NAME, (long)name, 0, 0, 0), 0);
	CHECK_EQ(strcmp(name, "a name that is "), 0);
	CHECK_EQ(ctl(PR_SET_NAME, (long)"short", 0, 0, 0), 0);
	memset(name, 'x', sizeof(name));
	CHECK_ERR(open(LONG_PATH, O_RDONLY), ENAMETOOLONG);
	CHECK_EQ(ctl(PR_GET_NAME, (long)name, 0, 0, 0), 0);
	CHECK_EQ(memcmp(name, "short\0\0\0\0\0\0\0\0\0\0", 16), 0);
	CHECK_ERR(ctl(PR_SET_NAME, (long)BAD, 0, 0, 0), EFAULT);
	CHECK_ERR(ctl(PR_GET_NAME, (long)BAD, 0, 0, 0), EFAULT);
}

TEST(dumpable)
{
	CHECK_EQ(ctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1);
	CHECK_EQ(ctl(PR_SET_DUMPABLE, 0, 0, 0, 0), 0);
	CHECK_EQ(ctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
	CHECK_EQ(IN_CHILD(CHECK_EQ(ctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0)), 0);
	CHECK_EQ(ctl(PR_SET_DUMPABLE, 1, 0, 0, 0), 0);
	CHECK_ERR(ctl(PR_SET_DUMPABLE, 2, 0, 0, 0), EINVAL);
	CHECK_EQ(IN_CHILD({
			 CHECK_EQ(seteuid(USER_ID), 0);
			 CHECK_EQ(ctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
		 }),
		 0);
}

/* Others of the user may not look at what changed its user. */
TEST(not_dumpable_is_not_inspected)
{
	char path[40], link[40], text[PATH_MAX];
	int go[2], ready[2];
	char c;

	REQUIRE(pipe(go) == 0 && pipe(ready) == 0);
	pid_t child = fork();
	if (child == 0) {
		become_user();
		write(ready[1], "x", 1);
		read(go[0], &c, 1);
		ctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
		write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	CHECK_EQ(read(ready[0], &c, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/fd", child);
	snprintf(link, sizeof(link), "/proc/%d/cwd", child);
	AS_USER(CHECK_ERR(open(path, O_RDONLY | O_DIRECTORY), EACCES);
		CHECK_ERR(readlink(link, text, sizeof(text)), EACCES));
	CHECK_EQ(write(go[1], "x", 1), 1);
	CHECK_EQ(read(ready[0], &c, 1), 1);
	AS_USER(CHECK(open(path, O_RDONLY | O_DIRECTORY) >= 0);
		CHECK(readlink(link, text, sizeof(text)) > 0));
	kill(child, SIGKILL);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

static volatile int got;

static void
note(int signo)
{
	got = signo;
}

/* But for the process itself, whatever it was before. */
TEST(own_descriptors_after_setuid)
{
	char text[32];
	int fd = open("/", O_RDONLY);

	snprintf(text, sizeof(text), "/proc/self/fd/%d", fd);
	AS_USER(CHECK_EQ(readlink(text, text + 24, 8), 1);
		CHECK_EQ(access("/proc/self/fd/99", F_OK), -1);
		CHECK_EQ(errno, ENOENT); CHECK(open(text, O_RDONLY) >= 0);
		CHECK(open("/proc/self/fd", O_RDONLY) >= 0);
		CHECK(open("/proc/self/fdinfo/1", O_RDONLY) >= 0));
}

TEST(death_of_the_parent)
{
	int value = -1, up[2];
	char c = 0;

	CHECK_EQ(ctl(PR_GET_PDEATHSIG, (long)&value, 0, 0, 0), 0);
	CHECK_EQ(value, 0);
	CHECK_ERR(ctl(PR_SET_PDEATHSIG, 65, 0, 0, 0), EINVAL);
	CHECK_ERR(ctl(PR_SET_PDEATHSIG, -1, 0, 0, 0), EINVAL);
	CHECK_ERR(ctl(PR_GET_PDEATHSIG, (long)BAD, 0, 0, 0), EFAULT);
	REQUIRE(pipe(up) == 0);
	CHECK_EQ(IN_CHILD({
			 int told[2];

			 REQUIRE(pipe(told) == 0);
			 if (fork() == 0) {
				 signal(SIGUSR1, note);
				 ctl(PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0);
				 ctl(PR_GET_PDEATHSIG, (long)&value, 0, 0, 0);
				 CHECK_EQ(value, SIGUSR1);
				 CHECK_EQ(IN_CHILD({
						  ctl(PR_GET_PDEATHSIG,
						      (long)&value, 0, 0, 0);
						  CHECK_EQ(value, 0);
					  }),
					  0);
				 CHECK_EQ(IN_CHILD({
						  ctl(PR_SET_PDEATHSIG, SIGUSR1,
						      0, 0, 0);
						  CHECK_EQ(seteuid(USER_ID), 0);
						  ctl(PR_GET_PDEATHSIG,
						      (long)&value, 0, 0, 0);
						  CHECK_EQ(value, 0);
					  }),
					  0);
				 write(told[1], "x", 1);
				 while (got != SIGUSR1)
					 usleep(1000);
				 write(up[1], check_failures ? "n" : "y", 1);
				 _exit(0);
			 }
			 read(told[0], &c, 1);
		 }),
		 0);
	CHECK_EQ(read(up[0], &c, 1), 1);
	CHECK_EQ(c, 'y');
}

TEST(child_subreaper)
{
	int value = -1, status;

	CHECK_EQ(ctl(PR_GET_CHILD_SUBREAPER, (long)&value, 0, 0, 0), 0);
	CHECK_EQ(value, 0);
	CHECK_EQ(ctl(PR_SET_CHILD_SUBREAPER, 7, 0, 0, 0), 0);
	CHECK_EQ(ctl(PR_GET_CHILD_SUBREAPER, (long)&value, 0, 0, 0), 0);
	CHECK_EQ(value, 1);
	CHECK_ERR(ctl(PR_GET_CHILD_SUBREAPER, (long)BAD, 0, 0, 0), EFAULT);
	CHECK_EQ(IN_CHILD({
			 pid_t reaper = getppid();

			 ctl(PR_GET_CHILD_SUBREAPER, (long)&value, 0, 0, 0);
			 CHECK_EQ(value, 0); /* it is not inherited */
			 if (fork() == 0) {
				 while (getppid() != reaper)
					 usleep(1000);
				 _exit(42);
			 }
		 }),
		 0);
	CHECK(waitpid(-1, &status, 0) > 0); /* the grandchild */
	CHECK_EQ(WEXITSTATUS(status), 42);
}
