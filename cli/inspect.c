/* SPDX-License-Identifier: MIT */
/*
 * Can this program be intercepted? The dynamic loader takes LD_PRELOAD only in
 * programs it loads itself, of its own ABI, and that gain no privilege. What
 * can be seen before the program runs is said before it runs.
 */
#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cli/cli.h"

#define SCRIPTS_DEEP 4

struct inspection {
	const char *path;
	int fd;
	char *reason;
	size_t bytes;
};

#define REASON(in, ...) (snprintf((in)->reason, (in)->bytes, __VA_ARGS__), true)

static bool is_file(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

bool ioas_find_program(const char *name, char *ret_path, size_t bytes)
{
	const char *dir = getenv("PATH");
	const char *end;

	if (strchr(name, '/')) {
		snprintf(ret_path, bytes, "%s", name);
		return !access(name, F_OK);
	}
	if (!dir || !*dir)
		dir = "/bin:/usr/bin";
	for (;; dir = end + 1) {
		end = strchrnul(dir, ':');
		snprintf(ret_path, bytes, "%.*s%s%s", (int)(end - dir), dir,
		         end == dir ? "" : "/", name);
		if (is_file(ret_path))
			return true;
		if (!*end)
			return false;
	}
}

/* Set-id bits that change who runs it, or file capabilities. */
static bool gains_privilege(struct inspection *in)
{
	struct stat st;

	if (fstat(in->fd, &st))
		return false;
	if ((st.st_mode & S_ISUID) && st.st_uid != geteuid())
		return REASON(in,
		              "%s is set-user-id: the system does not preload "
		              "libraries into it; run it as user %u, or use a "
		              "copy without the bit",
		              in->path, (unsigned int)st.st_uid);
	if ((st.st_mode & S_ISGID) && st.st_gid != getegid())
		return REASON(in,
		              "%s is set-group-id: the system does not preload "
		              "libraries into it; use a copy without the bit",
		              in->path);
	if (geteuid() && fgetxattr(in->fd, "security.capability", NULL, 0) > 0)
		return REASON(in,
		              "%s has file capabilities: the system does not "
		              "preload libraries into it; use a copy without "
		              "them (setcap -r)",
		              in->path);
	return false;
}

static bool wrong_loader(struct inspection *in, const Elf64_Phdr *ph)
{
	char loader[PATH_MAX] = "";
	size_t want = ph->p_filesz < sizeof(loader) - 1 ? ph->p_filesz
	                                                : sizeof(loader) - 1;

	if (pread(in->fd, loader, want, (off_t)ph->p_offset) < 0)
		return REASON(in, "%s: cannot read its loader's name: %s",
		              in->path, strerror(errno));
	if (strstr(loader, "ld-musl"))
		return REASON(in,
		              "%s is built for musl libc; ioas intercepts "
		              "programs of the GNU C library",
		              in->path);
	if (!strstr(loader, "/ld-linux"))
		return REASON(in,
		              "%s is loaded by %s, not by the GNU C library",
		              in->path, loader);
	return false;
}

/* The loader itself, by whatever link: what it is told to load, it preloads
 * for. */
static bool is_loader(const char *path)
{
	char real[PATH_MAX];
	const char *slash;

	if (!realpath(path, real))
		return false;
	slash = strrchr(real, '/');
	return !strncmp(slash ? slash + 1 : real, "ld-linux", 8);
}

static bool wrong_elf(struct inspection *in, const Elf64_Ehdr *eh)
{
	Elf64_Phdr ph;
	unsigned int i;

	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_machine != EM_X86_64)
		return REASON(in,
		              "%s is a program of another ABI (ELF machine %u, "
		              "%s bits); ioas's library is for x86-64",
		              in->path, eh->e_machine,
		              eh->e_ident[EI_CLASS] == ELFCLASS64 ? "64"
		                                                  : "32");
	for (i = 0; i < eh->e_phnum; i++) {
		off_t at = (off_t)(eh->e_phoff + (uint64_t)i * eh->e_phentsize);

		if (pread(in->fd, &ph, sizeof(ph), at) != sizeof(ph))
			return REASON(in, "%s: its program headers are cut off",
			              in->path);
		if (ph.p_type == PT_INTERP)
			return wrong_loader(in, &ph);
	}
	if (is_loader(in->path))
		return false;
	return REASON(in,
	              "%s is statically linked: it makes its system calls "
	              "itself and no library can see them; use a dynamically "
	              "linked build",
	              in->path);
}

