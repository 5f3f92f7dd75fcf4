"""From rows to grants: who acts for which post at this moment, in one statement; and the generated roles.

Who *has* a role is never stored. What a role *may* is: one Flask-AppBuilder role per post, function and officer,
whose permission rows are regenerated in the transaction that changes the post.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from app.models import Post, db
from app.rules import grants as rules
from app.rules import roster
from app.services import present

OFFICER = "officer:"
FUNCTION = "function:"
POST = "post:"


@dataclass(frozen=True, slots=True)
class ActingPost:
    """A post somebody acts for now, with what a desk shows of it. `role` is A, B or S (stands in for both)."""

    id: int
    code: str
    number: int
    name: str
    name_en: str
    channel_class: str | None
    capabilities: tuple[str, ...]
    role: str
    rule: str
    filled_by_duty: bool


@dataclass(frozen=True, slots=True)
class PersonName:
    """Somebody's name in both languages."""

    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class StandingBy:
    """A post somebody holds without acting for it now, who acts instead, and why: roster.Standby's reasons."""

    id: int
    number: int
    name: str
    name_en: str
    role: str
    reason: str
    acting: tuple[PersonName, ...]

    @property
    def may_take_over(self) -> bool:
        """B may act by hand while A is there; not while he himself is away or another already took over."""
        return self.role == "B" and self.reason == "a_present" and bool(self.acting)


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything one account is at this moment."""

    user_id: int
    person_id: int | None
    name: str
    name_en: str
    grants: rules.GrantSet
    pairs: frozenset[rules.Pair]
    posts: tuple[ActingPost, ...]
    standby: tuple[StandingBy, ...]
    overseen: tuple[int, ...]
    units: tuple[int, ...]
    sections: tuple[int, ...]
    portfolios: tuple[int, ...]
    officer: str | None
    coverage_gaps: int = 0
    changes_filed: int = 0  # personnel changes that wait for this person's acknowledgement (R16)
    rights_waiting: int = 0  # changes of a post's rights that wait for the security officer


# One statement: candidates are the posts the person holds, sits a shift for or leads; their holdings, the shifts
# of their offices and the absences of everybody named decide who acts, in app/rules/roster.py.
_FACTS = text(
    """
    WITH me AS (
        SELECT a.user_id, p.id AS person_id, a.officer, COALESCE(p.name, u.first_name) AS name,
               COALESCE(NULLIF(p.name_en, ''), p.name, u.last_name) AS name_en
        FROM account a JOIN ab_user u ON u.id = a.user_id
        LEFT JOIN person p ON p.id = a.person_id AND p.active
        WHERE a.user_id = :user_id AND u.active
    ), my_offices AS (
        SELECT s.office_id FROM duty_shift s JOIN duty_seat t ON t.shift_id = s.id
        WHERE s.valid @> CAST(:now AS timestamptz) AND t.person_id = (SELECT person_id FROM me)
    ), mine AS (
        SELECT p.* FROM post p
        WHERE p.active AND (
            p.leader_id = (SELECT person_id FROM me)
            OR (p.filled_by_duty AND p.office_id IN (SELECT office_id FROM my_offices))
            OR EXISTS (SELECT 1 FROM holding h WHERE h.post_id = p.id
                       AND h.person_id = (SELECT person_id FROM me) AND h.valid @> CAST(:now AS timestamptz))
            OR EXISTS (SELECT 1 FROM stand_in i WHERE i.post_id = p.id
                       AND i.person_id = (SELECT person_id FROM me) AND i.valid @> CAST(:now AS timestamptz)))
    ), held AS (
        SELECT h.post_id, h.person_id, h.role, x.name, x.name_en, lower(h.valid) AS starts_at, upper(h.valid) AS ends_at
        FROM holding h JOIN person x ON x.id = h.person_id AND x.active
        WHERE h.post_id IN (SELECT id FROM mine) AND h.valid @> CAST(:now AS timestamptz)
    ), seats AS (
        SELECT s.id, s.office_id, lower(s.valid) AS starts_at, upper(s.valid) AS ends_at,
               t.person_id, t.seat, x.name, x.name_en
        FROM duty_shift s JOIN duty_seat t ON t.shift_id = s.id JOIN person x ON x.id = t.person_id AND x.active
        WHERE s.valid @> CAST(:now AS timestamptz)
          AND s.office_id IN (SELECT office_id FROM mine WHERE filled_by_duty)
    ), standing AS (
        SELECT i.post_id, i.person_id, i.kind, x.name, x.name_en, lower(i.valid) AS starts_at, upper(i.valid) AS ends_at
        FROM stand_in i JOIN person x ON x.id = i.person_id AND x.active
        WHERE i.post_id IN (SELECT id FROM mine) AND i.valid @> CAST(:now AS timestamptz)
    ), away AS (
        SELECT b.person_id, lower(b.valid) AS starts_at, upper(b.valid) AS ends_at FROM absence b
        WHERE b.state = 'confirmed' AND b.valid @> CAST(:now AS timestamptz)
          AND b.person_id IN (SELECT person_id FROM held UNION SELECT person_id FROM seats
                              UNION SELECT person_id FROM standing)
    )
    SELECT (SELECT row_to_json(me) FROM me) AS me,
           (SELECT json_agg(mine ORDER BY mine.sort, mine.number) FROM mine) AS posts,
           (SELECT json_agg(held) FROM held) AS held,
           (SELECT json_agg(seats ORDER BY seats.id) FROM seats) AS seats,
           (SELECT json_agg(away) FROM away) AS away,
           (SELECT json_agg(standing) FROM standing) AS standing,
           (SELECT json_agg(json_build_array(m.function, m.unit_id)) FROM membership m JOIN unit u ON u.id = m.unit_id
             WHERE m.person_id = (SELECT person_id FROM me) AND m.active AND u.active) AS functions,
           (SELECT json_agg(l.id) FROM portfolio l WHERE l.active AND (
                EXISTS (SELECT 1 FROM portfolio_place q WHERE q.portfolio_id = l.id
                        AND q.person_id = (SELECT person_id FROM me) AND q.valid @> CAST(:now AS timestamptz))
                OR EXISTS (SELECT 1 FROM stand_in i JOIN portfolio_place q ON q.unit_id = i.unit_id
                           WHERE q.portfolio_id = l.id AND q.place = 'unit' AND q.valid @> CAST(:now AS timestamptz)
                           AND i.link = 'final' AND i.person_id = (SELECT person_id FROM me)
                           AND i.valid @> CAST(:now AS timestamptz)))) AS portfolios,
           (SELECT count(*) FROM capability_change
             WHERE state = 'pending' AND (SELECT officer FROM me) IS NOT NULL) AS rights_waiting,
           (SELECT json_agg(json_build_array(r.name, p.name, v.name))
              FROM ab_role r JOIN ab_permission_view_role pr ON pr.role_id = r.id
              JOIN ab_permission_view pv ON pv.id = pr.permission_view_id
              JOIN ab_permission p ON p.id = pv.permission_id JOIN ab_view_menu v ON v.id = pv.view_menu_id
             WHERE r.name LIKE 'function:%' OR r.name = 'officer:' || (SELECT officer FROM me)
                OR r.name IN (SELECT 'post:' || code FROM mine)) AS permissions,
           (SELECT row_to_json(s) FROM (SELECT gaps, by_post FROM coverage_state) s) AS coverage,
           (SELECT count(*) FROM staffing_change c WHERE c.state = 'filed'
               AND EXISTS (SELECT 1 FROM mine WHERE 'triage' = ANY(capabilities))) AS changes_filed
    """
)


def standing_of(user_id: int, at: datetime | None = None) -> Standing | None:
    """What this account is at `at` (now by default); None for an account that is not known or not active."""
    moment = at or present.now()
    row = db.session.execute(_FACTS, {"user_id": user_id, "now": moment}).mappings().one()
    return _standing(row, moment) if row["me"] else None


def _standing(row: Any, moment: datetime) -> Standing:
    me = row["me"]
    posts: list[dict[str, Any]] = row["posts"] or []
    acting, standby, overseen = _sort_posts(row, posts, me["person_id"], moment)
    functions = [tuple(pair) for pair in row["functions"] or []]
    facts = rules.Facts(
        acting=tuple(rules.ActingPost(_duty(post), role) for post, role, _rule in acting),
        units=tuple(unit for function, unit in functions if function == "handler"),
        sections=tuple(unit for function, unit in functions if function == "section_clerk"),
        portfolios=tuple(row["portfolios"] or ()),
        overseen=tuple(_duty(post) for post in overseen),
        officer=me["officer"],
    )
    granted = rules.grants_for(facts)
    roles = {POST + post["code"] for post, _role, _rule in acting}
    roles |= {FUNCTION + code for code in granted.capabilities} | {f"{OFFICER}{facts.officer}"}
    return Standing(
        user_id=me["user_id"],
        person_id=me["person_id"],
        name=me["name"],
        name_en=me["name_en"],
        grants=granted,
        pairs=rules.EVERYBODY | {(p, v) for role, p, v in row["permissions"] or [] if role in roles},
        posts=tuple(
            ActingPost(
                post["id"],
                post["code"],
                post["number"],
                post["name"],
                post["name_en"] or post["name"],
                post["channel_class"],
                tuple(post["capabilities"]),
                role,
                rule,
                post["filled_by_duty"],
            )
            for post, role, rule in acting
        ),
        standby=standby,
        overseen=tuple(post["id"] for post in overseen),
        units=facts.units,
        sections=facts.sections,
        portfolios=facts.portfolios,
        officer=facts.officer,
        coverage_gaps=_coverage_gaps(row["coverage"], granted, overseen),
        changes_filed=row["changes_filed"] if granted.can("triage") else 0,
        rights_waiting=row["rights_waiting"],
    )


def _coverage_gaps(found: dict[str, Any] | None, granted: rules.GrantSet, overseen: list[dict[str, Any]]) -> int:
    """The gaps of posts that this person's badge counts: all, or those of the posts he leads."""
    if found is None:
        return 0
    if any(granted.can(capability) for capability in rules.COVERAGE_READERS):
        return int(found["gaps"])
    return sum(int(found["by_post"].get(str(post["id"]), 0)) for post in overseen)


