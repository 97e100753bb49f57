/*
 * ATA: see ata.h. Word and bit numbers are those of ACS-2, table 29 (IDENTIFY
 * DEVICE data).
 */
#include "ata.h"
#include "string.h"

/* Strings have two characters a word, the first in the upper byte. */
static void
read_model(const uint16_t *words, char *model)
{
	size_t i;

	for (i = 0; i < 40; i++) {
		char c = words[27 + i / 2] >> (i % 2 ? 0 : 8);

		model[i] = c < ' ' || c > '~' ? ' ' : c;
	}
	while (i > 0 && model[i - 1] == ' ')
		i--;
	model[i] = '\0';
}

/* Words 82 to 84 are valid if bits 15:14 of words 83 and 84 are 01: what an old
 * drive has in words that had no meaning is 0 or all ones. */
static bool
has_feature(const uint16_t *words, unsigned word, unsigned bit)
{
	return (words[word] & 0xc000) == 0x4000 && (words[word] & BIT(bit));
}

/* Word 76: what a serial drive can, if it is neither 0 nor all ones. Queued
 * commands have 48-bit addresses. */
static unsigned
queue_depth(const uint16_t *words, bool lba48)
{
	bool queued = words[76] != 0xffff && (words[76] & 0x100);

	return queued && lba48 ? (words[75] & 0x1f) + 1u : 0;
}

/* Never more than the commands can address. */
static uint64_t
capacity(const uint16_t *words, bool lba48)
{
	uint64_t n;

	if (!lba48)
		return MIN(words[60] | (uint64_t)words[61] << 16,
			   ATA_LBA28_SECTORS);
	n = words[100] | (uint64_t)words[101] << 16 |
	    (uint64_t)words[102] << 32 | (uint64_t)words[103] << 48;
	return MIN(n, ATA_LBA48_SECTORS);
}

/* Word 106 is valid if bits 15:14 are 01; bit 12: sectors are longer, by words
 * 117 and 118, in words. That physical sectors are longer (bit 13) makes writes
 * slower and nothing else. */
static bool
has_long_sectors(const uint16_t *words)
{
	uint32_t len = words[117] | (uint32_t)words[118] << 16;

	return (words[106] & 0xd000) == 0x5000 && len != SECTOR_SIZE / 2;
}

const char *
ata_identity_read(const uint16_t *words, struct ata_identity *id)
{
	memset(id, 0, sizeof(*id));
	read_model(words, id->model);
	if (words[0] & 0x8000)
		return "is no ATA disk";
	if (!(words[49] & 0x200))
		return "has no LBA addressing";
	if (!(words[49] & 0x100))
		return "has no DMA";
	if (has_long_sectors(words))
		return "has sectors of more than 512 bytes";
	id->lba48 = has_feature(words, 83, 10);
	id->flush = has_feature(words, 83, 12);
	/* WRITE DMA FUA EXT has 48-bit addresses. */
	id->force = has_feature(words, 84, 6) && id->lba48;
	id->logs = has_feature(words, 84, 5);
	id->depth = queue_depth(words, id->lba48);
	id->sectors = capacity(words, id->lba48);
	return id->sectors == 0 ? "says that it has no sectors" : NULL;
}

/* A queued command has its length where others have their features, and its tag
 * in bits 7:3 of the count (ACS-2, READ FPDMA QUEUED). */
struct ata_command
ata_command_for(const struct block_request *r, const struct ata_identity *id,
		int tag)
{
	static const uint8_t plain[][2] = {
		[BLOCK_READ] = { ATA_READ_DMA, ATA_READ_DMA_EXT },
		[BLOCK_WRITE] = { ATA_WRITE_DMA, ATA_WRITE_DMA_EXT },
		[BLOCK_FLUSH] = { ATA_FLUSH, ATA_FLUSH_EXT },
	};
	struct ata_command c = {
		.command = plain[r->op][id->lba48],
		.device = ATA_DEVICE_LBA,
		.count = r->nsectors,
		.address = r->sector,
		.write = r->op == BLOCK_WRITE,
	};

	if (r->op == BLOCK_FLUSH) {
		c.address = 0;
	} else if (tag != NOT_QUEUED) {
		c.command = c.write ? ATA_WRITE_QUEUED : ATA_READ_QUEUED;
		c.features = c.count;
		c.count = tag << 3;
		c.device |= r->through ? ATA_DEVICE_FUA : 0;
	} else if (r->through) {
		c.command = ATA_WRITE_DMA_FUA_EXT;
	} else if (!id->lba48) {
		/* The upper four of 28 bits are in the device register. */
		c.device |= r->sector >> 24 & 0xf;
	}
	return c;
}

/* The page's number, in the address above the log's, is 0. */
struct ata_command
ata_read_log(uint8_t log)
{
	return (struct ata_command){ .command = ATA_READ_LOG_EXT,
				     .count = 1,
				     .address = log };
}

/* Byte 0, bit 7: the failed command was none of the queue; bits 4:0: the tag.
 * All bytes add up to 0 (ACS-2, A.13). */
int
ata_failed_tag(const uint8_t *page)
{
	uint8_t sum = 0;
	unsigned i;

	for (i = 0; i < SECTOR_SIZE; i++)
		sum += page[i];
	return sum != 0 || (page[0] & 0x80) ? -1 : page[0] & 0x1f;
}

void
ata_report_failure(const struct block_request *r)
{
	static const char *const names[] = { "read", "write", "flush" };

	kprintf("%s: %s of %u sectors at %lu failed\n", r->device->name,
		names[r->op], r->nsectors, r->sector);
}

uint64_t
ata_timeout_ms(void)
{
	return command_line_number("disktimeout", ATA_TIMEOUT_MS);
}
