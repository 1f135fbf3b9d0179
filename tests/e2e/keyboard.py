"""Going about a page by keyboard alone."""

from playwright.sync_api import Locator, Page

HAS_FOCUS = "element => element === document.activeElement"


def tab_to(page: Page, target: Locator, *, most: int = 80) -> None:
    """Press Tab until `target` has the focus; fails when it is not among the next `most` stops."""
    for _ in range(most):
        if target.count() == 1 and target.evaluate(HAS_FOCUS):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no way by Tab to {target}")


def press_on(page: Page, target: Locator, key: str = "Enter") -> None:
    """Go to `target` by Tab and press `key` on it."""
    tab_to(page, target)
    page.keyboard.press(key)


def type_into(page: Page, target: Locator, text: str) -> None:
    """Go to the field `target` by Tab and type over what is in it."""
    tab_to(page, target)
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(text)
