"""Recently confirmed changes, by list. After such a change, weak evidence about other accounts of the list
needs one fewer reading.
"""

from collections import defaultdict, deque
from collections.abc import Iterable
from datetime import datetime, timedelta

from storage.model.core.accounts import ListId


class RecentConfirmations:
    """Times of confirmed changes, by list.

    A confirmation counts only for later readings, not for those of the same time. So the order of answers
    within one round of requests makes no difference.
    """

    def __init__(self, window: timedelta) -> None:
        self._window = window
        self._times: defaultdict[ListId, deque[datetime]] = defaultdict(deque)

    def take_up(self, confirmed: Iterable[tuple[ListId, datetime]]) -> None:
        """Replace all times with the times in `confirmed`, which must be in ascending order."""
        self._times.clear()
        for list_id, at in confirmed:
            self.confirmed([list_id], at)

    def confirmed(self, lists: Iterable[ListId], at: datetime) -> None:
        for list_id in lists:
            times = self._times[list_id]
            if not times or times[-1] < at:
                times.append(at)

    def is_active(self, lists: Iterable[ListId], at: datetime) -> bool:
        """Whether a change was confirmed on any of these lists in the window before `at`. A change confirmed
        at `at` itself does not count.
        """
        for list_id in lists:
            times = self._times.get(list_id)
            if times is None:
                continue
            while times and times[0] < at - self._window:
                times.popleft()
            if times and times[0] < at:
                return True
        return False
