/* SPDX-License-Identifier: MIT */
/*
 * A fuzz target as a plain test:
 *
 *	TARGET FOLDER          every file of the folder, then mutations of them
 *	TARGET --finds FOLDER  the same, and a defect has to be found
 *	TARGET FILE...         these inputs, in this process, for a debugger
 *
 * Mutations are the same in every run: from a fixed seed, MUTATIONS of them or
 * as many as go into about a second. A folder is run in a child; the input
 * that ended the child is in memory that both have, and its parent writes it
 * to a file and names it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define INPUT_MAX  4096
#define SEEDS_MAX  1024
#define MUTATIONS  200000u
#define SPAN_NS    1000000000 /* of the mutations */
#define HANG_S     60         /* of all */
#define FIRST_SEED UINT64_C(0x10a5)

struct seed {
	char name[NAME_MAX + 1];
	uint8_t *bytes;
	size_t size;
};

/* What the parent sees of its child. */
struct progress {
	char name[NAME_MAX + 1]; /* of the seed */
	unsigned int seeds, mutations;
	size_t size;
	uint8_t input[INPUT_MAX];
};

static struct seed seed[SEEDS_MAX];
static size_t seeds;
static struct progress *progress;

static void give_up(const char *what, const char *name)
{
	fprintf(stderr, "fuzz: %s: %s: %s\n", name, what, strerror(errno));
	exit(2);
}

/* ---- Seeds ---- */

static void read_seed(struct seed *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	s->bytes = malloc(INPUT_MAX);
	n = fd < 0 || !s->bytes ? -1 : read(fd, s->bytes, INPUT_MAX);
	if (n < 0)
		give_up("cannot be read", path);
	s->size = (size_t)n;
	close(fd);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct seed *)a)->name,
	              ((const struct seed *)b)->name);
}

/* In the order of their names: the same run everywhere. */
static void read_seeds(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[PATH_MAX];

	if (!dir)
		give_up("cannot be read", folder);
	while (seeds < SEEDS_MAX && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		strcpy(seed[seeds].name, entry->d_name);
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		read_seed(&seed[seeds++], path);
	}
	closedir(dir);
	qsort(seed, seeds, sizeof(seed[0]), by_name);
}

/* ---- Mutations ---- */

static uint64_t rnd_state = FIRST_SEED;

