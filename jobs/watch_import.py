"""Bringing users' files into the database: every line is reported, and all go in or none."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from jobs.tables import TableError, header_of
from jobs.user_tables import ExecutiveRow, OrderRow, WatchRow, executive_rows, order_rows, watch_rows
from jobs.withheld import is_crawl, read_crawl
from storage import orders, signals
from storage.accounts import NewAccount, add_accounts
from storage.db import Pool, transaction
from storage.imports import import_history
from storage.model.accounts import Platform

Resolver = Callable[[Sequence[str]], Awaitable[dict[str, tuple[str, str] | str]]]
"""For each handle of X its (id, handle as spelt), or the reason why there is none."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did: one sentence a line that was refused, and what the rest became."""

    problems: tuple[str, ...]
    done: str
    """One sentence; empty when nothing was stored."""
    figures: dict[str, int]

    @property
    def refused(self) -> bool:
        return bool(self.problems) and not self.done
