#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command on a terminal of its own and types one answer whenever it asks.

usage: typing.py ANSWER COMMAND...
"""
import os
import pty
import sys


def main():
    answer = sys.argv[1].encode() + b"\n"

    def typed(terminal):
        said = os.read(terminal, 4096)
        if said.endswith(b": "):
            os.write(terminal, answer)
        return said

    sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[2:], typed)))


if __name__ == "__main__":
    main()
