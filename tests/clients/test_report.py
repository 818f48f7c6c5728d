# SPDX-License-Identifier: MIT
"""Findings: which check, the calls that led to it by function and line, as
text and as JSON; how often each is told; what is left out on request.

tests/clients/report/defects.c has the defects, a case each.
"""

import json
import os
import resource
import re
import subprocess

import pytest

from conftest import (BDF, NVME, TOP, assert_refused, ioas_lines, wait_until)

SOURCE = os.path.join(TOP, "tests/clients/report/defects.c")


def mark(name):
    """The line of the source that is marked with this name."""
    with open(SOURCE, encoding="ascii") as f:
        lines = [i for i, x in enumerate(f, 1) if f"/* AT: {name} */" in x]
    assert len(lines) == 1
    return lines[0]


@pytest.fixture(scope="session")
def compile_defects(compiled):
    """The program, with these options of the compiler."""
    return lambda *options: compiled("report/defects.c", "-O2",
                                     "-fno-optimize-sibling-calls", *options)


class Report:
    """A run of one case: what was found, in both forms where asked."""

    def __init__(self, result, findings=(), summary=None):
        self.result = result
        self.findings = findings
        self.summary = summary

    def only(self, check):
        found = [x for x in self.findings if x["check"] == check]
        assert len(found) == 1, [x["check"] for x in self.findings]
        return found[0]


@pytest.fixture
def run(ioas, compile_defects, tmp_path):
    """run(case) -> Report, from JSON."""
    def go(case, *options, build=("-g",)):
        path = tmp_path / "report"
        device = "nvme,size=1M" if case.startswith("nvme") else "edu"
        result = ioas.run(compile_defects(*build), case, devices=[device],
                          options=["--report", "json", "--report-file", path,
                                   *options])
        assert result.stdout == "done\n", result.stderr
        assert result.stderr == ""
        rows = [json.loads(x) for x in path.read_text().splitlines()]
        summaries = [x for x in rows if x["type"] == "summary"]
        return Report(result, [x for x in rows if x["type"] == "finding"],
                      summaries[0]["checks"] if summaries else None)
    return go


@pytest.fixture
def text(ioas, compile_defects):
    """text(case) -> standard error."""
    def go(case, *options, build=("-g",)):
        device = "nvme,size=1M" if case.startswith("nvme") else "edu"
        result = ioas.run(compile_defects(*build), case, devices=[device],
                          options=options)
        assert result.stdout == "done\n", result.stderr
        return result.stderr
    return go


def test_a_program_that_a_loader_was_told_to_load(ioas, compile_defects):
    """What is executed is the loader then; the frames are the program's."""
    result = ioas.run("/lib64/ld-linux-x86-64.so.2", compile_defects("-g"),
                      "leak_on_close", devices=["edu"])
    assert result.stdout == "done\n"
    assert f"map_buffer (defects.c:{mark('map')})" in result.stderr
    assert "ld-linux" not in result.stderr


def functions(frames):
    """Functions of a stack, inlined ones too, the innermost first."""
    return [p.get("function") for f in frames for p in f["places"]]


def line_of(frames, function):
    """Where in this function, for one of this program."""
    for frame in frames:
        for place in frame["places"]:
            if place.get("function") == function:
                assert place["file"].endswith("defects.c")
                return place["line"]
    assert False, functions(frames)


def assert_mapped_by(finding, case):
    frames = finding["mapped_at"]
    assert functions(frames)[:2] == ["map_buffer", case]
    assert line_of(frames, "map_buffer") == mark("map")
    assert "main" in functions(frames)


def assert_stored_by(finding, *callers):
    """The instruction that rang the doorbell, and what led there."""
    names = functions(finding["done_at"])
    at = [names.index(x) for x in callers]
    assert at == sorted(at), names
    assert names[-1] != callers[0]
    assert "main" in names


