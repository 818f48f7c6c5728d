# SPDX-License-Identifier: MIT
"""qemu-img, qemu-io and qemu-nbd on nvme://, data compared each time."""

import json
import os
import signal
import subprocess

import pytest

from conftest import (BDF, MIB, NVME, alive, bytes_at, checksum, wait_until)


def test_info_tells_the_size_of_the_file(qemu):
    info = json.loads(qemu.good("qemu-img", "info", "--output=json", NVME))
    assert info["virtual-size"] == 64 * MIB
    assert info["format"] == "raw"


def test_convert_writes_every_byte(qemu, source):
    qemu.good("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", source,
              NVME)
    assert checksum(qemu.disk) == checksum(source)


def test_convert_reads_every_byte(qemu, source, tmp_path):
    qemu.disk = source
    before = checksum(source)
    qemu.good("qemu-img", "convert", "-f", "raw", "-O", "raw", NVME,
              tmp_path / "out.raw")
    assert checksum(tmp_path / "out.raw") == before
    assert checksum(source) == before


def test_convert_with_many_writers_out_of_order(qemu, source):
    qemu.good("qemu-img", "convert", "-n", "-W", "-m", "16", "-f", "raw",
              "-O", "raw", source, NVME)
    assert checksum(qemu.disk) == checksum(source)


def test_convert_overwrites_old_data_with_zeros(qemu, source):
    with open(qemu.disk, "r+b") as f:
        f.write(b"\xff" * (64 * MIB))
    qemu.good("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", source,
              NVME)
    assert checksum(qemu.disk) == checksum(source)


def test_compare_sees_equal_and_different(qemu, source):
    qemu.disk = source
    copy = source.with_name("copy.raw")
    copy.write_bytes(source.read_bytes())
    qemu.good("qemu-img", "compare", "-f", "raw", "-F", "raw", NVME, copy)
    with open(copy, "r+b") as f:
        f.seek(33 * MIB)
        f.write(b"x")
    result = qemu.run("qemu-img", "compare", "-f", "raw", "-F", "raw", NVME,
                      copy)
    assert result.returncode == 1
    assert "mismatch at offset 34603008" in result.stdout


def test_create_and_check_an_image_format_on_the_device(qemu, source,
                                                        tmp_path):
    qemu.good("qemu-img", "create", "-f", "qcow2", NVME, "60M")
    info = json.loads(qemu.good("qemu-img", "info", "--output=json", NVME))
    assert (info["format"], info["virtual-size"]) == ("qcow2", 60 * MIB)
    qemu.good("qemu-img", "check", "-f", "qcow2", NVME)
    os.truncate(source, 60 * MIB)
    qemu.good("qemu-img", "convert", "-n", "-f", "raw", "-O", "qcow2",
              source, NVME)
    qemu.good("qemu-img", "check", "-f", "qcow2", NVME)
    qemu.good("qemu-img", "compare", "-f", "raw", "-F", "qcow2", source, NVME)
    # What is on the device is an image to a QEMU that never heard of ioas.
    qemu.plain("qemu-img", "convert", "-f", "qcow2", "-O", "raw", qemu.disk,
               tmp_path / "out.raw")
    assert checksum(tmp_path / "out.raw") == checksum(source)


@pytest.mark.parametrize("depth", [1, 64])
def test_bench_writes_the_pattern_it_was_told(qemu, depth):
    count = 2000
    qemu.good("qemu-img", "bench", "-f", "raw", "-w", "--pattern=90",
              "-c", count, "-d", depth, "-s", "4096", NVME)
    assert bytes_at(qemu.disk, 0, count * 4096) == b"\x5a" * (count * 4096)
    assert not any(bytes_at(qemu.disk, count * 4096, MIB))


