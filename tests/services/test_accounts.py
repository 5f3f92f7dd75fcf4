from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from statistics import median
from time import perf_counter
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import delete, func, select
from sqlalchemy.exc import ProgrammingError

import config
from app.models import Account, Audit, Journal, PasswordHistory, Person, db
from app.rules.errors import Conflict, FieldErrors, Invalid, NotFound, Refused
from app.rules.grants import Grant, GrantSet, Scope
from app.services import accounts, passwords, present, sessions
from app.services.actors import Actor, software
from app.services.sessions import Origin
from tests.logins import PASSWORD, forget, scrubbed
from tests.vectors import BAD, GOOD, LOGIN, NAME

HERE = Origin(ip="10.1.2.3", user_agent="Browser", request_id="r1")
MACHINE = software("test")


@pytest.fixture
def person(app: Flask) -> Person:
    row = Person(code="shili-zhang", name=NAME, fictional=True)
    db.session.add(row)
    db.session.commit()
    return row


@pytest.fixture
def account(app: Flask, person: Person, monkeypatch: pytest.MonkeyPatch) -> Account:
    """A demo account, the only kind whose password is known beforehand."""
    monkeypatch.setitem(app.config, "DEMO", True)
    assert accounts.ensure_demo(person, LOGIN, PASSWORD)
    return db.session.scalars(select(Account).where(Account.person_id == person.id)).one()


def officer(capability: str, user_id: int = 0) -> Actor:
    return Actor(user_id, None, GrantSet((Grant(capability, Scope.ALL),)))


def events(*names: str) -> list[tuple[str, str, str | None]]:
    rows = db.session.scalars(select(Audit).where(Audit.event.in_(names)).order_by(Audit.id))
    return [(row.event, row.result, row.detail.get("reason")) for row in rows]


def attempt(password: str = PASSWORD, login: str = LOGIN) -> bool:
    return accounts.sign_in(login, password, HERE) is not None


class TestSigningIn:
    def test_the_right_password_enters_and_is_recorded_once(self, account):
        assert attempt()
        assert events("login", "login.failed") == [("login", "ok", None)]
        row = db.session.scalars(select(Audit).where(Audit.event == "login")).one()
        assert (row.user_id, row.ip, row.request_id) == (account.user_id, "10.1.2.3", "r1")

    @pytest.mark.parametrize("typed", [LOGIN.upper(), f"  {LOGIN} ", LOGIN.replace("s", "ｓ")])
    def test_a_login_is_read_as_people_type_it(self, account, typed):
        assert attempt(login=typed)

    @pytest.mark.parametrize("password", ["", "lantern.river.42", PASSWORD + " ", "\x00", "x" * 100_000])
    def test_a_wrong_password_does_not(self, account, password):
        assert not attempt(password)
        assert events("login", "login.failed") == [("login.failed", "refused", "password")]

    def test_an_unknown_login_is_recorded_without_what_was_typed(self, account):
        assert not attempt(login="my-password-by-mistake")
        row = db.session.scalars(select(Audit).where(Audit.event == "login.failed")).one()
        assert (row.user_id, row.detail) == (None, {"reason": "unknown"})

    def test_a_user_of_the_framework_without_an_account_stays_outside(self, app):
        user = User(username="bare", first_name="x", last_name="", email="bare@login.invalid", active=True)
        user.password = passwords.hashed(PASSWORD)
        db.session.add(user)
        db.session.commit()
        assert not attempt(login="bare")

    def test_nobody_enters_a_shut_account_or_one_whose_person_left(self, account, person):
        accounts.disable(MACHINE, account.id)
        assert not attempt()
        accounts.enable(MACHINE, account.id)
        person.active = False
        db.session.commit()
        assert not attempt()
        assert [reason for _e, _r, reason in events("login.failed")] == ["disabled", "disabled"]

    def test_demo_accounts_are_refused_outside_the_demonstration(self, app, account, monkeypatch):
        monkeypatch.setitem(app.config, "DEMO", False)
        assert not attempt()
        assert events("login.failed") == [("login.failed", "refused", "demo")]


