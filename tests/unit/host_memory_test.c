/* SPDX-License-Identifier: MIT */
/* The members of the Linux hooks that are about memory (src/host/memory.c). */
#include <string.h>
#include <sys/mman.h>

#include <ioas/device.h>

#include "failing_call.h"
#include "host/host.h"
#include "pci/function.h"
#include "rig.h"

/*
 * Sanitizers end the process when malloc(3) is asked for too much; here it has
 * to answer NULL.
 */
#define MAY_RETURN_NULL __attribute__((visibility("default")))
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

MAY_RETURN_NULL const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

MAY_RETURN_NULL const char *__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static struct ioas_hooks host(void)
{
	struct ioas_hooks hooks;

	ioas_host_hooks(&hooks);
	return hooks;
}

static struct uaddr at(const void *p, size_t offset)
{
	return (struct uaddr){(uint64_t)(uintptr_t)p + offset};
}

static void memory_is_zeroed_and_aligned(struct rig *r)
{
	static const size_t sizes[] = {1, 63, 64, 65, 4095, 1 << 20};
	struct ioas_hooks h = host();
	unsigned int i;
	size_t k;

	for (i = 0; i < IOAS_ARRAY_SIZE(sizes); i++) {
		char *p = h.alloc(sizes[i]);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 64, 0);
		for (k = 0; k < sizes[i]; k++)
			assert_int_equal(p[k], 0);
		memset(p, 0x55, sizes[i]);
		h.free(p, sizes[i]);
	}
	assert_null(h.alloc(SIZE_MAX / 2));
}

typedef int pin_fn(struct uaddr start, uint64_t length, unsigned int perm,
                   uint64_t *ret_pinned);

static void check_holes(struct rig *r, pin_fn *pin)
{
	const size_t page = rig_page(), pages = 9;
	uint64_t pinned;
	size_t hole;
	char *p;

	for (hole = 0; hole < pages; hole++) {
		p = rig_memory(r, pages * page);
		assert_int_equal(
			pin(at(p, 0), pages * page, IOAS_WRITE, &pinned), 0);
		assert_int_equal(pinned, pages * page);
		rig_hole(r, p + hole * page, page);
		assert_int_equal(
			pin(at(p, 0), pages * page, IOAS_READ, &pinned),
			-EFAULT);
		assert_int_equal(pinned, hole * page);
	}
}

static void check_parts_of_pages(struct rig *r, pin_fn *pin)
{
	const size_t page = rig_page();
	char *p = rig_memory(r, 3 * page);
	uint64_t pinned;

	assert_int_equal(pin(at(p, page / 2), page, IOAS_READ, &pinned), 0);
	assert_int_equal(pinned, page);
	rig_hole(r, p + page, page);
	assert_int_equal(pin(at(p, page / 2), page, IOAS_READ, &pinned),
	                 -EFAULT);
	assert_int_equal(pinned, page / 2);
	assert_int_equal(pin(at(p, page + page / 2), page, IOAS_READ, &pinned),
	                 -EFAULT);
	assert_int_equal(pinned, 0);
	assert_int_equal(pin(at(p, 0), 0, IOAS_READ, &pinned), 0);
	assert_int_equal(pinned, 0);
}

static void check_permission(struct rig *r, pin_fn *pin)
{
	const size_t page = rig_page();
	char *p = rig_memory(r, 2 * page);
	uint64_t pinned;

	p[0] = p[page] = 7;
	rig_read_only(r, p + page, page);
	assert_int_equal(pin(at(p, 0), 2 * page, IOAS_READ, &pinned), 0);
	assert_int_equal(pin(at(p, 0), 2 * page, IOAS_WRITE, &pinned), -EFAULT);
	assert_int_equal(pinned, page);
	assert_int_equal(p[0], 7);
	assert_int_equal(p[page], 7);
}

static void check_bringing_in(struct rig *r, pin_fn *pin)
{
	const size_t page = rig_page(), pages = 16;
	char *p = rig_memory(r, pages * page);
	unsigned char there[16];
	uint64_t pinned;
	size_t i;

	assert_int_equal(madvise(p, pages * page, MADV_DONTNEED), 0);
	assert_int_equal(
		pin(at(p, 0), pages * page, IOAS_READ | IOAS_WRITE, &pinned),
		0);
	/* One of several that are a page is brought in by a touch. */
	if (rig_emulated() && rig_page_shift() > 12)
		rig_skip("pages of the emulated process are several of the "
		         "system's");
	assert_int_equal(mincore(p, pages * page, there), 0);
	for (i = 0; i < pages; i++)
		assert_int_equal(there[i] & 1, 1);
}

