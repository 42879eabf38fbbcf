"""The sales pages in a real browser through a running Airflow: logged in, opened from the navigation, used, and refused."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import chromium
import pytest
import reverse_proxy
from chromium import Browser
from pages_sales import HOSTILE
from screenshots import sales_in_airflow

from magodoo_devstack import ports
from magodoo_devstack.environment import environment
from magodoo_devstack.layout import Layout
from magodoo_devstack.state import State

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
ENTRIES = {
    "Sales": "/magento/", "Invoices": "/magento/list/invoices", "Shipments": "/magento/list/shipments",
    "Credit Memos": "/magento/list/credit_memos", "Findings": "/magento/findings", "Changes": "/magento/changes",
    "Statement": "/magento/statement",
}  # fmt: skip
LOOKED_AT = (
    *ENTRIES.values(), "/magento/list/orders", "/magento/changes?tab=waiting", "/magento/quarantine", "/magento/runs", "/magento/preflight",
    "/magento/document/us/magento/invoice/i5", "/magento/document/us/magento/invoice/i9", "/magento/finding/1", "/magento/change/2",
    "/magento/statement/us/2026-10", "/magento/quarantine/1", "/magento/data-docs/us",
)  # fmt: skip

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not chromium.PROGRAM, reason="Chromium is not installed (Debian: apt-get install chromium)"),
]


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return Layout(tmp_path_factory.mktemp("stack"))


@pytest.fixture(scope="module")
def stack(layout: Layout) -> Iterator[State]:
    """An Airflow with the plugin, and staged sales."""
    with sales_in_airflow(layout.checkout) as state:
        yield state


@pytest.fixture
def moved(layout: Layout, stack: State) -> Iterator[str]:
    """The address of the same Airflow behind a reverse proxy, below a path."""
    port = ports.any_free()
    with reverse_proxy.serving(port) as proxy:
        address = f"{proxy}/airflow"
        settings = {"AIRFLOW__API__PORT": f"{port}", "AIRFLOW__API__BASE_URL": address}
        with (layout.log / "moved.log").open("wb") as log:
            server = subprocess.Popen(
                [layout.program("airflow"), "api-server", "--port", f"{port}", "--proxy-headers"],
                env=environment(layout, stack) | settings, cwd=layout.checkout, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            reverse_proxy.wait(f"{address}/api/v2/version", seconds=120)
            yield address
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(timeout=60)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with chromium.chromium(tmp_path / "profile") as opened:
        opened.window(1400, 900)
        yield opened


def log_in(browser: Browser, state: State, user: str, path: str, host: str = "") -> None:
    """Ask for a page, be sent to the login, and come back to that page."""
    browser.open(f"{host or state.urls['airflow']}{path}")
    browser.fill("input[name=username]", user)
    browser.fill("input[name=password]", getattr(state.secrets, user))
    browser.click("button[type=submit]")
    browser.wait(f"location.pathname + location.search === {path!r} && document.readyState === 'complete'")


def test_a_person_works_through_the_pages(stack: State, browser: Browser) -> None:
    log_in(browser, stack, "admin", "/magento/list/invoices?match=differs")
    assert "INV/2026/5" in browser.text()

    _every_page_opens_from_the_navigation(browser, stack)
    _a_list_is_filtered_paged_and_read(browser)
    _a_finding_is_muted(browser, stack)
    _a_change_is_approved(browser, stack)
    assert browser.problems == []


def _every_page_opens_from_the_navigation(browser: Browser, stack: State) -> None:
    for name, path in ENTRIES.items():
        browser.open(stack.urls["airflow"])
        browser.click("button", "Plugins")
        browser.click("[role=menu] *", "Magento")
        browser.click("[role=menu] a", name)
        browser.wait("document.readyState === 'complete' && document.querySelector('h1') !== null", frame="/magento/")
        assert browser.run("location.pathname", "/magento/") == path


def _a_list_is_filtered_paged_and_read(browser: Browser) -> None:
    """In Airflow's frame, from the page that was opened last."""
    browser.click("nav.pages a", "Orders", "/magento/")
    browser.wait("document.querySelector('h1').textContent === 'Orders'", frame="/magento/list")
    assert browser.run("document.querySelectorAll('tbody tr').length", "/magento/list") == 50
    browser.click("a", "Next page", "/magento/list")
    browser.wait("document.querySelectorAll('tbody tr').length === 10", frame="after=")
    assert HOSTILE in browser.text("after=")
    browser.fill("select[name=match]", "missing in Odoo", "after=")
    browser.click("button.main", "Filter", "after=")
    browser.wait("document.querySelectorAll('tbody tr').length === 1", frame="match=missing")
    browser.click("tbody a", "000000007", "match=missing")
    browser.wait("document.querySelector('h1').textContent === 'Order 000000007'", frame="/document/")
    assert "without counterpart" in browser.text("/document/")