@pytest.mark.parametrize("depth", [1, 64])
def test_bench_reads_and_changes_nothing(qemu, source, depth):
    qemu.disk = source
    before = checksum(source)
    qemu.good("qemu-img", "bench", "-f", "raw", "-c", "2000", "-d", depth,
              "-s", "4096", NVME)
    assert checksum(source) == before


def test_cache_none_switches_the_write_cache_off(qemu):
    """QEMU's driver does it by Set Features with the namespace named."""
    qemu.good("qemu-img", "bench", "-f", "raw", "-t", "none", "-w",
              "--pattern=91", "-c", "16", NVME)
    assert bytes_at(qemu.disk, 0, 16 * 4096) == b"\x5b" * (16 * 4096)


def io(qemu, *commands):
    """qemu-io with these commands; a pattern that differs fails."""
    given = [x for c in commands for x in ("-c", c)]
    out = qemu.good("qemu-io", "-f", "raw", *given, NVME)
    assert "failed" not in out
    return out


def test_patterns_are_read_back_and_are_in_the_file(qemu):
    io(qemu, "write -P 0xaa 0 1M", "write -P 0x55 1M 4k",
       "write -P 0x33 5M 128k", "flush", "read -P 0xaa 0 1M",
       "read -P 0x55 1M 4k", "read -P 0x33 5M 128k", "read -P 0 2M 3M")
    assert bytes_at(qemu.disk, 0, MIB) == b"\xaa" * MIB
    assert bytes_at(qemu.disk, MIB, 4096) == b"\x55" * 4096
    assert bytes_at(qemu.disk, 5 * MIB, 131072) == b"\x33" * 131072


def test_a_wrong_pattern_is_noticed(qemu):
    result = qemu.run("qemu-io", "-f", "raw", "-c", "write -P 1 0 4k", "-c",
                      "read -P 2 0 4k", NVME)
    assert "Pattern verification failed" in result.stdout


@pytest.mark.parametrize("offset, size", [
    (512, 512), (3 * 512, 4096), (4096 - 512, 1024), (7 * 512, 65536 + 512),
    (64 * MIB - 512, 512),
])
def test_pieces_that_cross_pages(qemu, offset, size):
    """PRP entries with an offset, PRP lists, the last block."""
    io(qemu, f"write -P 0x77 {offset} {size}",
       f"read -P 0x77 {offset} {size}")
    assert bytes_at(qemu.disk, offset, size) == b"\x77" * size
    before = bytes_at(qemu.disk, offset - 512, 512)
    assert before == bytes(512)


def test_large_transfers_use_lists(qemu):
    io(qemu, "write -P 0x11 0 8M", "write -P 0x22 8M 8M", "read -P 0x11 0 8M",
       "read -P 0x22 8M 8M")
    assert bytes_at(qemu.disk, 8 * MIB - 1, 2) == b"\x11\x22"


def test_vectors_of_several_buffers(qemu):
    io(qemu, "writev -P 0x66 0 4k 8k 512 3584 64k", "readv -P 0x66 0 64k 16k")
    assert bytes_at(qemu.disk, 0, 81920) == b"\x66" * 81920


def test_zeroes_and_discard(qemu):
    io(qemu, "write -P 0xee 0 4M", "write -z 1M 1M", "read -P 0 1M 1M",
       "read -P 0xee 0 1M", "read -P 0xee 2M 2M", "discard 3M 1M", "flush")
    assert bytes_at(qemu.disk, MIB, MIB) == bytes(MIB)
    assert bytes_at(qemu.disk, 2 * MIB, MIB) == b"\xee" * MIB


def test_many_requests_at_once(qemu):
    writes = [f"aio_write -P {i + 1} {i * 65536} 65536" for i in range(64)]
    reads = [f"read -P {i + 1} {i * 65536} 65536" for i in range(64)]
    io(qemu, *writes, "aio_flush", *reads)
    for i in range(64):
        assert bytes_at(qemu.disk, i * 65536, 65536) == bytes([i + 1]) * 65536


