from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.models import Audit, LoginSession, Person, db
from app.rules.errors import NotFound, Refused
from app.rules.grants import Grant, GrantSet, Scope
from app.services import accounts, present, sessions
from app.services.actors import Actor, software
from app.services.sessions import Origin

PASSWORD = "Lantern.River.42"
HERE = Origin(ip="10.1.2.3", user_agent="Browser", request_id="r1")


@pytest.fixture
def person(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Person:
    monkeypatch.setitem(app.config, "DEMO", True)
    row = Person(code="shili-zhang", name="示例张三", name_en="Shili Zhang", fictional=True)
    db.session.add(row)
    db.session.commit()
    accounts.ensure_demo(row, "shili.zhang", PASSWORD)
    return row


def sign_in(origin: Origin = HERE) -> accounts.SignedIn:
    signed_in = accounts.sign_in("shili.zhang", PASSWORD, origin)
    assert signed_in is not None
    return signed_in


def events(name: str) -> int:
    return db.session.scalar(select(func.count()).select_from(Audit).where(Audit.event == name)) or 0


def as_actor(user_id: int, *capabilities: str) -> Actor:
    return Actor(user_id, None, GrantSet(tuple(Grant(code, Scope.ALL) for code in capabilities)))


def test_a_token_opens_its_session_and_the_table_does_not_hold_it(person):
    signed_in = sign_in()
    found = sessions.current(signed_in.token)
    assert found is not None
    assert found.user.id == signed_in.user_id
    assert found.session.ip == "10.1.2.3"
    assert signed_in.token not in db.session.scalars(select(LoginSession.id)).all()
    assert sessions.current(found.session.id) is None


def test_an_unknown_token_opens_nothing(person):
    assert sessions.current("x" * 43) is None


def test_it_ends_after_thirty_idle_minutes(person):
    token = sign_in().token
    now = present.now()
    with present.at(now + timedelta(minutes=29)):
        assert sessions.current(token) is not None
    with present.at(now + timedelta(minutes=31)):
        assert sessions.current(token) is None


def test_requests_keep_it_alive_up_to_twelve_hours(person):
    token = sign_in().token
    now = present.now()
    for minutes in range(20, 720, 20):
        with present.at(now + timedelta(minutes=minutes)):
            found = sessions.current(token)
            assert found is not None, minutes
            sessions.touch(found)
    with present.at(now + timedelta(minutes=721)):
        assert sessions.current(token) is None


def test_the_moment_last_seen_is_written_once_a_minute(person):
    token = sign_in().token
    now = present.now()
    with present.at(now + timedelta(seconds=30)):
        found = sessions.current(token)
        seen = found.session.last_seen_at
        sessions.touch(found)
        assert sessions.current(token).session.last_seen_at == seen
    with present.at(now + timedelta(seconds=90)):
        sessions.touch(sessions.current(token))
        assert sessions.current(token).session.last_seen_at == now + timedelta(seconds=90)


def test_the_third_login_ends_the_oldest(person):
    now = present.now()
    tokens = []
    for minute in range(3):
        with present.at(now + timedelta(minutes=minute)):
            tokens.append(sign_in().token)
    with present.at(now + timedelta(minutes=3)):
        assert [sessions.current(token) is not None for token in tokens] == [False, True, True]
        assert len(sessions.listed(sign_in().user_id)) == 2


def test_signing_out_ends_it_once(person):
    signed_in = sign_in()
    actor = as_actor(signed_in.user_id)
    sessions.sign_out(actor, signed_in.token)
    sessions.sign_out(actor, signed_in.token)
    assert sessions.current(signed_in.token) is None
    assert events("logout") == 1


def test_its_owner_ends_another_of_his_sessions(person):
    first, second = sign_in(), sign_in()
    actor = as_actor(first.user_id)
    lines = sessions.listed(first.user_id, second.token)
    assert [line.is_this for line in lines] == [True, False]
    sessions.end(actor, lines[1].id)
    assert sessions.current(first.token) is None
    assert sessions.current(second.token) is not None
    assert events("session.ended") == 1


def test_it_refuses_a_stranger(person):
    signed_in = sign_in()
    line = sessions.listed(signed_in.user_id)[0]
    with pytest.raises(NotFound):
        sessions.end(as_actor(signed_in.user_id + 1), line.id)
    with pytest.raises(NotFound):
        sessions.end(as_actor(signed_in.user_id + 1, "system"), line.id)
    assert sessions.current(signed_in.token) is not None


def test_the_security_officer_ends_anybodys(person):
    signed_in = sign_in()
    sessions.end(as_actor(signed_in.user_id + 1, "security"), sessions.listed(signed_in.user_id)[0].id)
    assert sessions.current(signed_in.token) is None


def test_ending_the_others_keeps_this_one(person):
    first, second = sign_in(), sign_in()
    assert sessions.end_others(as_actor(first.user_id), second.token) == 1
    assert sessions.current(first.token) is None
    assert sessions.current(second.token) is not None


def test_a_typed_password_is_fresh_for_a_quarter_of_an_hour(person):
    token = sign_in().token
    now = present.now()
    assert sessions.current(token).is_fresh
    with present.at(now + timedelta(minutes=16)):
        found = sessions.current(token)
        assert not found.is_fresh
        renewed = accounts.confirm(found, PASSWORD, HERE)
        assert sessions.current(renewed).is_fresh
        assert sessions.current(token) is None


def test_confirming_does_not_stretch_the_twelve_hours(person):
    token = sign_in().token
    now = present.now()
    for minutes in range(20, 720, 20):
        with present.at(now + timedelta(minutes=minutes)):
            token = accounts.confirm(sessions.current(token), PASSWORD, HERE)
    with present.at(now + timedelta(minutes=721)):
        assert sessions.current(token) is None


def test_a_session_ended_meanwhile_grows_no_successor(person):
    signed_in = sign_in()
    found = sessions.current(signed_in.token)
    sessions.sign_out(as_actor(signed_in.user_id), signed_in.token)
    with pytest.raises(Refused, match=r"session\.ended"):
        accounts.confirm(found, PASSWORD, HERE)


def test_a_person_who_left_is_out_at_the_next_request(person):
    token = sign_in().token
    person.active = False
    db.session.commit()
    assert sessions.current(token) is None


def test_shutting_and_resetting_end_every_session(person):
    for act in (accounts.disable, accounts.reset):
        signed_in = sign_in()
        account_id = accounts.account_id_of("shili.zhang")
        act(software("test"), account_id)
        assert sessions.current(signed_in.token) is None
        accounts.enable(software("test"), account_id)
        assert sessions.current(signed_in.token) is None


def test_a_demo_session_ends_with_the_demonstration(app, person, monkeypatch):
    token = sign_in().token
    monkeypatch.setitem(app.config, "DEMO", False)
    assert sessions.current(token) is None
