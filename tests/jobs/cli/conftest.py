"""Commands in this process, on a database of the test's own and with no other setting."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.clients.command_line import Blockline, blockline, forget_settings
from tests.support.simulated.several_platforms import leading_to


@pytest.fixture
def run(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Blockline:
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", dsn)
    return blockline(capsys)


@pytest.fixture
def online(platforms: Mapping[str, str], run: Blockline, monkeypatch: pytest.MonkeyPatch) -> Blockline:
    """Commands that ask the simulators instead of the platforms."""
    for name, value in leading_to(platforms).items():
        monkeypatch.setenv(name, value)
    return run
