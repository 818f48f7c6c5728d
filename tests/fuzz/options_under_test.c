/* SPDX-License-Identifier: MIT */
/*
 * The options of `ioas run`, compiled with the calls that open files, allocate
 * and end the tool taken over by the target `options`.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

#define fopen   fuzz_fopen
#define fclose  fuzz_fclose
#define getline fuzz_getline
#define realloc fuzz_realloc
#define strdup  fuzz_strdup
#define free    fuzz_release

#include "cli/options.c"
