/* SPDX-License-Identifier: MIT */
#include "preload/trap.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

#include "base/grace.h"
#include "base/lock.h"
#include "host/host.h"
#include "pci/function.h"
#include "preload/arch.h"
#include "preload/emulate.h"
#include "preload/keep.h"
#include "preload/say.h"
#include "preload/signals.h"
#include "preload/sites.h"
#include "preload/views.h"
#include "preload/wrap.h"

#define STACK_BYTES (64u << 10)

struct ioas_trap {
	struct ioas_lock lock; /* stack and cache */
	char *stack;           /* the guard page is its first */
	size_t stack_bytes;
	struct ioas_decode_cache *cache;
};

static int (*host_copy)(void *dst, const void *src, size_t bytes);
static int (*host_pin)(struct uaddr start, uint64_t length, unsigned int perm,
                       uint64_t *ret_pinned);

/* ---- Hooks. ---- */

static int copy(void *dst, const void *src, size_t bytes)
{
	if (IOAS_LIKELY(ioas_signals_installed()))
		return ioas_arch_copy(dst, src, bytes);
	return host_copy(dst, src, bytes);
}

/*
 * What a view shows can be named for DMA, as on Linux: peer to peer. There is
 * no memory behind it to bring in.
 */
static int pin(struct uaddr start, uint64_t length, unsigned int perm,
               uint64_t *ret_pinned)
{
	uint64_t at = start.raw, end = start.raw + length;
	const struct ioas_view *view;
	uint64_t next, pinned;
	int err = 0;

	*ret_pinned = 0;
	ioas_grace_enter(IOAS_GRACE_FILE);
	while (at != end && !err) {
		next = ioas_view_next(at, end);
		view = next != end ? ioas_view_find(next) : NULL;
		pinned = 0;
		if (next != at)
			err = host_pin((struct uaddr){at}, next - at, perm,
			               &pinned);
		if (!err && view) {
			next = view->start + view->bytes;
			pinned = (next < end ? next : end) - at;
		}
		*ret_pinned += pinned;
		at += pinned;
	}
	ioas_grace_leave(IOAS_GRACE_FILE);
	return err;
}

void ioas_trap_hooks(struct ioas_hooks *hooks)
{
	host_copy = hooks->copy;
	host_pin = hooks->pin;
	hooks->copy = copy;
	hooks->pin = pin;
}

/* ---- One access. ---- */

struct touch {
	const struct ioas_view *view;
	struct ioas_device *device;
	struct ioas_emulation emulation;
	enum ioas_emulated result;
};

static int bus_load(void *context, uint64_t offset, unsigned int size,
                    uint64_t *ret_value)
{
	struct touch *a = context;

	return ioas_device_load_try(a->device, a->view->bar,
	                            a->view->offset + offset, size, ret_value)
	               ? 0
	               : -EIO;
}

static int bus_store(void *context, uint64_t offset, unsigned int size,
                     uint64_t value)
{
	struct touch *a = context;

	return ioas_device_store_try(a->device, a->view->bar,
	                             a->view->offset + offset, size, value)
	               ? 0
	               : -EIO;
}

static void complain_unknown(const struct touch *a, uint64_t address)
{
	char bytes[3 * IOAS_INSTRUCTION_MAX + 1] = "";
	unsigned int i;

	for (i = 0; i < a->emulation.length; i++)
		snprintf(bytes + 3 * i, 4, " %02x", a->emulation.bytes[i]);
	ioas_complain(
		"device %s: the program touched BAR %u at 0x%lx by %s; "
		"it is ended here, since ioas does nothing by guess. The "
		"code at 0x%lx begins with%s. Use plain loads and stores "
		"of 1, 2, 4 or 8 bytes for registers, or report these "
		"bytes to the ioas project",
		ioas_file_name(a->view->handle->file), a->view->bar,
		(unsigned long)(a->view->offset + address - a->view->start),
		a->emulation.reason,
		(unsigned long)ioas_arch_pc(a->emulation.context), bytes);
}

/* On the device's stack. */
static void do_access(void *argument)
{
	struct touch *a = argument;
	/* Relaxed: an mprotect at the same time comes before or after. */
	struct ioas_bus bus = {
		.start = a->view->start,
		.bytes = a->view->bytes,
		.prot = (int)ioas_a32_load_relaxed(&a->view->prot),
		.context = a,
		.load = bus_load,
		.store = bus_store,
	};
	uint64_t address = a->emulation.fault_address;

	a->emulation.bus = &bus;
	a->result = ioas_emulate(&a->emulation);
	if (a->result == IOAS_EMULATED_UNKNOWN)
		complain_unknown(a, address);
}

/*
 * The tolerant copy may fault in here. With an alternate stack the kernel
 * would put that fault's frame at its top, over the one that this handler runs
 * on: the device's stack is not the alternate one.
 */
static bool leave_alternate(const ucontext_t *context)
{
	stack_t none = {.ss_flags = SS_DISABLE};

	if ((context->uc_stack.ss_flags & SS_DISABLE) ||
	    !context->uc_stack.ss_size)
		return false;
	ioas_sys(SYS_sigaltstack, (long)&none, 0, 0, 0, 0, 0);
	return true;
}

static void give_alternate_back(const ucontext_t *context)
{
	stack_t again = context->uc_stack;

	again.ss_flags &= ~SS_ONSTACK;
	ioas_sys(SYS_sigaltstack, (long)&again, 0, 0, 0, 0, 0);
}

struct switched {
	struct touch *touch;
	bool alternate;
};

static void on_device_stack(void *argument)
{
	struct switched *s = argument;

	s->alternate = leave_alternate(s->touch->emulation.context);
	do_access(s->touch);
	if (s->alternate)
		give_alternate_back(s->touch->emulation.context);
}