Sorted = tuple[list[tuple[dict[str, Any], str, str]], tuple[StandingBy, ...], list[dict[str, Any]]]


def _sort_posts(row: Any, posts: list[dict[str, Any]], person_id: int | None, moment: datetime) -> Sorted:
    """The posts the person acts for (with role and rule), those he only stands by for, and those he oversees."""
    staffing = _staffing(row)
    known = [*(row["held"] or []), *(row["seats"] or []), *(row["standing"] or [])]
    names = {entry["person_id"]: PersonName(entry["name"], entry["name_en"]) for entry in known}
    acting, standby, overseen = [], [], []
    for post in posts:
        facts = roster.PostFacts(post["id"], post["office_id"], post["filled_by_duty"], post["leader_id"])
        now = roster.acting(facts, moment, staffing)
        mine = next((person for person in now.persons if person.person_id == person_id), None)
        if mine is not None:
            acting.append((post, mine.role, mine.rule.value))
        elif person_id is not None:
            for stand in roster.standby(person_id, moment, [facts], staffing):
                others = tuple(names[other] for other in now.person_ids)
                name_en = post["name_en"] or post["name"]
                standby.append(
                    StandingBy(post["id"], post["number"], post["name"], name_en, stand.role, stand.reason, others)
                )
        if post["leader_id"] == person_id:
            overseen.append(post)
    return acting, tuple(standby), overseen


