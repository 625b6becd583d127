"""What a person filled in, from a form or as JSON: read into values, or refused in one sentence. Pure."""

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, cast
from urllib.parse import parse_qsl

from storage.model.alerts.rule_codec import duration_of

LARGEST = 65_536
"""Bytes of what is sent."""
LONGEST_NOTE = 500
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_SPOKEN_DAY = re.compile(r"(today|tomorrow) ([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_BACK = re.compile(
    r"/(health|alerts(/decisions/[a-z_]{1,20}|/deliveries(\?[\w.~%+&=-]{1,500})?)?|(mail|account|orders)/\d{1,18}|incidents/[\w-]{1,80})",
    re.ASCII,
)


class WrongInput(Exception):
    """What was sent cannot be used. The message is one sentence for who sent it."""


@dataclass(frozen=True, slots=True)
class Filled:
    """The fields that were sent, by name. One that is absent is empty."""

    fields: Mapping[str, str]

    def text(self, name: str) -> str:
        return self.fields.get(name, "").strip()

    def needed(self, name: str, label: str | None = None) -> str:
        """Raises WrongInput when it is empty. `label` is what the form calls the field; None means that no
        person fills it in.
        """
        if not (value := self.text(name)):
            raise WrongInput(f"The field {name} is empty." if label is None else f"{label} is empty.")
        return value

    def number(self, name: str) -> int:
        value = self.needed(name)
        if not _NUMBER.fullmatch(value):
            raise WrongInput(f"The field {name} is not a number.")
        return int(value)

    def file(self, name: str, label: str) -> tuple[str, bytes] | None:
        """The name and the bytes of a file, which were sent as text; None if none was chosen.

        Raises WrongInput if it did not arrive whole.
        """
        if not (called := self.text(name)):
            return None
        try:
            return called, b64decode(self.fields.get(f"{name}_base64", ""), validate=True)
        except ValueError:
            raise WrongInput(f"{label} did not arrive whole. Choose it again.") from None

    def note(self) -> str:
        """May be empty."""
        note = " ".join(self.text("note").split())
        if len(note) > LONGEST_NOTE:
            raise WrongInput(
                f"The note has {len(note):,} characters; the limit is {LONGEST_NOTE}. Shorten it."
            )
        return note

    def moment(self, name: str, now: datetime, label: str) -> datetime | None:
        """A time, or so long from now; None when it is empty. Raises WrongInput with the field's label."""
        value = self.text(name)
        if not value:
            return None
        if (spoken := spoken_moment(value, now)) is not None:
            return spoken
        try:
            return now + duration_of(value)
        except (ValueError, OverflowError):
            pass
        try:
            at = datetime.fromisoformat(value.removesuffix("UTC").strip())
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        except (ValueError, OverflowError):
            raise WrongInput(
                f"{label}: this is neither a duration such as 90m, 6h or 2d nor a time such as tomorrow "
                "08:00 or 2021-02-12 08:00. A time without a zone is read as UTC."
            ) from None


def filled(content_type: str, body: bytes) -> Filled:
    """Raises WrongInput for what is neither a form nor an object of plain values."""
    try:
        fields = _from_json(body) if content_type.startswith("application/json") else _from_form(body)
    except (ValueError, RecursionError) as error:
        raise WrongInput("The request body is neither a form nor a JSON object of plain values.") from error
    if any("\0" in value for value in fields.values()):
        raise WrongInput("The request body contains a character that is not allowed.")
    return Filled(fields)


def page_of(back: str) -> str:
    """The page to go back to: one of ours that has forms, whatever was asked."""
    return back if _BACK.fullmatch(back) else "/alerts"


def _from_form(body: bytes) -> dict[str, str]:
    pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    return dict(pairs)


def _from_json(body: bytes) -> dict[str, str]:
    values = json.loads(body)
    if not isinstance(values, dict):
        raise ValueError("not an object")  # noqa: TRY004
    return {
        name: _plain(value) for name, value in cast("dict[str, Any]", values).items() if value is not None
    }


def _plain(value: object) -> str:
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise ValueError("not a plain value")  # noqa: TRY004
    text = str(value)
    text.encode()  # raises for half a surrogate pair, which nothing can store
    return text


def spoken_moment(text: str, now: datetime) -> datetime | None:
    """A moment in everyday words, in UTC: now, in 1 h, today 18:00, tomorrow 08:00; None for other texts."""
    words = " ".join(text.casefold().removesuffix("utc").split())
    if words == "now":
        return now
    if words.startswith("in "):
        try:
            return now + duration_of(words.removeprefix("in ").replace(" ", ""))
        except (ValueError, OverflowError):
            return None
    found = _SPOKEN_DAY.fullmatch(words)
    if found is None:
        return None
    day = now.astimezone(UTC).date() + timedelta(days=found[1] == "tomorrow")
    return datetime.combine(day, time(int(found[2]), int(found[3])), UTC)


EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)


def moment_in(text: str) -> datetime | None:
    """The moment that somebody wrote, in UTC unless it says otherwise; None when it is none."""
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if EARLIEST <= at < datetime(9990, 1, 1, tzinfo=UTC) else None
