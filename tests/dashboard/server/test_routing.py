"""What an address asks for besides its page."""

import pytest

from dashboard.server.routing import FIELDS, asked


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        pytest.param("", {}, id="nothing"),
        pytest.param("?", {}, id="a mark and nothing"),
        pytest.param("?state=dead&page=2", {"state": "dead", "page": "2"}, id="fields by name"),
        pytest.param(
            "?q=%40a+b&to=a%2Bb%40example.org", {"q": "@a b", "to": "a+b@example.org"}, id="escaped"
        ),
        pytest.param("?page=1&page=2", {"page": "2"}, id="the last of a name counts"),
        pytest.param("?state=&page=2", {"page": "2"}, id="what is empty asks for nothing"),
        pytest.param("?q=%00&page=2", {"page": "2"}, id="no database stores a NUL"),
        pytest.param("?q=%FF", {"q": "\ufffd"}, id="what is no UTF-8 is marked as such"),
        pytest.param("?" + "&".join(f"a{n}=1" for n in range(FIELDS + 1)), {}, id="too many"),
    ],
)
def test_what_is_asked(search: str, expected: dict[str, str]) -> None:
    assert asked(search) == expected
