"""How requests are made, and how an answer travels from the machine that made one."""

import json
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.core.collector import CollectorAnswer, Exchange, RequestFailure
from jobs.dispatch.answer_codec import pack, unpack
from storage.model.core.availability import Flag, Missed, MissedReason, Reading, State, Status, Strength

STATES = (
    State(Status.AVAILABLE),
    State(Status.WITHHELD, ("DE", "IN")),
    State(Status.SUSPENDED),
    State(Status.NOT_FOUND),
)
texts = st.text(max_size=20)
times = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - given one
readings = st.builds(
    Reading,
    texts,
    times,
    st.sampled_from(STATES),
    st.sampled_from(Strength),
    st.none() | texts,
    st.frozensets(st.sampled_from(Flag), max_size=3),
    st.none() | texts,
    st.frozensets(st.sampled_from(("IN", "TR", "XX")), max_size=2),
)
misses = st.builds(Missed, texts, times, st.sampled_from(MissedReason), texts)
exchanges = st.builds(
    Exchange,
    texts,
    times,
    st.integers(100, 599),
    st.binary(max_size=200),
    st.none() | texts,
    st.lists(st.tuples(texts, texts), max_size=2).map(tuple),
    st.timedeltas(timedelta(), timedelta(minutes=2)),
    st.timedeltas(timedelta(), timedelta(minutes=2)),
)
troubles = st.builds(RequestFailure, st.sampled_from(MissedReason), texts, times, st.booleans())
answers = st.builds(
    CollectorAnswer,
    st.lists(readings, max_size=4).map(tuple),
    st.lists(misses, max_size=4).map(tuple),
    st.lists(exchanges, max_size=3).map(tuple),
    st.none() | troubles,
    st.booleans(),
    st.none() | st.frozensets(st.sampled_from(("IN", "TR")), max_size=2),
)


@pytest.mark.slow
@given(answers)
def test_an_answer_arrives_as_it_was_sent_letter_by_letter(answer: CollectorAnswer) -> None:
    assert unpack(pack(answer)) == answer


_SAID = '{"readings":[],"missed":[]}'


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"nonsense", id="not compressed"),
        pytest.param(pack(CollectorAnswer((), ()))[:-3], id="cut"),
        pytest.param(zlib.compress(b"[" * 100_000), id="nested without end"),
        pytest.param(
            zlib.compress(json.dumps([_SAID, [["/", "2021-02-12", 200, 5, None, []]]]).encode()), id="no body"
        ),
        pytest.param(
            zlib.compress(json.dumps([_SAID, [["/", "2021-02-12", 200, "", None, [], 10**30]]]).encode()),
            id="no time that there can be",
        ),
    ],
)
def test_what_another_version_wrote_is_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="not a packed answer"):
        unpack(packed)
