/*
 * The ext2 host harness's entry.
 *
 *	ext2_host IMAGE                       commands on standard input
 *	ext2_host IMAGE corrupt random|each FIRST COUNT STEP
 *	ext2_host IMAGE save random|each FIRST COUNT STEP FILE
 *	                                      damaged disks: see corrupt.c
 *	ext2_host IMAGE crash ARGUMENTS       crash states: see crash.c
 */
#include "commands.h"
#include "corrupt.h"
#include "crash.h"
#include "string.h"

/** corrupt|save random|each FIRST COUNT STEP [FILE] */
static void
damaged(char **arg)
{
	bool each = strcmp(arg[1], "each") == 0;
	unsigned long first = host_number(arg[2]);
	unsigned count = (unsigned)host_number(arg[3]);
	unsigned step = (unsigned)host_number(arg[4]);

	if (strcmp(arg[0], "save") == 0)
		corrupt_save(arg[5], each, first, count, step);
	else
		corrupt(each, first, count, step);
}

int
main(int argc, char **argv)
{
	static char line[16384];
	size_t size;
	void *image;

	if (argc < 2)
		host_fail("usage: ext2_host IMAGE [corrupt|save|crash ...]");
	image = host_load(argv[1], &size);
	shim_verbose = argc == 2;
	shim_init(image, size);
	if (argc > 3 && strcmp(argv[2], "crash") == 0) {
		crash((unsigned)argc - 3, argv + 3);
	} else if (argc >= 7) {
		damaged(argv + 2);
	} else {
		while (host_line(line, sizeof(line)))
			command_run(line);
	}
	host_free(image);
	return 0;
}
