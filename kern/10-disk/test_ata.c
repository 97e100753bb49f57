/*
 * Self-tests of what drives say of themselves and are told. Nothing here needs
 * a disk; test_disk.c has what does.
 */
#include "ata.h"
#include "string.h"

static uint16_t identify[256];

/* A drive with LBA48, a write cache, and 0x123456789 sectors. */
static void
identify_good(void)
{
	memset(identify, 0, sizeof(identify));
	identify[27] = 'A' << 8 | 'B';
	identify[28] = 'C' << 8 | 0x07;
	identify[49] = 0x300;
	identify[60] = 0x5678;
	identify[61] = 0x0234;
	identify[83] = 0x4000 | 1 << 10 | 1 << 12;
	identify[100] = 0x6789;
	identify[101] = 0x2345;
	identify[102] = 0x0001;
}

SELFTEST(disk_ata_identity)
{
	struct ata_identity id;

	identify_good();
	CHECK(ata_identity_read(identify, &id) == NULL);
	CHECK(id.lba48 && id.flush && id.sectors == 0x123456789);
	CHECK(strcmp(id.model, "ABC") == 0);
	CHECK(id.depth == 0 && !id.force && !id.logs);
	identify[83] = 1 << 10; /* not marked valid */
	CHECK(ata_identity_read(identify, &id) == NULL);
	CHECK(!id.lba48 && !id.flush && id.sectors == 0x2345678);
	identify[61] = 0xffff;
	CHECK(ata_identity_read(identify, &id) == NULL);
	CHECK(id.sectors == ATA_LBA28_SECTORS);
}

SELFTEST(disk_ata_identity_refuses)
{
	struct ata_identity id;

	identify_good();
	identify[103] = 0xffff;
	CHECK(ata_identity_read(identify, &id) == NULL);
	CHECK(id.sectors == ATA_LBA48_SECTORS);
	memset(&identify[100], 0, 8);
	CHECK(ata_identity_read(identify, &id) != NULL);
	identify_good();
	identify[49] = 0x200;
	CHECK(ata_identity_read(identify, &id) != NULL);
	identify_good();
	identify[106] = 0x5000;
	identify[117] = 2048; /* sectors of 4096 bytes */
	CHECK(ata_identity_read(identify, &id) != NULL);
	memset(identify, 0xff, sizeof(identify));
	CHECK(ata_identity_read(identify, &id) != NULL);
}

SELFTEST(disk_ata_queue_and_force)
{
	struct ata_identity id;

	identify_good();
	identify[75] = 31;
	identify[76] = 0x100;
	identify[84] = 0x4000 | 1 << 5 | 1 << 6;
	CHECK(ata_identity_read(identify, &id) == NULL);
	CHECK(id.depth == 32 && id.force && id.logs);
	identify[76] = 0xffff; /* no serial drive */
	identify[84] = 1 << 5 | 1 << 6;
	CHECK(ata_identity_read(identify, &id) == NULL);
	CHECK(id.depth == 0 && !id.force && !id.logs);
	identify[76] = 0x100;
	identify[83] = 0; /* no 48-bit addresses */
	CHECK(ata_identity_read(identify, &id) == NULL);
	CHECK(id.depth == 0);
}

SELFTEST(disk_ata_commands)
{
	struct ata_identity new = { .lba48 = true }, old = { .lba48 = false };
	struct block_request r = { .op = BLOCK_WRITE,
				   .sector = 0xabcdef0,
				   .nsectors = 8 };
	struct ata_command c = ata_command_for(&r, &old, NOT_QUEUED);

	CHECK(c.command == ATA_WRITE_DMA && c.device == 0x4a && c.count == 8);
	c = ata_command_for(&r, &new, NOT_QUEUED);
	CHECK(c.command == ATA_WRITE_DMA_EXT && c.device == 0x40 && c.write);
	r.through = true;
	c = ata_command_for(&r, &new, NOT_QUEUED);
	CHECK(c.command == ATA_WRITE_DMA_FUA_EXT);
	c = ata_command_for(&r, &new, 5);
	CHECK(c.command == ATA_WRITE_QUEUED && c.device == 0xc0);
	CHECK(c.features == 8 && c.count == 5 << 3 && c.address == r.sector);
	r = (struct block_request){ .op = BLOCK_FLUSH, .sector = 77 };
	c = ata_command_for(&r, &new, NOT_QUEUED);
	CHECK(c.command == ATA_FLUSH_EXT && c.address == 0 && !c.write);
}

/* The log of the queued command that failed: its tag, if the sum is right. */
SELFTEST(disk_ata_failed_tag)
{
	static uint8_t page[SECTOR_SIZE];

	memset(page, 0, sizeof(page));
	page[0] = 13;
	page[511] = 256 - 13;
	CHECK(ata_failed_tag(page) == 13);
	page[0] = 0x80 | 13; /* it was none of the queue */
	page[511] = 256 - (0x80 | 13);
	CHECK(ata_failed_tag(page) == -1);
	page[0] = 13;
	CHECK(ata_failed_tag(page) == -1);
}
