/* SPDX-License-Identifier: MIT */
/*
 * The rig: what a unit test stands on. It installs hooks of its own and runs
 * each test once plainly, then again with the n-th allocation failing, n = 1,
 * 2, ..., until a run meets no failure. After every run nothing may be left
 * allocated and nothing pinned. A test reads like this:
 *
 *	#include "rig.h"
 *
 *	static void a_thing_can_be_made_twice(struct rig *r)
 *	{
 *		struct thing *a, *b;
 *
 *		rig_ok(r, thing_create(&a));
 *		rig_defer(r, RIG_CALL(thing_destroy), a);
 *		rig_ok(r, thing_create(&b));
 *		rig_defer(r, RIG_CALL(thing_destroy), b);
 *		rig_fails(r, thing_join(a, a), -EINVAL);
 *		assert_ptr_not_equal(a, b);
 *	}
 *
 *	RIG_MAIN("folder_file", RIG_TEST(a_thing_can_be_made_twice))
 *
 * rig_ok() wants 0. In a run with a failing allocation it also takes -ENOMEM,
 * if the failure came during that very call, and then leaves the test: the
 * deferred calls run in reverse order, and the run is judged. So everything
 * that lives beyond a statement is deferred, and nothing is released by hand
 * unless the test is about that (rig_cancel() forgets a deferred call).
 *
 * What is left for a test to check itself after a failure (that the object is
 * as it was) goes into a deferred call, or the test uses rig_try(): it gives
 * the value back, and rig_failed() says whether a failure came during it.
 *
 * What the system at hand cannot do is skipped, with its reason, and counted.
 *
 * The assertions of cmocka can be used anywhere, on the test's own thread.
 * Other threads note what they see and the test asserts it after the join.
 *
 * Arguments of a test program: --no-barrier, --no-thread-exit and --no-shadow
 * (addresses without memory) take these hooks away; --limited says that the
 * process may not have as many addresses as a shadow table needs; --scattered
 * makes rig_backend() another one; anything else is a pattern of test names.
 * IOAS_RIG in the environment is one of these arguments for every program
 * (`variants` of ./check); IOAS_RIG_DENSE is how many allocations fail one by
 * one before steps grow, 32 without: where all are slow, or were seen to fail
 * elsewhere.
 */
#ifndef RIG_H
#define RIG_H

/* cmocka.h uses the ones before it and includes none of them. */
/* clang-format off */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/hooks.h"

struct ioas_backend;
struct rig;

struct rig_test {
	const char *name;
	void (*body)(struct rig *r);
	bool once; /* no runs with failing allocations */
};

#define RIG_TEST(body)             \
	{                          \
#body, body, false \
	}
/* Where a run takes long or does not allocate the same each time; say why. */
#define RIG_ONCE(body)            \
	{                         \
#body, body, true \
	}

#define RIG_MAIN(group, ...)                                                \
	int main(int argc, char **argv)                                     \
	{                                                                   \
		static const struct rig_test tests[] = {__VA_ARGS__};       \
                                                                            \
		return rig_main(group, tests, IOAS_ARRAY_SIZE(tests), argv, \
		                argc);                                      \
	}

int rig_main(const char *group, const struct rig_test *tests, size_t count,
             char **argv, int argc);

/* A call that has to work. */
#define rig_ok(r, call) \
	rig_want(r, (rig_mark(r), (long)(call)), 0, RIG_PLACE(call))
/* A call that has to fail in this way. */
#define rig_fails(r, call, errno_negative)                       \
	rig_want(r, (rig_mark(r), (long)(call)), errno_negative, \
	         RIG_PLACE(call))
/* A call that has to give a value that is not negative: it is given on. */
#define rig_value(r, call) \
	rig_want_value(r, (rig_mark(r), (long)(call)), RIG_PLACE(call))
/* A call that has to give a pointer that is not NULL: it is given on. */
#define rig_there(r, call) \
	rig_want_pointer(r, (rig_mark(r), (void *)(call)), RIG_PLACE(call))
/* A call that may do as it likes; rig_failed() judges. */
#define rig_try(r, call) (rig_mark(r), (call))

/* Did an allocation fail on purpose since the last of the calls above? */
bool rig_failed(const struct rig *r);
/* Leave the test now, as rig_ok() does. */
void rig_leave(struct rig *r) __attribute__((noreturn));

/*
 * A process that is emulated: there is no shadow table, and less is promised
 * about addresses and signals.
 */
bool rig_emulated(void);
/* Leave the test: what it is about is not here. */
void rig_skip(const char *reason) __attribute__((noreturn));

/* fn(arg) is called when the test ends, in reverse order, at most 256. */
void rig_defer(struct rig *r, void (*fn)(void *arg), void *arg);
/* Forget the latest deferred call with this argument. */
void rig_cancel(struct rig *r, const void *arg);
/* For a function of one pointer that is not void *. */
#define RIG_CALL(fn) ((void (*)(void *))(void (*)(void))(fn))

/*
 * fn(arg) has to break the law of this name, as written in ioas_law(). It is
 * left by longjmp where it broke: what it held stays held.
 */
void rig_breaks(struct rig *r, const char *law, void (*fn)(void *arg),
                void *arg);

/* Memory as a program has it, page aligned, zeroed, gone after the test. */
void *rig_memory(struct rig *r, size_t bytes);
/* Take it away, as munmap(2) does: a hole stays there until the test ends. */
void rig_hole(struct rig *r, void *start, size_t bytes);
/* May be read only from now on. */
void rig_read_only(struct rig *r, void *start, size_t bytes);
size_t rig_page(void); /* bytes in a page of the program */
unsigned int rig_page_shift(void);
/* What physical addresses are, where the test does not care. */
const struct ioas_backend *rig_backend(void);

/* Has a registry a tree in this run, whatever it is asked for? */
bool rig_wants_tree(void);

/* What the hooks have counted in this run. */
uint64_t rig_live(const struct rig *r); /* allocations not freed */
uint64_t rig_pinned_bytes(const struct rig *r);
uint64_t rig_barriers(const struct rig *r); /* calls of hooks.barrier */
/*
 * A thread that read once, and sleeps until the test ends: with it the end of a
 * grace period needs the barrier.
 */
void rig_reader(struct rig *r);

/* A handle for hooks.signal, and how often it was raised since last asked. */
int rig_event(struct rig *r);
uint64_t rig_event_count(struct rig *r, int event);

/* The same numbers in each run. */
uint64_t rig_random(struct rig *r);
uint64_t rig_random_below(struct rig *r, uint64_t n);

/* Called by the macros. */
struct rig_place {
	const char *call, *file;
	int line;
};

#define RIG_PLACE(call)                   \
	&(const struct rig_place)         \
	{                                 \
#call, __FILE__, __LINE__ \
	}

void rig_mark(struct rig *r);
void rig_want(struct rig *r, long is, long wanted,
              const struct rig_place *place);
long rig_want_value(struct rig *r, long is, const struct rig_place *place);
void *rig_want_pointer(struct rig *r, void *is, const struct rig_place *place);

#endif /* RIG_H */
