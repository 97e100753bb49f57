/*
 * ACPI, as far as finding the processors, the interrupt controllers and the
 * power-management timer takes: RSDP, RSDT or XSDT, MADT, FADT. All lengths
 * are the firmware's and are checked before use.
 *
 * Source: ACPI Specification 6.4, sections 5.2.5 - 5.2.12.
 */
#include "smp_internal.h"
#include "string.h"

#define TABLE_LEN_MAX	 0x100000 /* no sane table is larger than 1 MiB */
#define ROOT_ENTRIES_MAX 64

/* 5.2.5.3. The first checksum is over the 20 bytes of revision 0. */
struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length; /* from revision 2 on */
	uint64_t xsdt;
	uint8_t extended_checksum, reserved[3];
} __attribute__((packed));

/* 5.2.6: every table begins so. */
struct table_header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[6], oem_table[8];
	uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

/* 5.2.12: types of entries in the MADT, signature "APIC". */
enum {
	MADT_LAPIC = 0,
	MADT_IOAPIC = 1,
	MADT_OVERRIDE = 2,
	MADT_LAPIC_ADDRESS = 5,
	MADT_X2APIC = 9,
};
#define MADT_ENABLED	0x1
#define MADT_ENTRIES_AT 44
#define FADT_PM_TMR_AT	76 /* PM_TMR_BLK: a port */

struct acpi_info acpi_info;
static const struct table_header *tables[ROOT_ENTRIES_MAX];
static unsigned ntables;

/* All bytes of a table add up to 0. */
static bool
checksum_ok(const void *p, size_t len)
{
	const uint8_t *bytes = p;
	uint8_t sum = 0;

	while (len--)
		sum += *bytes++;
	return sum == 0;
}

/* 5.2.5.1: on a 16-byte boundary. */
static const struct rsdp *
rsdp_scan(paddr_t from, paddr_t to)
{
	for (; from + sizeof(struct rsdp) <= to; from += 16) {
		const struct rsdp *r = direct_map(from);

		if (memcmp(r->signature, "RSD PTR ", 8) == 0 &&
		    checksum_ok(r, 20))
			return r;
	}
	return NULL;
}

/* What the loader told; else, on a PC with a BIOS, the first KiB of the
 * extended BIOS data area (its segment stands at 0x40e), and the BIOS's own
 * memory. Under UEFI only the loader knows. */
static const struct rsdp *
rsdp_find(void)
{
	const struct rsdp *r;
	paddr_t ebda = *(uint16_t *)direct_map(0x40e) << 4;

	if (boot_info.has_rsdp_copy)
		return (const struct rsdp *)boot_info.rsdp_copy;
	if (boot_info.rsdp)
		return (const struct rsdp *)mmio_map(boot_info.rsdp,
						     sizeof(struct rsdp));
	if (ebda >= 0x80000 && ebda < 0xa0000 &&
	    (r = rsdp_scan(ebda, ebda + 1024)))
		return r;
	return rsdp_scan(0xe0000, 0x100000);
}

/* Mapped twice: the length is in the header. Not by the direct map:
 * tables may lie where the map of memory says "reserved". NULL: not a table. */
static const struct table_header *
map_table(paddr_t pa)
{
	const struct table_header *t;
	uint32_t len;

	t = (const struct table_header *)mmio_map(pa, sizeof(*t));
	len = t->length;
	if (len < sizeof(*t) || len > TABLE_LEN_MAX)
		return NULL;
	t = (const struct table_header *)mmio_map(pa, len);
	return checksum_ok(t, len) ? t : NULL;
}

/* RSDT (4-byte entries) or XSDT (8): addresses of the other tables, unaligned.
 */
static void
read_root(const struct table_header *root, unsigned entry_size)
{
	const uint8_t *entry = (const uint8_t *)(root + 1);
	const uint8_t *end = (const uint8_t *)root + root->length;

	for (; entry + entry_size <= end && ntables < ROOT_ENTRIES_MAX;
	     entry += entry_size) {
		uint64_t pa = 0;

		memcpy(&pa, entry, entry_size);
		tables[ntables] = pa ? map_table(pa) : NULL;
		if (tables[ntables])
			ntables++;
	}
}

const void *
acpi_table(const char *signature)
{
	unsigned i;

	for (i = 0; i < ntables; i++)
		if (memcmp(tables[i]->signature, signature, 4) == 0)
			return tables[i];
	return NULL;
}

/* A CPU that is listed but not enabled is a socket that could be filled. */
static void
add_cpu(uint32_t apic_id, uint32_t flags)
{
	if ((flags & MADT_ENABLED) && acpi_info.ncpus < NCPU_MAX)
		acpi_info.apic_ids[acpi_info.ncpus++] = apic_id;
}

static uint32_t
read32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Each kind has a length that it must have for its fields to be there. */
static void
madt_entry(const uint8_t *e, unsigned len)
{
	struct acpi_info *a = &acpi_info;

	if (e[0] == MADT_LAPIC && len >= 8) {
		add_cpu(e[3], read32(e + 4));
	} else if (e[0] == MADT_X2APIC && len >= 16) {
		add_cpu(read32(e + 4), read32(e + 8));
	} else if (e[0] == MADT_IOAPIC && len >= 12 &&
		   a->nioapics < IOAPICS_MAX) {
		a->ioapics[a->nioapics++] =
			(struct acpi_ioapic){ read32(e + 4), read32(e + 8) };
	} else if (e[0] == MADT_OVERRIDE && len >= 10 && e[3] < 16) {
		a->isa[e[3]].gsi = read32(e + 4);
		a->isa[e[3]].flags = e[8] | e[9] << 8;
	} else if (e[0] == MADT_LAPIC_ADDRESS && len >= 12) {
		memcpy(&a->lapic_base, e + 4, 8);
	}
}

/* An entry says its own length: at least the two bytes that say so, or the walk
 * would stay in place, and within the table. */
static void
read_madt(const struct table_header *madt)
{
	const uint8_t *e = (const uint8_t *)madt + MADT_ENTRIES_AT;
	const uint8_t *end = (const uint8_t *)madt + madt->length;

	if (madt->length < MADT_ENTRIES_AT)
		return;
	acpi_info.lapic_base = read32((const uint8_t *)madt + 36);
	for (; e + 2 <= end && e[1] >= 2 && e + e[1] <= end; e += e[1])
		madt_entry(e, e[1]);
}

void
acpi_init(void)
{
	const struct rsdp *rsdp = rsdp_find();
	const struct table_header *root = NULL, *fadt;
	unsigned i;

	/* An ISA line is the I/O APIC pin of its number, unless overridden. */
	for (i = 0; i < 16; i++)
		acpi_info.isa[i].gsi = i;
	if (rsdp && rsdp->revision >= 2 && rsdp->xsdt)
		root = map_table(rsdp->xsdt);
	if (root)
		read_root(root, 8);
	else if (rsdp && (root = map_table(rsdp->rsdt)))
		read_root(root, 4);
	else
		kprintf("smp: no ACPI tables; one CPU, no I/O APIC\n");
	if (acpi_table("APIC"))
		read_madt(acpi_table("APIC"));
	fadt = acpi_table("FACP");
	if (fadt && fadt->length >= FADT_PM_TMR_AT + 4)
		acpi_info.pm_timer_port =
			read32((const uint8_t *)fadt + FADT_PM_TMR_AT);
}
