"""Starts Chromium for the tests of the kit and asks axe-core about a page."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from app.ops.browser import find_browser

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
AXE = Path("node_modules/axe-core/axe.min.js")
RUN_AXE = """axe.run(document, {
  resultTypes: ["violations"], iframes: false, rules: {"target-size": {enabled: true}},
}).then((result) => JSON.stringify(
  result.violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.target.join(" ")).join(", ")}`)))"""


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """A headless browser; without one the test is skipped, on CI it fails."""
    path = find_browser()
    if path is None:
        message = "no Chromium: install one, set CHROMIUM_PATH, or run npm ci"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
        yield browser
        browser.close()


def watch(page: Page, complaints: list[str]) -> None:
    """Collect what the page complains about: script errors, refused sources, failed loads."""
    page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))


def axe_violations(page: Page) -> list[str]:
    """Run axe-core through the debugger, which the page's content policy does not bind."""
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": AXE.read_text()})
    answer: dict[str, Any] = session.send("Runtime.evaluate", {"expression": RUN_AXE, "awaitPromise": True})
    violations: list[str] = json.loads(answer["result"]["value"])
    return violations
