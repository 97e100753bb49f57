/*
 * Partition tables: the one of the PC's first sector (MBR), with its chain of
 * logical partitions, and that of UEFI (GPT). What a table says is not
 * believed: an entry that does not lie on the disk, or overlaps another, is
 * refused by name, and the rest stands.
 * Sources: UEFI Specification 2.10, chapter 5 (MBR: 5.2, GPT: 5.3). The chain
 * of logical partitions has no standard; it is as Linux and sfdisk have it.
 */
#include "block_internal.h"
#include "format.h"
#include "string.h"

/* ---- What lies on the disk; all numbers are little-endian ---- */

/* Cylinders and heads (CHS) are not looked at: they end at about 8 GiB, and
 * mean something only together with a geometry that nobody knows. */
struct mbr_entry {
	uint8_t status, first_chs[3], type, last_chs[3];
	uint32_t start, sectors; /* start: see read_chain */
};

struct mbr {
	uint8_t code[446];
	struct mbr_entry entries[4];
	uint16_t signature;
} __attribute__((packed));
_Static_assert(sizeof(struct mbr) == SECTOR_SIZE, "5.2.1");

#define MBR_SIGNATURE 0xaa55
#define MBR_ACTIVE    0x80 /* status: the BIOS boots from it */
#define TYPE_NONE     0x00
#define TYPE_GPT      0xee /* "protective": covers the disk for old tools */
#define FIRST_LOGICAL 5	   /* also where there are fewer than 4 others */
#define LINKS_MAX     32   /* of the chain: more than there are numbers for */

/* Sectors are counted from the disk's begin, and last_usable, like an entry's
 * last, is within. The checksums are CRC-32s. */
struct gpt_header {
	char signature[8];
	uint32_t revision, size, checksum, reserved; /* size: bytes, of this */
	uint64_t here, other, first_usable, last_usable; /* other: the backup */
	uint8_t disk[16];
	uint64_t entries; /* where the array begins */
	uint32_t nentries, entry_size, entries_checksum;
};
_Static_assert(offsetof(struct gpt_header, entries_checksum) == 88, "5.3.2");

#define GPT_SIZE	92 /* of the header, at least */
#define GPT_ENTRY_SIZE	128
#define GPT_ENTRIES_MAX (64u * 1024) /* bytes; a usual table has 16 KiB */

/* Type and unique are GUIDs; a type of 0 says that the entry is not used. */
struct gpt_entry {
	uint64_t type[2], unique[2];
	uint64_t first, last;
	uint64_t attributes;
	uint16_t name[36];
};
_Static_assert(sizeof(struct gpt_entry) == GPT_ENTRY_SIZE, "5.3.3");

/* Reading is for one thread, while the chapter starts and in its tests. What is
 * to be kept beyond the next read is copied out. Aligned, so that it is within
 * a page. */
static union {
	uint8_t bytes[SECTOR_SIZE];
	struct mbr mbr;
	struct gpt_header gpt;
	struct gpt_entry entries[SECTOR_SIZE / GPT_ENTRY_SIZE];
} sector __attribute__((aligned(SECTOR_SIZE)));

static bool
read_sector(struct partitions *t, uint64_t at)
{
	if (at < t->disk->sectors &&
	    block_transfer(t->disk, BLOCK_READ, at, &sector, SECTOR_SIZE) == 0)
		return true;
	kprintf("%s: sector %lu, of the partition table, cannot be read\n",
		t->disk->name, at);
	return false;
}

/* ---- Believing an entry ---- */

static void
refuse(const struct partitions *t, unsigned number, const char *why)
{
	kprintf("%s: partition %u %s: refused\n", t->disk->name, number, why);
}

/* The sums do not overflow: both lie on the disk, whose sectors ATA counts in
 * 48 bits. */
static bool
overlaps(const struct partitions *t, uint64_t start, uint64_t sectors)
{
	const struct partition *p;

	for (p = t->list; p < t->list + t->n; p++)
		if (start < p->start + p->sectors && p->start < start + sectors)
			return true;
	return false;
}

/* A partition of @p sectors from @p start on, which are to lie within
 * [first, end). Of two that overlap the later one is refused: there is no
 * telling which is meant, and to write to both would destroy one. */
static void
add(struct partitions *t, unsigned number, uint64_t start, uint64_t sectors,
    uint64_t first, uint64_t end)
{
	if (number > PARTITIONS_MAX)
		refuse(t, number, "is one too many");
	else if (sectors == 0)
		refuse(t, number, "has no sectors");
	else if (start < first || start >= end || sectors > end - start)
		refuse(t, number, "does not lie where it may");
	else if (overlaps(t, start, sectors))
		refuse(t, number, "overlaps another");
	else
		t->list[t->n++] = (struct partition){ number, start, sectors };
}

/* ---- MBR ---- */

/* The types of a chain: the one of DOS, the same for disks beyond CHS, and
 * Linux's. */
static bool
is_extended(const struct mbr_entry *e)
{
	return e->type == 0x05 || e->type == 0x0f || e->type == 0x85;
}

