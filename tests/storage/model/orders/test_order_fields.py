"""What an order can be, the words of a fault on each surface, and the listed legal bases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from storage.model.core.orders import NewOrder
from storage.model.orders.legal_bases import LEGAL_BASES, basis_called
from storage.model.orders.order_fields import OrderEdit, OrderFault, checked, edited
from storage.model.orders.similar_orders import OrderHead, similar_orders
from storage.model.text.countries import official_names

AT = datetime(2021, 2, 4, 6, 30, tzinfo=UTC)
ORDER = NewOrder("R", "t", "i", "IN", "b", AT, None, None, None, 0, "L", AT)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("order", "said", "on_a_form"),
    [
        (replace(ORDER, title=" "), "title is empty.", "Name is empty."),
        (
            replace(ORDER, deadline_at=AT - HOUR),
            "deadline_at is before issued_at.",
            "Deadline is before issued_at.",
        ),
        (
            replace(ORDER, country="india"),
            "'india' is not a country code of two capital letters.",
            "Country: 'india' is not a country code of two capital letters.",
        ),
        (
            replace(ORDER, issued_to=AT - HOUR),
            "issued_at is not between issued_from and issued_to.",
            "issued_at is not between issued_from and issued_to.",
        ),
        (replace(ORDER, issuer="a\0"), "issuer contains a character that is not allowed.", None),
    ],
)
def test_a_fault_names_the_field_as_the_surface_does(
    order: NewOrder, said: str, on_a_form: str | None
) -> None:
    with pytest.raises(OrderFault) as fault:
        checked(order)
    assert str(fault.value) == said
    labels = {"title": "Name", "deadline_at": "Deadline", "country": "Country"}
    assert fault.value.with_labels(labels) == (on_a_form or said)


def test_an_edit_changes_what_it_names_and_takes_times_away() -> None:
    order = edited(replace(ORDER, deadline_at=AT + HOUR), OrderEdit(title="other", deadline_at="none"))
    assert order == replace(ORDER, title="other")


def test_each_listed_basis_has_a_sentence_and_a_country_that_there_is() -> None:
    assert len({basis.name for basis in LEGAL_BASES}) == len(LEGAL_BASES) == 8
    for basis in LEGAL_BASES:
        assert basis.about.endswith(".")
        assert ". " not in basis.about
        assert basis.country is None or basis.country in official_names()
        assert basis_called(basis.name) is basis
    assert basis_called("other") is None


def test_an_order_with_mostly_the_same_names_is_similar() -> None:
    heads = [OrderHead(n, f"R{n}", "t", AT) for n in range(4)]
    stored = [
        (heads[0], {"a", "b", "c"}),
        (heads[1], {"a", "x", "y"}),
        (heads[2], set[str]()),
        (heads[3], {"b"}),
    ]
    found = similar_orders({"a", "b", "d"}, stored)
    assert [(one.head.order_id, one.shared, one.names) for one in found] == [(0, 2, 3), (3, 1, 1)]
    assert similar_orders(set(), stored) == ()
