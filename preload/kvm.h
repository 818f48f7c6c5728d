/* SPDX-License-Identifier: MIT */
/*
 * A guest of KVM touches the program's mappings from inside the processor: no
 * fault handler can serve that. Such a program gets BARs that cannot be mapped,
 * and reads and writes them through the device's descriptor.
 */
#ifndef IOAS_PRELOAD_KVM_H
#define IOAS_PRELOAD_KVM_H

#include <stdbool.h>

/* Has this process /dev/kvm open? True once it had. */
bool ioas_kvm_is_open(void);
/* From now on as if it had: --mmap=off. */
void ioas_kvm_assume(void);

#endif /* IOAS_PRELOAD_KVM_H */
