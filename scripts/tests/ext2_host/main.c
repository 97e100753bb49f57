/*
 * The ext2 host harness's entry.
 *
 *	ext2_host IMAGE                       commands on standard input
 *	ext2_host IMAGE corrupt SEED COUNT    damaged disks: see corrupt.c
 *	ext2_host IMAGE crash ARGUMENTS       crash states: see crash.c
 */
#include "commands.h"
#include "corrupt.h"
#include "crash.h"
#include "string.h"

int
main(int argc, char **argv)
{
	static char line[16384];
	size_t size;
	void *image;

	if (argc < 2)
		host_fail("usage: ext2_host IMAGE [corrupt|crash ...]");
	image = host_load(argv[1], &size);
	shim_verbose = argc == 2;
	shim_init(image, size);
	if (argc == 5 && strcmp(argv[2], "corrupt") == 0) {
		corrupt(host_number(argv[3]), (unsigned)host_number(argv[4]));
	} else if (argc > 3 && strcmp(argv[2], "crash") == 0) {
		crash((unsigned)argc - 3, argv + 3);
	} else {
		while (host_line(line, sizeof(line)))
			command_run(line);
	}
	host_free(shim_image);
	return 0;
}
