"""The log in both formats: records of Blockline and of the libraries that it uses, and tracebacks."""

import io
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from jobs.base.log_format import OURS, LogFormat, configure_logs
from jobs.base.output import OutputTable
from jobs.base.wording import evidence_words, interval, zone_note
from storage.model.core.availability import Strength
from tests.support.samples.readings import T0, hostile, invisible

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


def test_a_table_shows_the_characters_of_its_cells(capsys: pytest.CaptureFixture[str]) -> None:
    table = OutputTable(("handle", HOSTILE), "None.")
    table.add((HOSTILE, "calm"), {"handle": HOSTILE})
    table.show("accounts", as_json=False)
    out = capsys.readouterr().out
    assert invisible(out) == {"\n"}
    assert r"\x1b]0;owned" in out


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("seen_old", "seen_new", "zone", "words"),
    [
        pytest.param(
            "2021-02-04 07:32",
            "2021-02-04 07:47",
            "Asia/Kolkata",
            "between 07:32 and 07:47 UTC (13:02 and 13:17 IST) on 4 Feb 2021",
            id="one day everywhere: the date once",
        ),
        pytest.param(
            "2021-02-03 20:32",
            "2021-02-03 20:47",
            "Asia/Kolkata",
            "between 3 Feb 2021 20:32 and 20:47 UTC (4 Feb 2021 02:02 and 02:17 IST)",
            id="another day in the recipients' zone",
        ),
        pytest.param(
            "2021-02-03 18:25",
            "2021-02-03 18:40",
            "Asia/Kolkata",
            "between 3 Feb 2021 18:25 and 18:40 UTC (3 Feb 2021 23:55 and 4 Feb 2021 00:10 IST)",
            id="midnight in the recipients' zone lies within",
        ),
        pytest.param(
            "2020-12-31 23:50",
            "2021-01-01 00:05",
            "UTC",
            "between 31 Dec 2020 23:50 and 1 Jan 2021 00:05 UTC",
            id="midnight in UTC lies within",
        ),
        pytest.param(
            None,
            "2021-02-04 07:47",
            "Asia/Kolkata",
            "on or before 07:47 UTC (13:17 IST) on 4 Feb 2021",
            id="no reading before",
        ),
        pytest.param(
            "2021-02-04 07:32:40",
            "2021-02-04 07:47:01",
            "UTC",
            "between 07:32 and 07:48 UTC on 4 Feb 2021",
            id="minutes are rounded outward",
        ),
        pytest.param(
            "2021-10-31 00:50",
            "2021-10-31 01:05",
            "Europe/Berlin",
            "between 00:50 and 01:05 UTC (02:50 CEST and 02:05 CET) on 31 Oct 2021",
            id="the clock goes back within",
        ),
        pytest.param(
            "2021-02-04 12:00",
            "2021-02-04 12:15",
            "America/Sao_Paulo",
            "between 12:00 and 12:15 UTC (09:00 and 09:15 UTC-03:00) on 4 Feb 2021",
            id="a zone without a name of letters",
        ),
    ],
)
def test_an_interval_is_told_in_utc_and_in_the_recipients_zone(
    seen_old: str | None, seen_new: str, zone: str, words: str
) -> None:
    assert interval(at(seen_old) if seen_old else None, at(seen_new), zone) == words


def test_the_zone_is_explained_unless_it_is_utc() -> None:
    assert zone_note("Asia/Kolkata", T0) == "IST is Asia/Kolkata, UTC+05:30."
    assert zone_note("UTC", T0) is None
    assert zone_note("Europe/Istanbul", T0) == "UTC+03:00 is the time of Europe/Istanbul."


def test_one_reading_agrees() -> None:
    assert evidence_words(Strength.STRONG, 1) == "strong evidence (the platform said so), 1 reading agrees"
