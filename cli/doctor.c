/* SPDX-License-Identifier: MIT */
/*
 * `ioas doctor [PROGRAM]`: will it work, what will be caught and what not. The
 * program is looked at and not run. What decides alone (a static program,
 * another ABI, privileges) is in inspect.c; the rest is read from its ELF
 * file: which wrapped functions it imports, and hints at ways around them.
 *
 * Sources: elf(5); Go's build identification in .note.go.buildid.
 */
#include "cli/doctor.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "preload/symbols.h"

#define FINE IOAS_VERDICT_FINE
#define NOTE IOAS_VERDICT_NOTE
#define BAD  IOAS_VERDICT_BAD

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

void ioas_doctor_say(struct ioas_doctor *d, enum ioas_verdict verdict,
                     const char *format, ...)
{
	static const char *const words[] = {"ok  ", "note", "BAD "};
	va_list args;

	if (verdict == BAD)
		d->bad = true;
	printf("%s  ", words[verdict]);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

/* An ELF file in memory; every offset in it is checked before use. */
struct image {
	const uint8_t *at;
	size_t bytes;
	const Elf64_Ehdr *head;
	const Elf64_Sym *symbol; /* dynamic */
	size_t symbols;
	const char *text; /* their names; ends with a 0 */
	size_t text_bytes;
};

static const void *inside(const struct image *im, uint64_t at, uint64_t bytes)
{
	if (at > im->bytes || bytes > im->bytes - at)
		return NULL;
	return im->at + at;
}

static const Elf64_Shdr *section(const struct image *im, unsigned int i)
{
	const Elf64_Ehdr *head = im->head;

	if (i >= head->e_shnum || head->e_shentsize != sizeof(Elf64_Shdr))
		return NULL;
	return inside(im, head->e_shoff + (uint64_t)i * sizeof(Elf64_Shdr),
	              sizeof(Elf64_Shdr));
}

/* A table of names, which must end where it says. */
static const char *names_of(const struct image *im, const Elf64_Shdr *s)
{
	const char *text = s ? inside(im, s->sh_offset, s->sh_size) : NULL;

	return text && s->sh_size && !text[s->sh_size - 1] ? text : NULL;
}

static const Elf64_Shdr *find_section(const struct image *im, const char *name)
{
	const Elf64_Shdr *names = section(im, im->head->e_shstrndx);
	const char *text = names_of(im, names);
	const Elf64_Shdr *s;
	unsigned int i;

	for (i = 0; text && (s = section(im, i)); i++)
		if (s->sh_name < names->sh_size &&
		    !strcmp(text + s->sh_name, name))
			return s;
	return NULL;
}

static void read_symbols(struct image *im)
{
	const Elf64_Shdr *s = find_section(im, ".dynsym");
	const Elf64_Shdr *names = s ? section(im, s->sh_link) : NULL;

	if (!s || s->sh_entsize != sizeof(Elf64_Sym))
		return;
	im->text = names_of(im, names);
	im->text_bytes = im->text ? names->sh_size : 0;
	im->symbol = inside(im, s->sh_offset, s->sh_size);
	im->symbols =
		im->symbol && im->text ? s->sh_size / sizeof(Elf64_Sym) : 0;
}

/* Among the dynamic symbols: defined here, or wanted from elsewhere. */
static bool has_symbol(const struct image *im, const char *name, bool defined)
{
	size_t i;

	for (i = 0; i < im->symbols; i++) {
		const Elf64_Sym *s = &im->symbol[i];

		if (s->st_name < im->text_bytes &&
		    (s->st_shndx != SHN_UNDEF) == defined &&
		    !strcmp(im->text + s->st_name, name))
			return true;
	}
	return false;
}

/* ---- What is said ---- */

#define SYMBOL_NAME(ret, name, params) #name,
static const char *const wrapped[] = {IOAS_SYMBOLS(SYMBOL_NAME)};

static void say_imports(struct ioas_doctor *d, const struct image *im)
{
	char names[256] = "";
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < COUNT(wrapped); i++) {
		if (!has_symbol(im, wrapped[i], false))
			continue;
		n++;
		if (strlen(names) + strlen(wrapped[i]) + 8 < sizeof(names))
			strcat(strcat(names, " "), wrapped[i]);
	}
	if (!im->symbols)
		ioas_doctor_say(d, NOTE,
		                "its imports cannot be read: whether its calls "
		                "are caught shows when it runs");
	else if (!n)
		ioas_doctor_say(d, NOTE,
		                "imports none of the %zu wrapped functions; "
		                "what its libraries call is caught",
		                COUNT(wrapped));
	else
		ioas_doctor_say(d, FINE,
		                "imports %u of the %zu wrapped functions:%s%s",
		                n, COUNT(wrapped), names, n > 16 ? " ..." : "");
}