def _a_finding_is_muted(browser: Browser, stack: State) -> None:
    browser.open(f"{stack.urls['airflow']}/magento/finding/1")
    browser.fill("input[name=reason]", "agreed with the tax office")
    browser.fill("input[name=until]", browser.run("new Date(Date.now() + 5 * 864e5).toISOString().slice(0, 10)"))
    browser.click("button.main", "Mute")
    browser.wait("document.body.innerText.includes('by admin: agreed with the tax office')")


def _a_change_is_approved(browser: Browser, stack: State) -> None:
    browser.open(f"{stack.urls['airflow']}/magento/changes?tab=waiting")
    browser.click("#all")
    browser.click("button", "Approve what is ticked")
    browser.wait("document.body.innerText.includes('Nothing here for these filters.')")


def test_a_viewer_sees_no_forms_and_a_forged_one_is_refused(stack: State, browser: Browser) -> None:
    log_in(browser, stack, "viewer", "/magento/change/2")
    assert not browser.run("Boolean(document.querySelector('form[method=post]'))")
    browser.open(stack.urls["airflow"])  # our own pages' policy forbids every fetch
    status = browser.run(
        "fetch('/magento/change/2/release', {method: 'POST', body: new URLSearchParams({reason: 'let me'})}).then(a => a.status)"
    )
    assert status == 403


def test_no_page_has_a_serious_accessibility_violation_in_light_or_dark_on_desktop_or_phone(
    stack: State, browser: Browser
) -> None:
    log_in(browser, stack, "admin", "/magento/")
    for path in LOOKED_AT:
        for width, dark in ((1400, False), (1400, True), (400, False)):
            browser.window(width, 900, dark=dark)
            browser.open(f"{stack.urls['airflow']}{path}")
            browser.run(f"{AXE.read_text()};0")
            found = browser.run(
                "axe.run(document, {resultTypes: ['violations']}).then(all => all.violations.filter(one => ['serious', 'critical']"
                ".includes(one.impact)).map(one => one.id + ' ' + one.nodes[0].html.slice(0, 200)))"
            )
            assert found == [], (path, width, dark)
            assert browser.run("document.documentElement.scrollWidth <= innerWidth"), (path, width)
            if width == 400:
                wide = (
                    "[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth).length"
                )
                assert browser.run(wide) == 0, f"a table of {path} scrolls sideways on a phone"


def test_the_theme_follows_airflows_switch_and_links_leave_the_frame(stack: State, browser: Browser) -> None:
    log_in(browser, stack, "admin", "/magento/")
    browser.open(f"{stack.urls['airflow']}/plugin/magento-sales")
    browser.wait("document.readyState === 'complete'", frame="/magento/")
    browser.run("document.documentElement.className = 'dark'")
    browser.wait("getComputedStyle(document.documentElement).colorScheme === 'dark'", frame="/magento/")
    browser.run("document.documentElement.className = 'light'")
    browser.wait("getComputedStyle(document.documentElement).colorScheme === 'light'", frame="/magento/")
    before = len(browser.call("Target.getTargets")["targetInfos"])
    browser.open(f"{stack.urls['airflow']}/plugin/magento-sales/magento/document/us/magento/invoice/i5")
    browser.click("a[target=_blank]", "Open in Odoo", "/magento/document")
    browser.wait("true")
    for _ in range(50):
        targets = browser.call("Target.getTargets")["targetInfos"]
        if len(targets) > before:
            break
        browser.run("new Promise(done => setTimeout(done, 100))")
    assert any("books.example" in target["url"] for target in targets)


def test_behind_a_reverse_proxy_below_a_path_everything_works_as_well(
    stack: State, moved: str, browser: Browser
) -> None:
    host = moved.removesuffix("/airflow")
    log_in(browser, stack, "admin", "/airflow/magento/list/invoices?match=differs", host)
    assert "INV/2026/5" in browser.text()
    assert browser.run("getComputedStyle(document.querySelector('nav.pages')).display") != "block", "the style is there"
    browser.open(f"{moved}/")
    browser.wait("document.querySelector('button') !== null", seconds=60)
    browser.click("button", "Plugins")
    browser.click("[role=menu] *", "Magento")
    browser.click("[role=menu] a", "Findings")
    browser.wait(
        "document.readyState === 'complete' && document.querySelector('h1') !== null", frame="/airflow/magento/"
    )
    assert browser.run("location.pathname", "/magento/") == "/airflow/magento/findings"
    browser.click("#copy", frame="/magento/findings")
    copied = browser.wait("document.getElementById('address').value", frame="/magento/findings")
    assert copied == f"{host}/airflow/magento/findings", "without https it is shown, to be copied by hand"
    browser.open(f"{moved}/magento/finding/2")
    browser.fill("input[name=reason]", "agreed with the tax office")
    browser.fill("input[name=until]", browser.run("new Date(Date.now() + 5 * 864e5).toISOString().slice(0, 10)"))
    browser.click("button.main", "Mute")
    browser.wait("document.body.innerText.includes('by admin: agreed with the tax office')")
    assert browser.run("location.pathname") == "/airflow/magento/finding/2"
    assert browser.problems == []
