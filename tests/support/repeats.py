"""What `make test` does a few times, or of a few cases, and `make test-long` often, or of all."""

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

IS_LONG = bool(os.environ.get("TEST_LONG"))
"""`make test-long` repeats it often; `make test`, which is to be run often, a few times."""


def repeats(usual: int, long: int) -> int:
    return long if IS_LONG else usual


def cases(usual: Sequence[T], long: Sequence[T]) -> Sequence[T]:
    return long if IS_LONG else usual
