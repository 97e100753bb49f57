/*
 * boot: from the loader to C, and what every later chapter needs from the
 * first line on: the memory map, the command line, kprintf, panic with a
 * backtrace, assertions, self-tests, and the list of chapters to initialise.
 */
#ifndef BOOT_H
#define BOOT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bits.h"

typedef uint64_t paddr_t; /**< a physical address */
typedef uint64_t vaddr_t; /**< a virtual address */

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096UL

/* The kernel's address space. User space is the lower half. */
#define DIRECT_MAP_BASE 0xffff800000000000UL /**< all RAM, slots 256-383 */
#define KVMAP_BASE	0xffffc00000000000UL /**< stacks, MMIO: slot 384 */
#define KVMAP_SIZE	0x0000008000000000UL /**< 512 GiB: one slot */
#define KERNBASE	0xffffffff80000000UL /**< the kernel image */

/** Virtual address, in the direct map, of physical address @p pa. */
static inline void *
direct_map(paddr_t pa)
{
	return (void *)(DIRECT_MAP_BASE + pa);
}

/* ---- The loader's information ---- */

enum memory_type {
	MEMORY_USABLE = 1,
	MEMORY_RESERVED = 2,
	MEMORY_ACPI = 3, /**< tables; usable once they have been read */
	MEMORY_NVS = 4,
	MEMORY_BAD = 5,
};

struct memory_range {
	paddr_t base;
	uint64_t len; /**< bytes */
	uint32_t type;
};

#define MEMORY_RANGES_MAX 64
#define COMMAND_LINE_MAX  1024

/** What the loader told us, copied out of its memory before anything else. */
struct boot_info {
	const char *loader; /**< "multiboot2" or "PVH" */
	char command_line[COMMAND_LINE_MAX];
	struct memory_range memory[MEMORY_RANGES_MAX]; /**< by address */
	unsigned nmemory;
	paddr_t rsdp;	       /**< ACPI root pointer, 0 if not told */
	uint8_t rsdp_copy[36]; /**< multiboot2 hands over a copy instead */
	bool has_rsdp_copy;
};
extern struct boot_info boot_info;

/**
 * Fill boot_info from the loader's structures; panics on a loader that is
 * neither PVH nor multiboot2 and on a map without usable memory.
 *
 * @param magic  eax at entry
 * @param info   ebx at entry: physical address of the loader's structure
 */
void boot_info_parse(uint32_t magic, paddr_t info);

/**
 * Look up a word of the kernel's command line.
 *
 * @param key    the word's name: matches "key" and "key=value"
 * @param value  receives the value ("" where there is none), cut to @p size
 * @param size   bytes at @p value; 0 to only ask whether the word is there
 * @return       whether it is there
 */
bool command_line_get(const char *key, char *value, size_t size);

/** Whether the word @p key, with or without a value, is on the command line. */
bool command_line_has(const char *key);

/**
 * The number after "key=" (decimal or 0x...), or @p otherwise where the word
 * is not there or is not a number.
 */
uint64_t command_line_number(const char *key, uint64_t otherwise);

/* ---- Log and consoles ---- */

#define LOG_SIZE 65536 /**< bytes of log kept for readers of /dev/kmsg */

/**
 * Format a message to the kernel's log and all consoles. One call's text is
 * not mixed with another CPU's. Any context, locks held or not.
 */
void kprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** kprintf with an argument list. */
void kvprintf(const char *fmt, va_list ap);

/** Append @p len bytes at @p text to the log and all consoles. */
void log_write(const char *text, size_t len);

/**
 * Copy log text for a reader.
 *
 * @param pos  the reader's position in the stream of all bytes ever logged;
 *             moved up if that text is gone, and past what is copied
 * @return     bytes copied: at most @p size; 0 at the end
 */
size_t log_read(uint64_t *pos, char *buf, size_t size);

/** A place where log text is shown. */
struct console {
	const char *name;
	/** Write text; any context, called with the log lock held. */
	void (*write)(const char *text, size_t len);
	struct console *next;
};

/** Show all further log text on @p console as well. It is never taken back. */
void console_register(struct console *console);

/** Program the first UART (COM1, 115200 8N1) and register it as a console. */
void early_console_init(void);

/* ---- The end: panic, power ---- */

/**
 * The kernel cannot go on: print the message, this CPU's symbolised backtrace
 * and those of all other CPUs, and end the machine. Any context.
 */
