/* SPDX-License-Identifier: MIT */
/*
 * bench-file FILE read|write DEPTH COUNT: what the requests of qemu-img bench
 * cost at the least. They are made as system calls and nothing else, one after
 * the other, over the file from its beginning. DEPTH is the number of buffers
 * that are used in turn, as so many requests under way would have.
 *
 * Prints microseconds a request.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REQUEST 4096 /* as qemu-img bench is told */

typedef ssize_t transfer(int fd, const struct iovec *part, int count, off_t at);

struct run {
	transfer *call;
	int fd;
	off_t bytes; /* of the file, whole requests */
	char *buffers;
	unsigned long depth, count;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench-file: %s: %s\n", what, strerror(errno));
	exit(1);
}

static unsigned long positive(const char *text)
{
	unsigned long value = strtoul(text, NULL, 10);

	if (!value) {
		errno = EINVAL;
		die(text);
	}
	return value;
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void open_file(struct run *run, const char *path)
{
	struct stat status;

	run->fd = open(path, O_RDWR | O_CLOEXEC);
	if (run->fd < 0 || fstat(run->fd, &status))
		die(path);
	run->bytes = status.st_size / REQUEST * REQUEST;
	if (!run->bytes) {
		errno = ENODATA;
		die(path);
	}
}

static void make_buffers(struct run *run)
{
	size_t bytes = run->depth * REQUEST;

	run->buffers = malloc(bytes);
	if (!run->buffers)
		die("buffers");
	memset(run->buffers, 1, bytes);
}

static void make_requests(const struct run *run)
{
	struct iovec part = {.iov_len = REQUEST};
	off_t at = 0;
	unsigned long i;

	for (i = 0; i < run->count; i++) {
		part.iov_base = run->buffers + i % run->depth * REQUEST;
		if (run->call(run->fd, &part, 1, at) != REQUEST)
			die("request");
		at = (at + REQUEST) % run->bytes;
	}
}

int main(int argc, char **argv)
{
	struct run run = {0};
	double begin;

	if (argc != 5) {
		fputs("usage: bench-file FILE read|write DEPTH COUNT\n",
		      stderr);
		return 2;
	}
	run.call = strcmp(argv[2], "write") ? preadv : pwritev;
	run.depth = positive(argv[3]);
	run.count = positive(argv[4]);
	open_file(&run, argv[1]);
	make_buffers(&run);
	begin = now_us();
	make_requests(&run);
	printf("%.4f\n", (now_us() - begin) / (double)run.count);
	free(run.buffers);
	return close(run.fd) ? 1 : 0;
}
