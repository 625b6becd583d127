"""Writing the difference between a setup file and what is stored, in the caller's transaction."""

from collections import defaultdict
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from jobs.setup.declared import DeclaredSetup
from jobs.setup.difference import SetupLimits, difference
from jobs.setup.order_difference import named_count_to_set
from jobs.setup.state import Key
from jobs.setup.steps import (
    AccountWrite,
    ExecutiveWrite,
    ListWrite,
    LookUpWrite,
    OrderWrite,
    RuleOff,
    RuleOrder,
    RuleWrite,
    SetupDifference,
    SetupStep,
    StopWrite,
    WatchWrite,
)
from jobs.setup.stored_setup import stored_setup
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.list_thresholds import set_list_thresholds
from storage.accounts.listing import set_up_accounts
from storage.accounts.name_checks import open_check
from storage.accounts.tags import AccountTags, describe, edit_tags
from storage.accounts.watch_lists import (
    archive_list,
    guarantee_interval,
    keep_evidence,
    make_list,
    put_accounts_on,
    take_accounts_off,
)
from storage.accounts.watching import stop_watching_many
from storage.alerts.rules import enable_rule, put_in_order, save_rule
from storage.executives.signals import add_executive
from storage.model.core.orders import NewOrder
from storage.model.orders.order_fields import OrderEdit, OrderFault
from storage.model.orders.pasted_names import lines_of_names
from storage.model.tables.csv_rows import TableError
from storage.orders import order_edits
from storage.orders.checked_names import add_checked_names
from storage.orders.names import names_of
from storage.orders.orders import order_called
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Refused


async def apply_setup(
    conn: Conn,
    setup: DeclaredSetup,
    limits: SetupLimits,
    actor: str,
    now: datetime,
    *,
    prune: bool,
    dry_run: bool,
) -> SetupDifference:
    """Write what differs between a file and what is stored, and return it. Names of the file may wait.

    With `dry_run`, or with problems in the difference, nothing is written. Raises TableError for a step that
    is refused; the caller then undoes the transaction.
    """
    found = difference(setup, await stored_setup(conn, setup), limits, prune=prune)
    if found.problems or dry_run or not found.steps:
        return found
    writer = _Writer(conn, setup.file, limits, actor, now)
    await writer.orders(found.steps)
    await writer.lists(found.steps)
    await writer.accounts(found.steps)
    await writer.executives(found.steps)
    await writer.names(found.steps)
    await writer.archives(found.steps)
    await writer.stops(found.steps)
    await writer.rules(found.steps)
    detail = {"steps": len(found.steps), "prune": prune}
    await log(conn, now, actor, "setup applied", setup.file, detail)
    return found


