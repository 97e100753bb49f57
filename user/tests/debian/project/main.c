/* calc EXPRESSION */
#include <stdio.h>

#include "calc.h"

int
main(int argc, char **argv)
{
	const char *error = NULL;
	long value;

	if (argc != 2) {
		fprintf(stderr, "usage: %s EXPRESSION\n", argv[0]);
		return 2;
	}
	value = evaluate(argv[1], &error);
	if (error) {
		fprintf(stderr, "calc: %s\n", error);
		return 1;
	}
	printf("%ld\n", value);
	return 0;
}