def test_use_after_unmap(run):
    found = run("use_after_unmap").only("use-after-unmap")
    assert found["severity"] == "error"
    assert (found["device"], found["model"]) == (BDF, "edu")
    assert found["permission"] == "WRITE"
    assert found["iova"] == {"first": "0x10008", "last": "0x10017"}
    assert found["issued_by"] == {"command": "DMA"}
    assert functions(found["gone_at"])[:2] == ["unmap_buffer",
                                               "use_after_unmap"]
    assert line_of(found["gone_at"], "unmap_buffer") == mark("unmap")
    assert_mapped_by(found, "use_after_unmap")
    assert_stored_by(found, "ring", "device_writes", "use_after_unmap")
    assert 0 < found["gone_ns_before"] < 60e9
    assert found["mapping_below"] == {"first": "0xe000", "last": "0xefff",
                                      "permission": "READ|WRITE"}
    assert "mapping_here" not in found and "mapping_above" not in found
    assert found["suppression"] == "use-after-unmap:unmap_buffer"


def test_use_after_unmap_as_text(text):
    said = text("use_after_unmap")
    wanted = [
        rf"ioas: ERROR: use-after-unmap: DMA fault: device {BDF} \(edu\) "
        r"cannot WRITE 16 bytes at IOVA 0x10008: not mapped any more",
        r"  issued by:   DMA",
        r"  done by:     .*",
        r"(?:  {13}.*\n)*?"
        r"               device_writes \(defects\.c:\d+\)",
        r"(?:  {13}.*\n)*?"
        rf"  unmapped at: unmap_buffer \(defects\.c:{mark('unmap')}\)",
        r"               use_after_unmap \(defects\.c:\d+\)",
        r"(?:  {13}.*\n)*?"
        r"               \d+(\.\d)? [mu]s before, by this thread, \d+",
        rf"  mapped at:   map_buffer \(defects\.c:{mark('map')}\)",
        r"               use_after_unmap \(defects\.c:\d+\)",
        r"(?:  {13}.*\n)*?"
        r"  neighbours:  0xe000-0xefff READ\|WRITE, below",
        r"  law:         SPACE-2",
        r"  suppress by: use-after-unmap:unmap_buffer",
        r"ioas: summary: 1 use-after-unmap",
    ]
    assert re.fullmatch("\n".join(wanted) + "\n", said), said


def test_the_thread_that_unmapped_is_named(run, text):
    found = run("use_after_unmap_by_a_thread").only("use-after-unmap")
    assert "unmap_elsewhere" in functions(found["gone_at"])
    assert found["gone_by_thread"] != found["pid"]
    said = text("use_after_unmap_by_a_thread")
    assert re.search(r"s before, by thread \d+$", said, re.M), said


def test_wild_dma(run):
    found = run("wild").only("wild-dma")
    assert found["permission"] == "READ"
    assert found["mapping_below"]["first"] == "0x10000"
    assert "mapped_at" not in found and "gone_at" not in found


def test_the_driver_is_a_library_loaded_at_run_time(ioas, compile_defects,
                                                    tmp_path):
    """Only the store leads through it, and its caller is the program."""
    library = tmp_path / "driver.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O2", "-g", "-xc", "-", "-o", library],
        input="void library_rings(volatile unsigned char *at)\n"
              "{\n*(volatile unsigned long *)at = 1;\n}\n",
        text=True, check=True)
    result = ioas.run(compile_defects("-g"), "wild_by_a_library",
                      devices=["edu"], env={"DRIVER": str(library)})
    assert result.stdout == "done\n", result.stderr
    assert re.search(r"done by: +library_rings \(<stdin>:3\)\n +"
                     r"wild_by_a_library \(defects\.c:\d+\)", result.stderr)


@pytest.mark.parametrize("case, check, did", [
    ("read_only", "read-only", "WRITE"), ("write_only", "write-only", "READ"),
    ("no_bus_master", "no-bus-master", "WRITE")])
def test_an_access_to_a_mapping_that_is_there(run, case, check, did):
    report = run(case)
    found = report.only(check)
    assert len(report.findings) == 1
    assert found["permission"] == did
    assert found["mapping_here"]["first"] == "0x10000"
    assert_mapped_by(found, case)


def test_outside_of_the_aperture(run):
    assert run("outside_aperture").only("outside-aperture")


def test_an_access_that_is_refused_in_part(run, text):
    found = run("in_part").only("wild-dma")
    assert found["iova"] == {"first": "0x10ff8", "last": "0x1100f"}
    assert found["refused"] == [{"first": "0x11000", "last": "0x1100f",
                                 "reason": "not mapped"}]
    assert found["refused_more"] is False
    assert "  refused:     0x11000-0x1100f: not mapped\n" in text("in_part")


