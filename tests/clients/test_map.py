# SPDX-License-Identifier: MIT
"""`ioas map`: what a process maps now is what --map says of it at its end; who
may ask whom, and answers that are none."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading

import pytest

# Maps on what it is told by lines of standard input, and answers each.
MAPPER = """
import ctypes, fcntl, mmap, os, signal, struct, sys

def say(*words):
    print(*words, flush=True)

windows = sys.argv[1] == "7"
say(os.getpid(), len(os.listdir("/proc/self/task")))
sys.stdin.readline()
container = os.open("/dev/vfio/vfio", os.O_RDWR)
group = os.open("/dev/vfio/1", os.O_RDWR)
fcntl.ioctl(group, 0x3b68, struct.pack("i", container))
fcntl.ioctl(container, 0x3b66, int(sys.argv[1]))
memory = mmap.mmap(-1, 1 << 20)
at = ctypes.addressof(ctypes.c_char.from_buffer(memory))
start = 0
if windows:
    fcntl.ioctl(container, 0x3b75, struct.pack("IIQQ", 24, 0, at, 1 << 20))
    fcntl.ioctl(container, 0x3b77, struct.pack(
        "IIIIQIIQ", 40, 0, 12, 0, 1 << 31, 2, 0, 0))
    start = 1 << 59

def map(i):
    fcntl.ioctl(container, 0x3b71, struct.pack(
        "IIQQQ", 32, 3, at + i * 4096, start + i * 4096, 4096))

def unmap(i):
    fcntl.ioctl(container, 0x3b72, struct.pack(
        "IIQQ", 24, 0, start + i * 4096, 4096))

say(len(os.listdir("/proc/self/task")))
for line in sys.stdin:
    word = line.split()
    if word[0] == "map":
        map(int(word[1]))
    elif word[0] == "often":
        for i in range(int(word[1])):
            map(i % 256)
            unmap(i % 256)
    elif word[0] == "fork":
        child = os.fork()
        if not child:
            signal.pause()
        say(child)
        os.waitpid(child, 0)
        continue
    say("done")
