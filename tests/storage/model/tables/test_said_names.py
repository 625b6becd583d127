"""What the words of an order name: an account, a post, or nobody that could be watched."""

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from storage.model.tables.account_references import AddressError
from storage.model.tables.csv_rows import TableError
from storage.model.tables.said_names import ParsedName, post_of, read_said, said_names

DID = "did:plc:abcdefghijklmnopqrstuvwx"


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        pytest.param("@NASA", ParsedName(0, "@NASA", None, "NASA"), id="a bare handle tells no platform"),
        pytest.param("x:NASA", ParsedName(0, "x:NASA", X, "NASA"), id="a prefix tells it"),
        pytest.param("x NASA", ParsedName(0, "x NASA", X, "NASA"), id="so does the word before it"),
        pytest.param(
            "a.test", ParsedName(0, "a.test", BLUESKY, "a.test"), id="a domain is a handle of Bluesky"
        ),
        pytest.param(
            "@a@b.example", ParsedName(0, "@a@b.example", MASTODON, "a@b.example"), id="name and server"
        ),
        pytest.param("id:123", ParsedName(0, "id:123", X, native_id="123"), id="an id of X"),
        pytest.param("x:id:123", ParsedName(0, "x:id:123", X, native_id="123"), id="an id with its platform"),
        pytest.param("x:123", ParsedName(0, "x:123", X, "123"), id="digits alone are a handle"),
        pytest.param(DID, ParsedName(0, DID, BLUESKY, native_id=DID), id="a DID is the id itself"),
        pytest.param(
            "https://twitter.com/NASA?lang=en",
            ParsedName(0, "https://twitter.com/NASA?lang=en", X, "NASA"),
            id="the address of a profile",
        ),
        pytest.param(
            "https://x.com/NASA/status/123?s=20",
            ParsedName(
                0,
                "https://x.com/NASA/status/123?s=20",
                X,
                "NASA/123",
                post_id="123",
                note="'?s=20' after the id of the post is ignored.",
            ),
            id="a post, and what stands behind its id is cut off",
        ),
        pytest.param(
            "https://x.com/i/status/55",
            ParsedName(0, "https://x.com/i/status/55", X, "i/55", post_id="55"),
            id="a post without its author",
        ),
        pytest.param(
            f"at://{DID}/app.bsky.feed.post/3kabc",
            ParsedName(0, f"at://{DID}/app.bsky.feed.post/3kabc", BLUESKY, f"{DID}/3kabc", post_id="3kabc"),
            id="a post of Bluesky by the id of its author",
        ),
        pytest.param(
            "https://bsky.app/profile/a.test/post/3kabc",
            ParsedName(
                0, "https://bsky.app/profile/a.test/post/3kabc", BLUESKY, "a.test/3kabc", post_id="3kabc"
            ),
            id="a post of Bluesky by the handle of its author",
        ),
        pytest.param(
            "https://b.example/@a@c.example/99",
            ParsedName(
                0,
                "https://b.example/@a@c.example/99",
                MASTODON,
                post_id="99",
                unresolvable="Only the address of a post on its author's own server can be read.",
            ),
            id="a post on Mastodon as another server shows it, under an id of its own",
        ),
        pytest.param(
            "https://vk.com/@someone",
            ParsedName(
                0,
                "https://vk.com/@someone",
                unresolvable="The address is of VK, which Blockline does not read: it has no collector yet.",
                is_observable=False,
            ),
            id="what looks like a server of Mastodon and is known to be none",
        ),
        pytest.param(
            "https://facebook.com/someone",
            ParsedName(
                0,
                "https://facebook.com/someone",
                unresolvable="The address is of Facebook, which Blockline does not read: its interface is "
                "for approved researchers only.",
                is_observable=False,
            ),
            id="an address elsewhere is part of the order, and names nobody here",
        ),
        pytest.param(
            "t.me/someone",
            ParsedName(
                0,
                "t.me/someone",
                unresolvable="The address is of Telegram, which Blockline does not read: it has no collector "
                "yet.",
                is_observable=False,
            ),
            id="without its scheme too",
        ),
    ],
)
def test_words_mean(words: str, meant: ParsedName) -> None:
    assert read_said(words) == meant


@pytest.mark.parametrize(
    "words",
    [
        *("!!!", "1.", "mastodon:NASA", "x" * 600, "a\0b", "—", "x:"),
        *("https://x.com/a/status/12.", "https://x.com/a/status/1.2E+18", "https://x.com/a/status/"),
    ],
)
def test_what_is_no_form_of_a_name_is_refused(words: str) -> None:
    with pytest.raises(AddressError):
        read_said(words)


def test_names_stand_one_a_line_or_with_commas_semicolons_or_spaces_between_and_count_once() -> None:
    parsed = said_names("x:a, x:b\n\nx:c;x:d x:e\nx f,x:a\n", "pasted", None)
    assert [(s.line, s.words, s.handle) for s in parsed.rows] == [
        (1, "x:a", "a"),
        (1, "x:b", "b"),
        (3, "x:c", "c"),
        (3, "x:d", "d"),
        (3, "x:e", "e"),
        (4, "x f", "f"),
    ]


def test_a_word_that_is_no_name_is_a_problem_of_its_line() -> None:
    parsed = said_names("x:a\n!!!\n", "pasted", None)
    assert [s.words for s in parsed.rows] == ["x:a"]
    assert [str(p) for p in parsed.problems] == [
        "pasted, line 2: '!!!' is not a handle, an id or an address of an account."
    ]


@pytest.mark.parametrize("text", ["", " \n\t\n", ",;"])
def test_a_list_without_a_name_is_refused_as_a_whole(text: str) -> None:
    with pytest.raises(TableError, match="the list contains no names"):
        said_names(text, "pasted", None)


@pytest.mark.parametrize(
    ("cell", "post"),
    [("12", ("12", "")), ("12?s=20", ("12", "?s=20")), ("12/video/1", ("12", "/video/1"))],
)
def test_the_id_of_a_post_is_told_from_what_stands_behind_it(cell: str, post: tuple[str, str]) -> None:
    assert post_of(cell) == post


@pytest.mark.parametrize("cell", ["", "?s=20", "12a", "1.2E+18x", "12345678901234567890"])
def test_a_cell_without_the_id_of_a_post_is_refused(cell: str) -> None:
    with pytest.raises(AddressError):
        post_of(cell)
