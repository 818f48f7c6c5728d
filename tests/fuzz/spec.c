/* SPDX-License-Identifier: MIT */
/*
 * Texts that describe functions, one a line. What must hold of each:
 *
 *	refused   the machine is as it was, and a sentence says why
 *	taken     one function more, and its virtual ones, each at an address
 *	          and in a group of its own; written out again in full, another
 *	          machine takes it and has the same functions
 *	size=     the number a plain reader of the text gets, or refused by both
 *
 * Then all of it again with the n-th allocation failing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "machine/machine.h"

#define TEXT_MAX 4096

/* ---- A plain reader of sizes ---- */

static int digit_of(char c, int base)
{
	static const char digits[] = "0123456789abcdef";
	const char *d;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	d = c ? strchr(digits, c) : NULL;
	return d && d - digits < base ? (int)(d - digits) : -1;
}

/* Return: the size, or -1. */
static int64_t plain_size(const char *text)
{
	static const char suffixes[] = "KMGT";
	__extension__ unsigned __int128 n = 0;
	int base = 10;
	const char *s;
	bool any = false;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	for (; digit_of(*text, base) >= 0; text++, any = true)
		if (n <= INT64_MAX)
			n = n * (unsigned int)base +
			    (unsigned int)digit_of(*text, base);
	s = *text ? strchr(suffixes, *text++) : "";
	if (!any || !s || (*s && *text))
		return -1;
	if (*s)
		n <<= 10 * (s - suffixes + 1);
	return n > INT64_MAX ? -1 : (int64_t)n;
}

/* ---- A model to describe ---- */

static int check_options(struct ioas_device *dev)
{
	const char *text = ioas_device_option(dev, "size");
	uint64_t bytes = UINT64_MAX;
	int err = ioas_device_option_size(dev, "size", &bytes);

	if (!text)
		fuzz_check(!err && bytes == UINT64_MAX);
	else if (err)
		fuzz_check(err == -EINVAL && plain_size(text) < 0);
	else
		fuzz_check((int64_t)bytes == plain_size(text));
	return err;
}

static int create(struct ioas_device *dev, void **ret_state)
{
	*ret_state = dev;
	return check_options(dev);
}

static void do_nothing(void *state)
{
}

static const struct ioas_model_key keys[] = {
	{"size", "SIZE", "bytes"},
	{"file", "PATH", "any text"},
	{"serial", "TEXT", "any text"},
	{NULL, NULL, NULL},
};

static const struct ioas_model disk = {
	.name = "disk",
	.summary = "for the fuzzer",
	.keys = keys,
	.function = {.vendor = 1, .device = 2, .bar = {{.size = 4096}}},
	.create = create,
	.destroy = do_nothing,
	.reset = do_nothing,
};

static const struct ioas_model no_keys = {
	.name = "d",
	.summary = "for the fuzzer",
	.function = {.vendor = 1,
                     .device = 3,
                     .bar = {{.size = 4096}},
                     .vfs_max = 40},
};

static const struct ioas_model *const models[] = {&disk, &no_keys, NULL};

/* ---- What must hold ---- */

static void check_sentence(const char *failure)
{
	size_t length = strnlen(failure, IOAS_TEXT_MAX);

	fuzz_check(length && length < IOAS_TEXT_MAX);
}

static void check_refusal(int err, const char *failure)
{
	fuzz_check(err == -EINVAL || err == -EEXIST || err == -ENOSPC ||
	           (err == -ENOMEM && fuzz_world.failed));
	check_sentence(failure);
}

static void check_place(const struct ioas_machine *m, unsigned int n)
{
	const struct ioas_function *f = &m->function[n];
	unsigned int i;

	fuzz_check(f->bdf.slot < 32);
	fuzz_check(f->bdf.function < 8);
	fuzz_check(f->group && f->group <= m->function_count);
	for (i = 0; i < m->function_count; i++)
		fuzz_check(i == n || (strcmp(m->function[i].name, f->name) &&
		                      m->function[i].group != f->group));
}

