/* SPDX-License-Identifier: MIT */
#include <sys/mman.h>
#include <unistd.h>

#include "mem/backend.h"
#include "mem_rig.h"

static void start(struct rig *r)
{
	start_on(r, rig_backend());
}

/* ---- Register. ---- */

static void register_charges_pins_and_is_found(struct rig *r)
{
	struct ioas_registry_report now;

	start(r);
	assert_false(ioas_registry_any(m.registry));
	rig_ok(r, enter(m.a, 1, 3));
	now = report();
	assert_true(now.regions == 1 && now.charged == 3 && now.pinned == 3);
	assert_true(ioas_a64_load(&m.charged) == 3);
	assert_true(rig_pinned_bytes(r) == pages(3));
	assert_true(ioas_registry_any(m.registry));
	assert_true(!found(0) && found(1) && found(3) && !found(4));
}

static void MEM_7_unregister_gives_everything_back(struct rig *r)
{
	start(r);
	rig_ok(r, enter(m.a, 1, 3));
	rig_ok(r, leave(m.a, 1, 3));
	assert_false(ioas_registry_any(m.registry));
	assert_false(found(1));
	/* The charge at once, the pin when no reader can use it any more. */
	assert_true(ioas_a64_load(&m.charged) == 0);
	assert_true(ioas_registry_settle(m.registry) == 0);
	assert_true(rig_pinned_bytes(r) == 0);
	assert_true(report().pinned == 0);
}

/* covers: ioas_holder_register -EINVAL */
static void register_refuses_what_is_no_range(struct rig *r)
{
	struct ioas_register good, what;

	start(r);
	good = range(0, 2);
#define REFUSED(field, value)                                                  \
	do {                                                                   \
		what = good;                                                   \
		what.field = (value);                                          \
		rig_fails(r, ioas_holder_register(m.a, &what, NULL), -EINVAL); \
	} while (0)
	REFUSED(length, 0);
	REFUSED(length, rig_page() / 2);
	REFUSED(start, good.start + 1);
	REFUSED(start, -pages(1));
	REFUSED(start, -pages(2)); /* up to 2^64: a wrap in Linux, too */
	REFUSED(perm, 0);
	REFUSED(perm, 4 | RW);
	REFUSED(flags, 1u << 20);
	REFUSED(flags, IOAS_REGISTER_DEVICE | IOAS_REGISTER_FILE);
#undef REFUSED
	assert_false(ioas_registry_any(m.registry));
	assert_true(ioas_a64_load(&m.charged) == 0);
}

/* covers: ioas_holder_register -EBUSY */
static void the_same_holder_cannot_register_twice(struct rig *r)
{
	start(r);
	rig_ok(r, enter(m.a, 0, 2));
	rig_fails(r, enter(m.a, 0, 2), -EBUSY);
	assert_true(report().charged == 2);
}

static void another_holder_shares_the_pin(struct rig *r)
{
	struct ioas_region_info info;

	start(r);
	rig_ok(r, enter(m.a, 0, 2));
	rig_ok(r, enter(m.b, 0, 2));
	assert_true(report().regions == 1 && report().pinned == 2);
	assert_true(ioas_a64_load(&m.pins) == 1);
	assert_true(ioas_a64_load(&m.charged) == 2);
	rig_ok(r, ioas_registry_find(m.registry, page(0), 1, &info));
	assert_true(info.users == 2);
	rig_ok(r, leave(m.a, 0, 2));
	assert_true(found(0));
	rig_ok(r, leave(m.b, 0, 2));
	assert_false(found(0));
}

/* covers: ioas_holder_register -EACCES */
static void sharing_does_not_give_more_than_was_pinned_for(struct rig *r)
{
	struct ioas_register what;

	start(r);
	what = range(0, 2);
	what.perm = IOAS_READ;
	rig_ok(r, ioas_holder_register(m.a, &what, NULL));
	rig_fails(r, enter(m.b, 0, 2), -EACCES);
	rig_ok(r, ioas_holder_register(m.b, &what, NULL));
}

