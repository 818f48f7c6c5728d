# SPDX-License-Identifier: MIT
"""`ioas run` as a command: what passes through it and what it says."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from conftest import (BDF, NVME, Session, assert_refused, checksum, ioas_lines,
                      wait_until)


@pytest.mark.parametrize("status", [0, 1, 42, 125, 126, 127, 255])
def test_the_exit_status_is_the_programs(ioas, status):
    result = ioas.run("/bin/sh", "-c", f"exit {status}")
    assert result.returncode == status
    assert result.stderr == ""


@pytest.mark.parametrize("name", ["TERM", "KILL", "SEGV", "ABRT", "USR1",
                                  "PIPE"])
def test_a_death_by_signal_is_the_programs(ioas, name):
    result = ioas.run("/bin/sh", "-c", f"kill -{name} $$")
    assert result.returncode == -getattr(signal, "SIG" + name)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1",
                                  "SIGUSR2", "SIGALRM", "SIGQUIT"])
def test_a_signal_to_the_tool_reaches_the_program(ioas, name):
    script = f"trap 'echo got; exit 7' {name[3:]}; echo ready; " \
             "while :; do sleep 0.05; done"
    number = getattr(signal, name)
    # A shell cannot trap what was ignored when it started, as in the
    # background of another shell.
    process = ioas.start("/bin/sh", "-c", script, preexec_fn=lambda:
                         signal.signal(number, signal.SIG_DFL))
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (7, "got\n")


def test_streams_pass_untouched(ioas):
    data = os.urandom(1 << 20)
    result = ioas.run("/bin/cat", text=False, input=data)
    assert result.stdout == data
    assert result.stderr == b""


def test_standard_error_is_the_programs_own(ioas):
    result = ioas.run("/bin/sh", "-c", "echo mine >&2")
    assert result.stderr == "mine\n"


def test_quiet_when_nothing_was_found(ioas):
    result = ioas.run("/bin/true", devices=["nvme,size=1M"])
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_the_output_of_a_client_is_what_it_is_without_ioas(system_qemu):
    plain = system_qemu.plain("qemu-img", "bench", "--help").stdout
    assert system_qemu.run("qemu-img", "bench", "--help").stdout == plain


def test_options_end_at_the_program(ioas):
    result = ioas.run("/bin/echo", "--stats", "-d", "--", "-x")
    assert result.stdout == "--stats -d -- -x\n"
    without = subprocess.run([ioas.tool, "run", "/bin/echo", "-d", "x"],
                             text=True, capture_output=True, check=True)
    assert without.stdout == "-d x\n"


def test_a_program_is_found_on_the_path(ioas):
    assert ioas.run("echo", "found").stdout == "found\n"


def test_the_arguments_and_environment_are_the_programs(ioas):
    result = ioas.run("/usr/bin/env", env={"SOME_NAME": "a b\tc"})
    assert "SOME_NAME=a b\tc\n" in result.stdout


def test_a_script_runs_by_its_interpreter(ioas, tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\necho \"$1\"\n")
    script.chmod(0o755)
    assert ioas.run(script, "hello").stdout == "hello\n"


def test_what_was_preloaded_before_stays_behind(ioas):
    other = "libm.so.6"
    result = ioas.run("/usr/bin/env", env={"LD_PRELOAD": other})
    value = re.search("^LD_PRELOAD=(.*)$", result.stdout, re.M)[1]
    assert value.endswith("/libioas-preload.so:" + other)


def test_the_rest_of_sys_stays_real(ioas):
    plain = subprocess.run(["/bin/ls", "/sys/class"], text=True, check=True,
                           capture_output=True).stdout
    result = ioas.run("/bin/ls", "/sys/class", devices=["nvme,size=1M"])
    assert result.stdout == plain


def test_the_device_is_seen_by_ordinary_tools(ioas):
    path = f"/sys/bus/pci/devices/{BDF}/iommu_group"
    result = ioas.run("/bin/readlink", path, devices=["nvme,size=1M"])
    assert re.search(r"/iommu_groups/\d+$", result.stdout.strip())


def test_a_device_can_bring_reserved_ranges(ioas):
    spec = "edu,reserved=direct-relaxable:0-0xffffff+sw-msi:0x8000000-0x80fffff"
    path = "/sys/kernel/iommu_groups/{}/reserved_regions"
    result = ioas.run("/bin/cat", path.format(1), path.format(2),
                      devices=[spec, "edu"])
    interrupts = "0x00000000fee00000 0x00000000feefffff msi\n"
    assert result.stdout == (
        "0x0000000000000000 0x0000000000ffffff direct-relaxable\n"
        "0x0000000008000000 0x00000000080fffff msi\n" +
        interrupts + interrupts)


def test_a_reserved_range_that_is_none(ioas):
    result = ioas.run("/bin/true", devices=["edu,reserved=msi:0-1"])
    assert_refused(result, 125, "reserved=msi:0-1", "KIND:FIRST-LAST")


def test_findings_go_to_the_report_file(system_qemu, tmp_path):
    report = tmp_path / "report"
    result = system_qemu.run("qemu-img", "info", NVME,
                             options=["--report-file", report])
    assert result.returncode == 0
    assert ioas_lines(result.stderr) == []
    lines = report.read_text().splitlines()
    assert any("leak at close" in x for x in lines)
    assert all(x.startswith(("ioas: ", "  ")) for x in lines)


def test_the_report_file_follows_a_change_of_directory(system_qemu, tmp_path):
    script = f"cd / && '{system_qemu.program('qemu-img')}' info {NVME}"
    result = system_qemu.ioas.run(
        "/bin/sh", "-c", script, devices=[f"nvme,file={system_qemu.disk}"],
        options=["--report-file", "report"], cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "leak at close" in (tmp_path / "report").read_text()


def test_a_report_file_that_cannot_be_written(ioas, tmp_path):
    result = ioas.run("/bin/true",
                      options=["--report-file", tmp_path / "no" / "file"])
    assert_refused(result, 125, "report file", "No such file")


def test_findings_change_the_status_when_asked(system_qemu):
    options = ["--error-exitcode", 99]
    result = system_qemu.run("qemu-img", "info", NVME, options=options)
    assert result.returncode == 99
    result = system_qemu.run("qemu-img", "--version", options=options)
    assert result.returncode == 0


def test_stats_tell_what_was_done(system_qemu):
    result = system_qemu.run("qemu-io", "-f", "raw", "-c", "write 0 1M", NVME,
                             options=["--stats"])
    assert result.returncode == 0
    text = "\n".join(ioas_lines(result.stderr))
    assert re.search(r"\bmap", text)
    assert BDF in text


def test_options_from_a_file(system_qemu, tmp_path):
    config = tmp_path / "config"
    config.write_text("# a machine\n"
                      f"device nvme,file={system_qemu.disk}\n"
                      "profile intel\nerror-exitcode 98\n")
    result = system_qemu.ioas.run(system_qemu.program("qemu-img"), "info",
                                  NVME, options=["--config", config])
    assert result.returncode == 98
    assert "virtual size: 64 MiB" in result.stdout


def test_a_fault_in_a_file_of_options_is_named_by_line(ioas, tmp_path):
    config = tmp_path / "config"
    config.write_text("profile intel\ncolour red\n")
    result = ioas.run("/bin/true", options=["--config", config])
    assert_refused(result, 125, r"config:2", "colour")


@pytest.mark.parametrize("line,words", [
    ("profile intel-40bit", "no profile 'intel-40bit'"),
    ("contract linux-5.10", "no contract 'linux-5.10'"),
    ("device nvme,sise=1M", "no option 'sise'"),
    ("device nvne,size=1M", "no device model 'nvne'"),
])
def test_what_is_checked_late_is_named_by_line(ioas, tmp_path, line, words):
    config = tmp_path / "config"
    config.write_text(f"# a machine\n\n{line}\n")
    result = ioas.run("/bin/true", options=["--config", config])
    assert_refused(result, 125, r"/config:3: ", words)
    name, value = line.split()
    result = ioas.run("/bin/true", options=[f"--{name}", value])
    assert_refused(result, 125, f"--{name}: ", words)


def test_lists_are_text_and_json(ioas):
    for what, name in (("devices", "nvme"), ("profiles", "intel")):
        text = subprocess.run([ioas.tool, "list", what], text=True,
                              capture_output=True, check=True).stdout
        assert re.search(rf"^{name} ", text, re.M)
        listed = json.loads(subprocess.run(
            [ioas.tool, "list", what, "--json"], capture_output=True,
            check=True).stdout)
        assert name in [x["name"] for x in listed]


def test_version_and_help(ioas):
    for argument in ("--version", "--help"):
        result = subprocess.run([ioas.tool, argument], text=True,
                                capture_output=True, check=True)
        assert "ioas" in result.stdout
        assert result.stderr == ""


def test_processes_of_one_run_share_the_report(system_qemu):
    img = system_qemu.program("qemu-img")
    result = system_qemu.ioas.run(
        "/bin/sh", "-c", f"{img} info {NVME}; {img} info {NVME}",
        devices=[f"nvme,file={system_qemu.disk}"])
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("virtual size: 64 MiB") == 2
    said = {re.search(r"process (\d+)", x)[1]
            for x in ioas_lines(result.stderr) if "leak at close" in x}
    assert len(said) == 2


def test_a_second_process_of_the_run_gets_ebusy(system_qemu):
    """A group is held by one process, as with the kernel."""
    io, img = system_qemu.program("qemu-io"), system_qemu.program("qemu-img")
    script = (f"echo 'read 0 512' > cmd; {io} -f raw {NVME} < fifo & "
              "exec 3> fifo; echo 'read 0 512' >&3; sleep 1; "
              f"{img} info {NVME}; status=$?; echo quit >&3; exec 3>&-; "
              "wait; exit $status")
    fifo = system_qemu.disk.parent
    os.mkfifo(fifo / "fifo")
    result = system_qemu.ioas.run(
        "/bin/sh", "-c", script, cwd=fifo,
        devices=[f"nvme,file={system_qemu.disk}"])
    assert result.returncode == 1, result.stdout + result.stderr
    assert "busy" in result.stderr


def ticks(pid):
    """User and system time of a process in clock ticks."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        field = f.read().rsplit(")", 1)[1].split()
    return int(field[11]) + int(field[12])


