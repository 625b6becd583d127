"""What `blockline doctor` says of one part of an installation."""

from dataclasses import dataclass
from enum import StrEnum


class FindingLevel(StrEnum):
    OK = "ok"
    ADVICE = "advice"
    """It works like this, but not as well as it could."""
    MEND = "mend"
    """Something does not work."""
    NO_DATA = "no_data"
    """Nothing was seen yet that shows whether it works."""
    NOT_SET_UP = "not_set_up"
    """The settings leave it out, so nothing was checked."""


LEVEL_WORDS = {
    FindingLevel.OK: "ok",
    FindingLevel.ADVICE: "advice",
    FindingLevel.MEND: "fix",
    FindingLevel.NO_DATA: "no data",
    FindingLevel.NOT_SET_UP: "not set up",
}
"""How a level is printed for people."""


@dataclass(frozen=True, slots=True)
class Finding:
    part: str
    verdict: FindingLevel
    said: str
    """One sentence: how it is, or what to do."""
