/*
 * ATA: what the AHCI and the IDE driver share: commands, status bits, and
 * reading a drive's IDENTIFY data. Source: ATA/ATAPI Command Set (ACS-2).
 */
#ifndef ATA_H
#define ATA_H

#include "dev.h"

#define ATA_READ_DMA	  0xc8
#define ATA_READ_DMA_EXT  0x25
#define ATA_WRITE_DMA	  0xca
#define ATA_WRITE_DMA_EXT 0x35
#define ATA_FLUSH	  0xe7
#define ATA_FLUSH_EXT	  0xea
#define ATA_IDENTIFY	  0xec

#define ATA_BSY		  0x80
#define ATA_DRDY	  0x40
#define ATA_DF		  0x20 /* device fault */
#define ATA_DRQ		  0x08
#define ATA_ERR		  0x01

#define ATA_DEVICE_LBA	  0x40 /* device register: addresses are LBA */
#define ATA_LBA28_SECTORS (1ull << 28)
#define ATA_LBA48_SECTORS (1ull << 48)

/** How long a drive may take for a command: spinning up included. */
#define ATA_TIMEOUT_MS 30000

struct ata_identity {
	uint64_t sectors;
	bool lba48;
	bool flush; /**< has a write cache to flush */
	char model[41];
};

/**
 * Read the 256 words of IDENTIFY DEVICE, trusting none.
 * @return NULL, or why the drive cannot be used
 */
const char *ata_identity_read(const uint16_t *words, struct ata_identity *id);

/** The command for @p op: of the 48-bit set if @p ext. */
uint8_t ata_command(enum block_op op, bool ext);

/** Milliseconds after which a command counts as lost: ATA_TIMEOUT_MS, or what
 * the command line says in disktimeout=. */
uint64_t ata_timeout_ms(void);

#endif
