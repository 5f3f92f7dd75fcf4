"""How moments and names are written on pages."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from app.words import due_text
from tests.factories import moment

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("due_at", "text"),
    [
        ("2026-11-24T16:00:00", "2026-11-24 24:00"),
        ("2026-11-24T03:00:00", "2026-11-24 11:00"),
        ("2026-12-31T16:00:00", "2026-12-31 24:00"),
    ],
)
def test_midnight_is_the_end_of_the_day(due_at: str, text: str) -> None:
    assert due_text(moment(due_at), SHANGHAI) == text
