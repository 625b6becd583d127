"""What a run saw, as the page docs/reference/faults.md."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

NO_ANSWER = "no answer"
"""Of `/readyz`, if nothing listened."""
_HEAD = Path(__file__).with_name("head.md")


@dataclass
class Seen:
    """What was seen of one fault."""

    area: str
    name: str
    minutes: float
    ready: str = ""
    """The status of `/readyz` and the problem that it names, or `NO_ANSWER`."""
    health: list[str] = field(default_factory=list[str])
    """Open issues, as the dashboard lists them, or why its pages cannot be shown."""
    status: list[str] = field(default_factory=list[str])
    """What `blockline status` added to them, or said instead."""
    operators: list[str] = field(default_factory=list[str])
    """Subjects of the mails to operators."""
    caught_up_after: float | None = None
    """Minutes after its end. None: it did not."""
    changes: int = 0
    """True changes that were found, from its beginning until everything was caught up."""
    mails: int = 0
    """How many came to anybody, each counted once."""
    repeats: int = 0
    """How many of them came again under their Message-ID."""
    wrong: list[str] = field(default_factory=list[str])

    @property
    def everything_shown(self) -> str:
        return "\n".join([self.ready, *self.health, *self.status])


def page(seen: Sequence[Seen], speed: int, day: str) -> str:
    wrong = [one for one in seen if one.wrong]
    verdict = (
        "Nothing of this was wrong after any of them."
        if not wrong
        else f"Something of this was wrong after {len(wrong)} of them, which are marked."
    )
    parts = [
        _HEAD.read_text(encoding="utf-8").format(
            speed=speed,
            verdict=verdict,
            day=day,
            faults=len(seen),
            changes=sum(one.changes for one in seen),
            mails=sum(one.mails for one in seen),
        )
    ]
    for area in dict.fromkeys(one.area for one in seen):
        parts.append(f"\n## {area.capitalize()}\n")
        parts.append("|Fault|Minutes|`/readyz`|Said|Operators|Changes found|Emails|Caught up|")
        parts.append("|---|---|---|---|---|---|---|---|")
        parts += [_row(one) for one in seen if one.area == area]
    return "\n".join(parts) + "\n"


def _row(one: Seen) -> str:
    said = [*one.health, *one.status] or ["nothing"]
    more = f" (and {len(said) - 1} more)" if len(said) > 1 else ""
    cells = (
        one.name,
        f"{one.minutes:g}",
        one.ready if one.ready == NO_ANSWER else one.ready.partition(" ")[0],
        said[0].rstrip(".") + more,
        str(len(one.operators)),
        str(one.changes),
        f"{one.mails} ({one.repeats} again)" if one.repeats else str(one.mails),
        "never" if one.caught_up_after is None else f"{one.caught_up_after:g}",
    )
    mark = f" **Wrong: {'; '.join(one.wrong)}**" if one.wrong else ""
    return "|" + "|".join(cell.replace("|", "/").replace("\n", " ") for cell in cells) + f"|{mark}"