def steady(*pids):
    before = sum(map(ticks, pids))
    time.sleep(0.3)
    return sum(map(ticks, pids)) == before


def test_an_open_controller_costs_nothing_while_idle(system_qemu):
    with Session(system_qemu) as session:
        pid = session.opened().program()
        tool = session.process.pid
        # What QEMU did wrong so far is still being named.
        wait_until(lambda: steady(pid, tool))
        before = ticks(pid) + ticks(tool)
        time.sleep(2)
        assert ticks(pid) + ticks(tool) - before <= 1


def test_the_program_dies_with_the_tool(system_qemu):
    with Session(system_qemu) as session:
        pid = session.opened().program()
        session.process.kill()
        session.process.wait()
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"))


def test_python_runs_under_it(ioas):
    """A large program with threads that has nothing to do with VFIO."""
    code = ("import threading, subprocess\n"
            "t = [threading.Thread(target=lambda: open('/proc/self/maps')"
            ".read()) for _ in range(8)]\n"
            "[x.start() for x in t]; [x.join() for x in t]\n"
            "print(subprocess.check_output(['/bin/echo', 'child'])"
            ".decode(), end='')\n")
    python = sys.executable
    result = ioas.run(python, "-c", code, devices=["nvme,size=1M"])
    assert (result.returncode, result.stdout, result.stderr) == \
        (0, "child\n", "")


@pytest.mark.parametrize("frames", ["identity", "scattered", "scattered:77"])
def test_physical_addresses_make_no_difference(system_qemu, source, frames):
    """Data come through whatever the frames are; QEMU maps large areas."""
    disk = system_qemu.disk
    result = system_qemu.ioas.run(
        system_qemu.program("qemu-img"), "convert", "-n", "-f", "raw", "-O",
        "raw", source, NVME, devices=[f"nvme,file={disk}"],
        options=[f"--frames={frames}"])
    assert result.returncode == 0, result.stderr
    assert "DMA fault" not in result.stderr
    assert checksum(disk) == checksum(source)


@pytest.mark.parametrize("frames", ["", "scatter", "scattered:", "scattered:x",
                                    "scattered7", "identity:1"])
def test_frames_that_there_are_not(ioas, frames):
    assert_refused(ioas.run("/bin/true", options=[f"--frames={frames}"]),
                   125, "--frames")
