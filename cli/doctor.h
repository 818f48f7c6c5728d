/* SPDX-License-Identifier: MIT */
/*
 * `ioas doctor`: what is looked at, in two files.
 *
 *	doctor.c       the verb; the program, from outside and from its ELF file
 *	doctor_host.c  the machine
 */
#ifndef IOAS_CLI_DOCTOR_H
#define IOAS_CLI_DOCTOR_H

#include <stdbool.h>

enum ioas_verdict {
	IOAS_VERDICT_FINE,
	IOAS_VERDICT_NOTE, /* works, but one should know */
	IOAS_VERDICT_BAD,  /* will not work */
};

struct ioas_doctor {
	bool bad; /* something was IOAS_VERDICT_BAD */
};

/* One line on standard output. */
void ioas_doctor_say(struct ioas_doctor *d, enum ioas_verdict verdict,
                     const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void ioas_doctor_host(struct ioas_doctor *d);

#endif /* IOAS_CLI_DOCTOR_H */