static void pin_counts_the_bytes_before_a_hole(struct rig *r)
{
	check_holes(r, host().pin);
}

static void pin_takes_parts_of_pages(struct rig *r)
{
	check_parts_of_pages(r, host().pin);
}

static void pin_refuses_what_may_not_be_written(struct rig *r)
{
	check_permission(r, host().pin);
}

static void pin_brings_pages_in(struct rig *r)
{
	check_bringing_in(r, host().pin);
}

static void pin_by_touch_does_as_pin_does(struct rig *r)
{
	check_holes(r, ioas_host_pin_by_touch);
	check_parts_of_pages(r, ioas_host_pin_by_touch);
	check_permission(r, ioas_host_pin_by_touch);
	check_bringing_in(r, ioas_host_pin_by_touch);
}

static bool pin_works(void *memory)
{
	uint64_t pinned = 0;

	return !host().pin(at(memory, 0), rig_page(), IOAS_WRITE, &pinned) &&
	       pinned == rig_page();
}

/* First of the pins: what the kernel can do is found out once. */
static void pin_works_without_populate(struct rig *r)
{
	check_with_failing_call(SYS_madvise, EINVAL, pin_works,
	                        rig_memory(r, rig_page()));
}

static void pin_refuses_the_end_of_the_address_space(struct rig *r)
{
	struct ioas_hooks h = host();
	struct uaddr top = {UINT64_MAX - rig_page() + 1};
	struct uaddr bottom = {0};
	uint64_t pinned = 1;

	assert_int_equal(h.pin(top, rig_page(), IOAS_READ, &pinned), -EFAULT);
	assert_int_equal(pinned, 0);
	assert_int_equal(h.pin(bottom, UINT64_MAX, IOAS_READ, &pinned),
	                 -EFAULT);
	assert_int_equal(pinned, 0);
}

static void unpin_leaves_memory_as_it_is(struct rig *r)
{
	char *p = rig_memory(r, rig_page());

	p[5] = 5;
	host().unpin(at(p, 0), rig_page());
	assert_int_equal(p[5], 5);
}

static void copy_moves_any_length_at_any_offset(struct rig *r)
{
	struct ioas_hooks h = host();
	uint8_t from[256], to[256], wanted[256];
	size_t bytes, a, b, i;

	for (i = 0; i < sizeof(from); i++)
		from[i] = (uint8_t)(i * 7 + 1);
	for (bytes = 0; bytes < 80; bytes++) {
		a = rig_random_below(r, 100);
		b = rig_random_below(r, 100);
		memset(to, 0, sizeof(to));
		memset(wanted, 0, sizeof(wanted));
		memcpy(wanted + b, from + a, bytes);
		assert_int_equal(h.copy(to + b, from + a, bytes), 0);
		assert_memory_equal(to, wanted, sizeof(to));
	}
}

static void copy_of_memory_that_has_gone_fails(struct rig *r)
{
	const size_t page = rig_page();
	struct ioas_hooks h = host();
	char *p = rig_memory(r, 4 * page);
	char word[16] = "0123456789abcde";

	rig_read_only(r, p + page, page);
	rig_hole(r, p + 2 * page, page);
	assert_int_equal(h.copy(p, p + page, page), 0);
	assert_int_equal(h.copy(p + page, p, page), -EFAULT);
	assert_int_equal(h.copy(p, p + 2 * page, 16), -EFAULT);
	assert_int_equal(h.copy(p + 2 * page, p, 16), -EFAULT);
	assert_int_equal(h.copy(p + 2 * page - 3, word, 8), -EFAULT);
	assert_int_equal(h.copy(word, p + 2 * page - 8, 16), -EFAULT);
	assert_int_equal(h.copy(p, p + page, 2 * page), -EFAULT);
}