def test_a_register_written_by_a_call_has_a_stack(run):
    found = run("wild_by_pwrite").only("wild-dma")
    assert functions(found["done_at"])[:2] == ["write_register",
                                               "wild_by_pwrite"]
    assert line_of(found["done_at"], "write_register") == mark("pwrite")


def test_the_command_behind_an_access(run, text):
    found = run("nvme_identify_into_nothing").only("wild-dma")
    assert found["issued_by"] == {"queue": 0, "command_id": 0x17,
                                  "command": "IDENTIFY", "role": "PRP1"}
    assert_stored_by(found, "identify", "nvme_identify_into_nothing")
    assert "  issued by:   SQ 0, CID 0x17, IDENTIFY, PRP1\n" in \
        text("nvme_identify_into_nothing")


# ---- Memory ----

def test_memory_freed_while_mapped(run, text):
    """Once, where it is freed; the device goes on with what was pinned."""
    report = run("freed_while_mapped")
    assert [x["check"] for x in report.findings] == ["freed-while-mapped"]
    found = report.findings[0]
    assert functions(found["done_at"])[:2] == ["free_buffer",
                                               "freed_while_mapped"]
    assert line_of(found["done_at"], "free_buffer") == mark("free")
    assert_mapped_by(found, "freed_while_mapped")
    assert found["suppression"] == "freed-while-mapped:free_buffer"
    assert f"  freed at:    free_buffer (defects.c:{mark('free')})\n" in \
        text("freed_while_mapped")


# ---- Leaks ----

def test_a_leak_on_close(run):
    found = run("leak_on_close").only("leak-on-close")
    assert found["severity"] == "error"
    assert found["iova"] == {"first": "0x11000", "last": "0x11fff"}
    assert_mapped_by(found, "leak_on_close")
    assert functions(found["done_at"])[0] == "close_all"
    assert line_of(found["done_at"], "close_all") == mark("close")


def test_a_leak_at_exit_is_a_note(run):
    report = run("leak_at_exit", "--error-exitcode", 9)
    found = report.only("leak-at-exit")
    assert found["severity"] == "note"
    assert report.result.returncode == 0
    assert_mapped_by(found, "leak_at_exit")
    assert "done_at" not in found


def test_a_leak_at_reset_is_told_on_request(run):
    assert run("nvme_reset_with_a_mapping").findings == []
    report = run("nvme_reset_with_a_mapping", "--check",
                 "default,leak-at-reset", "--error-exitcode", 9)
    assert report.result.returncode == 0
    assert [x["check"] for x in report.findings] == ["leak-at-reset"] * 2
    for found in report.findings:
        assert found["severity"] == "note"
        assert found["device"] == BDF
        assert line_of(found["done_at"], "reset_device") == mark("reset")
        assert_mapped_by(found, "nvme_reset_with_a_mapping")


def test_leaks_of_one_place_are_one_finding(run):
    report = run("leak_of_many")
    report.only("leak-on-close")
    assert report.summary == {"leak-on-close": {"count": 8,
                                                "bytes": 8 * 4096}}


def test_a_forked_child_has_places_too(run):
    report = run("leak_by_a_child")
    assert_mapped_by(report.only("leak-on-close"), "leak_on_close")


# ---- Calls that do nothing ----

@pytest.mark.parametrize("case, options, checks", [
    ("map_before_iommu", [], {"map-before-iommu"}),
    ("stale_map", [], {"stale-map"}),
    ("limits", ["--memlock", 8192, "--dma-entry-limit", 2],
     {"memlock", "entry-limit"}),
    ("wrong_ranges", [], {"map-outside-aperture", "reserved-overlap",
                          "zero-unmap"}),
])
def test_calls_that_did_nothing_are_told_on_request(run, text, case, options,
                                                    checks):
    assert run(case, *options).findings == []
    report = run(case, *options, "--check", "all", "--error-exitcode", 9)
    assert report.result.returncode == 0
    assert {x["check"] for x in report.findings} == checks
    for found in report.findings:
        assert found["severity"] == "note"
        assert functions(found["done_at"])[0] in ("try_to_map",
                                                  "unmap_buffer")
        assert case in functions(found["done_at"])
    said = text(case, *options, "--check", "all")
    assert len(re.findall(r"^ioas: note: .* call (?:refused|without effect): ",
                          said, re.M)) == len(checks), said


