"""A person at a browser: signs in through the form, reads what is to be seen, clicks what can be clicked.

Whatever the browser complains about on the way (a script error, a breach of the page policy, a failed request, an
answer of 500) is kept, and fails the test that caused it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, Response, expect

from tests.e2e.product import Product

APPEAL = re.compile(r"/appeals/(\d+)$")


class Visitor:
    """One browser of one person, in one language."""

    def __init__(self, product: Product, context: BrowserContext, username: str) -> None:
        self.product, self.context, self.username = product, context, username
        self.faults: list[str] = []
        self._refusals = 0
        self.page: Page = context.new_page()
        self.page.set_default_timeout(15_000)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("response", self._on_response)
        self.page.on("requestfailed", self._on_failure)

    # --- what must not happen -----------------------------------------------------------------------------

    def _on_console(self, message: ConsoleMessage) -> None:
        # Chromium repeats every answer of 400 and more there; answers are judged below.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.faults.append(f"console on {self.page.url}: {message.text}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 500 or (response.status >= 400 and not self._refusals):
            self.faults.append(f"{response.status} {response.request.method} {response.url}")

    def _on_failure(self, request: Request) -> None:
        # A page that is left cancels what it was still polling, and a download leaves no page.
        if request.failure not in ("net::ERR_ABORTED", None):
            self.faults.append(f"{request.failure} {request.url}")

    @contextmanager
    def refused(self) -> Iterator[None]:
        """Inside, an answer of 4xx is what is wanted."""
        self._refusals += 1
        try:
            yield
        finally:
            self._refusals -= 1

    # --- going places -------------------------------------------------------------------------------------

    def open(self, path: str) -> None:
        """Go to a path of the product."""
        self.page.goto(self.product.url + path)

    def sign_in(self) -> Visitor:
        """Through the login form, to one's desk; a leader to his slips."""
        self.open("/login/")
        self.page.fill("input[name=username]", self.username)
        self.page.fill("input[name=password]", self.product.passwords[self.username])
        self.page.locator("form[name=login] button[type=submit]").click()
        self.page.wait_for_url(re.compile(r"/(desk|leader)/$"))
        return self

    def desk(self) -> Page:
        """One's desk, fresh."""
        self.open("/desk/")
        return self.page

    def appeal(self, appeal_id: int) -> Page:
        """An appeal's page."""
        self.open(f"/appeals/{appeal_id}")
        return self.page

    # --- reading ------------------------------------------------------------------------------------------

    def queue(self, name: str) -> Locator:
        """The card of a queue on the desk, such as "number.to_number"."""
        return self.page.locator(f"section[id^='{name}.']")

    def waits(self, name: str) -> int:
        """How many appeals wait in a queue of the desk, as its heading says; a clerk of two sections has two of it."""
        self.desk()
        return sum(int(text) for text in self.queue(name).locator(".card-head .badge").all_inner_texts())

    def state(self, appeal_id: int) -> str:
        """The state chip on top of the appeal's page."""
        return self.appeal(appeal_id).locator(".next-step .chip").first.inner_text().strip()

    def timeline(self) -> list[str]:
        """The titles of the timeline on the open page, oldest first."""
        return [title.strip() for title in self.page.locator(".timeline-head b").all_inner_texts()]

    # --- doing --------------------------------------------------------------------------------------------

    def fill(self, **fields: str) -> None:
        """Fill in fields of the open form by name; a choice by its value."""
        for name, value in fields.items():
            control = self.page.locator(f"main [name='{name}']")
            if control.evaluate("e => e.tagName") == "SELECT":
                self._choose(control, value)
            else:
                control.fill(value)

    def _choose(self, select: Locator, value: str) -> None:
        """Like a person: a long list is typed into, a short one opened."""
        if not select.get_attribute("data-enhanced"):
            select.select_option(value)
            return
        label = select.locator(f"option[value='{value}']").first.inner_text().strip()
        box = select.locator("xpath=..").get_by_role("combobox")
        box.click()
        box.fill(label)
        select.locator("xpath=..").get_by_role("option", name=label, exact=True).first.click()
        assert select.input_value() == value

    def submit(self) -> None:
        """Send the open form by its first button and wait for the next page."""
        with self.page.expect_navigation():
            self.page.locator("main .action-bar .btn-primary").first.click()

    def step(self, appeal_id: int, action: str, **fields: str) -> None:
        """Do one step from the appeal's page: its button, its form, send."""
        self.appeal(appeal_id)
        link = self.page.locator(f".action-bar a[href$='/appeals/{appeal_id}/{action}']")
        if link.count():
            link.click()
            self.page.wait_for_url(f"**/appeals/{appeal_id}/{action}")
            self.fill(**fields)
            self.submit()
        else:
            with self.page.expect_navigation():
                self.page.locator(f".action-bar form[action$='/{action}'] button").click()
        expect(self.page).to_have_url(re.compile(rf"/appeals/{appeal_id}$"))

    def actions(self, appeal_id: int) -> list[str]:
        """The names of the steps offered on the appeal's page."""
        self.appeal(appeal_id)
        bar = self.page.locator(".action-bar")
        found = bar.locator("a[href]").evaluate_all("all => all.map(e => e.getAttribute('href'))")
        found += bar.locator("form").evaluate_all("all => all.map(e => e.getAttribute('action'))")
        return sorted(address.rsplit("/", 1)[1] for address in found)
