/* SPDX-License-Identifier: MIT */
/* The watch over this process: its findings go to the tool. */
#ifndef IOAS_PRELOAD_WATCHING_H
#define IOAS_PRELOAD_WATCHING_H

void ioas_watching_begin(void); /* once in a process and its children */
void ioas_watching_end(void);   /* the summary */
void ioas_watching_forked(void);

#endif /* IOAS_PRELOAD_WATCHING_H */