static void MEM_4_an_overlap_is_refused(struct rig *r)
{
	static const struct {
		unsigned int first, count;
	} others[] = {{2, 1}, {3, 2}, {5, 3}, {0, 3}, {0, 16}, {4, 2}};
	unsigned int i;

	start(r);
	rig_ok(r, enter(m.a, 2, 4));
	for (i = 0; i < IOAS_ARRAY_SIZE(others); i++) {
		rig_fails(r, enter(m.a, others[i].first, others[i].count),
		          -EINVAL);
		rig_fails(r, enter(m.b, others[i].first, others[i].count),
		          -EINVAL);
	}
	/* A refusal leaves nothing pinned or charged. */
	assert_true(report().charged == 4 && report().pinned == 4);
	assert_true(rig_pinned_bytes(r) == pages(4));
	rig_ok(r, enter(m.a, 0, 2));
	rig_ok(r, enter(m.b, 6, 2));
}

static void a_part_is_shared_when_that_is_asked_for(struct rig *r)
{
	struct ioas_register part;

	start(r);
	rig_ok(r, enter(m.a, 2, 8));
	part = range(4, 2);
	part.flags = IOAS_REGISTER_SHARE;
	rig_ok(r, ioas_holder_register(m.b, &part, NULL));
	rig_fails(r, ioas_holder_register(m.b, &part, NULL), -EBUSY);
	part = range(5, 5);
	part.flags = IOAS_REGISTER_SHARE;
	rig_ok(r, ioas_holder_register(m.b, &part, NULL));
	part = range(5, 6);
	part.flags = IOAS_REGISTER_SHARE;
	rig_fails(r, ioas_holder_register(m.b, &part, NULL), -EINVAL);
	assert_true(report().regions == 1 && report().pinned == 8);
	rig_ok(r, leave(m.a, 2, 8));
	rig_fails(r, leave(m.b, 2, 8), -ENOENT);
	rig_ok(r, leave(m.b, 4, 2));
	assert_true(found(2));
	rig_ok(r, leave(m.b, 5, 5));
	assert_false(ioas_registry_any(m.registry));
}

/* covers: ioas_holder_register -ENOMEM */
static void MEM_7_the_accountant_is_asked_first(struct rig *r)
{
	start(r);
	m.limit = 3;
	/* A hole would be -EFAULT: it is not looked at. */
	rig_hole(r, m.memory, rig_page());
	rig_fails(r, enter(m.a, 0, 4), -ENOMEM);
	assert_true(ioas_a64_load(&m.pins) == 0);
	assert_true(report().charged == 0);
	rig_ok(r, enter(m.a, 1, 3));
	/* So does an overlap, which the kernel sees last. */
	rig_fails(r, enter(m.b, 2, 4), -ENOMEM);
}

/* covers: ioas_holder_register -EFAULT */
static void MEM_7_a_hole_leaves_nothing(struct rig *r)
{
	start(r);
	rig_hole(r, m.memory + pages(3), rig_page());
	rig_fails(r, enter(m.a, 0, 5), -EFAULT);
	rig_fails(r, enter(m.a, 3, 1), -EFAULT);
	rig_fails(r, enter(m.a, 2, 2), -EFAULT);
	assert_true(rig_pinned_bytes(r) == 0 && report().pinned == 0);
	assert_true(ioas_a64_load(&m.charged) == 0);
	rig_ok(r, enter(m.a, 0, 3));
	/* A hole wins over the overlap, as in the kernel. */
	rig_fails(r, enter(m.b, 2, 2), -EFAULT);
}

static void memory_that_may_only_be_read_is_for_reading(struct rig *r)
{
	struct ioas_register what;
	uint64_t phys;

	start(r);
	rig_read_only(r, m.memory, pages(2));
	rig_fails(r, enter(m.a, 0, 2), -EFAULT);
	what = range(0, 2);
	what.perm = IOAS_READ;
	rig_ok(r, ioas_holder_register(m.a, &what, NULL));
	assert_true(translated(page(1), IOAS_READ, &phys));
	assert_false(translated(page(1), RW, &phys));
	assert_false(translated(page(1), 0, &phys));
}

static void beyond_the_program_there_is_no_memory(struct rig *r)
{
	struct ioas_register what;

	start(r);
	what = range(0, 1);
	what.start = UINT64_C(1) << 48;
	rig_fails(r, ioas_holder_register(m.a, &what, NULL), -EFAULT);
	what.start = UINT64_C(1) << 60;
	rig_fails(r, ioas_holder_register(m.a, &what, NULL), -EFAULT);
}

