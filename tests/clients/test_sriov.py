# SPDX-License-Identifier: MIT
"""Virtual functions: pairs of devices for several processes of one run."""

import os
import re

import pytest

from conftest import BDF, TOP, assert_refused, ioas_lines, wait_until

SOURCES = os.path.join(TOP, "tests/clients/sriov")
PAIR = ["edu,vfs=2"]
PF = f"/sys/bus/pci/devices/{BDF}"
NUMVFS = f"{PF}/sriov_numvfs"
DAEMON = "a_daemon_keeps_what_there_is"
APART = "containers_are_apart"
CONTRACTS = ["strict", "linux-7.3", "linux-6.12"]


def cases(name):
    with open(f"{SOURCES}/{name}.c", encoding="ascii") as f:
        return re.findall(r"^\tCASE\((\w+)\)", f.read(), re.M)


@pytest.fixture(scope="session")
def build(compiled):
    """By name: a program of the folder."""
    return lambda name: compiled(f"sriov/{name}.c")


@pytest.fixture
def pair(build):
    return build("pair")


def assert_done(result):
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("done\n")


@pytest.mark.parametrize("case", [c for c in cases("pair")
                                  if c not in (DAEMON, APART)])
def test_pair(ioas, pair, case):
    result = ioas.run(pair, case, devices=PAIR)
    assert_done(result)
    assert "ERROR" not in result.stderr, result.stderr


@pytest.mark.parametrize("case", cases("ways"))
def test_descriptors(ioas, build, case):
    result = ioas.run(build("ways"), case, devices=PAIR)
    assert_done(result)
    assert "ERROR" not in result.stderr, result.stderr


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("case", ["a_virtual_function_works",
                                  "use_by_another_process_counts_until_it_dies",
                                  "another_process_is_asked_for_its_function"])
def test_contracts(ioas, pair, contract, case):
    assert_done(ioas.run(pair, case, devices=PAIR,
                         options=["--contract", contract]))


def test_a_virtual_function_has_a_container_of_its_own(ioas, pair):
    result = ioas.run(pair, APART, devices=PAIR)
    assert_done(result)
    line = [x for x in ioas_lines(result.stderr) if "ERROR" in x]
    assert len(line) == 1 and "wild-dma" in line[0] and ":10.0" in line[0], line


def test_what_outlives_the_tool(ioas, pair, tmp_path):
    log = tmp_path / "log"
    assert_done(ioas.run(pair, DAEMON, devices=PAIR,
                         env={"DAEMON_LOG": str(log)}))
    # 2, set to 0, what a child wrote; then another program, which begins anew.
    text = wait_until(lambda: log.exists() and log.read_text().count("\n") > 1
                      and log.read_text())
    assert text.startswith("2 0 0"), text
    assert "begins with none" in text
    assert text.splitlines()[-1].endswith("0"), text


def shell(ioas, script, program="sh", devices=tuple(PAIR), **more):
    return ioas.run(program, "-c", f"P={PF}; N={NUMVFS}; {script}",
                    devices=devices, **more)


WAYS = {
    "echo": "echo 2 >$N",
    "append": "echo 2 >>$N",
    "group": "{ echo 2; } >$N",
    "subshell": "(echo 2) >$N",
    "descriptor": "exec 3>$N; echo 2 >&3; exec 3>&-",
    "program": "/bin/echo 2 >$N",
    "inherited": "exec 5>$N; /bin/echo 2 >&5; exec 5>&-",
    "printf": "printf 2 >$N",
    "dd": "printf 0x2 | dd of=$N status=none",
    "tee": "echo 2 | tee $N >/dev/null",
    "cat": "echo 2 | cat >$N",
    "python": "/usr/bin/python3 -c \"open('$N', 'w').write('2')\"",
    "bytes": "/usr/bin/python3 -c \"import os; "
             "os.write(os.open('$N', os.O_RDWR), b'2')\"",
    "awk": "awk 'BEGIN { print 2 >\"'$N'\" }'",
    "directory": f"cd {PF}; echo 2 >sriov_numvfs",
    "link": "echo 2 >$P/driver/module/../../bus/pci/devices/"
            f"{BDF}/sriov_numvfs",
}


@pytest.mark.parametrize("program", ["sh", "bash"])
@pytest.mark.parametrize("way", WAYS)
def test_ways_to_write(ioas, way, program):
    result = shell(ioas, f"{WAYS[way]}; cat $N; ls $P/.. | grep -c 0000",
                   program)
    assert result.stdout == "2\n3\n", result.stderr
    assert result.stderr == ""


@pytest.mark.parametrize("program", ["sh", "bash"])
@pytest.mark.parametrize("text, error", [
    ("3", "Numerical result out of range|Result not representable"),
    ("x", "Invalid argument"),
    ("1", "Device or resource busy"),
])
@pytest.mark.parametrize("how", ["echo", "/bin/echo"])
def test_refusals_reach_the_shell(ioas, program, text, error, how):
    result = shell(ioas, f"echo 2 >$N; {how} {text} >$N; echo $?; cat $N",
                   program)
    assert result.stdout in ("1\n2\n", "2\n2\n"), result.stderr
    # dash has words of its own for it.
    assert re.search(error + "|I/O error", result.stderr), result.stderr


def test_rights_agree_with_what_can_be_written(ioas):
    result = shell(ioas, "stat -c '%A %U' $N $P/sriov_totalvfs; id -un; "
                         "test -w $N && echo yes; "
                         "test -w $P/sriov_totalvfs || echo no; "
                         "echo 1 >$P/driver_override || echo refused")
    numvfs, total, user, *rest = result.stdout.splitlines()
    assert numvfs == f"-rw-r--r-- {user}"
    assert total == f"-r--r--r-- {user}"
    assert rest == ["yes", "no", "refused"]


