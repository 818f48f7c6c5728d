# SPDX-License-Identifier: MIT
"""QEMU's monitor: a guest that runs is told what to do."""

import json
import socket
import time

SECONDS = 60


class Monitor:
    """Of a QEMU with "-qmp unix:PATH,server=on,wait=off"."""

    def __init__(self, path):
        self.socket = self.connect(path)
        self.file = self.socket.makefile("rw", encoding="utf-8")
        self.file.readline()
        self.events = []
        self.say("qmp_capabilities")

    @staticmethod
    def connect(path):
        """QEMU takes a moment until it listens."""
        end = time.monotonic() + SECONDS
        while True:
            made = socket.socket(socket.AF_UNIX)
            made.settimeout(SECONDS)
            try:
                made.connect(str(path))
                return made
            except OSError:
                made.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def read(self):
        line = self.file.readline()
        if not line:
            raise EOFError("QEMU is gone")
        return json.loads(line)

    def say(self, command, **arguments):
        """Return: what QEMU answers, which is no error."""
        said = {"execute": command, "arguments": {
            name.replace("_", "-"): value
            for name, value in arguments.items()}}
        self.file.write(json.dumps(said) + "\n")
        self.file.flush()
        while True:
            answer = self.read()
            if "event" in answer:
                self.events.append(answer["event"])
                continue
            assert "error" not in answer, (said, answer)
            return answer["return"]

    def wait(self, event):
        """Until it has happened, now or before."""
        while event not in self.events:
            self.events.append(self.read()["event"])
        self.events.remove(event)
