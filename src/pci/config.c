/* SPDX-License-Identifier: MIT */
/*
 * Configuration space: built once from the model's table of facts, then bytes
 * with a mask of what a write may change.
 *
 *	0x00  header          0x40  power management, then, where the model
 *	                            has them, MSI, MSI-X, PCI Express
 *	0x100 extended space: SR-IOV, then ATS, PRI and PASID (pasid.c), then
 *	      the model's own registers
 *
 * Every field whose write does more than store lies in one byte, so a write of
 * any alignment and length is a sequence of byte writes. A function level
 * reset asked for by a write happens after all of its bytes.
 *
 * Values are little-endian, as on the bus.
 *
 * Sources: PCI Local Bus Specification 3.0, 6.1, 6.2.5.1, 6.8.1, 6.8.2; PCI
 * Bus Power Management Interface Specification 1.2, 3.2; PCI Express Base
 * Specification 4.0, 7.5.3; Linux 7.3 drivers/vfio/pci/vfio_pci_config.c.
 */
#include <string.h>

#include "pci/function.h"

#define CONFIG_CONVENTIONAL 256 /* bytes of a function without PCI Express */

#define REG_VENDOR           0x00
#define REG_DEVICE           0x02
#define REG_COMMAND          0x04
#define REG_STATUS           0x06
#define REG_REVISION         0x08 /* and the class code above it */
#define REG_CACHE_LINE       0x0c
#define REG_LATENCY          0x0d
#define REG_BAR              0x10
#define REG_SUBSYSTEM_VENDOR 0x2c
#define REG_SUBSYSTEM        0x2e
#define REG_ROM              0x30
#define REG_CAPABILITIES     0x34
#define REG_INTERRUPT_LINE   0x3c
#define REG_INTERRUPT_PIN    0x3d

#define FIRST_CAPABILITY 0x40

#define COMMAND_IO          0x0001
#define COMMAND_MEMORY      0x0002
#define COMMAND_MASTER      0x0004
#define COMMAND_PARITY      0x0040
#define COMMAND_SERR        0x0100
#define COMMAND_INTX_OFF    0x0400
#define COMMAND_INTX_BYTE   (REG_COMMAND + 1) /* that bit is in it */
#define STATUS_INTERRUPT    0x08
#define STATUS_CAPABILITIES 0x0010

#define PIN_A 1

#define BAR_64BIT        0x4
#define BAR_PREFETCHABLE 0x8
#define BAR_FLAGS        0xf /* low bits that are not address */
#define BAR_PORT         0x1
#define BAR_PORT_FLAGS   0x3
#define ROM_ENABLE       0x1

#define CAP_PM   0x01
#define CAP_MSI  0x05
#define CAP_PCIE 0x10
#define CAP_MSIX 0x11

#define PM_CAP           2
#define PM_CAP_V3        0x0003
#define PM_STATUS        4
#define PM_NO_SOFT_RESET 0x08
#define PM_STATE         0x03
#define PM_D0            0
#define PM_D3HOT         3
#define PM_BYTES         8

#define MSI_CONTROL     2
#define MSI_ENABLE      0x01
#define MSI_CAPABLE     0x0e /* lg2 of the vectors it has */
#define MSI_ENABLED     0x70 /* lg2 of the vectors that are on */
#define MSI_64BIT       0x80
#define MSI_ADDRESS     4
#define MSI_ADDRESS_BIT UINT32_C(0xfffffffc)
#define MSI_DATA        12
#define MSI_BYTES       16

#define MSIX_CONTROL 2
#define MSIX_TABLE   4
#define MSIX_PENDING 8
#define MSIX_ENABLE  0x80 /* in the upper byte */
#define MSIX_BYTES   12

