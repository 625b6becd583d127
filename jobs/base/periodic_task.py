"""What is done beside the reading of accounts, each at its own pace: engagement, vantages, side facts."""

from datetime import datetime
from typing import Protocol


class PeriodicTask(Protocol):
    """Something that a collecting process does again and again. Faults of a platform are never raised."""

    async def load(self) -> None:
        """Take up what the database holds: at the start, and after accounts were added or removed."""
        ...

    def next_due(self) -> datetime | None:
        """When there is something to do; None when there is nothing."""
        ...

    async def tick(self) -> None:
        """Do what is due."""
        ...