/* The interpreter named behind "#!", or NULL. Cuts @head. */
static char *interpreter(char *head)
{
	char *start = head + 2;
	char *end;

	while (*start == ' ' || *start == '\t')
		start++;
	end = start + strcspn(start, " \t\r\n");
	*end = '\0';
	return *start ? start : NULL;
}

bool ioas_find_interpreter(const char *path, char *ret_path, size_t bytes)
{
	char head[PATH_MAX] = "";
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head) - 1, 0);
	const char *found = NULL;

	if (fd >= 0)
		close(fd);
	if (n > 2 && !memcmp(head, "#!", 2))
		found = interpreter(head);
	if (found)
		snprintf(ret_path, bytes, "%s", found);
	return found;
}

/* Options of ld.so(8) that take the next word. */
static const char *const loader_words[] = {
	"--library-path",         "--inhibit-rpath",     "--preload", "--audit",
	"--glibc-hwcaps-prepend", "--glibc-hwcaps-mask", "--argv0",
};

static bool takes_a_word(const char *option)
{
	size_t i;

	for (i = 0; i < sizeof(loader_words) / sizeof(loader_words[0]); i++)
		if (!strcmp(option, loader_words[i]))
			return true;
	return false;
}

const char *ioas_find_loaded(char **program)
{
	char path[PATH_MAX];
	char **word = program + 1;

	if (!ioas_find_program(program[0], path, sizeof(path)) ||
	    !is_loader(path))
		return NULL;
	while (*word && !strncmp(*word, "--", 2))
		word += takes_a_word(*word) && word[1] ? 2 : 1;
	/* Without a slash it is looked for where libraries are. */
	return *word && strchr(*word, '/') ? *word : NULL;
}

/* @loaded: not executed but mapped by a loader, so no privilege is gained. */
static bool inspect(const char *path, unsigned int depth, bool loaded,
                    char *ret_reason, size_t bytes)
{
	union {
		Elf64_Ehdr elf;
		char text[PATH_MAX];
	} head;
	struct inspection in = {
		.path = path, .reason = ret_reason, .bytes = bytes};
	char *next = NULL;
	bool bad;
	ssize_t n;

	memset(&head, 0, sizeof(head));
	if (!loaded && access(path, X_OK))
		return false; /* to start it says why it cannot be */
	in.fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (in.fd < 0)
		return false; /* not readable: only running it can tell */
	n = pread(in.fd, &head, sizeof(head) - 1, 0);
	bad = !loaded && gains_privilege(&in);
	if (!bad && n >= (ssize_t)sizeof(head.elf) &&
	    !memcmp(head.text, ELFMAG, SELFMAG))
		bad = wrong_elf(&in, &head.elf);
	else if (!bad && n > 2 && !memcmp(head.text, "#!", 2))
		next = interpreter(head.text);
	else if (!bad && n > 0 && memchr(head.text, 0, (size_t)n))
		bad = REASON(&in, "%s is no program: neither ELF nor a script",
		             in.path);
	close(in.fd);
	if (next && depth < SCRIPTS_DEEP)
		return inspect(next, depth + 1, false, ret_reason, bytes);
	return bad;
}

bool ioas_inspect(const char *path, char *ret_reason, size_t bytes)
{
	return inspect(path, 0, false, ret_reason, bytes);
}

bool ioas_inspect_loaded(const char *path, char *ret_reason, size_t bytes)
{
	return inspect(path, 0, true, ret_reason, bytes);
}
