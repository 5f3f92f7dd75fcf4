"""One running product and one Chromium for all browser tests; `make e2e`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e import product as products
from tests.e2e.product import Product
from tests.e2e.visitor import Visitor

Visit = Callable[..., Visitor]


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The whole product with a small sample quarter, once for all tests."""
    with products.running(tmp_path_factory.mktemp("product")) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium (or CHROMIUM), else the one that playwright brought."""
    with sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
        # As root there is no sandbox to be had.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        with playwright.chromium.launch(executable_path=path, args=arguments) as browser:
            yield browser


@pytest.fixture
def visit(product: Product, browser: Browser, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Visit]:
    """`visit("wuyongjun")` signs that person in; a complaint of any browser fails the test."""
    visitors: list[Visitor] = []

    def arrive(username: str, *, language: str = "zh", width: int = 1440, sign_in: bool = True) -> Visitor:
        context = browser.new_context(
            base_url=product.url,
            locale={"zh": "zh-CN", "en": "en-GB"}[language],
            timezone_id="Asia/Shanghai",
            viewport={"width": width, "height": 900},
        )
        visitor = Visitor(product, context, username)
        visitors.append(visitor)
        if sign_in:
            visitor.sign_in()
            if language != "zh":
                visitor.open(f"/lang/{language}")
        return visitor

    yield arrive
    failed = getattr(request.node, "failed", False)
    for number, visitor in enumerate(visitors):
        if failed and not visitor.page.is_closed():
            visitor.page.screenshot(path=tmp_path / f"{number}-{visitor.username}.png")
        visitor.context.close()
    faults = [f"{visitor.username}: {fault}" for visitor in visitors for fault in visitor.faults]
    assert not faults, "\n".join(faults)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Let `visit` know whether its test failed, so that it can keep pictures."""
    report = yield
    if report.when == "call":
        item.failed = report.failed  # type: ignore[attr-defined]
    return report
