"""Programs of the system that some tests need."""

import os
import shutil
from pathlib import Path

import pytest


def program(name: str) -> Path:
    """The path of a program. A test that asks for a missing one is skipped; in CI, which sets
    TEST_REQUIRE_BROWSER, it fails.
    """
    if found := shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
        return Path(found)
    if os.environ.get("TEST_REQUIRE_BROWSER") == "1":
        raise RuntimeError(f"TEST_REQUIRE_BROWSER is set, and {name} is missing.")
    pytest.skip(f"needs {name}")
