/* SPDX-License-Identifier: MIT */
/*
 * The machine of a run: every device is checked before the program starts, so
 * that a wrong option is refused here, with a sentence, and not by an errno in
 * the middle of the program. Then it is written into the environment.
 *
 * `size=` makes a RAM disk. Its memory belongs to the run, not to one process:
 * the tool holds it as a memfd and gives the program its path under /proc, so
 * what one process of the run wrote the next one reads. A model that has
 * several files numbers them: `size2=` stands for `file2=`.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "devices/models.h"
#include "host/host.h"
#include "host/run.h"
#include "machine/sriov.h"
#include "uapi/vfio.h"

/* Text that grows. */
struct text {
	char *at;
	size_t used, room;
};

static void put(struct text *text, char c)
{
	if (text->used + 1 >= text->room) {
		text->room = text->room ? 2 * text->room : 256;
		text->at = ioas_must(realloc(text->at, text->room));
	}
	text->at[text->used++] = c;
	text->at[text->used] = '\0';
}

static void put_string(struct text *text, const char *s)
{
	while (*s)
		put(text, *s++);
}

/* key=value; a comma in the value is doubled. */
static void put_option(struct text *text, const char *key, const char *value)
{
	put(text, ',');
	put_string(text, key);
	put(text, '=');
	for (; *value; value++) {
		if (*value == ',')
			put(text, ',');
		put(text, *value);
	}
}

static const char *option(const struct ioas_function *f, const char *key)
{
	unsigned int i;

	for (i = 0; i < f->option_count; i++)
		if (!strcmp(f->options[i].key, key))
			return f->options[i].value;
	return NULL;
}

static bool has_key(const struct ioas_model *model, const char *name)
{
	const struct ioas_model_key *k;

	for (k = model->keys; k && k->name; k++)
		if (!strcmp(k->name, name))
			return true;
	return false;
}

static unsigned long long ram_bytes(const struct ioas_function *f,
                                    const struct ioas_option *o)
{
	static const char unit[] = "KMGT";
	unsigned long long n;
	const char *u;
	char *end;

	errno = 0;
	n = strtoull(o->value, &end, 0);
	u = *end ? strchr(unit, *end) : NULL;
	if (end == o->value || *o->value == '-' || errno ||
	    (*end && (!u || end[1])) || n == 0 ||
	    (u && n > (unsigned long long)LLONG_MAX >> (10 * (u - unit + 1))) ||
	    n > LLONG_MAX)
		ioas_die(IOAS_EXIT_SETUP,
		         "%s at %s: %s=%s is not a number of bytes; "
		         "write it like 64M",
		         f->model->name, f->name, o->key, o->value);
	return u ? n << (10 * (u - unit + 1)) : n;
}

/* A file of memory. Return: its descriptor, or -1 and errno. */
static int make_memory(const char *name, unsigned long long bytes)
{
	int fd = (int)ioas_host_memory_file(name, O_CLOEXEC);
	long err = fd < 0 ? fd : ioas_host_memory_grow(fd, bytes);

	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	errno = (int)-err;
	return -1;
}

/* The path under which every process of the run finds its memory. */
static void put_ram(struct text *text, const struct ioas_function *f,
                    const struct ioas_option *o, const char *file)
{
	char path[64];
	int fd = make_memory("ioas-ram", ram_bytes(f, o));

	if (fd < 0)
		ioas_die(IOAS_EXIT_SETUP,
		         "%s at %s: cannot make %s of memory: %s",
		         f->model->name, f->name, o->value, strerror(errno));
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
	if (access(path, R_OK | W_OK))
		ioas_die(IOAS_EXIT_SETUP,
		         "%s at %s: %s= needs /proc, and %s cannot be "
		         "opened: %s; mount /proc or give %s=",
		         f->model->name, f->name, o->key, path, strerror(errno),
		         file);
	put_option(text, file, path);
	/* For what the device has to say of it. */
	put_option(text, o->key, o->value);
}

/* The program may change its directory: paths become absolute. */
static void put_file(struct text *text, const struct ioas_function *f,
                     const struct ioas_option *o)
{
	char cwd[PATH_MAX];
	char *absolute;

	if (!*o->value)
		ioas_die(IOAS_EXIT_SETUP, "%s at %s: %s= needs a path",
		         f->model->name, f->name, o->key);
	if (*o->value == '/') {
		put_option(text, o->key, o->value);
		return;
	}
	if (!getcwd(cwd, sizeof(cwd)))
		ioas_die(IOAS_EXIT_SETUP, "no current directory: %s",
		         strerror(errno));
	if (asprintf(&absolute, "%s/%s", cwd, o->value) < 0)
		ioas_must(NULL);
	put_option(text, o->key, absolute);
	free(absolute);
}

