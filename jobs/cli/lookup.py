"""What a user names on the command line, found on file. What is not there is said in one sentence."""

from collections.abc import Sequence

from jobs.base.errors import CommandError
from jobs.base.wording import minute
from storage.alerts.threads import stories_named
from storage.changes.evidence_pack import changes_named, purged_at
from storage.model.alerts.rules import StoredRule
from storage.model.text.states import clean
from storage.postgres.pool import Conn


def find_rule(name: str, known: Sequence[StoredRule]) -> StoredRule:
    """Raises CommandError with the names that there are."""
    for stored in known:
        if stored.rule.name == name:
            return stored
    there = ", ".join(clean(stored.rule.name, 80) for stored in known)
    hint = f"there are: {there}." if there else "there is none at all."
    raise CommandError(f"There is no rule {clean(name, 80)!r}; {hint}")


async def find_change(conn: Conn, name: str) -> int:
    """The number of the change that a number, a key or the beginning of one means. Raises CommandError."""
    found = await changes_named(conn, name)
    if len(found) == 1:
        return found[0]
    if found:
        numbers = ", ".join(map(str, found))
        raise CommandError(f"{clean(name)} is the beginning of more than one change: {numbers}.")
    if name.isdecimal() and len(name) < 19 and (at := await purged_at(conn, int(name))) is not None:
        raise CommandError(f"Change {name} was purged on {minute(at)}: of it only hashes are left.")
    raise CommandError(f"There is no change with the number or the key {clean(name)}.")


async def find_thread(conn: Conn, name: str) -> str:
    """The key of the story that a key or the beginning of one means. Raises CommandError."""
    found = await stories_named(conn, name) if name else []
    if len(found) == 1:
        return found[0]
    if found:
        raise CommandError(f"{clean(name)} is the beginning of more than one story: write more of its key.")
    raise CommandError(f"There is no story {clean(name)}; `blockline alerts stories` lists them.")
