/* SPDX-License-Identifier: MIT */
/*
 * Which sanitizer runtime a program is linked with. Such a runtime insists on
 * being the first library of the process (address) or has to be (thread), and
 * LD_PRELOAD comes before what a program is linked with: so it is named there
 * as well, in front of ours.
 *
 * The file may be anything: every offset in it is read with pread(2), which
 * knows where the file ends.
 */
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* Sonames begin so. The undefined behaviour one does not mind its place. */
static const char *const runtimes[] = {
	"libasan.so",         "libtsan.so",        "liblsan.so",
	"libhwasan.so",       "libclang_rt.asan-", "libclang_rt.tsan-",
	"libclang_rt.hwasan", "libclang_rt.lsan-", NULL,
};

#define HEADERS_MAX 64
#define DYNAMIC_MAX 1024 /* entries */

struct elf {
	int fd;
	unsigned int headers;
	Elf64_Phdr header[HEADERS_MAX];
};

static bool read_headers(struct elf *elf)
{
	Elf64_Ehdr head;
	size_t bytes;

	if (pread(elf->fd, &head, sizeof(head), 0) != sizeof(head) ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG) ||
	    head.e_ident[EI_CLASS] != ELFCLASS64 ||
	    head.e_phentsize != sizeof(Elf64_Phdr))
		return false;
	elf->headers = head.e_phnum < HEADERS_MAX ? head.e_phnum : HEADERS_MAX;
	bytes = elf->headers * sizeof(Elf64_Phdr);
	return pread(elf->fd, elf->header, bytes, (off_t)head.e_phoff) ==
	       (ssize_t)bytes;
}

static const Elf64_Phdr *find_header(const struct elf *elf, uint32_t type)
{
	unsigned int i;

	for (i = 0; i < elf->headers; i++)
		if (elf->header[i].p_type == type)
			return &elf->header[i];
	return NULL;
}

/* Where in the file an address of the loaded program is. */
static bool offset_of(const struct elf *elf, uint64_t address,
                      uint64_t *ret_offset)
{
	const Elf64_Phdr *ph;
	unsigned int i;

	for (i = 0; i < elf->headers; i++) {
		ph = &elf->header[i];
		if (ph->p_type == PT_LOAD &&
		    address - ph->p_vaddr < ph->p_filesz) {
			*ret_offset = ph->p_offset + (address - ph->p_vaddr);
			return true;
		}
	}
	return false;
}

static bool is_runtime(const char *soname)
{
	const char *const *r;

	for (r = runtimes; *r; r++)
		if (!strncmp(soname, *r, strlen(*r)))
			return true;
	return false;
}

/* The i-th entry of the dynamic section, until DT_NULL. */
static bool read_dynamic(const struct elf *elf, const Elf64_Phdr *dynamic,
                         unsigned int i, Elf64_Dyn *ret)
{
	off_t at = (off_t)(dynamic->p_offset + i * sizeof(*ret));

	return i < DYNAMIC_MAX &&
	       pread(elf->fd, ret, sizeof(*ret), at) == sizeof(*ret) &&
	       ret->d_tag != DT_NULL;
}

static bool find_strings(const struct elf *elf, const Elf64_Phdr *dynamic,
                         uint64_t *ret_offset)
{
	Elf64_Dyn d;
	unsigned int i;

	for (i = 0; read_dynamic(elf, dynamic, i, &d); i++)
		if (d.d_tag == DT_STRTAB)
			return offset_of(elf, d.d_un.d_ptr, ret_offset);
	return false;
}

static bool find_runtime(const struct elf *elf, char *ret_soname, size_t bytes)
{
	const Elf64_Phdr *dynamic = find_header(elf, PT_DYNAMIC);
	uint64_t strings;
	Elf64_Dyn d;
	unsigned int i;
	ssize_t n;

	if (!dynamic || !find_strings(elf, dynamic, &strings))
		return false;
	for (i = 0; read_dynamic(elf, dynamic, i, &d); i++) {
		if (d.d_tag != DT_NEEDED)
			continue;
		n = pread(elf->fd, ret_soname, bytes - 1,
		          (off_t)(strings + d.d_un.d_val));
		ret_soname[n > 0 ? n : 0] = '\0';
		if (is_runtime(ret_soname))
			return true;
	}
	return false;
}

bool ioas_sanitizer_runtime(const char *path, char *ret_soname, size_t bytes)
{
	struct elf elf = {.fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
	bool found;

	if (elf.fd < 0)
		return false;
	found = read_headers(&elf) && find_runtime(&elf, ret_soname, bytes);
	close(elf.fd);
	return found;
}

bool ioas_sanitizer_named(const char *libraries)
{
	unsigned int i;

	for (i = 0; runtimes[i]; i++)
		if (strstr(libraries, runtimes[i]))
			return true;
	return false;
}