def test_a_map_refused_after_an_unmap_of_nothing_names_both(run):
    """tests/bugs/stale_map_after_failed_unmap.c has the story."""
    report = run("stale_after_failed_unmap", "--check", "all")
    assert len(report.findings) == 2, report.findings
    empty = report.only("zero-unmap")
    assert functions(empty["done_at"])[:2] == ["unmap_buffer",
                                               "unmap_the_wrong_one"]
    stale = report.only("stale-map")
    assert functions(stale["done_at"])[0] == "try_to_map"
    assert_mapped_by(stale, "stale_after_failed_unmap")


# ---- How often ----

def test_a_clean_program_says_nothing(text):
    assert text("nothing_wrong", "--check", "all") == ""


def test_one_cause_is_told_once_and_counted(run):
    report = run("one_cause_many_times")
    report.only("use-after-unmap")
    assert report.summary["use-after-unmap"]["count"] == 50


def test_a_hundred_causes_are_named(run, text):
    report = run("many_causes")
    assert len(report.findings) == 100
    assert report.summary["wild-dma"]["count"] == 150
    said = text("many_causes").splitlines()
    assert len([x for x in said if x.startswith("ioas: ERROR: ")]) == 100
    assert said[-1] == "ioas: summary: 150 wild-dma"


def assert_said_once(result):
    said = [x for x in result.stderr.splitlines()
            if "the report is not complete" in x]
    assert len(said) == 1 and result.returncode == 0, result.stderr


def test_a_full_disk_leaves_whole_lines(ioas, compile_defects, tmp_path):
    """Up to where there is room; a limit of file sizes is one as well."""
    path = tmp_path / "report"
    for room in (10000, 20000, 20001, 20500):
        result = ioas.run(
            compile_defects("-g"), "many_causes", devices=["edu"],
            options=["--report", "json", "--report-file", path],
            preexec_fn=lambda r=room: resource.setrlimit(
                resource.RLIMIT_FSIZE, (r, r)))
        assert_said_once(result)
        assert room - 4096 < path.stat().st_size <= room
        with open(path, encoding="utf-8") as f:
            for line in f:
                assert line.endswith("}\n") and json.loads(line)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_report_that_cannot_be_written_is_missed(ioas, compile_defects,
                                                   form):
    assert_said_once(ioas.run(
        compile_defects("-g"), "many_causes", devices=["edu"],
        options=["--report", form, "--report-file", "/dev/full"]))


def test_findings_change_the_status(run):
    assert run("wild").result.returncode == 0
    assert run("wild", "--error-exitcode", 77).result.returncode == 77
    assert run("nothing_wrong",
               "--error-exitcode", 77).result.returncode == 0


# ---- Stacks ----

def test_stacks_that_differ_above_are_not_mixed_up(run):
    """Both ways use the same addresses of the stack, by turns."""
    report = run("two_ways_by_turns")
    ways = {functions(x["mapped_at"])[1] for x in report.findings}
    assert ways == {"map_by_one_way", "map_by_another_way"}
    assert len(report.findings) == 2
    assert report.summary["use-after-unmap"]["count"] == 6


def test_a_deep_stack_is_cut(run):
    found = run("deep_stack").only("leak-at-exit")
    assert len(found["mapped_at"]) == 32
    assert functions(found["mapped_at"])[:3] == ["map_buffer", "dive", "dive"]


def test_inlined_functions_are_shown(run):
    found = run("inlined").only("leak-at-exit")
    assert functions(found["mapped_at"])[:4] == [
        "map_buffer", "inlined_wrapper", "holds_an_inlined_one", "inlined"]
    assert line_of(found["mapped_at"], "inlined_wrapper") == mark("inlined")
    assert line_of(found["mapped_at"], "holds_an_inlined_one") == \
        mark("outer")


def test_a_mapping_made_in_a_signal_handler(run):
    found = run("map_in_a_signal_handler").only("leak-at-exit")
    names = functions(found["mapped_at"])
    assert names[:2] == ["map_buffer", "on_signal"]
    assert "main" in names


def build_id(program):
    out = subprocess.run(["readelf", "-n", program], text=True, check=True,
                         capture_output=True).stdout
    return re.search(r"Build ID: (\w+)", out)[1]


