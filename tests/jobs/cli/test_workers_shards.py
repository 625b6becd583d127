"""The command that divides the accounts of a platform among leaders: `blockline workers shards`."""

import pytest

from tests.support.clients.command_line import Blockline


def test_the_number_of_shards_is_one_is_set_and_each_change_is_in_the_audit_log(run: Blockline) -> None:
    assert run("workers", "shards", "x").said == ["X has 1 shard."]
    assert run("workers", "shards", "x", 3).said == ["X has 3 shards."]
    assert run("workers", "shards", "x", 3).said == ["X has 3 shards."]
    assert run("workers", "shards", "x", "--json").json == {"platform": "x", "in_force": 3, "wanted": 3}
    assert run("workers", "shards", "bluesky").said == ["Bluesky has 1 shard."]
    (entry,) = run("alerts", "log", "--json").json["log"]
    assert (entry["actor"], entry["action"], entry["subject"]) == (
        "command line",
        "number of shards set",
        "x",
    )
    assert entry["detail"] == {"before": 1, "after": 3}


def test_a_platform_that_is_planned_as_a_whole_keeps_one_shard(
    run: Blockline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOCKLINE_PLANNER", "adaptive")
    refused = run("workers", "shards", "x", 2)
    assert (refused.code, "Set it to “sweep”, or keep one shard" in refused.err) == (1, True)
    assert run("workers", "shards", "x", 1).said == ["X has 1 shard."]
