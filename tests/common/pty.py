"""Runs a command on a pseudo-terminal that is its controlling one, and plays a person at it.

usage: pty.py COMMAND [ARGUMENT...]   with steps on stdin, one a line:

  expect TEXT   read until TEXT is on screen
  send TEXT     type it; escapes as in Python
  signal NAME   send it to the command from outside
  echo          print `echo on` or `echo off`, as the terminal is now
  wait          wait for the end, print `exit N` or `signal N`

Then it prints `screen` and all that was seen. Every step has 10 seconds; a step that takes longer ends this
program with 99.
"""

import fcntl
import os
import select
import signal
import sys
import termios
import time

screen = b""


def read(deadline):
    """More of the screen; None when nothing comes before the deadline or nothing can come any more."""
    global screen
    ready, _, _ = select.select([master], [], [], max(0, deadline - time.time()))
    if not ready:
        return None
    data = os.read(master, 4096)
    screen += data
    return data


def fail(step):
    print("no end of: " + step + "\nscreen\n" + screen.decode(errors="replace"), flush=True)
    os.kill(child, signal.SIGKILL)
    sys.exit(99)


master, slave = os.openpty()
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for standard in (0, 1, 2):
        os.dup2(slave, standard)
    os.closerange(3, 64)
    os.execvp(sys.argv[1], sys.argv[1:])

# The slave stays open here, so that its settings can still be seen when the command has gone.
seen = 0
for step in sys.stdin.read().splitlines():
    word, _, text = step.partition(" ")
    deadline = time.time() + 10
    if word == "expect":
        while text.encode() not in screen[seen:]:
            if read(deadline) is None:
                fail(step)
        seen = screen.index(text.encode(), seen) + len(text.encode())
    elif word == "send":
        os.write(master, text.encode().decode("unicode_escape").encode("latin-1"))
    elif word == "signal":
        os.kill(child, getattr(signal, text))
    elif word == "echo":
        print("echo on" if termios.tcgetattr(master)[3] & termios.ECHO else "echo off")
    elif word == "wait":
        while True:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                break
            if time.time() > deadline:
                fail(step)
            read(min(deadline, time.time() + 0.05))
        while select.select([master], [], [], 0)[0]:
            read(deadline)
        print(f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}")
    else:
        fail("unknown step " + step)
print("screen\n" + screen.decode(errors="replace"), end="")