/* ---- Devices and files. ---- */

static void a_device_is_neither_pinned_nor_charged(struct rig *r)
{
	struct ioas_region_info info;
	struct ioas_register what;
	uint64_t phys;

	start(r);
	what = range(0, 4);
	what.flags = IOAS_REGISTER_DEVICE;
	what.phys = UINT64_C(0xfe000000);
	/* Nobody looks whether the program sees something there. */
	rig_hole(r, m.memory, pages(4));
	rig_ok(r, ioas_holder_register(m.a, &what, NULL));
	assert_true(rig_pinned_bytes(r) == 0);
	assert_true(ioas_a64_load(&m.charged) == 0 && report().charged == 0);
	assert_true(translated(page(2) + 5, RW, &phys));
	assert_true(phys == what.phys + pages(2) + 5);
	rig_ok(r, ioas_registry_find(m.registry, page(3), 1, &info));
	assert_true(info.device && info.left == pages(1));
	/* It is no memory, so memory does not share it. */
	rig_hole(r, m.memory, pages(4));
	rig_fails(r, enter(m.b, 0, 4), -EFAULT);
	rig_ok(r, leave(m.a, 0, 4));
	what.phys = (UINT64_C(1) << 52) - pages(3);
	rig_fails(r, ioas_holder_register(m.a, &what, NULL), -EINVAL);
	what.phys = 1;
	rig_fails(r, ioas_holder_register(m.a, &what, NULL), -EINVAL);
}

static void close_file(void *fd)
{
	close((int)(intptr_t)fd);
}

/* covers: ioas_holder_register -EBADF, ioas_holder_register -ENOTSUP */
static void a_part_of_a_file_is_registered_where_it_is_shown(struct rig *r)
{
	int fd = memfd_create("mem_registry", MFD_CLOEXEC);
	struct ioas_register what = {
		.length = 2 * rig_page(),
		.perm = RW,
		.flags = IOAS_REGISTER_FILE,
		.offset = rig_page(),
		.fd = fd,
	};
	uint64_t at = 0, phys;
	char byte = 0;

	rig_defer(r, close_file, (void *)(intptr_t)fd);
	assert_int_equal(ftruncate(fd, (off_t)pages(4)), 0);
	start(r);
	rig_ok(r, ioas_holder_register(m.a, &what, &at));
	assert_true(at && report().pinned == 2);
	assert_true(translated(at + rig_page(), RW, &phys));
	*(char *)(uintptr_t)(at + rig_page()) = 'x';
	assert_int_equal(pread(fd, &byte, 1, (off_t)pages(2)), 1);
	assert_int_equal(byte, 'x');
	what.offset = 1;
	rig_fails(r, ioas_holder_register(m.a, &what, &at), -EINVAL);
	what.offset = 0;
	what.fd = -1;
	rig_fails(r, ioas_holder_register(m.a, &what, &at), -EBADF);
	m.backend.map_file = NULL;
	rig_fails(r, ioas_holder_register(m.a, &what, &at), -ENOTSUP);
}

RIG_MAIN("mem_register", RIG_TEST(register_charges_pins_and_is_found),
         RIG_TEST(MEM_7_unregister_gives_everything_back),
         RIG_TEST(register_refuses_what_is_no_range),
         RIG_TEST(the_same_holder_cannot_register_twice),
         RIG_TEST(another_holder_shares_the_pin),
         RIG_TEST(sharing_does_not_give_more_than_was_pinned_for),
         RIG_TEST(MEM_4_an_overlap_is_refused),
         RIG_TEST(a_part_is_shared_when_that_is_asked_for),
         RIG_TEST(MEM_7_the_accountant_is_asked_first),
         RIG_TEST(MEM_7_a_hole_leaves_nothing),
         RIG_TEST(memory_that_may_only_be_read_is_for_reading),
         RIG_TEST(beyond_the_program_there_is_no_memory),
         RIG_TEST(a_device_is_neither_pinned_nor_charged),
         RIG_TEST(a_part_of_a_file_is_registered_where_it_is_shown))
