"""Finding the ids for which a platform rejects a whole batch. The search is a bisection with a limited number
of requests.
"""

from collections.abc import Awaitable, Callable, Sequence

from collectors.core.collector import RequestFailure
from storage.model.core.availability import MissedReason

Ask = Callable[[Sequence[str]], Awaitable[RequestFailure | None]]
"""A function that asks about some ids. It returns the failure of the request; None if the platform answered.
"""


async def find_rejected(ids: Sequence[str], ask: Ask, most: int) -> set[str] | RequestFailure:
    """Return the ids that the platform rejects as a bad request. At most `most` requests are made.

    Empty if no id is rejected, or if the search needs more requests. If a request fails for another reason,
    the search stops and its failure is returned.
    """
    found: set[str] = set()
    parts = _halves(ids)
    for _ in range(most):
        if not parts:
            return found
        part = parts.pop()
        trouble = await ask(part)
        if trouble is None:
            continue
        if trouble.reason is not MissedReason.BAD_REQUEST:
            return trouble
        if len(part) == 1:
            found.update(part)
        else:
            parts += _halves(part)
    return set() if parts else found


def _halves(ids: Sequence[str]) -> list[Sequence[str]]:
    half = len(ids) // 2
    return [ids[half:], ids[:half]]
