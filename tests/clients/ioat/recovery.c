/* SPDX-License-Identifier: MIT */
/* An engine that needs time after an error (recovery=): one case a run. */
#include <poll.h>

#include "driver.h"

static struct driver d;

static uint8_t *data(uint64_t offset)
{
	return d.memory + DATA + offset;
}

static uint64_t at(uint64_t offset)
{
	return DMA + DATA + offset;
}

#define RECOVERY_MS 300

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The first of two copies fails; then the other one is released. */
static void fail_and_go_on(void)
{
	describe(&d, 0, NOWHERE, at(MIB), 64);
	describe(&d, 1, at(0), at(MIB), 64);
	memset(data(0), 5, 64);
	memset(data(MIB), 0, 64);
	start(&d);
	CHECK(run(&d, 2) == HALTED);
	*(volatile uint32_t *)(d.bar + CHANERR) = get32(&d, CHANERR);
	put8(&d, CHANCMD, RESET);
	put(d.bar, CHAINADDR, at_descriptor(1));
	CHECK(get(d.bar, CHANSTS) == ARMED);
	put16(&d, DMACOUNT, 1);
}

/* What is posted needs a moment. */
static void wait_active(void)
{
	while ((get32(&d, CHANSTS) & 7) == ARMED)
		;
	CHECK((get32(&d, CHANSTS) & 7) == ACTIVE);
	CHECK(!*data(MIB));
}

static void recovers(void)
{
	uint64_t begin;
	unsigned int i;

	driver_start(&d);
	for (i = 0; i < 3; i++) {
		begin = now_ms();
		fail_and_go_on();
		wait_active();
		CHECK(wait_stopped(&d) == DONE);
		CHECK(now_ms() - begin >= RECOVERY_MS);
		CHECK(!memcmp(data(0), data(MIB), 64));
	}
}

/* With an hour for it: nothing but the copies waits. */
static void used_in_recovery(void)
{
	driver_start(&d);
	fail_and_go_on();
	wait_active();
	put8(&d, CHANCMD, SUSPEND);
	CHECK((get32(&d, CHANSTS) & 7) == SUSPENDED);
	put8(&d, CHANCMD, RESUME);
	wait_active();
	put8(&d, CHANCMD, ABORT);
	CHECK((get32(&d, CHANSTS) & 7) == HALTED);
	put(d.bar, CHAINADDR, at_descriptor(1));
	put16(&d, DMACOUNT, 1);
	wait_active();
	CHECK(!ioctl(d.vfio.device, VFIO_DEVICE_RESET));
	CHECK(get(d.bar, CHANSTS) == HALTED);
	master_on(&d);
	describe(&d, 0, at(0), at(MIB), 64);
	start(&d);
	CHECK(run(&d, 1) == DONE);
	CHECK(*data(MIB) == 5);
	fail_and_go_on();
	wait_active();
}

/* ---- Without a view of its registers ---- */

static void write_at(unsigned int offset, uint64_t value, unsigned int bytes)
{
	CHECK(pwrite(d.vfio.device, &value, bytes, offset) == (int)bytes);
}

static unsigned int read_state(void)
{
	uint64_t value;

	CHECK(pread(d.vfio.device, &value, 8, CHANSTS) == 8);
	return value & 7;
}

/* Nobody looks at the device until its interrupt is there. */
static void waits_by_interrupt(void)
{
	struct pollfd pollfd = {.events = POLLIN};
	uint64_t count;

	vfio_open(&d.vfio);
	master_on(&d);
	d.memory = memory_of(BYTES);
	map_at(&d, DMA, d.memory, BYTES,
	       VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE);
	CHECK((pollfd.fd = eventfd(0, EFD_NONBLOCK)) >= 0);
	set_events(&d.vfio, pollfd.fd);
	describe(&d, 0, NOWHERE, at(MIB), 64);
	describe(&d, 1, at(0), at(MIB), 64);
	ring(&d)[1].control = INTERRUPT;
	memset(data(0), 5, 64);
	write_at(INTRCTRL, 8, 1);
	write_at(CHANCTRL, 0x0d, 2);
	write_at(CHANCMP, DMA + STATUS, 8);
	write_at(CHAINADDR, DMA, 8);
	write_at(DMACOUNT, 2, 2);
	while (read_state() != HALTED)
		;
	write_at(CHAINADDR, at_descriptor(1), 8);
	write_at(DMACOUNT, 1, 2);
	CHECK(poll(&pollfd, 1, 60000) == 1);
	CHECK(read(pollfd.fd, &count, sizeof(count)) == sizeof(count));
	CHECK(count == 1);
	CHECK(!memcmp(data(0), data(MIB), 64));
	CHECK(read_state() == DONE);
}

static const struct client_case cases[] = {
	{"recovers", recovers},
	{"used-in-recovery", used_in_recovery},
	{"waits-by-interrupt", waits_by_interrupt},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return client_main(cases, argc, argv);
}
