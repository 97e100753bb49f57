/*
 * /proc: files about the whole system. Formats: proc(5), as free, top, uptime,
 * mount and df read them.
 */
#include "abi/mount.h"
#include "procfs_internal.h"
#include "string.h"

#define KIB(pages)  ((pages) * (PAGE_SIZE / 1024))
#define NS_PER_TICK (NS_PER_SEC / USER_HZ)

extern const struct filesystem filesystems[], filesystems_end[];

/* ---- Memory ---- */

static void
show_meminfo(struct text *t)
{
	uint64_t cached, dirty, zero = 0;
	struct mem_stats mem;

	mem_stats_get(&mem);
	page_cache_stats(&cached, &dirty);
	text_printf(t, "MemTotal:       %8lu kB\n", KIB(mem.total));
	text_printf(t, "MemFree:        %8lu kB\n", KIB(mem.free));
	text_printf(t, "MemAvailable:   %8lu kB\n",
		    KIB(mem.free + cached - MIN(cached, dirty)));
	text_printf(t, "Buffers:        %8lu kB\n", zero);
	text_printf(t, "Cached:         %8lu kB\n", KIB(cached));
	text_printf(t, "SwapCached:     %8lu kB\n", zero);
	text_printf(t, "Active:         %8lu kB\n", zero);
	text_printf(t, "Inactive:       %8lu kB\n", KIB(cached));
	text_printf(t, "SwapTotal:      %8lu kB\n", zero);
	text_printf(t, "SwapFree:       %8lu kB\n", zero);
	text_printf(t, "Dirty:          %8lu kB\n", KIB(dirty));
	text_printf(t, "Writeback:      %8lu kB\n", zero);
	text_printf(t, "Shmem:          %8lu kB\n", zero);
	text_printf(t, "Slab:           %8lu kB\n", KIB(mem.heap_used));
	text_printf(t, "SReclaimable:   %8lu kB\n", zero);
	text_printf(t, "SUnreclaim:     %8lu kB\n", KIB(mem.heap_used));
}

static void
show_vmstat(struct text *t)
{
	const struct block_device *d;
	uint64_t cached, dirty, in = 0, out = 0;
	struct mem_stats mem;

	mem_stats_get(&mem);
	page_cache_stats(&cached, &dirty);
	for (unsigned i = 0; (d = block_nth(i)); i++) {
		in += d->stats.sectors[BLOCK_READ];
		out += d->stats.sectors[BLOCK_WRITE];
	}
	text_printf(t, "nr_free_pages %lu\nnr_file_pages %lu\nnr_dirty %lu\n",
		    mem.free, cached, dirty);
	text_printf(t, "pgpgin %lu\npgpgout %lu\npswpin 0\npswpout 0\n",
		    in * SECTOR_SIZE / 1024, out * SECTOR_SIZE / 1024);
}

/* Of this kernel alone: the reservations of the kernel heap. */
static void
show_entries(struct text *t)
{
	unsigned observed, waits, bound;

	text_printf(t, "\n%-24s %8s %8s %8s\n", "call", "bound", "seen",
		    "waited");
	for (unsigned nr = 0; nr < ENTRIES_MAX; nr++) {
		heap_entry_get(nr, &observed, &waits);
		if (!observed && !waits)
			continue;
		bound = nr < SYSCALLS_MAX ? syscall_heap_pages[nr] : 0;
		text_printf(t, "%-24s %8u %8u %8u\n", heap_entry_name(nr),
			    bound, observed, waits);
	}
}

static void
show_kills(struct text *t)
{
	struct heap_kill k;

	for (unsigned n = 0; heap_kill_get(n, &k); n++) {
		text_printf(t,
			    "killed %s (pid %d) at %lu ms for %s: processes "
			    "%u bytes %lu",
			    k.name, k.pid, k.ns / 1000000,
			    k.for_pages ? "memory" : "heap", k.processes,
			    k.bytes);
		for (unsigned i = 0; i < ARRAY_SIZE(k.types); i++)
			if (k.types[i].bytes)
				text_printf(t, ", %s %lu", k.types[i].what,
					    k.types[i].bytes);
		text_printf(t, "\n");
	}
}

