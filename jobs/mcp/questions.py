"""The arguments of the tools: the docstring of a field is its description for the assistant."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dashboard.api.parameter_types import Country, Moment, Number, StatusOrUnknown, Text
from storage.model.core.accounts import Platform
from storage.model.core.availability import ChangeKind
from storage.model.text.states import clean

MOST = 100
"""Items of one answer."""

Question = TypeVar("Question", bound="ToolQuestion")
_Limit = Annotated[int, Field(ge=1, le=MOST)]
_Name = Annotated[Text, Field(examples=["mandi_notes", "12"])]


class WrongArguments(Exception):
    """Arguments that a tool does not take. The message is one sentence."""


class ToolQuestion(BaseModel):
    """Base of the arguments of every tool. Unknown arguments are refused, so that none is ignored."""

    model_config = ConfigDict(use_attribute_docstrings=True, extra="forbid")

    def as_json(self) -> dict[str, Any]:
        """The arguments as they were understood."""
        # Without its warnings: for a field with a validator of its own, Pydantic warns of the text of a time.
        return self.model_dump(mode="json", warnings=False)


class SearchQuestion(ToolQuestion):
    """What to search for."""

    text: Annotated[Text, Field(max_length=100)]
    """Part of a present or earlier handle, an id, the address of a profile or post, or part of the name of a
    list, an order or an executive."""
    limit: Annotated[int, Field(ge=1, le=20)] = 8
    """The most results of each kind."""


class StatusQuestion(ToolQuestion):
    """Which states, at which time."""

    account: _Name | None = None
    """One account or post: its number in Blockline, its handle or its id on the platform."""
    list: Text | None = None
    """Only accounts on the list of this name."""
    platform: Platform | None = None
    """Only this platform."""
    status: StatusOrUnknown | None = None
    """Only this status. `unknown`: no status was confirmed."""
    country: Country | None = None
    """Only accounts withheld in this country, or in all countries."""
    at: Moment | None = None
    """The state at this time. Default: `as_known_at`, or now."""
    as_known_at: Moment | None = None
    """Only what had been recorded by this time. Default: everything."""
    after_account: Number | None = None
    """For the next page: `next` of the answer before."""
    limit: _Limit = 50
    """The most accounts in the answer."""


class TimelineQuestion(ToolQuestion):
    """Which account, and which period."""

    account: _Name
    """Its number in Blockline, its handle or its id on the platform."""
    since: Moment | None = None
    """Begin of the period. Default: 90 days before its end."""
    until: Moment | None = None
    """End of the period. Default: now."""
    as_known_at: Moment | None = None
    """Only what had been recorded by this time. Default: everything."""
    limit: _Limit = MOST
    """The most status periods, and the most changes, in the answer."""


class ChangesQuestion(ToolQuestion):
    """Which changes, by the time of their first reading."""

    since: Moment
    """Changes first seen from this time on."""
    until: Moment | None = None
    """Changes first seen before this time. Default: now."""
    list: Text | None = None
    """Only accounts that are on the list of this name."""
    platform: Platform | None = None
    """Only this platform."""
    country: Country | None = None
    """Only accounts withheld in this country before or after, or in all countries."""
    kind: ChangeKind | None = None
    """Only this kind of change."""
    outcome: Literal["provisional", "confirmed", "not_confirmed"] | None = "confirmed"
    """Only this outcome. Null: all."""
    as_known_at: Moment | None = None
    """Only what had been recorded by this time. Default: everything."""
    before_change: Number | None = None
    """For the next page: `next` of the answer before."""
    limit: _Limit = 50
    """The most changes in the answer."""


class ComplianceQuestion(ToolQuestion):
    """Which order, at which time."""

    order: Text
    """The reference of the order, or its number in Blockline."""
    at: Moment | None = None
    """The figures at this time. Default: `as_known_at`, or now."""
    as_known_at: Moment | None = None
    """Only what had been recorded by this time. Default: everything."""
    limit: Annotated[int, Field(ge=0, le=MOST)] = 25
    """The most accounts in the answer; the figures are of all."""


class EvidenceQuestion(ToolQuestion):
    """Which change."""

    change: Number
    """The number of the change: `change_id` in other answers."""


def argument_schema(question: type[ToolQuestion]) -> dict[str, Any]:
    """The JSON Schema of the arguments of a tool, without docstrings that are for programmers."""
    schema = question.model_json_schema()
    for definition in schema.get("$defs", {}).values():
        definition.pop("description", None)
    return schema


def read_arguments(question: type[Question], arguments: Mapping[str, Any]) -> Question:
    """The arguments of a tool. Raises WrongArguments with one sentence that names each wrong argument."""
    try:
        return question.model_validate(dict(arguments))
    except ValidationError as error:
        found: dict[str, str] = {}
        for fault in error.errors(include_url=False, include_context=False, include_input=False):
            name = clean(str(fault["loc"][0])) if fault["loc"] else "arguments"
            found.setdefault(name, _words(fault["type"], fault["msg"], question))
        raise WrongArguments(" ".join(f"{name}: {said}" for name, said in list(found.items())[:5])) from error


def future(name: str, at: datetime | None, now: datetime) -> None:
    """Raise WrongArguments when a time is still to come."""
    if at is not None and at > now:
        raise WrongArguments(f"{name}: {at.isoformat()} is in the future.")


def _words(kind: str, message: str, question: type[ToolQuestion]) -> str:
    if kind == "extra_forbidden":
        return f"There is no such argument; this tool takes: {', '.join(question.model_fields)}."
    if kind == "missing":
        return "This argument is missing."
    return f"{message.removeprefix('Value error, ').rstrip('.')}."
