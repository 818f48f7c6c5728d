/* SPDX-License-Identifier: MIT */
/*
 * The back end of real frames: who gets one and who does not, that pages are
 * locked, and whose memory it is. What needs privilege is skipped without.
 */
#include <grp.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "failing_call.h"
#include "pagemap_rig.h"

#define NOBODY 65534

/* ---- Who may. ---- */

static int creation(void *arg)
{
	const struct ioas_backend *backend = NULL;
	int rc = ioas_backend_pagemap_create(&backend);

	if (!rc)
		ioas_backend_pagemap_destroy(backend);
	return -rc;
}

static int creation_as_nobody(void *arg)
{
	if (getuid() == 0 &&
	    (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	     setresuid(NOBODY, NOBODY, NOBODY)))
		return 1;
	return creation(arg);
}

/* covers: ioas_backend_pagemap_create -EPERM */
static void an_ordinary_user_is_told_which_privilege(struct rig *r)
{
	const char *reason = ioas_backend_pagemap_reason(-EPERM);

	assert_int_equal(child_of(creation_as_nobody, NULL), EPERM);
	assert_non_null(strstr(reason, "CAP_SYS_ADMIN"));
	assert_non_null(strstr(reason, "/proc/self/pagemap"));
}

static int creation_without_descriptors(void *arg)
{
	struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_NOFILE, &none))
		return 1;
	return creation(arg);
}

static bool is_enfile(void *arg)
{
	return creation(arg) == ENFILE;
}

static bool is_enoent(void *arg)
{
	return creation(arg) == ENOENT;
}

static bool is_eperm(void *arg)
{
	return creation(arg) == EPERM;
}

/*
 * covers: ioas_backend_pagemap_create -EMFILE
 * covers: ioas_backend_pagemap_create -ENFILE
 * covers: ioas_backend_pagemap_create -ENOENT
 */
static void what_else_is_missing_has_its_errno(struct rig *r)
{
	assert_int_equal(child_of(creation_without_descriptors, NULL), EMFILE);
	check_with_failing_call(SYS_openat, ENFILE, is_enfile, NULL);
	check_with_failing_call(SYS_openat, ENOENT, is_enoent, NULL);
	/* Others: a security module, a /proc without it, no right to open. */
	check_with_failing_call(SYS_openat, EACCES, is_eperm, NULL);
	check_with_failing_call(SYS_openat, ENOTDIR, is_enoent, NULL);
	check_with_failing_call(SYS_pread64, EPERM, is_eperm, NULL);
}

static void every_errno_has_a_sentence_of_its_own(struct rig *r)
{
	static const int errors[] = {0,       -EPERM,  -ENOENT,
	                             -EMFILE, -ENFILE, -ENOMEM};
	unsigned int i, k;

	for (i = 0; i < IOAS_ARRAY_SIZE(errors); i++) {
		const char *text = ioas_backend_pagemap_reason(errors[i]);

		assert_true(strlen(text) >= 9);
		for (k = 0; k < i; k++)
			assert_string_not_equal(
				text, ioas_backend_pagemap_reason(errors[k]));
	}
}

/* ---- Locked, and not any more. ---- */

static void pages_are_locked_as_long_as_they_are_registered(struct rig *r)
{
	long before;

	start(r);
	before = locked();
	rig_ok(r, enter(m.a, 0, PAGES));
	assert_int_equal(locked() - before, pages(PAGES) / 1024);
	rig_ok(r, leave(m.a, 0, PAGES));
	ioas_registry_settle(m.registry);
	assert_int_equal(locked(), before);
}

static void what_is_gone_when_it_is_given_back_locks_nothing(struct rig *r)
{
	long before;

	start(r);
	before = locked();
	rig_ok(r, enter(m.a, 0, 9));
	munmap(m.memory + 4 * rig_page(), rig_page());
	rig_ok(r, leave(m.a, 0, 9));
	ioas_registry_settle(m.registry);
	rig_hole(r, m.memory + 4 * rig_page(), rig_page());
	assert_int_equal(locked(), before);
}

