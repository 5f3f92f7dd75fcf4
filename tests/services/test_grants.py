"""Who acts now, computed in one statement from the staffing table; roles generated from it (R15, R17)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range

from app.models import Absence, DutyShift, Person, Post, db
from app.rules.errors import Refused
from app.rules.grants import CAPABILITIES, permissions_of
from app.services import grants, present
from app.services.grants import Standing
from tests.factories import Factory
from tests.test_desk import counted


def _standing(make: Factory, person: Person) -> Standing:
    found = grants.standing_of(make.user_of(person).id)
    assert found is not None
    return found


def _send_away(person: Person) -> None:
    now = present.now()
    db.session.add(Absence(person_id=person.id, valid=Range(now - timedelta(hours=1), now + timedelta(days=1))))
    db.session.commit()


def test_a_acts_and_b_stands_by(make: Factory) -> None:
    a, b = make.holder("collector_d"), make.holder("collector_d", "B")
    assert [(post.code, post.role) for post in _standing(make, a).posts] == [("collector_d", "A")]
    standby = _standing(make, b)
    assert standby.posts == ()
    assert [(stand.role, stand.acting[0].name) for stand in standby.standby] == [("B", a.name)]
    assert not standby.grants.can("collect")


def test_b_acts_while_a_is_away(make: Factory) -> None:
    a, b = make.holder("collector_d"), make.holder("collector_d", "B")
    _send_away(a)
    assert [(post.code, post.role, post.rule) for post in _standing(make, b).posts] == [
        ("collector_d", "B", "b_for_absent_a")
    ]
    assert not _standing(make, a).grants.can("collect")


def test_the_person_on_duty_collects_for_his_office(make: Factory) -> None:
    person = make.holder("collector_a")
    assert {post.code for post in _standing(make, person).posts} == {"collector_a", "collector_f"}


def test_a_shift_that_ended_gives_nothing(make: Factory) -> None:
    person = make.person()
    now = present.now()
    office = make.post("collector_b").office
    shift = DutyShift(office_id=office.id, valid=Range(now - timedelta(hours=9), now - timedelta(hours=1)))
    db.session.add(shift)
    db.session.commit()
    assert _standing(make, person).posts == ()


def test_a_standing_costs_one_statement(make: Factory) -> None:
    user_id = make.user_of(make.holder("registrar")).id
    with counted() as statements:
        grants.standing_of(user_id)
    assert len(statements) == 1


def test_an_officer_has_no_appeals(make: Factory) -> None:
    standing = grants.standing_of(make.user_of(None, "system").id)
    assert standing is not None
    assert not standing.grants.scopes_for_reading()
    assert ("can_read", "Posts") in standing.pairs
    assert ("can_read", "Appeals") not in standing.pairs


def test_an_officer_who_holds_a_post_is_refused(make: Factory) -> None:
    from app.rules.grants import ActingPost, Facts, PostDuty, Scope, grants_for

    duty = PostDuty(1, ("number",), Scope.ALL, 1)
    with pytest.raises(Refused) as refused:
        grants_for(Facts(acting=(ActingPost(duty, "A"),), officer="security"))
    assert refused.value.code == "officer.combined"


def test_a_responsible_leader_reads_what_his_posts_read(make: Factory) -> None:
    leader = make.post("collector_e").leader
    assert leader is not None
    standing = _standing(make, leader)
    assert standing.grants.can("oversee")
    assert standing.grants.scopes_for_reading().classes == {"E"}
    assert not standing.grants.can("collect")


def test_a_changed_post_changes_its_role_at_once(make: Factory) -> None:
    person = make.holder("liaison")
    before = _standing(make, person)
    post = db.session.scalars(select(Post).where(Post.code == "liaison")).one()
    post.capabilities = [*post.capabilities, "report"]
    grants.regenerate_roles()
    db.session.commit()
    gained = _standing(make, person).pairs - before.pairs
    assert ("can_compile", "Reports") in gained


def test_every_post_and_function_has_its_generated_role(make: Factory) -> None:
    roles = {role.name: role for role in db.session.scalars(select(Role))}
    assert {f"post:{post.code}" for post in db.session.scalars(select(Post))} <= set(roles)
    for name, role in roles.items():
        kind, _sep, code = name.partition(":")
        if kind == "post":
            wanted = permissions_of(make.post(code).capabilities)
        elif name == "Public":
            wanted = frozenset()
        else:
            wanted = CAPABILITIES[code].pairs
        assert {(pair.permission.name, pair.view_menu.name) for pair in role.permissions} == wanted
