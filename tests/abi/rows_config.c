/* SPDX-License-Identifier: MIT */
/*
 * What a write to configuration space changes: each register is written, and
 * read back.
 */
#include <stdio.h>

#include "abi.h"

struct write {
	const char *name;
	uint32_t at, bytes;
	uint32_t written, read;
	unsigned int in;
	enum abi_state state;
};

#define PM(at)      (CAPABILITY(1) + (at))
#define MSI(at)     (CAPABILITY(5) + (at))
#define MSIX(at)    (CAPABILITY(17) + (at))
#define EXPRESS(at) (CAPABILITY(16) + (at))

#define ONES UINT32_MAX
#define ON   S_DEVICE

static const struct write writes[] = {
	{"vendor and device", 0x00, 4, ONES, 0x56781234, 0, ON},
	{"command, ones", 0x04, 2, ONES, 0x0547, 0, ON},
	{"command, ones, without ports", 0x04, 2, ONES, 0x0546, 0, S_PLAIN},
	{"command, zeros", 0x04, 2, 0, 0, 0, ON},
	{"command, upper byte", 0x05, 1, ONES, 0x05, 0, ON},
	{"status", 0x06, 2, ONES, 0x0010, 0, ON},
	{"command and status", 0x04, 4, ONES, 0x00100547, 0, ON},
	{"revision and class", 0x08, 4, ONES, 0xff000000, 0, ON},
	{"cache line size", 0x0c, 1, ONES, 0xff, 0, ON},
	{"latency timer of PCI Express", 0x0d, 1, ONES, 0x00, 0, ON},
	{"latency timer", 0x0d, 1, ONES, 0xff, 0, S_PLAIN},
	{"header type", 0x0e, 1, ONES, 0x00, 0, ON},
	{"self test", 0x0f, 1, ONES, 0x00, 0, ON},
	{"BAR 0, ones", 0x10, 4, ONES, 0xffffc004, 0, ON},
	{"BAR 0, zeros", 0x10, 4, 0, 0x00000004, 0, ON},
	{"BAR 0, an address", 0x10, 4, 0xfebd5678, 0xfebd4004, 0, ON},
	{"BAR 0, first byte", 0x10, 1, ONES, 0x04, 0, ON},
	{"BAR 0, second byte", 0x11, 1, ONES, 0xc0, 0, ON},
	{"BAR 0, last byte", 0x13, 1, 0x5a, 0x5a, 0, ON},
	{"upper half of BAR 0", 0x14, 4, ONES, ONES, 0, ON},
	{"BAR 2", 0x18, 4, ONES, 0xffff0000, 0, ON},
	{"BAR 3, empty", 0x1c, 4, ONES, 0, 0, ON},
	{"BAR 4", 0x20, 4, ONES, 0xffffff00, 0, ON},
	{"BAR 5, ports", 0x24, 4, ONES, 0xffffffe1, 0, ON},
	{"between BAR 1 and BAR 2", 0x16, 4, ONES, 0x0000ffff, 0, ON},
	{"BAR registers in low power", 0x18, 4, ONES, 0xffff0000, 0, S_LOW},
	{"BAR registers in D3hot", 0x18, 4, ONES, 0xffff0000, 0, S_D3},
	{"CardBus", 0x28, 4, ONES, 0, 0, ON},
	{"subsystem", 0x2c, 4, ONES, 0, 0, ON},
	{"ROM, ones", 0x30, 4, ONES, 0xfffff001, 0, ON},
	{"ROM, zeros", 0x30, 4, 0, 0, 0, ON},
	{"ROM, only enabled", 0x30, 4, 1, 1, 0, ON},
	{"ROM, empty", 0x30, 4, ONES, 0, 0, S_PLAIN},
	{"first capability", 0x34, 1, ONES, 0x40, 0, ON},
	{"reserved", 0x38, 4, ONES, 0, 0, ON},
	{"interrupt line", 0x3c, 1, ONES, 0xff, 0, ON},
	{"interrupt pin", 0x3d, 1, ONES, 0x01, 0, ON},
	{"interrupt pin, none", 0x3d, 1, ONES, 0x00, 0, S_PLAIN},
	{"grant and latency", 0x3e, 2, ONES, 0, 0, ON},
	{"power management, head", PM(0), 4, ONES, 0x00034801, 0, ON},
	{"power state D3hot", PM(4), 2, 3, 0x000b, 0, ON},
	{"power state D3hot by ones", PM(4), 2, ONES, 0x000b, 0, ON},
	{"power state D1, that is not there", PM(4), 2, 1, 0x0008, 0, ON},
	{"power state D2, that is not there", PM(4), 2, 2, 0x0008, 0, ON},
	{"power state D0 again", PM(4), 2, 0, 0x0008, 0, S_D3},
	{"MSI, head", MSI(0), 2, ONES, 0x5805, 0, ON},
	{"MSI off, control", MSI(2), 2, ONES, 0x0084, IN_STRICT, ON},
	{"MSI off, control", MSI(2), 2, ONES, 0x008e, IN_LINUX, ON},
	{"MSI off, control, zeros", MSI(2), 2, 0, 0x0084, IN_STRICT, ON},
	{"MSI off, control, zeros", MSI(2), 2, 0, 0x0000, IN_LINUX, ON},
	{"MSI on, control", MSI(2), 1, ONES, 0x95, IN_STRICT, S_MSI},
	{"MSI on, control", MSI(2), 1, ONES, 0x9f, IN_LINUX, S_MSI},
	{"MSI on, enabled", MSI(2), 1, 0x85, 0x85, 0, S_MSI},
	{"MSI on, disabled", MSI(2), 1, 0x84, 0x84, 0, S_MSI},
	{"MSI on, upper byte of control", MSI(3), 1, ONES, 0x00, 0, S_MSI},
	{"MSI address", MSI(4), 4, ONES, 0xfffffffc, IN_STRICT, ON},
	{"MSI address", MSI(4), 4, ONES, ONES, IN_LINUX, ON},
	{"MSI address, upper half", MSI(8), 4, ONES, ONES, 0, ON},
	{"MSI data", MSI(0xc), 4, ONES, 0x0000ffff, 0, ON},
	{"MSI-X, head", MSIX(0), 2, ONES, 0x6411, 0, ON},
	{"MSI-X off, control", MSIX(2), 2, ONES, 0x000f, 0, ON},
	{"MSI-X on, control", MSIX(2), 2, 0, 0x800f, 0, S_MSIX},
	{"MSI-X on, control, masked", MSIX(2), 2, 0xc000, 0x800f, 0, S_MSIX},
	{"MSI-X table", MSIX(4), 4, ONES, 0x00002000, 0, ON},
	{"MSI-X pending bits", MSIX(8), 4, ONES, 0x00003000, 0, ON},
	{"PCI Express, head", EXPRESS(0), 4, ONES, 0x00020010, 0, ON},
	{"device capabilities", EXPRESS(4), 4, ONES, 0x10008021, 0, ON},
	{"device control, ones, which resets", EXPRESS(8), 2, ONES, 0x79ff, 0,
         ON},
	{"device control, zeros", EXPRESS(8), 2, 0, 0, 0, ON},
	{"device status", EXPRESS(0xa), 2, ONES, 0, 0, ON},
	{"link capabilities", EXPRESS(0xc), 4, ONES, 0x43, 0, ON},
	{"link control", EXPRESS(0x10), 2, ONES, 0, 0, ON},
	{"link status", EXPRESS(0x12), 2, ONES, 0x43, 0, ON},
	{"device capabilities 2", EXPRESS(0x24), 4, ONES, 0x10, 0, ON},
	{"device control 2", EXPRESS(0x28), 2, ONES, 0x10, 0, ON},
	{"behind the capabilities", 0xa0, 4, ONES, 0, 0, ON},
	{"end of conventional space", 0xfc, 4, ONES, 0, 0, ON},
	{"extended space", 0x100, 4, ONES, 0, 0, ON},
	{"end of extended space", 0xffc, 4, ONES, 0, 0, ON},
};

static void generate(void (*emit)(const struct abi_row *))
{
	size_t i;

	for (i = 0; i < COUNT(writes); i++) {
		const struct write *w = &writes[i];

		emit(&(struct abi_row){
			.name = w->name,
			.state = w->state,
			.in = w->in,
			.call = CALL_WRITE_READ,
			.on = FD_DEVICE,
			.position = CONFIG + w->at,
			.argument = &w->written,
			.bytes = w->bytes,
			.expected = (long)w->bytes,
			.out = &w->read,
		});
	}
}

const struct abi_set abi_config_set = {
	.subject = "configuration space",
	.source = "Linux 7.3 drivers/vfio/pci/vfio_pci_config.c",
	.generate = generate,
};
