"""Inviting many: all or none, a code each, printed once."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import pytest
import xlsxwriter
from flask import Flask
from flask.testing import FlaskClient

from app.models import Account, Audit, db
from app.rules.errors import FieldErrors, Invalid, Refused
from app.rules.invitations import Wanted
from app.services import invitations
from app.services.sessions import Origin
from tests.factories import Factory

URL = "https://localhost"


def book(*rows: Sequence[Any]) -> bytes:
    file = BytesIO()
    with xlsxwriter.Workbook(file) as workbook:
        sheet = workbook.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return file.getvalue()


def test_everybody_gets_an_account_and_a_code_of_his_own(make: Factory) -> None:
    from app.services import accounts

    people = [make.person("示例甲"), make.person("示例乙")]
    slips = invitations.invite(make.actor(officer="system"), [Wanted(people[0].id, "jia1"), Wanted(people[1].id, "")])
    assert [slip.invitation.username for slip in slips] == ["jia1", people[1].code]
    assert len({slip.invitation.code for slip in slips}) == 2
    assert make.count(Audit, event="account.invited") == 2
    assert accounts.sign_in("jia1", slips[0].invitation.code, Origin()) is not None


def test_one_taken_name_invites_nobody(make: Factory) -> None:
    people = [make.person(), make.person()]
    taken = make.account(make.person()).username
    wanted = [Wanted(people[0].id, "free-name"), Wanted(people[1].id, taken)]
    with pytest.raises(FieldErrors) as caught:
        invitations.invite(make.actor(officer="system"), wanted)
    assert [(p.field, p.code) for p in caught.value.problems] == [(f"person-{people[1].id}", "account.username-taken")]
    db.session.expire_all()
    assert make.count(Account, person_id=people[0].id) == 0


def test_only_the_system_officer_invites(make: Factory) -> None:
    for actor in (make.actor(officer="security"), make.actor(make.person())):
        with pytest.raises(Refused):
            invitations.invite(actor, [Wanted(make.person().id, "")])
        with pytest.raises(Refused):
            invitations.read(actor, book(["姓名"]))


def test_a_repeated_invitation_is_refused_by_name(make: Factory) -> None:
    person = make.person()
    system = make.actor(officer="system")
    invitations.invite(system, [Wanted(person.id, "")])
    with pytest.raises(FieldErrors) as caught:
        invitations.invite(system, [Wanted(person.id, "another")])
    assert caught.value.problems[0].code == "account.exists"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "workbook.empty"),
        (b"no workbook", "workbook.not-a-workbook"),
        (book(["姓名", "单位"]), "invitations.empty"),
        (book(["电话"], ["1"]), "invitations.no-header"),
        (book(["姓名"], *[[f"示例{n}"] for n in range(101)]), "invitations.too-many"),
    ],
)
def test_a_bad_workbook_says_what_is_wrong(make: Factory, content: bytes, code: str) -> None:
    with pytest.raises(Invalid, match=code):
        invitations.read(make.actor(officer="system"), content)


def _post(client: FlaskClient, address: str, **data: Any) -> Any:
    return client.post(address, base_url=URL, data=data)


def test_from_workbook_to_printed_slips(app: Flask, make: Factory) -> None:
    unit = make.a_unit()
    found, double = make.person("示例独一", unit_id=unit.id), [make.person("示例同名"), make.person("示例同名")]
    system = make.signed_in(officer="system")
    content = book(["姓名", "单位"], ["示例独一", unit.name], ["示例同名", ""], ["示例无此人", ""])
    looked = _post(system, "/accounts/invitations/list", workbook=(BytesIO(content), "示例.xlsx"))
    assert looked.status_code == 200
    assert f'name="username-{found.id}"' in looked.text
    assert "2 行不能使用" in looked.text or "2行不能使用" in looked.text
    assert all(f'name="username-{one.id}"' not in looked.text for one in double)
    printed = _post(system, "/accounts/invite-many", person=str(found.id), **{f"username-{found.id}": "duyi"})
    assert printed.status_code == 200
    assert "duyi" in printed.text
    assert "no-store" in printed.headers["Cache-Control"]
    again = _post(system, "/accounts/invite-many", person=str(found.id))
    assert again.status_code == 422
    assert "示例独一" in again.text


def test_the_downloaded_list_can_be_handed_in_again(app: Flask, make: Factory) -> None:
    person = make.person("示例下载")
    system = make.signed_in(officer="system")
    content = _post(system, "/accounts/invitations/template").data
    reading = invitations.read(make.actor(officer="system"), content)
    assert Wanted(person.id, person.code) in [wanted for _line, wanted in reading.pairs]
    assert reading.problems == ()