def test_a_stripped_program_has_offsets_and_a_build_id(
        run, text, compile_defects):
    build = ("-s", "-Wl,--build-id")
    found = run("leak_on_close", build=build).only("leak-on-close")
    program = compile_defects(*build)
    frame = found["mapped_at"][0]
    assert frame["module"] == str(program)
    assert frame["build_id"] == build_id(program)
    assert frame["places"] == []
    assert found["suppression"] == f"leak-on-close:{program.name}"
    said = text("leak_on_close", build=build)
    assert re.search(rf"^  mapped at:   {program.name}\+{frame['offset']}$",
                     said, re.M), said
    assert f"  no symbols:  {program.name} is {program}, build id " \
        f"{build_id(program)}\n" in said
    # The same place by the debug data that was stripped.
    full = subprocess.run(
        ["addr2line", "-fe", compile_defects("-g", "-Wl,--build-id"),
         frame["offset"]], text=True, check=True, capture_output=True).stdout
    assert full.startswith("map_buffer\n")


def test_a_symbol_table_gives_functions_that_hold_the_address(run):
    """Global functions by name; static ones are not the nearest of those."""
    found = run("leak_on_close",
                build=("-s", "-rdynamic")).only("leak-on-close")
    frames = found["mapped_at"]
    assert frames[0]["places"] == [{"function": "map_buffer"}]
    # leak_on_close() is static, and inlined nowhere.
    assert frames[1]["places"] == []


def test_a_file_that_has_changed_is_not_believed(ioas, compile_defects,
                                                 tmp_path):
    """The program is replaced while it runs, before its report."""
    program = tmp_path / "defects"
    other = compile_defects("-g", "-O0", "-Wl,--build-id")
    program.write_bytes(compile_defects("-g", "-Wl,--build-id").read_bytes())
    program.chmod(0o755)
    script = f"'{program}' leak_on_close"
    # Unlinked while it is started: the path leads to another file then.
    launcher = tmp_path / "launcher.c"
    launcher.write_text(
        '#include <stdio.h>\n__attribute__((constructor)) static void f(void)'
        f'{{ rename("{tmp_path}/other", "{program}"); }}\n')
    (tmp_path / "other").write_bytes(other.read_bytes())
    library = tmp_path / "launcher.so"
    subprocess.run(["cc", "-shared", "-fPIC", launcher, "-o", library],
                   check=True)
    result = ioas.run("/bin/sh", "-c", f"LD_PRELOAD=\"$LD_PRELOAD {library}\""
                      f" {script}", devices=["edu"])
    assert "leak-on-close" in result.stderr, result.stderr
    assert "map_buffer" not in result.stderr
    assert re.search(r"mapped at:   defects\+0x", result.stderr)


def test_calls_of_qemu_are_named_where_its_symbols_say(system_qemu, tmp_path):
    """QEMU 7.2 to 10.0 unmaps every second of its fixed mappings at close."""
    path = tmp_path / "report"
    result = system_qemu.run("qemu-img", "info", NVME,
                             options=["--report", "json", "--report-file",
                                      path])
    assert result.returncode == 0
    rows = [json.loads(x) for x in path.read_text().splitlines()]
    left = [x for x in rows if x.get("check") == "leak-on-close"]
    assert len(left) >= 2
    for found in left:
        assert "qemu_vfio_close" in functions(found["done_at"])
        assert "qemu_vfio_dma_map" in functions(found["mapped_at"])


# ---- Selecting and suppressing ----

@pytest.mark.parametrize("checks, found", [
    ("all", {"leak-at-exit", "read-only"}), ("none", set()),
    ("ro", {"read-only"}), ("leak", {"leak-at-exit"}),
    ("-leak", {"read-only"}), ("all,-ro", {"leak-at-exit"}),
])
def test_checks_are_selected(ioas, compile_defects, tmp_path, checks, found):
    script = "; ".join(f"'{compile_defects('-g')}' {case}"
                       for case in ("read_only", "leak_at_exit"))
    path = tmp_path / "report"
    ioas.run("/bin/sh", "-c", script, devices=["edu"],
             options=["--check", checks, "--report", "json", "--report-file",
                      path])
    rows = [json.loads(x) for x in path.read_text().splitlines()]
    assert {x["check"] for x in rows if x["type"] == "finding"} == found