#define EXP_FLAGS         0x02
#define EXP_FLAGS_V2      0x0002 /* version 2, endpoint */
#define EXP_DEVCAP        0x04
#define EXP_DEVCAP_VALUE  UINT32_C(0x10008021) /* FLR, role-based errors, ... */
#define EXP_DEVCTL        0x08
#define EXP_DEVCTL_VALUE  0x2810 /* relaxed order, no snoop, reads of 512 */
#define EXP_DEVCTL_WRITE  0x79ff /* all but phantom, auxiliary power, FLR */
#define EXP_FLR           0x80   /* in the upper byte; reads as 0 */
#define EXP_LNKCAP        0x0c
#define EXP_LNKSTA        0x12
#define EXP_LINK          0x0043 /* 8 GT/s, 4 lanes */
#define EXP_DEVCAP2       0x24
#define EXP_DEVCTL2       0x28
#define EXP_TIMEOUT_OFF   0x0010 /* completion timeout may be switched off */
#define EXP_LNKCAP2       0x2c
#define EXP_LNKCAP2_VALUE 0x000e /* 2.5, 5 and 8 GT/s */
#define EXP_LNKCTL2       0x30
#define EXP_LNKCTL2_VALUE 0x0003
#define EXP_BYTES         0x3c

static void put16(uint8_t *at, unsigned int value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value & 0xffff);
	put16(at + 2, value >> 16);
}

static void or32(uint8_t *at, uint32_t bits)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		at[i] |= (uint8_t)(bits >> 8 * i);
}

static unsigned int lg2_ceil(unsigned int n)
{
	unsigned int lg2 = 0;

	while ((1u << lg2) < n)
		lg2++;
	return lg2;
}

/* ---- Building ---- */

static void build_header(struct ioas_device *dev)
{
	const struct ioas_function_desc *f = &dev->function;

	put16(dev->config + REG_VENDOR, f->vendor);
	put16(dev->config + REG_DEVICE, f->device);
	put16(dev->config + REG_STATUS, STATUS_CAPABILITIES);
	put32(dev->config + REG_REVISION, f->class_code << 8 | f->revision);
	put16(dev->config + REG_SUBSYSTEM_VENDOR, f->subsystem_vendor);
	put16(dev->config + REG_SUBSYSTEM, f->subsystem_device);
	dev->config[REG_CAPABILITIES] = FIRST_CAPABILITY;

	put16(dev->writable + REG_COMMAND,
	      COMMAND_MEMORY | COMMAND_MASTER | COMMAND_PARITY | COMMAND_SERR |
	              COMMAND_INTX_OFF);
	dev->writable[REG_CACHE_LINE] = 0xff;
	/* PCI Express has no latency timer: 0 (7.5.1.1.7). */
	dev->writable[REG_LATENCY] = f->pcie ? 0 : 0xff;
	dev->writable[REG_INTERRUPT_LINE] = 0xff;
	dev->config[REG_INTERRUPT_PIN] = f->intx ? PIN_A : 0;
}

/* The bits below the size are the ones that never change: that is sizing. */
static void build_bar(struct ioas_device *dev, unsigned int i)
{
	const struct ioas_bar_desc *bar = &dev->function.bar[i];
	uint8_t *value = dev->config + REG_BAR + 4 * i;
	uint8_t *mask = dev->writable + REG_BAR + 4 * i;
	uint64_t address = ~(bar->size - 1);

	if (bar->port) {
		*value = BAR_PORT;
		put32(mask, (uint32_t)address & ~(uint32_t)BAR_PORT_FLAGS);
		dev->writable[REG_COMMAND] |= COMMAND_IO;
		return;
	}
	*value = (uint8_t)((bar->is_64bit ? BAR_64BIT : 0) |
	                   (bar->prefetchable ? BAR_PREFETCHABLE : 0));
	put32(mask, (uint32_t)address & ~(uint32_t)BAR_FLAGS);
	if (bar->is_64bit)
		put32(mask + 4, (uint32_t)(address >> 32));
}

static void build_bars(struct ioas_device *dev)
{
	uint64_t rom = ioas_device_rom_size(dev);
	unsigned int i;

	for (i = 0; i < IOAS_BARS; i++)
		if (dev->function.bar[i].size)
			build_bar(dev, i);
	if (rom)
		put32(dev->writable + REG_ROM,
		      (uint32_t) ~(rom - 1) | ROM_ENABLE);
}

struct capability {
	unsigned int id, bytes;
	bool (*there)(const struct ioas_function_desc *f);
	void (*build)(struct ioas_device *dev, unsigned int at);
};

