/*
 * /proc: files about the disks. partitions, diskstats and swaps have Linux's
 * format (proc(5)); disks is of this kernel alone: what has been asked of each
 * disk, in requests, and how many of those needed no command of their own.
 */
#include "procfs_internal.h"

static void
show_partitions(struct text *t)
{
	const struct block_device *d;

	text_printf(t, "major minor  #blocks  name\n\n");
	for (unsigned i = 0; (d = block_nth(i)); i++)
		text_printf(t, "%4u  %7u %10lu %s\n", DISK_MAJOR,
			    d->index * DISK_MINORS + d->partition,
			    d->sectors * SECTOR_SIZE / 1024, d->name);
}

static void
show_requests(struct text *t, const struct block_stats *s, enum block_op op)
{
	text_printf(t, " %10lu %8lu %10lu", s->requests[op], s->merged[op],
		    s->sectors[op]);
}

static void
show_disks(struct text *t)
{
	const struct block_device *d;

	text_printf(t, "%-8s %10s %8s %10s %10s %8s %10s %8s %6s %7s %7s\n",
		    "name", "reads", "merged", "sectors", "writes", "merged",
		    "sectors", "flushes", "errors", "running", "deepest");
	for (unsigned i = 0; (d = block_nth(i)); i++) {
		const struct block_stats *s = &d->stats;

		text_printf(t, "%-8s", d->name);
		show_requests(t, s, BLOCK_READ);
		show_requests(t, s, BLOCK_WRITE);
		text_printf(t, " %8lu %6lu %7u %7u\n", s->requests[BLOCK_FLUSH],
			    s->errors, s->in_flight, s->deepest);
	}
}

/* Requests that had a command of their own, those that had not, sectors, and
 * the milliseconds it took, which nobody counts here. */
static void
show_commands(struct text *t, const struct block_stats *s, enum block_op op)
{
	text_printf(t, " %lu %lu %lu 0", s->requests[op] - s->merged[op],
		    s->merged[op], s->sectors[op]);
}

static void
show_diskstats(struct text *t)
{
	const struct block_device *d;

	for (unsigned i = 0; (d = block_nth(i)); i++) {
		text_printf(t, "%4u %7u %s", DISK_MAJOR,
			    d->index * DISK_MINORS + d->partition, d->name);
		show_commands(t, &d->stats, BLOCK_READ);
		show_commands(t, &d->stats, BLOCK_WRITE);
		text_printf(t, " %u 0 0 0 0 0 0 %lu 0\n", d->stats.in_flight,
			    d->stats.requests[BLOCK_FLUSH]);
	}
}

/* There are none. */
static void
show_swaps(struct text *t)
{
	text_printf(t, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
}

void
procfs_disks_init(void)
{
	procfs_add("disks", show_disks);
	procfs_add("diskstats", show_diskstats);
	procfs_add("partitions", show_partitions);
	procfs_add("swaps", show_swaps);
}
