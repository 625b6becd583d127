"""Imports run one way, by folder; and a module that calls itself pure reaches no input or output."""

import subprocess
import sysconfig
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grimp
import pytest

from tests.benchmarks.pipeline import PARTS
from tests.house.source import PACKAGES, ROOT, docstring, dotted, modules

CONTRACTS: list[Mapping[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][
    "importlinter"
]["contracts"]


def test_the_import_contracts_are_kept() -> None:
    linter = Path(sysconfig.get_path("scripts")) / "lint-imports"
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_contracts_name_folders_and_no_single_module() -> None:
    files = {dotted(m) for m in modules() if m.name != "__init__.py"}
    named = {
        name
        for contract in CONTRACTS
        for part in ("source_modules", "forbidden_modules", "modules", "layers", "ancestors")
        for name in contract.get(part, ())
    }
    assert named & files == set()


def test_a_module_that_says_pure_in_its_docstring_reaches_no_input_or_output() -> None:
    (forbidden,) = (c["forbidden_modules"] for c in CONTRACTS if c["name"].startswith("6 Pure"))
    graph = grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)
    pure = [dotted(m) for m in modules() if docstring(m).lower().startswith("pure:")]
    assert len(pure) > 50
    reached = [name for name in forbidden if name in graph.modules]
    assert {"asyncpg", "aiohttp", "asyncio", "storage.postgres"} <= set(reached)
    for module in pure:
        for name in reached:
            chain = graph.find_shortest_chain(importer=module, imported=name, as_packages=name in PACKAGES)
            assert chain is None, " -> ".join(chain)


def test_the_parts_that_a_benchmark_tells_apart_are_where_it_says() -> None:
    files = [str(m.relative_to(ROOT)) for m in modules()]
    ours = [path for _, paths in PARTS for path in paths if path.split("/")[0] in PACKAGES]
    assert [path for path in ours if not any(file.startswith(path) for file in files)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()
