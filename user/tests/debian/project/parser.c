/* Tokens to a value, by precedence climbing. */
#include <stddef.h>
#include <string.h>

#include "calc.h"

static struct token token;
static const char *rest;

static void
advance(void)
{
	token = next_token(&rest);
}

static int
precedence(void)
{
	static const char operators[] = "+-*/^";
	const char *found;

	if (token.kind != OPERATOR)
		return 0;
	found = strchr(operators, token.operator);
	return found ? (int)(found - operators) / 2 + 1 : 0;
}

static long expression(int least, const char **error);

static long
operand(const char **error)
{
	long value = token.number;

	if (token.kind == OPERATOR && token.operator== '(') {
		advance();
		value = expression(1, error);
		if (token.kind != OPERATOR || token.operator!= ')')
			*error = "a parenthesis is not closed";
	} else if (token.kind != NUMBER) {
		*error = "a number is missing";
	}
	advance();
	return value;
}

static long
expression(int least, const char **error)
{
	long left = operand(error);

	for (;;) {
		int p = precedence();
		char operator= token.operator;
		long right;

		if (!p || p < least || *error)
			return left;
		advance();
		right = expression(operator== '^' ? p : p + 1, error);
		left = apply(operator, left, right, error);
	}
}

long
evaluate(const char *text, const char **error)
{
	long value;

	rest = text;
	advance();
	value = expression(1, error);
	if (!*error && token.kind != END)
		*error = "something is left over";
	return value;
}
