/* SPDX-License-Identifier: MIT */
/* Starting the program with the library in front of its C library. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "host/run.h"

#define LIBRARY "libioas-preload.so"

/* Where this program is; without /proc, as it was started. */
static bool find_self(char *ret_path)
{
	ssize_t n = readlink("/proc/self/exe", ret_path, PATH_MAX - 1);
	const char *started = (const char *)getauxval(AT_EXECFN);

	if (n > 0)
		ret_path[n] = '\0';
	return n > 0 || (started && realpath(started, ret_path));
}

/* Beside the tool when it is not installed, else where it was installed. */
static void find_library(char *ret_path, size_t bytes)
{
	char self[PATH_MAX];

	if (find_self(self)) {
		*strrchr(self, '/') = '\0';
		snprintf(ret_path, bytes, "%s/" LIBRARY, self);
		if (!access(ret_path, R_OK))
			return;
	}
	snprintf(ret_path, bytes, "%s/" LIBRARY, IOAS_LIBRARY_DIR);
	if (access(ret_path, R_OK))
		ioas_die(IOAS_EXIT_SETUP,
		         LIBRARY " is neither beside the tool nor in %s; build "
		                 "or install ioas again",
		         IOAS_LIBRARY_DIR);
}

/* "A:B", or whichever of the two is there. */
static char *join(const char *a, const char *b)
{
	char *both;

	if (asprintf(&both, "%s%s%s", a, *a && *b ? ":" : "", b) < 0)
		ioas_must(NULL);
	return both;
}

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

static void set_environment(const char *name, char *value)
{
	if (setenv(name, value, 1))
		ioas_must(NULL);
	free(value);
}

/*
 * The runtime of a program that the program starts cannot be named here, and
 * the address sanitizer would end it because another library comes first.
 */
static void allow_link_order(void)
{
	const char *before = environment("ASAN_OPTIONS");

	if (!strstr(before, "verify_asan_link_order"))
		set_environment("ASAN_OPTIONS",
		                join(before, "verify_asan_link_order=0"));
}

/*
 * In front of what is there: an allocator must not get a block that a device
 * uses. But a sanitizer's runtime has to be the first.
 */
static void set_preload(char **program)
{
	const char *loaded = ioas_find_loaded(program);
	const char *name = loaded ? loaded : program[0];
	const char *before = environment("LD_PRELOAD");
	char library[PATH_MAX + 32], path[PATH_MAX], runtime[NAME_MAX] = "";
	char *others;

	find_library(library, sizeof(library));
	if (strpbrk(library, ": "))
		ioas_die(IOAS_EXIT_SETUP,
		         "the path '%s' has a space or a colon in it, which "
		         "LD_PRELOAD cannot express; move ioas elsewhere",
		         library);
	if (!ioas_find_program(name, path, sizeof(path)) ||
	    !ioas_sanitizer_runtime(path, runtime, sizeof(runtime)) ||
	    strstr(before, runtime))
		*runtime = '\0';
	if (*runtime)
		set_environment(IOAS_ENV_RUNTIME, join(runtime, ""));
	if (*runtime || ioas_sanitizer_named(before)) {
		others = join(runtime, before);
		set_environment("LD_PRELOAD", join(others, library));
		free(others);
	} else {
		set_environment("LD_PRELOAD", join(library, before));
	}
	allow_link_order();
}

static _Noreturn void become(char **program, int error_pipe,
                             const sigset_t *mask, pid_t tool)
{
	int error;

	/* When the tool is killed, so is the program. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != tool)
		_exit(IOAS_EXIT_SETUP);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(program[0], program);
	error = errno;
	while (write(error_pipe, &error, sizeof(error)) < 0 && errno == EINTR)
		;
	_exit(IOAS_EXIT_CANNOT);
}

pid_t ioas_launch(char **program)
{
	int error = 0;
	int ends[2];
	sigset_t heard, mask;
	pid_t child;
	pid_t tool = getpid();

	set_preload(program);
	sigfillset(&heard);
	/* Job control stops the tool together with the program. */
	sigdelset(&heard, SIGTSTP);
	sigdelset(&heard, SIGTTIN);
	sigdelset(&heard, SIGTTOU);
	if (pipe2(ends, O_CLOEXEC))
		ioas_die(IOAS_EXIT_SETUP, "cannot start the program: %s",
		         strerror(errno));
	sigprocmask(SIG_SETMASK, NULL, &mask);
	/* The tool hears signals through a descriptor; see run.c. */
	sigprocmask(SIG_BLOCK, &heard, NULL);
	child = fork();
	if (child < 0)
		ioas_die(IOAS_EXIT_SETUP, "cannot start the program: %s",
		         strerror(errno));
	if (child == 0)
		become(program, ends[1], &mask, tool);
	close(ends[1]);
	/* The pipe closes by itself when the program starts. */
	while (read(ends[0], &error, sizeof(error)) < 0 && errno == EINTR)
		;
	close(ends[0]);
	if (error)
		ioas_die(error == ENOENT ? IOAS_EXIT_NOT_FOUND
		                         : IOAS_EXIT_CANNOT,
		         "cannot run '%s': %s", program[0], strerror(error));
	return child;
}
