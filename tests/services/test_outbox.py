"""The outbox: in the transaction of its cause, claimed once, fenced, rechecked, swept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from rq.job import Job
from sqlalchemy import func, select, update

from app.models import Delivery, Notice, Task, db
from app.services import outbox, present, queues
from app.services.transaction import transaction
from tests.services import making
from tests.services.making import DAY, HOUR, MINUTE, NOON


@pytest.fixture
def queue(app: Flask) -> list[str]:
    """The empty queue of deliveries: a call lists what waits in it."""
    connection = queues.connect(app.config["REDIS_URL"])
    for key in connection.scan_iter("rq:*"):
        connection.delete(key)
    app.extensions.pop("queues", None)
    return connection  # type: ignore[return-value]


def waiting(app: Flask) -> list[tuple[str | None, int]]:
    connection = queues.connect(app.config["REDIS_URL"])
    jobs = queues.open_queue("deliveries", connection).jobs
    return [(job.func_name, job.args[0]) for job in jobs]


def send(kind: str = "appeal.assigned", *, key: str = "appeal:1|assigned", **more: object) -> int:
    """One delivery to one new person; its id."""
    person = making.person()
    with present.at(NOON), transaction():
        outbox.enqueue(kind, [person.id], key=key, **more)  # type: ignore[arg-type]
    return making.deliveries()[-1].id


def claimed(delivery_id: int) -> outbox.Lease:
    lease = outbox.claim(delivery_id, NOON)
    assert lease is not None
    return lease


def state_of(delivery_id: int) -> tuple[str, str]:
    row = db.session.execute(select(Delivery.state, Delivery.last_error).where(Delivery.id == delivery_id)).one()
    return row.state, row.last_error


def run_out(delivery_id: int) -> None:
    """Let the lease of a delivery run out."""
    db.session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id)
        .values(lease_until=func.clock_timestamp() - timedelta(seconds=1))
    )
    db.session.commit()


# --- enqueue ------------------------------------------------------------------------------------------------


def test_it_adds_one_row_and_wakes_one_worker(app: Flask, queue: object) -> None:
    delivery = send()
    assert state_of(delivery) == ("pending", "")
    assert waiting(app) == [("jobs.outbox.send_delivery", delivery)]


def test_the_same_event_goes_to_the_same_person_once(app: Flask, queue: object) -> None:
    person = making.person()
    counts = []
    for _ in range(3):
        with present.at(NOON), transaction():
            counts.append(outbox.enqueue("appeal.assigned", [person.id, person.id], key="appeal:7|assigned"))
    assert counts == [1, 0, 0]
    assert len(making.deliveries()) == 1


def test_a_cause_that_is_rolled_back_sends_nothing(app: Flask, queue: object) -> None:
    person = making.person()
    db.session.commit()

    def cause() -> None:
        with transaction():
            outbox.enqueue("appeal.assigned", [person.id], key="appeal:7|assigned")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        cause()
    assert making.deliveries() == []
    assert waiting(app) == []


@pytest.mark.parametrize(
    ("gateway", "address", "channels"),
    [
        ("", "", ["inbox"]),
        ("", "a@example.invalid", ["inbox"]),
        ("mailto://localhost", "", ["inbox"]),
        ("mailto://localhost", "a@example.invalid", ["inbox", "mail"]),
    ],
)
def test_mail_goes_only_where_a_gateway_and_an_address_are(
    app: Flask,
    queue: object,
    monkeypatch: pytest.MonkeyPatch,
    gateway: str,
    address: str,
    channels: list[str],
) -> None:
    monkeypatch.setitem(app.config, "MAIL_URL", gateway)
    person = making.person(email=address)
    with transaction():
        outbox.enqueue("appeal.assigned", [person.id], key="appeal:7|assigned")
    assert [row.channel for row in making.deliveries()] == channels


def test_somebody_who_left_is_told_nothing(app: Flask, queue: object) -> None:
    person = making.person(active=False)
    with transaction():
        assert outbox.enqueue("appeal.assigned", [person.id], key="appeal:7|assigned") == 0


def test_what_is_due_later_wakes_nobody_yet(app: Flask, queue: object) -> None:
    send(due_at=NOON + HOUR)
    assert waiting(app) == []


def test_without_redis_the_transaction_stands(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.extensions, "queues_connection", queues.connect("unix:///nowhere/redis.sock"))
    monkeypatch.setitem(app.extensions, "queues", {"muted_until": 0.0})
    assert state_of(send()) == ("pending", "")
    assert queues.length("deliveries") is None


# --- claim and marks ----------------------------------------------------------------------------------------


def test_only_one_claims_it(app: Flask, queue: object) -> None:
    delivery = send()
    assert outbox.claim(delivery, NOON) is not None
    assert outbox.claim(delivery, NOON) is None


def test_nobody_claims_it_before_it_is_due(app: Flask, queue: object) -> None:
    delivery = send(due_at=NOON + HOUR)
    assert outbox.claim(delivery, NOON) is None
    assert outbox.claim(delivery, NOON + HOUR) is not None


def test_a_notice_and_its_mark_are_one(app: Flask, queue: object) -> None:
    lease = claimed(send())
    assert outbox.deliver_to_inbox(lease, NOON)
    notice = db.session.scalars(select(Notice)).one()
    assert (notice.person_id, notice.kind, notice.delivery_id) == (lease.recipient_id, lease.kind, lease.id)
    assert state_of(lease.id) == ("sent", "")
    assert outbox.claim(lease.id, NOON + DAY) is None


def test_a_worker_that_lost_its_lease_writes_nothing(app: Flask, queue: object) -> None:
    delivery = send()
    stale = claimed(delivery)
    run_out(delivery)
    fresh = claimed(delivery)
    assert fresh.attempts == 2
    assert not outbox.deliver_to_inbox(stale, NOON)
    assert not outbox.mark_dead(stale, "stale")
    assert not outbox.retry(stale, "stale", NOON)
    assert db.session.scalars(select(Notice)).all() == []
    assert outbox.deliver_to_inbox(fresh, NOON)
    assert len(db.session.scalars(select(Notice)).all()) == 1


def test_a_mail_whose_attempt_nobody_saw_end_becomes_uncertain(app: Flask, queue: object) -> None:
    delivery = send()
    db.session.execute(update(Delivery).where(Delivery.id == delivery).values(channel="mail"))
    lease = claimed(delivery)
    assert outbox.expire() == 0
    run_out(delivery)
    assert outbox.claim(delivery, NOON) is None
    assert outbox.expire() == 1
    assert state_of(delivery) == ("uncertain", "lease-expired")
    assert not outbox.mark_sent(lease, NOON)


def test_a_refused_delivery_is_tried_later_and_given_up_in_the_end(app: Flask, queue: object) -> None:
    delivery = send()
    now, waits = NOON, []
    while state_of(delivery)[0] == "pending":
        lease = outbox.claim(delivery, now)
        assert lease is not None
        outbox.retry(lease, "smtp 421", now)
        due_at = db.session.scalar(select(Delivery.due_at).where(Delivery.id == delivery))
        assert due_at is not None
        waits.append((due_at - now).total_seconds())
        now = due_at
    assert waits == [30, 60, 120, 300, 900, 1800, 3600, 0]
    assert state_of(delivery) == ("dead", "smtp 421")


# --- recheck ------------------------------------------------------------------------------------------------


def reminder() -> tuple[outbox.Lease, object]:
    from app.services import reminders

    clock = making.clock(NOON + 10 * HOUR)
    db.session.commit()
    with present.at(NOON):
        reminders.plan(NOON)
    return claimed(making.deliveries(clock)[0].id), clock


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("nothing", ""),
        ("stopped", "clock-stopped"),
        ("closed", "appeal-closed"),
        ("moved", "superseded"),
        ("rule", "rule-off"),
        ("away", "not-acting"),
        ("left", "person-inactive"),
    ],
)
def test_a_reminder_is_looked_at_again_before_it_goes(app: Flask, queue: object, change: str, reason: str) -> None:
    from app.models import Clock, Person

    lease, clock = reminder()
    assert isinstance(clock, Clock)
    match change:
        case "stopped":
            clock.stopped_at = NOON
        case "closed":
            clock.appeal.state = "closed"
        case "moved":
            clock.due_at = NOON + 20 * HOUR
        case "rule":
            making.rule("fetch_back_before").active = False
        case "away":
            making.away(lease.recipient_id)
        case "left":
            person = db.session.get(Person, lease.recipient_id)
            assert person is not None
            person.active = False
    db.session.commit()
    assert outbox.recheck(lease, NOON).reason == reason


def test_a_notice_to_a_post_goes_to_whoever_acts_when_it_is_sent(app: Flask, queue: object) -> None:
    first, second = making.holder("liaison", "A"), making.holder("liaison", "B")
    with present.at(NOON), transaction():
        outbox.enqueue("slip.to_carry", [first], key="appeal:7|carry", post_id=making.post("liaison").id)
    lease = claimed(making.deliveries()[0].id)
    assert outbox.recheck(lease, NOON) == outbox.Verdict()
    making.away(first)
    verdict = outbox.recheck(lease, NOON)
    assert verdict == outbox.Verdict("not-acting", (second,))
    assert outbox.readdress(lease, verdict.instead, verdict.reason, NOON)
    assert [(row.recipient_id, row.state) for row in making.deliveries()] == [
        (first, "cancelled"),
        (second, "pending"),
    ]


def test_an_old_event_of_a_closed_appeal_is_not_told(app: Flask, queue: object) -> None:
    lease = claimed(send(appeal_id=making.appeal(state="archived").id))
    assert outbox.recheck(lease, NOON).reason == "appeal-closed"


# --- sweep --------------------------------------------------------------------------------------------------


def test_the_sweeper_wakes_workers_for_what_redis_forgot(app: Flask, queue: object) -> None:
    delivery = send()
    connection = queues.connect(app.config["REDIS_URL"])
    for key in connection.scan_iter("rq:*"):
        connection.delete(key)
    assert outbox.sweep(NOON + 5 * timedelta(seconds=1)) == 0, "it was nudged a moment ago"
    assert outbox.sweep(NOON + MINUTE) == 1
    assert waiting(app) == [("jobs.outbox.send_delivery", delivery)]


def test_the_sweeper_takes_up_what_a_dead_worker_left(app: Flask, queue: object) -> None:
    delivery = send()
    claimed(delivery)
    assert list(outbox.overdue_ids(NOON + MINUTE)) == []
    run_out(delivery)
    assert list(outbox.overdue_ids(NOON + MINUTE)) == [delivery]


def test_the_sweeper_leaves_a_long_queue_alone(app: Flask, queue: object) -> None:
    for number in range(4):
        send(key=f"appeal:{number}|assigned")
    assert outbox.sweep(NOON + MINUTE, limit=4) == 0
    assert len(waiting(app)) == 4


def test_the_overview_counts_what_needs_a_person(app: Flask, queue: object) -> None:
    late, unclear, dead = (send(key=f"appeal:{n}|assigned") for n in range(3))
    outbox.mark_uncertain(claimed(unclear), "TimeoutError")
    outbox.mark_dead(claimed(dead), "smtp 550")
    found = outbox.overview(NOON + HOUR)
    assert (found.waiting, found.oldest_due_at, found.uncertain, found.dead) == (1, NOON, 1, 1)
    assert state_of(late) == ("pending", "")


# --- the list of functions ----------------------------------------------------------------------------------


def test_a_function_off_the_list_is_never_enqueued(app: Flask, queue: object) -> None:
    target = queues.open_queue("deliveries", queues.connect(app.config["REDIS_URL"]))
    with pytest.raises(queues.UnlistedJobError):
        target.enqueue("os.system", "true")
    with pytest.raises(ValueError, match="no queue"):
        queues.open_queue("default", queues.connect(app.config["REDIS_URL"]))


def test_a_forged_job_is_not_imported_and_its_callbacks_are_dropped(app: Flask, queue: object) -> None:
    connection = queues.connect(app.config["REDIS_URL"])
    forged = Job.create(
        "os.system",
        args=["true"],
        connection=connection,
        serializer="json",
        on_success="os.abort",  # type: ignore[arg-type]
    )
    forged.save()
    found = queues.ListedJob.fetch(forged.id, connection=connection, serializer="json")
    with pytest.raises(queues.UnlistedJobError):
        found.perform()
    assert found.success_callback is None


def test_no_words_and_no_persons_stand_in_redis(app: Flask, queue: object) -> None:
    send()
    connection = queues.connect(app.config["REDIS_URL"])
    (job,) = queues.open_queue("deliveries", connection).jobs
    assert job.description == "send_delivery"
    assert all(isinstance(argument, int) for argument in job.args)
    assert db.session.query(Task).count() == 0
