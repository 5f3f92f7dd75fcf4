"""The hook for a virus scanner: a command of the operator's that reads a file on its standard input.

It ends with 0 for a clean file and with 1 for an infected one; anything else, and silence, is no answer. It sees the
file, no name, and none of our settings.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
from contextlib import suppress

from flask import current_app

from app.rules.errors import Conflict

log = logging.getLogger(__name__)
UNSCANNED, CLEAN, INFECTED = "unscanned", "clean", "infected"


def is_set() -> bool:
    """Whether files are scanned in this installation."""
    return bool(current_app.config["ATTACHMENT_SCANNER"])


def scan(content: bytes) -> str:
    """`clean`, `infected`, or `unscanned` where no scanner is set. Raises Conflict("attachment.scanner-failed")."""
    command: tuple[str, ...] = current_app.config["ATTACHMENT_SCANNER"]
    if not command:
        return UNSCANNED
    outcome = _run(command, content, current_app.config["ATTACHMENT_SCANNER_SECONDS"])
    if outcome not in (0, 1):
        log.warning("the virus scanner gave no answer (%s)", "none" if outcome is None else outcome)
        raise Conflict("attachment.scanner-failed", field="attachments")
    return INFECTED if outcome else CLEAN


def _run(command: tuple[str, ...], content: bytes, seconds: float) -> int | None:
    """How the command ended; None when it did not start, or not end in time."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
    except OSError:
        return None
    try:
        process.communicate(content, timeout=seconds)
    except subprocess.TimeoutExpired:
        return None
    except BrokenPipeError:
        pass  # it had seen enough
    finally:
        if process.poll() is None:
            _end(process)
    return process.wait()


def _end(process: subprocess.Popen[bytes]) -> None:
    """With whatever it started itself."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
