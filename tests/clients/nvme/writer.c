/* SPDX-License-Identifier: MIT */
/*
 * Writes until it is killed: writer BLOCK BLOCKS FIRST
 *
 * Write number n fills one to eight blocks of BLOCK bytes with n, 8 bytes
 * wide. The blocks of BLOCKS are in LANES parts; each write of a batch is in a
 * part of its own, so that no two of them meet. After some batches comes a
 * Flush, and when that has completed a line: the number of the last write.
 * Where a write goes follows from its number alone, so that the test can tell.
 */
#include "driver.h"

#define LANES 8u
#define MOST  8u /* blocks of a write */

static uint64_t mix(uint64_t n)
{
	n = (n ^ n >> 31) * 0x9e3779b97f4a7c15ull;
	return n ^ n >> 29;
}

static void put_write(struct driver *d, uint64_t n, uint32_t block,
                      uint64_t blocks)
{
	const uint32_t lane = n % LANES, count = mix(n) % MOST + 1;
	const uint64_t part = blocks / LANES;
	const uint64_t first = lane * part + mix(n) / MOST % (part - MOST);
	const uint64_t data = DATA + (uint64_t)lane * MOST * PAGE;
	uint64_t *word = (uint64_t *)(d->memory + data);
	uint64_t *list = (uint64_t *)(d->memory + (8 + lane) * PAGE);
	struct sqe sqe = {
		.opcode = 1,
		.nsid = 1,
		.prp1 = DMA + data,
		.dw10 = (uint32_t)first,
		.dw12 = count - 1,
	};
	uint32_t i;

	for (i = 0; i < count * block / 8; i++)
		word[i] = n;
	for (i = 1; i < MOST; i++)
		list[i - 1] = DMA + data + i * PAGE;
	sqe.prp2 = count * block > 2 * PAGE ? DMA + (8 + lane) * PAGE
	                                    : DMA + data + PAGE;
	submit(d, 1, &sqe);
}

static void flush(struct driver *d, uint64_t last)
{
	const struct sqe sqe = {.nsid = 1};
	char line[32];
	int length;

	CHECK(!run_one(d, 1, &sqe));
	length = snprintf(line, sizeof(line), "%llu\n",
	                  (unsigned long long)last);
	CHECK(write(1, line, length) == length);
}

int main(int argc, char **argv)
{
	static struct driver d;
	uint32_t block = strtoul(argv[1], NULL, 0);
	uint64_t blocks = strtoull(argv[2], NULL, 0);
	uint64_t n = strtoull(argv[3], NULL, 0);
	unsigned int batch, i;

	driver_open(&d);
	for (batch = 1;; batch++) {
		for (i = 0; i < LANES; i++)
			put_write(&d, n++, block, blocks);
		ring(&d, 1);
		for (i = 0; i < LANES; i++)
			CHECK(!wait_one(&d, 1));
		if (mix(batch) % 4 == 0)
			flush(&d, n - 1);
	}
}
