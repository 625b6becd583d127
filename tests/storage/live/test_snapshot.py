"""Read models of the dashboard, over a small story in a real database."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from collectors.x.declaration import X
from dashboard.accounts.account_history_cards import superseded_card
from dashboard.ui.cards import MOST_ROWS
from jobs.messages.compose import Letterhead
from jobs.notify.notifier import decide_alerts
from storage.live.account_detail import AccountHistory, account_detail
from storage.live.snapshot import last_event_id
from storage.live.updates import LiveNews, news_since
from storage.model.alerts.rules import AlertRule
from storage.model.core.accounts import Account
from storage.model.core.availability import ChangeKind, State
from storage.postgres.pool import Pool, transaction
from tests.support.clients.page_walker import said
from tests.support.pipelines.late_batches import deliver
from tests.support.samples.alerts import tell_by
from tests.support.samples.label_signing import POST, stated, store
from tests.support.samples.readings import AVAILABLE, MINUTE, T0, WITHHELD_IN, minutes
from tests.support.seeds.changes import Story, enlist


async def test_a_new_label_is_news_of_its_country_once(pool: Pool) -> None:
    async with transaction(pool) as conn:
        before = await last_event_id(conn)
    await store(pool, stated(), stated(POST), seq=1)
    async with transaction(pool) as conn:
        news = await news_since(conn, before, 1)
        assert news is not None
        assert (news.topics, news.labeled) == ({"label"}, ("TR",))
    await store(pool, stated(), seq=1)
    async with transaction(pool) as conn:
        assert await last_event_id(conn) == news.live_event_id


async def test_more_news_than_the_limit_asks_for_a_snapshot(pool: Pool, story: Story) -> None:
    async with transaction(pool) as conn:
        assert await news_since(conn, 0, 3) is None
        latest = await last_event_id(conn)
        nothing = await news_since(conn, latest, 3)

    assert nothing is not None
    assert (nothing.live_event_id, nothing.changes) == (latest, ())


Look = tuple[float, State]
RULE = AlertRule(recipients=("desk@example.org",))

BACK = [(0, AVAILABLE), (50, WITHHELD_IN), (52, WITHHELD_IN), (60, AVAILABLE), (62, AVAILABLE)]
NEVER_SO = (51, AVAILABLE)
"""It was never withheld for two readings, so it did not come back either."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """One account, looked at in order; the correction is recorded at minute 90."""

    pool: Pool
    account: Account
    news: LiveNews

    async def detail(self) -> AccountHistory:
        async with transaction(self.pool) as conn:
            found = await account_detail(conn, self.account.account_id, minutes(91), timedelta(hours=9))
        assert found is not None
        return found


async def watch(pool: Pool, looks: Sequence[Look]) -> Account:
    async with transaction(pool) as conn:
        (account,) = await enlist(conn, X, ["1"], ("List",))
    for at, state in looks:
        await deliver(pool, [(account, state)], minutes(at))
    return account


async def correct(
    pool: Pool, looks: Sequence[Look], late: Look, *, mailed_at: float | None = None
) -> Corrected:
    account = await watch(pool, looks)
    if mailed_at is not None:
        await tell_by(pool, RULE)
        await decide_alerts(pool, minutes(mailed_at), Letterhead())
    async with transaction(pool) as conn:
        before = await last_event_id(conn)
    await deliver(pool, [(account, late[1])], minutes(late[0]), minutes(90))
    async with transaction(pool) as conn:
        news = await news_since(conn, before, 100)
    assert news is not None
    return Corrected(pool, account, news)


def told(one: AccountHistory) -> list[tuple[ChangeKind, float, str | None]]:
    return [(c.kind, (c.first_seen_new - T0) / MINUTE, c.outcome) for c in one.changes]


async def test_no_export_is_named_for_corrected_changes_because_none_has_them(pool: Pool) -> None:
    one = await (await correct(pool, BACK, NEVER_SO)).detail()
    many = replace(one, superseded=one.superseded[:1] * (MOST_ROWS + 3))

    told = " ".join(map(said, superseded_card(many)))

    assert "3 older corrected changes are not shown." in told
    assert "export" not in told