static void
show_heap(struct text *t)
{
	const struct alloc_site *site;
	struct slab_info slab;
	struct heap_stats h;
	long live;

	heap_stats_get(&h);
	text_printf(t,
		    "pages: max %lu used %lu reserved %lu margin %lu "
		    "kept %lu unreserved %lu\n",
		    h.max, h.used, h.reserved, h.margin, h.kept, h.unreserved);
	text_printf(t, "waiting %lu waits %lu evictions %lu kills %lu\n",
		    h.waiting, h.waits, h.evictions, h.kills);
	text_printf(t, "shortages %lu last %lu longest %lu total %lu ns\n",
		    h.shortages.n, h.shortages.last_ns, h.shortages.longest_ns,
		    h.shortages.total_ns);
	if (kstack_deepest())
		text_printf(t, "stack deepest %lu of %u\n", kstack_deepest(),
			    KSTACK_SIZE);
	show_kills(t);
	text_printf(t, "\n%8s %10s %8s\n", "size", "objects", "slabs");
	for (unsigned i = 0; slab_info_get(i, &slab); i++)
		text_printf(t, "%8u %10lu %8lu\n", slab.size, slab.objects,
			    slab.slabs);
	text_printf(t, "\n");
	for (unsigned i = 0; alloc_site_get(i, &site, &live); i++)
		if (live)
			text_printf(t, "live %ld of %s, %s:%u\n", live,
				    site->what, site->file, site->line);
	show_entries(t);
}

/* proc(5): 1: page cache, 2: vnodes and names, 3: both. Neither is there
 * without the other here. */
static int
drop_caches(uint64_t which)
{
	if (which < 1 || which > 3)
		return -EINVAL;
	heap_drop_caches();
	return 0;
}

static void
show_max_map_count(struct text *t)
{
	text_printf(t, "%u\n", vm_mappings_max());
}

/* Heuristic: what could never be had is refused, anything else is given. */
static void
show_overcommit_memory(struct text *t)
{
	text_printf(t, "0\n");
}

/* ---- Time and load ---- */

static void
print_centiseconds(struct text *t, uint64_t ns)
{
	text_printf(t, "%lu.%02lu", ns / NS_PER_SEC,
		    ns % NS_PER_SEC / (NS_PER_SEC / 100));
}

static void
show_uptime(struct text *t)
{
	uint64_t idle = 0;

	for (unsigned cpu = 0; cpu < cpu_count; cpu++)
		idle += sched_idle_ns(cpu);
	print_centiseconds(t, clock_ns());
	text_printf(t, " ");
	print_centiseconds(t, idle);
	text_printf(t, "\n");
}

static void
show_loadavg(struct text *t)
{
	struct proc_stats procs;
	uint64_t load[3];

	load_averages(load);
	proc_stats_get(&procs);
	for (unsigned i = 0; i < 3; i++)
		text_printf(t, "%lu.%02lu ", load[i] >> 16,
			    (load[i] & 0xffff) * 100 >> 16);
	text_printf(t, "%u/%u %d\n", sched_runnable(), procs.threads,
		    procs.last_pid);
}

/* In units of 1/USER_HZ s: user, nice, system, idle. */
static void
print_cpu(struct text *t, uint64_t total_ns, uint64_t idle_ns,
	  uint64_t kernel_ns)
{
	uint64_t busy_ns = total_ns - MIN(total_ns, idle_ns);

	kernel_ns = MIN(kernel_ns, busy_ns);
	text_printf(t, " %lu 0 %lu %lu 0 0 0 0 0 0\n",
		    (busy_ns - kernel_ns) / NS_PER_TICK,
		    kernel_ns / NS_PER_TICK, idle_ns / NS_PER_TICK);
}

static void
show_stat(struct text *t)
{
	uint64_t now = clock_ns(), idle = 0, kernel = 0;
	uint64_t interrupts = 0, count;
	struct proc_stats procs;

	proc_stats_get(&procs);
	for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
		idle += sched_idle_ns(cpu);
		kernel += sched_kernel_ns(cpu);
	}
	text_printf(t, "cpu ");
	print_cpu(t, now * cpu_count, idle, kernel);
	for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
		text_printf(t, "cpu%u", cpu);
		print_cpu(t, now, sched_idle_ns(cpu), sched_kernel_ns(cpu));
	}
	for (unsigned v = 0; v < TRAP_VECTORS; v++)
		if (irq_describe(v, &count))
			interrupts += count;
	text_printf(t, "intr %lu\nctxt %lu\n", interrupts,
		    sched_context_switches());
	text_printf(t, "btime %ld\nprocesses %lu\n",
		    (clock_realtime_ns() - (int64_t)now) / (int64_t)NS_PER_SEC,
		    procs.forks);
	text_printf(t, "procs_running %u\nprocs_blocked 0\n", sched_runnable());
}

/* ---- The machine ---- */