os._exit(0)
"""


class Mapper:
    """A program that maps as it is told, under `ioas run`."""

    def __init__(self, ioas, version, *options):
        self.ioas = ioas
        self.process = ioas.start("/usr/bin/python3", "-c", MAPPER, version,
                                  devices=["edu"], options=options)
        self.pid, self.threads_before = self.answer()

    def answer(self):
        return [int(x) for x in self.process.stdout.readline().split()]

    def open(self):
        (threads,) = self.tell("open", self.answer)
        return threads

    def tell(self, line, answer=None):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return answer() if answer else self.process.stdout.readline()

    def end(self):
        """The lines that --map has at the end."""
        _, err = self.process.communicate(timeout=60)
        return [x.removeprefix("ioas: ") for x in err.splitlines()]


@pytest.fixture
def mapper(ioas):
    made = []

    def go(version="7", *options, profile="power9", ask=("--map",)):
        m = Mapper(ioas, version, "--profile", profile, "--check", "none",
                   *ask, *options)
        made.append(m)
        return m
    yield go
    for m in made:
        with contextlib.suppress(ProcessLookupError):
            os.kill(m.pid, signal.SIGKILL)
        m.process.communicate()


def ask(ioas, *arguments, **more):
    return subprocess.run([ioas.tool, "map", *map(str, arguments)],
                          text=True, capture_output=True, timeout=60,
                          check=False, **more)


def asked(ioas, *arguments):
    result = ask(ioas, *arguments)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.splitlines()


def refused(ioas, *arguments, **more):
    result = ask(ioas, *arguments, **more)
    assert (result.returncode, result.stdout) == (125, "")
    return result.stderr.removeprefix("ioas: ").removesuffix("\n")


@pytest.mark.parametrize("version,profile", [("7", "power9"), ("3", "intel")])
def test_it_is_what_the_end_says(ioas, mapper, version, profile):
    m = mapper(version, profile=profile)
    m.open()
    m.tell("map 1")
    before = asked(ioas, m.pid)
    m.tell("map 2")
    now = asked(ioas, m.pid)
    assert before != now
    assert now == m.end()


def test_windows_as_text(ioas, mapper):
    m = mapper()
    m.open()
    m.tell("map 1")
    container, first, second = asked(ioas, "--report", "text", m.pid)
    assert container == "container 1: sPAPR version 2, 1 group, 2 windows"
    assert ", 1 level, 0 of 524288 mapped, 1 table of " in first
    assert ", 2 levels, 1 of 524288 mapped, 2 tables of " in second


def test_the_same_objects_in_json(ioas, mapper, tmp_path):
    path = tmp_path / "report"
    m = mapper("7", "--report", "json", "--report-file", path)
    m.open()
    m.tell("map 1")
    now = [json.loads(x) for x in asked(ioas, "--report", "json", m.pid)]
    assert [x["type"] for x in now] == ["container", "window", "window"]
    assert {x["pid"] for x in now} == {m.pid}
    assert now[2]["mapped"] == 1
    m.end()
    assert now == [json.loads(x) for x in path.read_text().splitlines()]


def test_who_is_asked_often_goes_on(ioas, mapper):
    m = mapper()
    m.open()
    done = []
    thread = threading.Thread(target=lambda: done.append(m.tell("often 20000")))
    thread.start()
    asks = 0
    while thread.is_alive():
        assert len(asked(ioas, m.pid)) == 3
        asks += 1
    thread.join()
    assert done == ["done\n"] and asks > 1


def test_nothing_is_made_for_those_that_nobody_asks(mapper):
    """A thread more with --map, when a group is opened; else none."""
    m = mapper()
    assert m.open() == m.threads_before + 1
    m = mapper(ask=())
    assert m.open() == m.threads_before


def test_a_forked_child_has_nothing_open(ioas, mapper):
    m = mapper()
    m.open()
    (child,) = m.tell("fork", m.answer)
    assert "has no group open so far" in refused(ioas, child)
    assert len(asked(ioas, m.pid)) == 3
    os.kill(child, signal.SIGKILL)


# ---- Who cannot be asked. ----

def test_what_is_no_process(ioas):
    for word in ("", "x", "0", "-1", "1x", "99999999999999999999"):
        assert refused(ioas, "--", word) == f"'{word}' is no process number"
    with open("/proc/sys/kernel/pid_max", encoding="ascii") as f:
        pid = int(f.read()) + 5
    assert refused(ioas, pid) == f"there is no process {pid}"


@pytest.mark.parametrize("words", [[], ["1", "2"], ["--report", "xml", "1"],
                                   ["--nothing", "1"], ["--report"]])
def test_wrong_words(ioas, words):
    assert "usage: ioas map [--report text|json] PID" in refused(ioas, *words)


def test_a_process_that_is_not_under_ioas(ioas):
    pid = os.getpid()
    assert refused(ioas, pid) == f"process {pid} does not run under ioas"


def test_a_process_that_has_nothing(ioas, mapper):
    wanted = "has no group open so far, or was not started by 'ioas run --map'"
    m = mapper()
    assert wanted in refused(ioas, m.pid)
    m = mapper(ask=())
    m.open()
    assert wanted in refused(ioas, m.pid)


def test_a_process_that_is_stopped(ioas, mapper):
    m = mapper()
    m.open()
    os.kill(m.pid, signal.SIGSTOP)
    assert "does not answer; is it stopped?" in refused(ioas, m.pid)
    os.kill(m.pid, signal.SIGCONT)
    assert len(asked(ioas, m.pid)) == 3


def another_user_is_not_answered(ioas, mapper):
    m = mapper()
    m.open()
    said = refused(ioas, m.pid, user=65534, group=65534, extra_groups=[])
    assert said == f"process {m.pid} is another user's (user 0)"
    # Nor one who asks without the tool.
    with open("/proc/net/unix", encoding="ascii") as f:
        (name,) = [x.split("@")[1].strip() for x in f
                   if x.strip().endswith(f"-map-{m.pid}")]
    script = ("import os, socket, sys\n"
              "if sys.argv[2] == 'other':\n"
              "    os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
              "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
              "s.bind('')\n"
              "s.settimeout(1)\n"
              "s.sendto(b'S' + bytes(16), chr(0) + sys.argv[1])\n"
              "print(len(s.recv(65536)))\n")
    for who, good in (("other", False), ("same", True)):
        result = subprocess.run(
            ["/usr/bin/python3", "-c", script, name, who], text=True,
            capture_output=True, check=False)
        assert (result.returncode == 0) == good
        assert good or "timed out" in result.stderr
    assert len(asked(ioas, m.pid)) == 3


# Only root can be somebody else.
if os.geteuid() == 0:
    test_another_user_is_not_answered = another_user_is_not_answered


# ---- Answers that are none. ----

@contextlib.contextmanager
def answering(pid, change):
    """This process answers for `pid` with what `change` makes of a question."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(f"\0ioas-{'0' * 32}-map-{pid}")
    s.settimeout(60)

    def serve():
        question, sender = s.recvfrom(65536)
        # Who has the true answer already has gone.
        with contextlib.suppress(ConnectionRefusedError):
            for answer in change(question):
                s.sendto(answer, sender)
    thread = threading.Thread(target=serve)
    thread.start()
    yield
    thread.join()
    s.close()


