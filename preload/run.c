/* SPDX-License-Identifier: MIT */
/*
 * Life of the library in a process:
 *
 *	load     the constructor sends a hello to the tool and opens a mask
 *	         that was inherited; nothing is kept
 *	use      make(): environment -> hooks, machine, VFIO, watch
 *	fork     the child drops the state without touching it (its locks may
 *	         be held by threads that are not there); files become stale
 *	exit     what is still mapped, a summary, statistics
 */
#include "preload/run.h"

#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/grace.h"
#include "devices/models.h"
#include "host/host.h"
#include "iova/alloc.h"
#include "preload/ask.h"
#include "preload/fds.h"
#include "preload/front.h"
#include "preload/heap.h"
#include "preload/huge.h"
#include "preload/keep.h"
#include "preload/kvm.h"
#include "preload/later.h"
#include "preload/peer.h"
#include "preload/places.h"
#include "preload/say.h"
#include "preload/setting.h"
#include "preload/shared.h"
#include "preload/signals.h"
#include "preload/strict.h"
#include "preload/trap.h"
#include "preload/views.h"
#include "preload/watcher.h"
#include "preload/watching.h"
#include "preload/wrap.h"
#include "space/move.h"
#include "sva/sva.h"

enum {
	STATE_NONE,
	STATE_MAKING,
	STATE_READY,
	STATE_OFF,
};

static struct ioas_a32 state;
static struct ioas_a32 maker; /* thread that makes the state */
static struct ioas_a32 told;  /* ioas_run_exit() has run */
static struct ioas_run the_run;
static bool prepared; /* what survives fork; written while MAKING */

struct ioas_a32 ioas_run_live;

