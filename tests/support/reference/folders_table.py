"""The folders of the code as a table, from their docstrings."""

from tests.house.source import PACKAGES, ROOT, docstring, folders


def markdown() -> str:
    """A row for each folder of the packages, with the first line of its docstring."""
    order = ("jobs", "collectors", "dashboard", "storage")
    assert set(order) == set(PACKAGES)
    found = sorted(folders(), key=lambda f: (order.index(f.relative_to(ROOT).parts[0]), f.relative_to(ROOT)))
    rows = [
        f"| `{folder.relative_to(ROOT)}/` | {docstring(folder / '__init__.py').splitlines()[0].rstrip('.')} |"
        for folder in found
        if folder.parent != ROOT
    ]
    return "\n".join(["| Folder | What lives there |", "| --- | --- |", *rows]) + "\n"