/* A symbol or a section, and what it means when it is there. */
static const struct hint {
	const char *name;
	enum { IMPORT, EXPORT, SECTION } where;
	const char *text;
} hints[] = {
	{".note.go.buildid", SECTION,
         "a Go program: its runtime makes system calls itself; calls of Go's "
         "own packages are not caught, calls through cgo are"},
	{"malloc", EXPORT,
         "brings its own malloc: memory that it frees while mapped is not "
         "noticed"},
	{"__asan_init", IMPORT,
         "built with the address sanitizer: its runtime is loaded first"},
	{"__tsan_init", IMPORT,
         "built with the thread sanitizer: its runtime is loaded first"},
	{"fts_open", IMPORT,
         "uses fts(3), which lists the real /sys inside the C library"},
	{"io_uring_setup", IMPORT,
         "uses io_uring: eventfds work, reads and writes of VFIO files by it "
         "do not"},
	{"io_uring_queue_init", IMPORT,
         "uses io_uring: eventfds work, reads and writes of VFIO files by it "
         "do not"},
};

static void say_hints(struct ioas_doctor *d, const struct image *im)
{
	size_t i;

	for (i = 0; i < COUNT(hints); i++) {
		const struct hint *h = &hints[i];
		bool there =
			h->where == SECTION
				? find_section(im, h->name) != NULL
				: has_symbol(im, h->name, h->where == EXPORT);

		if (there)
			ioas_doctor_say(d, NOTE, "%s", h->text);
	}
}

