/* What the operators do. */
#include "calc.h"

long
apply(char operator, long left, long right, const char **error)
{
	long result = 1;

	switch (operator) {
	case '+':
		return left + right;
	case '-':
		return left - right;
	case '*':
		return left * right;
	case '^':
		while (right-- > 0)
			result *= left;
		return result;
	default:
		if (right)
			return left / right;
		*error = "division by zero";
		return 0;
	}
}
