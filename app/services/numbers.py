"""Gapless numbers (R4): a locked counter per series and local year, taken last in the transaction that uses it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.models import NumberCounter, NumberSeries, db
from app.rules import numbering
from app.rules.errors import NotFound
from app.services import present


def take(series: str, count: int = 1, *, fields: Mapping[str, str] | None = None) -> list[str]:
    """The next `count` numbers of `series`, rendered; the counter stays locked until the transaction ends.

    Raises NotFound("number.unknown-series").
    """
    template = db.session.scalar(select(NumberSeries.template).where(NumberSeries.code == series))
    if template is None:
        raise NotFound("number.unknown-series", {"series": series})
    year = present.today().year
    db.session.flush()
    statement = (
        insert(NumberCounter)
        .values(series=series, year=year, last_value=count)
        .on_conflict_do_update(
            index_elements=[NumberCounter.series, NumberCounter.year],
            set_={"last_value": NumberCounter.last_value + count},
        )
        .returning(NumberCounter.last_value)
    )
    last = db.session.execute(statement).scalar_one()
    return [
        numbering.render(template, year=year, seq=value, **(fields or {}))
        for value in range(last - count + 1, last + 1)
    ]
