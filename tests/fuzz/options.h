/* SPDX-License-Identifier: MIT */
/* What stands in for the C library under cli/options.c: see options.c. */
#ifndef FUZZ_OPTIONS_H
#define FUZZ_OPTIONS_H

#include <stdio.h>

FILE *fuzz_fopen(const char *name, const char *mode);
int fuzz_fclose(FILE *file);
ssize_t fuzz_getline(char **line, size_t *room, FILE *file);
void *fuzz_realloc(void *p, size_t bytes);
char *fuzz_strdup(const char *text);
void fuzz_release(void *p);

#endif /* FUZZ_OPTIONS_H */