/* SYSCALL is 0f 05; the same bytes can be part of something else. */
static unsigned long count_calls(const struct image *im)
{
	const Elf64_Phdr *ph;
	const uint8_t *code;
	unsigned long n = 0;
	unsigned int i;
	uint64_t k;

	for (i = 0; i < im->head->e_phnum; i++) {
		ph = inside(im, im->head->e_phoff + (uint64_t)i * sizeof(*ph),
		            sizeof(*ph));
		if (!ph || ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
			continue;
		code = inside(im, ph->p_offset, ph->p_filesz);
		for (k = 0; code && k + 1 < ph->p_filesz; k++)
			n += code[k] == 0x0f && code[k + 1] == 0x05;
	}
	return n;
}

static void say_calls(struct ioas_doctor *d, const struct image *im)
{
	unsigned long n = count_calls(im);

	if (n)
		ioas_doctor_say(d, NOTE,
		                "up to %lu system call instructions in its own "
		                "code: a call on a VFIO file made there is not "
		                "caught",
		                n);
	else
		ioas_doctor_say(d, FINE,
		                "no system call instructions in its own code");
}

static void look_into(struct ioas_doctor *d, struct image *im)
{
	im->head = inside(im, 0, sizeof(*im->head));
	if (!im->head || memcmp(im->head->e_ident, ELFMAG, SELFMAG) != 0 ||
	    im->head->e_phentsize != sizeof(Elf64_Phdr))
		return;
	read_symbols(im);
	say_imports(d, im);
	say_calls(d, im);
	say_hints(d, im);
}

/* NULL when it was looked into, else why it could not be. */
static const char *look_at_bytes(struct ioas_doctor *d, int fd)
{
	struct image im = {0};
	struct stat st;
	void *at;

	if (fstat(fd, &st))
		return strerror(errno);
	im.bytes = (size_t)st.st_size;
	at = mmap(NULL, im.bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return strerror(errno);
	im.at = at;
	look_into(d, &im);
	munmap(at, im.bytes);
	return NULL;
}

static void look_at_file(struct ioas_doctor *d, const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	const char *why = fd < 0 ? strerror(errno) : look_at_bytes(d, fd);

	if (why)
		ioas_doctor_say(d, NOTE, "%s cannot be read: %s", path, why);
	if (fd >= 0)
		close(fd);
}

/* From a script to what runs it. */
static void find_runner(struct ioas_doctor *d, char path[PATH_MAX])
{
	char next[PATH_MAX];
	unsigned int depth;

	for (depth = 0; depth < IOAS_SCRIPTS_DEEP; depth++) {
		if (!ioas_find_interpreter(path, next, sizeof(next)))
			return;
		ioas_doctor_say(d, FINE,
		                "%s is a script: %s runs it, and is what is "
		                "looked at",
		                path, next);
		strcpy(path, next);
	}
}

/* What a loader is told to load is what will make the calls. */
static void look_at_loaded(struct ioas_doctor *d, const char *path)
{
	char reason[PATH_MAX + 256];

	if (access(path, R_OK))
		ioas_doctor_say(d, BAD, "%s cannot be read: %s", path,
		                strerror(errno));
	else if (ioas_inspect_loaded(path, reason, sizeof(reason)))
		ioas_doctor_say(d, BAD, "%s", reason);
	else
		look_at_file(d, path);
}

static void say_empty(struct ioas_doctor *d, const char *path)
{
	struct stat st;

	if (!stat(path, &st) && !st.st_size)
		ioas_doctor_say(d, NOTE,
		                "%s is empty: as a script of no lines it does "
		                "nothing",
		                path);
}

static void look_at_program(struct ioas_doctor *d, char **program)
{
	char path[PATH_MAX], reason[PATH_MAX + 256];
	const char *name = program[0], *loaded = ioas_find_loaded(program);

	if (!ioas_find_program(name, path, sizeof(path))) {
		ioas_doctor_say(d, BAD, "cannot find '%s'", name);
		return;
	}
	if (access(path, X_OK)) {
		ioas_doctor_say(d, BAD, "%s cannot be executed: %s", path,
		                strerror(errno));
		return;
	}
	if (ioas_inspect(path, reason, sizeof(reason))) {
		ioas_doctor_say(d, BAD, "%s", reason);
		return;
	}
	say_empty(d, path);
	find_runner(d, path);
	if (access(path, X_OK)) {
		ioas_doctor_say(d, BAD, "%s cannot be executed: %s", path,
		                strerror(errno));
		return;
	}
	ioas_doctor_say(d, FINE,
	                "%s takes preloaded libraries: dynamically linked for "
	                "the GNU C library, without privileges",
	                path);
	if (!loaded) {
		look_at_file(d, path);
		return;
	}
	ioas_doctor_say(d, FINE, "it is a loader: %s is what is looked at",
	                loaded);
	look_at_loaded(d, loaded);
}

int ioas_verb_doctor(int argc, char **argv)
{
	struct ioas_doctor doctor = {0};

	if (argc > 1 && !strcmp(argv[1], "--"))
		argv++, argc--;
	if (argc > 1 && argv[1][0] == '-')
		ioas_die(IOAS_EXIT_SETUP,
		         "usage: ioas doctor [PROGRAM [ARGS]]");
	if (argc > 1)
		look_at_program(&doctor, argv + 1);
	ioas_doctor_host(&doctor);
	puts(doctor.bad ? "It will not work: see BAD above."
	                : "Nothing speaks against it.");
	if (fflush(stdout) || ferror(stdout))
		ioas_die(IOAS_EXIT_SETUP, "cannot write what was found");
	return doctor.bad;
}
