"""Pure: what has to be written so that what is stored agrees with a setup file."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from jobs.base.wording import account_name, number
from jobs.setup.declared import (
    DeclaredAccount,
    DeclaredExecutive,
    DeclaredList,
    DeclaredSetup,
)
from jobs.setup.order_difference import order_steps, withdrawn_names
from jobs.setup.state import Key, StoredSetup, said_of
from jobs.setup.steps import (
    AccountWrite,
    ExecutiveWrite,
    ListWrite,
    LookUpWrite,
    RuleOff,
    RuleOrder,
    RuleWrite,
    SetupDifference,
    SetupStep,
    StopWrite,
    Verb,
    WatchWrite,
)
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.list_thresholds import ListThresholds, thresholds_words
from storage.model.orders.pasted_names import lines_of_names
from storage.model.tables.csv_rows import TableError, sorted_problems
from storage.model.tables.name_matching import ResolvedName, UnresolvedName, match_stored
from storage.model.tables.tag_and_list_edits import list_name_fault
from storage.model.tables.watch_import_plan import DEFAULT_LIST, SetUpAccount
from storage.model.text.states import PLATFORM_NAME, clean
from storage.model.text.units import span

_KINDS = ("list", "account", "executive", "rule", "order")
"""The order in which steps are printed."""


@dataclass(frozen=True, slots=True)
class SetupLimits:
    """What the settings of an installation allow."""

    platforms: Collection[Platform] | None = None
    """The platforms that are read; None means all."""
    has_intervals: bool = True
    """Whether the planner guarantees intervals."""


def difference(
    setup: DeclaredSetup, stored: StoredSetup, limits: SetupLimits, *, prune: bool
) -> SetupDifference:
    """Compare a file with what is stored. With `prune`, what the file does not declare is removed too.

    Only kinds of things that the file has a section for are removed, and executives never.
    """
    found = _Found(setup, stored, limits, prune=prune)
    people = [(one, found.who(one)) for one in setup.accounts]
    found.lists()
    orders = order_steps(setup, stored, prune=prune)
    found.steps += orders.steps
    found.problems += orders.problems
    found.unchanged["order"] += orders.unchanged
    found.accounts(people)
    found.executives()
    found.rules()
    return SetupDifference(
        tuple(sorted(found.steps, key=lambda step: _KINDS.index(step.kind))),
        {kind: n for kind in _KINDS if (n := found.unchanged[kind])},
        tuple(dict.fromkeys(found.notes)),
        sorted_problems(found.problems),
    )


class _Found:
    """Collects the steps, notes and problems of one comparison."""

    def __init__(
        self, setup: DeclaredSetup, stored: StoredSetup, limits: SetupLimits, *, prune: bool
    ) -> None:
        self.setup, self.stored, self.limits, self.prune = setup, stored, limits, prune
        self.steps: list[SetupStep] = []
        self.notes: list[str] = []
        self.problems: list[TableError] = []
        self.unchanged: Counter[str] = Counter()
        self.asked: set[Key] = set()

    def fault(self, line: int | None, sentence: str) -> None:
        self.problems.append(TableError(self.setup.file, line, sentence))

    def take(self, step: SetupStep | None, kind: str) -> None:
        if step is None:
            self.unchanged[kind] += 1
        else:
            self.steps.append(step)

    def who(self, one: DeclaredAccount | DeclaredExecutive) -> tuple[Key, str] | None:
        """The account that is meant, with its handle. None if it is not known yet, or is a problem."""
        if one.account_id is not None:
            return (one.platform, one.account_id), one.handle or one.account_id
        said = said_of(one)
        what = match_stored(said, self.stored.called)
        if isinstance(what, ResolvedName):
            return (one.platform, what.native_id), what.handle
        name = account_name(one.platform, one.handle or "")
        if isinstance(what, UnresolvedName):
            self.fault(one.line, f"account {name}: {what.why}")
            return None
        line = self.stored.checked.get((one.platform, (one.handle or "").lower()))
        if line is not None and line.found is not None:
            return (one.platform, line.found.native_id), line.found.handle
        if line is None:
            self._look_up(one, name)
        elif line.is_open:
            self.notes.append(
                f"{name} waits: {PLATFORM_NAME[one.platform]} has not given its id yet. Apply the file again "
                "later."
            )
        else:
            self.notes.append(f"{name} is not watched: {line.words}")
        return None

    def _look_up(self, one: DeclaredAccount | DeclaredExecutive, name: str) -> None:
        if (refusal := self._refusal(one.platform)) is not None:
            self.fault(one.line, f"account {name} {refusal}")
            return
        asked = (one.platform, (one.handle or "").lower())
        if asked in self.asked:
            return
        self.asked.add(asked)
        words = f"{PLATFORM_NAME[one.platform]} is asked for its id; apply the file again when it is found"
        write = LookUpWrite(one.platform, one.handle or "")
        self.steps.append(SetupStep(Verb.ADD, "account", name, words, write, one.line))

    def _refusal(self, platform: Platform) -> str | None:
        if self.limits.platforms is None or platform in self.limits.platforms:
            return None
        return f"is on {PLATFORM_NAME[platform]}, which is not read (setting platforms)."

    def lists(self) -> None:
        declared = {one.name for one in self.setup.lists}
        of_orders = {one.list_name or one.reference for one in self.setup.orders}
        for one in self.setup.lists:
            self.take(self._list(one, of_orders), "list")
        for account in self.setup.accounts:
            for name in account.lists or ():
                if name not in {*declared, *of_orders, *self.stored.lists}:
                    declared.add(name)
                    self._refuse_name(account.line, name)
                    write = ListWrite(name, is_new=True)
                    self.steps.append(SetupStep(Verb.ADD, "list", clean(name, 100), "", write, account.line))

        if self.prune and "lists" in self.setup.sections:
            kept = {*declared, *of_orders, *self._lists_of_orders()}
            kept |= {name for account in self.setup.accounts for name in account.lists or ()}
            self.steps += [
                SetupStep(
                    Verb.REMOVE,
                    "list",
                    clean(name, 100),
                    "archived, with its accounts",
                    ListWrite(name, archived=True),
                )
                for name, known in self.stored.lists.items()
                if name not in kept and not known.is_archived
            ]

    def _lists_of_orders(self) -> set[str]:
        return {one.name for one in self.stored.lists.values() if one.order is not None}

    def _refuse_name(self, line: int, name: str) -> None:
        if (fault := list_name_fault(name)) is not None:
            self.fault(line, fault)

    def _list(self, one: DeclaredList, of_orders: Collection[str]) -> SetupStep | None:
        known, name = self.stored.lists.get(one.name), clean(one.name, 100)
        every = one.read_every if isinstance(one.read_every, timedelta) else None
        days = one.evidence_days if isinstance(one.evidence_days, int) else None
        words: list[str] = []
        sets_interval = one.read_every is not None and every != (known and known.read_every)
        if sets_interval:
            words.append("no guaranteed interval" if every is None else f"read every {span(every)}")
            if every is not None and not self.limits.has_intervals:
                needed = 'a guaranteed interval needs the adaptive planner. Set planner = "adaptive" first.'
                self.fault(one.line, f"list {name}: {needed}")
        sets_days = one.evidence_days is not None and days != (known and known.evidence_days)
        if sets_days:
            kept = "without a limit" if days is None else f"for {number(days, 'day')}"
            words.append(f"evidence kept {kept}")
            if days is not None and known is not None and days < known.fewest_days:
                needed = f"the evidence of the list of an order is kept at least {known.fewest_days} days."
                self.fault(one.line, f"list {name}: {needed}")
        own = one.thresholds if isinstance(one.thresholds, ListThresholds) else None
        sets_thresholds = one.thresholds is not None and own != (known and known.thresholds)
        if sets_thresholds:
            words.append(f"changes confirmed by {thresholds_words(own)}")
        archived = None if one.archived == (known is not None and known.is_archived) else one.archived
        if archived is not None:
            words.append("archived, with its accounts" if archived else "in use again")
            if archived and one.name in {*of_orders, *self._lists_of_orders()}:
                self.fault(one.line, f"list {name} belongs to an order, so it cannot be archived.")
        if known is None:
            self._refuse_name(one.line, one.name)
        elif not words:
            return None
        is_new = known is None and one.name not in of_orders
        write = ListWrite(
            one.name, is_new, sets_interval, every, sets_days, days, archived, sets_thresholds, own
        )
        verb = Verb.ADD if known is None else Verb.CHANGE
        return SetupStep(verb, "list", name, ", ".join(words), write, one.line)

    def accounts(self, people: Sequence[tuple[DeclaredAccount, tuple[Key, str] | None]]) -> None:
        named = _named_after(self.setup, self.stored, prune=self.prune)
        first: dict[Key, int] = {}
        for one, who in people:
            if who is None:
                continue
            key, handle = who
            if key in first:
                name = account_name(one.platform, handle)
                self.fault(one.line, f"{name} is account {clean(key[1])}, as on line {first[key]}.")
                continue
            first[key] = one.line
            known = self.stored.accounts.get(key)
            if known is not None and known.watched:
                self.take(self._changed(one, known, named), "account")
            else:
                self.take(self._watched(one, key, handle, known), "account")
        if not self.prune or "accounts" not in self.setup.sections:
            return
        for key, known in self.stored.accounts.items():
            if known.watched and key not in first and key not in named.keys:
                name = f"{account_name(known.platform, known.handle)} ({clean(known.native_id, 120)})"
                words = "no longer watched; its history is kept"
                self.steps.append(SetupStep(Verb.REMOVE, "account", name, words, StopWrite(known.account_id)))

    def _watched(self, one: DeclaredAccount, key: Key, handle: str, known: SetUpAccount | None) -> SetupStep:
        name = f"{account_name(one.platform, handle)} ({clean(key[1], 120)})"
        if (refusal := self._refusal(one.platform)) is not None:
            self.fault(one.line, f"account {name} {refusal}")
        if known is not None and known.is_control:
            why = "is a control account of the settings and cannot be watched."
            self.fault(one.line, f"account {name} {why}")
        before = known.lists if known is not None else ()
        lists = one.lists if one.lists is not None else () if before else (DEFAULT_LIST,)
        leave = _less(before, one.lists, prune=self.prune)
        untag = _less(known.tags if known is not None else (), one.tags, prune=self.prune)
        words = ["watched from now on", *_words(_more(before, lists), leave, one.tags or (), untag)]
        write = WatchWrite(one.platform, key[1], handle, lists, one.tags or (), leave, untag)
        return SetupStep(Verb.ADD, "account", name, ", ".join(words), write, one.line)

    def _changed(self, one: DeclaredAccount, known: SetUpAccount, named: "_NamedAfter") -> SetupStep | None:
        left = named.left.get(known.account_id, frozenset())
        now = [named.renamed.get(name, name) for name in known.lists if name not in left]
        join = _more(now, one.lists or ())
        own = {named.renamed.get(name, name) for name in named.lists.get(known.account_id, ())}
        leave = tuple(name for name in _less(now, one.lists, prune=self.prune) if name not in own)
        tag, untag = _more(known.tags, one.tags or ()), _less(known.tags, one.tags, prune=self.prune)
        if not (join or leave or tag or untag):
            return None
        name = f"{account_name(known.platform, known.handle)} ({clean(known.native_id, 120)})"
        words = ", ".join(_words(join, leave, tag, untag))
        write = AccountWrite(known.account_id, join, leave, tag, untag)
        return SetupStep(Verb.CHANGE, "account", name, words, write, one.line)

    def executives(self) -> None:
        first: dict[Key, int] = {}
        for one in self.setup.executives:
            who = self.who(one)
            if who is None:
                continue
            key, handle = who
            if key in first:
                self.fault(one.line, f"executive {clean(one.name)} is the account of line {first[key]}.")
                continue
            first[key] = one.line
            known = self.stored.executives.get(key)
            if known is not None and (known.name, known.title) == (one.name, one.title):
                self.unchanged["executive"] += 1
                continue
            if known is None and (refusal := self._refusal(one.platform)) is not None:
                self.fault(one.line, f"executive {clean(one.name)} {refusal}")
            verb = Verb.ADD if known is None else Verb.CHANGE
            words = f"{clean(one.title)}, {account_name(one.platform, handle)} ({clean(key[1], 120)})"
            write = ExecutiveWrite(one.platform, key[1], handle, one.name, one.title)
            self.steps.append(SetupStep(verb, "executive", clean(one.name), words, write, one.line))

    def rules(self) -> None:
        known = {stored.rule.name: stored for stored in self.stored.rules}
        for row in self.setup.rules:
            name = row.rule.name
            there = known.get(name)
            if there is not None and (there.rule, there.enabled) == (row.rule, row.enabled):
                self.unchanged["rule"] += 1
                continue
            if there is not None and there.from_settings:
                self.fault(row.line, f"rule {name!r} is defined in the settings. Change it in the settings.")
            is_new = there is None and name not in self.stored.unreadable_rules
            words = "" if row.enabled else "disabled"
            if there is not None and there.enabled is not row.enabled and row.enabled:
                words = "enabled"
            verb = Verb.ADD if is_new else Verb.CHANGE
            write = RuleWrite(row.rule, row.enabled)
            self.steps.append(SetupStep(verb, "rule", clean(name, 80), words, write, row.line))
        if self.prune and "rules" in self.setup.sections:
            there = {row.rule.name for row in self.setup.rules}
            self.steps += [
                SetupStep(Verb.REMOVE, "rule", clean(name, 80), "disabled, and kept", RuleOff(name))
                for name, stored in known.items()
                if stored.enabled and not stored.from_settings and name not in there
            ]
        self._rule_order()

    def _rule_order(self) -> None:
        """Bring the rules of the file into its order, each in a place of one of them."""
        if self.stored.unreadable_rules:
            return  # it is not known where they are
        by_hand = [stored.rule.name for stored in self.stored.rules if not stored.from_settings]
        settings = {stored.rule.name for stored in self.stored.rules if stored.from_settings}
        wanted = [row.rule.name for row in self.setup.rules if row.rule.name not in settings]
        there = [*by_hand, *(name for name in wanted if name not in by_hand)]
        rest = iter(wanted)
        names = tuple(next(rest) if name in wanted else name for name in there)
        if list(names) != there:
            words = f"tried in the order of {self.setup.file}"
            self.steps.append(SetupStep(Verb.CHANGE, "rule", "order", words, RuleOrder(names)))


@dataclass(frozen=True, slots=True)
class _NamedAfter:
    """What orders mean for accounts, once the file is applied."""

    keys: set[Key] = field(default_factory=set[Key])
    """The accounts that an order names then."""
    lists: dict[AccountId, frozenset[str]] = field(default_factory=dict[AccountId, frozenset[str]])
    """The lists of the orders that name an account now."""
    left: dict[AccountId, frozenset[str]] = field(default_factory=dict[AccountId, frozenset[str]])
    """Of these, the lists that the account leaves because all its names there are withdrawn."""
    renamed: dict[str, str] = field(default_factory=dict[str, str])
    """New names of lists of orders, by their present names."""


def _named_after(setup: DeclaredSetup, stored: StoredSetup, *, prune: bool) -> _NamedAfter:
    list_of = {one.order: one.name for one in stored.lists.values() if one.order is not None}
    key_of = {known.account_id: key for key, known in stored.accounts.items()}
    going = withdrawn_names(setup, stored) if prune else {}
    named = _NamedAfter()
    for account_id, references in stored.naming.items():
        named.lists[account_id] = frozenset(list_of[r] for r in references if r in list_of)
        left = {r for r in references if r in going and account_id in going[r]}
        named.left[account_id] = frozenset(list_of[r] for r in left if r in list_of)
        if references - left and account_id in key_of:
            named.keys.add(key_of[account_id])
    for order in setup.orders:
        known = stored.orders.get(order.reference)
        if known is not None and order.list_name is not None:
            named.renamed[known.order.list_name] = order.list_name
        for line in lines_of_names(order.names or (), None):
            what = None if line.fault else match_stored(line.said, stored.called)
            if isinstance(what, ResolvedName) and line.said.platform is not None:
                named.keys.add((line.said.platform, what.native_id))
    return named


def _more(before: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
    there = set(before)
    return tuple(name for name in wanted if name not in there)


def _less(before: Iterable[str], wanted: Collection[str] | None, *, prune: bool) -> tuple[str, ...]:
    """What is to go: nothing without `prune`, or if the file does not give the key."""
    return tuple(name for name in before if name not in wanted) if prune and wanted is not None else ()


def _words(
    join: Sequence[str], leave: Sequence[str], tag: Sequence[str], untag: Sequence[str]
) -> Iterable[str]:
    if join:
        yield f"on {'list' if len(join) == 1 else 'lists'} {', '.join(map(clean, join))}"
    if leave:
        yield f"off {'list' if len(leave) == 1 else 'lists'} {', '.join(map(clean, leave))}"
    if tag:
        yield f"tagged {', '.join(map(clean, tag))}"
    if untag:
        yield f"no longer tagged {', '.join(map(clean, untag))}"