def test_a_read_beyond_the_end_is_refused(qemu):
    result = qemu.run("qemu-io", "-f", "raw", "-c", f"read {64 * MIB} 512",
                      NVME)
    assert "Input/output error" in result.stdout + result.stderr


def test_no_such_namespace(qemu):
    result = qemu.run("qemu-img", "info", f"nvme://{BDF}/2")
    assert result.returncode == 1
    assert result.stdout == ""


def test_a_device_that_is_not_there(qemu):
    result = qemu.run("qemu-img", "info", "nvme://0000:05:00.0/1")
    assert result.returncode == 1
    assert "0000:05:00.0" in result.stderr


def test_nbd_serves_the_device_from_the_background(qemu, source, tmp_path):
    socket, pid_file = tmp_path / "nbd", tmp_path / "pid"
    uri = f"nbd+unix:///?socket={socket}"
    qemu.good("qemu-nbd", "--fork", "--persistent", "-t", "-k", socket,
              f"--pid-file={pid_file}", "-f", "raw", NVME)
    pid = int(pid_file.read_text())
    try:
        size = subprocess.run(["nbdinfo", "--size", uri], text=True,
                              check=True, stdout=subprocess.PIPE, timeout=60)
        assert int(size.stdout) == 64 * MIB
        subprocess.run(["nbdcopy", source, uri], check=True, timeout=60)
        subprocess.run(["nbdcopy", uri, tmp_path / "out.raw"], check=True,
                       timeout=60)
    finally:
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not alive(pid))
    assert checksum(tmp_path / "out.raw") == checksum(source)
    assert checksum(qemu.disk) == checksum(source)


def test_data_stays_between_runs(qemu):
    io(qemu, "write -P 0x42 12M 1M")
    io(qemu, "read -P 0x42 12M 1M")


def test_a_device_of_memory_keeps_its_data_within_a_run(qemu, source,
                                                        tmp_path):
    """size= belongs to the run: one process writes, the next one reads."""
    img, out = qemu.program("qemu-img"), tmp_path / "out.raw"
    script = (f"'{img}' convert -n -f raw -O raw '{source}' {NVME} && "
              f"'{img}' convert -f raw -O raw {NVME} '{out}'")
    result = qemu.ioas.run("/bin/sh", "-c", script, env=qemu.env,
                           devices=["nvme,size=64M"])
    assert result.returncode == 0, result.stderr
    assert checksum(out) == checksum(source)


def test_a_device_at_another_address(qemu, source):
    result = qemu.ioas.run(
        qemu.program("qemu-img"), "convert", "-n", "-f", "raw", "-O", "raw",
        source, "nvme://0000:3b:02.5/1", env=qemu.env,
        devices=[f"nvme,file={qemu.disk},bdf=0000:3b:02.5"])
    assert result.returncode == 0, result.stderr
    assert checksum(qemu.disk) == checksum(source)


def test_two_devices_in_one_program(qemu, source, tmp_path):
    second = tmp_path / "second.img"
    second.write_bytes(b"\x99" * (64 * MIB))
    qemu.disk.write_bytes(source.read_bytes())
    result = qemu.ioas.run(
        qemu.program("qemu-img"), "convert", "-n", "-f", "raw", "-O", "raw",
        NVME, "nvme://0000:02:00.0/1", env=qemu.env,
        devices=[f"nvme,file={qemu.disk}", f"nvme,file={second}"])
    assert result.returncode == 0, result.stderr
    assert checksum(second) == checksum(source)


def test_mappings_that_the_driver_leaves_are_named(qemu):
    """QEMU 7.2 to 10.0 unmaps every second of its fixed mappings at close."""
    result = qemu.run("qemu-img", "info", NVME)
    left = [x for x in result.stderr.splitlines() if "leak at close" in x]
    assert len(left) >= 2, result.stderr
    assert all("IOVA 0x" in x for x in left)
