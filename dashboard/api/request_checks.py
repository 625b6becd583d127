"""What an answer of the API is made from, and the two times that most questions have."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dashboard.api.problem_responses import ApiInvalidField, ApiNotFound
from dashboard.asgi.settings import DashboardSettings
from dashboard.live.push import Hub
from storage.export.exports import list_names
from storage.model.text.states import clean
from storage.postgres.pool import Conn, Pool


@dataclass(frozen=True, slots=True)
class ApiContext:
    """Where the routes read, and whose clock they go by."""

    pool: Pool
    clock: Callable[[], datetime]
    settings: DashboardSettings
    hub: Hub


def past(at: datetime | None, name: str, now: datetime) -> datetime | None:
    """A moment that was asked for. Raises Unusable for one still to come."""
    if at is not None and at > now:
        raise ApiInvalidField(f"query.{name}", "That time has not come yet: nobody has seen anything of it.")
    return at


def ordered(since: datetime | None, until: datetime | None) -> None:
    """Raises Unusable when a range ends before it begins."""
    if since is not None and until is not None and until <= since:
        raise ApiInvalidField("query.to", "This is not after `from`.")


async def refuse_unknown_list(conn: Conn, name: str | None) -> None:
    """Raises NotThere with the names that there are: an empty answer would say that nobody is affected."""
    if name is not None and name not in (names := await list_names(conn)):
        known = ", ".join(map(clean, names[:50])) or "none"
        raise ApiNotFound(f"There is no list {clean(name)!r}; there are: {known}.")