static void MEM_7_a_part_that_was_pinned_is_undone(struct rig *r)
{
	const unsigned int many = 200;
	long before;
	char *large;

	start(r);
	before = locked();
	large = rig_memory(r, many * rig_page());
	rig_hole(r, large + 150 * rig_page(), rig_page());
	rig_fails(r, register_at(large, many * rig_page(), RW), -EFAULT);
	assert_int_equal(locked(), before);
	assert_true(report().charged == 0 && report().regions == 0);
	rig_read_only(r, large, rig_page());
	rig_fails(r, register_at(large, pages(2), RW), -EFAULT);
	rig_ok(r, register_at(large, pages(2), IOAS_READ));
	rig_ok(r, register_at(large + 151 * rig_page(), pages(49), RW));
}

/* As the hole is, in a call of its own. */
static int more_than_may_be_locked(void *arg)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {{0}};
	struct rlimit limit = {pages(80), pages(80)};
	const struct ioas_backend *backend;
	struct ioas_extent extent[64];
	struct ioas_pin pin = {(uintptr_t)arg, 64, RW, rig_page_shift()};
	int rc;

	if (ioas_backend_pagemap_create(&backend) ||
	    setrlimit(RLIMIT_MEMLOCK, &limit) ||
	    syscall(SYS_capset, &head, none))
		return 1;
	/* Made as root, used without. */
	if (backend->pin(backend, &pin, extent, 64) != 64 || locked() == 0)
		return 2;
	pin.start += pages(64);
	rc = backend->pin(backend, &pin, extent, 64);
	if (locked() != (long)pages(64) / 1024)
		return 3;
	return -rc;
}

static void what_may_not_be_locked_is_out_of_memory(struct rig *r)
{
	want_frames();
	if (locked() == 0)
		assert_int_equal(child_of(more_than_may_be_locked,
		                          rig_memory(r, pages(128))),
		                 ENOMEM);
}

/* ---- Not ours. ---- */

static int pin_one(void *backend)
{
	const struct ioas_backend *b = backend;
	struct ioas_pin pin = {page(0), 1, RW, rig_page_shift()};
	struct ioas_extent extent;

	return -b->pin(b, &pin, &extent, 1);
}

static void a_child_is_not_shown_the_frames_of_its_parent(struct rig *r)
{
	start(r);
	m.memory[0] = 1;
	assert_int_equal(child_of(pin_one, (void *)(uintptr_t)m.below), EFAULT);
}

/* As programs do that go into the background; the number is used again. */
static int pin_after_closing(void *arg)
{
	const struct ioas_backend *backend;
	int fd, rc;

	if (ioas_backend_pagemap_create(&backend))
		return 1;
	for (fd = 3; fd < 1024; fd++)
		close(fd);
	while ((fd = open("/proc/self/exe", O_RDONLY)) >= 0 && fd < 32)
		;
	rc = pin_one((void *)(uintptr_t)backend);
	ioas_backend_pagemap_destroy(backend);
	/* That was not ours to close. */
	return fcntl(fd - 1, F_GETFD) < 0 ? 2 : rc;
}

static void a_descriptor_that_was_closed_is_noticed(struct rig *r)
{
	start(r);
	assert_int_equal(child_of(pin_after_closing, NULL), EFAULT);
}

/* covers: ioas_backend_pagemap_create -ENOMEM */
static void without_memory_there_is_none(struct rig *r)
{
	const struct ioas_backend *backend = NULL;
	int rc;

	want_frames();
	rc = rig_try(r, ioas_backend_pagemap_create(&backend));
	assert_int_equal(rc, rig_failed(r) ? -ENOMEM : 0);
	assert_true(!backend == rig_failed(r));
	/* NULL is fine. */
	ioas_backend_pagemap_destroy(backend);
}

/* Once: what an allocation that fails does in a child is not seen. */
RIG_MAIN("host_pagemap", RIG_ONCE(an_ordinary_user_is_told_which_privilege),
         RIG_ONCE(what_else_is_missing_has_its_errno),
         RIG_TEST(every_errno_has_a_sentence_of_its_own),
         RIG_TEST(pages_are_locked_as_long_as_they_are_registered),
         RIG_TEST(what_is_gone_when_it_is_given_back_locks_nothing),
         RIG_TEST(MEM_7_a_part_that_was_pinned_is_undone),
         RIG_ONCE(what_may_not_be_locked_is_out_of_memory),
         RIG_TEST(a_child_is_not_shown_the_frames_of_its_parent),
         RIG_ONCE(a_descriptor_that_was_closed_is_noticed),
         RIG_TEST(without_memory_there_is_none))