class TestLockOut:
    def fail(self, times: int) -> None:
        for _time in range(times):
            assert not attempt("wrong")

    def test_four_wrong_ones_do_not_lock(self, account):
        self.fail(4)
        assert attempt()

    def test_after_the_fifth_the_right_one_is_refused(self, account):
        self.fail(5)
        assert not attempt()
        assert [event for event, _r, _w in events("login.failed", "login.locked")] == [
            *["login.failed"] * 4,
            "login.locked",
            "login.failed",
        ]

    def test_the_lock_ends_after_twenty_minutes(self, account):
        now = present.now()
        self.fail(5)
        with present.at(now + timedelta(minutes=19)):
            assert not attempt()
        with present.at(now + timedelta(minutes=21)):
            assert attempt()

    def test_trying_while_it_is_locked_does_not_prolong_it(self, account):
        now = present.now()
        self.fail(5)
        with present.at(now + timedelta(minutes=15)):
            self.fail(10)
        with present.at(now + timedelta(minutes=21)):
            assert attempt()

    def test_a_success_forgets_the_failures(self, account):
        for _round in range(3):
            self.fail(4)
            assert attempt()

    def test_the_counter_is_a_row_and_so_survives_a_restart(self, account):
        self.fail(3)
        db.session.expire_all()
        assert db.session.get(Account, account.id).failed_count == 3

    def test_the_old_password_of_the_change_page_counts_and_ends_the_sessions(self, account):
        token = accounts.sign_in(LOGIN, PASSWORD, HERE).token
        for _time in range(5):
            with pytest.raises(Invalid, match=r"password\.wrong"):
                accounts.change_password(sessions.current(token), "wrong", "Mango{Tram}Nine", HERE)
        assert sessions.current(token) is None
        assert not attempt()

    def test_the_security_officer_unlocks_and_the_system_officer_does_not(self, account):
        self.fail(5)
        with pytest.raises(Refused):
            accounts.unlock(officer("system"), account.id)
        accounts.unlock(officer("security"), account.id)
        accounts.unlock(officer("security"), account.id)
        assert attempt()
        assert len(events("account.unlocked")) == 1


class TestPasswords:
    def change(self, new: str, old: str = PASSWORD) -> None:
        token = accounts.sign_in(LOGIN, old, HERE).token
        accounts.change_password(sessions.current(token), old, new, HERE)

    def test_changing_ends_all_other_sessions_and_rotates_this_one(self, account):
        other = accounts.sign_in(LOGIN, PASSWORD, HERE).token
        mine = accounts.sign_in(LOGIN, PASSWORD, HERE).token
        new = accounts.change_password(sessions.current(mine), PASSWORD, "mango{Tram}Nine", HERE)
        assert [sessions.current(token) is not None for token in (other, mine, new)] == [False, False, True]
        assert len(events("password.changed")) == 1
        assert not attempt()
        assert attempt("mango{Tram}Nine")

    def test_the_old_password_is_needed(self, account):
        token = accounts.sign_in(LOGIN, PASSWORD, HERE).token
        with pytest.raises(Invalid) as caught:
            accounts.change_password(sessions.current(token), "x", "mango{Tram}Nine", HERE)
        assert (caught.value.code, caught.value.field) == ("password.wrong", "old")
        assert attempt()

    def test_none_of_the_last_five_comes_back(self, account):
        used = [PASSWORD, *(f"Ferry.{n}.Cargo-{n * 7}" for n in range(1, 7))]
        for old, new in pairwise(used):
            self.change(new, old)
        for again in used[-5:]:
            with pytest.raises(FieldErrors) as caught:
                self.change(again, used[-1])
            assert [problem.code for problem in caught.value.problems] == ["password.used-before"]
        assert db.session.scalar(select(func.count()).select_from(PasswordHistory)) == 5
        self.change(used[1], used[-1])
        assert attempt(used[1])

    def test_it_expires_after_ninety_days(self, account):
        now = present.now()
        with present.at(now + timedelta(days=89)):
            assert not passwords.is_expired(account)
        with present.at(now + timedelta(days=90)):
            assert passwords.is_expired(account)
            assert attempt()


@pytest.fixture
def change_form(account: Account) -> Iterator:
    token = accounts.sign_in(LOGIN, PASSWORD, HERE).token

    def change(new: str) -> None:
        nonlocal token
        token = accounts.change_password(sessions.current(token), PASSWORD, new, HERE)

    return change


@pytest.mark.parametrize("password", [password for password, _why in BAD])
def test_every_path_refuses_a_bad_password(app, account, change_form, password):
    sm = app.appbuilder.sm
    before = account.user.password
    with pytest.raises(FieldErrors):
        passwords.choose(account.user, account, password)
    with pytest.raises(FieldErrors):
        change_form(password)
    with pytest.raises(FieldErrors):
        sm.reset_password(account.user_id, password)
    with pytest.raises(FieldErrors):
        accounts.ensure_demo(account.person, LOGIN, password)
    db.session.expire_all()
    assert account.user.password == before