static bool pm_there(const struct ioas_function_desc *f)
{
	return true;
}

static void build_pm(struct ioas_device *dev, unsigned int at)
{
	dev->cap_pm = at;
	put16(dev->config + at + PM_CAP, PM_CAP_V3);
	dev->config[at + PM_STATUS] = PM_NO_SOFT_RESET;
	dev->writable[at + PM_STATUS] = PM_STATE;
}

static bool msi_there(const struct ioas_function_desc *f)
{
	return f->msi_vectors != 0;
}

static void build_msi(struct ioas_device *dev, unsigned int at)
{
	dev->cap_msi = at;
	dev->writable[at + MSI_CONTROL] = MSI_ENABLE | MSI_ENABLED;
	put32(dev->writable + at + MSI_ADDRESS, MSI_ADDRESS_BIT);
	put32(dev->writable + at + MSI_ADDRESS + 4, UINT32_MAX);
	put16(dev->writable + at + MSI_DATA, UINT16_MAX);
}

static bool msix_there(const struct ioas_function_desc *f)
{
	return f->msix_vectors != 0;
}

static void build_msix(struct ioas_device *dev, unsigned int at)
{
	const struct ioas_function_desc *f = &dev->function;

	dev->cap_msix = at;
	put16(dev->config + at + MSIX_CONTROL, f->msix_vectors - 1u);
	put32(dev->config + at + MSIX_TABLE, f->msix_table | f->msix_bar);
	put32(dev->config + at + MSIX_PENDING, f->msix_pba | f->msix_bar);
}

static bool pcie_there(const struct ioas_function_desc *f)
{
	return f->pcie;
}

static void build_pcie(struct ioas_device *dev, unsigned int at)
{
	uint8_t *cap = dev->config + at;

	dev->cap_pcie = at;
	put16(cap + EXP_FLAGS, EXP_FLAGS_V2);
	put32(cap + EXP_DEVCAP, EXP_DEVCAP_VALUE);
	put16(cap + EXP_DEVCTL, EXP_DEVCTL_VALUE);
	put16(cap + EXP_LNKCAP, EXP_LINK);
	put16(cap + EXP_LNKSTA, EXP_LINK);
	put16(cap + EXP_DEVCAP2, EXP_TIMEOUT_OFF);
	put16(cap + EXP_LNKCAP2, EXP_LNKCAP2_VALUE);
	put16(cap + EXP_LNKCTL2, EXP_LNKCTL2_VALUE);
	put16(dev->writable + at + EXP_DEVCTL, EXP_DEVCTL_WRITE);
	put16(dev->writable + at + EXP_DEVCTL2, EXP_TIMEOUT_OFF);
}

static const struct capability capabilities[] = {
	{CAP_PM, PM_BYTES, pm_there, build_pm},
	{CAP_MSI, MSI_BYTES, msi_there, build_msi},
	{CAP_MSIX, MSIX_BYTES, msix_there, build_msix},
	{CAP_PCIE, EXP_BYTES, pcie_there, build_pcie},
};

static void build_capabilities(struct ioas_device *dev)
{
	uint8_t *link = dev->config + REG_CAPABILITIES;
	unsigned int at = FIRST_CAPABILITY, i;

	for (i = 0; i < IOAS_ARRAY_SIZE(capabilities); i++) {
		const struct capability *c = &capabilities[i];

		if (!c->there(&dev->function))
			continue;
		*link = (uint8_t)at;
		dev->config[at] = (uint8_t)c->id;
		c->build(dev, at);
		link = dev->config + at + 1;
		at += c->bytes;
	}
}

/* ---- Registers of the device's own ---- */

static void build_own(struct ioas_device *dev)
{
	const struct ioas_config_register *r = dev->function.config;

	for (; r && r->offset; r++) {
		put32(dev->writable + r->offset, r->writable);
		put32(dev->cleared + r->offset, r->cleared);
	}
}

void ioas_config_own_locked(struct ioas_device *dev)
{
	const struct ioas_config_register *r = dev->function.config;

	for (; r && r->offset; r++)
		put32(dev->config + r->offset, r->value);
}