/* Some file systems' boot sectors have the signature, too; but program where
 * the table would be. */
static bool
is_mbr(const struct mbr *m)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(m->entries); i++)
		if (m->entries[i].status & ~MBR_ACTIVE)
			return false;
	return m->signature == MBR_SIGNATURE;
}

/* Whether link @p n of the chain is one of those before it: by LINKS_MAX alone
 * it would end, too, but its partitions would be refused one by one before. */
static bool
is_circle(const uint64_t *links, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (links[i] == links[n])
			return true;
	return false;
}

/* Add the partition of the link at @p at of the chain [first, end). @return
 * where the next link is; 0: there is none; or anything, if @p at is wrong */
static uint64_t
read_link(struct partitions *t, uint64_t at, uint64_t first, uint64_t end,
	  unsigned *number)
{
	struct mbr_entry e[2];

	if (at < first || at >= end || !read_sector(t, at) ||
	    !is_mbr(&sector.mbr)) {
		kprintf("%s: the chain of logical partitions leads to sector "
			"%lu, where it does not go on\n",
			t->disk->name, at);
		return 0;
	}
	memcpy(e, sector.mbr.entries, sizeof(e));
	/* A refused one keeps its number: the names of those behind it do not
	 * depend on what is believed. */
	if (e[0].type != TYPE_NONE)
		add(t, (*number)++, at + e[0].start, e[0].sectors, at + 1, end);
	return e[1].type == TYPE_NONE ? 0 : first + e[1].start;
}

/* The chain: a link's first entry is a partition, from the link on; its second
 * leads to the next link, from the chain's begin on. */
static void
read_chain(struct partitions *t, const struct mbr_entry *whole)
{
	uint64_t links[LINKS_MAX], first = whole->start;
	uint64_t end = MIN(first + whole->sectors, t->disk->sectors);
	unsigned number = FIRST_LOGICAL, n = 0;

	for (links[0] = first; links[n] != 0;) {
		uint64_t next = read_link(t, links[n], first, end, &number);

		if (++n == LINKS_MAX)
			break;
		links[n] = next;
		if (next && is_circle(links, n))
			break;
	}
	if (n == LINKS_MAX || links[n] != 0)
		kprintf("%s: the chain of logical partitions has no end\n",
			t->disk->name);
}

/* Number n is entry n, used or not. The chain comes last, whatever entry leads
 * to it, and only the first one is followed, as there can be one alone. */
static void
read_mbr(struct partitions *t, const struct mbr_entry *e)
{
	const struct mbr_entry *chain = NULL;
	unsigned i;

	t->kind = "MBR";
	for (i = 0; i < 4; i++) {
		if (is_extended(&e[i]))
			chain = chain ? chain : &e[i];
		else if (e[i].type != TYPE_NONE)
			add(t, i + 1, e[i].start, e[i].sectors, 1,
			    t->disk->sectors);
	}
	if (chain)
		read_chain(t, chain);
}

/* ---- GPT ---- */

/* The CRC of Ethernet (IEEE 802.3), lowest bit first, a bit at a time: tables
 * are short. @p crc: of what comes before, 0 at the begin; so a table can be
 * summed up sector by sector. */
