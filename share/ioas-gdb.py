# SPDX-License-Identifier: MIT
"""For gdb: let the faults by which ioas serves device registers pass.

    ioas run -d nvme,size=64M -- gdb -x ioas-gdb.py --args PROGRAM ARGS

A load or store of a device register is a SIGSEGV that the library handles. With
this script gdb stops at a SIGSEGV only when it is the program's own.
"""

import gdb

VIEWS = ("/memfd:ioas:", "/dev/shm/ioas:", "/tmp/ioas:", "/var/tmp/ioas:")


def is_view(pid, address):
    """Does the address belong to a mapping of a device?"""
    try:
        with open(f"/proc/{pid}/maps", encoding="utf-8",
                  errors="replace") as maps:
            for line in maps:
                first, last = (int(x, 16)
                               for x in line.split(maxsplit=1)[0].split("-"))
                if first <= address < last:
                    return any(x in line for x in VIEWS)
    except OSError:
        pass
    return False


class OwnFault(gdb.Function):
    """$ioas_own_fault(): the SIGSEGV that was just raised is the program's."""

    def __init__(self):
        super().__init__("ioas_own_fault")

    def invoke(self):
        try:
            info = gdb.parse_and_eval("$_siginfo._sifields._sigfault.si_addr")
            address = int(info) & (1 << 64) - 1
        except gdb.error:
            return True
        return not is_view(gdb.selected_inferior().pid, address)


OwnFault()
gdb.execute("handle SIGSEGV nostop noprint pass", to_string=True)
gdb.execute("catch signal SIGSEGV", to_string=True)
gdb.execute("condition $bpnum $ioas_own_fault()")
