"""Pure: what has to be written so that stored orders agree with a setup file."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from jobs.base.wording import number
from jobs.setup.declared import DeclaredEvent, DeclaredOrder, DeclaredSetup
from jobs.setup.setup_file import new_order
from jobs.setup.state import SetUpOrder, StoredSetup
from jobs.setup.steps import OrderWrite, SetupStep, Verb
from storage.model.core.accounts import AccountId
from storage.model.core.orders import NewOrder, NewOrderEvent, OrderEvent, OrderName
from storage.model.orders.edits import differences
from storage.model.orders.order_fields import OrderEdit, OrderFault, edited
from storage.model.orders.outside_findings import count_names
from storage.model.tables.csv_rows import TableError
from storage.model.tables.tag_and_list_edits import list_name_fault
from storage.model.text.states import clean


@dataclass(slots=True)
class OrderSteps:
    """The steps about orders."""

    steps: list[SetupStep] = field(default_factory=list[SetupStep])
    problems: list[TableError] = field(default_factory=list[TableError])
    unchanged: int = 0


def order_steps(setup: DeclaredSetup, stored: StoredSetup, *, prune: bool) -> OrderSteps:
    """Compare the orders of a file with those stored. With `prune`, undeclared names are withdrawn too."""
    out = OrderSteps()
    for one in setup.orders:
        try:
            step = _order(one, setup, stored, prune=prune)
        except OrderFault as fault:
            out.problems.append(TableError(setup.file, one.line, f"order {clean(one.reference)}: {fault}"))
            continue
        except TableError as problem:
            out.problems.append(problem)
            continue
        if step is None:
            out.unchanged += 1
        else:
            out.steps.append(step)
    if prune and "orders" in setup.sections:
        declared = {one.reference for one in setup.orders}
        for reference, known in stored.orders.items():
            names = _named(known)
            if reference not in declared and names:
                words = f"{number(len(names), 'name')} withdrawn; the order is kept"
                write = OrderWrite(reference, withdraw=tuple(name.said for name in names))
                out.steps.append(SetupStep(Verb.REMOVE, "order", clean(reference), words, write))
    return out


def withdrawn_names(setup: DeclaredSetup, stored: StoredSetup) -> dict[str, set[AccountId]]:
    """Return, by reference, the accounts that orders stop naming when the file is applied with prune."""
    if "orders" not in setup.sections:
        return {}
    declared = {one.reference: one for one in setup.orders}
    out: dict[str, set[AccountId]] = {}
    for reference, known in stored.orders.items():
        one = declared.get(reference)
        if one is not None and one.names is None:
            continue
        kept = set(one.names or ()) if one is not None else set[str]()
        staying = {n.account_id for n in _named(known) if n.said in kept}
        going = {n.account_id for n in _named(known) if n.said not in kept}
        out[reference] = {i for i in going - staying if i is not None}
    return out


def named_count_to_set(declared: int | None, order: NewOrder, names: Sequence[OrderName]) -> int | None:
    """Return the number of accounts that an order has to get; None if its number stays.

    A number that was raised to that of the stored names is not set back.
    """
    is_raised = declared is not None and order.named_count > declared
    if declared in {None, order.named_count}:
        return None
    return None if is_raised and order.named_count == count_names(names).accounts.named else declared


def _order(one: DeclaredOrder, setup: DeclaredSetup, stored: StoredSetup, *, prune: bool) -> SetupStep | None:
    known = stored.orders.get(one.reference)
    return _new(one, setup, stored) if known is None else _changed(one, known, setup, stored, prune=prune)


def _new(one: DeclaredOrder, setup: DeclaredSetup, stored: StoredSetup) -> SetupStep:
    order = new_order(one, one.issued_at)
    list_ = stored.lists.get(order.list_name)
    if list_ is not None and list_.order is not None:
        fault = f"list {clean(order.list_name)!r} already belongs to order {clean(list_.order)}."
        raise TableError(setup.file, one.line, fault)
    if list_ is None:
        _refuse_name(order.list_name, one, setup)
    events = tuple(event for event in one.events if _is_new(event, None, setup, stored))
    write = OrderWrite(
        one.reference,
        new=order,
        named_count=one.named_count,
        add_names=one.names or (),
        add_keywords=one.keywords or (),
        events=events,
    )
    words = [f"with the list {clean(order.list_name)}", *_counts(write)]
    return SetupStep(Verb.ADD, "order", clean(one.reference), ", ".join(words), write, one.line)


def _changed(
    one: DeclaredOrder, known: SetUpOrder, setup: DeclaredSetup, stored: StoredSetup, *, prune: bool
) -> SetupStep | None:
    order = known.order
    edit = OrderEdit(
        title=one.title,
        issuer=one.issuer,
        country=one.country,
        legal_basis=one.legal_basis,
        issued_at=one.issued_at,
        issued_from=one.issued_from,
        issued_to=one.issued_to,
        deadline_at=one.deadline_at,
        list_name=one.list_name,
    )
    before, after = differences(order, edited(order, edit))
    count = named_count_to_set(one.named_count, order, known.names)
    if count is not None:
        before, after = {**before, "named_count": order.named_count}, {**after, "named_count": count}
    if "list_name" in after:
        if one.list_name in stored.lists:
            raise TableError(setup.file, one.line, f"the list {clean(one.list_name or '')!r} already exists.")
        _refuse_name(one.list_name or "", one, setup)
    named, there = {name.said for name in _named(known)}, set(known.keywords)
    write = OrderWrite(
        one.reference,
        edit=edit if set(after) - {"named_count"} else OrderEdit(),
        named_count=one.named_count,
        add_names=tuple(name for name in one.names or () if name not in named),
        withdraw=tuple(n for n in _in_order(known) if n not in one.names)
        if prune and one.names is not None
        else (),
        add_keywords=tuple(word for word in one.keywords or () if word not in there),
        remove_keywords=tuple(word for word in known.keywords if word not in one.keywords)
        if prune and one.keywords is not None
        else (),
        events=tuple(event for event in one.events if _is_new(event, known, setup, stored)),
    )
    words = [f"{name} is {_value(after[name])} (it was {_value(before[name])})" for name in after]
    words += _counts(write)
    if not words:
        return None
    return SetupStep(Verb.CHANGE, "order", clean(one.reference), ", ".join(words), write, one.line)


def _refuse_name(name: str, one: DeclaredOrder, setup: DeclaredSetup) -> None:
    if (fault := list_name_fault(name)) is not None:
        raise TableError(setup.file, one.line, fault)


def _named(known: SetUpOrder) -> list[OrderName]:
    return [name for name in known.names if name.withdrawal is None]


def _in_order(known: SetUpOrder) -> list[str]:
    return [name.said for name in _named(known)]


def _is_new(one: DeclaredEvent, known: SetUpOrder | None, setup: DeclaredSetup, stored: StoredSetup) -> bool:
    """Whether no event has this time and text. Raises TableError if one has, but is not the same."""
    event = one.event
    same = stored.events.get((event.at, event.text))
    if same is None:
        return True
    is_of_order = known is not None and same.order_id == known.order_id
    if not is_of_order or _plain(same) != _plain(event):
        what = f"the {event.kind.value} of {event.at.isoformat()}"
        raise TableError(setup.file, one.line, f"{what} is already stored otherwise. Events are not changed.")
    return False


def _plain(event: OrderEvent | NewOrderEvent) -> tuple[object, ...]:
    return event.kind, event.at_from, event.at_to, event.claim, event.source.strip()


def _counts(write: OrderWrite) -> list[str]:
    words: list[str] = []
    if write.add_names:
        words.append(f"{number(len(write.add_names), 'name')} added")
    if write.withdraw:
        words.append(f"{number(len(write.withdraw), 'name')} withdrawn")
    if write.add_keywords:
        words.append(f"{number(len(write.add_keywords), 'keyword')} added")
    if write.remove_keywords:
        words.append(f"{number(len(write.remove_keywords), 'keyword')} removed")
    if write.events:
        words.append(f"{number(len(write.events), 'event')} added")
    return words


def _value(value: object) -> str:
    return "none" if value is None else clean(str(value), 200)
