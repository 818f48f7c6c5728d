/* SPDX-License-Identifier: MIT */
/* The life of a machine, and its devices. How one is described: spec.c. */
#include "machine/machine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "machine/sriov.h"
#include "machine/windows.h"

static const struct ioas_profile *find_profile(const char *text, size_t length,
                                               char *ret_failure)
{
	const struct ioas_profile *p = ioas_profiles;

	while (p->name && (strlen(p->name) != length ||
	                   memcmp(p->name, text, length) != 0))
		p++;
	if (p->name)
		return p;
	snprintf(ret_failure, IOAS_TEXT_MAX,
	         "there is no profile '%.80s'; known:", text);
	for (p = ioas_profiles; p->name; p++) {
		length = strlen(ret_failure);
		snprintf(ret_failure + length, IOAS_TEXT_MAX - length, " %s",
		         p->name);
	}
	return NULL;
}

int ioas_machine_create(const char *profile,
                        const struct ioas_model *const *models,
                        struct ioas_machine **ret_machine, char *ret_failure)
{
	size_t length = strcspn(profile, ",");
	const struct ioas_profile *p =
		find_profile(profile, length, ret_failure);
	struct ioas_machine *m;
	int err;

	if (!p)
		return -EINVAL;
	m = ioas_new(struct ioas_machine);
	if (m)
		m->shared = m->own_shared = ioas_new(struct ioas_shared);
	if (!m || !m->shared) {
		if (m)
			ioas_delete(m);
		snprintf(ret_failure, IOAS_TEXT_MAX, "out of memory");
		return -ENOMEM;
	}
	m->profile = p;
	m->msi.kind = p->msi;
	m->models = models;
	err = ioas_machine_windows_set(m, profile + length, ret_failure);
	if (err)
		ioas_machine_destroy(m);
	else
		*ret_machine = m;
	return err;
}

void ioas_machine_destroy(struct ioas_machine *machine)
{
	unsigned int i;

	if (!machine)
		return;
	for (i = 0; i < machine->function_count; i++) {
		struct ioas_function *f = &machine->function[i];

		ioas_device_destroy(f->device);
		/* Virtual functions have the options of the physical one. */
		if (!f->physical)
			ioas_hooks.free(f->options, f->block_bytes);
	}
	ioas_sva_mm_destroy(machine->mm);
	ioas_sva_destroy(machine->sva);
	ioas_delete(machine->own_shared);
	ioas_delete(machine);
}

void ioas_machine_share_interrupts(struct ioas_machine *machine)
{
	machine->msi.kind = machine->profile->msi_shared;
}

void ioas_machine_freeze_on_fault(struct ioas_machine *machine)
{
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(machine->pe); i++)
		machine->pe[i].freezes = true;
}

static int no_function(unsigned int function, char *ret_failure)
{
	snprintf(ret_failure, IOAS_TEXT_MAX, "the machine has no function %u",
	         function);
	return -ENODEV;
}

struct ioas_device_request ioas_function_request(const struct ioas_function *f)
{
	return (struct ioas_device_request){
		.model = f->model,
		.bdf = f->bdf,
		.options = f->options,
		.option_count = f->option_count,
		.iov = f->iov,
	};
}

int ioas_machine_refuse(char *ret_failure, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(ret_failure, IOAS_TEXT_MAX, format, args);
	va_end(args);
	return err;
}

int ioas_function_failed(const struct ioas_function *f, int err,
                         const char *text, char *ret_failure)
{
	snprintf(ret_failure, IOAS_TEXT_MAX, "%s at %s: %s", f->model->name,
	         f->name, text);
	return err;
}

/* Again when it has been made: nothing happens. */
static int make_sva(struct ioas_machine *machine)
{
	const struct ioas_sva_config config = {IOAS_PASID_BITS_MAX, NULL, NULL};
	const struct ioas_sva_mm_config own = {.memory = NULL};
	int err = 0;

	if (!machine->sva)
		err = ioas_sva_create(&config, &machine->sva);
	if (!err && !machine->mm)
		err = ioas_sva_mm_create(machine->sva, &own, &machine->mm);
	return err;
}

static int make_device(struct ioas_machine *machine, struct ioas_function *f,
                       char *ret_text)
{
	struct ioas_device_request request = ioas_function_request(f);
	int err = 0;

	if (f->desc.pasid_bits)
		err = make_sva(machine);
	if (err) {
		snprintf(ret_text, IOAS_FAILURE_TEXT, "out of memory");
		return err;
	}
	request.desc = &f->desc;
	request.msi = &machine->msi;
	request.pe = &machine->pe[f->group];
	request.sva = machine->sva;
	request.mm = machine->mm;
	return ioas_device_create(&request, &f->device, ret_text);
}

int ioas_machine_device(struct ioas_machine *machine, unsigned int function,
                        struct ioas_device **ret_dev, char *ret_failure)
{
	struct ioas_function *f;
	char text[IOAS_FAILURE_TEXT];
	int err = 0;

	if (function >= machine->function_count)
		return no_function(function, ret_failure);
	f = &machine->function[function];
	if (!f->device)
		err = make_device(machine, f, text);
	if (err)
		return ioas_function_failed(f, err, text, ret_failure);
	*ret_dev = f->device;
	return 0;
}

void ioas_machine_stop(struct ioas_machine *machine, unsigned int function)
{
	struct ioas_function *f = &machine->function[function];

	if (!f->device)
		return;
	ioas_device_stats_add(&f->past, &f->device->stats);
	ioas_device_destroy(f->device);
	f->device = NULL;
}
