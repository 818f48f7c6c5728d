# SPDX-License-Identifier: MIT
"""Running unmodified programs under `ioas run`.

IOAS         the tool, when it is not build/ioas of this tree
IOAS_TEST_RUN_OPTIONS  options that every run gets before its own, as words of
             a shell: "--frames=scattered:7"
IOAS_QEMU10  a folder with QEMU 10 unpacked (tools/fetch-qemu10); without it
             the tests marked qemu10 and most guests are skipped
IOAS_KERNELS kernels for guests (tools/fetch-kernels), of x86-64 or of Arm
"""

import hashlib
import os
import re
import shlex
import signal
import subprocess
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BDF = "0000:01:00.0"
NVME = f"nvme://{BDF}/1"
MIB = 1 << 20
SECONDS = 120
NOTES = pytest.StashKey[list]()


def pytest_configure(config):
    config.addinivalue_line("markers", "qemu10: needs QEMU 10")
    config.stash[NOTES] = []


def pytest_terminal_summary(terminalreporter, config):
    for line in config.stash[NOTES]:
        terminalreporter.write_line(f"note: {line}")


@pytest.fixture(scope="session")
def note(request):
    """Say something about the whole run, once: ./check shows it."""
    def say(line):
        if line not in request.config.stash[NOTES]:
            request.config.stash[NOTES].append(line)
    return say