def test_a_wrong_check_is_named(ioas):
    result = ioas.run("/bin/true", options=["--check", "leak,colour"])
    assert_refused(result, 125, "'colour'", "ioas list checks")


def test_checks_are_listed(ioas):
    listed = json.loads(subprocess.run(
        [ioas.tool, "list", "checks", "--json"], check=True,
        capture_output=True).stdout)
    names = {x["name"] for x in listed}
    assert {"use-after-unmap", "leak-at-reset"} <= names
    manual = os.path.join(TOP, "docs/ioas-run.1.scd")
    with open(manual, encoding="ascii") as f:
        manual = f.read()
    for name in names:
        assert f"*{name}*" in manual, name


@pytest.mark.parametrize("lines, suppressed", [
    ("use-after-unmap:unmap_buffer", True),
    ("# all of it\n\n  use-after-unmap:*  \n", True),
    ("use-*:use_after_un*", True),
    ("*:main", True),
    ("use-after-unmap:defects*", True),
    ("wild-dma:unmap_buffer", False),
    ("use-after-unmap:unmap", False),
    ("", False),
])
def test_suppressions(run, tmp_path, lines, suppressed):
    path = tmp_path / "suppressions"
    path.write_text(lines + "\n")
    report = run("use_after_unmap", "--suppressions", path,
                 "--error-exitcode", 3)
    assert (report.findings == []) is suppressed
    assert (report.summary is None) is suppressed
    assert report.result.returncode == (0 if suppressed else 3)


def test_what_is_suppressed_is_not_in_the_summary(text, tmp_path):
    path = tmp_path / "suppressions"
    path.write_text("use-after-unmap:one_cause_many_times\n")
    assert text("one_cause_many_times", "--suppressions", path) == ""


def test_a_wrong_suppression_is_named_by_line(ioas, tmp_path):
    path = tmp_path / "suppressions"
    path.write_text("wild-dma:f\nwild-dma\n")
    result = ioas.run("/bin/true", options=["--suppressions", path])
    assert_refused(result, 125, "suppressions:2", "CHECK:FUNCTION")
    result = ioas.run("/bin/true", options=["--suppressions", "/no/such"])
    assert_refused(result, 125, "/no/such", "No such file")


def test_suppressions_can_be_generated_and_used(text, tmp_path):
    said = text("leak_of_many", "--gen-suppressions")
    lines = said.splitlines()
    start = [i for i, x in enumerate(lines) if x.startswith("# ")]
    path = tmp_path / "suppressions"
    path.write_text("\n".join(lines[start[0]:]) + "\n")
    assert lines[-1] == "leak-on-close:map_buffer"
    assert text("leak_of_many", "--suppressions", path) == ""


def test_a_stripped_program_is_unwound_to_its_end(run, compile_defects):
    """Its unwind tables are left when symbols are not."""
    found = run("wild", build=("-s",)).only("wild-dma")
    modules = [os.path.basename(x["module"]) for x in found["done_at"]]
    assert modules[:3] == [compile_defects("-s").name] * 3
    assert modules[-2].startswith("libc.so")


# ---- Without the tool ----

def test_a_daemon_writes_text_itself(ioas, compile_defects, tmp_path):
    """It outlives the tool: modules and offsets, in the report file."""
    report, ready = tmp_path / "report", tmp_path / "ready"
    os.mkfifo(ready)
    program = compile_defects("-g")
    script = (f"(read x < '{ready}'; exec '{program}' leak_of_many) "
              "> /dev/null 2>&1 &")
    result = ioas.run("/bin/sh", "-c", script, devices=["edu"],
                      options=["--report-file", report])
    assert result.returncode == 0, result.stderr
    with open(ready, "w", encoding="ascii") as f:
        f.write("go\n")

    wait_until(lambda: "summary" in report.read_text())
    said = report.read_text()
    assert re.search(r"^ioas: process \d+: ERROR: leak-on-close: ", said, re.M)
    assert re.search(rf"^  mapped at:   {program.name}\+0x[0-9a-f]+$", said,
                     re.M), said
    assert re.search(r"^ioas: process \d+: summary: 8 leak-on-close "
                     r"\(32 KiB\)$", said, re.M)


