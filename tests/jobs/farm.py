"""A process that has loaded the product once and forks workers on demand, so that a test may kill many of
them.

Commands on standard input, one answer a line: `start NAME [SETTING=VALUE …]` answers the new process's id,
`wait PID` its exit code (negative for a signal).
"""

from __future__ import annotations

import os
import signal
import sys
import time

from app.services import tasks
from jobs import runtime, timetable
from jobs import tasks as job

STEPS = 60


def slow_steps(run: tasks.Run) -> str:
    """A handler of many small steps."""
    for step in range(1, STEPS + 1):
        run.progress(step, total=STEPS, message="test.step")
        time.sleep(0.03)
    return "test.done"


def stuck(run: tasks.Run) -> None:
    """A handler that says it began and then hears nothing for a minute."""
    run.progress(1, total=2)
    time.sleep(60)


def work(name: str, settings: list[str]) -> None:
    runtime.application().config.update(pair.split("=", 1) for pair in settings)
    job.HANDLERS.update({"test_slow": "tests.jobs.farm.slow_steps", "test_stuck": "tests.jobs.farm.stuck"})
    if name == "timetable":
        signal.pthread_sigmask(signal.SIG_BLOCK, timetable.STOP)
        timetable.serve()
    else:
        runtime.serve(name)


def main() -> None:
    runtime.prepare_process()
    for line in sys.stdin:
        command, argument, *settings = line.split()
        if command == "wait":
            _, status = os.waitpid(int(argument), 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        child = os.fork()
        if child == 0:
            code = 1
            try:
                work(argument, settings)
                code = 0
            except SystemExit as end:
                code = int(end.code or 0)
            finally:
                os._exit(code)
        print(child, flush=True)


if __name__ == "__main__":
    from tests.jobs.farm import main as run

    run()
