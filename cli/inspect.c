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
#include <paths.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cli/cli.h"

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
	ssize_t n = pread(in->fd, loader, want, (off_t)ph->p_offset);

	if (n < 0)
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

/* What the file does not have the loader could only crash on. */
static bool cut_off(struct inspection *in, const Elf64_Phdr *ph)
{
	struct stat st;

	if ((ph->p_type != PT_LOAD && ph->p_type != PT_INTERP) ||
	    fstat(in->fd, &st))
		return false;
	if (ph->p_offset <= (uint64_t)st.st_size &&
	    ph->p_filesz <= (uint64_t)st.st_size - ph->p_offset)
		return false;
	return REASON(in,
	              "%s is cut off: it has %lld bytes, and a part of it "
	              "would be %llu bytes from byte %llu on; copy or build it "
	              "again",
	              in->path, (long long)st.st_size,
	              (unsigned long long)ph->p_filesz,
	              (unsigned long long)ph->p_offset);
}

#if defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
#define OUR_NAME    "AArch64"
#else
#define OUR_MACHINE EM_X86_64
#define OUR_NAME    "x86-64"
#endif

static bool wrong_elf(struct inspection *in, const Elf64_Ehdr *eh)
{
	Elf64_Phdr ph, interpreter = {.p_type = PT_NULL};
	unsigned int i;

	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_machine != OUR_MACHINE)
		return REASON(in,
		              "%s is a program of another ABI (ELF machine %u, "
		              "%s bits); ioas's library is for " OUR_NAME,
		              in->path, eh->e_machine,
		              eh->e_ident[EI_CLASS] == ELFCLASS64 ? "64"
		                                                  : "32");
	for (i = 0; i < eh->e_phnum; i++) {
		off_t at = (off_t)(eh->e_phoff + (uint64_t)i * eh->e_phentsize);

		if (pread(in->fd, &ph, sizeof(ph), at) != sizeof(ph))
			return REASON(in, "%s: its program headers are cut off",
			              in->path);
		if (cut_off(in, &ph))
			return true;
		if (ph.p_type == PT_INTERP)
			interpreter = ph;
	}
	if (interpreter.p_type == PT_INTERP)
		return wrong_loader(in, &interpreter);
	if (is_loader(in->path))
		return false;
	return REASON(in,
	              "%s is statically linked: it makes its system calls "
	              "itself and no library can see them; use a dynamically "
	              "linked build",
	              in->path);
}

/* What a file is to execvp(3), by how it begins. */
enum kind {
	KIND_ELF,
	KIND_SCRIPT,   /* "#!" and a name */
	KIND_NAMELESS, /* "#!" and nothing */
	KIND_SHELL, /* text: the kernel refuses it, execvp(3) calls a shell */
	KIND_OTHER,
};

/* Up to the interpreter's name: @ret_name is inside of @head, which is cut. */
static enum kind script_kind(char *head, const char **ret_name)
{
	char *start = head + 2;
	char *end;

	while (*start == ' ' || *start == '\t')
		start++;
	end = start + strcspn(start, " \t\r\n");
	if (end == start)
		return *end == '\n' ? KIND_SHELL : KIND_NAMELESS;
	*end = '\0';
	*ret_name = start;
	return KIND_SCRIPT;
}

static enum kind kind_of(char *head, size_t n, const char **ret_name)
{
	if (n >= sizeof(Elf64_Ehdr) && !memcmp(head, ELFMAG, SELFMAG))
		return KIND_ELF;
	if (n >= 2 && !memcmp(head, "#!", 2))
		return script_kind(head, ret_name);
	return memchr(head, 0, n) ? KIND_OTHER : KIND_SHELL;
}

bool ioas_find_interpreter(const char *path, char *ret_path, size_t bytes)
{
	char head[PATH_MAX] = "";
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head) - 1, 0);
	const char *found = NULL;

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return false;
	if (kind_of(head, (size_t)n, &found) == KIND_SHELL)
		found = _PATH_BSHELL;
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

static bool wrong_type(struct inspection *in)
{
	struct stat st;

	if (fstat(in->fd, &st) || S_ISREG(st.st_mode))
		return false;
	return REASON(in, "%s is %s, not a program", in->path,
	              S_ISDIR(st.st_mode) ? "a directory" : "no regular file");
}

static bool wrong_kind(struct inspection *in, enum kind kind,
                       const Elf64_Ehdr *eh)
{
	switch (kind) {
	case KIND_ELF:
		return wrong_elf(in, eh);
	case KIND_NAMELESS:
		return REASON(in,
		              "%s is a script that names no interpreter behind "
		              "its #!",
		              in->path);
	case KIND_OTHER:
		return REASON(in, "%s is no program: neither ELF nor a script",
		              in->path);
	default:
		return false;
	}
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
	const char *next = NULL;
	enum kind kind;
	bool bad;
	ssize_t n;

	memset(&head, 0, sizeof(head));
	if (!loaded && access(path, X_OK))
		return false; /* to start it says why it cannot be */
	in.fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (in.fd < 0)
		return false; /* not readable: only running it can tell */
	n = pread(in.fd, &head, sizeof(head) - 1, 0);
	bad = wrong_type(&in) || (!loaded && gains_privilege(&in));
	if (!bad && n >= 0) {
		kind = kind_of(head.text, (size_t)n, &next);
		bad = wrong_kind(&in, kind, &head.elf);
	}
	close(in.fd);
	if (!next)
		return bad;
	if (depth == IOAS_SCRIPTS_DEEP)
		return REASON(&in,
		              "%s is a script run by another one, and so on: "
		              "the system follows %u of them; do scripts run "
		              "each other?",
		              path, IOAS_SCRIPTS_DEEP);
	return inspect(next, depth + 1, false, ret_reason, bytes);
}

bool ioas_inspect(const char *path, char *ret_reason, size_t bytes)
{
	return inspect(path, 0, false, ret_reason, bytes);
}

bool ioas_inspect_loaded(const char *path, char *ret_reason, size_t bytes)
{
	return inspect(path, 0, true, ret_reason, bytes);
}