def test_a_killed_process_is_summed_up(ioas, compile_defects):
    script = f"'{compile_defects('-g')}' wild & wait; kill -9 $$"
    result = ioas.run("/bin/sh", "-c", script, devices=["edu"])
    assert "wild-dma" in ioas_lines(result.stderr)[0]
    assert "summary: 1 wild-dma" in ioas_lines(result.stderr)[1]


# ---- What containers map ----

# Python calls ioctl(2) by its name, as any program does.
MAPPER = """
import fcntl, mmap, os, struct, sys, ctypes

container = os.open("/dev/vfio/vfio", os.O_RDWR)
group = os.open("/dev/vfio/1", os.O_RDWR)
fcntl.ioctl(group, 0x3b68, struct.pack("i", container))
fcntl.ioctl(container, 0x3b66, int(sys.argv[1]))
memory = mmap.mmap(-1, 1 << 20)
at = ctypes.addressof(ctypes.c_char.from_buffer(memory))
if sys.argv[1] == "7":
    fcntl.ioctl(container, 0x3b75, struct.pack("IIQQ", 24, 0, at, 1 << 20))
    fcntl.ioctl(container, 0x3b77, struct.pack(
        "IIIIQIIQ", 40, 0, 12, 0, 1 << 31, 2, 0, 0))
fcntl.ioctl(container, 0x3b71, struct.pack(
    "IIQQQ", 32, 3, at, 1 << 59 if sys.argv[1] == "7" else 0, 1 << 20))
os._exit(0)
"""


def mapped(ioas, tmp_path, profile, version, *options):
    """What --map says of a process that maps 1 MiB: lines of the report, and
    of standard error."""
    path = tmp_path / "report"
    path.write_text("")
    more = ["--report-file", path] if "json" in options else []
    result = ioas.run("/usr/bin/python3", "-c", MAPPER, version,
                      devices=["edu"],
                      options=["--profile", profile, "--map", *options, *more])
    assert result.returncode == 0, result.stderr
    return path.read_text().splitlines(), result.stderr


def test_windows_are_objects_in_json(ioas, tmp_path):
    rows, said = mapped(ioas, tmp_path, "power9", "7", "--report", "json")
    assert said == ""
    container, *windows = [x for x in map(json.loads, rows)
                           if x["type"] in ("container", "window")]
    pid = container.pop("pid")
    assert container == {
        "type": "container", "container": 1, "iommu": "sPAPR", "version": 2,
        "groups": 1, "windows": 2, "default_pending": False}
    # The default one, 2 GiB, and one of two levels of 1024 entries each.
    assert pid > 0 and [x.pop("pid") for x in windows] == [pid] * 2
    first, second = (x.pop("table_bytes") for x in windows)
    assert 0 < second < 1 << 18 < 8 << 20 <= first < 9 << 20
    assert windows == [
        {"type": "window", "container": 1, "slot": 0,
         "iova": {"first": "0x0", "last": "0x7fffffff"}, "page_bytes": 4096,
         "levels": 1, "entries": 1 << 19, "mapped": 0, "tables": [1],
         "charged_pages": 2048},
        {"type": "window", "container": 1, "slot": 1,
         "iova": {"first": "0x800000000000000", "last": "0x80000007fffffff"},
         "page_bytes": 4096, "levels": 2, "entries": 1 << 19, "mapped": 256,
         "tables": [1, 1], "charged_pages": 2052}]


def test_mappings_are_numbers_in_json(ioas, tmp_path):
    rows, said = mapped(ioas, tmp_path, "intel", "3", "--report", "json")
    assert said == ""
    (container,) = [x for x in map(json.loads, rows)
                    if x["type"] == "container"]
    assert container.pop("pid") > 0
    assert container.pop("tables") > 0
    assert container == {"type": "container", "container": 1,
                         "iommu": "type1", "version": 2, "mappings": 1}


def test_windows_are_text_for_people(ioas, tmp_path):
    _, said = mapped(ioas, tmp_path, "power9", "7")
    assert "ioas: container 1: sPAPR version 2, 1 group, 2 windows\n" in said
    assert ("ioas:   window 1 at 0x800000000000000-0x80000007fffffff: pages of "
            "4 KiB, 2 levels, 256 of 524288 mapped, ") in said
