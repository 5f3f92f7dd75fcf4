"""The job that runs long work: claims the task, calls its handler from the list, closes it."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable

from rq.timeouts import JobTimeoutException
from sqlalchemy.exc import InterfaceError, OperationalError

from app.quiet import log_without_values
from app.rules.errors import RuleError
from app.services import tasks
from jobs.runtime import ShuttingDown, process_context, without_values

log = logging.getLogger("jobs.tasks")

Handler = Callable[[tasks.Run], str | None]
# Kind of a task → its handler. What is not listed here is never run.
HANDLERS: dict[str, str] = {
    "bulk_edit": "jobs.bulk_edits.apply",
    "field_change": "jobs.field_changes.apply",
    "import_apply": "jobs.imports.apply_batch",
    "import_check": "jobs.imports.check_batch",
    "own_sheet": "jobs.own_sheets.fill",
    "quarterly_report": "jobs.reports.compile_quarterly",
    "recount": "jobs.recounts.apply",
    "sheet_export": "jobs.exports.make",
    "sheet_import": "jobs.sheet_imports.work",
    "suggestions": "jobs.suggestions.train",
}


@without_values
def run_task(task_id: int) -> None:
    """Run one task to its end; harmless when it was run already or is being run."""
    with process_context():
        run = tasks.claim(task_id)
        if run is None:
            return
        try:
            message = _handler(run.kind)(run)
        except ShuttingDown:
            _roll_back()
            tasks.release(run)
            log.info("task %d is given back: this process is being stopped", task_id)
        except tasks.Later:
            _roll_back()
            tasks.release(run)
        except tasks.Stopped as stopped:
            _roll_back()
            tasks.stop(run, stopped.reason)
        except RuleError as error:
            _roll_back()
            tasks.fail(run, error.code)
        except JobTimeoutException:
            _roll_back()
            tasks.fail(run, "task.too-long")
        except (OperationalError, InterfaceError) as error:
            # The database was away: the lease runs out and the sweeper wakes a worker again.
            log.warning("task %d interrupted: %s", task_id, type(error).__name__)
        except Exception as error:
            _roll_back()
            log_without_values(log, f"task {task_id}", error)
            tasks.fail(run, "task.crashed")
        else:
            _roll_back()
            tasks.finish(run, message or "")


def _handler(kind: str) -> Handler:
    path = HANDLERS.get(kind)
    if path is None:
        raise RuntimeError(f"no handler for tasks of kind {kind}")
    module, _, name = path.rpartition(".")
    found: Handler = getattr(importlib.import_module(module), name)
    return found


def _roll_back() -> None:
    """Leave whatever the handler had open; its own transactions are committed or not at all."""
    from app.models import db

    db.session.rollback()