@pytest.mark.parametrize("password", GOOD)
def test_every_path_takes_a_good_one(app, account, person, password):
    begin, between = "Zebra.Cloud-77", "Quiet7-Meadow-Kiosk"
    passwords.choose(account.user, account, begin)
    token = accounts.sign_in(LOGIN, begin, HERE).token
    accounts.change_password(sessions.current(token), begin, password, HERE)
    assert attempt(password)
    db.session.execute(delete(PasswordHistory))
    passwords.choose(account.user, account, between)
    app.appbuilder.sm.reset_password(account.user_id, password)
    assert attempt(password)
    assert accounts.ensure_demo(person, LOGIN, password)
    assert attempt(password)


def test_the_frameworks_own_commands_make_nobody(app):
    made = app.appbuilder.sm.add_user("root", "a", "b", "a@b.cn", None, PASSWORD)
    assert made is False
    assert db.session.scalar(select(func.count()).select_from(User).where(User.username == "root")) == 0


class TestInvitation:
    def test_a_code_opens_the_account_once_and_is_kept_nowhere(self, person):
        invitation = accounts.invite(officer("system"), person.id)
        assert invitation.username == "shili-zhang"
        token = accounts.sign_in(invitation.username, invitation.code, HERE).token
        assert passwords.is_expired(sessions.current(token).account)
        token = accounts.change_password(sessions.current(token), invitation.code, PASSWORD, HERE)
        assert not passwords.is_expired(sessions.current(token).account)
        assert not attempt(invitation.code, invitation.username)
        kept = db.session.scalars(select(Audit.detail)).all() + db.session.scalars(select(Journal.new)).all()
        assert invitation.code not in str(kept)
        assert len(events("account.invited")) == 1
        assert (
            db.session.scalar(select(func.count()).select_from(Journal).where(Journal.action == "invited"))
            == 1
        )

    def test_a_code_cannot_be_kept_as_the_password(self, person, monkeypatch):
        # One that would do as a password otherwise: a drawn one may be too plain.
        monkeypatch.setattr(passwords.rules, "new_code", lambda: "Qx7m-Vk29-Tbw4-Zr")
        invitation = accounts.invite(officer("system"), person.id)
        token = accounts.sign_in(invitation.username, invitation.code, HERE).token
        with pytest.raises(FieldErrors) as caught:
            accounts.change_password(sessions.current(token), invitation.code, invitation.code, HERE)
        assert "password.used-before" in [problem.code for problem in caught.value.problems]

    def test_a_code_runs_out_after_seven_days(self, person):
        invitation = accounts.invite(officer("system"), person.id)
        now = present.now()
        with present.at(now + timedelta(days=6)):
            assert attempt(invitation.code, invitation.username)
        with present.at(now + timedelta(days=7, minutes=1)):
            assert not attempt(invitation.code, invitation.username)

    @pytest.mark.parametrize("capability", ["security", "audit", "triage"])
    def test_only_the_system_officer_invites_and_resets(self, person, account, capability):
        with pytest.raises(Refused, match=r"account\.not-yours"):
            accounts.invite(officer(capability), person.id)
        with pytest.raises(Refused, match=r"account\.not-yours"):
            accounts.reset(officer(capability), account.id)
        with pytest.raises(Refused, match=r"account\.not-yours"):
            accounts.disable(officer(capability), account.id)

    def test_one_person_has_one_account(self, person):
        accounts.invite(officer("system"), person.id)
        with pytest.raises(Conflict, match=r"account\.exists"):
            accounts.invite(officer("system"), person.id)

    def test_two_people_cannot_share_a_login(self, account):
        other = Person(code="shili-li", name="示例李四", fictional=True)
        db.session.add(other)
        db.session.commit()
        with pytest.raises(Conflict, match=r"account\.username-taken"):
            accounts.invite(officer("system"), other.id, LOGIN.upper())

    @pytest.mark.parametrize("username", ["ab", "with space", "-dash", "x" * 65, "a'b--c"])
    def test_a_login_has_a_plain_form(self, person, username):
        with pytest.raises(Invalid, match=r"account\.username"):
            accounts.invite(officer("system"), person.id, username)

    def test_it_invites_nobody_who_is_unknown_or_left(self, person):
        person.active = False
        db.session.commit()
        for person_id in (person.id, 10_000_000):
            with pytest.raises(NotFound):
                accounts.invite(officer("system"), person_id)


