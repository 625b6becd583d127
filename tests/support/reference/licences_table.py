"""The licence of each package that an installation consists of, as the package states it."""

import re
from collections.abc import Mapping
from importlib.metadata import metadata
from typing import Any

from packaging.requirements import Requirement

from tests.house.source import ROOT

_BUILDING = {"editables", "hatchling", "trove-classifiers"}
"""They build the wheel, and are not needed by what is installed from it."""


def licences() -> Mapping[str, str]:
    """The licence of each package of requirements.txt that this machine needs, by the package's name."""
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for line in re.findall(r"^[a-z0-9._-]+==[^\\\n]*", lock, re.MULTILINE):
        package = Requirement(line)
        is_needed = package.marker is None or package.marker.evaluate()
        if is_needed and package.name not in _BUILDING:
            found[package.name] = _licence(package.name)
    return found


def markdown() -> str:
    """A row for each package."""
    rows = [f"| {name} | {licence} |" for name, licence in licences().items()]
    return "\n".join(["| package | licence |", "| --- | --- |", *rows])


def _licence(name: str) -> str:
    said: Any = metadata(name)
    classified = [
        c.rpartition(" :: ")[2] for c in said.get_all("Classifier", []) if c.startswith("License ::")
    ]
    stated = said.get("License-Expression") or ", ".join(c for c in classified if c != "OSI Approved")
    return stated or (said.get("License") or "").splitlines()[0]