void panic(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

/**
 * Begin the report of a panic that follows: for who prints something ahead of
 * it, as registers. CPUs that come later stop here, and a report that runs into
 * a fault of its own comes to an end.
 */
void panic_begin(void);

/** Print frames from frame pointer @p rbp on, after code at @p rip. */
void backtrace(uint64_t rip, uint64_t rbp);

/** Print "  address symbol+offset" for a code address. */
void backtrace_line(uint64_t address);

/**
 * Find the function that holds an address.
 *
 * @param offset  receives the distance from its start, in bytes
 * @return        its name, or NULL
 */
const char *symbol_lookup(uint64_t address, uint64_t *offset);

/** What panic() needs of later chapters, filled by them at their init. */
struct panic_ops {
	/** Stop all other CPUs; each prints its backtrace first (smp). */
	void (*stop_others)(void);
	/** Print what runs here: CPU, thread, process (sched, proc). */
	void (*describe)(void);
	/** Whether @p address may be read without a fault (mem). */
	bool (*readable)(uint64_t address);
};
extern struct panic_ops panic_ops;

/** True from the first panic() on: locks and checks give way to the report. */
extern bool panicking;

/**
 * Power the machine off: the emulators' exit devices, then a halt. Nothing is
 * synchronised here.
 *
 * @param ok  whether this is an orderly end (QEMU exits 33) or not (255)
 */
void power_off(bool ok) __attribute__((noreturn));

/** Reset the machine through the chipset, or by a triple fault. */
void machine_reset(void) __attribute__((noreturn));

/* ---- Assertions: checked in the debug build ---- */

#ifdef DEBUG
#define ASSERT(cond)                                                           \
	do {                                                                   \
		if (!(cond))                                                   \
			panic("%s:%d: assertion failed: %s", __FILE__,         \
			      __LINE__, #cond);                                \
	} while (0)
/** Assert a numbered invariant of a chapter's README, such as MEM2. */
#define INVARIANT(name, cond)                                                  \
	do {                                                                   \
		if (!(cond))                                                   \
			panic("%s:%d: invariant " #name " broken: %s",         \
			      __FILE__, __LINE__, #cond);                      \
	} while (0)
#else
#define ASSERT(cond)	      ((void)sizeof(!(cond)))
#define INVARIANT(name, cond) ((void)sizeof(!(cond)))
#endif

/* ---- Chapters and self-tests ---- */

/** Attributes of an entry in a registration table, section @p name of the
 * image; entries stand in the order of the source. */
#ifdef __clang__
#define LINKED(name) __attribute__((section(name), used, aligned(8)))
#else /* gcc would put a file's entries in reverse */
#define LINKED(name)                                                           \
	__attribute__((section(name), used, aligned(8), no_reorder))
#endif

typedef void (*chapter_init_fn)(void);

/** Register a chapter's initialisation: one a chapter, run in book order. */
#define CHAPTER_INIT(fn)                                                       \
	static const chapter_init_fn chapter_init_##fn LINKED(                 \
		".chapter_init") = fn

struct selftest {
	const char *file; /**< says the chapter */
	const char *name;
	void (*run)(void);
};

/**
 * Define a kernel self-test: SELFTEST(page_alloc_aligned) { ... CHECK(x); }
 * They run in book order, on the boot thread, when the command line has
 * "selftest" or when the kernel has no user space to start.
 */
#define SELFTEST(test)                                                         \
	static void selftest_##test(void);                                     \
	static const struct selftest selftest_entry_##test LINKED(             \
		".selftest") = { __FILE__, #test, selftest_##test };           \
	static void selftest_##test(void)

/** In a self-test: the test fails, and returns, unless @p cond holds. */
#define CHECK(cond)                                                            \
	do {                                                                   \
		if (!(cond)) {                                                 \
			selftest_fail(__FILE__, __LINE__, #cond);              \
			return;                                                \
		}                                                              \
	} while (0)

/** Record that the running self-test has failed. */
void selftest_fail(const char *file, int line, const char *what);

/**
 * Run all self-tests that are linked in and print "selftest: N passed,
 * M failed". With "selftest=word" on the command line, only those whose file
 * or name contains the word.
 *
 * @return whether there was at least one and none failed
 */
bool selftest_run(void);

/** What the kernel does once all chapters are up; exec fills it. */
struct boot_ops {
	/** Start the first process; returns only if that cannot be done. */
	void (*start_user)(void);
};
extern struct boot_ops boot_ops;

#endif
