"""Examines a page with axe-core, which `make .venv/npm` brings from npm: version and hash are in a lock."""

import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import Page

AXE = Path(sys.prefix) / "npm/node_modules/axe-core/axe.min.js"
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
"""Levels A and AA of WCAG 2.2, as far as a program can tell."""
COLOURS = ("color-contrast", "link-in-text-block")
"""The rules among them that depend on the theme."""


async def violations(page: Page, rules: Sequence[str] = WCAG) -> list[str]:
    """What is against a rule in the page as it stands: the rule, the element, and what is wrong with it."""
    if not await page.evaluate("'axe' in globalThis"):
        await page.evaluate(_script())
    found: list[dict[str, Any]] = await page.evaluate(
        "(rules) => axe.run({ runOnly: rules, resultTypes: ['violations'] }).then((r) => r.violations)", rules
    )
    return [f"{rule['id']}: {n['html'][:200]} {_why(n)}" for rule in found for n in rule["nodes"][:5]]


def _why(node: dict[str, Any]) -> str:
    checks = [*node["any"], *node["all"], *node["none"]]
    return "; ".join(str(check["message"]) for check in checks)


@cache
def _script() -> str:
    return AXE.read_text(encoding="utf-8")
