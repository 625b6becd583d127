"""The log in both formats: records of Blockline and of the libraries that it uses, and tracebacks."""

import ast
import io
import json
import logging
import re
from collections.abc import Iterator

import pytest

from jobs.base.log_format import OURS, LogFormat, configure_logs
from tests.house.source import ROOT
from tests.support.samples.readings import hostile, invisible

NAMES = ("", *OURS, "uvicorn.error", "asyncpg", "apscheduler.executors.default")
LIBRARIES = NAMES[-3:]
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Set up each logger as in a new process, and give it back its level and handlers."""
    loggers = [logging.getLogger(name) for name in (*NAMES, "apscheduler", "uvicorn")]
    levels, handlers = [logger.level for logger in loggers], [*logging.root.handlers]
    for logger in loggers:
        logger.setLevel(logging.NOTSET)
    uvicorn = logging.getLogger("uvicorn")  # a test's server may have configured it
    propagates, uvicorn.propagate = uvicorn.propagate, True
    yield
    uvicorn.propagate = propagates
    logging.root.handlers[:] = handlers
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def configured(form: LogFormat) -> io.StringIO:
    stream = io.StringIO()
    configure_logs(form, stream)
    return stream


def write_all() -> None:
    """A recovery with fields, a warning of each library, what is below its level, and a traceback."""
    log = logging.getLogger("jobs.dispatch.breaker_store")
    log.info("%s recovered", "x collector", extra={"event": "collector_recovered", "collector": "x"})
    for name in LIBRARIES:
        logging.getLogger(name).warning("%s is slow\nand says so", name)
        logging.getLogger(name).info("not logged")
    secret = "a-secret-value"
    try:
        int(secret[:1])
    except ValueError:
        log.exception("The page failed.", extra={"event": "page_failed"})


def test_json_is_one_object_a_line_with_an_event_and_a_level() -> None:
    stream = configured(LogFormat.JSON)
    write_all()
    recovered, *libraries, failed = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert re.fullmatch(STAMP, recovered.pop("timestamp"))
    assert recovered == {
        "level": "INFO",
        "logger": "jobs.dispatch.breaker_store",
        "event": "collector_recovered",
        "message": "x collector recovered",
        "collector": "x",
    }
    assert [(one["event"], one["level"], one["message"]) for one in libraries] == [
        (name, "WARNING", f"{name} is slow\\nand says so") for name in LIBRARIES
    ]
    assert (failed["event"], failed["level"]) == ("page_failed", "ERROR")
    assert failed["exception"].endswith("ValueError: invalid literal for int() with base 10: 'a'")
    assert "a-secret-value" not in stream.getvalue()


def test_a_plain_record_is_one_line_and_a_traceback_is_indented() -> None:
    stream = configured(LogFormat.PLAIN)
    write_all()
    recovered, *libraries, failed = re.findall(
        rf"^{STAMP} (.*(?:\n    .*)*)", stream.getvalue(), re.MULTILINE
    )
    assert recovered == "INFO    collector_recovered: x collector recovered"
    assert libraries == [f"WARNING {name}: {name} is slow\\nand says so" for name in LIBRARIES]
    first, *traceback = failed.splitlines()
    assert first == "ERROR   page_failed: The page failed."
    assert traceback[0] == "    Traceback (most recent call last):"
    assert traceback[-1] == "    ValueError: invalid literal for int() with base 10: 'a'"


def write_what_a_stranger_wrote() -> None:
    """Every invisible character, in each part of a record that can hold it."""
    text = hostile()
    fields: dict[str, object] = {"event": text, "reason": text, "all": [{text: (text,)}], text: 1}
    try:
        json.loads("x")
    except ValueError as error:
        failure = RuntimeError(text).with_traceback(error.__traceback__)
        logging.getLogger("jobs").exception("%s", text, extra=fields, exc_info=failure)


def texts(value: object) -> Iterator[str]:
    """All texts within a value of JSON."""
    if isinstance(value, dict):
        for name, inner in value.items():  # pyright: ignore[reportUnknownVariableType]
            yield from (str(name), *texts(inner))  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, list):
        for inner in value:  # pyright: ignore[reportUnknownVariableType]
            yield from texts(inner)  # pyright: ignore[reportUnknownArgumentType]
    else:
        yield str(value)


def test_nothing_invisible_of_a_stranger_reaches_a_plain_log() -> None:
    stream = configured(LogFormat.PLAIN)
    write_what_a_stranger_wrote()
    first, *rest = stream.getvalue().removesuffix("\n").split("\n")
    assert re.match(STAMP, first)
    assert rest
    assert all(line.startswith("    ") for line in rest)
    assert invisible(stream.getvalue()) == {"\n"}


def test_nothing_invisible_of_a_stranger_reaches_a_log_in_json() -> None:
    stream = configured(LogFormat.JSON)
    write_what_a_stranger_wrote()
    assert stream.getvalue().isascii()
    assert invisible(stream.getvalue()) == {"\n"}
    record = json.loads(stream.getvalue())
    trace = record.pop("exception")
    assert invisible(trace) == {"\n"}
    assert "in write_what_a_stranger_wrote\n" in trace
    assert set().union(*map(invisible, texts(record))) == set()


def test_a_value_that_json_does_not_know_is_written_as_text() -> None:
    stream = configured(LogFormat.JSON)
    logging.getLogger("jobs").warning("told", extra={"event": "e", "reason": ValueError("why")})
    assert json.loads(stream.getvalue())["reason"] == "why"


def test_fields_of_other_libraries_are_left_out() -> None:
    stream = configured(LogFormat.JSON)
    logging.getLogger("uvicorn.error").warning("said", extra={"headers": "Authorization: secret"})
    assert "secret" not in stream.getvalue()


def test_every_warning_of_ours_has_an_event_of_its_own() -> None:
    calls = [
        (file.name, call)
        for package in OURS
        for file in (ROOT / package).rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and ast.unparse(call.func.value) in {"log", "_log"}
    ]
    assert len(calls) > 30
    assert [
        (file, call.lineno) for file, call in calls if "extra" not in {k.arg for k in call.keywords}
    ] == []


def test_the_events_that_the_documentation_names_are_logged() -> None:
    section = (ROOT / "docs/reference/logs.md").read_text()
    named = set(re.findall(r"`(\w+_(?:failed|recovered|off|began|ended))`", section))
    source = "".join(file.read_text() for package in OURS for file in (ROOT / package).rglob("*.py"))
    assert len(named) == 18
    assert [event for event in named if f'"event": "{event}"' not in source] == []
