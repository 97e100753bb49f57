/* A calculator in four files: what they share. */
#ifndef CALC_H
#define CALC_H

enum kind { NUMBER, OPERATOR, END };

struct token {
	enum kind kind;
	char operator;
	long number;
};

struct token next_token(const char **text);
long evaluate(const char *text, const char **error);
long apply(char operator, long left, long right, const char **error);

#endif
