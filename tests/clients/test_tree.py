# SPDX-License-Identifier: MIT
"""The tree in /sys and /dev, as unmodified programs see it."""

import re
import shutil

import pytest

DEVICES = ["nvme,size=16M", "edu"]
NVME_AT = "/sys/bus/pci/devices/0000:01:00.0"


def shell(ioas, script, arguments=(), **more):
    result = ioas.run("sh", "-c", script, "sh", *arguments, devices=DEVICES,
                      **more)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_lspci_decodes_the_devices(ioas):
    if not shutil.which("lspci"):
        pytest.skip("no lspci")
    result = ioas.run("lspci", "-nn", "-vvv", "-k", "-A", "linux-sysfs",
                      devices=DEVICES)
    assert result.returncode == 0
    nvme, edu = result.stdout.strip().split("\n\n")
    assert nvme.startswith("01:00.0 ") and "[1b36:0010]" in nvme
    assert "Region 0: Memory at 380000000000 (64-bit" in nvme
    assert "[size=16K]" in nvme and "IOMMU group: 1" in nvme
    assert re.search(r"Capabilities: .* MSI-X: Enable- Count=\d+", nvme)
    assert "Express (v2) Endpoint" in nvme and "FLReset+" in nvme
    assert edu.startswith("02:00.0 ") and "[1234:11e8]" in edu
    assert "pin A routed to IRQ 16" in edu and "[size=1M]" in edu
    for device in nvme, edu:
        assert "Kernel driver in use: vfio-pci" in device


def test_a_shell_walks_in_and_out(ioas):
    out = shell(ioas, f"cd {NVME_AT}; pwd; cat vendor"
                "; cat iommu_group/reserved_regions; cd /dev; ls vfio"
                "; cd ..; pwd", stderr=None).split("\n")
    assert out[:2] == [NVME_AT, "0x1b36"]
    assert "0x00000000fee00000 0x00000000feefffff msi" in out
    assert out[-5:] == ["1", "2", "vfio", "/", ""]


def test_find_and_ls_walk_the_tree(ioas):
    out = shell(ioas, "find /sys/kernel/iommu_groups -printf '%P %y\\n'")
    assert sorted(out.split("\n")) == sorted(
        [" d", ""] + [x for g, at in ((1, "01"), (2, "02")) for x in (
            f"{g} d", f"{g}/type f", f"{g}/reserved_regions f",
            f"{g}/devices d", f"{g}/devices/0000:{at}:00.0 l")])
    assert "vfio_pci" in shell(ioas, "ls /sys/module").split()
    assert "vfio" in shell(ioas, "echo /dev/v*")
    size, n = shell(ioas, f"wc -c {NVME_AT}/config; ls {NVME_AT} | wc -l"
                    ).split(f" {NVME_AT}/config\n")
    assert size == "4096" and int(n) == 18


def test_the_limit_in_the_tree_is_the_one_of_the_run(ioas):
    path = "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit"
    assert shell(ioas, f"cat {path}") == "65535\n"
    result = ioas.run("cat", path, devices=DEVICES,
                      options=["--dma-entry-limit", "77"])
    assert result.stdout == "77\n"


def test_python_reads_it(ioas):
    script = ("import os\n"
              f"os.chdir('{NVME_AT}')\n"
              "print(open('device').read().strip(), os.getcwd())\n"
              "for e in sorted(os.scandir('/sys/bus/pci/devices'),"
              " key=lambda e: e.name): print(e.name, e.is_symlink(),"
              " e.is_dir(), e.inode() == os.lstat(e.path).st_ino)\n"
              "print(sum(len(f) for _, _, f in os.walk('.')))\n"
              "d = os.open('/sys/bus/pci', os.O_RDONLY)\n"
              "print(os.listdir(d), os.stat('devices', dir_fd=d).st_nlink)\n")
    out = ioas.run("/usr/bin/python3", "-c", script, devices=DEVICES)
    assert out.returncode == 0, out.stderr
    assert out.stdout.split("\n") == [
        "0x0010 /sys/devices/pci0000:01/0000:01:00.0",
        "0000:01:00.0 True True True", "0000:02:00.0 True True True",
        "16", "['devices', 'drivers'] 1", ""]


GROUP_PATHS = ["", "/1", "/1/devices", "/1/devices/0000:01:00.0",
               "/1/reserved_regions", "/1/type"]


@pytest.mark.parametrize("program,pattern", [
    (["find", "."], r"^\.(\S*)$"),
    (["find", "-L", ".", "-maxdepth", "2"], r"^\.(\S*)$"),
    (["du", "-a", "."], r"^0\t\.(.*)$"),
    (["tar", "-cvf", "/dev/null", "."], r"^\./?(.*?)/?$"),
    (["perl", "-MFile::Find", "-e", "find(sub {print $File::Find::name, qq(\\n)"
      "}, '.')"], r"^\.(.*)$"),
    (["bash", "-c", "shopt -s globstar; printf '%s\\n' ./**"], r"^\.(/.+)$"),
], ids=lambda x: x[0])
def test_programs_that_walk(ioas, program, pattern):
    """Each by its own code over openat, fdopendir and fstatat."""
    if not shutil.which(program[0]):
        pytest.skip(f"no {program[0]}")
    out = shell(ioas, 'cd /sys/kernel/iommu_groups; "$@"', arguments=program)
    found = ["/" + x.lstrip("/") if x else "" for x in
             re.findall(pattern, out, re.M)]
    first = [x for x in found if not x.startswith("/2")]
    wanted = GROUP_PATHS if program[0] != "bash" else GROUP_PATHS[1:]
    if "-L" in program:
        wanted = [x for x in wanted if "0000" not in x]
    assert sorted(first) == wanted


def test_ls_and_grep_and_cp_go_down(ioas, tmp_path):
    groups = "/sys/kernel/iommu_groups"
    out = shell(ioas, f"ls -lR {groups}")
    assert [x[:-1] for x in out.split("\n") if x.endswith(":")] == [
        groups + x for x in ("", "/1", "/1/devices", "/2", "/2/devices")]
    assert re.search(r"^l.* 0000:01:00.0 -> ", out, re.M)
    assert shell(ioas, f"grep -r FQ {groups}") == "".join(
        f"{groups}/{n}/type:DMA-FQ\n" for n in (1, 2))
    out = shell(ioas, f"cp -rP {groups} {tmp_path}/copy && cat "
                f"{tmp_path}/copy/1/type && readlink {tmp_path}/copy/1/devices/*")
    assert out == "DMA-FQ\n../../../../devices/pci0000:01/0000:01:00.0\n"
    shell(ioas, f"cp -r {NVME_AT}/ {tmp_path}/device")
    assert (tmp_path / "device" / "vendor").read_text() == "0x1b36\n"
    assert (tmp_path / "device" / "config").stat().st_size == 4096


def test_the_file_system_is_named(ioas):
    out = shell(ioas, f"stat -f -c %T {NVME_AT} {NVME_AT}/vendor")
    assert out == "sysfs\nsysfs\n"


def test_rm_and_chmod_change_nothing(ioas):
    for command in ("rm -r", "chmod -R a+w", "touch"):
        result = ioas.run("sh", "-c", f"{command} {NVME_AT}/* {NVME_AT}",
                          devices=DEVICES)
        assert result.returncode, command
    assert shell(ioas, f"cat {NVME_AT}/vendor") == "0x1b36\n"
