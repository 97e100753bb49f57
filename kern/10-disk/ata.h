/*
 * ATA: what the AHCI and the IDE driver share: commands, status bits, and
 * reading what a drive says of itself. Source: ATA/ATAPI Command Set (ACS-2).
 */
#ifndef ATA_H
#define ATA_H

#include "block.h"

/* Commands. Those called EXT have addresses of 48 bits, the others of 28. */
#define ATA_READ_DMA	      0xc8
#define ATA_READ_DMA_EXT      0x25
#define ATA_READ_QUEUED	      0x60 /* READ FPDMA QUEUED */
#define ATA_READ_LOG_EXT      0x2f
#define ATA_WRITE_DMA	      0xca
#define ATA_WRITE_DMA_EXT     0x35
#define ATA_WRITE_DMA_FUA_EXT 0x3d
#define ATA_WRITE_QUEUED      0x61 /* WRITE FPDMA QUEUED */
#define ATA_FLUSH	      0xe7
#define ATA_FLUSH_EXT	      0xea
#define ATA_IDENTIFY	      0xec

#define ATA_LOG_QUEUED_ERROR  0x10 /* a log's address */

/* The status register. With BSY the other bits mean nothing. */
#define ATA_BSY		  0x80
#define ATA_DRDY	  0x40
#define ATA_DF		  0x20 /* device fault */
#define ATA_DRQ		  0x08 /* wants to move data */
#define ATA_ERR		  0x01

#define ATA_DEVICE_LBA	  0x40 /* device register: addresses are LBA */
#define ATA_DEVICE_FUA	  0x80 /* ... of a queued write: past the cache */
#define ATA_LBA28_SECTORS (1ull << 28)
#define ATA_LBA48_SECTORS (1ull << 48)

/** How long a drive may take for a command: spinning up included. */
#define ATA_TIMEOUT_MS 30000

/** What a drive says of itself, as far as it has been checked; constant. */
struct ata_identity {
	uint64_t sectors; /**< of SECTOR_SIZE bytes; not 0 */
	bool lba48;	  /**< takes the EXT commands */
	bool flush;	  /**< has a write cache to flush */
	bool force;	  /**< has writes past the cache (FUA) */
	bool logs;	  /**< has logs to read */
	unsigned depth;	  /**< queued commands at once; 0: takes none */
	char model[41];	  /**< printable, terminated */
};

/**
 * Read the 256 words of IDENTIFY DEVICE, trusting none, into *@p id. Any
 * context.
 * @return NULL; or why the drive cannot be used, to be printed behind its name
 */
const char *ata_identity_read(const uint16_t *words, struct ata_identity *id);

/** A command, and what goes with it into the drive's registers. In a 28-bit
 * command a count of 256 is sent as 0, which means it, and bits 27:24 of the
 * address are in device, too. */
struct ata_command {
	uint8_t command, device;
	uint16_t features, count;
	uint64_t address; /**< in sectors; 48 bits */
	bool write;	  /**< moves data to the drive */
};

/** The command that carries out @p r, and what is merged with it. @p tag: its
 * number among queued commands, 0 to 31, or NOT_QUEUED, which a flush is. What
 * is to go through (r->through) needs a drive with id->force. Any context. */
struct ata_command ata_command_for(const struct block_request *r,
				   const struct ata_identity *id, int tag);
#define NOT_QUEUED (-1)

/** READ LOG EXT of the first page, 512 bytes, of log @p log. */
struct ata_command ata_read_log(uint8_t log);

/** The queued command that failed, by the 512 bytes of ATA_LOG_QUEUED_ERROR.
 * @return its tag, 0 to 31, which need not be in use; or -1 if the page does
 * not say */
int ata_failed_tag(const uint8_t *page);

/** Tell the log that @p r, and what is merged with it, has failed: one line, by
 * which the tests know what was given up. Before block_finish, after which
 * r->device is gone. Any context. */
void ata_report_failure(const struct block_request *r);

/** Milliseconds after which a command counts as lost: ATA_TIMEOUT_MS, or what
 * the command line says in disktimeout=. For drivers that start. */
uint64_t ata_timeout_ms(void);

#endif
