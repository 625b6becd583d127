"""Pure: what is stored as a setup file. Applied to the same installation, it changes nothing."""

from collections.abc import Iterator, Mapping

from jobs.setup.declared import THRESHOLDS
from jobs.setup.state import Key, SetUpOrder, StoredSetup
from storage.model.alerts.rule_codec import duration_text
from storage.model.alerts.rule_toml import toml_of
from storage.model.core.orders import OrderEvent
from storage.model.tables.csv_cells import CellError
from storage.model.tables.csv_cells import handle as handle_of
from storage.model.text.toml_text import toml_value

_PREAMBLE = "# The setup of Blockline. `blockline apply FILE` brings an installation to it.\n"


def setup_text(stored: StoredSetup) -> str:
    """Return the setup file of an installation: its lists, watched accounts, executives, rules and orders.

    Rules of the settings, files attached to orders and withdrawn names are left out.
    """
    return _PREAMBLE + "".join(
        [*_lists(stored), *_accounts(stored), *_executives(stored), *_rules(stored), *_orders(stored)]
    )


def _lists(stored: StoredSetup) -> Iterator[str]:
    for one in sorted(stored.lists.values(), key=lambda one: one.name):
        own = one.thresholds
        if one.order is None or (one.read_every, one.evidence_days, own) != (None, None, None):
            every = None if one.read_every is None else duration_text(one.read_every)
            numbers = () if own is None else (own.strong_readings, own.weak_readings)
            values = {
                "name": one.name,
                "read_every": every,
                "evidence_days": one.evidence_days,
                "thresholds": dict(zip(THRESHOLDS, numbers, strict=True)) if numbers else None,
                "archived": one.is_archived or None,
            }
            yield _table("lists", values)


def _accounts(stored: StoredSetup) -> Iterator[str]:
    list_of = {one.order: one.name for one in stored.lists.values() if one.order is not None}
    for key, one in sorted(stored.accounts.items()):
        if not one.watched:
            continue
        by_order = {list_of[reference] for reference in stored.naming.get(one.account_id, ())}
        lists = [name for name in one.lists if name not in by_order]
        yield _table("accounts", {**_who(key, one.handle), "lists": lists, "tags": list(one.tags) or None})


def _executives(stored: StoredSetup) -> Iterator[str]:
    for key, one in sorted(stored.executives.items()):
        yield _table("executives", {**_who(key, one.account.handle), "name": one.name, "title": one.title})


def _rules(stored: StoredSetup) -> Iterator[str]:
    for one in stored.rules:
        if not one.from_settings:
            yield f"\n[[rules]]\n{toml_of(one.rule)}" + ("" if one.enabled else "enabled = false\n")


def _orders(stored: StoredSetup) -> Iterator[str]:
    for one in sorted(stored.orders.values(), key=lambda one: (one.order.issued_at, one.order.reference)):
        yield _order(one)


def _order(one: SetUpOrder) -> str:
    order = one.order
    names = [name.said for name in one.names if name.withdrawal is None]
    lines = _table(
        "orders",
        {
            "reference": order.reference,
            "title": order.title,
            "issuer": order.issuer,
            "country": order.country,
            "legal_basis": order.legal_basis,
            "issued_at": order.issued_at,
            "issued_from": order.issued_from,
            "issued_to": order.issued_to,
            "deadline_at": order.deadline_at,
            "named_count": order.named_count,
            "list": order.list_name,
            "keywords": list(one.keywords) or None,
        },
    )
    if names:
        lines += "names = [\n" + "".join(f"    {toml_value(name)},\n" for name in names) + "]\n"
    return lines + "".join(map(_event, sorted(one.events, key=lambda event: (event.at, event.text))))


def _event(event: OrderEvent) -> str:
    claim = event.claim
    return _table(
        "orders.events",
        {
            "kind": event.kind.value,
            "at": event.at,
            "at_from": event.at_from,
            "at_to": event.at_to,
            "text": event.text,
            "source": event.source,
            "claimed": claim and claim.count,
            "claimed_of": claim and claim.of,
            "claimed_what": claim and claim.what.value,
            "claimed_targets": claim and claim.targets and claim.targets.value,
            "at_least": True if claim is not None and claim.at_least else None,
        },
    )


def _who(key: Key, handle: str) -> dict[str, object]:
    """The platform, handle and id of an account. What is in place of a handle (the id) is left out."""
    platform, native_id = key
    try:
        is_handle = handle != native_id and handle_of(handle, platform) == handle
    except CellError:
        is_handle = False
    return {"platform": platform.value, "handle": handle if is_handle else None, "account_id": native_id}


def _table(name: str, values: Mapping[str, object]) -> str:
    given = ((key, value) for key, value in values.items() if value is not None)
    return f"\n[[{name}]]\n" + "".join(f"{key} = {toml_value(value)}\n" for key, value in given)
