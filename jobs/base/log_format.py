"""The log of a running monitor: one plain line, or one JSON object, per record of any library.

Strangers write parts of messages, fields and the texts of exceptions. None of it reaches the log unescaped.
"""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TextIO, cast

import structlog
from structlog.stdlib import ExtraAdder, ProcessorFormatter

from storage.model.text.control_characters import escaped, escaped_lines


class LogFormat(StrEnum):
    """The values of the setting `log_format`."""

    PLAIN = "plain"
    JSON = "json"


OURS = ("collectors", "dashboard", "jobs", "storage")
"""Packages whose records are logged from INFO on, with their fields. Other libraries: from WARNING on."""


def configure_logs(form: LogFormat, stream: TextIO | None = None) -> None:
    """Send all records of this process to `stream` in one format. None means standard error.

    The handler has the name of the format.
    """
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.name = form.value
    handler.setFormatter(formatter(form))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for package in OURS:
        logging.getLogger(package).setLevel(logging.INFO)


def formatter(form: LogFormat) -> logging.Formatter:
    """A formatter of the standard library. Tracebacks are text without the values of variables."""
    extras = [_message, ExtraAdder(), _fields, structlog.processors.format_exc_info]
    if form is LogFormat.JSON:
        json = structlog.processors.JSONRenderer()
        return ProcessorFormatter(foreign_pre_chain=extras, processors=[_escaped_record, json])
    return ProcessorFormatter(foreign_pre_chain=extras, processors=[_escaped_record, _plain_line])


def _message(_logger: object, _method: str, given: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The sentence under its own name, and the logger's name as event, which a record's own one replaces."""
    return {**given, "message": given["event"], "event": given["_record"].name}


def _fields(_logger: object, _method: str, given: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The fields of a record in the order in which they are written."""
    record: logging.LogRecord = given["_record"]
    is_ours = record.name.partition(".")[0] in OURS
    own = {k: v for k, v in given.items() if is_ours and not k.startswith("_") and k not in _FIXED}
    kept = {k: v for k, v in given.items() if k.startswith("_") or k == "exc_info"}
    return {
        "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "logger": record.name,
        "event": given["event"],
        "message": given["message"],
        **own,
        **kept,
    }


_FIXED = {"timestamp", "level", "logger", "event", "message", "exc_info"}


def _escaped_record(_logger: object, _method: str, given: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """The fields without the record itself. A traceback keeps its line ends."""
    out = {escaped(name): _escaped(value) for name, value in given.items() if not name.startswith("_")}
    return out | ({"exception": escaped_lines(given["exception"])} if "exception" in given else {})


def _escaped(value: object) -> object:
    """A field as JSON knows it, its texts escaped."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {escaped(str(k)): _escaped(v) for k, v in cast("Mapping[object, object]", value).items()}
    if isinstance(value, list | tuple):
        return [_escaped(one) for one in cast("list[object]", value)]
    return escaped(str(value))


def _plain_line(_logger: object, _method: str, given: Mapping[str, Any]) -> str:
    """A line for people. A traceback follows it, indented."""
    line = f"{given['timestamp']} {given['level']:<7} {given['event']}: {given['message']}"
    traceback = given["exception"].split("\n") if "exception" in given else ()
    return "\n".join([line, *(f"    {row}" for row in traceback)])