def test_a_name_of_another_process_is_nothing(ioas, mapper):
    """And it does not keep the true one from answering."""
    m = mapper()
    m.open()
    with answering(m.pid, lambda q: [q + b"a lie\n"]):
        assert len(asked(ioas, m.pid)) == 3


def test_an_answer_to_something_else_is_nothing(ioas):
    wrong = [b"", b"S", b"x" * 17 + b"a lie\n", b"S" + bytes(16) + b"a lie\n"]
    with answering(os.getpid(), lambda q: [*wrong, q + b"it is so\n"]):
        assert asked(ioas, os.getpid()) == ["it is so"]


def test_what_cannot_be_printed_is_not(ioas):
    with answering(os.getpid(), lambda q: [q + b"a\x1b[2Jb\xff\x07\nc\n"]):
        assert asked(ioas, os.getpid()) == ["a?[2Jb??", "c"]


def test_an_answer_that_is_cut_off_is_told(ioas):
    with answering(os.getpid(), lambda q: [q + b"one\ntw"]):
        result = ask(ioas, os.getpid())
    assert result.returncode == 125
    assert result.stdout == "one\ntw\n"
    assert "there is more than one answer has room for" in result.stderr


# Valid JSON that is no object, and what is none at all.
NO_OBJECTS = ['[1]', '"text"', '7', 'null', '{"type":', '{"a":1}}', '{]',
              '{"type":"container"', '[' * 600]


def test_json_that_is_no_object_is_shown_as_it_is(ioas):
    text = "".join(x + "\n" for x in NO_OBJECTS) + '{"type":"window"}\n'
    with answering(os.getpid(), lambda q: [q + text.encode()]):
        rows = [json.loads(x) for x in
                asked(ioas, "--report", "json", os.getpid())]
    pid = os.getpid()
    assert rows == [{"type": "message", "pid": pid, "text": x}
                    for x in NO_OBJECTS] + [{"type": "window", "pid": pid}]


# A record as the library sends them, by the program itself.
SENDER = """
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for text in sys.argv[1:]:
    s.sendto(f"O{os.getpid()} {text}".encode(),
             chr(0) + "ioas-" + os.environ["IOAS_RUN"])
"""


def test_the_listener_shows_it_as_it_is_too(ioas, tmp_path):
    path = tmp_path / "report"
    result = ioas.run("/usr/bin/python3", "-c", SENDER, *NO_OBJECTS,
                      '{"type":"window"}', devices=["edu"],
                      options=["--report", "json", "--report-file", path])
    assert (result.returncode, result.stderr) == (0, "")
    rows = [json.loads(x) for x in path.read_text().splitlines()]
    assert [x.get("text") for x in rows] == [*NO_OBJECTS, None]
    assert [x["type"] for x in rows] == ["message"] * len(NO_OBJECTS) + \
        ["window"]
