"""The order of a list says how many accounts it names, and how many posts are on the list."""

from collections.abc import Iterable

from collectors.x.declaration import X
from storage.alerts.open_alerts import cohorts_of
from storage.alerts.rule_scope_report import cohorts
from storage.model.alerts.alerts import Cohort
from storage.model.alerts.rules import Match
from storage.model.core.orders import NewOrder
from storage.orders.orders import add_order
from storage.postgres.pool import Pool, transaction
from storage.replay.alert_inputs import account_facts
from tests.support.samples.readings import T0
from tests.support.seeds.changes import enlist
from tests.support.seeds.posts import turn_into_posts


def counted(found: Iterable[Cohort]) -> list[tuple[str, tuple[int, int] | None]]:
    return [(c.name, c.order and (c.order.named_count, c.order.listed_posts)) for c in found]


async def test_posts_on_the_list_of_an_order_are_counted_apart_wherever_a_cohort_is_read(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two, three = await enlist(conn, X, ["1", "2", "3"], ("Farmers",))
        (other,) = await enlist(conn, X, ["4"], ("Press",))
        await turn_into_posts(conn, [two.account_id, three.account_id, other.account_id])
        order = NewOrder("R 1", "T", "MeitY", "IN", "69A", T0, None, None, None, 257, "Farmers", T0)
        await add_order(conn, order, T0)
        ids = [one.account_id, two.account_id, other.account_id]
        found = await cohorts_of(conn, ids)
        replayed = await account_facts(conn, ids)
        of_rule = await cohorts(conn, Match(), ids, T0)
    of_order = ("Farmers", (257, 2))
    assert [counted(found[i]) for i in ids] == [[of_order], [of_order], [("Press", None)]]
    assert [counted(d.cohort for d in replayed[i].cohorts) for i in ids] == [
        [of_order],
        [of_order],
        [("Press", None)],
    ]
    assert counted(of_rule) == [of_order, ("Press", None)]
