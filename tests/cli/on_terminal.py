#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tests/cli/on_terminal.py - run a command on a terminal of its own and type at it.

    on_terminal.py [--kill-child] COMMAND... -- [WAIT KEYS]...

Waits until the text WAIT has appeared, or a fifth of a second if it is empty,
then types KEYS (Python escapes), for each pair; with --kill-child it then kills
the command's child.  Copies what
appears to standard output, says whether the terminal's settings are as before,
and exits with the command's status, or 124 when something takes too long.
"""
import os
import pty
import select
import signal
import sys
import termios
import time

DEADLINE_S = 20
PAUSE_S = 0.2


def fail(text):
    print(text)
    os.kill(child, signal.SIGKILL)
    sys.exit(124)


def read_until(text, seen):
    while text not in seen:
        if time.monotonic() > deadline:
            fail("no %r" % text)
        if select.select([master], [], [], 0.1)[0]:
            try:
                piece = os.read(master, 4096)
            except OSError:  # the other side is closed
                piece = b""
            if not piece:
                fail("the end before %r" % text)
            seen += piece
            sys.stdout.buffer.write(piece)
    return seen[seen.index(text) + len(text):]


def wait_for_end():
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.05)[0]:
            try:
                sys.stdout.buffer.write(os.read(master, 4096))
            except OSError:
                pass
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
    fail("no end")


arguments = sys.argv[1:]
kill_child = arguments[0] == "--kill-child"
command = arguments[kill_child:arguments.index("--")]
script = arguments[arguments.index("--") + 1:]
master, slave = pty.openpty()
before = termios.tcgetattr(slave)
deadline = time.monotonic() + DEADLINE_S
child = os.fork()
if child == 0:
    os.close(master)
    os.login_tty(slave)
    os.execvp(command[0], command)
rest = b""
for wanted, keys in zip(script[::2], script[1::2]):
    if wanted:
        rest = read_until(wanted.encode(), rest)
    else:
        time.sleep(PAUSE_S)
    os.write(master, keys.encode().decode("unicode_escape").encode())
if kill_child:
    with open("/proc/%d/task/%d/children" % (child, child)) as children:
        os.kill(int(children.read().split()[0]), signal.SIGKILL)
status = wait_for_end()
print("terminal %s" % ("as before" if termios.tcgetattr(slave) == before else "changed"))
sys.exit(status)
