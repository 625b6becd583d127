"""Pure: what the platforms declare, and which sites are not read, as tables (docs/reference/platforms.md)."""

from storage.model.core.availability import Status
from storage.model.core.signals import SignalKind
from storage.model.platforms.declaration import PlatformDeclaration
from storage.model.platforms.registry import DECLARED
from storage.model.platforms.unread import UNREAD
from storage.model.text.units import span


def markdown() -> str:
    """A column for each platform, a row for what it shows, allows and charges."""
    platforms = list(DECLARED.values())
    rows = [
        ("", [declared.name for declared in platforms]),
        ("stable id of an account", [f"`{declared.id_example}`" for declared in platforms]),
        ("handle", [f"`@{declared.handle_example}`" for declared in platforms]),
        ("statuses", [_statuses(declared) for declared in platforms]),
        ("withheld by country", [_withheld(declared) for declared in platforms]),
        ("engagement that it does not show", [_unseen(declared) for declared in platforms]),
        ("accounts in one request", [f"{declared.terms.batch}" for declared in platforms]),
        ("limit", [_limit(declared) for declared in platforms]),
        ("price", [_price(declared) for declared in platforms]),
    ]
    lines = [f"| {' | '.join([title, *cells])} |" for title, cells in rows]
    return "\n".join([lines[0], "|" + " --- |" * (len(platforms) + 1), *lines[1:]]) + "\n"


def unread_markdown() -> str:
    """A row for each site that is not read."""
    lines = [f"| {site.name} | {site.shows} | {site.why} | {site.source} |" for site in UNREAD]
    return "\n".join(
        [
            "| site | what it shows, and to whom | why it is not read | source |",
            "|" + " --- |" * 4,
            *lines,
            "",
        ]
    )


def own_pace(declared: PlatformDeclaration) -> str:
    """ "5 requests per second to one host", "one request per 9.2 s with one key". Empty if Blockline has
    no pace of its own there.
    """
    per_s = declared.terms.own_pace_s
    if per_s is None:
        return ""
    pace = f"{per_s:g} requests per second" if per_s >= 0.5 else f"one request per {1 / per_s:.1f} s"
    return f"{pace} {'with one key' if declared.counts_by_key else 'to one host'}"


def _statuses(declared: PlatformDeclaration) -> str:
    shown = [status.value.replace("_", " ") for status in Status if status in declared.statuses]
    either = "; suspended may be deleted" if declared.suspension_may_be_deletion else ""
    return ", ".join(shown) + either


def _withheld(declared: PlatformDeclaration) -> str:
    if Status.WITHHELD not in declared.statuses:
        return "no"
    return "in its own app only" if declared.withholds_in_its_app_only else "yes"


def _unseen(declared: PlatformDeclaration) -> str:
    states = {one.kind: one.state for one in declared.not_observable}
    if states.keys() == set(SignalKind) and len(set(states.values())) == 1:
        return f"all kinds: {states[SignalKind.LIKE]}"
    return "; ".join(f"{kind.value}s: {state}" for kind, state in states.items()) or "none"


def _limit(declared: PlatformDeclaration) -> str:
    limit = declared.terms.limit
    stated = "not documented"
    if limit is not None:
        stated = (
            f"{limit.requests:,} requests in {span(limit.within)} for {limit.counted_for} ({limit.source})"
        )
    pace = own_pace(declared)
    return stated + (f"; Blockline sends at most {pace}" if pace else "")


def _price(declared: PlatformDeclaration) -> str:
    price = declared.terms.price
    if price is None:
        return "free"
    of_posts = "" if price.usd_per_post is None else f", at most ${price.usd_per_post:.3f} per post"
    return f"${price.usd_per_account:.3f} per account and UTC day{of_posts}"
