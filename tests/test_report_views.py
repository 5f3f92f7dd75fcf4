"""The pages of the overdue report and of the quarterly reports over HTTP."""

from __future__ import annotations

import pytest

from tests.factories import Factory

URL = "https://localhost"


@pytest.mark.parametrize("address", ["/overdue/", "/overdue/rows", "/reports/"])
def test_smoke(make: Factory, address: str) -> None:
    page = make.signed_in(make.holder("supervisor")).get(address, base_url=URL)
    assert page.status_code == 200, page.text[:3000]
