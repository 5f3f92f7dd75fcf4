"""Signs of life of the processes that must run, for the health page and the alarms (SECURITY §2 step 7)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.models import Heartbeat, db
from app.services.transaction import transaction


def beat(name: str) -> None:
    """Note that the process of this name lives, by the database's clock."""
    row = insert(Heartbeat).values(name=name, at=func.clock_timestamp())
    with transaction():
        db.session.execute(row.on_conflict_do_update(index_elements=["name"], set_={"at": row.excluded.at}))


def ages() -> dict[str, float]:
    """Seconds since the last sign of life of every process ever seen."""
    rows = db.session.execute(select(Heartbeat.name, func.extract("epoch", func.clock_timestamp() - Heartbeat.at)))
    return {name: float(age) for name, age in rows}


def last(name: str) -> datetime | None:
    """When the process of this name was last alive."""
    found: datetime | None = db.session.scalar(select(Heartbeat.at).where(Heartbeat.name == name))
    return found