class _Writer:
    """Writes steps kind by kind: lists of orders come before the accounts on them, names after accounts."""

    def __init__(self, conn: Conn, file: str, limits: SetupLimits, actor: str, now: datetime) -> None:
        self.conn, self.file, self.limits, self.actor, self.now = conn, file, limits, actor, now

    @contextmanager
    def of(self, step: SetupStep) -> Generator[None]:
        """Raise a refusal inside the block as a fault of the step's line."""
        try:
            yield
        except (Refused, OrderFault) as fault:
            raise TableError(self.file, step.line, f"{step.kind} {step.name}: {fault}") from fault

    async def orders(self, steps: Sequence[SetupStep]) -> None:
        for step in steps:
            if isinstance(step.write, OrderWrite):
                with self.of(step):
                    await self._order(step.write)

    async def _order(self, write: OrderWrite) -> None:
        conn, actor, now = self.conn, self.actor, self.now
        if write.new is not None:
            await order_edits.file_order(conn, _known_since(write.new, now), actor, now)
        stored = await order_called(conn, write.reference)
        if write.edit != OrderEdit():
            await order_edits.change_order(conn, stored, write.edit, actor, now)
            stored = await order_called(conn, write.reference)
        if write.withdraw:
            reason = f"It is not in {self.file}."
            await order_edits.withdraw_names(conn, stored, write.withdraw, reason, actor, now)
        if write.add_keywords or write.remove_keywords:
            await order_edits.edit_keywords(
                conn, stored, write.add_keywords, write.remove_keywords, actor, now
            )
        for one in write.events:
            await order_edits.add_event(conn, one.event, actor, now)

    async def names(self, steps: Sequence[SetupStep]) -> None:
        """Add the names of orders. Those that stored accounts do not tell wait for their platform."""
        for step in steps:
            if isinstance(step.write, OrderWrite):
                with self.of(step):
                    await self._names(step.write)

    async def _names(self, write: OrderWrite) -> None:
        conn, actor, now = self.conn, self.actor, self.now
        if write.add_names:
            lines = lines_of_names(write.add_names, None)
            check = await open_check(conn, lines, self.file, None, self.limits.platforms, actor, now)
            stored = await order_called(conn, write.reference)
            await add_checked_names(conn, stored, check, actor, now)
        stored = await order_called(conn, write.reference)
        count = (
            write.named_count
            if write.new is not None
            else named_count_to_set(write.named_count, stored.order, await names_of(conn, stored.order_id))
        )
        if count is not None:
            await order_edits.change_order(conn, stored, OrderEdit(named_count=count), actor, now)

    async def lists(self, steps: Sequence[SetupStep]) -> None:
        for step in steps:
            if isinstance(write := step.write, ListWrite):
                with self.of(step):
                    if write.is_new:
                        await make_list(self.conn, write.name, self.actor, self.now)
                    if write.archived is False:
                        await archive_list(self.conn, write.name, self.actor, self.now, archived=False)
                    if write.sets_interval:
                        await guarantee_interval(self.conn, write.name, write.every, self.actor, self.now)
                    if write.sets_days:
                        await keep_evidence(self.conn, write.name, write.days, self.actor, self.now)
                    if write.sets_thresholds:
                        own = write.thresholds
                        await set_list_thresholds(self.conn, write.name, own, self.actor, self.now)

    async def archives(self, steps: Sequence[SetupStep]) -> None:
        """Archive lists, after accounts were put on them."""
        for step in steps:
            if isinstance(write := step.write, ListWrite) and write.archived:
                with self.of(step):
                    await archive_list(self.conn, write.name, self.actor, self.now, archived=True)

    async def accounts(self, steps: Sequence[SetupStep]) -> None:
        watched = [(step, step.write) for step in steps if isinstance(step.write, WatchWrite)]
        changed = [(step, step.write) for step in steps if isinstance(step.write, AccountWrite)]
        await self._watch(watched)
        stored = await set_up_accounts(self.conn, [_key(write) for _, write in watched])
        again = [
            (step, AccountWrite(stored[_key(write)].account_id, leave=write.leave, untag=write.untag))
            for step, write in watched
            if write.leave or write.untag
        ]
        await self._move([*changed, *again])
        await self._look_up([step.write for step in steps if isinstance(step.write, LookUpWrite)])

    async def _watch(self, watched: Sequence[tuple[SetupStep, WatchWrite]]) -> None:
        if not watched:
            return
        writes = [write for _, write in watched]
        new = [NewAccount(one.platform, one.native_id, one.handle, one.lists) for one in writes]
        with self.of(watched[0][0]):
            await add_accounts(self.conn, new, self.now)
        tags = [AccountTags(one.platform, one.native_id, one.tags) for one in writes]
        await describe(self.conn, tags, self.now)
        stored = await set_up_accounts(self.conn, [_key(one) for one in writes])
        lists: defaultdict[str, list[int]] = defaultdict(list)
        tagged: defaultdict[str, list[int]] = defaultdict(list)
        for one in writes:
            number = stored[_key(one)].account_id
            for got, names in ((lists, one.lists), (tagged, one.tags)):
                for name in names:
                    got[name].append(number)
        ids = [stored[_key(one)].account_id for one in writes]
        detail = {"accounts": ids, "lists": lists, "tags": tagged}
        await log(self.conn, self.now, self.actor, "accounts imported", self.file, detail)

    async def _move(self, changed: Sequence[tuple[SetupStep, AccountWrite]]) -> None:
        """Change lists and tags, many accounts at once."""
        joining: defaultdict[str, list[int]] = defaultdict(list)
        leaving: defaultdict[str, list[int]] = defaultdict(list)
        tags: defaultdict[tuple[tuple[str, ...], tuple[str, ...]], list[int]] = defaultdict(list)
        for _, write in changed:
            for name in write.join:
                joining[name].append(write.account_id)
            for name in write.leave:
                leaving[name].append(write.account_id)
            if write.tag or write.untag:
                tags[write.tag, write.untag].append(write.account_id)
        line = {name: step for step, write in changed for name in write.join}
        for name, ids in joining.items():
            with self.of(line[name]):
                await put_accounts_on(self.conn, name, ids, self.actor, self.now)
        for name, ids in leaving.items():
            await take_accounts_off(self.conn, name, ids, self.actor, self.now)
        for (add, remove), ids in tags.items():
            await edit_tags(self.conn, ids, add, remove, self.actor, self.now)

    async def _look_up(self, asked: Sequence[LookUpWrite]) -> None:
        """Open a name check, so that the processes that collect ask the platforms."""
        if asked:
            names = [f"{one.platform.value}:{one.handle}" for one in asked]
            await open_check(
                self.conn,
                lines_of_names(names, None),
                self.file,
                None,
                self.limits.platforms,
                self.actor,
                self.now,
            )

    async def executives(self, steps: Sequence[SetupStep]) -> None:
        for step in steps:
            if isinstance(one := step.write, ExecutiveWrite):
                with self.of(step):
                    await add_executive(
                        self.conn,
                        one.platform,
                        one.native_id,
                        one.handle,
                        one.name,
                        one.title,
                        self.now,
                        self.actor,
                    )

    async def stops(self, steps: Sequence[SetupStep]) -> None:
        ids = [step.write.account_id for step in steps if isinstance(step.write, StopWrite)]
        if ids:
            await stop_watching_many(self.conn, ids, self.actor, self.now)

    async def rules(self, steps: Sequence[SetupStep]) -> None:
        for step in steps:
            with self.of(step):
                match step.write:
                    case RuleWrite(rule, enabled):
                        await save_rule(self.conn, rule, self.actor, self.now, enabled=enabled)
                    case RuleOff(name):
                        await enable_rule(self.conn, name, self.actor, self.now, enabled=False)
                    case RuleOrder(names):
                        await put_in_order(self.conn, names, self.actor, self.now)
                    case _:
                        pass


def _key(write: WatchWrite) -> Key:
    return write.platform, write.native_id


def _known_since(order: NewOrder, now: datetime) -> NewOrder:
    return replace(order, known_at=now)
