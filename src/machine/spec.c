/* SPDX-License-Identifier: MIT */
/*
 * How a function is described: MODEL[,key=value]...
 *
 * The text is cut first (",,", read from the left, is a comma of a value), then
 * looked at. One block of memory holds the options and the text they point at.
 * A function counts only when everything about it is right, so a failure
 * leaves the machine as it was.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "machine/sriov.h"

/* What is being put together. */
struct draft {
	struct ioas_function f;
	const char *model;
	const char *bdf; /* text of the option, or NULL */
	const char *vfs; /* the same */
	char *failure;   /* of IOAS_TEXT_MAX bytes */
};

__attribute__((format(printf, 2, 3))) static void
say_more(char *failure, const char *format, ...)
{
	size_t length = strlen(failure);
	va_list args;

	va_start(args, format);
	vsnprintf(failure + length, IOAS_TEXT_MAX - length, format, args);
	va_end(args);
}

/* ---- Cutting ---- */

/*
 * Copy one field to *to, with its end. Return: does another field follow? Then
 * *text is where it begins.
 */
static bool copy_field(const char **text, char **to)
{
	const char *in = *text;
	char *out = *to;
	bool more = false;

	for (; *in && !more; in++) {
		if (in[0] == ',' && in[1] != ',')
			more = true;
		else
			*out++ = *in;
		in += in[0] == ',' && in[1] == ',';
	}
	*out++ = '\0';
	*text = in;
	*to = out;
	return more;
}

static size_t count_commas(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == ',';
	return n;
}

/* The fields behind the model, as they come: key at first, value NULL. */
static int cut(struct draft *d, const char *spec)
{
	struct ioas_function *f = &d->f;
	size_t options = count_commas(spec) * sizeof(*f->options);
	bool more;
	char *to;

	f->block_bytes = options + strlen(spec) + 1;
	f->options = ioas_hooks.alloc(f->block_bytes);
	if (!f->options)
		return ioas_machine_refuse(d->failure, -ENOMEM,
		                           "out of memory");
	to = (char *)f->options + options;
	d->model = to;
	more = copy_field(&spec, &to);
	while (more) {
		f->options[f->option_count++].key = to;
		more = copy_field(&spec, &to);
	}
	return 0;
}

/* ---- Model and keys ---- */

static int find_model(struct draft *d, const struct ioas_machine *machine)
{
	const struct ioas_model *const *m;

	for (m = machine->models; *m; m++) {
		if (strcmp((*m)->name, d->model) == 0) {
			d->f.model = *m;
			return 0;
		}
	}
	if (d->model[0])
		ioas_machine_refuse(
			d->failure, 0,
			"there is no device model '%.80s'; known:", d->model);
	else
		ioas_machine_refuse(
			d->failure, 0,
			"no device model is named; write "
			"MODEL or MODEL,key=value, with a MODEL out of:");
	for (m = machine->models; *m; m++)
		say_more(d->failure, " %s", (*m)->name);
	return -EINVAL;
}

static bool has_key(const struct ioas_model *model, const char *key)
{
	const struct ioas_model_key *k;

	for (k = model->keys; k && k->name; k++) {
		if (strcmp(k->name, key) == 0)
			return true;
	}
	for (k = ioas_runner_keys; k->name; k++) {
		if (strcmp(k->name, key) == 0)
			return true;
	}
	return strcmp(key, "bdf") == 0 || strcmp(key, "reserved") == 0 ||
	       (model->function.vfs_max && strcmp(key, "vfs") == 0);
}

static int unknown_key(const struct draft *d, const char *key)
{
	const struct ioas_model_key *k;

	ioas_machine_refuse(
		d->failure, 0,
		"%s has no option '%.80s'; it takes:", d->f.model->name, key);
	for (k = d->f.model->keys; k && k->name; k++)
		say_more(d->failure, " %s=%s", k->name, k->value);
	for (k = ioas_runner_keys; k->name; k++)
		say_more(d->failure, " %s=%s", k->name, k->value);
	if (d->f.model->function.vfs_max)
		say_more(d->failure, " vfs=N");
	say_more(d->failure, " bdf=BDF reserved=RANGES");
	return -EINVAL;
}

/* Cut "key=value" in two. */
static int split_option(const struct draft *d, struct ioas_option *option)
{
	char *key = (char *)option->key, *equals = strchr(key, '=');

	if (!equals)
		return ioas_machine_refuse(
			d->failure, -EINVAL,
			"%s: option '%.80s' has no '='; write key=value, "
			"and ',,' for a comma inside a value",
			d->f.model->name, key);
	*equals = '\0';
	option->value = equals + 1;
	if (!has_key(d->f.model, key))
		return unknown_key(d, key);
	return 0;
}

static bool given_before(const struct draft *d, unsigned int option)
{
	unsigned int i;

	for (i = 0; i < option; i++) {
		if (strcmp(d->f.options[i].key, d->f.options[option].key) == 0)
			return true;
	}
	return false;
}

static int split_options(struct draft *d)
{
	unsigned int i;
	int err;

	for (i = 0; i < d->f.option_count; i++) {
		err = split_option(d, &d->f.options[i]);
		if (err)
			return err;
		if (given_before(d, i))
			return ioas_machine_refuse(
				d->failure, -EINVAL,
				"%s: option '%s' is given twice; "
				"give it once",
				d->f.model->name, d->f.options[i].key);
	}
	return 0;
}

