"""The India 2021 scenario as its mails tell it: the whole pipeline, played as fast as it goes.

Guards `jobs/alerting`, `jobs/notify` and `jobs/rehearsal`.
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collectors.x.scenario.india import scenario
from jobs.delivery.local_inbox import Inbox
from jobs.rehearsal import demo
from storage.postgres.pool import open_pool

pytestmark = pytest.mark.slow

ORDER = " - order IN-69A-2021-01-31"
SYNTHETIC = "Synthetic scenario: "


async def _at_once(_: datetime) -> None:
    """Nobody is waited for."""


def _unheard(_at: datetime, _tally: demo.MonitorCounts) -> None:
    """Nobody watches the progress."""


@pytest.mark.again
@pytest.mark.parametrize(
    ("end", "blocks", "restorations", "most_mails", "decisions"),
    [
        pytest.param(datetime(2021, 2, 4, 12, tzinfo=UTC), 250, 250, 6, {"no_rule", "grouped", "digest"}),
        pytest.param(
            scenario().end,
            250 + 126 + 583 + 31,
            250 + 8,
            16,
            {"no_rule", "mailed", "grouped", "digest"},
            marks=pytest.mark.long,
        ),
    ],
    ids=["until the second order was served", "to its end"],
)
async def test_the_story_is_told_in_a_few_mails_and_every_change_in_one(
    dsn: str,
    tmp_path: Path,
    end: datetime,
    blocks: int,
    restorations: int,
    most_mails: int,
    decisions: set[str],
) -> None:
    ended = await demo.play(
        dsn,
        tmp_path,
        replace(scenario(), end=end),
        dashboard_url="http://127.0.0.1:8050",
        before=_at_once,
        after=_unheard,
    )
    mails = Inbox(tmp_path / "mailbox").mails()[::-1]
    assert ended.false_changes == 0
    assert (ended.accounts, ended.posts) == (257 + 1178 + 300, 40)
    assert ended.changes["block"] >= blocks
    assert ended.changes["restoration"] >= restorations
    assert ended.intervals_containing_truth == sum(ended.changes.values())
    assert 4 <= len(mails) == ended.mails <= most_mails
    assert [m.subject.removeprefix(SYNTHETIC) for m in mails[:4]] == [
        f"82 of 257 accounts withheld in India (IN), 175 available{ORDER}",
        f"Update: 250 of 257 accounts withheld in India (IN), 168 in this mail{ORDER}",
        f"Update: 51 accounts available again (before: withheld in India (IN)){ORDER}",
        f"Update: 199 accounts available again (before: withheld in India (IN)){ORDER}",
    ]
    assert all(m.copies == 1 and m.subject.startswith(SYNTHETIC) for m in mails)
    assert all("/mail-link/" in m.text for m in mails)
    async with open_pool(dsn, max_size=1) as pool:
        told = await pool.fetch(
            """
            select d.decision, count(*) as changes, count(t.mail_id) as mails
            from alert_decision d left join mail_alert t using (alert_id) group by 1
            """
        )
        assert await pool.fetchval("select exists (select from installation_key where name = 'synthetic')")
    by_decision = {r["decision"]: (r["changes"], r["mails"]) for r in told}
    assert by_decision.keys() == decisions
    for decision in decisions & {"mailed", "grouped"}:
        changes, in_mails = by_decision[decision]
        assert changes == in_mails, "every change that is told is in exactly one mail"
    assert sum(n for n, _ in by_decision.values()) == sum(ended.changes.values())
