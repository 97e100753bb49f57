/*
 * The CMOS clock: read once at start-up to set the clock of the day. It ticks
 * while it is read, so it is read until two readings agree.
 * Source: Motorola MC146818A data sheet; the century's place from ACPI's FADT.
 */
#include "console_devices.h"
#include "string.h"

#define CMOS_INDEX 0x70
#define CMOS_DATA  0x71

#define REG_SECOND 0x00
#define REG_MINUTE 0x02
#define REG_HOUR   0x04
#define REG_DAY	   0x07
#define REG_MONTH  0x08
#define REG_YEAR   0x09
#define REG_A	   0x0a
#define REG_B	   0x0b
/* UIP, up 244 us before an update: who sees it down has so long to read. */
#define A_UPDATING   0x80
#define B_24_HOURS   0x02
#define B_BINARY     0x04
#define HOUR_PM	     0x80

#define FADT_CENTURY 108 /* offset in the table */
#define FADT_LEN     4	 /* offset of the table's length */

/* A reading takes far less than the second between two updates: one of them may
 * spoil two readings, and not all. */
#define UPDATE_TIMEOUT 100 /* ms; an update takes 2 */
#define READINGS_MAX   8

static struct spinlock cmos_lock = SPINLOCK("cmos");

/* Index and data are two ports: nobody may come in between. Bit 7 of the index
 * would keep NMIs away; it is 0 in all of ours. */
static uint8_t
cmos_read(uint8_t reg)
{
	uint64_t rflags = spin_lock_irqsave(&cmos_lock);
	uint8_t v;

	outb(CMOS_INDEX, reg);
	v = inb(CMOS_DATA);
	spin_unlock_irqrestore(&cmos_lock, rflags);
	return v;
}

/* The register that holds the century, 0: there is none. ACPI's FADT has its
 * number (CENTURY), in tables that are long enough. */
static uint8_t
century_register(void)
{
	const uint8_t *fadt = acpi_table("FACP");
	uint32_t len;

	if (!fadt)
		return 0;
	memcpy(&len, fadt + FADT_LEN, sizeof(len));
	return len > FADT_CENTURY ? fadt[FADT_CENTURY] & 0x7f : 0;
}

static void
read_registers(struct rtc_registers *r, uint8_t century)
{
	r->second = cmos_read(REG_SECOND);
	r->minute = cmos_read(REG_MINUTE);
	r->hour = cmos_read(REG_HOUR);
	r->day = cmos_read(REG_DAY);
	r->month = cmos_read(REG_MONTH);
	r->year = cmos_read(REG_YEAR);
	r->century = century ? cmos_read(century) : 0;
	r->has_century = century != 0;
	r->status_b = cmos_read(REG_B);
}

/* ---- Registers to seconds ---- */

/* BCD has a digit in each half. */
static unsigned
binary(const struct rtc_registers *r, uint8_t v)
{
	return r->status_b & B_BINARY ? v : (v >> 4) * 10 + (v & 0xf);
}

/* With 12 hours: midnight is 12 am, noon is 12 pm, which the top bit says.
 * @return 24 for what is none */
static unsigned
hour_of(const struct rtc_registers *r)
{
	unsigned h;

	if (r->status_b & B_24_HOURS)
		return binary(r, r->hour);
	h = binary(r, r->hour & ~HOUR_PM);
	if (h < 1 || h > 12)
		return 24;
	return h % 12 + (r->hour & HOUR_PM ? 12 : 0);
}

/* Without a century, or with one that cannot be (its register may be memory of
 * the firmware's), 1970 to 2069. */
static unsigned
year_of(const struct rtc_registers *r)
{
	unsigned year = binary(r, r->year), century = binary(r, r->century);

	if (r->has_century && century >= 19 && century <= 29)
		return century * 100 + year;
	return year + (year < 70 ? 2000 : 1900);
}

static bool
is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned
month_days(unsigned year, unsigned month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30,
					31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1 January 1970; leap days are those of the years before. The year
 * is 1970 or later. */
static int64_t
days_since_epoch(unsigned year, unsigned month, unsigned day)
{
	unsigned before = year - 1, m;
	int64_t leaps = before / 4 - before / 100 + before / 400 -
			(1969 / 4 - 1969 / 100 + 1969 / 400);
	int64_t days = (year - 1970) * 365ll + leaps + day - 1;

	for (m = 1; m < month; m++)
		days += month_days(year, m);
	return days;
}

/* POSIX.1-2017, 4.16: seconds since the Epoch have no leap seconds. Everything
 * is checked: the battery may have been empty, and a clock that was never set
 * shows anything. */
int64_t
rtc_decode(const struct rtc_registers *r)
{
	unsigned year = year_of(r), month = binary(r, r->month);
	unsigned day = binary(r, r->day), hour = hour_of(r);
	unsigned minute = binary(r, r->minute), second = binary(r, r->second);

	if (year < 1970 || year > 2999 || month < 1 || month > 12 || day < 1 ||
	    day > month_days(year, month) || hour > 23 || minute > 59 ||
	    second > 59)
		return 0;
	return days_since_epoch(year, month, day) * 86400 + hour * 3600 +
	       minute * 60 + second;
}

/* With the flag down there are 244 us, but the reader may be interrupted, and a
 * virtual machine stopped, for longer: so two readings have to agree. The flag
 * keeps away the case that both fall into one update. */
int64_t
rtc_read(void)
{
	struct rtc_registers now, before;
	uint8_t century = century_register();
	unsigned i;

	memset(&now, 0, sizeof(now));
	for (i = 0; i < READINGS_MAX; i++) {
		before = now;
		if (!device_wait(!(cmos_read(REG_A) & A_UPDATING),
				 UPDATE_TIMEOUT))
			return 0;
		read_registers(&now, century);
		if (i > 0 && memcmp(&now, &before, sizeof(now)) == 0)
			return rtc_decode(&now);
	}
	return 0;
}

/* From here on the clock of the day goes with the time-stamp counter; the chip
 * is not set. */
void
rtc_init(void)
{
	int64_t seconds = rtc_read();

	if (seconds == 0)
		kprintf("rtc: no clock with a valid date: it is 1970\n");
	else
		clock_realtime_set(seconds * 1000000000);
}
