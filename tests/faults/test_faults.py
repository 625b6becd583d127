"""One of the faults of `make test-faults`, and that what goes wrong after one would be seen.

The tests marked `long` guard `jobs/runtime`, `jobs/dispatch` and `jobs/notify`.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults import __main__ as runner
from tests.faults.faults import FAULTS
from tests.faults.report import Seen, page
from tests.support.on_postgres_17 import BINARIES
from tests.support.processes.fast_clock import missing

SHARED = os.geteuid() != 0 or Path("/proc/sys/fs/protected_regular").read_text(encoding="utf-8") == "0\n"
"""Whether Postgres' user may share the clock that root began."""
HERE = missing() is None and (BINARIES / "postgres").exists() and SHARED
SHORT = "Postgres is killed in the middle"


@pytest.mark.long
@pytest.mark.skipif(not HERE, reason="needs faketime, Postgres 17, and fs.protected_regular = 0 for root")
def test_after_this_fault_nothing_is_false_lost_or_doubled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "faults.md"
    monkeypatch.setattr("sys.argv", ["tests.faults", "--only", SHORT, "--page", str(written)])
    assert runner.main() == 0, capfd.readouterr().out
    assert "Nothing of this was wrong" in written.read_text(encoding="utf-8")
    assert "Faults: 1." in written.read_text(encoding="utf-8")


def test_each_fault_has_a_name_of_its_own() -> None:
    assert len({(f.area, f.name) for f in FAULTS}) == len(FAULTS) >= 60


@pytest.mark.parametrize(
    ("wrong", "verdict"),
    [
        pytest.param([], "Nothing of this was wrong", id="nothing"),
        pytest.param(["mail <1> came more than once"], "wrong after 1 of them", id="a doubled mail"),
    ],
)
def test_the_page_says_what_was_wrong(wrong: Sequence[str], verdict: str) -> None:
    seen = Seen(
        "mail", "It greylists", 5.0, ready="200", caught_up_after=1.5, mails=3, repeats=1, wrong=list(wrong)
    )
    text = page([seen], 10, "2021-02-01")
    assert verdict in text
    assert all(one in text for one in wrong)
    assert "|It greylists|5|200|nothing|0|0|3 (1 again)|1.5|" in text