/* splitmix64 */
static uint64_t rnd(void)
{
	uint64_t z = rnd_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static size_t rnd_below(size_t n)
{
	return n ? rnd() % n : 0;
}

static void flip_a_bit(uint8_t *bytes, size_t *size)
{
	if (*size)
		bytes[rnd_below(*size)] ^= (uint8_t)(1 << rnd_below(8));
}

static void set_a_byte(uint8_t *bytes, size_t *size)
{
	if (*size)
		bytes[rnd_below(*size)] = (uint8_t)rnd();
}

/* At the edge of something, or small. */
static void set_a_number(uint8_t *bytes, size_t *size)
{
	size_t width = (size_t)1 << rnd_below(4);
	uint64_t value = UINT64_C(1) << rnd_below(8 * width);

	value += rnd_below(3) - 1;
	if (rnd_below(4) == 0)
		value = -value;
	if (*size >= width)
		memcpy(bytes + rnd_below(*size - width + 1), &value, width);
}

static void erase(uint8_t *bytes, size_t *size)
{
	size_t at = rnd_below(*size), n = 1 + rnd_below(16);

	if (n > *size - at)
		n = *size - at;
	memmove(bytes + at, bytes + at + n, *size - at - n);
	*size -= n;
}

/* Make room for @n bytes. Return: where, or NULL when there is none. */
static uint8_t *open_gap(uint8_t *bytes, size_t *size, size_t n)
{
	size_t at = rnd_below(*size + 1);

	if (n > INPUT_MAX - *size)
		return NULL;
	memmove(bytes + at + n, bytes + at, *size - at);
	*size += n;
	return bytes + at;
}

static void insert(uint8_t *bytes, size_t *size)
{
	size_t n = 1 + rnd_below(8);
	uint8_t *gap = open_gap(bytes, size, n);

	while (gap && n--)
		gap[n] = (uint8_t)rnd();
}

/* A piece of a seed, maybe this one. */
static void join_a_seed(uint8_t *bytes, size_t *size)
{
	const struct seed *s = &seed[rnd_below(seeds)];
	size_t from = rnd_below(s->size), n = 1 + rnd_below(64);
	uint8_t *gap;

	if (n > s->size - from)
		n = s->size - from;
	gap = open_gap(bytes, size, n);
	if (gap)
		memcpy(gap, s->bytes + from, n);
}

static void (*const mutators[])(uint8_t *bytes, size_t *size) = {
	flip_a_bit, set_a_byte, set_a_number, erase, insert, join_a_seed,
};

static void mutate(const struct seed *s)
{
	struct progress *p = progress;
	size_t rounds = 1 + rnd_below(6);

	strcpy(p->name, s->name);
	memcpy(p->input, s->bytes, s->size);
	p->size = s->size;
	while (rounds--)
		mutators[rnd_below(sizeof(mutators) / sizeof(mutators[0]))](
			p->input, &p->size);
}

/* ---- Runs ---- */

/* A block of its own, so that the address sanitizer knows where it ends. */
static void run_input(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, bytes, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void run_seed(const struct seed *s)
{
	struct progress *p = progress;

	strcpy(p->name, s->name);
	memcpy(p->input, s->bytes, s->size);
	p->size = s->size;
	run_input(p->input, p->size);
	p->seeds++;
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void run_all(void)
{
	int64_t begin;
	size_t i;

	alarm(HANG_S);
	for (i = 0; i < seeds; i++)
		run_seed(&seed[i]);
	begin = now_ns();
	while (progress->mutations < MUTATIONS && now_ns() - begin < SPAN_NS) {
		mutate(&seed[rnd_below(seeds)]);
		run_input(progress->input, progress->size);
		progress->mutations++;
	}
	for (i = 0; i < seeds; i++)
		free(seed[i].bytes);
	exit(0);
}

static void keep_input(const char *target)
{
	const struct progress *p = progress;
	const char *base = strrchr(target, '/');
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s.crash", base ? base + 1 : target);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, p->input, p->size) != (ssize_t)p->size)
		give_up("cannot be written", path);
	close(fd);
	printf("the input is in %s (%zu bytes), made of the seed %s; to see it "
	       "again: %s %s\n",
	       path, p->size, p->name, target, path);
}

static void tell_end(int status)
{
	if (WIFSIGNALED(status))
		printf("ended by signal %d (%s)\n", WTERMSIG(status),
		       WTERMSIG(status) == SIGALRM
		               ? "it hung"
		               : strsignal(WTERMSIG(status)));
	else
		printf("ended with status %d\n", WEXITSTATUS(status));
}

static int run_folder(const char *target, const char *folder, bool finds)
{
	int status;
	pid_t child;

	read_seeds(folder);
	if (!seeds) {
		errno = ENOENT;
		give_up("no input", folder);
	}
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
	                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fflush(NULL);
	child = progress == MAP_FAILED ? -1 : fork();
	if (child < 0)
		give_up("cannot be run", target);
	if (!child)
		run_all();
	while (waitpid(child, &status, 0) < 0)
		;
	if (status) {
		tell_end(status);
		keep_input(target);
	}
	printf("%u mutations\n", progress->mutations);
	if (!status == finds) {
		printf("[  FAILED  ] 1 test input\n");
		return 1;
	}
	printf("[  PASSED  ] %u test inputs\n", progress->seeds);
	return 0;
}

int main(int argc, char **argv)
{
	bool finds = argc > 2 && strcmp(argv[1], "--finds") == 0;
	struct stat what;
	int i;

	if (argc < 2) {
		fprintf(stderr, "usage: %s [--finds] FOLDER | FILE...\n",
		        argv[0]);
		return 2;
	}
	i = finds ? 2 : 1;
	if (!stat(argv[i], &what) && S_ISDIR(what.st_mode))
		return run_folder(argv[0], argv[i], finds);
	for (; i < argc; i++) {
		read_seed(&seed[0], argv[i]);
		run_input(seed[0].bytes, seed[0].size);
		printf("%s: %zu bytes, nothing found\n", argv[i], seed[0].size);
		free(seed[0].bytes);
	}
	return 0;
}