class TestReset:
    def test_the_old_password_the_lock_and_the_sessions_end(self, account):
        token = accounts.sign_in(LOGIN, PASSWORD, HERE).token
        for _time in range(5):
            attempt("wrong")
        invitation = accounts.reset(officer("system"), account.id)
        assert sessions.current(token) is None
        assert not attempt()
        assert attempt(invitation.code)
        assert len(events("account.reset")) == 1

    def test_an_officer_is_reset_at_the_machine_only(self, app):
        accounts.ensure_officers()
        account_id = accounts.account_id_of("secadmin")
        for act in (accounts.reset, accounts.disable):
            with pytest.raises(Refused, match=r"account\.officer"):
                act(officer("system"), account_id)
        assert attempt(accounts.reset(MACHINE, account_id).code, "secadmin")

    def test_nobody_shuts_or_resets_himself(self, account):
        for act in (accounts.reset, accounts.disable):
            with pytest.raises(Refused, match=r"account\.own"):
                act(officer("system", account.user_id), account.id)

    def test_shutting_twice_is_written_once(self, account):
        accounts.disable(officer("system"), account.id)
        accounts.disable(officer("system"), account.id)
        assert len(events("account.disabled")) == 1

    def test_an_unknown_account_is_not_found(self, app):
        with pytest.raises(NotFound):
            accounts.reset(officer("system"), 10_000_000)


class TestOfficers:
    def test_the_three_are_made_once_and_each_with_a_code(self, app):
        codes = dict(accounts.ensure_officers())
        assert set(codes) == {"sysadmin", "secadmin", "auditadmin"}
        assert accounts.ensure_officers() == []
        assert all(attempt(code, login) for login, code in codes.items())
        rows = db.session.scalars(select(Account).where(Account.officer.is_not(None))).all()
        assert {(row.officer, row.person_id, row.must_change_password) for row in rows} == {
            ("system", None, True),
            ("security", None, True),
            ("audit", None, True),
        }

    def test_a_code_that_ran_out_unused_is_replaced(self, app):
        accounts.ensure_officers()
        with present.at(present.now() + timedelta(days=8)):
            again = accounts.ensure_officers()
            assert len(again) == 3
            assert attempt(again[0][1], again[0][0])

    def test_officers_of_the_sample_are_taken_over(self, app, monkeypatch):
        monkeypatch.setitem(app.config, "DEMO", True)
        assert accounts.ensure_demo(None, "sysadmin", PASSWORD, officer="system")
        token = accounts.sign_in("sysadmin", PASSWORD, HERE).token
        assert [login for login, _code in accounts.ensure_officers()] == ["secadmin", "auditadmin"]
        monkeypatch.setitem(app.config, "DEMO", False)
        taken = dict(accounts.ensure_officers())
        assert set(taken) == {"sysadmin"}
        assert sessions.current(token) is None
        assert not attempt(PASSWORD, "sysadmin")
        assert attempt(taken["sysadmin"], "sysadmin")


class TestDemo:
    def test_it_needs_the_demonstration(self, person):
        with pytest.raises(Refused, match=r"account\.demo-off"):
            accounts.ensure_demo(person, LOGIN, PASSWORD)

    def test_it_may_be_repeated_and_brings_the_known_password_back(self, account, person):
        token = accounts.sign_in(LOGIN, PASSWORD, HERE).token
        accounts.change_password(sessions.current(token), PASSWORD, "mango{Tram}Nine", HERE)
        assert accounts.ensure_demo(person, LOGIN, PASSWORD)
        assert attempt()
        assert db.session.scalar(select(func.count()).select_from(Account)) == 1

    def test_it_leaves_a_real_account_alone(self, app, person, monkeypatch):
        code = accounts.invite(officer("system"), person.id, LOGIN).code
        monkeypatch.setitem(app.config, "DEMO", True)
        assert accounts.ensure_demo(person, LOGIN, PASSWORD) is False
        assert attempt(code)


