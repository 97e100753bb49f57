/*
 * The system's names (uname, sethostname, setdomainname), and how it fares
 * (sysinfo).
 */
#include "abi/sysinfo.h"
#include "abi/utsname.h"
#include "procfs_internal.h"
#include "string.h"

const char kernel_release[] = "6.1.0-hardtack";
const char kernel_version[] = "#1 SMP PREEMPT Hardtack";

static struct spinlock names_lock = SPINLOCK("host name");
static char host_name[UTSNAME_LEN] = "hardtack";
static char domain_name[UTSNAME_LEN] = "(none)";

void
hostname_get(char *name, size_t size)
{
	spin_lock(&names_lock);
	strlcpy(name, host_name, size);
	spin_unlock(&names_lock);
}

static int64_t
sys_uname(struct utsname *user)
{
	struct utsname u;

	memset(&u, 0, sizeof(u));
	strlcpy(u.sysname, "Linux", sizeof(u.sysname)); /* the ABI's name */
	strlcpy(u.release, kernel_release, sizeof(u.release));
	strlcpy(u.version, kernel_version, sizeof(u.version));
	strlcpy(u.machine, "x86_64", sizeof(u.machine));
	spin_lock(&names_lock);
	strlcpy(u.nodename, host_name, sizeof(u.nodename));
	strlcpy(u.domainname, domain_name, sizeof(u.domainname));
	spin_unlock(&names_lock);
	return copyout(user, &u, sizeof(u));
}
SYSCALL(NR_uname, sys_uname);

static int64_t
set_name(char *name, const char *user, int len)
{
	char new[UTSNAME_LEN] = "";

	if (current_cred()->euid != 0)
		return -EPERM;
	if (len < 0 || len >= UTSNAME_LEN)
		return -EINVAL;
	if (copyin(new, user, len))
		return -EFAULT;
	spin_lock(&names_lock);
	memcpy(name, new, sizeof(new));
	spin_unlock(&names_lock);
	return 0;
}

static int64_t
sys_sethostname(const char *user, int len)
{
	return set_name(host_name, user, len);
}
SYSCALL(NR_sethostname, sys_sethostname);

static int64_t
sys_setdomainname(const char *user, int len)
{
	return set_name(domain_name, user, len);
}
SYSCALL(NR_setdomainname, sys_setdomainname);

static int64_t
sys_sysinfo(struct sysinfo *user)
{
	struct sysinfo info = { .mem_unit = 1 };
	struct proc_stats procs;
	struct mem_stats mem;

	mem_stats_get(&mem);
	proc_stats_get(&procs);
	load_averages(info.loads);
	info.uptime = clock_ns() / NS_PER_SEC;
	info.totalram = mem.total * PAGE_SIZE;
	info.freeram = mem.free * PAGE_SIZE;
	info.procs = procs.threads;
	return copyout(user, &info, sizeof(info));
}
SYSCALL(NR_sysinfo, sys_sysinfo);
