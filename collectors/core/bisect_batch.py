"""Finding the ids that make a platform reject a whole batch, by bisection with a limited number of
requests.
"""

from collections.abc import Awaitable, Callable, Sequence

from collectors.core.collector import RequestFailure
from storage.model.core.availability import MissedReason

Ask = Callable[[Sequence[str]], Awaitable[RequestFailure | None]]
"""A function that asks about some ids. It returns None if the platform answered, or else the failure."""


async def find_rejected(ids: Sequence[str], ask: Ask, most: int) -> set[str] | RequestFailure:
    """Return the ids that the platform rejects as a bad request. `most` is the largest number of requests to
    make.

    Return an empty set if more requests would be needed to find all rejected ids. If a request fails in
    another way, return that failure at once.
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
