/* SPDX-License-Identifier: MIT */
/*
 * Messages of interrupts that go where they should, and elsewhere: the program
 * writes into the vector table of its engine, or has the engine copy to where
 * interrupts are written. Of two engines where it says so.
 */
#include "../ioat/driver.h"

#define TABLE 0x2000

static struct driver d, other;
static int event, other_event;

static uint64_t count_of(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static int arm(struct driver *driver)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	CHECK(fd >= 0);
	set_events(&driver->vfio, fd);
	return fd;
}

static void begin(void)
{
	driver_start(&d);
	event = arm(&d);
	start(&d);
	put8(&d, INTRCTRL, 8);
}

static void begin_two(void)
{
	begin();
	driver_second(&other, &d);
	other_event = arm(&other);
}

static uint64_t at(uint64_t offset)
{
	return DMA + DATA + offset;
}

/* One copy of 4 bytes to @to, which ends with the engine's interrupt. */
static void copy_to(uint64_t to, uint32_t value, uint32_t control)
{
	*(volatile uint32_t *)(d.memory + DATA) = value;
	start(&d);
	describe(&d, 0, at(0), to, 4);
	ring(&d)[0].control = control;
	put16(&d, CHANCTRL, 0x0d);
	CHECK(run(&d, 1) == DONE);
}

static void interrupt(void)
{
	copy_to(at(64), 1, INTERRUPT);
}

static void set_table(uint64_t address, uint32_t data)
{
	put(d.bar, TABLE, address);
	*(volatile uint32_t *)(d.bar + TABLE + 8) = data;
}

static uint32_t data_of(struct driver *driver)
{
	return *(volatile uint32_t *)(driver->bar + TABLE + 8);
}

/* ---- Cases. ---- */

static void arrives(void)
{
	unsigned int i;

	begin();
	for (i = 0; i < 100; i++) {
		interrupt();
		CHECK(count_of(event) == 1);
		put8(&d, INTRCTRL, 8);
	}
	printf("0x%llx\n", (unsigned long long)get(d.bar, TABLE));
}

/* Unmapping everything is no business of the interrupt's. */
static void arrives_after_unmap_all(void)
{
	struct vfio_iommu_type1_dma_unmap all = {
		.argsz = sizeof(all), .flags = VFIO_DMA_UNMAP_FLAG_ALL};

	begin();
	CHECK(!ioctl(d.vfio.container, VFIO_IOMMU_UNMAP_DMA, &all));
	map_at(&d, DMA, d.memory, BYTES,
	       VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE);
	interrupt();
	CHECK(count_of(event) == 1);
}

/* The address that the interrupt controller has, which nobody translated. */
static void physical_address(void)
{
	begin();
	set_table(0x08090040, data_of(&d));
	interrupt();
	CHECK(count_of(event) == 0);
}

static void into_memory(void)
{
	begin();
	set_table(at(4096), 0x12345678);
	interrupt();
	CHECK(count_of(event) == 0);
	CHECK(*(uint32_t *)(d.memory + DATA + 4096) == 0x12345678);
}

static void unknown_number(void)
{
	begin();
	set_table(get(d.bar, TABLE), 99);
	interrupt();
	CHECK(count_of(event) == 0);
}

/* It says how often the other device's vector was raised. */
static void another_devices(void)
{
	begin_two();
	set_table(get(other.bar, TABLE), data_of(&other));
	interrupt();
	CHECK(count_of(event) == 0);
	printf("%llu\n", (unsigned long long)count_of(other_event));
}

static void copied_to_the_doorbell(void)
{
	begin();
	copy_to(get(d.bar, TABLE), data_of(&d), 0);
	CHECK(count_of(event) == 1);
}

static void copied_with_another_number(void)
{
	begin();
	copy_to(get(d.bar, TABLE), 77, 0);
	CHECK(count_of(event) == 0);
}

static void is_not_permitted(void)
{
	struct vfio v;

	CHECK((v.container = open(CONTAINER, O_RDWR)) >= 0);
	CHECK((v.group = open(GROUP, O_RDWR)) >= 0);
	CHECK(!ioctl(v.group, VFIO_GROUP_SET_CONTAINER, &v.container));
	FAILS(ioctl(v.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), EPERM);
}

static const struct client_case cases[] = {
	CASE(arrives),
	CASE(arrives_after_unmap_all),
	CASE(physical_address),
	CASE(into_memory),
	CASE(unknown_number),
	CASE(another_devices),
	CASE(copied_to_the_doorbell),
	CASE(copied_with_another_number),
	CASE(is_not_permitted),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return client_main(cases, argc, argv);
}