static void run_access(struct touch *a)
{
	/* Pairs with the cas in ioas_trap_prepare(). */
	struct ioas_trap *trap = ioas_aptr_load(&a->view->handle->trap);
	struct switched s = {.touch = a};
	/* Nothing is unwound in here: the instruction is what is known. */
	struct ioas_site_entry here = {
		.instruction = ioas_arch_pc(a->emulation.context),
		.context = a->emulation.context};
	struct ioas_site_entry before = ioas_site_enter(here);

	ioas_lock(&trap->lock);
	a->emulation.cache = trap->cache;
	ioas_arch_on_stack(trap->stack + trap->stack_bytes, on_device_stack,
	                   &s);
	ioas_unlock(&trap->lock);
	ioas_site_leave(&before);
}

/* ---- The handler. ---- */

static void complain_dead_view(void)
{
	static struct ioas_a32 told;

	if (!ioas_a32_exchange(&told, 1))
		ioas_say(
			IOAS_RECORD_COMPLAINT,
			"a forked child touched a BAR that its parent mapped; "
			"ioas does not carry devices over fork, and the access "
			"ends as SIGSEGV: open the device in the child");
}

/* False: the address is not in a view, or its device is not here. */
static bool access_view(struct touch *a, const siginfo_t *info)
{
	uint64_t address = (uintptr_t)info->si_addr;

	if (!ioas_views_any())
		return false;
	ioas_grace_enter(IOAS_GRACE_FILE);
	a->view = ioas_view_find(address);
	if (a->view && a->view->handle) {
		a->emulation.fault_address = address;
		a->device = ioas_file_device(a->view->handle->file);
		run_access(a);
	} else if (a->view) {
		complain_dead_view();
		a->view = NULL;
	}
	ioas_grace_leave(IOAS_GRACE_FILE);
	return a->view != NULL;
}

static siginfo_t make_info(int number, int code, uint64_t address)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = number;
	info.si_code = code;
	info.si_addr = (void *)address;
	return info;
}

static void finish_access(const struct touch *a, const siginfo_t *info)
{
	siginfo_t other;

	switch (a->result) {
	case IOAS_EMULATED_DONE:
		break;
	case IOAS_EMULATED_DENIED:
		ioas_signal_chain(info, a->emulation.context, true);
		break;
	case IOAS_EMULATED_BUS:
		/* As a BAR whose memory decoding is off. */
		other = make_info(SIGBUS, BUS_ADRERR, (uintptr_t)info->si_addr);
		ioas_signal_chain(&other, a->emulation.context, false);
		break;
	case IOAS_EMULATED_UNALIGNED:
		other = make_info(SIGBUS, BUS_ADRALN, (uintptr_t)info->si_addr);
		ioas_signal_chain(&other, a->emulation.context, false);
		break;
	case IOAS_EMULATED_FAULT:
		other = make_info(SIGSEGV, SEGV_MAPERR,
		                  a->emulation.fault_address);
		ioas_signal_chain(&other, a->emulation.context, false);
		break;
	case IOAS_EMULATED_UNKNOWN:
		ioas_signal_die(SIGILL);
	}
}

/* May the instruction be run again, and go further? */
static bool may_retry(const siginfo_t *info)
{
	if (ioas_keep_retry(info))
		return true;
	/* One that a process sent has nothing to run again. */
	return info->si_code > 0 && ioas_views_retry();
}

/* Apart, so that on_fault() itself needs next to no stack. */
__attribute__((noinline)) static void serve(int number, siginfo_t *info,
                                            void *context)
{
	struct touch a = {.emulation.context = context};
	int saved = errno;

	if (number == SIGSEGV && info->si_code > 0 && access_view(&a, info))
		finish_access(&a, info);
	else if (!may_retry(info))
		ioas_signal_chain(info, context, true);
	ioas_set_errno(saved);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	if (ioas_arch_copy_faulted(context) || !ioas_signal_enter(number))
		return;
	serve(number, info, context);
	ioas_signal_leave();
}

/* ---- What it needs. ---- */

static bool make_stack(struct ioas_trap *trap)
{
	size_t guard = getauxval(AT_PAGESZ);
	size_t bytes = STACK_BYTES + guard;
	long at = ioas_sys(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE,
	                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	if (at < 0 && at >= -4095)
		return false;
	trap->stack = (char *)at;
	trap->stack_bytes = bytes;
	return !ioas_sys(SYS_mprotect, at, (long)guard, PROT_NONE, 0, 0, 0);
}

static struct ioas_trap *create(void)
{
	struct ioas_trap *trap = ioas_new(struct ioas_trap);

	if (!trap)
		return NULL;
	trap->cache = ioas_decode_cache_create();
	if (trap->cache && make_stack(trap))
		return trap;
	ioas_trap_destroy(trap);
	return NULL;
}

void ioas_trap_destroy(struct ioas_trap *trap)
{
	if (!trap)
		return;
	if (trap->stack)
		ioas_sys(SYS_munmap, (long)trap->stack, (long)trap->stack_bytes,
		         0, 0, 0, 0);
	ioas_decode_cache_destroy(trap->cache);
	ioas_delete(trap);
}

long ioas_trap_install(void)
{
	return ioas_signals_install(on_fault);
}

long ioas_trap_prepare(struct ioas_handle *handle)
{
	struct ioas_trap *trap;
	void *seen = NULL;
	long err = ioas_decoder_load();

	if (!err)
		err = ioas_trap_install();
	if (err || ioas_aptr_load(&handle->trap))
		return err;
	trap = create();
	if (!trap)
		return -ENOMEM;
	/* Pairs with the load in run_access(). */
	if (!ioas_aptr_cas(&handle->trap, &seen, trap))
		ioas_trap_destroy(trap);
	return 0;
}
