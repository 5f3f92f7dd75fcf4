"""The category tree: nodes by the path of their names; loading a tree again adds nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from app.models import Category, db
from app.rules.columns import CATEGORY_SEPARATOR, LEVELS, category_code, category_key
from app.rules.imports import CategoryPath
from app.services import journal
from app.services.actors import Actor
from app.services.pinyin import sort_key


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading paths did to the tree, counted in nodes of every level."""

    added: int = 0
    named: int = 0  # got the English name they lacked
    here: int = 0


def by_key() -> dict[str, int]:
    """Id of every node by the key of its path (app/rules/columns.py `category_key`)."""
    rows = db.session.execute(select(Category.code, Category.id)).all()
    return {category_key(code.split(CATEGORY_SEPARATOR)): found for code, found in rows}


def missing(paths: Iterable[CategoryPath]) -> set[str]:
    """The codes of nodes, ancestors included, that these paths would add."""
    return set(_wanted(paths)) - set(db.session.scalars(select(Category.code)))


def load(actor: Actor, paths: Iterable[CategoryPath], *, post_id: int | None, role: str | None) -> Loaded:
    """Add the nodes that are missing, ancestors first, in the open transaction; one journal row per change.

    Names that stand in the tree stay as an administrator left them; an English name is only filled in.
    """
    known = {row.code: row for row in db.session.scalars(select(Category))}
    english = _wanted(paths)
    named = _fill_in_english(known, english)
    order = db.session.scalar(select(func.coalesce(func.max(Category.sort), 0))) or 0
    fresh = {code: order + place for place, code in enumerate((code for code in english if code not in known), 1)}
    for level in range(1, len(LEVELS) + 1):
        nodes = {}
        for code, sort in fresh.items():
            *above, name = code.split(CATEGORY_SEPARATOR)
            if len(above) + 1 == level:
                parent = known.get(CATEGORY_SEPARATOR.join(above))
                nodes[code] = Category(
                    code=code,
                    name=name,
                    name_en=english[code],
                    name_pinyin=sort_key(name),
                    level=level,
                    sort=sort,
                    parent_id=parent.id if parent is not None else None,
                )
        db.session.add_all(nodes.values())
        db.session.flush()
        known |= nodes
    for action, codes in (("add", fresh), ("edit", named)):
        for node in (known[code] for code in codes):
            new = {"code": node.code, "name": node.name, "name_en": node.name_en}
            journal.write(actor, action, "category", node.id, new=new, post_id=post_id, role=role)
    return Loaded(len(fresh), len(named), len(english) - len(fresh))


def _wanted(paths: Iterable[CategoryPath]) -> dict[str, str]:
    """Code → English name of every node the paths name, ancestors first, in order of appearance."""
    found: dict[str, str] = {}
    for path in paths:
        for depth, name_en in enumerate(path.names_en, 1):
            code = category_code(path.names[:depth])
            found[code] = found.get(code) or name_en
    return found


def _fill_in_english(known: Mapping[str, Category], english: Mapping[str, str]) -> list[str]:
    codes = [code for code, name in english.items() if name and code in known and not known[code].name_en]
    for code in codes:
        known[code].name_en = english[code]
    return codes
