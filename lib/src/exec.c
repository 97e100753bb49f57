/*
 * exec by name, the environment, and getopt.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXECL_MAX 64

int
execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

int
execl(const char *path, const char *arg, ...)
{
	char *argv[EXECL_MAX + 1];
	va_list ap;
	int n = 0;

	va_start(ap, arg);
	for (char *a = (char *)arg; a != NULL && n < EXECL_MAX;
	     a = va_arg(ap, char *))
		argv[n++] = a;
	va_end(ap);
	argv[n] = NULL;
	return execv(path, argv);
}

/** Tries one folder of PATH; gives the error that execvp should report. */
static int
exec_in(const char *folder, size_t len, const char *name, char *const argv[])
{
	char path[PATH_MAX];

	if (len + 1 + strlen(name) >= sizeof(path))
		return ENAMETOOLONG;
	snprintf(path, sizeof(path), "%.*s%s%s", (int)len, folder,
		 len > 0 ? "/" : "", name);
	execv(path, argv);
	return errno;
}

int
execvp(const char *name, char *const argv[])
{
	const char *path = getenv("PATH");
	bool denied = false;

	if (strchr(name, '/') != NULL)
		return execv(name, argv);
	if (*name == '\0') {
		errno = ENOENT;
		return -1;
	}
	if (path == NULL)
		path = "/bin:/usr/bin";
	for (;; path++) {
		size_t len = strcspn(path, ":");
		int error = exec_in(path, len, name, argv);

		if (error == EACCES)
			denied = true;
		else if (error != ENOENT && error != ENOTDIR) {
			errno = error;
			return -1;
		}
		path += len;
		if (*path == '\0')
			break;
	}
	errno = denied ? EACCES : ENOENT;
	return -1;
}

/** The entry NAME=... of the environment, or NULL. */
static char **
find_env(const char *name, size_t len)
{
	for (char **e = environ; *e != NULL; e++)
		if (strncmp(*e, name, len) == 0 && (*e)[len] == '=')
			return e;
	return NULL;
}

char *
getenv(const char *name)
{
	size_t len = strlen(name);
	char **e = find_env(name, len);

	return e == NULL ? NULL : *e + len + 1;
}

/** Appends an entry. The first time, the vector moves from the stack. */
static int
add_env(char *entry)
{
	static char **ours;
	size_t n = 0;
	char **vector;

	while (environ[n] != NULL)
		n++;
	vector = reallocarray(environ == ours ? ours : NULL, n + 2,
			      sizeof(*vector));
	if (vector == NULL)
		return -1;
	if (environ != ours)
		memcpy(vector, environ, n * sizeof(*vector));
	vector[n] = entry;
	vector[n + 1] = NULL;
	environ = ours = vector;
	return 0;
}

static int
check_name(const char *name)
{
	if (*name != '\0' && strchr(name, '=') == NULL)
		return 0;
	errno = EINVAL;
	return -1;
}

/* An entry that is replaced is not freed: it may have come from the kernel, or
   be in somebody's hand from getenv. */
int
setenv(const char *name, const char *value, int overwrite)
{
	size_t len = strlen(name), size = len + strlen(value) + 2;
	char **old;
	char *entry;

	if (check_name(name) < 0)
		return -1;
	old = find_env(name, len);
	if (old != NULL && !overwrite)
		return 0;
	entry = malloc(size);
	if (entry == NULL)
		return -1;
	snprintf(entry, size, "%s=%s", name, value);
	if (old == NULL)
		return add_env(entry);
	*old = entry;
	return 0;
}

int
unsetenv(const char *name)
{
	size_t len = strlen(name);
	char **e;

	if (check_name(name) < 0)
		return -1;
	while ((e = find_env(name, len)) != NULL)
		do
			e[0] = e[1];
		while (*e++ != NULL);
	return 0;
}

char *optarg;
int optind = 1, opterr = 1, optopt;

static int
getopt_error(char *const argv[], const char *options, const char *what)
{
	if (opterr && *options != ':')
		fprintf(stderr, "%s: %s -- '%c'\n", argv[0], what, optopt);
	return '?';
}

int
getopt(int argc, char *const argv[], const char *options)
{
	static const char *at; /* within a word of several options */
	const char *found;

	if (at == NULL || *at == '\0') {
		at = optind < argc ? argv[optind] : NULL;
		if (at == NULL || at[0] != '-' || at[1] == '\0')
			return at = NULL, -1;
		optind++;
		if (strcmp(at, "--") == 0)
			return at = NULL, -1;
		at++;
	}
	optopt = *at++;
	found = optopt == ':' ? NULL : strchr(options, optopt);
	if (found == NULL)
		return getopt_error(argv, options, "unknown option");
	if (found[1] != ':')
		return optopt;
	optarg = *at != '\0' ? (char *)at : argv[optind];
	at = NULL;
	if (optarg == NULL) {
		getopt_error(argv, options, "option needs an argument");
		return *options == ':' ? ':' : '?';
	}
	if (optarg == argv[optind])
		optind++;
	return optopt;
}
