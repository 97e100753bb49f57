/*
 * Self-tests of chapter boot.
 */
#include "boot.h"
#include "format.h"
#include "string.h"

SELFTEST(boot_memory_map_is_sorted)
{
	unsigned i;

	CHECK(boot_info.nmemory > 0);
	for (i = 1; i < boot_info.nmemory; i++)
		CHECK(boot_info.memory[i - 1].base <= boot_info.memory[i].base);
}

SELFTEST(boot_image_lies_in_usable_memory)
{
	paddr_t pa = (uint64_t)&boot_info - KERNBASE;
	unsigned i;
	bool found = false;

	for (i = 0; i < boot_info.nmemory; i++) {
		const struct memory_range *m = &boot_info.memory[i];

		if (m->type == MEMORY_USABLE && pa >= m->base &&
		    pa < m->base + m->len)
			found = true;
	}
	CHECK(found);
	CHECK(*(uint64_t *)direct_map(pa) == *(uint64_t *)&boot_info);
}

SELFTEST(boot_command_line_words)
{
	char saved[COMMAND_LINE_MAX], value[8];

	memcpy(saved, boot_info.command_line, sizeof(saved));
	strlcpy(boot_info.command_line,
		" one two=2 three=abcdefghijk twofold=7", COMMAND_LINE_MAX);
	bool one = command_line_has("one"), on = command_line_has("on");
	uint64_t two = command_line_number("two", 9);
	uint64_t none = command_line_number("four", 9);
	uint64_t bad = command_line_number("three", 9);
	bool three = command_line_get("three", value, sizeof(value));

	memcpy(boot_info.command_line, saved, sizeof(saved));
	CHECK(one);
	CHECK(!on);
	CHECK(two == 2);
	CHECK(none == 9);
	CHECK(bad == 9);
	CHECK(three && strcmp(value, "abcdefg") == 0);
}

SELFTEST(boot_log_keeps_what_was_printed)
{
	uint64_t pos = UINT64_MAX, old;
	char text[32] = "";

	log_read(&pos, text, sizeof(text));
	old = pos;
	kprintf("boot: log test %d\n", 42);
	CHECK(log_read(&old, text, sizeof(text) - 1) > 0);
	CHECK(strstr(text, "log test 42") != NULL);
	old = 0;
	CHECK(log_read(&old, text, 1) == 1);
}

SELFTEST(boot_symbols_name_functions)
{
	uint64_t offset = 99;
	const char *name = symbol_lookup((uint64_t)&kprintf + 1, &offset);

	CHECK(name != NULL);
	CHECK(strcmp(name, "kprintf") == 0);
	CHECK(offset == 1);
	CHECK(symbol_lookup(0x1000, &offset) == NULL);
}