/*
 * Is it @name, or @name with a number? Then the number is what follows, else
 * NULL.
 */
static const char *number_of(const struct ioas_option *o, const char *name)
{
	const size_t length = strlen(name);
	const char *rest = o->key + length;

	if (strncmp(o->key, name, length) != 0 ||
	    rest[strspn(rest, "0123456789")])
		return NULL;
	return rest;
}

#define KEY_MAX 32

/* Where a model has a file to put memory in the place of. */
static void put_size(struct text *text, const struct ioas_function *f,
                     const struct ioas_option *o, const char *number)
{
	char file[KEY_MAX];

	snprintf(file, sizeof(file), "file%s", number);
	if (!has_key(f->model, file)) {
		put_option(text, o->key, o->value);
		return;
	}
	if (option(f, file))
		ioas_die(IOAS_EXIT_SETUP, "%s at %s: give %s= or %s=, not both",
		         f->model->name, f->name, file, o->key);
	put_ram(text, f, o, file);
}

/* One device as the library will read it. */
static void put_device(struct text *text, const struct ioas_function *f)
{
	const char *number;
	unsigned int i;
	char vfs[16];

	put_string(text, f->model->name);
	put_option(text, "bdf", f->name);
	if (f->iov.vfs) {
		snprintf(vfs, sizeof(vfs), "%u", f->iov.vfs);
		put_option(text, "vfs", vfs);
	}
	if (f->reserved_text)
		put_option(text, "reserved", f->reserved_text);
	for (i = 0; i < f->option_count; i++) {
		const struct ioas_option *o = &f->options[i];

		number = number_of(o, "size");
		if (number)
			put_size(text, f, o, number);
		else if (number_of(o, "file"))
			put_file(text, f, o);
		else
			put_option(text, o->key, o->value);
	}
}

static struct ioas_machine *machine_of(const struct ioas_setting *profile)
{
	struct ioas_machine *machine;
	char failure[IOAS_TEXT_MAX];

	if (ioas_machine_create(profile->value, ioas_models, &machine, failure))
		ioas_die(IOAS_EXIT_SETUP, "%s: %s", profile->where, failure);
	return machine;
}

static void add_device(struct ioas_machine *machine,
                       const struct ioas_setting *spec)
{
	char failure[IOAS_TEXT_MAX];

	if (strchr(spec->value, '\n'))
		ioas_die(IOAS_EXIT_SETUP, "%s: a newline in '%s'", spec->where,
		         spec->value);
	if (ioas_machine_add(machine, spec->value, failure))
		ioas_die(IOAS_EXIT_SETUP, "%s: %s", spec->where, failure);
}

static void set(const char *name, const char *value)
{
	if (value ? setenv(name, value, 1) : unsetenv(name))
		ioas_must(NULL);
}

/*
 * How many virtual functions there are belongs to the run: processes share it
 * as they share a RAM disk.
 */
static void set_shared(const struct ioas_machine *machine, const char *run)
{
	struct ioas_shared none;
	char path[64];
	int fd;

	set(IOAS_ENV_SHARED, NULL);
	if (!ioas_iov_any(machine))
		return;
	memset(&none, 0, sizeof(none));
	snprintf(none.run, sizeof(none.run), "%s", run);
	fd = make_memory("ioas-shared", sizeof(none));
	if (fd < 0 ||
	    pwrite(fd, &none, sizeof(none), 0) != (ssize_t)sizeof(none))
		ioas_die(IOAS_EXIT_SETUP, "vfs=: cannot make memory: %s",
		         strerror(errno));
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
	if (access(path, R_OK | W_OK))
		ioas_die(IOAS_EXIT_SETUP,
		         "vfs= needs /proc, and %s cannot be opened: %s; mount "
		         "/proc, or leave vfs= out",
		         path, strerror(errno));
	set(IOAS_ENV_SHARED, path);
}

