"""The names of an order's form: read without a connection, and checked again unless they were shown so."""

import pytest

from dashboard.filing.names_callbacks import read_unless_checked
from dashboard.filing.names_form import LARGEST, NamesForm, ReadNames, read_names
from dashboard.ui.inputs import FieldFault
from storage.model.tables.csv_rows import TableError

FORM = NamesForm("x:a\nx:b\nx:a\nsome words of prose", "x", "the Gazette")


async def test_names_are_read_with_what_is_repeated_and_what_is_no_name() -> None:
    read = await read_names(FORM)
    assert [line.said.words for line in read.lines] == ["x:a", "x:b"]
    assert (read.source, read.repeated, len(read.aside)) == ("the Gazette", 1, 1)


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
