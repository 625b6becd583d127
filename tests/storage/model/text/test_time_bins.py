"""The bins of time that changes are counted in: the same as in the browser, by the same rows."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storage.model.text.time_bins import TimeBins, per_bin, time_bins

ROWS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[3] / "fixtures/time_bins.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("row", ROWS, ids=[row["rule"] for row in ROWS])
def test_a_period_alone_decides_its_bins(row: dict[str, Any]) -> None:
    since, until, start = (datetime.fromisoformat(row[key]) for key in ("from", "to", "start"))
    bins = time_bins(since, until)
    assert bins == TimeBins(start, timedelta(seconds=row["step_s"]), row["n"])
    assert per_bin(bins.step) == row["words"]
    assert (bins.place(since), bins.place(until)) == (0, row["n"] - 1)