def _staffing(row: Any) -> roster.Staffing:
    holdings = [
        roster.Holding(h["post_id"], h["person_id"], h["role"], _moment(h["starts_at"]), _end(h["ends_at"]))
        for h in row["held"] or []
    ]
    absences = [
        roster.Absence(a["person_id"], _moment(a["starts_at"]), _end(a["ends_at"])) for a in row["away"] or []
    ]
    shifts = []
    seats = row["seats"] or []
    for shift_id in dict.fromkeys(seat["id"] for seat in seats):
        own = [seat for seat in seats if seat["id"] == shift_id]
        main = tuple(seat["person_id"] for seat in own if seat["seat"] == "main")
        second = tuple(seat["person_id"] for seat in own if seat["seat"] == "second")
        first = own[0]
        shifts.append(
            roster.Shift(
                first["office_id"], _moment(first["starts_at"]), _end(first["ends_at"]), main, second
            )
        )
    stand_ins = [
        roster.StandIn(
            i["post_id"],
            i["person_id"],
            _moment(i["starts_at"]),
            _end(i["ends_at"]),
            takes_over=i["kind"] == "take_over",
        )
        for i in row["standing"] or []
    ]
    return roster.Staffing(holdings, shifts, absences, stand_ins)


def _moment(value: str | None) -> datetime:
    return datetime.min.replace(tzinfo=UTC) if value in (None, "-infinity") else datetime.fromisoformat(value)