/* All devices as given, completed: "model,bdf=...,..." a line. */
static char *complete_devices(const struct ioas_run_options *options,
                              const char *run)
{
	struct ioas_machine *machine = machine_of(&options->profile);
	struct text text = {0};
	unsigned int i;

	put_string(&text, "");
	for (i = 0; i < options->devices; i++)
		add_device(machine, &options->device[i]);
	for (i = 0; i < machine->function_count; i++) {
		if (machine->function[i].physical)
			continue;
		if (i)
			put(&text, '\n');
		put_device(&text, &machine->function[i]);
	}
	set_shared(machine, run);
	ioas_machine_destroy(machine);
	return text.at ? text.at : ioas_must(strdup(""));
}

/*
 * A run that was killed may still be ending, and then has its files open for
 * some milliseconds more: somebody who starts the next one at once waits.
 */
#define ENDING_MS 500
#define LOOK_MS   10

static int start_device(struct ioas_machine *machine, unsigned int function,
                        char *ret_failure)
{
	const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
	struct ioas_device *device;
	unsigned int waited = 0;
	int err;

	for (;; waited += LOOK_MS) {
		err = ioas_machine_device(machine, function, &device,
		                          ret_failure);
		if (err != -EBUSY || waited == ENDING_MS)
			return err;
		nanosleep(&pause, NULL);
	}
}

/* Would all of them start, in one process? */
static void check_devices(const struct ioas_setting *profile,
                          const char *devices)
{
	struct ioas_machine *machine = machine_of(profile);
	char failure[IOAS_TEXT_MAX];
	char *all = ioas_must(strdup(devices));
	char *next = all;
	char *line;
	unsigned int i;

	while ((line = strsep(&next, "\n")))
		if (*line)
			add_device(machine,
			           &(struct ioas_setting){line, "device"});
	for (i = 0; i < machine->function_count; i++)
		if (start_device(machine, i, failure))
			ioas_die(IOAS_EXIT_SETUP, "%s", failure);
	ioas_machine_destroy(machine);
	free(all);
}

/* As objects where the report has them. */
static const char *map_form(const struct ioas_run_options *options)
{
	if (!options->map)
		return NULL;
	return options->report_json ? "json" : "1";
}

static void check_contract(const struct ioas_setting *name)
{
	enum ioas_contract contract;

	if (!ioas_contract_find(name->value, &contract))
		ioas_die(IOAS_EXIT_SETUP,
		         "%s: there is no contract '%.80s'; known: %s %s %s",
		         name->where, name->value,
		         ioas_contract_name[IOAS_CONTRACT_STRICT],
		         ioas_contract_name[IOAS_CONTRACT_LINUX_7_3],
		         ioas_contract_name[IOAS_CONTRACT_LINUX_6_12]);
}

void ioas_setup_environment(const struct ioas_run_options *options,
                            const char *run)
{
	char report[PATH_MAX];
	char *devices;

	ioas_host_hooks(&ioas_hooks);
	devices = complete_devices(options, run);
	check_devices(&options->profile, devices);
	check_contract(&options->contract);
	set(IOAS_ENV_RUN, run);
	set(IOAS_ENV_PROFILE, options->profile.value);
	set(IOAS_ENV_DEVICES, devices);
	set(IOAS_ENV_MEMLOCK, options->memlock);
	set(IOAS_ENV_CONTRACT, options->contract.value);
	set(IOAS_ENV_MMAP, options->mmap);
	set(IOAS_ENV_PIN, options->pin);
	set(IOAS_ENV_FRAMES, options->frames);
	set(IOAS_ENV_DIRTY_PAGES, options->dirty_pages);
	set(IOAS_ENV_DMA_ENTRY_LIMIT, options->dma_entry_limit);
	set(IOAS_ENV_INTERRUPTS, options->shared_interrupts ? "shared" : NULL);
	set(IOAS_ENV_UNSAFE_INTERRUPTS,
	    options->unsafe_interrupts ? "1" : NULL);
	set(IOAS_ENV_FAKE_HUGEPAGES, options->fake_hugepages ? "1" : NULL);
	set(IOAS_ENV_STATS, options->stats ? "1" : NULL);
	set(IOAS_ENV_MAP, map_form(options));
	set(IOAS_ENV_ON_FAULT, options->on_fault);
	set(IOAS_ENV_CHECK, options->check);
	/* The library writes text: not into a file of JSON. */
	set(IOAS_ENV_REPORT,
	    options->report_file && !options->report_json &&
	                    realpath(options->report_file, report)
	            ? report
	            : NULL);
	free(devices);
}
