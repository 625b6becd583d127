"""How often a test repeats what depends on the moment at which something is killed."""

import os

IS_LONG = bool(os.environ.get("TEST_LONG"))
"""`make test-long` repeats it often; `make test`, which is to be run often, a few times."""


def repeats(usual: int, long: int) -> int:
    return long if IS_LONG else usual