def _end(value: str | None) -> datetime | None:
    return None if value in (None, "infinity") else datetime.fromisoformat(value)


def _duty(post: dict[str, Any]) -> rules.PostDuty:
    return rules.PostDuty(
        post_id=post["id"],
        capabilities=tuple(post["capabilities"]),
        scope=rules.Scope(post["scope"]),
        office_id=post["office_id"],
        channel_class=post["channel_class"],
    )


def regenerate_roles() -> None:
    """Write the permission rows of every post, function and officer anew, inside the open transaction.

    One at a time: a second transaction waits here for the first, then reads the posts as that left them.
    """
    db.session.flush()
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("regenerate_roles", 0))))
    wanted: dict[str, Iterable[rules.Pair]] = {
        POST + code: rules.permissions_of(capabilities)
        for code, capabilities in db.session.execute(select(Post.code, Post.capabilities).where(Post.active))
    }
    for capability in rules.CAPABILITIES.values():
        if capability.source is rules.Source.FUNCTION:
            wanted[FUNCTION + capability.code] = capability.pairs
        elif capability.source is rules.Source.OFFICER:
            wanted[OFFICER + capability.code] = capability.pairs
    pair_ids = _permission_ids(rules.all_permissions())
    for name, pairs in wanted.items():
        _write_role(name, {pair_ids[pair] for pair in pairs})
    _drop_roles(keep=wanted)


def _permission_ids(pairs: Iterable[rules.Pair]) -> dict[rules.Pair, int]:
    from flask_appbuilder.security.sqla.models import Permission, PermissionView, ViewMenu

    pairs = sorted(pairs)
    for model, names in ((Permission, {p for p, _v in pairs}), (ViewMenu, {v for _p, v in pairs})):
        db.session.execute(insert(model).on_conflict_do_nothing(), [{"name": name} for name in sorted(names)])
    permissions: dict[str, int] = dict(db.session.execute(select(Permission.name, Permission.id)).all())
    views: dict[str, int] = dict(db.session.execute(select(ViewMenu.name, ViewMenu.id)).all())
    ids = [{"permission_id": permissions[p], "view_menu_id": views[v]} for p, v in pairs]
    db.session.execute(insert(PermissionView).on_conflict_do_nothing(), ids)
    rows = db.session.execute(
        select(PermissionView.permission_id, PermissionView.view_menu_id, PermissionView.id)
    )
    known = {(permission, view): found for permission, view, found in rows}
    return {(p, v): known[permissions[p], views[v]] for p, v in pairs}


def _write_role(name: str, pair_ids: set[int]) -> None:
    from flask_appbuilder.security.sqla.models import Role
    from flask_appbuilder.security.sqla.models import assoc_permissionview_role as rows

    db.session.execute(insert(Role).values(name=name).on_conflict_do_nothing())
    role_id = db.session.scalars(select(Role.id).where(Role.name == name)).one()
    stale = rows.c.role_id == role_id
    db.session.execute(delete(rows).where(stale, rows.c.permission_view_id.notin_(pair_ids)))
    if pair_ids:
        values = [{"role_id": role_id, "permission_view_id": pair} for pair in sorted(pair_ids)]
        db.session.execute(insert(rows).on_conflict_do_nothing(), values)


def _drop_roles(*, keep: Iterable[str]) -> None:
    """Remove the roles of posts that are gone. Public stays, without a permission: the framework asks for it."""
    from flask_appbuilder.security.sqla.models import Role
    from flask_appbuilder.security.sqla.models import assoc_permissionview_role as rows

    gone = select(Role.id).where(Role.name.notin_([*keep, "Public"]))
    db.session.execute(delete(rows).where(rows.c.role_id.in_(gone)))
    db.session.execute(delete(Role).where(Role.name.notin_([*keep, "Public"])))
    db.session.execute(insert(Role).values(name="Public").on_conflict_do_nothing())