class TestListing:
    def test_it_shows_people_with_and_without_account_and_officers_first(self, account):
        other = Person(code="shili-li", name="示例李四", name_pinyin="slls shi li li si", fictional=True)
        db.session.add(other)
        db.session.commit()
        accounts.ensure_officers()
        lines = accounts.listed(officer("system"), "")
        assert [line.name for line in lines[:3]] == ["审计管理员", "安全管理员", "系统管理员"]
        by_name = {line.name: line for line in lines}
        assert by_name[NAME].username == LOGIN
        assert by_name["示例李四"].account_id is None
        assert [line.name for line in accounts.listed(officer("security"), "slls")] == ["示例李四"]

    def test_nobody_else_reads_it(self, app):
        for capability in ("audit", "record"):
            with pytest.raises(Refused):
                accounts.listed(officer(capability))


@pytest.fixture
def committed(built_app: Flask, settings: config.Settings) -> Iterator[str]:
    """A login that other connections see too, taken away afterwards."""
    login = f"shili.{uuid4().hex[:8]}"
    with built_app.app_context(), scrubbed(settings):
        built_app.config["DEMO"] = True
        person = Person(code=login, name="示例王五", fictional=True)
        db.session.add(person)
        db.session.commit()
        person_id = person.id
        accounts.ensure_demo(person, login, PASSWORD)
        yield login
        built_app.config["DEMO"] = False
        forget(person_id)


def at_once(app: Flask, tries: list[tuple[str, str]]) -> list[bool]:
    """All attempts in threads of their own, let go by a barrier."""
    results: list[bool] = [False] * len(tries)
    barrier = threading.Barrier(len(tries))

    def run(place: int, login: str, password: str) -> None:
        with app.app_context():
            barrier.wait(30)
            results[place] = accounts.sign_in(login, password, HERE) is not None

    threads = [threading.Thread(target=run, args=(n, *one)) for n, one in enumerate(tries)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_sixteen_tries_at_once_judge_no_more_than_five_passwords(built_app, committed):
    assert not any(at_once(built_app, [(committed, f"wrong {n}") for n in range(16)]))
    with built_app.app_context():
        user_id = db.session.scalar(select(User.id).where(User.username == committed))
        reasons = db.session.scalars(select(Audit.detail).where(Audit.user_id == user_id)).all()
        account = db.session.scalars(select(Account).where(Account.user_id == user_id)).one()
        assert [detail["reason"] for detail in reasons if "reason" in detail].count("password") == 5
        assert [detail["reason"] for detail in reasons if "reason" in detail].count("locked") == 11
        assert account.failed_count == 5
        assert not accounts.sign_in(committed, PASSWORD, HERE)


def test_logins_at_once_leave_two_sessions(built_app, committed):
    assert all(at_once(built_app, [(committed, PASSWORD)] * 5))
    with built_app.app_context():
        user_id = db.session.scalar(select(User.id).where(User.username == committed))
        assert len(sessions.listed(user_id)) == 2


def test_nobody_enters_while_the_audit_trail_cannot_be_written(built_app, committed, settings):
    """Row 26: the act and its audit row are one transaction."""
    role = built_app.config["DATABASE_APP_ROLE"]
    with psycopg.connect(settings.database_url, autocommit=True) as owner:
        owner.execute(f"REVOKE INSERT ON audit FROM {role}")
        try:
            with built_app.app_context(), pytest.raises(ProgrammingError, match="permission denied"):
                accounts.sign_in(committed, PASSWORD, HERE)
        finally:
            owner.execute(f"GRANT INSERT ON audit TO {role}")
    with built_app.app_context():
        user_id = db.session.scalar(select(User.id).where(User.username == committed))
        assert sessions.listed(user_id) == []


def test_the_time_of_a_refusal_does_not_tell_whether_the_login_exists(built_app, committed):
    """Row 6 asks for medians within a tenth over 500 tries; here fewer tries, a wider margin."""
    cheap = built_app.config["FAB_PASSWORD_HASH_METHOD"]
    built_app.config.update(LOCK_FAILURES=10_000, FAB_PASSWORD_HASH_METHOD="scrypt")
    spent: dict[str, list[float]] = {committed: [], "nobody.here": []}
    try:
        with built_app.app_context():
            user = db.session.scalars(select(User).where(User.username == committed)).one()
            user.password = passwords.hashed(PASSWORD)
            db.session.commit()
            passwords.nobodys_hash()
            for _round in range(15):
                for login, times in spent.items():
                    began = perf_counter()
                    accounts.sign_in(login, "wrong", HERE)
                    times.append(perf_counter() - began)
    finally:
        built_app.config.update(LOCK_FAILURES=5, FAB_PASSWORD_HASH_METHOD=cheap)
    known, unknown = (median(times) for times in spent.values())
    assert abs(known - unknown) / max(known, unknown) < 0.25
