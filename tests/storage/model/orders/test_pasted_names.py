"""Names in text that was copied out of a document: each line is names, a part of one, or set aside."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from collectors.mastodon.wire.timeline import MastodonTimelinePage, read_page
from storage.model.core.orders import NewOrder
from storage.model.orders.legal_bases import LEGAL_BASES, basis_called
from storage.model.orders.order_fields import OrderFault, checked
from storage.model.orders.pasted_names import pasted_names
from storage.model.text.countries import official_names

NAMES = {
    "a number or a bullet before a name is no part of it": (
        "1. @a_b\n(2) @c\n• d_e\n- @f\n7 @g",
        "@a_b @c d_e @f @g",
    ),
    "a handle that begins like a number stays whole": (
        "1. 007.bsky.social\n2. a.bsky.social",
        "007.bsky.social a.bsky.social",
    ),
    "an address without its name takes the next line, in any list": (
        "https://x.com/\nname\nother",
        "https://x.com/name other",
    ),
    "so does the address of a post without its number": (
        "1. https://x.com/name/status/\n135700\n2. @b",
        "https://x.com/name/status/135700 @b",
    ),
    "whole names in a plain list are not joined": ("alpha\nbeta", "alpha beta"),
    "names on one line are separated": ("1. alpha, beta; gamma", "alpha beta gamma"),
    "a platform before a name belongs to it": (
        "1. x NASA\n2. bluesky: nasa.gov",
        "x:NASA bluesky:nasa.gov",
    ),
    "marks that nobody sees are no part of a name": ("\ufeff@na\u00adme", "@name"),
}


@pytest.mark.parametrize("rule", NAMES)
def test_what_is_a_name(rule: str) -> None:
    text, names = NAMES[rule]
    assert [name.words for name in pasted_names(text).names] == names.split()


def test_an_act_on_mastodon_carries_the_words_of_its_status() -> None:
    status = {"id": "5", "uri": "https://s.example/5", "content": "<p>Farmers</p>"}
    page = read_page(200, json.dumps([status]).encode(), "s.example")
    assert isinstance(page, MastodonTimelinePage)
    assert page.acts[0].signal.words == {"farmers"}


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


def test_each_listed_basis_has_a_sentence_and_a_country_that_there_is() -> None:
    assert len({basis.name for basis in LEGAL_BASES}) == len(LEGAL_BASES) == 8
    for basis in LEGAL_BASES:
        assert basis.about.endswith(".")
        assert ". " not in basis.about
        assert basis.country is None or basis.country in official_names()
        assert basis_called(basis.name) is basis
    assert basis_called("other") is None
