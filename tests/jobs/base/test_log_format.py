"""The log in both formats: records of Blockline and of the libraries that it uses, and tracebacks."""

import io
import json
import logging
import re
from collections.abc import Iterator

import pytest
from rich.table import Table

from jobs.base.log_format import OURS, LogFormat, configure_logs
from jobs.base.output import EscapingConsole, OutputTable, show, show_json
from tests.support.samples.readings import hostile, invisible

NAMES = ("", *OURS, "uvicorn.error", "asyncpg", "apscheduler.executors.default")
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


def write_what_a_stranger_wrote() -> None:
    """Every invisible character, in each part of a record that can hold it."""
    text = hostile()
    fields: dict[str, object] = {"event": text, "reason": text, "all": [{text: (text,)}], text: 1}
    try:
        json.loads("x")
    except ValueError as error:
        failure = RuntimeError(text).with_traceback(error.__traceback__)
        logging.getLogger("jobs").exception("%s", text, extra=fields, exc_info=failure)


def test_nothing_invisible_of_a_stranger_reaches_a_plain_log() -> None:
    stream = configured(LogFormat.PLAIN)
    write_what_a_stranger_wrote()
    first, *rest = stream.getvalue().removesuffix("\n").split("\n")
    assert re.match(STAMP, first)
    assert rest
    assert all(line.startswith("    ") for line in rest)
    assert invisible(stream.getvalue()) == {"\n"}


def test_fields_of_other_libraries_are_left_out() -> None:
    stream = configured(LogFormat.JSON)
    logging.getLogger("uvicorn.error").warning("said", extra={"headers": "Authorization: secret"})
    assert "secret" not in stream.getvalue()


HOSTILE = "\x1b]0;owned\x07\x9b31m\u202e\u2028\r\x7f"


def test_a_sentence_shows_every_character(capsys: pytest.CaptureFixture[str]) -> None:
    show(hostile())
    assert invisible(capsys.readouterr().out) == {"\n"}


def test_a_table_shows_the_characters_of_its_cells(capsys: pytest.CaptureFixture[str]) -> None:
    table = OutputTable(("handle", HOSTILE), "None.")
    table.add((HOSTILE, "calm"), {"handle": HOSTILE})
    table.show("accounts", as_json=False)
    out = capsys.readouterr().out
    assert invisible(out) == {"\n"}
    assert r"\x1b]0;owned" in out


def test_json_holds_what_was_written_in_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    show_json({"handle": HOSTILE})
    out = capsys.readouterr().out
    assert out.isascii()
    assert invisible(out) == {"\n"}
    assert json.loads(out) == {"handle": HOSTILE}


def test_a_console_keeps_its_own_colours_and_no_others() -> None:
    stream = io.StringIO()
    table = Table("a")
    table.add_row("\x1b[31mred", style="bold")
    EscapingConsole(file=stream, force_terminal=True, color_system="standard").print(table)
    assert "\x1b[1m" in stream.getvalue()
    assert "\x1b[31m" not in stream.getvalue()