static void write_option(char **to, const char *key, const char *value)
{
	*to += sprintf(*to, ",%s=", key);
	for (; *value; value++) {
		if (*value == ',')
			*(*to)++ = ',';
		*(*to)++ = *value;
	}
	**to = '\0';
}

/* In full: every option, and the address. */
static void write_spec(const struct ioas_function *f, char *to)
{
	unsigned int i;

	to += sprintf(to, "%s", f->model->name);
	for (i = 0; i < f->option_count; i++)
		write_option(&to, f->options[i].key, f->options[i].value);
	write_option(&to, "bdf", f->name);
	if (f->reserved_text)
		write_option(&to, "reserved", f->reserved_text);
	if (f->iov.vfs)
		sprintf(to, ",vfs=%u", f->iov.vfs);
}

static void check_again(const struct ioas_function *f,
                        struct ioas_machine *second)
{
	char text[3 * TEXT_MAX], failure[IOAS_TEXT_MAX];
	const struct ioas_function *g =
		&second->function[second->function_count];
	unsigned int i;

	write_spec(f, text);
	fuzz_check(!ioas_machine_add(second, text, failure));
	for (i = 1; i <= f->iov.vfs; i++)
		fuzz_check(!strcmp(g[i].name, f[i].name));
	fuzz_check(g->model == f->model && !strcmp(g->name, f->name));
	fuzz_check(g->reserved_count == f->reserved_count);
	fuzz_check(!memcmp(g->reserved, f->reserved, sizeof(g->reserved)));
	fuzz_check(g->option_count == f->option_count);
	for (i = 0; i < f->option_count; i++) {
		fuzz_check(!strcmp(g->options[i].key, f->options[i].key));
		fuzz_check(!strcmp(g->options[i].value, f->options[i].value));
	}
}

static void add(struct ioas_machine *m, struct ioas_machine *second,
                const char *spec)
{
	unsigned int was = m->function_count, i;
	struct ioas_device *dev;
	char failure[IOAS_TEXT_MAX] = "";
	int err = ioas_machine_add(m, spec, failure);

	if (err) {
		check_refusal(err, failure);
		fuzz_check(m->function_count == was);
		return;
	}
	fuzz_check(m->function_count == was + 1 + m->function[was].iov.vfs);
	for (i = was; i < m->function_count; i++)
		check_place(m, i);
	if (!second)
		return;
	check_again(&m->function[was], second);
	if (!m->function[was].model->create)
		return;
	if (ioas_machine_device(m, was, &dev, failure))
		check_sentence(failure);
	ioas_machine_stop(m, was);
}

/* Each line in a block of its own: nothing behind its end is looked at. */
static void add_line(struct ioas_machine *m, struct ioas_machine *second,
                     const uint8_t *line, size_t length)
{
	char *spec = malloc(length + 1);

	if (!spec)
		abort();
	memcpy(spec, line, length);
	spec[length] = '\0';
	add(m, second, spec);
	free(spec);
}

static void add_lines(struct ioas_machine *m, struct ioas_machine *second,
                      const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size, *stop;

	for (; data < end; data = stop + 1) {
		stop = memchr(data, '\n', (size_t)(end - data));
		if (!stop)
			stop = end;
		add_line(m, second, data, (size_t)(stop - data));
	}
}

static struct ioas_machine *new_machine(void)
{
	struct ioas_machine *m = NULL;
	char failure[IOAS_TEXT_MAX];
	int err = ioas_machine_create("intel", models, &m, failure);

	fuzz_check(!err || (err == -ENOMEM && fuzz_world.failed));
	return m;
}

#define FAILURES 6 /* of allocations that are tried */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ioas_machine *m, *second = NULL;
	unsigned int n;

	if (size > TEXT_MAX)
		return 0;
	for (n = 0; n <= FAILURES; n++) {
		fuzz_begin();
		if (!n)
			second = new_machine();
		fuzz_world.fail_in = n;
		m = new_machine();
		if (m)
			add_lines(m, second, data, size);
		ioas_machine_destroy(m);
		ioas_machine_destroy(second);
		second = NULL;
		fuzz_end();
		if (n && !fuzz_world.failed)
			break;
	}
	return 0;
}
