/* SPDX-License-Identifier: MIT */
/*
 * `ioas list devices|profiles|checks [--json]`: what can be given to `ioas
 * run`. The list is made once, as JSON; for people it is printed from there.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "devices/models.h"
#include "machine/machine.h"

static json_t *key(const char *name, const char *value, const char *help)
{
	return ioas_must(json_pack("{s:s, s:s, s:s}", "name", name, "value",
	                           value, "help", help));
}

static json_t *device(const struct ioas_model *model)
{
	const struct ioas_model_key *k;
	json_t *keys = ioas_must(json_array());
	char id[16];

	json_array_append_new(keys,
	                      key("bdf", "[DDDD:]BB:SS.F",
	                          "where it sits; 0000:01:00.0 is the first"));
	json_array_append_new(keys,
	                      key("reserved", "KIND:FIRST-LAST[+...]",
	                          "I/O addresses that its group may not map"));
	if (model->function.vfs_max)
		json_array_append_new(
			keys,
			key("vfs", "N",
		            "virtual functions that it may have (SR-IOV)"));
	for (k = ioas_runner_keys; k->name; k++)
		json_array_append_new(keys, key(k->name, k->value, k->help));
	for (k = model->keys; k && k->name; k++)
		json_array_append_new(keys, key(k->name, k->value, k->help));
	snprintf(id, sizeof(id), "%04x:%04x", model->function.vendor,
	         model->function.device);
	return ioas_must(json_pack("{s:s, s:s, s:s, s:o}", "name", model->name,
	                           "summary", model->summary, "id", id, "keys",
	                           keys));
}

static json_t *devices(void)
{
	json_t *list = ioas_must(json_array());
	size_t i;

	for (i = 0; ioas_models[i]; i++)
		json_array_append_new(list, device(ioas_models[i]));
	return list;
}

static json_t *profiles(void)
{
	json_t *list = ioas_must(json_array());
	const struct ioas_profile *p;
	char last[24];

	for (p = ioas_profiles; p->name; p++) {
		snprintf(last, sizeof(last), "0x%llx",
		         (unsigned long long)p->aperture.last);
		json_array_append_new(
			list,
			ioas_must(json_pack("{s:s, s:s, s:s}", "name", p->name,
		                            "summary", p->summary, "last_iova",
		                            last)));
	}
	return list;
}

static json_t *checks(void)
{
	json_t *list = ioas_must(json_array());
	const struct ioas_check *c;

	for (c = ioas_checks; c < ioas_checks + IOAS_CHECK_NR; c++)
		json_array_append_new(
			list,
			ioas_must(json_pack(
				"{s:s, s:s, s:s, s:s, s:b}", "name", c->name,
				"summary", c->help, "family", c->family,
				"severity",
				c->severity == IOAS_FINDING ? "error" : "note",
				"default", c->by_default)));
	return list;
}

static const char *text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void print(const json_t *list)
{
	const json_t *entry, *k;
	size_t i, j;

	json_array_foreach(list, i, entry)
	{
		printf("%-18s %s\n", text(entry, "name"),
		       text(entry, "summary"));
		json_array_foreach(json_object_get(entry, "keys"), j, k) printf(
			"                   %s=%s  %s\n", text(k, "name"),
			text(k, "value"), text(k, "help"));
	}
}

static const struct listing {
	const char *name;
	json_t *(*make)(void);
} listings[] = {
	{"devices", devices},
	{"profiles", profiles},
	{"checks", checks},
};

static int show(const struct listing *listing, bool as_json)
{
	json_t *list = listing->make();

	if (as_json) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		print(list);
	}
	json_decref(list);
	if (fflush(stdout) || ferror(stdout))
		ioas_die(IOAS_EXIT_SETUP, "cannot write the list");
	return 0;
}

int ioas_verb_list(int argc, char **argv)
{
	const char *what = NULL;
	bool as_json = false;
	size_t i;
	int n;

	for (n = 1; n < argc; n++) {
		if (!strcmp(argv[n], "--json"))
			as_json = true;
		else if (!what)
			what = argv[n];
		else
			what = "";
	}
	for (i = 0; what && i < sizeof(listings) / sizeof(listings[0]); i++)
		if (!strcmp(what, listings[i].name))
			return show(&listings[i], as_json);
	ioas_die(IOAS_EXIT_SETUP,
	         "usage: ioas list devices|profiles|checks [--json]");
}
