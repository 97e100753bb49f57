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

/* Words 82 to 84 are valid if bits 15:14 of word 83 are 01. */
static bool
has_feature(const uint16_t *words, unsigned bit)
{
	return (words[83] & 0xc000) == 0x4000 && (words[83] & BIT(bit));
}

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

/* Word 106 is valid if bits 15:14 are 01; bit 12: sectors are longer. */
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
	id->lba48 = has_feature(words, 10);
	id->flush = has_feature(words, 12);
	id->sectors = capacity(words, id->lba48);
	return id->sectors == 0 ? "says that it has no sectors" : NULL;
}

uint8_t
ata_command(enum block_op op, bool ext)
{
	switch (op) {
	case BLOCK_READ:
		return ext ? ATA_READ_DMA_EXT : ATA_READ_DMA;
	case BLOCK_WRITE:
		return ext ? ATA_WRITE_DMA_EXT : ATA_WRITE_DMA;
	default:
		return ext ? ATA_FLUSH_EXT : ATA_FLUSH;
	}
}

uint64_t
ata_timeout_ms(void)
{
	return command_line_number("disktimeout", ATA_TIMEOUT_MS);
}
