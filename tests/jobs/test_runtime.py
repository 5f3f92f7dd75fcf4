"""The process of a worker: its options, its refusals, what it lets out about errors."""

from __future__ import annotations

import logging

import pytest
from flask import Flask
from redis import RedisError

from jobs import runtime

SECRET = "示例手机号13900000000"


@pytest.mark.parametrize("arguments", [[], ["default"], ["deliveries", "reports"]])
def test_it_refuses_what_is_no_queue(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert runtime.main(arguments) == 2
    assert "deliveries | reports | imports" in capsys.readouterr().err


def test_a_setting_that_cannot_be_used_ends_with_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "eighty")
    with pytest.raises(SystemExit) as ended:
        runtime.prepare_process()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("PORT ")


@pytest.mark.parametrize(("queue", "forks"), [("deliveries", False), ("reports", True), ("imports", True)])
def test_a_worker_has_one_queue_and_the_options_of_the_security_page(
    app: Flask, monkeypatch: pytest.MonkeyPatch, queue: str, forks: bool
) -> None:
    monkeypatch.setattr(runtime, "_application", app)
    worker = runtime.build(queue)
    assert worker.queue_names() == [queue]
    assert (worker.worker_ttl, worker.maintenance_interval, worker.default_result_ttl) == (30, 10, 60)
    assert worker.serializer.__name__ == "JSONSerializer"
    assert worker.job_class.__name__ == worker.queues[0].job_class.__name__ == "ListedJob"
    assert not worker.log_job_description
    assert isinstance(worker, runtime.ForkingWorker) is forks


def test_a_failing_job_says_its_kind_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    @runtime.without_values
    def job(number: int) -> None:
        raise ValueError(SECRET)

    with pytest.raises(runtime.FailedJobError, match=r"^ValueError$") as failed:
        job(7)
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__
    assert "test_runtime.py" in caplog.text
    assert SECRET not in caplog.text


def test_a_lost_redis_is_one_line() -> None:
    error = RedisError("gone")
    record = logging.LogRecord("rq.worker", logging.ERROR, "", 1, "lost", None, (RedisError, error, None))
    assert runtime._one_line(record)
    assert record.exc_info is None


def test_without_postgresql_a_sign_of_life_is_one_line(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from sqlalchemy.exc import OperationalError

    from app.services import heartbeats

    def away(name: str) -> None:
        raise OperationalError("insert", {}, Exception(SECRET))

    monkeypatch.setattr(runtime, "_application", app)
    monkeypatch.setattr(heartbeats, "beat", away)
    runtime.sign_of_life("worker:deliveries")
    assert "no sign of life for worker:deliveries" in caplog.text
    assert SECRET not in caplog.text
