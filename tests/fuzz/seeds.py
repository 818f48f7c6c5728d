#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Write the seeds that were made by hand: corpus/TARGET/NAME.

A seed for each way through the code that deserves one, in the words of the
target's operations. What a fuzzer found is beside them, named found-..., and
is left alone. Run it again when the operations of a target change.
"""

import os
import struct


def u32(n):
    return struct.pack("<I", n)


def u64(n):
    return struct.pack("<Q", n)


# ---- spec, path, options: text ----

SPEC = {
    "model-alone": "d",
    "two-by-default": "d\ndisk",
    "all-keys": "disk,size=64M,file=a,serial=b,bdf=0000:05:1f.7",
    "comma-in-value": "disk,file=a,,b,,,,c,serial=,,",
    "bdf-short": "d,bdf=ff:00.0",
    "bdf-upper-case": "d,bdf=ABCD:EF:1F.7",
    "bdf-taken": "d,bdf=01:00.0\nd,bdf=0000:01:00.0",
    "bdf-default-skips": "d,bdf=01:00.0\nd\nd",
    "bdf-slot-20": "d,bdf=01:20.0",
    "bdf-function-8": "d,bdf=01:00.8",
    "bdf-too-long": "d,bdf=0000:01:00.0x",
    "bdf-cut": "d,bdf=0000:01:0",
    "bdf-many-colons": "d,bdf=0:0:0:0",
    "bdf-twice": "d,bdf=01:00.0,bdf=02:00.0",
    "no-model": ",size=1",
    "unknown-model": "x" * 100 + ",a=b",
    "unknown-key": "disk,colour=" + "z" * 90,
    "no-equals": "disk,size",
    "empty-option": "disk,,",
    "key-twice": "disk,size=1,size=2",
    "size-hex": "disk,size=0xFFfk",
    "size-hex-K": "disk,size=0x7ffK",
    "size-largest": "disk,size=9223372036854775807",
    "size-too-large": "disk,size=9223372036854775808",
    "size-larger-hex": "disk,size=0x8000000000000000",
    "size-wraps": "disk,size=18446744073709551617",
    "size-shifted-out": "disk,size=8388608T",
    "size-empty": "disk,size=",
    "size-only-0x": "disk,size=0x",
    "size-two-suffixes": "disk,size=1KM",
    "size-negative": "disk,size=-1",
    "full-machine": "\n".join(["d"] * 65),
    "virtual-none": "d,vfs=0",
    "virtual-many": "d,vfs=41",
    "virtual-taken": "d,vfs=2,bdf=01:00.0\nd,bdf=01:10.1\nd,bdf=01:10.2\n"
                     "d,vfs=3,bdf=01:00.1\nd,vfs=40",
    "virtual-full": "d,vfs=40\nd,vfs=40\nd,vfs=20\nd,vfs=1,bdf=ff:1f.7",
    "nul-inside": "disk,size=1\0,file=x",
}

PATH = {
    "device": "/sys/bus/pci/devices/0000:01:00.0",
    "device-slash": "/sys/bus/pci/devices/0000:01:00.0/",
    "device-third": "/sys/bus/pci/devices/abcd:ff:1f.7/subsystem",
    "device-unknown": "/sys/bus/pci/devices/0000:03:00.0",
    "device-below": "/sys/bus/pci/devices/0000:01:00.0/config",
    "device-real": "/sys/devices/pciabcd:ff/abcd:ff:1f.7/resource",
    "device-of-another-bus": "/sys/devices/pci0000:01/0000:02:00.0",
    "bus-folder": "/sys/bus/pci/devices/../drivers/vfio-pci/module/initstate",
    "driver-and-on":
        "/sys/bus/pci/devices/0000:02:00.0/driver/abcd:ff:1f.7/power/",
    "parameter": "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit",
    "group-device": "/sys/kernel/iommu_groups/2/devices/0000:02:00.0/uevent",
    "above": "/sys/kernel/",
    "link-group": "/sys/bus/pci/devices/0000:02:00.0/iommu_group",
    "link-group-slash": "/sys/bus/pci/devices/0000:02:00.0/iommu_group/",
    "link-group-below": "/sys/bus/pci/devices/0000:02:00.0/iommu_group/type",
    "link-subsystem-out":
        "/sys/bus/pci/devices/0000:01:00.0/subsystem/devices",
    "link-and-back":
        "/sys/bus/pci/devices/0000:01:00.0/subsystem/devices/0000:02:00.0/"
        "iommu_group/../3",
    "group": "/sys/kernel/iommu_groups/3",
    "group-unknown": "/sys/kernel/iommu_groups/4",
    "group-leading-zero": "/sys/kernel/iommu_groups/01",
    "vfio-folder": "/dev/vfio",
    "container": "/dev/vfio/vfio",
    "vfio-group": "/dev/vfio/2",
    "vfio-other": "/dev/vfio/9",
    "vfio-up": "/dev/vfio/..",
    "missing-up": "/dev/vfio/9/../vfio",
    "dots": "//dev/./vfio//./vfio",
    "above-root": "/../../dev/vfio",
    "root": "/",
    "relative": "dev/vfio",
    "empty": "",
    "real": "/etc/passwd",
    "prefix": "/dev/vfio2",
    "deep": "/a" * 40,
    "deep-and-back": "/a" * 40 + "/.." * 40 + "/dev/vfio/vfio",
    "deepest-known": "/dev/.." * 3 + "/x" * 31 + "/.." * 31 + "/dev/vfio/1",
}

OPTIONS = {
    "all": "device nvme,size=1M\nprofile intel\nreport-file r\n"
           "error-exitcode 7\nmemlock rlimit\nstats\n",
    "comments": "# a comment\n\n   # one more\n\tstats \t\n",
    "equals": "profile=intel\ndevice = d,a=b\n",
    "no-end": "device x",
    "devices": "device a\n" * 5,
    "again": "profile a\nprofile b\nmemlock 1\nmemlock unlimited\n",
    "number-hex": "memlock 0x10\nerror-exitcode 0xff\n",
    "number-too-large": "error-exitcode 256\n",
    "number-wraps": "memlock 18446744073709551616\n",
    "number-signed": "memlock -1\n",
    "number-trailing": "error-exitcode 1 2\n",
    "value-missing": "profile\n",
    "value-blank": "profile \t \n",
    "value-not-taken": "stats yes\n",
    "unknown": "colour red\n",
    "letter": "d nvme\n",
    "help": "help\n",
    "includes": "config 1\nstats\n\fprofile intel\nconfig 2\n\fdevice x\n",
    "includes-itself": "config 0\n",
    "includes-too-deep": "\f".join(f"config {i}\n" for i in range(1, 10)),
    "includes-nothing": "config 5\n",
    "long-line": "device " + "x" * 600 + "\n",
    "nul-inside": "stats\0junk\nprofile a\0b\n",
    "carriage-return": "profile intel\r\n",
}


# ---- vfio ----

(API, EXTENSION, SET_IOMMU, STATUS, SET_CONTAINER, UNSET, GET_FD, INFO, REGION,
 IRQ, SET_IRQS, SET_IRQS_BOOL, RESET, FEATURE, TYPE1_INFO, MAP, UNMAP,
 UNMAP_DIRTY, BIND, IOEVENTFD, HOT_INFO, HOT_RESET, DIRTY, DIRTY_GET,
 UNMAP_BITS) = range(25)

NO_LIMIT = b"\0\0"
FLUSH, CUT, BEHIND, NULL, TOP, FINE = range(6)     # places of an argument
EVENT, OTHER = 32, 40                             # descriptors
NONE, BOOL, EVENTFD, TRIGGER = 1, 2, 4, 0x20
MSI, MSIX, ERR, REQ = 1, 2, 3, 4
HIGH = 0xc0                                       # near the end of the IOVAs


def attach(group=0, v1=False, master=True):
    return bytes([13, group | v1 << 6 | (not master) << 7])


def ioctl(fd, row, *fields, place=FINE):
    text = b"".join(bytes([f]) if isinstance(f, int) else f for f in fields)
    return bytes([2, fd, row]) + text + bytes([place])


def number(fd, row, value=0):
    return bytes([2, fd, row, value])


def dma_map(iova, page, pages, flags=3, fd=0):
    return ioctl(fd, MAP, 32, u32(flags), page, iova, pages)


def dma_unmap(iova, pages, flags=0, fd=0):
    return ioctl(fd, UNMAP, 24, u32(flags), iova, pages)


def set_irqs(flags, index, start, count, *data, fd=2):
    data = (list(data) + [0] * 8)[:4 if flags & EVENTFD else 8]
    row = SET_IRQS if flags & EVENTFD else SET_IRQS_BOOL
    return ioctl(fd, row, 36, u32(flags), index, start, count, *data)


def position(region, offset):
    return bytes([region]) + struct.pack("<H", offset)


def small(n):
    return bytes([n]) if n < 0xf0 else b"\xf0" + u32(n)


def read(fd, region, offset, count, place=FINE):
    return (bytes([6, fd]) + position(region, offset) + small(count) +
            bytes([place]))


def write(fd, region, offset, value, count, place=FINE):
    return (bytes([7, fd]) + position(region, offset) + u64(value) +
            small(count) + bytes([place]))


def dma(how, iova, fd=2):
    return bytes([9, fd, how, iova])


def mmap(fd, region, offset, pages, prot=3, flags=1):
    return bytes([8, fd]) + position(region, offset) + bytes(
        [pages, prot, flags])


def close(fd):
    return bytes([1, fd])


def feature(flags, fd=EVENT):
    return ioctl(2, FEATURE, 16, u32(flags), fd, 0)


GET, SET, PROBE = 1 << 16, 1 << 17, 1 << 18

VFIO = {
    "open-and-close": bytes([0, 0, 0, 1, 0, 2, 0, 4]) + close(0) + close(1),
    "group-twice": bytes([0, 1, 0, 1]),
    "queries": attach() + number(0, API) + b"".join(
        number(0, EXTENSION, i) for i in range(12)),
    "status": bytes([0, 1]) + ioctl(0, STATUS, 8, u32(0)) +
        ioctl(0, STATUS, 4, u32(0)),
    "attach-by-hand": bytes([0, 0, 0, 1]) + ioctl(1, SET_CONTAINER, 0) +
        number(0, SET_IOMMU, 1) + number(0, SET_IOMMU, 1) +
        ioctl(1, GET_FD, 0) + number(1, UNSET),
    "container-wrong": bytes([0, 0, 0, 1]) + b"".join(
        ioctl(1, SET_CONTAINER, fd) for fd in (OTHER, 50, 1, EVENT, 64)),
    "iommu-wrong": bytes([0, 0, 0, 1]) + ioctl(1, SET_CONTAINER, 0) +
        b"".join(number(0, SET_IOMMU, i) for i in (0, 4, 8, 9)),
    "names": attach() + b"".join(ioctl(1, GET_FD, i) for i in range(5)) +
        ioctl(1, GET_FD, bytes([5 + 64]) + b"0000:") +
        ioctl(1, GET_FD, 0, place=FLUSH) + ioctl(1, GET_FD, 0, place=CUT),
    "unset": attach() + number(1, UNSET) + close(2) + number(1, UNSET) +
        number(1, UNSET),
    "close-container-first": attach() + dma_map(0, 16, 4) + close(0) +
        dma(0, 0) + close(1) + dma(0, 0) + close(2),
    "two-in-one-container": attach() + bytes([0, 2]) +
        ioctl(3, SET_CONTAINER, 0) + dma_map(0, 16, 4) +
        ioctl(3, GET_FD, 1) + number(3, UNSET) + close(4) + number(3, UNSET),
    "two-containers": attach() + attach(1) + dma_map(0, 16, 4) +
        dma_map(0, 16, 4, fd=3) + dma(0, 0) + dma_unmap(0, 4) + dma(0, 0) +
        dma(0, 0, fd=5),
    "map-dma-unmap": attach() + dma_map(0, 16, 4) + dma(0, 0) + dma(1, 16) +
        dma_unmap(0, 4) + dma(0, 0) + dma(1, 0),
    "map-read-only": attach() + dma_map(0, 16, 1, 1) + dma(0, 0) + dma(1, 0),
    "map-write-only": attach() + dma_map(0, 16, 1, 2) + dma(0, 0) + dma(1, 0),
    "map-last-page": attach() + dma_map(HIGH | 7, 16, 1) + dma(0, HIGH | 7) +
        dma_map(HIGH | 7, 16, 2) + dma_unmap(HIGH | 7, 1),
    "map-reserved": attach() + dma_map(0x80, 16, 4) + dma_map(0x80, 16, 5) +
        dma_map(0x84, 16, 1),
    "map-overlap": attach() + dma_map(2, 16, 2) + dma_map(3, 16, 1) +
        dma_map(1, 16, 2) + dma_map(1, 16, 4),
    "map-hole": attach() + dma_map(0, 62, 4) + bytes([10, 17, 2]) +
        dma_map(0, 16, 4) + dma_map(0, 60, 4),
    "map-read-only-page": attach() + bytes([10, 17, 1]) +
        dma_map(0, 16, 2) + dma_map(0, 16, 2, 1),
    "map-unaligned": attach() + dma_map(16, 16, 1) + dma_map(0, 16 + 64, 1) +
        dma_map(0, 16, 65) + dma_map(0, 16, 0) + dma_map(0, 16, 1, 0) +
        dma_map(0, 16, 1, 8),
    "map-wraps": attach() + ioctl(0, MAP, 32, u32(3), 16,
                                  b"\xf0" + u64(2**64 - 4096), 2) +
        ioctl(0, MAP, 32, u32(3), b"\xf0" + u64(2**64 - 4096), 0, 2) +
        ioctl(0, MAP, 32, u32(3), 16, 0, b"\xf0" + u64(2**64 - 4096)),
    "map-short": attach() + ioctl(0, MAP, 31, u32(3), 16, 0, 1) +
        b"".join(ioctl(0, MAP, 32, u32(3), 16, 0, 1, place=p)
                 for p in (CUT, BEHIND, NULL, TOP + 0, FLUSH)),
    "map-limit": bytes([6, 0]) + attach() + dma_map(0, 16, 4) +
        dma_map(4, 16, 3) + dma_map(4, 62, 4) + dma_map(4, 16, 2) +
        dma_unmap(0, 4) + dma_map(8, 16, 4),
    "map-entries": bytes([0, 2]) + attach() + dma_map(0, 16, 1) +
        dma_map(1, 16, 1) + dma_map(2, 16, 1) + dma_unmap(0, 1) +
        dma_map(2, 16, 1),
    "gone-under-dma": attach() + dma_map(0, 16, 2) + bytes([10, 16, 2]) +
        dma(0, 0) + dma(1, 0) + dma(0, 1) + bytes([10, 17, 1]) + dma(1, 1),
    "no-master": attach(master=False) + dma_map(0, 16, 1) + dma(0, 0) +
        write(2, 7, 4, 6, 2) + dma(0, 0) + write(2, 7, 4, 2, 2) + dma(0, 0),
    "unmap-several": attach() + dma_map(0, 16, 1) + dma_map(2, 20, 2) +
        dma_unmap(0, 8) + dma_unmap(0, 8),
    "unmap-cuts-v2": attach() + dma_map(2, 16, 4) + dma_unmap(3, 4) +
        dma_unmap(0, 4) + dma_unmap(2, 4),
    "unmap-cuts-v1": attach(v1=True) + dma_map(2, 16, 4) + dma_unmap(3, 1) +
        dma_unmap(1, 2) + dma_map(2, 16, 1) + dma_unmap(0, 3),
    "unmap-all": attach() + dma_map(0, 16, 1) + dma_map(HIGH | 7, 16, 1) +
        dma_unmap(0, 0, 2) + dma_unmap(0, 1, 2) + dma_unmap(0, 0),
    "unmap-vaddr": attach() + dma_map(0, 16, 1) + dma_map(2, 16, 1) +
        dma_unmap(0, 4, 4) + dma_unmap(0, 4, 4) + dma(0, 0) +
        dma_map(0, 20, 1, 4) + dma_map(2, 20, 2, 4) + dma_map(3, 20, 1, 4) +
        bytes([0, 2]) + ioctl(3, SET_CONTAINER, 0) + dma_unmap(0, 4) +
        ioctl(3, SET_CONTAINER, 0),
    "unmap-dirty": attach() + ioctl(0, UNMAP_DIRTY, 48, u32(1), 0, 1,
                                    u64(4096), u64(8), 16) +
        ioctl(0, UNMAP_DIRTY, 47, u32(1), 0, 1, u64(4096), u64(8), 16) +
        ioctl(0, UNMAP_DIRTY, 48, u32(1), 0, 1, u64(0), u64(8), 16) +
        ioctl(0, UNMAP_DIRTY, 48, u32(1), 0, 1, u64(4096), u64(2**63), 16),
    "dirty": attach() + dma_map(1, 16, 3) + dma_map(4, 20, 1) +
        ioctl(0, DIRTY, 8, u32(1)) +
        b"".join(ioctl(0, DIRTY_GET, 48, u32(4), i, n, 1, 1, 24)
                 for i, n in ((0, 5), (1, 3), (1, 4), (2, 2), (6, 1))) +
        ioctl(0, UNMAP_BITS, 48, u32(1), 0, 5, 1, 1, 63) +
        ioctl(0, UNMAP_BITS, 48, u32(1), 0, 5, 1, 1, 24) +
        ioctl(0, DIRTY, 8, u32(2)),
    "dirty-v1": attach(v1=True) + ioctl(0, DIRTY, 8, u32(1), place=NULL),
    "type1-info": attach() + b"".join(
        ioctl(0, TYPE1_INFO, n, u32(0), u64(7), 7, 7, place=p)
        for n in (15, 16, 20, 24, 110, 120) for p in (FINE, FLUSH)),
    "device-info": attach() + b"".join(
        ioctl(2, INFO, n, u32(0), 7, 7, 7, 7) for n in (15, 16, 20, 24, 99)),
    "info-at-a-read-only-page": attach(2) + bytes([10, 2, 1]) +
        ioctl(2, INFO, 0, u32(0), 0, 0, 0, 0, place=CUT),
    "region-info": attach() + b"".join(
        ioctl(2, REGION, n, u32(0), i, 7, u64(7), u64(7))
        for i in (0, 1, 2, 6, 7, 8, 9) for n in (32, 40)),
    "irq-info": attach() + b"".join(
        ioctl(2, IRQ, 16, u32(0), i, 0) for i in range(6)),
    "irqs-msi": attach() + set_irqs(EVENTFD | TRIGGER, MSI, 0, 2, EVENT,
                                    EVENT + 1) +
        set_irqs(NONE | TRIGGER, MSI, 0, 2) +
        set_irqs(BOOL | TRIGGER, MSI, 0, 2, 0, 1) +
        write(2, 2, 24, 1, 8) + set_irqs(EVENTFD | TRIGGER, MSI, 2, 1, EVENT) +
        set_irqs(NONE | TRIGGER, MSI, 0, 0) + write(2, 2, 24, 1, 8),
    "irqs-msix": attach() + set_irqs(EVENTFD | TRIGGER, MSIX, 0, 1, EVENT) +
        set_irqs(EVENTFD | TRIGGER, MSIX, 5, 3, EVENT, 64, OTHER) +
        set_irqs(EVENTFD | TRIGGER, MSIX, 5, 2, EVENT, EVENT + 3) +
        write(2, 2, 24, 6, 8) + set_irqs(EVENTFD | TRIGGER, MSI, 0, 1, EVENT) +
        number(2, RESET) + close(2),
    "irqs-bad-event": attach() + set_irqs(EVENTFD | TRIGGER, MSIX, 0, 4, EVENT,
                                          EVENT + 1, 50, EVENT) +
        set_irqs(EVENTFD | TRIGGER, MSIX, 0, 1, EVENT),
    "irqs-beyond": attach() + b"".join(
        set_irqs(EVENTFD | TRIGGER, i, n, 4, EVENT, EVENT, EVENT, EVENT)
        for i in (MSI, MSIX) for n in (0, 4, 5, 1, 7)),
    "irqs-single": attach() + b"".join(
        set_irqs(EVENTFD | TRIGGER, i, 0, 1, EVENT) +
        set_irqs(NONE | TRIGGER, i, 0, 1) +
        set_irqs(BOOL | TRIGGER, i, 0, 1, 1) +
        set_irqs(EVENTFD | TRIGGER, i, 0, 1, 64) +
        set_irqs(NONE | TRIGGER, i, 0, 0) for i in (ERR, REQ)),
    "irqs-wrong": attach() + set_irqs(0, MSI, 0, 1) +
        set_irqs(NONE | BOOL | TRIGGER, MSI, 0, 1) +
        set_irqs(NONE | 8, MSI, 0, 1) + set_irqs(NONE | TRIGGER, 5, 0, 1) +
        set_irqs(NONE | TRIGGER, MSI, 4, 1) +
        set_irqs(NONE | TRIGGER, MSI, 3, 2) +
        ioctl(2, SET_IRQS, 20, u32(EVENTFD | TRIGGER), MSI, 0, 1, 0, 0, 0, 0),
    "power": attach() + feature(SET | 3) + feature(SET | 3) +
        read(2, 0, 0, 4) + feature(SET | 5) + feature(SET | 4) +
        read(2, 0, 0, 4) + feature(SET | 4, 50) + feature(SET | 4, 64) +
        feature(SET | 4) + close(2),
    "features": attach() + b"".join(
        feature(GET | i) + feature(PROBE | SET | i) for i in range(15)) +
        feature(GET | SET | 3) + feature(3),
    "bar-units": attach() + read(2, 0, 1, 15) + write(2, 0, 3, 0x55, 9) +
        read(2, 2, 0xfff8, 32) + read(2, 2, 8, 8),
    "bar-msix-table": attach() + read(2, 0, 0x1ff0, 96) +
        write(2, 0, 0x2000, 0xff, 16) + read(2, 0, 0x207f, 2),
    "bar-no-decode": attach() + write(2, 7, 4, 0, 2) + read(2, 0, 0, 4) +
        write(2, 0, 0, 0, 4),
    "region-edges": attach() + read(2, 0, 0x4000, 1) + read(2, 1, 0, 1) +
        read(2, 6, 0, 1) + read(2, 8, 0, 1) + read(2, 9, 0, 1) +
        read(2, 2, 0xffff, 8) + read(0, 0, 0, 4) + read(2, 0, 0, 0),
    "config": attach() + read(2, 7, 0, 255 - 16) + read(2, 7, 0xfff, 1) +
        read(2, 7, 0xfff, 2) + read(2, 7, 0xf00, 20000) +
        write(2, 7, 3, 2**64 - 1, 64) +
        write(2, 7, 0x10, 2**64 - 1, 24) + read(2, 7, 0, 64),
    "config-all-ones": attach() + b"".join(
        write(2, 7, i, 2**64 - 1, 8) for i in range(0, 256, 8)),
    "config-flr": attach() + b"".join(
        write(2, 7, i, 0x8000, 2) for i in range(0x40, 0xa0, 2)),
    "bad-buffers": attach() + b"".join(
        read(2, 0, 0, 8, p) + write(2, 0, 0, 1, 8, p) + read(2, 7, 0, 8, p)
        for p in (CUT, BEHIND, NULL, FLUSH)),
    "mmap": attach() + mmap(2, 0, 0, 4) + mmap(2, 0, 0, 5) +
        mmap(2, 2, 0x1000, 15) + mmap(2, 2, 0x1000, 16) + mmap(2, 7, 0, 1) +
        mmap(2, 0, 0, 1, prot=7) + mmap(2, 0, 0, 1, flags=2) +
        mmap(2, 0, 0, 1, flags=3) + mmap(1, 0, 0, 1) + mmap(2, 0, 0, 0),
    "plain-device": attach(2) + read(2, 1, 0, 32) + mmap(2, 1, 0, 1) +
        number(2, RESET) + ioctl(2, IRQ, 16, u32(0), 2, 0) +
        read(2, 7, 0x100, 4) + set_irqs(NONE | TRIGGER, ERR, 0, 1),
    "reset": attach() + dma_map(0, 16, 1) + number(2, RESET) + dma(0, 0),
    "device-twice": attach() + ioctl(1, GET_FD, 0) + close(2) +
        dma_map(0, 16, 1) + dma(0, 0, fd=3) + close(3) + ioctl(1, GET_FD, 0),
    "no-descriptors": attach() + bytes([11, 5]) + ioctl(1, GET_FD, 0),
    "group-claimed": bytes([11, 0x0a, 0, 1, 11, 2, 0, 1]),
    "device-cannot-start": bytes([11, 0x13, 0, 1, 11, 3, 0, 1]),
    "look": attach() + dma_map(0, 16, 1) + bytes([12, 2, 199, 12, 0, 10]),
    "unknown-commands": attach() + bytes([2, 2, 255]) + u32(0x3b7f) +
        bytes([24]) + u32(0) + u64(0) * 4 + bytes([FINE]) +
        ioctl(0, BIND, 16, u32(0), 0, u64(0)) +
        ioctl(1, BIND, 16, u32(0), 0, u64(0)),
}
VFIO = {name: (text if name in ("map-limit", "map-entries") else
               NO_LIMIT + text) for name, text in VFIO.items()}
VFIO.update({
    f"no-memory-{n}": NO_LIMIT + bytes([11, n << 2]) + attach() +
    dma_map(0, 16, 4) + set_irqs(EVENTFD | TRIGGER, MSIX, 0, 2, EVENT, EVENT)
    for n in range(1, 12)})


# ---- space ----

def space(ops, shift=0, aperture=0, reserved=b"\0", limit=0):
    return bytes([shift, aperture]) + reserved + bytes([limit]) + ops


def s_map(base, page, size, memory=(2, 0), perm=2, op=0):
    return bytes([op, base, page, size, *memory, perm])


def s_unmap(base, page, rest=0):
    return bytes([3, base, page, rest])


def s_translate(base, page, offset, count, perm):
    return (bytes([4, base, page]) + struct.pack("<H", offset) +
            struct.pack("<I", count)[:3] + bytes([perm]))


def hole(first, size, kind):
    return struct.pack("<I", first)[:3] + struct.pack("<I", size)[:3] + bytes(
        [kind])


EDGES = b"\5"
LARGE, GIGA = 0x20, 0x40
SHIFTS = 11  # The first byte says the format, too.
FORMATS = ["vtd", "amdv1", "lpae1", "lpae2", "tce", "tce-papr"]


def s_format(number):
    """Pages, large leaves and each permission in tables of a format."""
    return space(s_map(8, 4, LARGE | 3, (10, 2)) + s_map(0, 0, 3, perm=0) +
                 s_map(0, 8, 0, (2, 8), perm=1) + EDGES +
                 s_translate(0, 0, 5, 0x2000, 1) +
                 s_translate(0, 8, 5, 0x2000, 0) +
                 s_unmap(8, 5) + s_unmap(0, 8) + EDGES,
                 shift=SHIFTS * (number + 1))


SPACE = {
    "map-and-unmap": space(s_map(0, 0, 3) + EDGES + s_unmap(0, 1) + EDGES),
    "neighbours": space(s_map(0, 0, 0) + s_map(0, 1, 0, (2, 1)) +
                        s_map(0, 2, 0, (2, 9)) +
                        s_translate(0, 0, 0, 0x3000, 0)),
    "join-permissions": space(s_map(0, 0, 0, perm=2) +
                              s_map(0, 1, 0, (2, 1), perm=0) +
                              s_translate(0, 0, 5, 0x2000, 0) +
                              s_translate(0, 0, 5, 0x2000, 1)),
    "join-many": space(b"".join(s_map(0, i, 0, (2, i)) for i in range(60)) +
                       s_map(0, 60, 31, (2, 60)) + s_translate(0, 0, 0,
                                                               0xfffff, 2)),
    "large-leaves": space(s_map(8, 4, LARGE | 3, (10, 2)) + EDGES +
                          s_translate(8, 4, 0x123, 0xffffff, 2) +
                          s_unmap(8, 5) + EDGES),
    "large-inside": space(s_map(3, 0xff, LARGE | 1, (2, 0xff)) + EDGES +
                          s_unmap(3, 0xff)),
    "large-misaligned": space(s_map(3, 0, LARGE, (2, 1)) + EDGES +
                              s_translate(3, 7, 0, 0x8000, 2) +
                              s_unmap(3, 9)),
    "giga": space(s_map(4, 0, GIGA, (2, 0)) + EDGES +
                  s_translate(4, 9, 0, 0xffffff, 2) + s_unmap(4, 0)),
    "small-then-large": space(s_map(3, 0, 0) + s_map(8, 2, LARGE, (10, 2)) +
                              s_unmap(3, 0) + s_map(8, 1, LARGE, (10, 2)) +
                              EDGES),
    "unmap-everything": space(s_map(0, 0, 1) + s_map(4, 0, 1) +
                              s_map(6, 0, 1) + s_unmap(0, 0, 1) + EDGES),
    "overlaps": space(s_map(0, 4, 3) + s_map(0, 2, 2) + s_map(0, 7, 0) +
                      s_map(0, 3, 7) + s_map(0, 8, 0)),
    "end-of-48-bits": space(s_map(6, 255, 0) + EDGES + s_map(6, 254, 1) +
                            s_translate(6, 255, 0xff0, 64, 2)),
    "end-of-64-bits": space(s_map(15, 1, LARGE) + EDGES +
                            s_translate(15, 1, 0xffff, 0xffffff, 2) +
                            s_unmap(15, 1), aperture=2),
    "aperture-39": space(s_map(5, 0, 1) + EDGES, aperture=1),
    "aperture-begins-late": space(s_map(0, 15, 0) + s_map(1, 0, 0) + EDGES,
                                  aperture=3),
    "aperture-unaligned": space(s_map(0, 1, 0) + s_map(0, 2, 0) +
                                s_map(0, 127, 0) + EDGES, aperture=4),
    "aperture-below-a-page": space(s_map(0, 0, 0), aperture=6),
    "aperture-empty": space(b"", aperture=7),
    "reserved-msi": space(s_map(2, 0, 0) + s_map(1, 255, 0) +
                          bytes([6, 2, 0, 255, 15, 0]),
                          reserved=b"\1" + hole(0xfee00, 0xfff, 3)),
    "reserved-overlap": space(s_map(0, 0, 0) + s_map(0, 1, 0) +
                              s_map(0, 32, 0) + bytes([6, 0, 0, 0, 0, 16]),
                              reserved=b"\3" + hole(1, 0x1000, 0) +
                              hole(0x10, 0x20, 2) + hole(2, 0x300, 3)),
    "reserved-relaxable": space(s_map(0, 1, 0) + EDGES,
                                reserved=b"\1" + hole(0, 0x100, 1)),
    "reserved-all": space(b"", aperture=4,
                          reserved=b"\1" + hole(0, 0xffffff, 0)),
    "limit": space(s_map(0, 0, 3) + s_map(0, 8, 3) + s_map(0, 8, 1) +
                   s_unmap(0, 0) + s_map(0, 16, 3), limit=6),
    "hole": space(s_map(0, 0, 31, (0, 0)) + s_map(0, 0, LARGE | 1, (0, 1)) +
                  s_map(0, 0, 0, (1, 1))),
    "hole-or-limit": space(s_map(0, 0, LARGE | 1, (0, 0)) +
                           s_map(0, 0, 31, (1, 9)), limit=16),
    "permissions": space(s_map(0, 0, 0, perm=250) + s_map(0, 0, 0, perm=254) +
                         s_map(0, 0, 0, perm=1) +
                         s_translate(0, 0, 0, 1, 0) +
                         s_translate(0, 0, 0, 1, 1)),
    "unaligned": space(bytes([0, 0x80, 0, 1, 0, 0, 2, 0, 2]) +
                       s_map(0, 0, 0xe0) + s_map(0, 0, 0, (0x82, 0))),
    "pages-of-2k": space(s_map(0, 0, 1) + EDGES + s_unmap(0, 0), shift=3),
    "pages-of-64k": space(s_map(0, 16, 1, (2, 16)) + s_map(0, 1, 0) + EDGES,
                          shift=5),
    "pages-of-1g": space(s_map(4, 0, 0, (2, 0)) + EDGES, shift=7),
    "page-sizes-that-are-none": space(b"", shift=8),
    "page-size-too-large": space(b"", shift=9),
    "no-memory": space(b"".join(bytes([7, n]) + s_map(4, 3, LARGE) +
                                s_map(2 * (n % 3), n, 3)
                                for n in range(1, 8))),
    **{f"format-{name}": s_format(i) for i, name in enumerate(FORMATS)},
}


# ---- nvme ----

def store(at, size, value):
    lg2 = {1: 0, 2: 1, 4: 2, 8: 3}[size]
    where = bytes([at]) if at < 0xc0 else b"\xff" + struct.pack("<H", at)
    return bytes([0, lg2]) + where + value.to_bytes(size, "little")


def load(at, size):
    lg2 = {1: 0, 2: 1, 4: 2, 8: 3}[size]
    where = bytes([at]) if at < 0xc0 else b"\xff" + struct.pack("<H", at)
    return bytes([1, lg2]) + where


def ring(doorbell, value):
    return bytes([2, doorbell, value])


def enable(entries=16, page_lg2=12, weighted=False):
    how = 6 if weighted else page_lg2 - 12
    return bytes([3, entries - 1 | how << 5])


def pair(q=1, entries=16, priority=0):
    return bytes([4, q - 1 + 5 * priority, entries - 1])


def dword(n):
    return bytes([n]) if n < 0xf0 else b"\xf0" + u32(n)


def prp(page, offset=None, backwards=False):
    head = bytes([page | backwards << 6 | (offset is not None) << 7])
    return head if offset is None else head + struct.pack("<H", offset)


def command(q, opcode, *dwords, prp1=prp(12), prp2=prp(13), nsid=1, flags=0):
    return (bytes([5, q, opcode, flags]) + dword(nsid) + prp1 + prp2 +
            bytes([len(dwords)]) + b"".join(dword(d) for d in dwords))


def blocks(opcode, first, count, *more, **where):
    return command(1, opcode, first & 0xffffffff, first >> 32, count - 1,
                   *more, **where)


def lists(page, first, count, then=0):
    return bytes([9, page - 12, first, count - 1, then])


def interrupts(mode, vector, how=2):
    return bytes([15, mode << 6 | vector, how])


BLOCK, BUCKET, SEGMENT, LAST, KEYED = 0, 0x10, 0x20, 0x30, 0x40


def descriptors(page, *rows):
    """Rows of prp(), kind, bytes."""
    return (bytes([17, page - 12, len(rows) - 1]) +
            b"".join(at + bytes([kind]) + dword(size)
                     for at, kind, size in rows))


def raw(q, opcode, *fields, flags=0, nsid=1):
    """Fields are (offset, bytes)."""
    text = bytearray(64)
    text[0:8] = bytes([opcode, flags, 0, 0]) + u32(nsid)
    for at, value in fields:
        text[at:at + len(value)] = value
    return bytes([18, q]) + bytes(text)


def with_sgl(opcode, at, kind, size, first=0, count=8):
    return raw(1, opcode, (24, u64(at) + u32(size) + bytes([0, 0, 0, kind])),
               (40, u64(first) + u32(count - 1)), flags=0x40)


def window(page):
    return 0x100000 + 4096 * page


FLUSH_, WRITE, READ, ZERO, DSM = 0, 1, 2, 8, 9
MARK, COMPARE, VERIFY, FORMAT = 4, 5, 0x0c, 0x80
INTX, MSI_, MSIX_ = range(3)
UP = enable() + pair()

NVME = {
    "registers": b"".join(load(at, 4) for at in range(0, 0x40, 4)) +
        load(0, 8) + load(0x3c, 8) + load(0x1001, 1) + load(0x36, 4),
    "stores-that-do-nothing": store(0x14, 1, 1) + store(0x16, 4, 1) +
        store(0, 8, 2**64 - 1) + store(0x3ff8, 8, 1) + store(0x24, 2, 9),
    "enable": enable() + load(0x1c, 4) + store(0x14, 4, 0) + load(0x1c, 4),
    "enable-wrong": store(0x14, 4, 1) + load(0x1c, 4) +
        enable(16, 17) + load(0x1c, 4) + enable(1) + load(0x1c, 4) +
        store(0x14, 4, 0) + store(0x14, 4, 0x11),
    "pages-of-64k": enable(16, 16) + pair() + blocks(READ, 0, 200) +
        blocks(READ, 0, 256, prp1=prp(16), prp2=prp(32)),
    "shutdown": UP + store(0x14, 4, 0x464001) + load(0x1c, 4) +
        blocks(READ, 0, 1) + enable(),
    "masks": store(0x0c, 4, 5) + load(0x0c, 4) + store(0x10, 4, 1),
    "identify": enable() + b"".join(
        command(0, 6, cns, nsid=n) for cns in range(5)
        for n in (0, 1, 0xffffffff)),
    "identify-crosses": enable() + command(0, 6, 1, prp1=prp(12, 0x800)) +
        command(0, 6, 1, prp1=prp(12, 0x802)),
    "features": enable(32) + b"".join(
        command(0, 0x0a, i) + command(0, 9, i, 0x10001)
        for i in range(13)),
    "features-saved": enable() + command(0, 9, 0x80000006, 0) +
        command(0, 0x0a, 0x206) + command(0, 0x0a, 0x306) +
        command(0, 9, 6, 0, nsid=2),
    "logs": enable() + b"".join(
        command(0, 2, i | 0x7f0000, nsid=0) for i in range(5)) +
        command(0, 2, 0xff0001, 0, 64, nsid=0) +
        command(0, 2, 0xff0001, 0, 0x7ffff000, nsid=0) +
        command(0, 2, 0x1ff0002, 0, 510, nsid=0) +
        command(0, 2, 0xffff0001, 1, nsid=0),
    "log-too-long": enable() + lists(14, 0, 256) +
        command(0, 2, 0xffff0001, 3, nsid=0, prp2=prp(14)),
    "queues": enable() + b"".join(pair(q, 4 * q) for q in range(1, 6)) +
        command(0, 4, 1) + command(0, 0, 1) + command(0, 4, 1) +
        command(0, 0, 1) + command(0, 0, 0) + command(0, 4, 99),
    "queues-wrong": enable() + command(0, 5, 0xf0001, 1) +
        command(0, 5, 0x4000001, 3) + command(0, 5, 1, 3) +
        command(0, 1, 0xf0001, 0x20001) + command(0, 1, 0xf0001, 1) +
        command(0, 5, 0xf0000, 3) + command(0, 5, 0xf0041, 3) +
        command(0, 5, 0xf0001, 0x410003) +
        command(0, 5, 0xf0001, 3, prp1=prp(12, 8)),
    "queue-deleted-with-commands": UP + command(0, 0, 1) + ring(2, 5) +
        ring(3, 1),
    "abort-and-events": enable() + command(0, 8) + command(0, 0x0c) * 6,
    "opcodes": UP + b"".join(
        command(q, op) for q in (0, 1) for op in (3, 0x7f, 0x80, 0xff)),
    "flags": UP + blocks(READ, 0, 1, flags=1) + blocks(READ, 0, 1, flags=0x40) +
        blocks(READ, 0, 1, flags=0x80) + command(0, 6, 1, flags=0x40),
    "namespaces": UP + b"".join(
        blocks(op, 1, 2, nsid=n) for op in (WRITE, READ, ZERO, COMPARE)
        for n in (2, 3, 4)) + blocks(READ, 62, 3, nsid=3) +
        b"".join(command(0, 6, cns, nsid=n) for n in (2, 3)
                 for cns in (0, 2, 3, 0x10, 0x11, 0x12, 0x13, 0x10013)),
    "format": UP + command(0, FORMAT, 1) + blocks(WRITE, 255, 1) +
        blocks(WRITE, 256, 1) + command(0, FORMAT, 0x200, nsid=3) +
        blocks(WRITE, 511, 1, nsid=3) +
        command(0, FORMAT, 0, nsid=0xffffffff) + command(0, FORMAT, 2) +
        command(0, FORMAT, 0x20) + command(0, FORMAT, 0x400),
    "format-shorter": UP + bytes([16, 1]) + command(0, FORMAT, 1),
    "marks": UP + blocks(MARK, 8, 8) + blocks(READ, 8, 1) +
        blocks(WRITE, 10, 2) + blocks(VERIFY, 0, 16) + blocks(MARK, 6, 2) +
        blocks(ZERO, 0, 32) + blocks(MARK, 2047, 2) + blocks(READ, 8, 1),
    "compare-and-verify": UP + blocks(READ, 0, 16) + blocks(COMPARE, 0, 16) +
        blocks(COMPARE, 1, 16) + blocks(COMPARE, 0, 1, prp1=prp(56)) +
        blocks(COMPARE, 0, 1, prp1=prp(12, 2)) + blocks(VERIFY, 0, 2048) +
        blocks(VERIFY, 1, 2048) + blocks(COMPARE, 0, 1025) +
        bytes([16, 4]) + blocks(COMPARE, 60, 8) + blocks(VERIFY, 0, 100),
    "events": enable() + command(0, 0x0c) + ring(9, 1) + ring(1, 1) +
        command(0, 0x0c) + ring(1, 200) + command(0, 2, 0xf0001, nsid=0) +
        ring(1, 200) + command(0, 9, 0x0b, 0x102, nsid=0) +
        command(0, 9, 4, 100, nsid=0) + command(0, 0x0c) +
        command(0, 2, 0x8002 | 0x7f0000, nsid=0) + command(0, FORMAT, 1) +
        command(0, 2, 4 | 0x3ff0000, nsid=0) + command(0, 0x0c),
    "abort-events": enable() + command(0, 0x0c) * 3 +
        command(0, 8, 2 << 16) + command(0, 8, 2 << 16) + ring(1, 3) +
        command(0, 8, 1 << 16) + ring(9, 1),
    "weighted": enable(weighted=True) + pair(1, 4, 1) +
        command(0, 1, 0xf0002, 0x10003, prp1=prp(4)) +
        command(0, 1, 0xf0003, 0x10005, prp1=prp(6)) +
        command(0, 9, 1, 0x2010001, nsid=0) +
        bytes([7, 1, 15, FLUSH_, 7, 2, 15, FLUSH_, 7, 3, 15, FLUSH_]) +
        ring(3, 3) + ring(3, 2) + command(0, 0, 2) + ring(3, 1),
    "arbitration-wrong": bytes([3, 0xe7]) + load(0x1c, 4),
    "subsystem-reset": UP + store(0x20, 4, 0x4e564d65) + load(0x1c, 4) +
        enable() + store(0x1c, 4, 0x10) + load(0x1c, 4),
    "sgl": UP + with_sgl(READ, window(16) + 3, BLOCK, 4096) +
        with_sgl(WRITE, window(16), BLOCK, 9000) +
        with_sgl(COMPARE, window(16), BLOCK, 4096) +
        with_sgl(READ, window(48), BLOCK, 4096) +
        with_sgl(READ, 0, BUCKET, 4096) + with_sgl(WRITE, 0, BUCKET, 4096) +
        with_sgl(READ, window(16), BLOCK, 4095) +
        with_sgl(READ, window(16), KEYED, 4096),
    "sgl-segments": UP + descriptors(
            14, (prp(16), BLOCK, 100), (prp(0), BUCKET, 412),
            (prp(17, 5), BLOCK, 3584), (prp(15), LAST, 16)) +
        descriptors(15, (prp(20), BLOCK, 4096)) +
        with_sgl(READ, window(14), SEGMENT, 64) +
        with_sgl(WRITE, window(14), SEGMENT, 64) +
        with_sgl(READ, window(14), LAST, 48) +
        with_sgl(READ, window(14), LAST, 64) +
        with_sgl(READ, window(14), SEGMENT, 48) +
        with_sgl(READ, window(14), LAST, 40) +
        with_sgl(READ, window(56), LAST, 64),
    "sgl-circle": UP + descriptors(14, (prp(14), SEGMENT, 16)) +
        with_sgl(READ, window(14), SEGMENT, 16) +
        with_sgl(READ, window(14), SEGMENT, 0xfffffff0),
    "effects": enable() + command(0, 2, 5 | 0x3ff0000, nsid=0) +
        command(0, 2, 5 | 0x3ff0000, 0, 4096, nsid=0),
    "read-and-write": UP + blocks(READ, 0, 8) + blocks(WRITE, 8, 8) +
        blocks(READ, 8, 16),
    "write-fua": UP + blocks(WRITE, 0, 0x40000001) +
        command(0, 9, 6, 0) + blocks(WRITE, 0, 1),
    "flush": UP + command(1, FLUSH_) + command(1, FLUSH_, nsid=0xffffffff) +
        command(1, FLUSH_, nsid=2),
    "range-ends": UP + blocks(READ, 2047, 1) + blocks(READ, 2047, 2) +
        blocks(READ, 2048, 1) + blocks(READ, 2**64 - 1, 1) +
        blocks(READ, 0, 1, nsid=0),
    "transfer-largest": UP + lists(14, 0, 200) +
        b"".join(blocks(READ, 0, n, prp2=prp(14)) for n in (1024, 1025,
                                                            1200)),
    "prp-two": UP + blocks(READ, 0, 16) + blocks(READ, 0, 9,
                                                 prp1=prp(12, 0x200)),
    "prp-unaligned": UP + blocks(READ, 0, 1, prp1=prp(12, 2)) +
        blocks(READ, 0, 16, prp2=prp(13, 8)) +
        blocks(READ, 0, 64, prp2=prp(13, 4)),
    "prp-list": UP + lists(14, 16, 16) + blocks(WRITE, 0, 64, prp2=prp(14)) +
        blocks(READ, 0, 64, prp1=prp(12, 0x10), prp2=prp(14)),
    "prp-list-chained": UP + lists(14, 16, 256, 128 | 3) + lists(15, 16, 9) +
        blocks(READ, 0, 64, prp2=prp(14, 0xff0)) +
        blocks(READ, 0, 64, prp2=prp(14, 0xff8)),
    "prp-list-circle": UP + lists(14, 16, 256, 128 | 2) +
        bytes([8, 14, 0xf8, 0x0f]) + u64(0x100000 + 14 * 4096 + 0xff8) +
        blocks(READ, 0, 64, prp2=prp(14, 0xff8)),
    "prp-list-not-there": UP + blocks(READ, 0, 64, prp2=prp(60)) +
        lists(14, 60, 16) + blocks(READ, 0, 64, prp2=prp(14)),
    "backwards": UP + blocks(READ, 0, 16, prp1=prp(0, backwards=True),
                             prp2=prp(1, backwards=True)) +
        blocks(WRITE, 0, 9, prp1=prp(3, 0xe00, True), prp2=prp(4, None, True)),
    "not-writable": UP + blocks(READ, 0, 8, prp1=prp(48)) +
        blocks(WRITE, 0, 8, prp1=prp(48)) + blocks(READ, 0, 8, prp1=prp(56)) +
        command(0, 6, 1, prp1=prp(48)) +
        blocks(READ, 0, 16, prp1=prp(47), prp2=prp(48)),
    "memory-gone": UP + bytes([11, 13, 2]) + blocks(READ, 0, 16) +
        blocks(WRITE, 0, 16) + command(0, 6, 1, prp1=prp(13)) +
        bytes([11, 13, 1]) + blocks(READ, 0, 16),
    "queue-gone": UP + bytes([11, 2, 2]) + blocks(READ, 0, 1) + load(0x1c, 4),
    "completions-gone": UP + bytes([11, 3, 1]) + blocks(READ, 0, 1) +
        load(0x1c, 4) + enable(),
    "unmapped": UP + bytes([12, 0]) + blocks(READ, 0, 1) + bytes([12, 99]) +
        enable(),
    "zeroes": UP + blocks(ZERO, 0, 100) + blocks(ZERO, 0, 0x2000064) +
        blocks(ZERO, 2000, 100),
    "deallocate": UP + bytes([10, 0, 2]) + dword(8) + dword(0) + dword(9) +
        dword(100) + dword(0) + dword(5) + command(1, DSM, 2, 4) +
        command(1, DSM, 0, 3) + command(1, DSM, 255, 4),
    "file-shorter": UP + bytes([16, 4]) + blocks(READ, 0, 40,
                                                 prp2=prp(14)) +
        blocks(WRITE, 30, 8) + blocks(ZERO, 30, 8) + command(1, FLUSH_),
    "file-longer": UP + bytes([16, 255]) + blocks(WRITE, 2040, 8) +
        blocks(WRITE, 2047, 2) + blocks(WRITE, 2048, 8) +
        blocks(ZERO, 2047, 2),
    "queue-full": enable() + pair(1, 4) + bytes([7, 1, 10, FLUSH_]) +
        ring(3, 2) + bytes([7, 1, 10, FLUSH_]) + ring(3, 1) + ring(3, 3),
    "two-share-one": UP + command(0, 1, 0xf0002, 0x10001, prp1=prp(4)) +
        bytes([7, 1, 15, FLUSH_, 7, 2, 15, FLUSH_]) + ring(3, 5) + ring(5, 1),
    "doorbells": UP + ring(2, 99) + ring(3, 99) + ring(130, 1) + ring(255, 1) +
        ring(0, 3) + ring(1, 7),
    "interrupts": interrupts(MSIX_, 3) + interrupts(MSIX_, 1) + UP +
        blocks(READ, 0, 1) + interrupts(MSIX_, 1, 1) + blocks(READ, 0, 1) +
        interrupts(MSIX_, 1, 2) + interrupts(MSIX_, 0, 0) +
        blocks(READ, 0, 1),
    "interrupt-pin": interrupts(INTX, 0) + interrupts(INTX, 0) + UP +
        blocks(READ, 0, 1) + store(0x0c, 4, 3) + interrupts(INTX, 0, 3) +
        store(0x10, 4, 3) + ring(3, 1) + ring(1, 2) + command(0, 0, 1) +
        command(0, 4, 1) + store(0x14, 4, 0),
    "interrupts-msi": interrupts(MSI_, 7) + interrupts(MSI_, 1) + UP +
        store(0x0c, 4, 2) + blocks(READ, 0, 1) + store(0x10, 4, 2) +
        interrupts(MSI_, 0, 0) + blocks(READ, 0, 1),
    "msix-table": interrupts(MSIX_, 3) + store(0x2000, 8, 0x1234) +
        store(0x200c, 4, 1) + load(0x2008, 8) + load(0x3000, 8) +
        store(0x240c, 8, 0) + load(0x240e, 4),
    "no-master": bytes([13, 4, 1]) + u32(2) + UP + load(0x1c, 4),
    "resets": UP + bytes([14, 1]) + load(0x1c, 4) + UP + bytes([14, 0]) +
        enable() + blocks(READ, 0, 1),
}


# ---- emulate ----

RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 = range(9)
BUS, BUS_END, MEMORY, EDGE = 0, 0x61, 0x80, 0xa4


def code(text, frame=7, prot=3, silent=255, how=0, **registers):
    names = {"rax": RAX, "rcx": RCX, "rdx": RDX, "rbx": RBX, "rsi": RSI,
             "rdi": RDI, "r8": R8}
    value = [0xb0 + i for i in range(16)]
    value[RBX] = BUS
    for name, v in registers.items():
        value[names[name]] = v
    return bytes([frame, prot, silent, how, *value]) + bytes.fromhex(text)


PLAIN = {
    "load-1": "8a03", "load-2": "668b03", "load-4": "8b03",
    "load-8": "488b03", "load-high": "8a23", "load-r15": "4c8b3b",
    "store-1": "8803", "store-4": "8903", "store-8": "488903",
    "store-constant": "c70378563412", "store-constant-8": "48c703ffffffff",
    "store-high": "882b", "movnti": "0fc303",
    "movzx": "0fb603", "movsx": "480fbe03", "movsxd": "486303",
    "movbe-load": "480f38f003", "movbe-store": "0f38f103",
    "and": "2103", "or": "0903", "xor-load": "3303", "add": "480103",
    "sub-constant": "832b01", "cmp": "3b03", "cmp-constant": "803b05",
    "test": "8503", "test-constant": "f60301",
    "movd": "660f6e03", "movq": "f30f7e03", "movss": "f30f1003",
    "movups": "0f1003", "movups-store": "0f1103", "movdqa": "660f6f03",
    "vmovups": "c5fc1003", "vmovups-store": "c5fc1103",
    "vmovdqu-16": "c5fa6f03", "evex-load": "62f17f486f03",
    "evex-store": "62f17f487f03", "evex-r31": "6261ff486f3b",
    "evex-masked": "62f17f496f03", "lock": "f00103", "xchg": "8703",
    "cmpxchg": "0fb10b", "inc": "ff03", "push": "ff33",
    "address-32": "678b03", "fs": "648b03", "gs": "658b03",
    "scaled": "8b44cb08", "no-base": "8b04250000007f",
    "bit-test": "0fba2303", "mmx": "0f6f03", "nop": "0f1f03",
    "invalid": "06", "prefixes": "66f2f3662e3e8b03",
    "too-long": "66" * 15 + "8b03", "a-load-and-a-store": "8b038903",
}

EMULATE = {name: code(text) for name, text in PLAIN.items()}
EMULATE.update({
    "last-byte": code("8a03", rbx=BUS_END),
    "beyond-the-end": code("8b03", rbx=BUS_END),
    "small-bus": code("8b034883c3028b03", frame=16 + 7),
    "denied-load": code("8b03", prot=0),
    "denied-store": code("8903", prot=1),
    "denied-add": code("0103", prot=1),
    "silent": code("8b03", silent=0),
    "silent-half": code("c5fc1103", silent=2),
    "not-on-the-bus": code("8b03", rbx=MEMORY),
    "no-frame": code("0f1003c5fc1103", frame=0),
    "frame-initial": code("c5fc100362f17f487f03", frame=3),
    "frame-without-avx": code("c5fc1003c5fc1103", frame=1),
    "code-cut": code("488b"),
    "code-ends-with-the-page": code("908b03"),
    "relative": code("488b05" + u32(8 * 4096 - (4096 - 8 + 7)).hex() + "90"),
    "movs-from": code("f3a4", rsi=BUS, rdi=MEMORY, rcx=0xb9),
    "movs-to": code("f348a5", rsi=MEMORY, rdi=BUS, rcx=0xb4),
    "movs-down": code("f366a5", how=1, rsi=MEMORY + 8, rdi=0x10, rcx=0xc8),
    "movs-to-the-end": code("f3a4", rsi=BUS_END, rdi=MEMORY, rcx=0xef),
    "movs-both": code("f3a4", rsi=BUS, rdi=0x10, rcx=0xb9),
    "movs-memory-gone": code("f3a4", how=2, rsi=BUS, rdi=EDGE, rcx=0xb9),
    "movs-read-only": code("f3a4", how=4, rsi=BUS, rdi=MEMORY, rcx=0xb9),
    "movs-once": code("a5", rsi=BUS, rdi=MEMORY),
    "movs-fs": code("64a4", rsi=BUS, rdi=BUS),
    "stos": code("f3aa", rdi=BUS, rcx=0xef),
    "stos-down": code("f3ab", how=1, rdi=8, rcx=0xef),
    "lods": code("f348ad", rsi=BUS, rcx=0xb9),
    "lods-denied": code("ac", prot=0, rsi=BUS),
    "string-silent": code("f3aa", silent=3, rdi=BUS, rcx=0xef),
})


# ---- ioat ----

def i_store(at, size, value):
    lg2 = {1: 0, 2: 1, 4: 2, 8: 3}[size]
    return bytes([0, lg2, at]) + value.to_bytes(size, "little")


def i_ring(count):
    return bytes([2, count])


def i_copy(slot, size, source, destination, then, flags=8):
    """Addresses are (page, words) or one byte for an edge of a page."""
    return bytes([4, slot, flags]) + size.to_bytes(3, "little") + bytes(
        [*source, *destination, then])


RESET_, ARM = i_store(0x84, 1, 0x20), bytes([6, 0])
CONTROL = i_store(0x80, 2, 0x1d)
STATUS_ = bytes([7, 8, 0])
START = RESET_ + CONTROL + STATUS_ + ARM
DST = (20, 3)

IOAT = {
    "copy": i_copy(0, 5000, (16, 1), DST, 1) + START + i_ring(1),
    "chain": b"".join(i_copy(i, 64, (16, i), (20, i), i + 1)
                      for i in range(8)) + START + i_ring(3) + i_ring(5),
    "self": i_copy(0, 64, (16, 1), DST, 0) + START + i_ring(199) * 4,
    "fill": i_copy(0, 4099, (16, 1), DST, 1, 0x48) + START + i_ring(1),
    "null": i_copy(0, 1, (16, 1), DST, 1, 0x28) + START + i_ring(1),
    "interrupt": i_copy(0, 9, (16, 1), DST, 0, 9) + START +
        i_store(3, 1, 8) + i_ring(1) + i_ring(1) + CONTROL + i_ring(1),
    "too-long": i_copy(0, 0x10001, (16, 1), DST, 1) + START + i_ring(2),
    "nothing": i_copy(0, 0, (16, 1), DST, 1) + START + i_ring(2),
    "operation": i_copy(0, 9, (0x87, 16), (1, 20), 3, 0x88) + START +
        i_ring(2),
    "read-only": i_copy(0, 90, (16, 1), (48, 1), 1) + START + i_ring(2),
    "far": i_copy(0, 90, (60, 1), DST, 1) + START + i_ring(2),
    "half": i_copy(0, 90, (16, 1), (0x80 | 47,), 1) + START + i_ring(2),
    "gone": i_copy(0, 9000, (16, 1), DST, 1) + bytes([8, 21, 2]) + START +
        i_ring(2),
    "protected": i_copy(0, 9000, (16, 1), DST, 1) + bytes([8, 17, 2, 8, 20,
                                                            1]) +
        START + i_ring(2),
    "overlap": i_copy(0, 9000, (16, 1), (16, 2), 1) + START + i_ring(1),
    "misaligned": i_copy(0, 9, (16, 1), DST, 0xf8) + u64(0x100020) + START +
        i_ring(2),
    "passed-over": i_copy(0, 0, (16, 1), DST, 1) +
        i_copy(1, 9, (16, 1), DST, 2) + START + i_store(0xac, 4, 0x800) +
        i_ring(2),
    "completion-far": i_copy(0, 9, (16, 1), DST, 1) + START +
        bytes([7, 60, 0]) + i_ring(2),
    "suspend": i_copy(0, 9, (16, 1), DST, 0) + START +
        i_store(0x84, 1, 4) + i_ring(9) + i_store(0x84, 1, 0x10) +
        i_store(0x84, 1, 8) + i_ring(1),
    "unmapped": i_copy(0, 9, (16, 1), DST, 0) + START + bytes([9, 0]) +
        i_ring(1) + bytes([9, 9]) + START + i_ring(1),
    "config": i_copy(0, 0, (16, 1), DST, 0) + START + i_ring(1) +
        bytes([10, 0x40]) + u32(0xffffffff) + bytes([10, 255]) + u32(0) +
        START + i_ring(1) + bytes([11]),
}


# ---- aarch64 ----

A_BUS, A_END, A_SMALL = 4, 0x81, 0xa8


def words(*word, how=0, prot=3, silent=255, **registers):
    value = [A_BUS + i for i in range(32)]
    for name, v in registers.items():
        value[31 if name == "sp" else int(name[1:])] = v
    return bytes([how, prot, silent, *value]) + b"".join(map(u32, word))


AARCH64 = {
    "loads": words(0x39400020, 0x79400020, 0xb9400020, 0xf9400020,
                   0x39c00020, 0x39800020, 0x79c00020, 0x79800020,
                   0xb9800020),
    "stores": words(0x39000020, 0x79000020, 0xb9000020, 0xf900003f),
    "base-written": words(0xf8408420, 0xb81fcc20, 0xf81f0fe0, 0x3c810c20),
    "index": words(0xb8625820, 0xf862d820, 0x38626820, 0x387f6820,
                   x2=A_SMALL),
    "unprivileged": words(0xb8400820, 0xf8000820),
    "pairs": words(0xa9400820, 0x69400820, 0x29bf7c3f, 0xa8c10820,
                   0xa8000820),
    "vectors": words(0x3dc00020, 0x3d400020, 0x7d000020, 0xbd000020,
                     0xfd400020, 0xad000820, 0x6d400820, 0x2cc10820),
    "vectors-missing": words(0x3dc00020, how=4),
    "literal": words(0x58000200, 0x1c000200, 0x98000200, how=2),
    "ordered": words(0x88dffc20, 0xc89ffc20, 0xf8bfc020, 0x99400020,
                     0x19000020),
    "refused": words(0xc85f7c20, 0xc8027c20, 0xf8220020, 0xc8a27c20,
                     0x48207c22, 0xf83f9020, 0xf8200420, 0x0c407020,
                     0xd50b7421, 0xd50b7a21, 0xa400a020, 0xd9200820,
                     0x19010440, 0xf9800020, 0xf8408421, 0xa9400020,
                     0x8b010000),
    "at-the-end": words(0xf9400020, 0xb9400020, 0xa9400820, x1=A_END),
    "not-allowed": words(0xb9000020, 0xb9400020, prot=1),
    "nothing-allowed": words(0xb9000020, 0xb9400020, prot=0),
    "silent": words(0xa8c10820, 0xad000820, silent=1),
    "short": words(0x39400020, 0xb9400020, how=1, x1=0),
}


def write_seeds(folder, target, seeds):
    os.makedirs(os.path.join(folder, target), exist_ok=True)
    for name, text in seeds.items():
        if isinstance(text, str):
            text = text.encode("latin-1")
        with open(os.path.join(folder, target, name), "wb") as f:
            f.write(text)
    print(f"{target}: {len(seeds)} seeds")


def main():
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
    for target, seeds in (("aarch64", AARCH64),
                          ("emulate", EMULATE), ("ioat", IOAT),
                          ("nvme", NVME),
                          ("options", OPTIONS), ("path", PATH),
                          ("space", SPACE), ("spec", SPEC), ("vfio", VFIO)):
        write_seeds(folder, target, seeds)


main()
