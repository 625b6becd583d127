"""Deciding again: the stored readings of a time once more through detection and confirmation."""

import time
from dataclasses import dataclass
from datetime import datetime

from jobs.confirm import ConfirmationRule
from jobs.replay_compare import Compared, compare
from jobs.replay_fold import retold
from storage import replay_courses
from storage.db import Conn
from storage.replay_courses import Courses


@dataclass(frozen=True, slots=True)
class Redecided:
    """What the readings of a time tell, and how that differs from what is stored."""

    rule: ConfirmationRule
    courses: Courses
    compared: Compared
    load_s: float
    decide_s: float

    @property
    def readings_per_s(self) -> int | None:
        took = self.load_s + self.decide_s
        return round(self.courses.readings / took) if took else None


async def redecide(
    conn: Conn, since: datetime, until: datetime, rule: ConfirmationRule, in_force: ConfirmationRule
) -> Redecided:
    """Decide on the readings from `since` until before `until` by `rule`. Nothing is written."""
    started = time.perf_counter()
    courses = await replay_courses.load(conn, since, until, rule.cohort_window)
    loaded = time.perf_counter()
    told = retold(courses.accounts, courses.confirmed_on, rule)
    compared = compare(courses.accounts, told, until, rule, in_force)
    return Redecided(rule, courses, compared, loaded - started, time.perf_counter() - loaded)
