/*
 * The loader's information, copied into boot_info: the memory map, the command
 * line and the ACPI root pointer. Two formats: multiboot2's list of tags and
 * PVH's start_info. Both lie in memory that the kernel will reuse, so nothing
 * points into them afterwards.
 *
 * Sources: Multiboot2 Specification 2.0, section 3.6; Xen
 * include/public/arch-x86/hvm/start_info.h.
 */
#include "boot.h"
#include "string.h"

#define MULTIBOOT2_MAGIC 0x36d76289
#define PVH_MAGIC	 0x336ec578

struct boot_info boot_info;

/* Multiboot2, 3.6.2: the information is a list of these. */
struct mb2_tag {
	uint32_t type;
	uint32_t size; /* with this header; the next tag is 8-aligned */
	uint8_t data[];
};

enum {
	MB2_TAG_END = 0,
	MB2_TAG_COMMAND_LINE = 1,
	MB2_TAG_MEMORY_MAP = 6,
	MB2_TAG_RSDP_V1 = 14,
	MB2_TAG_RSDP_V2 = 15,
};

/* 3.6.8. A later version may have larger entries, with more behind the fields
 * that we know; so entry_size is the step. */
struct mb2_memory_map {
	uint32_t entry_size;
	uint32_t version;
	uint8_t entries[];
};

/* Xen's struct hvm_start_info. Addresses are physical, as ebx is. */
struct pvh_start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t nmodules;
	uint64_t modules;
	uint64_t command_line;
	uint64_t rsdp;
	uint64_t memory_map; /* from version 1 on */
	uint32_t nmemory_map;
	uint32_t reserved;
};

struct pvh_memory {
	uint64_t base;
	uint64_t len;
	uint32_t type;
	uint32_t reserved;
};

/* Ranges are kept sorted by address: insertion sort, the map is short. One that
 * is empty, or wraps around the end of the address space, is firmware's mistake
 * and left out; what is left out is memory not used, which does no harm. */
static void
add_memory(uint64_t base, uint64_t len, uint32_t type)
{
	unsigned i = boot_info.nmemory;

	if (len == 0 || base + len < base || i == MEMORY_RANGES_MAX)
		return;
	for (; i > 0 && boot_info.memory[i - 1].base > base; i--)
		boot_info.memory[i] = boot_info.memory[i - 1];
	boot_info.memory[i] = (struct memory_range){ base, len, type };
	boot_info.nmemory++;
}

static void
mb2_memory(const struct mb2_tag *tag)
{
	const struct mb2_memory_map *map = (const void *)tag->data;
	uint32_t entry;

	if (map->entry_size < sizeof(struct pvh_memory))
		return;
	/* 16: the tag's header and the map's. An entry counts only if it lies
	 * within the tag as a whole. */
	for (entry = 16; entry + map->entry_size <= tag->size;
	     entry += map->entry_size) {
		/* The two formats agree on an entry's layout. */
		const struct pvh_memory *m =
			(const void *)((const uint8_t *)tag + entry);
		add_memory(m->base, m->len, m->type);
	}
}

/* The tag holds the ACPI root pointer itself, not its address: 20 bytes (ACPI
 * 1.0) or 36. A copy of the later kind is the better one; GRUB gives it last.
 */
static void
mb2_rsdp(const struct mb2_tag *tag)
{
	size_t len = tag->size - sizeof(*tag);

	if (len > sizeof(boot_info.rsdp_copy))
		len = sizeof(boot_info.rsdp_copy);
	memcpy(boot_info.rsdp_copy, tag->data, len);
	boot_info.has_rsdp_copy = true;
}

/* The first word is the whole length. Each tag says its own; the sum of what
 * they say is checked against the whole before the next one is looked at, and a
 * tag shorter than its header, which would keep us in place, ends the list. */
static void
parse_multiboot2(paddr_t info)
{
	const uint32_t *header = direct_map(info);
	uint32_t total = header[0], at = 8;

	boot_info.loader = "multiboot2";
	while (at + sizeof(struct mb2_tag) <= total) {
		const struct mb2_tag *tag = direct_map(info + at);

		if (tag->type == MB2_TAG_END || tag->size < sizeof(*tag))
			break;
		if (tag->type == MB2_TAG_COMMAND_LINE)
			strlcpy(boot_info.command_line, (const char *)tag->data,
				COMMAND_LINE_MAX);
		else if (tag->type == MB2_TAG_MEMORY_MAP)
			mb2_memory(tag);
		else if (tag->type == MB2_TAG_RSDP_V1 ||
			 tag->type == MB2_TAG_RSDP_V2)
			mb2_rsdp(tag);
		at += ROUND_UP(tag->size, 8);
	}
}

/* Version 0 has no memory map; QEMU gives version 1. */
static void
parse_pvh(const struct pvh_start_info *start)
{
	const struct pvh_memory *map = direct_map(start->memory_map);
	uint32_t i;

	boot_info.loader = "PVH";
	boot_info.rsdp = start->rsdp;
	if (start->command_line)
		strlcpy(boot_info.command_line, direct_map(start->command_line),
			COMMAND_LINE_MAX);
	if (start->version >= 1)
		for (i = 0; i < start->nmemory_map; i++)
			add_memory(map[i].base, map[i].len, map[i].type);
}

void
boot_info_parse(uint32_t magic, paddr_t info)
{
	const struct pvh_start_info *start = direct_map(info);

	/* Multiboot2 is known by eax; PVH leaves eax open, and is known by what
	 * ebx points to. */
	if (magic == MULTIBOOT2_MAGIC)
		parse_multiboot2(info);
	else if (start->magic == PVH_MAGIC)
		parse_pvh(start);
	else
		panic("boot: loaded by neither multiboot2 nor PVH (eax %#x)",
		      magic);
	if (boot_info.nmemory == 0)
		panic("boot: the loader gave no memory map");
}

/* The word at *at, and *at moved past it; NULL at the end. */
static const char *
next_word(const char **at, size_t *len)
{
	const char *word;

	while (**at == ' ')
		(*at)++;
	word = *at;
	while (**at != ' ' && **at != '\0')
		(*at)++;
	*len = *at - word;
	return *len ? word : NULL;
}

/* A word is "key" or "key=value"; the first that fits counts. Values have no
 * blanks, and there are no quotes. */
bool
command_line_get(const char *key, char *value, size_t size)
{
	const char *at = boot_info.command_line, *word;
	size_t len, n = strlen(key);

	while ((word = next_word(&at, &len))) {
		if (len < n || memcmp(word, key, n) != 0 ||
		    (len > n && word[n] != '='))
			continue;
		if (size) {
			size_t from = MIN(n + 1, len);
			size_t copied = MIN(len - from, size - 1);

			memcpy(value, word + from, copied);
			value[copied] = '\0';
		}
		return true;
	}
	return false;
}

bool
command_line_has(const char *key)
{
	return command_line_get(key, NULL, 0);
}

/* 16: no digit in any base that we read. */
static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return 16;
}

uint64_t
command_line_number(const char *key, uint64_t otherwise)
{
	char text[24], *p = text;
	uint64_t n = 0;
	int base = 10;

	if (!command_line_get(key, text, sizeof(text)) || !*p)
		return otherwise;
	if (p[0] == '0' && p[1] == 'x') {
		base = 16;
		p += 2;
	}
	for (; *p; p++) {
		if (digit(*p) >= base)
			return otherwise;
		n = n * base + digit(*p);
	}
	return n;
}
