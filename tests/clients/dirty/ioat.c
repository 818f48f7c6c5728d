/* SPDX-License-Identifier: MIT */
/* Copies and fills of an I/OAT engine, told by both. */
#define DIRTY_PAGES 2048u
#include "../ioat/driver.h"
#include "dirty.h"

#define FIRST 16u /* page of DATA */

static struct driver d;

static uint64_t anywhere(uint32_t bytes)
{
	return DMA + FIRST * DIRTY_PAGE +
	       dirty_random((DIRTY_PAGES - FIRST) * DIRTY_PAGE - bytes);
}

/* Source and destination do not overlap: what was copied can be compared. */
static void transfer(unsigned int i)
{
	uint32_t bytes = 1 + dirty_random(3 * DIRTY_PAGE);
	uint64_t source = anywhere(bytes), destination = anywhere(bytes);

	if (source < destination + bytes && destination < source + bytes)
		source = destination < DMA + 4 * MIB ? DMA + 6 * MIB
		                                     : DMA + 2 * MIB;
	describe(&d, i, source, destination, bytes);
	if (!dirty_random(3)) {
		ring(&d)[i].source = 0x0101010101010101 * dirty_random(256);
		ring(&d)[i].control = FILL;
	}
	dirty_expect(destination, bytes);
}

static void some(int event)
{
	unsigned int count = 1 + dirty_random(8), i;
	bool told = dirty_random(2);
	uint64_t raised = 0;

	for (i = 0; i < count; i++)
		transfer(i);
	ring(&d)[count - 1].control |= INTERRUPT | (told ? COMPLETION : 0);
	if (told)
		dirty_expect(DMA + STATUS, 8);
	start(&d);
	put8(&d, INTRCTRL, 8);
	CHECK(run(&d, (uint16_t)count) == DONE);
	CHECK(read(event, &raised, 8) == 8 && raised == 1);
}

int main(int argc, char **argv)
{
	unsigned int round, i;
	int event = eventfd(0, 0);

	driver_start(&d);
	for (i = 0; i < BYTES; i++)
		d.memory[i] = (uint8_t)(i * 31 + i / 4096);
	set_events(&d.vfio, event);
	for (i = 0; i < FIRST; i++)
		dirty.own[i] = true;
	dirty_start(&d.vfio, DMA, d.memory);
	for (round = 0; round < 200; round++) {
		for (i = dirty_random(4); i; i--)
			some(event);
		dirty_look();
	}
	dirty_end();
	return 0;
}