void ioas_device_config_set(struct ioas_device *dev, unsigned int offset,
                            uint32_t bits)
{
	const struct ioas_config_register *r = dev->function.config;

	for (; r && r->offset; r++)
		if (r->offset == offset)
			or32(dev->config + offset, bits);
}

void ioas_config_build(struct ioas_device *dev)
{
	bool pcie = dev->function.pcie;

	memset(dev->config, 0, sizeof(dev->config));
	memset(dev->writable, 0, sizeof(dev->writable));
	memset(dev->cleared, 0, sizeof(dev->cleared));
	dev->config_size = pcie ? IOAS_CONFIG_SIZE : CONFIG_CONVENTIONAL;
	build_header(dev);
	build_bars(dev);
	build_capabilities(dev);
	ioas_sriov_build(dev);
	ioas_pasid_build(dev);
	build_own(dev);
	ioas_config_default_locked(dev);
}

void ioas_device_config_as_linux(struct ioas_device *dev)
{
	if (!dev->cap_msi)
		return;
	dev->writable[dev->cap_msi + MSI_CONTROL] = 0xff;
	put32(dev->writable + dev->cap_msi + MSI_ADDRESS, UINT32_MAX);
}

static void default_msi(struct ioas_device *dev)
{
	unsigned int lg2 = lg2_ceil(dev->function.msi_vectors);

	dev->irq.msi_lg2 = 0;
	if (dev->cap_msi)
		dev->config[dev->cap_msi + MSI_CONTROL] =
			(uint8_t)(MSI_64BIT | lg2 << 1);
}

/*
 * Fields that can be written go back to their first value. vfio-pci hands a
 * device over with memory decoding on and bus mastering off.
 */
void ioas_config_default_locked(struct ioas_device *dev)
{
	unsigned int i;

	for (i = 0; i < dev->config_size; i++)
		dev->config[i] &= (uint8_t)~dev->writable[i];
	put16(dev->config + REG_COMMAND, COMMAND_MEMORY);
	if (dev->cap_pcie)
		put16(dev->config + dev->cap_pcie + EXP_DEVCTL,
		      EXP_DEVCTL_VALUE);
	default_msi(dev);
	ioas_config_own_locked(dev);
	ioas_config_irq_enable_locked(dev, IOAS_IRQ_OFF, 0);
}

/* ---- What the rest of the function asks ---- */

bool ioas_config_bus_master_locked(const struct ioas_device *dev)
{
	return dev->config[REG_COMMAND] & COMMAND_MASTER;
}

bool ioas_config_ports_locked(const struct ioas_device *dev)
{
	return dev->config[REG_COMMAND] & COMMAND_IO;
}

uint64_t ioas_config_bar_locked(const struct ioas_device *dev, unsigned int bar)
{
	const uint8_t *at = dev->config + REG_BAR + 4 * bar;
	uint64_t value = 0;
	unsigned int i, bytes = dev->function.bar[bar].is_64bit ? 8 : 4;

	for (i = 0; i < bytes; i++)
		value |= (uint64_t)at[i] << 8 * i;
	return value & ~UINT64_C(0xf);
}

void ioas_config_power_on_locked(struct ioas_device *dev)
{
	dev->config[dev->cap_pm + PM_STATUS] &= (uint8_t)~PM_STATE;
}

void ioas_config_irq_enable_locked(struct ioas_device *dev,
                                   enum ioas_irq_mode mode, unsigned int count)
{
	uint8_t *msix = dev->config + dev->cap_msix + MSIX_CONTROL + 1;

	dev->irq.msi_on = mode == IOAS_IRQ_MSI;
	if (dev->irq.msi_on)
		dev->irq.msi_lg2 = lg2_ceil(count);
	if (dev->cap_msix)
		*msix &= (uint8_t)~MSIX_ENABLE;
	if (mode == IOAS_IRQ_MSIX)
		*msix |= MSIX_ENABLE;
}

