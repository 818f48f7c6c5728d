/* SPDX-License-Identifier: MIT */
/* Reads and writes of an NVMe controller, told by both. */
#include "../nvme/driver.h"
#include "dirty.h"

#define FIRST 16u /* page of DATA */
#define BLOCK 512u

static struct driver d;

/* Up to two pages, wherever they are: the second one need not follow. */
static void transfer(bool is_read)
{
	uint32_t blocks = 1 + dirty_random(8), bytes = blocks * BLOCK;
	uint32_t offset = dirty_random(DIRTY_PAGE / 4) * 4;
	uint32_t here =
		DIRTY_PAGE - offset < bytes ? DIRTY_PAGE - offset : bytes;
	uint64_t first = FIRST + dirty_random(DIRTY_PAGES - FIRST);
	uint64_t second = FIRST + dirty_random(DIRTY_PAGES - FIRST);
	struct sqe sqe = {
		.opcode = is_read ? 2 : 1,
		.nsid = 1,
		.prp1 = DMA + first * DIRTY_PAGE + offset,
		.prp2 = here < bytes ? DMA + second * DIRTY_PAGE : 0,
		.dw10 = dirty_random(1024),
		.dw12 = blocks - 1,
	};

	CHECK(!run_one(&d, 1, &sqe));
	dirty_expect(DMA + 3 * DIRTY_PAGE, 1);
	if (!is_read)
		return;
	dirty_expect(sqe.prp1, here);
	if (here < bytes)
		dirty_expect(sqe.prp2, bytes - here);
}

int main(int argc, char **argv)
{
	unsigned int round, i;

	driver_open(&d);
	for (i = FIRST * DIRTY_PAGE; i < BYTES; i++)
		d.memory[i] = (uint8_t)(i * 31 + i / 4096);
	for (i = 0; i < FIRST; i++)
		dirty.own[i] = true;
	dirty_start(&d.vfio, DMA, d.memory);
	for (round = 0; round < 200; round++) {
		for (i = dirty_random(12); i; i--)
			transfer(dirty_random(2));
		dirty_look();
	}
	dirty_end();
	return 0;
}
