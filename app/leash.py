"""Run a program that ends when its parent does, however the parent ends: `leash.py SIGNAL UID:GID PROGRAM …`.

Started as a file, standard library only: the program replaces it at once. `-` for UID:GID keeps the account.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1


def command(program: list[str], end: signal.Signals, account: str = "-") -> list[str]:
    """The command line that runs `program`; `end` is the signal it gets when its parent is gone."""
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), end.name, account, *program]


def main(arguments: list[str]) -> None:
    end, account, *program = arguments
    parent = os.getppid()
    if account != "-":
        uid, _, gid = account.partition(":")
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    # After the change of account, which would clear it.
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.Signals[end]), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:  # the parent ended before the leash was on
        raise SystemExit(1)
    os.execv(program[0], program)  # noqa: S606  what the supervisor's own configuration names


if __name__ == "__main__":
    main(sys.argv[1:])
