/* Text to tokens. */
#include <ctype.h>
#include <stdlib.h>

#include "calc.h"

struct token
next_token(const char **text)
{
	struct token t = { END };

	while (isspace((unsigned char)**text))
		(*text)++;
	if (isdigit((unsigned char)**text)) {
		t.kind = NUMBER;
		t.number = strtol(*text, (char **)text, 0);
	} else if (**text) {
		t.kind = OPERATOR;
		t.operator= *(*text)++;
	}
	return t;
}