static const struct {
	const char *name;
	unsigned leaf;
	char reg; /* of CPUID */
	uint8_t bit;
} cpu_flags[] = {
	{ "fpu", 1, 'd', 0 },	  { "tsc", 1, 'd', 4 },
	{ "msr", 1, 'd', 5 },	  { "pae", 1, 'd', 6 },
	{ "cx8", 1, 'd', 8 },	  { "apic", 1, 'd', 9 },
	{ "cmov", 1, 'd', 15 },	  { "mmx", 1, 'd', 23 },
	{ "fxsr", 1, 'd', 24 },	  { "sse", 1, 'd', 25 },
	{ "sse2", 1, 'd', 26 },	  { "ht", 1, 'd', 28 },
	{ "pni", 1, 'c', 0 },	  { "ssse3", 1, 'c', 9 },
	{ "sse4_1", 1, 'c', 19 }, { "sse4_2", 1, 'c', 20 },
	{ "popcnt", 1, 'c', 23 }, { "aes", 1, 'c', 25 },
	{ "xsave", 1, 'c', 26 },  { "avx", 1, 'c', 28 },
	{ "rdrand", 1, 'c', 30 },
};

static void
print_flags(struct text *t)
{
	struct cpuid_result r = cpuid(1, 0);

	text_printf(t, "flags\t\t:");
	for (unsigned i = 0; i < ARRAY_SIZE(cpu_flags); i++)
		if ((cpu_flags[i].reg == 'd' ? r.d : r.c) >> cpu_flags[i].bit &
		    1)
			text_printf(t, " %s", cpu_flags[i].name);
	text_printf(t, "%s%s%s%s lm\n", cpu_features.nx ? " nx" : "",
		    cpu_features.smep ? " smep" : "",
		    cpu_features.smap ? " smap" : "",
		    cpu_features.umip ? " umip" : "");
}

static void
show_cpuinfo(struct text *t)
{
	uint32_t a = cpuid(1, 0).a;
	unsigned family = a >> 8 & 0xf, model = a >> 4 & 0xf;

	/* SDM vol. 2, CPUID: the extended fields. */
	if (family == 0xf)
		family += a >> 20 & 0xff;
	if (family == 6 || family >= 0xf)
		model += (a >> 16 & 0xf) << 4;
	for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
		text_printf(t, "processor\t: %u\nvendor_id\t: %s\n", cpu,
			    cpu_features.vendor);
		text_printf(t, "cpu family\t: %u\nmodel\t\t: %u\n", family,
			    model);
		text_printf(t, "model name\t: %s\nstepping\t: %u\n",
			    cpu_features.brand, a & 0xf);
		print_flags(t);
		text_printf(t, "\n");
	}
}

static void
show_interrupts(struct text *t)
{
	const char *name;
	uint64_t count;

	for (unsigned v = 0; v < TRAP_VECTORS; v++) {
		name = irq_describe(v, &count);
		if (name)
			text_printf(t, "%3u: %10lu   %s\n", v, count, name);
	}
}

/* ---- Names ---- */

static void
show_version(struct text *t)
{
	text_printf(t, "Linux version %s (hardtack) %s\n", kernel_release,
		    kernel_version);
}

static void
show_hostname(struct text *t)
{
	char name[65];

	hostname_get(name, sizeof(name));
	text_printf(t, "%s\n", name);
}

static void
show_ostype(struct text *t)
{
	text_printf(t, "Linux\n");
}

static void
show_osrelease(struct text *t)
{
	text_printf(t, "%s\n", kernel_release);
}

static void
show_pid_max(struct text *t)
{
	text_printf(t, "%d\n", PID_MAX);
}

static void
show_cap_last_cap(struct text *t)
{
	text_printf(t, "%d\n", CAP_LAST_CAP);
}

static void
show_ngroups_max(struct text *t)
{
	text_printf(t, "%zu\n", ARRAY_SIZE(((struct cred *)0)->groups));
}

static void
show_cmdline(struct text *t)
{
	text_printf(t, "%s\n", boot_info.command_line);
}

/* ---- File systems ---- */

static const struct {
	unsigned flag;
	const char *name;
} mount_flags[] = {
	{ MS_NOSUID, ",nosuid" },   { MS_NODEV, ",nodev" },
	{ MS_NOEXEC, ",noexec" },   { MS_SYNCHRONOUS, ",sync" },
	{ MS_NOATIME, ",noatime" }, { MS_RELATIME, ",relatime" },
};

#define BETWEEN_FIELDS " \t\n\\#"

/* Where a mount is for who reads; guarded by the lock of mounts. */
static char mount_path[PATH_MAX];

/* @return whether it can be reached from the reader's root. */
static bool
find_mount(const struct mount *m)
{
	return !m->detached &&
	       vnode_path_marked(m->root, mount_path, sizeof(mount_path)) > 0 &&
	       mount_path[0] == '/';
}

static void
print_source(struct text *t, const struct mount *m)
{
	if (m->device && m->source[0] != '/')
		text_printf(t, "/dev/");
	text_escape(t, m->source[0] ? m->source : "none", BETWEEN_FIELDS);
}