# Ignored where the tests run in the background of a shell, and programs of the
# tests would ignore it as well; what is handled is theirs to choose again.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Ioas:
    """The tool; every call gives up after a while instead of hanging."""

    def __init__(self):
        self.tool = os.environ.get("IOAS", os.path.join(TOP, "build/ioas"))
        if not os.access(self.tool, os.X_OK):
            pytest.exit(f"{self.tool} is not built", returncode=3)
        self.always = shlex.split(os.environ.get("IOAS_TEST_RUN_OPTIONS", ""))

    def command(self, *program, devices=(), options=()):
        given = [x for d in devices for x in ("-d", d)]
        return [self.tool, "run", *self.always, *given, *map(str, options), "--",
                *map(str, program)]

    def run(self, *program, devices=(), options=(), env=None, **more):
        """Like subprocess.run(); streams are text and captured."""
        more = {"text": True, "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                "timeout": SECONDS} | more
        if "input" in more:
            del more["stdin"]
        command = self.command(*program, devices=devices, options=options)
        return subprocess.run(command, env=os.environ | (env or {}),
                              check=False, **more)

    def start(self, *program, devices=(), options=(), env=None, **more):
        """Like subprocess.Popen(), pipes everywhere."""
        more = {"text": True, "stdin": subprocess.PIPE,
                "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
        command = self.command(*program, devices=devices, options=options)
        return subprocess.Popen(command, env=os.environ | (env or {}), **more)


@pytest.fixture(scope="session")
def ioas():
    return Ioas()


class Qemu:
    """QEMU's programs of one version, under ioas with one NVMe device."""

    def __init__(self, tool, root, disk):
        self.ioas = tool
        self.root = root
        self.disk = disk
        self.env = {}
        if root:
            lib = f"{root}/usr/lib/x86_64-linux-gnu"
            self.env = {"LD_LIBRARY_PATH": f"{lib}:{root}/usr/lib",
                        "QEMU_MODULE_DIR": f"{lib}/qemu"}

    def program(self, name):
        return f"{self.root or ''}/usr/bin/{name}"

    def plain(self, name, *arguments):
        """Without ioas, on ordinary files; must succeed."""
        return subprocess.run(
            [self.program(name), *map(str, arguments)], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True,
            env=os.environ | self.env, timeout=SECONDS)

    def run(self, name, *arguments, **more):
        return self.ioas.run(self.program(name), *arguments, env=self.env,
                             devices=[f"nvme,file={self.disk}"], **more)

    def good(self, name, *arguments, **more):
        """Must succeed, without a fault of a device access."""
        result = self.run(name, *arguments, **more)
        assert result.returncode == 0, result.stderr
        assert "DMA fault" not in result.stderr
        return result.stdout

    def start(self, name, *arguments, **more):
        return self.ioas.start(self.program(name), *arguments, env=self.env,
                               devices=[f"nvme,file={self.disk}"], **more)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """By its path in tests/clients: a program, with these options, once."""
    folder = tmp_path_factory.mktemp("programs")
    made = {}

    def program(source, *options):
        key = source, options
        if key not in made:
            name = os.path.basename(source).removesuffix(".c")
            path = folder / f"{name}{len(made)}"
            # Not fortified: programs choose the form of each call.
            subprocess.run(
                [os.environ.get("CC", "cc").split()[0], "-w", "-D_GNU_SOURCE",
                 "-U_FORTIFY_SOURCE", "-pthread", *(options or ("-O1", "-g")),
                 os.path.join(TOP, "tests/clients", source), "-o", str(path)],
                check=True)
            made[key] = path
        return made[key]
    return program


QEMUS = [pytest.param("", id="qemu7"),
         pytest.param("10", id="qemu10", marks=pytest.mark.qemu10)]


@pytest.fixture(params=QEMUS)
def qemu(request, ioas, disk):
    root = None
    if request.param:
        root = os.environ.get("IOAS_QEMU10")
        if not root:
            pytest.skip("no QEMU 10: run ./check --only clients-qemu10")
    return Qemu(ioas, root, disk)


@pytest.fixture
def system_qemu(ioas, disk):
    """One QEMU is enough where QEMU is not what is tested."""
    return Qemu(ioas, None, disk)


@pytest.fixture
def disk(tmp_path):
    """The file behind the device."""
    path = tmp_path / "disk.img"
    make_file(path, 64 * MIB)
    return path


@pytest.fixture
def source(tmp_path):
    """A file with data that compresses badly, holes and an odd end."""
    path = tmp_path / "source.raw"
    with open(path, "wb") as f:
        f.write(os.urandom(8 * MIB))
        f.seek(24 * MIB)
        f.write(os.urandom(4 * MIB))
        f.write(bytes(range(256)) * 1024)
        f.seek(61 * MIB + 512)
        f.write(b"\xa5" * 512)
        f.truncate(64 * MIB)
    return path


def make_file(path, size):
    with open(path, "wb") as f:
        f.truncate(size)


def checksum(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest() \
            if hasattr(hashlib, "file_digest") \
            else hashlib.sha256(f.read()).hexdigest()


def bytes_at(path, offset, size):
    with open(path, "rb") as f:
        f.seek(offset)
        return f.read(size)


def ioas_lines(stderr):
    """What ioas itself said."""
    return [line for line in stderr.splitlines() if line.startswith("ioas: ")]


def assert_refused(result, status, *words):
    """Our own failure: the status, nothing on stdout, and a sentence."""
    assert result.returncode == status, result.stderr
    assert result.stdout == ""
    lines = ioas_lines(result.stderr)
    assert lines, result.stderr
    for word in words:
        assert re.search(word, lines[-1], re.I), lines[-1]


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(x) for x in f.read().split()]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition, seconds=20):
    """The condition's first true value; fails when it takes too long."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)


class Session:
    """qemu-io that stays: the controller is open until it is told to end."""

    def __init__(self, qemu, *arguments, **more):
        self.process = qemu.start("qemu-io", "-f", "raw", *arguments, NVME,
                                  **more)
        self.said = ""

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def ask(self, command, answer):
        """Send a command; wait for a line that holds the answer."""
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        while answer not in self.said:
            line = self.process.stdout.readline()
            assert line, f"ended: {self.said}{self.process.stderr.read()}"
            self.said += line
        said, self.said = self.said, ""
        return said

    def opened(self):
        self.ask("read 0 4096", "read 4096/4096 bytes")
        return self

    def program(self):
        """Process id of qemu-io, a child of the tool."""
        return children(self.process.pid)[0]

    def quit(self):
        out, err = self.process.communicate("quit\n", timeout=SECONDS)
        return self.process.returncode, out, err
