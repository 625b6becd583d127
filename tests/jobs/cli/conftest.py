"""Commands in this process, on a database of the test's own and with no other setting."""

from pathlib import Path

import pytest

from tests.support.clients.command_line import Blockline, blockline, forget_settings


@pytest.fixture
def run(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Blockline:
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", dsn)
    return blockline(capsys)