static uint32_t thread_id(void)
{
	return (uint32_t)ioas_sys(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

/* Is CAP_IPC_LOCK effective? Then Linux does not count pinned pages. */
static bool may_lock_memory(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	if (ioas_sys(SYS_capget, (long)&head, (long)data, 0, 0, 0, 0))
		return false;
	return data[0].effective & (1u << CAP_IPC_LOCK);
}

static unsigned int page_shift(void)
{
	return (unsigned int)__builtin_ctzl(getauxval(AT_PAGESZ));
}

/*
 * Pages that the process may have pinned by the system's limit. Linux looks
 * when a map is made: programs raise it after they have looked for devices.
 */
static uint64_t memlock_of_system(void)
{
	struct rlimit limit = {.rlim_cur = RLIM_INFINITY};

	if (may_lock_memory())
		return UINT64_MAX;
	ioas_sys(SYS_prlimit64, 0, RLIMIT_MEMLOCK, 0, (long)&limit, 0, 0);
	if (limit.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return limit.rlim_cur >> page_shift();
}

static void set_memlock(struct ioas_vfio_config *config)
{
	const char *text = getenv(IOAS_ENV_MEMLOCK);

	config->memlock_pages = UINT64_MAX;
	if (!text || !strcmp(text, "unlimited"))
		return;
	if (!strcmp(text, "rlimit"))
		config->memlock_now = memlock_of_system;
	else
		config->memlock_pages = strtoull(text, NULL, 0) >> page_shift();
}

/* The tool has checked the text. */
static const struct ioas_backend *backend(void)
{
	static struct ioas_backend_scattered scattered;
	const char *text = getenv(IOAS_ENV_FRAMES);
	const char *seed = text ? strchr(text, ':') : NULL;

	if (!text || !strcmp(text, "identity"))
		return NULL;
	ioas_backend_scattered_init(seed ? strtoull(seed + 1, NULL, 0) : 1,
	                            page_shift(), &scattered);
	return &scattered.backend;
}

static uint64_t entry_limit(void)
{
	const char *text = getenv(IOAS_ENV_DMA_ENTRY_LIMIT);

	return text ? strtoull(text, NULL, 0) : IOAS_ENTRY_LIMIT;
}

/* The tool has checked the name. */
static enum ioas_contract contract(void)
{
	const char *name = getenv(IOAS_ENV_CONTRACT);
	enum ioas_contract found = IOAS_CONTRACT_STRICT;

	if (name)
		ioas_contract_find(name, &found);
	return found;
}

static bool dirty_written(void)
{
	const char *text = getenv(IOAS_ENV_DIRTY_PAGES);

	return text && !strcmp(text, "written");
}

static bool add_devices(struct ioas_machine *machine, char *ret_failure)
{
	const char *devices = getenv(IOAS_ENV_DEVICES);
	char *all = strdup(devices ? devices : "");
	char *next = all;
	char *spec;
	bool good = all != NULL;

	while (good && (spec = strsep(&next, "\n")))
		if (*spec)
			good = !ioas_machine_add(machine, spec, ret_failure);
	ioas_program_realloc(all, 0);
	return good;
}

static void read_interrupts(struct ioas_machine *machine)
{
	const char *interrupts = getenv(IOAS_ENV_INTERRUPTS);

	if (interrupts && !strcmp(interrupts, "shared"))
		ioas_machine_share_interrupts(machine);
	machine->unsafe_interrupts = getenv(IOAS_ENV_UNSAFE_INTERRUPTS);
}

/* Unless it is said: as the hardware of the profile does. */
static void read_on_fault(struct ioas_machine *machine)
{
	const char *what = getenv(IOAS_ENV_ON_FAULT);

	if (what ? !strcmp(what, "freeze") : machine->windows.eeh)
		ioas_machine_freeze_on_fault(machine);
}

static bool make_machine(struct ioas_run *run)
{
	const char *profile = getenv(IOAS_ENV_PROFILE);
	char failure[IOAS_TEXT_MAX] = "out of memory";

	if (ioas_machine_create(profile ? profile : "intel", ioas_models,
	                        &run->machine, failure) ||
	    !add_devices(run->machine, failure)) {
		ioas_machine_destroy(run->machine);
		ioas_complain("no device for this program: %s", failure);
		return false;
	}
	run->machine->entry_limit = entry_limit();
	read_interrupts(run->machine);
	read_on_fault(run->machine);
	ioas_shared_begin(run->machine);
	run->machine->hugepages = ioas_huge ? IOAS_HUGE_PAGES : 0;
	return true;
}

static bool make_vfio(struct ioas_run *run)
{
	struct ioas_vfio_config config = {
		.machine = run->machine,
		.front = &ioas_front,
		.backend = backend(),
		.page_shift = page_shift(),
		.entry_limit = entry_limit(),
		.contract = contract(),
		.dirty_written = dirty_written(),
	};

	set_memlock(&config);
	if (!ioas_vfio_create(&config, &run->vfio))
		return true;
	ioas_machine_destroy(run->machine);
	ioas_complain("no device for this program: out of memory");
	return false;
}

static void read_mmap(void)
{
	const char *wanted = getenv(IOAS_ENV_MMAP);

	if (wanted && !strcmp(wanted, "off"))
		ioas_kvm_assume();
}

/* Once, also across fork: the child's copies are as good. */
static void prepare(void)
{
	if (prepared)
		return;
	prepared = true;
	ioas_host_hooks(&ioas_hooks);
	ioas_front_hooks(&ioas_hooks);
	ioas_trap_hooks(&ioas_hooks);
	ioas_peer_hooks(&ioas_hooks);
	ioas_heap_hooks(&ioas_hooks);
	ioas_host_internal_fd = ioas_fd_internal_mark;
	ioas_watching_begin();
	read_mmap();
	pthread_atfork(NULL, NULL, ioas_run_forked);
}

static uint32_t make(void)
{
	uint32_t seen = STATE_NONE;

	if (!ioas_a32_cas(&state, &seen, STATE_MAKING))
		return seen;
	/* Relaxed: only this thread finds its own number there. */
	ioas_a32_store_relaxed(&maker, thread_id());
	seen = STATE_OFF;
	if (ioas_say_run()) {
		prepare();
		the_run = (struct ioas_run){0};
		if (make_machine(&the_run) && make_vfio(&the_run)) {
			ioas_strict_begin();
			seen = STATE_READY;
		}
	}
	ioas_a32_store_relaxed(&maker, 0);
	ioas_a32_store(&ioas_run_live, seen == STATE_READY);
	/* Pairs with the loads in ioas_run(): the_run is seen whole. */
	ioas_a32_store(&state, seen);
	return seen;
}

const struct ioas_run *ioas_run(void)
{
	/* Pairs with the store in make(). */
	uint32_t now = ioas_a32_load(&state);

	if (now == STATE_NONE)
		now = make();
	/* What the making itself opens is real. */
	while (now == STATE_MAKING &&
	       ioas_a32_load_relaxed(&maker) != thread_id()) {
		ioas_sys(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
		now = ioas_a32_load(&state);
	}
	return now == STATE_READY ? &the_run : NULL;
}

/* What the child has of its parent's state. Relaxed: it has one thread. */
static void forget_state(void)
{
	ioas_grace_forked();
	ioas_bury_forked();
	ioas_fds_forked();
	ioas_front_forked();
	ioas_shared_forked();
	ioas_watchers_forked();
	ioas_ask_forked();
	ioas_views_forked();
	ioas_spaces_forked();
	ioas_iova_forked();
	ioas_pins_forked();
	ioas_sva_forked();
	ioas_keep_forked();
	ioas_heap_forked();
	ioas_watching_forked();
	ioas_a32_store_relaxed(&told, 0);
	ioas_a32_store_relaxed(&ioas_run_live, 0);
	ioas_a32_store_relaxed(&state, STATE_NONE);
}

void ioas_run_forked(void)
{
	/* Relaxed: a forked child has one thread, and it makes nothing. */
	if (ioas_a32_load_relaxed(&state) == STATE_MAKING)
		ioas_a32_store_relaxed(&state, STATE_NONE);
	ioas_host_alloc_forked();
	ioas_host_reserve_forked();
	ioas_strict_forking();
	if (ioas_a32_load_relaxed(&ioas_run_live))
		forget_state();
	ioas_strict_forked();
}

struct text {
	const char *name, *value; /* it is wanted by that */
	void (*fill)(struct ioas_vfio *vfio, char *ret_text, size_t bytes);
	enum ioas_record kind;
};

static void send_text(const struct ioas_run *run, const struct text *what)
{
	const char *wanted = getenv(what->name);
	char text[IOAS_RUN_RECORD];
	char *next = text;
	char *line;

	if (!wanted || strcmp(wanted, what->value) != 0)
		return;
	text[0] = '\0';
	what->fill(run->vfio, text, sizeof(text));
	while ((line = strsep(&next, "\n")))
		if (*line)
			ioas_say(what->kind, line);
}

static void send_texts(const struct ioas_run *run)
{
	static const struct text all[] = {
		{IOAS_ENV_MAP, "1", ioas_vfio_map, IOAS_RECORD_STATS},
		{IOAS_ENV_MAP, "json", ioas_vfio_map_json, IOAS_RECORD_OBJECT},
		{IOAS_ENV_STATS, "1", ioas_vfio_stats, IOAS_RECORD_STATS},
	};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(all); i++)
		send_text(run, &all[i]);
}

void ioas_run_exit(void)
{
	ioas_settings_settle();
	if (ioas_a32_load(&state) != STATE_READY)
		return;
	/*
	 * _exit() in a signal handler that interrupted a call on a file: that
	 * call may hold a lock which telling needs, and it will not go on.
	 */
	if (ioas_grace_inside(IOAS_GRACE_FILE))
		return;
	if (ioas_a32_exchange(&told, 1))
		return;
	ioas_vfio_tell_live(the_run.vfio);
	ioas_watching_end();
	send_texts(&the_run);
}

/*
 * The tool named the runtime of a sanitizer in front of this library, for this
 * program. What the program starts is linked with one of its own, or with none.
 */
static void forget_runtime(void)
{
	const char *runtime = getenv(IOAS_ENV_RUNTIME);
	size_t n = runtime ? strlen(runtime) : 0;
	char *list = getenv("LD_PRELOAD");

	if (n && list && !strncmp(list, runtime, n) && list[n] == ':')
		memmove(list, list + n + 1, strlen(list + n));
}

__attribute__((constructor)) static void loaded(void)
{
	if (!ioas_say_run())
		return;
	forget_runtime();
	ioas_signals_begin();
	ioas_huge = getenv(IOAS_ENV_FAKE_HUGEPAGES) != NULL;
	ioas_places_begin();
	ioas_settings_begin();
	ioas_say_tool(IOAS_RECORD_HELLO, IOAS_VERSION);
}

__attribute__((destructor)) static void unloaded(void)
{
	ioas_settings_flush();
	ioas_run_exit();
}
