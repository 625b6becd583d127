"""Notices as the archive Lumen gives them, in the forms that its own code writes."""

import json
from datetime import UTC, datetime

import pytest

from jobs.orders.formats import ImportedOrder
from jobs.orders.lumen import read_lumen
from storage.model.tables.csv_rows import TableError

NOW = datetime(2031, 4, 1, tzinfo=UTC)


def notice(**fields: object) -> dict[str, object]:
    """A government's request as the archive gives it to those with a token."""
    whole: dict[str, object] = {
        "id": 5,
        "title": "Request about posts",
        "date_sent": "2031-03-01T00:00:00.000Z",
        "date_received": "2031-03-04T00:00:00.000Z",
        "sender_name": "Department",
        "principal_name": None,
        "recipient_name": "A platform",
        "jurisdictions": ["IN"],
        "topics": ["Government Requests"],
        "works": [
            {
                "description": "d",
                "infringing_urls": [
                    {"url": "https://x.com/one", "url_original": "https://twitter.com/one"},
                    {"url": "https://twitter.com/two/status/7?s=20"},
                ],
                "copyrighted_urls": [{"url": "https://owner.example/"}],
            },
            {
                "urls_in_request": [
                    {"url": "https://twitter.com/ONE/status/8"},
                    {"url": "https://video.example/9"},
                ]
            },
        ],
    }
    return whole | fields


def read(document: object, country: str | None = None) -> tuple[list[ImportedOrder], list[str]]:
    parsed = read_lumen(json.dumps(document).encode(), "n.json", NOW, country)
    orders = [one for some in parsed.rows for one in some.orders]
    return orders, [str(problem) for problem in parsed.problems]


def test_the_answer_to_a_search_holds_several_and_each_that_cannot_be_taken_is_said() -> None:
    document = {"notices": [notice(type="CourtOrder"), notice(id=6, works=[])], "meta": {"total": 2}}
    (one,), problems = read(document)
    assert one.order.legal_basis == "Court order"
    assert problems == [
        "n.json: notice 6: the notice contains no address; download it with a Lumen token to get the "
        "addresses."
    ]


def test_a_notice_that_only_counts_its_addresses_is_refused_with_the_counts() -> None:
    counted = [{"infringing_urls": [{"domain": "x.com", "count": 12}, {"domain": "x.com", "count": 1}]}]
    _, (problem,) = read(notice(works=counted))
    assert "the notice contains only the number of addresses per site (x.com: 13)" in problem


def test_the_country_is_its_only_jurisdiction_else_what_the_user_says() -> None:
    (one,), _ = read(notice(jurisdictions=["in", "India"]), "TR")
    assert one.order.country == "IN"
    (two,), _ = read(notice(jurisdictions=["IN", "US"]), "TR")
    assert two.order.country == "TR"
    _, (problem,) = read(notice(jurisdictions=[]))
    assert (
        problem
        == "n.json: notice 5: the jurisdictions do not name exactly one country; give the country with "
        "--country."
    )


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"id": None}, "notice ?: the id is empty."),
        (
            {"date_sent": None, "date_received": None},
            "notice 5: date_sent and date_received are both missing.",
        ),
        ({"date_sent": "soon"}, "notice 5: date_sent 'soon' is an impossible time."),
        ({"works": "none"}, "notice 5: the notice contains no address"),
        ({"works": [{"infringing_urls": [1, None, {"url": 5}]}]}, "notice 5: the notice contains no address"),
    ],
)
def test_a_notice_that_makes_no_sense_is_a_problem(fields: dict[str, object], why: str) -> None:
    _, problems = read([notice(**fields)])
    assert problems[0].startswith(f"n.json: {why}")


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"{}", b'{"id": 5}', b'"text"', b"[" * 100_000, b'{"a": 1}']
)
def test_what_is_no_notice_is_refused_as_a_whole(content: bytes) -> None:
    with pytest.raises(TableError):
        read_lumen(content, "n.json", NOW, None)
