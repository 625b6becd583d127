"""The tokens of links in mails: what was signed is read again, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from dashboard.auth.signed_links import Link, LinkAction, read_token, token

KEY = b"k" * 32
LINKS = st.builds(
    Link,
    st.sampled_from(LinkAction),
    st.text(max_size=80),
    st.text(max_size=80),
    st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.none() | st.integers(1, 10_000),
)


@given(LINKS)
def test_a_link_is_read_as_it_was_signed_and_signed_the_same_again(link: Link) -> None:
    assert read_token(KEY, token(KEY, link)) == link
    assert token(KEY, link) == token(KEY, replace(link))


@given(LINKS, st.data())
def test_a_token_with_a_changed_byte_is_refused(link: Link, data: st.DataObject) -> None:
    good = token(KEY, link)
    at = data.draw(st.integers(0, len(good) - 1))
    # Both alphabets of Base64 are read, so `+` is the same byte as `-`, and `/` as `_`.
    same = {"-": "-+", "_": "_/"}.get(good[at], good[at])
    other = data.draw(st.characters(max_codepoint=0x7F, exclude_characters=same))
    # The last character of a signature of 20 bytes has two bits that say nothing.
    found = read_token(KEY, good[:at] + other + good[at + 1 :])
    assert found is None or (found == link and at == len(good) - 1)


@given(LINKS, st.binary(min_size=1, max_size=40).filter(lambda key: key != KEY))
def test_a_token_of_another_key_is_refused(link: Link, key: bytes) -> None:
    assert read_token(KEY, token(key, link)) is None


@given(LINKS)
def test_a_token_lets_its_reader_do_one_thing(link: Link) -> None:
    """Its content cannot be put together with the signature of a link for the other act."""
    (other,) = set(LinkAction) - {link.act}
    content, _, _ = token(KEY, replace(link, act=other)).rpartition(".")
    signature = token(KEY, link).rpartition(".")[2]
    assert read_token(KEY, f"{content}.{signature}") is None


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            ["acknowledge", "a" * 32, "desk@example.org"], id="of an earlier version, without an end"
        ),
        pytest.param(["destroy", "a" * 32, 1, "desk@example.org", 1612180800], id="another act"),
        pytest.param(["acknowledge", "a" * 32, 1, "desk@example.org", "soon"], id="a time that is none"),
        pytest.param(
            ["acknowledge", "a" * 32, 1, "desk@example.org", 10**30], id="a time after all calendars"
        ),
        pytest.param({"act": "acknowledge"}, id="another form"),
        pytest.param(None, id="nothing"),
    ],
)
def test_what_is_signed_and_is_no_link_is_refused(content: object) -> None:
    assert read_token(KEY, str(URLSafeSerializer(KEY, salt="blockline mail link").dumps(content))) is None


@given(LINKS, st.timedeltas(timedelta(days=-40), timedelta(days=40)))
def test_a_link_ends_30_or_60_days_after_its_issue(link: Link, off: timedelta) -> None:
    """30 days; a link to unsubscribe can be used for 30 days also when its mail was delayed for a month."""
    days = {LinkAction.ACKNOWLEDGE: 30, LinkAction.UNSUBSCRIBE: 60}[link.act]
    now = link.issued_at + timedelta(days=days) + off
    assert link.has_ended(now) == (off >= timedelta(0))