def test_what_nobody_can_write_says_so(ioas):
    result = shell(ioas, "cd /sys/bus/pci/drivers/vfio-pci; "
                         "for f in bind unbind new_id; do "
                         "test -w $f || echo no; echo >$f || echo refused; "
                         "done; test -w $N && echo yes")
    assert result.stdout.split() == 3 * ["no", "refused"] + ["yes"]


def test_a_limit_of_file_sizes_does_not_end_a_reader(ioas):
    result = shell(ioas, "ulimit -f 0; cat $P/vendor; echo $?")
    assert "RLIMIT_FSIZE" in result.stderr, result.stderr
    assert "File too large" in result.stderr
    assert result.stdout == "1\n"


def test_a_limit_of_descriptors_is_told(ioas):
    result = shell(ioas, "/usr/bin/python3 -c \"import os, resource as r\n"
                         "f = os.open('$N', os.O_WRONLY)\n"
                         "r.setrlimit(r.RLIMIT_NOFILE, (f + 1, f + 1))\n"
                         "try: os.write(f, b'1')\n"
                         "except OSError as e: print(e.errno)\n"
                         "try: os.pwrite(f, b'1', -1)\n"
                         "except OSError as e: print(e.errno)\"; cat $N")
    assert result.stdout.split() == ["24", "22", "0"], result.stderr
    assert "Too many open files" in result.stderr


def test_what_is_shared_is_no_other_file(ioas, tmp_path):
    size = int(shell(ioas, "stat -Lc %s $IOAS_SHARED").stdout)
    mine = tmp_path / "mine"
    mine.write_bytes(bytes(size))
    mine.chmod(0o666)
    os.mkfifo(tmp_path / "fifo", 0o666)
    (tmp_path / "link").symlink_to(mine)
    for name in ("mine", "link", "fifo", "nothing"):
        result = shell(ioas, f"export IOAS_SHARED={tmp_path}/{name}; "
                             "/bin/sh -c \"echo 2 >$N; cat $N\"")
        assert "begins with none" in result.stderr, name
    assert mine.read_bytes() == bytes(size)


def test_files_of_a_pair(ioas):
    result = shell(ioas, "echo 1 >$N; cd $P; cat sriov_totalvfs sriov_offset "
                         "sriov_stride sriov_vf_device sriov_vf_total_msix "
                         "sriov_drivers_autoprobe; readlink virtfn0; "
                         "cat virtfn0/device; readlink virtfn0/physfn; "
                         "basename $(readlink virtfn0/driver); "
                         "cat /sys/module/vfio_pci/parameters/enable_sriov; "
                         "echo 0 >sriov_drivers_autoprobe; "
                         "cat sriov_drivers_autoprobe")
    assert result.stdout.split() == [
        "2", "128", "1", "11e8", "0", "1", "../0000:01:10.0", "0x11e8",
        f"../{BDF}", "vfio-pci", "Y", "0"], result.stderr


def test_groups_of_others_keep_their_numbers(ioas):
    result = shell(ioas, "ls /dev/vfio; echo 2 >$N; ls /dev/vfio; "
                         "readlink ${P%1:00.0}2:00.0/iommu_group",
                   devices=["edu,vfs=2", "edu"])
    assert result.stdout.split() == [
        "1", "2", "vfio", "1", "2", "3", "4", "vfio",
        "../../../kernel/iommu_groups/2"], result.stderr


def test_what_a_program_leaves_is_written_at_its_end(ioas, build):
    result = shell(ioas, f"{build('ways')} a_stream_is_left_to_the_exit; "
                         "cat $N")
    assert result.stdout == "done\n2\n", result.stderr


def test_what_another_run_shares_is_not_taken(ioas):
    with ioas.start("sh", "-c", f"echo 2 >{NUMVFS}; echo $IOAS_SHARED; read x",
                    devices=PAIR) as first:
        path = first.stdout.readline().strip()
        assert path.startswith("/proc/")
        result = shell(ioas, f"IOAS_SHARED={path} /bin/cat $N")
        assert result.stdout == "0\n"
        assert "begins with none" in result.stderr
        first.stdin.close()


def test_runs_do_not_share(ioas):
    with ioas.start("sh", "-c", f"echo 2 >{NUMVFS}; echo ready; read x",
                    devices=PAIR) as first:
        assert first.stdout.readline() == "ready\n"
        assert shell(ioas, "cat $N").stdout == "0\n"
        first.stdin.close()


def test_without_virtual_functions_there_is_nothing_of_them(ioas):
    result = shell(ioas, "ls $P | grep -c sriov; env | grep -c IOAS_SHARED",
                   devices=["edu"])
    assert result.stdout == "0\n0\n"


@pytest.mark.parametrize("spec, words", [
    ("edu,vfs=0", ["vfs=0", "1 to 32"]),
    ("edu,vfs=33", ["vfs=33", "1 to 32"]),
    ("edu,vfs=two", ["vfs=two"]),
    ("nvme,size=1M,vfs=1", ["no option 'vfs'"]),
])
def test_a_wrong_number_is_refused_at_the_start(ioas, spec, words):
    assert_refused(ioas.run("true", devices=[spec]), 125, *words)


def test_a_writer_that_waits_says_so(ioas, pair):
    result = ioas.run(pair, "a_signal_does_not_end_the_wait", devices=PAIR)
    assert_done(result)
    assert any("sriov_numvfs" in x and "0000:01:10.0 is open" in x
               for x in ioas_lines(result.stderr)), result.stderr