/* bdf, vfs and reserved are the machine's: the model does not see them. */
static void take_own(struct draft *d)
{
	struct ioas_option *o = d->f.options;
	unsigned int i, kept = 0;

	for (i = 0; i < d->f.option_count; i++) {
		if (strcmp(o[i].key, "bdf") == 0)
			d->bdf = o[i].value;
		else if (strcmp(o[i].key, "vfs") == 0)
			d->vfs = o[i].value;
		else if (strcmp(o[i].key, "reserved") == 0)
			d->f.reserved_text = o[i].value;
		else
			o[kept++] = o[i];
	}
	d->f.option_count = kept;
}

/* ---- BDF ---- */

/* @digits hexadecimal digits and then @end. Moves *text behind them. */
static bool parse_field(const char **text, unsigned int digits, char end,
                        unsigned int *ret_value)
{
	unsigned int value = 0, i;

	for (i = 0; i < digits; i++) {
		char c = *(*text)++;

		if (c >= '0' && c <= '9')
			value = value << 4 | (unsigned int)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | ((unsigned int)(c - 'a') + 10);
		else if (c >= 'A' && c <= 'F')
			value = value << 4 | ((unsigned int)(c - 'A') + 10);
		else
			return false;
	}
	*ret_value = value;
	return *(*text)++ == end;
}

static bool parse_bdf(const char *text, struct ioas_bdf *ret_bdf)
{
	unsigned int domain = 0, bus, slot, function;

	if (strchr(text, ':') != strrchr(text, ':') &&
	    !parse_field(&text, 4, ':', &domain))
		return false;
	if (!parse_field(&text, 2, ':', &bus) ||
	    !parse_field(&text, 2, '.', &slot) ||
	    !parse_field(&text, 1, '\0', &function))
		return false;
	*ret_bdf = (struct ioas_bdf){
		.domain = domain,
		.bus = (uint8_t)bus,
		.slot = (uint8_t)slot,
		.function = (uint8_t)function,
	};
	return slot <= 0x1f && function <= 7;
}

static const struct ioas_function *find_name(const struct ioas_machine *machine,
                                             const char *name)
{
	unsigned int i;

	for (i = 0; i < machine->function_count; i++) {
		if (strcmp(machine->function[i].name, name) == 0)
			return &machine->function[i];
	}
	return NULL;
}

/* The first bus that is free; there are more buses than functions. */
static void place_by_default(struct draft *d,
                             const struct ioas_machine *machine)
{
	do {
		d->f.bdf.bus++;
		ioas_bdf_format(d->f.bdf, d->f.name);
	} while (find_name(machine, d->f.name));
}

static int place(struct draft *d, const struct ioas_machine *machine)
{
	const struct ioas_function *other;

	if (!d->bdf) {
		place_by_default(d, machine);
		return 0;
	}
	if (!parse_bdf(d->bdf, &d->f.bdf))
		return ioas_machine_refuse(
			d->failure, -EINVAL,
			"%s: bdf=%.80s is not the address of a PCI "
			"function; write DDDD:BB:SS.F or BB:SS.F in "
			"hexadecimal, SS at most 1f, F at most 7, as in "
			"0000:01:00.0",
			d->f.model->name, d->bdf);
	ioas_bdf_format(d->f.bdf, d->f.name);
	other = find_name(machine, d->f.name);
	if (other)
		return ioas_machine_refuse(
			d->failure, -EEXIST,
			"%s: there is a function at %s already (%s); "
			"give another bdf=",
			d->f.model->name, d->f.name, other->model->name);
	return 0;
}

/* ---- All of it ---- */

static int describe(struct draft *d)
{
	const struct ioas_device_request request = ioas_function_request(&d->f);
	char text[IOAS_FAILURE_TEXT];
	int err = ioas_device_describe(&request, &d->f.desc, text);

	return err ? ioas_function_failed(&d->f, err, text, d->failure) : 0;
}

static int understand(struct draft *d, const struct ioas_machine *machine)
{
	int err = find_model(d, machine);

	if (!err)
		err = split_options(d);
	if (err)
		return err;
	take_own(d);
	err = place(d, machine);
	if (!err && d->f.reserved_text)
		err = ioas_function_reserve(&d->f, d->f.reserved_text,
		                            machine->profile->page_shift,
		                            d->failure);
	return err ? err : describe(d);
}

/* The function of the draft, and its virtual ones. */
static int put(struct ioas_machine *machine, struct draft *d)
{
	int err = 0;

	snprintf(d->f.bus_name, sizeof(d->f.bus_name), "pci%04x:%02x",
	         d->f.bdf.domain & 0xffff, d->f.bdf.bus);
	machine->function[machine->function_count++] = d->f;
	if (d->vfs)
		err = ioas_iov_add(machine, d->vfs, d->failure);
	if (err)
		machine->function_count--;
	else
		ioas_iov_number_groups(machine);
	return err;
}

int ioas_machine_add(struct ioas_machine *machine, const char *spec,
                     char *ret_failure)
{
	struct draft d = {.failure = ret_failure};
	int err;

	if (machine->function_count == IOAS_FUNCTIONS_MAX)
		return ioas_machine_refuse(ret_failure, -ENOSPC,
		                           "a machine has at most %d functions",
		                           IOAS_FUNCTIONS_MAX);
	err = cut(&d, spec);
	if (err)
		return err;
	err = understand(&d, machine);
	if (!err)
		err = put(machine, &d);
	if (err)
		ioas_hooks.free(d.f.options, d.f.block_bytes);
	return err;
}