static uint32_t
crc32(uint32_t crc, const uint8_t *p, size_t len)
{
	unsigned i;

	for (crc = ~crc; len > 0; len--) {
		crc ^= *p++;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

/* The header in the buffer, which was read from @p at. What a check needs is
 * checked before it: the size before the sum over so many bytes, the sum before
 * what it protects. Of the header, the checksum's own field counts as 0
 * (5.3.2).
 * @return NULL, or what is wrong with it */
static const char *
check_header(const struct partitions *t, uint64_t at)
{
	struct gpt_header *h = &sector.gpt;
	uint32_t checksum = h->checksum;
	/* Of two numbers of 32 bits: it does not overflow. */
	uint64_t bytes = (uint64_t)h->nentries * h->entry_size;

	if (memcmp(h->signature, "EFI PART", 8) != 0)
		return "is not there";
	if (h->size < GPT_SIZE || h->size > SECTOR_SIZE)
		return "has a header of a wrong size";
	h->checksum = 0;
	if (crc32(0, sector.bytes, h->size) != checksum)
		return "has a header with a wrong checksum";
	if (h->here != at)
		return "is not where it says";
	if (h->entry_size != GPT_ENTRY_SIZE || bytes > GPT_ENTRIES_MAX ||
	    bytes % SECTOR_SIZE)
		return "has entries of a size that is not known here";
	/* Sectors 0 and 1 are the MBR and the first header. */
	if (h->entries < 2 || h->entries >= t->disk->sectors ||
	    bytes / SECTOR_SIZE > t->disk->sectors - h->entries)
		return "has entries that do not lie on the disk";
	if (h->first_usable > h->last_usable ||
	    h->last_usable >= t->disk->sectors)
		return "says that it is for a larger disk";
	return NULL;
}

static bool
is_used(const struct gpt_entry *e)
{
	return e->type[0] | e->type[1];
}

/* Read the entries into @p found, as far as there is room; the rest goes only
 * into the checksum. None is used before the sum of all is known to be right,
 * so they cannot be taken sector by sector. @return whether it is */
static bool
read_entries(struct partitions *t, const struct gpt_header *h,
	     struct gpt_entry *found)
{
	unsigned n, i, more = 0, each = ARRAY_SIZE(sector.entries);
	uint32_t crc = 0;

	for (n = 0; n < h->nentries; n += each) {
		if (!read_sector(t, h->entries + n / each))
			return false;
		crc = crc32(crc, sector.bytes, SECTOR_SIZE);
		if (n < GPT_FOUND_MAX) {
			memcpy(found + n, sector.entries, SECTOR_SIZE);
			continue;
		}
		for (i = 0; i < each && !more; i++)
			if (is_used(&sector.entries[i]))
				more = n + i + 1;
	}
	if (more)
		refuse(t, more, "and those behind it are too many");
	return crc == h->entries_checksum;
}

/* @return NULL, or what is wrong with the table whose header is at @p at */
static const char *
read_table(struct partitions *t, uint64_t at)
{
	static struct gpt_entry found[GPT_FOUND_MAX];
	struct gpt_header h;
	const char *why;
	unsigned i;

	if (!read_sector(t, at))
		return "cannot be read";
	why = check_header(t, at);
	if (why)
		return why;
	h = sector.gpt;
	if (!read_entries(t, &h, found))
		return "has entries with a wrong checksum";
	for (i = 0; i < MIN(h.nentries, GPT_FOUND_MAX); i++) {
		const struct gpt_entry *e = &found[i];

		if (!is_used(e))
			continue;
		/* The length must not overflow before it is looked at. */
		if (e->first > e->last || e->last > h.last_usable)
			refuse(t, i + 1, "does not lie where it may");
		else
			add(t, i + 1, e->first, e->last - e->first + 1,
			    h.first_usable, h.last_usable + 1);
	}
	return NULL;
}

/* The second table, at the disk's end, is for when the first is damaged
 * (5.3.2). It is looked for in the last sector, for what the first says of its
 * place may be damaged as well. An entry that is refused damages no table. */
static void
read_gpt(struct partitions *t)
{
	const char *why = read_table(t, 1), *why_not;

	t->kind = "GPT";
	if (!why)
		return;
	why_not = read_table(t, t->disk->sectors - 1);
	if (!why_not)
		kprintf("%s: the GPT %s: the backup is used\n", t->disk->name,
			why);
	else
		kprintf("%s: the GPT %s; its backup %s: no partitions\n",
			t->disk->name, why, why_not);
}

/* ---- All together ---- */

void
partitions_read(struct block_device *disk, struct partitions *t)
{
	struct mbr_entry e[4];
	unsigned i;

	t->disk = disk;
	t->n = 0;
	t->kind = NULL;
	if (!read_sector(t, 0) || !is_mbr(&sector.mbr))
		return;
	memcpy(e, sector.mbr.entries, sizeof(e));
	/* Among others ("hybrid"), too: the GPT has these as well. */
	for (i = 0; i < ARRAY_SIZE(e); i++)
		if (e[i].type == TYPE_GPT) {
			read_gpt(t);
			return;
		}
	read_mbr(t, e);
}

/* The partitions of a disk fit in a page, which they keep for good. Its zeros
 * are the fields that are a disk's alone: requests go to the disk before a
 * driver is asked. */
static void
register_all(const struct partitions *t)
{
	struct page *page = page_alloc(0, PAGE_KERNEL, ALLOC_ZERO);
	struct block_device *d;
	unsigned i;

	_Static_assert(PARTITIONS_MAX * sizeof(*d) <= PAGE_SIZE, "a page");
	if (!page) {
		kprintf("%s: no memory for its partitions\n", t->disk->name);
		return;
	}
	for (i = 0, d = page_address(page); i < t->n; i++, d++) {
		d->disk = t->disk;
		d->partition = t->list[i].number;
		d->start = t->list[i].start;
		d->sectors = t->list[i].sectors;
		d->index = t->disk->index;
		d->read_only = t->disk->read_only;
		snformat(d->name, sizeof(d->name), "%s%u", t->disk->name,
			 d->partition);
		block_register_partition(d);
		kprintf("block: %s is a partition of %lu MiB, by the %s\n",
			d->name, d->sectors / (1048576 / SECTOR_SIZE), t->kind);
	}
}

/* The drivers have attached to their devices in chapter dev's start: so all
 * disks are here, and no other comes. */
static void
block_init(void)
{
	static struct partitions t;
	struct block_device *disk;
	unsigned i;

	heap_begin(HEAP_BOUND(startup));
	for (i = 0; (disk = block_get(i)); i++) {
		partitions_read(disk, &t);
		if (t.n > 0)
			register_all(&t);
	}
	heap_end();
	if (i == 0)
		kprintf("block: no disk found; with QEMU, add: -drive "
			"file=IMAGE,format=raw\n");
}

CHAPTER_INIT(block_init);