static const char *
read_or_write(const struct mount *m)
{
	return m->flags & MS_RDONLY ? "ro" : "rw";
}

static void
print_flags_of(struct text *t, const struct mount *m)
{
	text_printf(t, "%s", read_or_write(m));
	for (unsigned i = 0; i < ARRAY_SIZE(mount_flags); i++)
		if (m->flags & mount_flags[i].flag)
			text_printf(t, "%s", mount_flags[i].name);
}

static void
print_mount(struct mount *m, void *arg)
{
	struct text *t = arg;

	if (!find_mount(m))
		return;
	print_source(t, m);
	text_printf(t, " ");
	text_escape(t, mount_path, BETWEEN_FIELDS);
	text_printf(t, " %s ", m->fs->name);
	print_flags_of(t, m);
	text_printf(t, "%s 0 0\n", m->shown ? m->shown : "");
}

void
show_mounts(struct text *t)
{
	mount_for_each(print_mount, t);
}

/* proc(5), /proc/PID/mountinfo; the root is its own parent. */
static void
print_mount_info(struct mount *m, void *arg)
{
	struct text *t = arg;

	if (!find_mount(m))
		return;
	text_printf(t, "%u %u %u:%u / ", mount_id(m->dev),
		    mount_id(m->covered ? m->covered->mount->dev : m->dev),
		    (unsigned)dev_major(m->dev), (unsigned)dev_minor(m->dev));
	text_escape(t, mount_path, BETWEEN_FIELDS);
	text_printf(t, " ");
	print_flags_of(t, m);
	text_printf(t, " - %s ", m->fs->name);
	print_source(t, m);
	text_printf(t, " %s%s\n", read_or_write(m), m->shown ? m->shown : "");
}

void
show_mount_info(struct text *t)
{
	mount_for_each(print_mount_info, t);
}

/* proc(5), /proc/locks; end is the last byte. */
static void
show_locks(struct text *t)
{
	static const char *const kinds[] = { [LOCK_POSIX] = "POSIX ",
					     [LOCK_OFD] = "OFDLCK",
					     [LOCK_FLOCK] = "FLOCK " };
	struct file_lock l;

	for (unsigned i = 0; file_lock_get(i, &l); i++) {
		text_printf(t, "%u: %s ADVISORY  %s %d %02x:%02x:%lu %lu ",
			    i + 1, kinds[l.kind], l.write ? "WRITE" : "READ ",
			    l.pid, dev_major(l.dev), dev_minor(l.dev), l.ino,
			    l.start);
		if (l.end == UINT64_MAX)
			text_printf(t, "EOF\n");
		else
			text_printf(t, "%lu\n", l.end - 1);
	}
}

/* No limit of all processes together. */
static void
show_file_max(struct text *t)
{
	text_printf(t, "%ld\n", INT64_MAX);
}

static void
show_nr_open(struct text *t)
{
	text_printf(t, "%d\n", NOFILE_MAX);
}

static void
show_filesystems(struct text *t)
{
	const struct filesystem *fs;

	for (fs = filesystems; fs < filesystems_end; fs++)
		text_printf(t, "%s\t%s\n", fs->needs_device ? "" : "nodev",
			    fs->name);
}

void
procfs_system_init(void)
{
	procfs_add("cmdline", show_cmdline);
	procfs_add("cpuinfo", show_cpuinfo);
	procfs_add("filesystems", show_filesystems);
	procfs_add("locks", show_locks);
	procfs_add("heap", show_heap);
	procfs_add("interrupts", show_interrupts);
	procfs_add("loadavg", show_loadavg);
	procfs_add("meminfo", show_meminfo);
	procfs_add("mounts", show_mounts);
	procfs_add("stat", show_stat);
	procfs_add("sys/fs/file-max", show_file_max);
	procfs_add("sys/fs/nr_open", show_nr_open);
	procfs_add("sys/kernel/cap_last_cap", show_cap_last_cap);
	procfs_add("sys/kernel/hostname", show_hostname);
	procfs_add("sys/kernel/ngroups_max", show_ngroups_max);
	procfs_add("sys/kernel/osrelease", show_osrelease);
	procfs_add("sys/kernel/ostype", show_ostype);
	procfs_add("sys/kernel/pid_max", show_pid_max);
	procfs_add_number("sys/kernel/randomize_va_space", &exec_randomize,
			  EXEC_RANDOMIZE_ALL);
	procfs_add_switch("sys/vm/drop_caches", drop_caches);
	procfs_add("sys/vm/max_map_count", show_max_map_count);
	procfs_add("sys/vm/overcommit_memory", show_overcommit_memory);
	procfs_add("uptime", show_uptime);
	procfs_add("version", show_version);
	procfs_add("vmstat", show_vmstat);
}
