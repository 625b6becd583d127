"""The notebook of the documentation, made of its page: docs/how-to/notebook.md has each sentence once."""

import json
import re
from typing import Any, Final

from tests.house.source import ROOT

PAGE: Final = ROOT / "docs/how-to/notebook.md"
FILE: Final = ROOT / "docs/how-to/notebook/blockline.ipynb"
_CODE: Final = re.compile(r"```python\n(.*?)```\n", re.DOTALL)
_LINK: Final = re.compile(r"\[([^\]]+)\]\((?!https:)[^)]+\)")
"""Links within the documentation lead nowhere from a notebook."""


def cells() -> list[str]:
    """The code of the page, block by block."""
    return _CODE.findall(PAGE.read_text(encoding="utf-8"))


def text() -> str:
    """The notebook as a file, without outputs."""
    parts = _CODE.split(PAGE.read_text(encoding="utf-8"))
    made = [_cell(n, part.strip(), is_code=n % 2 == 1) for n, part in enumerate(parts) if part.strip()]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    document = {"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _cell(number: int, source: str, *, is_code: bool) -> dict[str, Any]:
    lines = (source if is_code else _LINK.sub(r"\1", source)).splitlines(keepends=True)
    common: dict[str, Any] = {"id": f"part-{number}", "metadata": {}, "source": lines}
    if is_code:
        return {"cell_type": "code", "execution_count": None, "outputs": [], **common}
    return {"cell_type": "markdown", **common}
