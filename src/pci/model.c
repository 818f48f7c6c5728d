/* SPDX-License-Identifier: MIT */
/*
 * What a function looks like: the table of its model, which may have a word to
 * say about its options. And can there be such a function? That table is
 * written by hand, and a mistake in it would show as a program that fails
 * somewhere else.
 *
 * Sources: PCI Local Bus Specification 3.0, 6.2.5.1 (BARs), 6.8.1.3 and
 * 6.8.2.3 (numbers of vectors).
 */
#include <errno.h>

#include "pci/function.h"

#define BAR_BYTES_MIN  16
#define PORTS_MIN      4
#define PORTS_MAX      256
#define ROM_MAX        (UINT32_C(16) << 20)
#define MSI_MAX        32
#define MSIX_MAX       2048
#define MSIX_ALIGN     8
#define MSIX_ENTRY     16
#define CONFIG_OWN     0x140 /* behind the capability of SR-IOV */
#define CONFIG_PASID   0x160 /* and those of PASIDs */
#define CLASS_CODE_END (UINT32_C(1) << 24)

static bool power_of_two(uint64_t n)
{
	return n && (n & (n - 1)) == 0;
}

static bool is_upper_half(const struct ioas_function_desc *f, unsigned int bar)
{
	return bar && f->bar[bar - 1].size && f->bar[bar - 1].is_64bit;
}

static bool bars_fit(const struct ioas_function_desc *f)
{
	unsigned int i;

	for (i = 0; i < IOAS_BARS; i++) {
		const struct ioas_bar_desc *bar = &f->bar[i];

		if (!bar->size)
			continue;
		if (!power_of_two(bar->size) || is_upper_half(f, i) ||
		    (bar->size < BAR_BYTES_MIN && !bar->port))
			return false;
		if (bar->is_64bit ? i == IOAS_BARS - 1
		                  : bar->size > UINT32_C(1) << 31)
			return false;
	}
	return true;
}

static bool in_bar(const struct ioas_function_desc *f, uint64_t start,
                   uint64_t bytes)
{
	uint64_t size = f->bar[f->msix_bar].size;

	return start % MSIX_ALIGN == 0 && bytes <= size &&
	       start <= size - bytes;
}

static bool msix_fits(const struct ioas_function_desc *f)
{
	uint64_t table = (uint64_t)f->msix_vectors * MSIX_ENTRY;
	uint64_t pba = (f->msix_vectors + 63u) / 64 * 8;

	if (!f->msix_vectors)
		return true;
	if (f->msix_vectors > MSIX_MAX || f->msix_bar >= IOAS_BARS)
		return false;
	return in_bar(f, f->msix_table, table) && in_bar(f, f->msix_pba, pba) &&
	       (f->msix_table + table <= f->msix_pba ||
	        f->msix_pba + pba <= f->msix_table);
}

static bool ports_fit(const struct ioas_function_desc *f)
{
	unsigned int i;

	for (i = 0; i < IOAS_BARS; i++) {
		const struct ioas_bar_desc *bar = &f->bar[i];

		if (!bar->size || !bar->port)
			continue;
		if (bar->size < PORTS_MIN || bar->size > PORTS_MAX ||
		    bar->is_64bit || bar->prefetchable ||
		    (f->msix_vectors && f->msix_bar == i))
			return false;
	}
	return true;
}

static bool rom_fits(const struct ioas_function_desc *f)
{
	return f->rom_bytes <= ROM_MAX;
}

static bool msi_fits(const struct ioas_function_desc *f)
{
	return !f->msi_vectors ||
	       (power_of_two(f->msi_vectors) && f->msi_vectors <= MSI_MAX);
}

/* Capabilities are where there is room for them below. */
static bool config_fits(const struct ioas_function_desc *f)
{
	const struct ioas_config_register *r = f->config;
	unsigned int first = f->pasid_bits ? CONFIG_PASID : CONFIG_OWN;

	for (; r && r->offset; r++)
		if (!f->pcie || r->offset % 4 || r->offset < first ||
		    r->offset > IOAS_CONFIG_SIZE - 4 ||
		    r->writable & r->cleared)
			return false;
	return true;
}

static bool pasid_fits(const struct ioas_function_desc *f)
{
	return f->pasid_bits ? f->pcie && f->pasid_bits <= IOAS_PASID_BITS_MAX
	                     : !f->page_requests;
}

static bool class_fits(const struct ioas_function_desc *f)
{
	return f->class_code < CLASS_CODE_END;
}

static const struct {
	bool (*fits)(const struct ioas_function_desc *f);
	const char *text;
} facts[] = {
	{class_fits, "a class code has 24 bits"},
	{bars_fit, "the size of a BAR is a power of two of at least 16 bytes, "
                   "above 2 GiB only where it is a 64-bit BAR, and a 64-bit "
                   "BAR takes the next one too"},
	{ports_fit, "4 to 256 ports make a BAR, which is neither 64-bit nor "
                    "prefetchable, and holds no MSI-X table"},
	{rom_fits, "an expansion ROM has at most 16 MiB"},
	{msi_fits, "MSI has 1, 2, 4, 8, 16 or 32 vectors"},
	{msix_fits, "MSI-X has at most 2048 vectors, and its table and its "
                    "pending bits lie in one BAR, on multiples of 8, apart"},
	{config_fits, "registers of its own in configuration space have PCI "
                      "Express, lie on multiples of 4 from 0x140 (with PASIDs "
                      "0x160) to 0xffc, and a bit there is written or cleared, "
                      "not both"},
	{pasid_fits, "PASIDs have up to 20 bits and PCI Express, page requests "
                     "have PASIDs"},
};

static int check(struct ioas_device *dev)
{
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(facts); i++) {
		if (facts[i].fits(&dev->function))
			continue;
		ioas_device_fail(dev, "the model %s is not a PCI function: %s",
		                 dev->model->name, facts[i].text);
		return -EINVAL;
	}
	return 0;
}

int ioas_model_describe(struct ioas_device *dev)
{
	const struct ioas_model *model = dev->model;
	int err = 0;

	dev->function = model->function;
	if (model->describe)
		err = model->describe(dev, &dev->function);
	return err ? err : check(dev);
}