bool ioas_config_irq_enabled_locked(const struct ioas_device *dev)
{
	const uint8_t *msix = dev->config + dev->cap_msix + MSIX_CONTROL + 1;

	if (dev->irq.mode == IOAS_IRQ_MSI)
		return dev->irq.msi_on;
	return dev->irq.mode == IOAS_IRQ_MSIX && *msix & MSIX_ENABLE;
}

bool ioas_config_intx_disabled_locked(const struct ioas_device *dev)
{
	return dev->config[COMMAND_INTX_BYTE] & COMMAND_INTX_OFF >> 8;
}

void ioas_config_intx_status_locked(struct ioas_device *dev, bool on)
{
	dev->config[REG_STATUS] &= (uint8_t)~STATUS_INTERRUPT;
	if (on)
		dev->config[REG_STATUS] |= STATUS_INTERRUPT;
}

/* The memory of virtual functions is switched by the physical one. */
bool ioas_config_decodes_locked(const struct ioas_device *dev)
{
	return (dev->iov.is_virtual ||
	        dev->config[REG_COMMAND] & COMMAND_MEMORY) &&
	       (dev->config[dev->cap_pm + PM_STATUS] & PM_STATE) != PM_D3HOT;
}

bool ioas_device_decodes(struct ioas_device *dev)
{
	bool on;

	ioas_lock(&dev->lock);
	on = ioas_config_decodes_locked(dev);
	ioas_unlock(&dev->lock);
	return on;
}

/* ---- Reads and writes of the program ---- */

void ioas_device_config_read(struct ioas_device *dev, unsigned int offset,
                             void *buffer, unsigned int bytes)
{
	ioas_lock(&dev->lock);
	memcpy(buffer, dev->config + offset, bytes);
	ioas_unlock(&dev->lock);
}

/*
 * D1 and D2 are not there: the old state stays. So it does where a physical
 * function would leave its virtual ones behind.
 */
static uint8_t settle_power(const struct ioas_device *dev, uint8_t old,
                            uint8_t value)
{
	unsigned int state = value & PM_STATE;

	if (state != PM_D0 && ioas_sriov_on_locked(dev))
		return old;
	return state == PM_D0 || state == PM_D3HOT ? value : old;
}

/*
 * MSI is switched on by SET_IRQS only, for no more vectors than were asked for
 * there; while it is on, the program may switch it off and on again.
 */
static uint8_t settle_msi(struct ioas_device *dev, uint8_t value)
{
	unsigned int most = dev->irq.msi_lg2;

	if (dev->irq.mode != IOAS_IRQ_MSI)
		value &= (uint8_t)~MSI_ENABLE;
	if ((unsigned int)(value & MSI_ENABLED) >> 4 > most)
		value = (uint8_t)((value & ~MSI_ENABLED) | most << 4);
	dev->irq.msi_on = value & MSI_ENABLE;
	return value;
}

static void write_byte_locked(struct ioas_device *dev, unsigned int at,
                              uint8_t value)
{
	uint8_t old = dev->config[at], mask = dev->writable[at];
	bool disabled = ioas_config_intx_disabled_locked(dev);

	old &= (uint8_t) ~(value & dev->cleared[at]);
	value = (uint8_t)((old & ~mask) | (value & mask));
	if (at == dev->cap_pm + PM_STATUS)
		value = settle_power(dev, old, value);
	if (dev->cap_msi && at == dev->cap_msi + MSI_CONTROL)
		value = settle_msi(dev, value);
	dev->config[at] = value;
	if (at == COMMAND_INTX_BYTE)
		ioas_intx_command_locked(dev, disabled);
}

void ioas_device_config_write(struct ioas_device *dev, unsigned int offset,
                              const void *buffer, unsigned int bytes)
{
	const uint8_t *value = buffer;
	unsigned int flr = dev->cap_pcie + EXP_DEVCTL + 1, i;
	bool reset = false;

	ioas_lock(&dev->lock);
	ioas_runner_flush_locked(dev);
	for (i = 0; i < bytes; i++) {
		write_byte_locked(dev, offset + i, value[i]);
		if (dev->cap_pcie && offset + i == flr && value[i] & EXP_FLR)
			reset = true;
	}
	if (reset)
		ioas_device_reset_locked(dev);
	ioas_unlock(&dev->lock);
}
