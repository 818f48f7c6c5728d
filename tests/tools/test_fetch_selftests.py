# SPDX-License-Identifier: MIT
"""tools/fetch-selftests on an archive of our own: which version is taken, what
is built of it and kept, and that half of it is never taken for the whole."""

import os
import subprocess

import pytest

from conftest import TOOLS
from test_scripts import System

FOLDERS = ["include", "scripts", "tools/arch", "tools/build", "tools/include",
           "tools/scripts", "tools/testing/selftests/vfio",
           "tools/testing/selftests/iommu", "drivers/dma/idxd",
           "drivers/dma/ioat", "drivers/iommu/iommufd",
           "drivers/net/ethernet/intel/igb"]
VERSION = "7.10.2-1"
# Each program tells with what it was linked.
MAKEFILE = """all: $(PROGRAMS:%=$(OUTPUT)/%)
$(OUTPUT)/%:
\t$(BROKEN)
\techo 'linked: $(LDFLAGS) $(CFLAGS)' >$@; chmod +x $@; touch $@.o
"""


def package(folder, name):
    (folder / "DEBIAN").mkdir(parents=True)
    (folder / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {VERSION}\nArchitecture: all\n"
        "Maintainer: none <none@localhost>\nDescription: none\n")
    subprocess.run(["dpkg-deb", "-b", folder, folder.with_suffix(".deb")],
                   check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def archive(tmp_path):
    system = System(tmp_path)
    tree = tmp_path / "linux-source-7.10"
    for name in FOLDERS:
        (tree / name).mkdir(parents=True)
    suites = {"vfio": "vfio_pci_device_test vfio_pci_driver_test vfio_x_test",
              "iommu": "iommufd"}
    for suite, programs in suites.items():
        path = tree / f"tools/testing/selftests/{suite}/Makefile"
        path.write_text(f"PROGRAMS = {programs}\n{MAKEFILE}")
    system.tree = tree
    names = ["6.12", "7.9", "7.10"]
    system.program("apt-cache", 'case " $* " in\n*" pkgnames "*)\n' +
                   "".join(f"echo linux-source-{x}\n" for x in names) +
                   "echo linux-source;;\n*) " +
                   "".join(f"echo ' {x} | {VERSION} | here';"
                           for x in ("linux-source-7.10", "linux-libc-dev")) +
                   "echo ' linux-libc-dev | 7.11-1 | here';;\nesac")
    system.program("apt-get", f'case " $* " in\n*" download "*) cp '
                   f'{tmp_path}/debs/*.deb .;;\nesac')
    (tmp_path / "debs").mkdir()
    return system


def fill(system):
    """Put the tree into packages."""
    debs = system.folder / "debs"
    source = debs / "source/usr/src"
    source.mkdir(parents=True)
    subprocess.run(["tar", "-C", system.folder, "-cJf",
                    source / "linux-source-7.10.tar.xz", "linux-source-7.10"],
                   check=True)
    package(debs / "source", "linux-source-7.10")
    (debs / "headers/usr/include").mkdir(parents=True)
    package(debs / "headers", "linux-libc-dev")


def fetch(system):
    return system.run(os.path.join(TOOLS, "fetch-selftests"),
                      str(system.folder / "out"))


def kept(system):
    out = system.folder / "out"
    return {str(x.relative_to(out)) for x in out.rglob("*") if x.is_file()}


def test_the_newest_is_built_and_only_programs_are_kept(archive, monkeypatch):
    monkeypatch.setenv("CFLAGS", "-Dnot-ours")
    fill(archive)
    result = fetch(archive)
    assert result.returncode == 0, result.stderr
    assert kept(archive) == {
        "complete", "log", "sources.list", "version", "iommu/iommufd",
        "vfio/vfio_pci_device_test", "vfio/vfio_pci_driver_test",
        "vfio/vfio_x_test", "vfio-mode/vfio_pci_device_test",
        "vfio-mode/vfio_pci_driver_test"}
    out = archive.folder / "out"
    assert (out / "version").read_text() == VERSION + "\n"
    name = "vfio_pci_driver_test"
    assert (out / "vfio" / name).read_text() == "linked:  \n"
    assert "mode.o" in (out / "vfio-mode" / name).read_text()
    asked = archive.asked("apt-get")
    assert asked[-1].endswith(f"download linux-source-7.10={VERSION} "
                              f"linux-libc-dev={VERSION}")
    assert fetch(archive).returncode == 0
    assert archive.asked("apt-get") == asked


@pytest.mark.parametrize("suite", ["vfio", "iommu"])
def test_a_suite_that_does_not_compile_is_told(archive, suite):
    path = archive.tree / f"tools/testing/selftests/{suite}/Makefile"
    path.write_text("BROKEN = false\n" + path.read_text())
    fill(archive)
    result = fetch(archive)
    assert result.returncode == 1
    assert "download or build failed" in result.stderr
    assert "complete" not in kept(archive)


def test_a_tree_without_a_part_of_it_is_told(archive):
    (archive.tree / "tools/scripts").rmdir()
    fill(archive)
    assert fetch(archive).returncode == 1
    assert "complete" not in kept(archive)


def test_half_of_it_is_made_again(archive):
    fill(archive)
    assert fetch(archive).returncode == 0
    out = archive.folder / "out"
    (out / "complete").unlink()
    (out / "vfio/vfio_x_test").write_text("half")
    left = out / "work/built/vfio"
    left.mkdir(parents=True)
    (left / "vfio_x_test").write_text("half")
    (left / "vfio_x_test").chmod(0o755)
    assert fetch(archive).returncode == 0
    assert "linked" in (out / "vfio/vfio_x_test").read_text()
    assert not (out / "work").exists()


@pytest.mark.parametrize("names", ["linux-source-6.12", ""])
def test_sources_that_left_or_are_too_old(archive, names):
    archive.program("apt-cache", f"echo {names}")
    result = fetch(archive)
    assert result.returncode == 3
    assert "left the archive" in result.stderr


def test_an_archive_that_does_not_answer(archive):
    archive.program("apt-get", "exit 100")
    result = fetch(archive)
    assert result.returncode == 1
    assert "no archive answers" in result.stderr
