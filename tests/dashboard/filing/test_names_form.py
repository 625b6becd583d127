"""The names of an order's form: read without a connection, and checked again unless they were shown so."""

import asyncio
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from dashboard.asgi.off_loop import AT_ONCE, off_loop
from dashboard.asgi.process import WebProcess
from dashboard.auth.access import acting_as
from dashboard.filing.edit_callbacks import keyword_edit
from dashboard.filing.event_form import EventForm
from dashboard.filing.names_callbacks import connect_names, read_unless_checked
from dashboard.filing.names_form import LARGEST, NamesForm, ReadNames, read_names
from dashboard.ui.inputs import FieldFault
from storage.model.core.orders import ClaimedTargets
from storage.model.core.people import Actor, Role
from storage.model.tables.csv_rows import TableError
from storage.postgres.pool import open_pool, transaction
from tests.support.clients.page_walker import CallbackRecorder
from tests.support.servers.dashboard import SETTINGS

FORM = NamesForm("x:a\nx:b\nx:a\nsome words of prose", "x", "the Gazette")


@pytest.mark.parametrize(
    ("form", "why"),
    [
        pytest.param(NamesForm(" "), "Names is empty", id="nothing"),
        pytest.param(NamesForm("x" * (LARGEST + 1)), "The limit is", id="more than the field takes"),
        pytest.param(NamesForm("x:a\0"), "not allowed", id="a character that nothing stores"),
        pytest.param(NamesForm("some words of prose"), "no names", id="a text without names"),
    ],
)
async def test_what_is_no_list_of_names_is_refused(form: NamesForm, why: str) -> None:
    with pytest.raises((FieldFault, TableError), match=why):
        await read_names(form)


@pytest.mark.parametrize(
    ("checked", "is_used"),
    [
        pytest.param({"of": FORM.digest, "check": 7}, True, id="the check of these names"),
        pytest.param({"of": NamesForm("x:c").digest, "check": 7}, False, id="the check of other names"),
        pytest.param({"of": FORM.digest}, False, id="a store without a number"),
        pytest.param({"of": FORM.digest, "check": "7; x"}, False, id="a store with another value"),
        pytest.param(None, False, id="no check"),
    ],
)
async def test_a_check_is_used_again_only_for_the_names_that_it_is_of(checked: object, is_used: bool) -> None:
    found = await read_unless_checked(FORM, checked)
    assert found == 7 if is_used else isinstance(found, ReadNames)


async def test_names_wait_for_a_thread_without_a_connection(dsn: str, now: datetime) -> None:
    app: Any = CallbackRecorder()
    gate = threading.Event()
    async with open_pool(dsn, max_size=1) as pool:
        connect_names(WebProcess(pool, lambda: now, dsn, SETTINGS), app)
        check = app.found[0]
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(off_loop(gate.wait))
            try:
                with acting_as(Actor("ada", Role.ANALYST)):
                    asked = tasks.create_task(check(1, "x:h1", None, ""))
                await asyncio.sleep(0.05)
                async with transaction(pool) as conn:
                    assert await conn.fetchval("select 1") == 1
                assert not asked.done()
            finally:
                gate.set()
        result, checked, said = asked.result()
    assert (said, sorted(checked), isinstance(result, dict)) == ("", ["check", "of"], True)


NONE: list[str] = []


@pytest.mark.parametrize(
    ("shown", "filled", "edit"),
    [
        pytest.param(["farmers"], "farmers delhi", (["delhi"], NONE), id="one is added"),
        pytest.param(["farmers", "delhi"], "#Delhi", (NONE, ["farmers"]), id="one is removed"),
        pytest.param(
            ["farmers"], " farmers ", (NONE, NONE), id="nothing is changed, so nothing of others goes"
        ),
        pytest.param(NONE, "", (NONE, NONE), id="nothing at all"),
    ],
)
def test_keywords_are_changed_from_what_the_page_showed(
    shown: list[str], filled: str, edit: tuple[list[str], list[str]]
) -> None:
    assert keyword_edit(shown, filled) == edit


NOW = datetime(2021, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("clock", "first", "last"),
    [("", "2021-02-04 00:00:00", "2021-02-04 23:59:59"), ("06:30", None, None)],
    ids=["a day without a time is the whole day", "a time is exact"],
)
def test_the_date_of_an_event_is_as_exact_as_it_was_typed(
    clock: str, first: str | None, last: str | None
) -> None:
    event = EventForm(day="2021-02-04", clock=clock, text="Notice", source="A paper").event("R1", NOW)
    shown = [None if at is None else f"{at:%Y-%m-%d %H:%M:%S}" for at in (event.at_from, event.at_to)]
    assert shown == [first, last]


@pytest.mark.parametrize(
    ("chosen", "targets"),
    [(None, None), ("posts", ClaimedTargets.POSTS), ("both", ClaimedTargets.BOTH)],
    ids=["a source that does not say", "posts", "accounts and posts"],
)
def test_a_number_counts_what_was_chosen(chosen: str | None, targets: ClaimedTargets | None) -> None:
    form = EventForm(day="2021-02-04", text="t", source="s", claimed="3", what="withheld", targets=chosen)
    claim = form.event("R1", NOW).claim
    assert claim is not None
    assert claim.targets is targets


def test_what_a_number_counts_is_refused_without_the_number() -> None:
    with pytest.raises(FieldFault, match="Fill in both"):
        EventForm(day="2021-02-04", text="t", source="s", targets="posts").event("R1", NOW)