static void copy_writes_units_in_ascending_order(struct rig *r)
{
	const size_t page = rig_page();
	struct ioas_hooks h = host();
	uint64_t *p = rig_memory(r, 3 * page);
	uint64_t *edge = p + page / 8;
	uint64_t *back = p + 2 * page / 8;
	const uint64_t from[] = {1, 2, 3, 4, 5, 6, 7, 8};

	rig_hole(r, edge, page);
	assert_int_equal(h.copy(edge - 1, from, 16), -EFAULT);
	assert_int_equal(edge[-1], 1);
	assert_int_equal(h.copy(edge - 3, from, 32), -EFAULT);
	assert_int_equal(edge[-3], 1);
	assert_int_equal(edge[-2], 2);
	assert_int_equal(edge[-1], 3);
	/* A later unit is not there when an earlier one could not be. */
	assert_int_equal(h.copy(back - 1, from, 16), -EFAULT);
	assert_int_equal(back[0], 0);
	assert_int_equal(h.copy(back - 1, from, 64), -EFAULT);
	assert_int_equal(back[6], 0);
}

static bool copy_works(void *memory)
{
	const size_t page = rig_page();
	struct ioas_hooks h = host();
	uint64_t word = 7, back = 0;
	char *p = memory;
	size_t i;

	for (i = 0; i < page; i++)
		p[i] = (char)(i / 3);
	/* The second page is a hole, the third and fourth are memory. */
	return !h.copy(p + 2 * page + 5, p, page) &&
	       !memcmp(p + 2 * page + 5, p, page) &&
	       !h.copy(&back, &word, sizeof(word)) && back == word &&
	       h.copy(p + page, &word, sizeof(word)) == -EFAULT &&
	       h.copy(&back, p + page, sizeof(back)) == -EFAULT &&
	       h.copy(p + 2 * page, p + 12, page) == -EFAULT;
}

/* As in a container whose filter refuses it, with each errno in use. */
static void copy_works_where_process_vm_readv_is_refused(struct rig *r)
{
	const uint32_t errors[] = {ENOSYS, EPERM, EACCES};
	const size_t page = rig_page();
	char *p = rig_memory(r, 4 * page);
	size_t i;

	rig_hole(r, p + page, page);
	for (i = 0; i < IOAS_ARRAY_SIZE(errors); i++)
		check_with_failing_call(SYS_process_vm_readv, errors[i],
		                        copy_works, p);
}

static void errno_is_left_alone(struct rig *r)
{
	const size_t page = rig_page();
	struct ioas_hooks h = host();
	char *p = rig_memory(r, 2 * page);
	uint64_t pinned;

	rig_hole(r, p, page);
	errno = 4711;
	assert_int_equal(h.copy(p, p + page, 8), -EFAULT);
	assert_int_equal(h.pin(at(p, 0), page, IOAS_READ, &pinned), -EFAULT);
	assert_int_equal(errno, 4711);
	assert_int_equal(ioas_sys(-1, 0, 0, 0, 0, 0, 0), -ENOSYS);
	assert_int_equal(errno, 4711);
}

/* covers: ioas_device_alloc -ENOMEM */
static void state_of_a_model_is_zeroed_and_counted(struct rig *r)
{
	struct ioas_device dev = {.failure = ""};
	void *memory = NULL;
	uint8_t *p;
	unsigned int i;
	int err = rig_try(r, ioas_device_alloc(&dev, 1000, &memory));

	if (rig_failed(r)) {
		assert_int_equal(err, -ENOMEM);
		assert_null(memory);
		assert_non_null(strstr(dev.failure, "no memory"));
		return;
	}
	assert_int_equal(err, 0);
	assert_int_equal(rig_live(r), 1);
	p = memory;
	for (i = 0; i < 1000; i++)
		assert_int_equal(p[i], 0);
	ioas_device_free(p, 1000);
	ioas_device_free(NULL, 1);
	assert_int_equal(rig_live(r), 0);
}

RIG_MAIN("host_memory", RIG_TEST(memory_is_zeroed_and_aligned),
         RIG_TEST(pin_works_without_populate),
         RIG_TEST(pin_counts_the_bytes_before_a_hole),
         RIG_TEST(pin_takes_parts_of_pages),
         RIG_TEST(pin_refuses_what_may_not_be_written),
         RIG_TEST(pin_brings_pages_in), RIG_TEST(pin_by_touch_does_as_pin_does),
         RIG_TEST(pin_refuses_the_end_of_the_address_space),
         RIG_TEST(unpin_leaves_memory_as_it_is),
         RIG_TEST(copy_moves_any_length_at_any_offset),
         RIG_TEST(copy_of_memory_that_has_gone_fails),
         RIG_TEST(copy_writes_units_in_ascending_order),
         RIG_TEST(copy_works_where_process_vm_readv_is_refused),
         RIG_TEST(errno_is_left_alone),
         RIG_TEST(state_of_a_model_is_zeroed_and_counted))
