/*
 * The first C code, and the shape of the whole kernel: take over what the
 * loader left, initialise the chapters in book order, then start user space,
 * or, in a kernel that has none, run the self-tests.
 */
#include "boot.h"
#include "x86.h"

extern const chapter_init_fn chapter_inits[], chapter_inits_end[];

struct boot_ops boot_ops;

/* Entered from entry.S, on the boot stack, interrupts off. */
void boot_main(uint32_t magic, uint32_t info);

void
boot_main(uint32_t magic, uint32_t info)
{
	const chapter_init_fn *init;
	bool ok;

	/* Output first: from here on, what goes wrong can be seen. */
	early_console_init();
	kprintf("hardtack\n");
	boot_info_parse(magic, info);
	kprintf("boot: %s, command line \"%s\"\n", boot_info.loader,
		boot_info.command_line);

	/* The linker has put them in book order. Interrupts are off until
	 * chapter smp can answer them. */
	for (init = chapter_inits; init < chapter_inits_end; init++)
		(*init)();

	/* It comes back only if there is no program to start. */
	if (!command_line_has("selftest") && boot_ops.start_user)
		boot_ops.start_user();
	ok = selftest_run();
	power_off(ok);
}
