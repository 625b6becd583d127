"""How the collectors are, as the dashboard tells it: nothing is called well that was not heard of."""

from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from storage.accounts import side_facts
from storage.accounts.accounts import stop_watching
from storage.health import collector_state
from storage.health.collector_state import CollectorState
from storage.health.collectors_report import collector_reports, disagreements
from storage.model.core.accounts import Account
from storage.model.core.availability import Flag
from storage.model.core.side_facts import FactSighting, ObservedKind
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import T0, minutes
from tests.support.seeds.changes import enlist

LATER = minutes(600)


async def test_a_server_that_nobody_is_read_at_any_more_is_not_told_of(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await collector_state.save_state(
            conn, CollectorState(MASTODON, False, "network", "", T0, None, "old")
        )
        await collector_state.save_state(conn, CollectorState(X, False, "auth", "", T0, None))
        found = await collector_reports(conn, LATER)
    assert [(d.platform, d.place, d.healthy) for d in found] == [(X, "", False)]


async def test_only_what_still_looks_otherwise_from_elsewhere_is_a_disagreement(pool: Pool) -> None:
    def look(account: Account, at: float, *seen: tuple[Flag | ObservedKind, str]) -> FactSighting:
        return FactSighting(account.account_id, frozenset(seen), None, minutes(at))

    async with transaction(pool) as conn:
        one, two, three = await enlist(conn, X, ["1", "2", "3"])
        otherwise = (ObservedKind.SEEN_AS, "withheld TR")
        await side_facts.observe(conn, "tr", [look(a, 5, otherwise) for a in (one, two, three)])
        await side_facts.observe(conn, "tr", [look(two, 20)])
        await side_facts.observe(conn, "", [look(one, 5, (Flag.LIMITED, ""))])
        await stop_watching(conn, X, "h3", minutes(30))
        (found,) = await disagreements(conn)
    assert found.account == one
    assert (found.fact.observer, found.fact.value, found.fact.first_seen) == ("tr", "withheld TR", minutes(5))
