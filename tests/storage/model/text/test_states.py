"""What a state, a change and a side fact are called on each platform: never what they are not."""

import itertools
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from collectors.youtube.declaration import YOUTUBE
from storage.model.core.accounts import Platform
from storage.model.core.availability import Flag, MissedReason, State, Status
from storage.model.core.side_facts import ObservedKind
from storage.model.text.control_characters import escaped, escaped_lines
from storage.model.text.near_names import meant, nearest
from storage.model.text.platforms import markdown, unread_markdown
from storage.model.text.side_facts import flag_words, missed_words, observed_words, seen_as_words
from storage.model.text.states import (
    state_words,
)
from storage.model.text.time_bins import TimeBins, per_bin, time_bins
from tests.support.samples.readings import (
    EVERY_CHARACTER,
    NOT_FOUND,
    SUSPENDED,
    WITHHELD_IN,
    invisible,
)
from tests.support.seeds.changes import DEACTIVATED

TR = State(Status.WITHHELD, ("TR",))
EVERYWHERE = State(Status.WITHHELD, ("XX",))
HOST = frozenset({Flag.HOST})
APP = frozenset({Flag.APP_VIEW_ONLY})
UNANSWERED = frozenset({Flag.SCOPE_UNANSWERED})
DELETED = frozenset({Flag.DELETED})
TEMPORARY = frozenset({Flag.TEMPORARY})
OR_DELETED = frozenset({Flag.SUSPENDED_OR_DELETED})
NONE = frozenset[Flag]()
MANY = State(Status.WITHHELD, tuple(sorted(("DE", "FR", "IN", "PK", "RU", "TR", "BR", "GB", "AU", "US"))))


@pytest.mark.parametrize(
    ("state", "platform", "flags", "said"),
    [
        pytest.param(WITHHELD_IN, X, NONE, "withheld in India (IN)", id="X names the country"),
        pytest.param(EVERYWHERE, X, NONE, "withheld in all countries", id="X withholds everywhere"),
        pytest.param(
            State(Status.WITHHELD, ("EU", "QQ")),
            X,
            NONE,
            "withheld in EU, QQ",
            id="a code that is no country's stays",
        ),
        pytest.param(TR, BLUESKY, NONE, "restricted in TR (Bluesky app)", id="Bluesky hides in its own app"),
        pytest.param(SUSPENDED, X, NONE, "suspended", id="X suspends"),
        pytest.param(SUSPENDED, BLUESKY, HOST, "taken down by its server", id="the PDS took it down"),
        pytest.param(
            SUSPENDED,
            BLUESKY,
            APP,
            "taken down in the Bluesky app only; its own server still serves it",
            id="only the app took it down",
        ),
        pytest.param(
            SUSPENDED,
            BLUESKY,
            NONE,
            "taken down (by whom was not observable)",
            id="the answers do not say by whom",
        ),
        pytest.param(
            SUSPENDED,
            BLUESKY,
            UNANSWERED,
            "taken down (by whom is not known: its server, or the directory, did not say)",
            id="its server could not be asked",
        ),
        pytest.param(
            SUSPENDED, BLUESKY, None, "taken down", id="flags that are not at hand are not flags that are not"
        ),
        pytest.param(DEACTIVATED, BLUESKY, NONE, "deactivated by its owner", id="Bluesky says who"),
        pytest.param(DEACTIVATED, X, NONE, "deactivated", id="X does not say who"),
        pytest.param(
            NOT_FOUND, BLUESKY, DELETED, "deleted: its server no longer holds it", id="deleted on Bluesky"
        ),
        pytest.param(NOT_FOUND, BLUESKY, NONE, "not found", id="never seen on Bluesky"),
        pytest.param(
            NOT_FOUND,
            X,
            NONE,
            "not found: X does not tell a deactivated account from a deleted one",
            id="gone on X",
        ),
        pytest.param(
            NOT_FOUND, MASTODON, NONE, "not found: its server does not show it", id="gone on Mastodon"
        ),
        pytest.param(
            NOT_FOUND, MASTODON, DELETED, "deleted: its server no longer holds it", id="deleted there"
        ),
        pytest.param(SUSPENDED, MASTODON, TEMPORARY, "suspended by its server", id="data is kept"),
        pytest.param(
            SUSPENDED,
            MASTODON,
            OR_DELETED,
            "suspended by its server or deleted by its owner: Mastodon does not say which",
            id="410 may be either",
        ),
        pytest.param(
            SUSPENDED,
            MASTODON,
            None,
            "suspended by its server or deleted by its owner: Mastodon does not say which",
            id="without its flags it may be either",
        ),
        pytest.param(None, BLUESKY, NONE, "never read", id="no reading is no state"),
        pytest.param(
            MANY,
            BLUESKY,
            NONE,
            "restricted in AU, BR, DE, FR, GB, IN, PK, RU and 2 more (Bluesky app)",
            id="many countries are counted",
        ),
    ],
)
def test_a_state_is_called_what_its_platform_told(
    state: State | None, platform: Platform, flags: frozenset[Flag] | None, said: str
) -> None:
    assert state_words(state, platform, flags) == said


@pytest.mark.parametrize(
    ("flag", "value", "said"),
    [
        (Flag.MOVED, "https://new.example/users/a", "moved to https://new.example/users/a"),
        (
            Flag.MOVED_UNPROVEN,
            "https://new.example/users/a",
            "says that it moved to https://new.example/users/a, which does not name it as its own",
        ),
        (Flag.LIMITED, "", "limited by its server"),
        (Flag.MEMORIAL, "", "marked as a memorial"),
        (Flag.HANDLE_INVALID, "", "its handle no longer leads to it: neither a rename nor a takedown"),
        (Flag.NO_UNAUTHENTICATED, "", "its owner asks that only signed-in readers see it"),
        (Flag.MOVED, "evil\r\n\u202eBcc: a@b.c", "moved to evil\ufffd\ufffd\ufffdBcc: a@b.c"),
    ],
)
def test_a_side_fact_is_told_and_text_of_strangers_is_made_harmless(
    flag: Flag, value: str, said: str
) -> None:
    assert flag_words(flag, MASTODON, value) == said


def test_every_flag_and_every_reason_of_a_miss_has_words() -> None:
    for flag, platform in itertools.product(Flag, Platform):
        assert flag_words(flag, platform).strip()
    for reason, platform, alone in itertools.product(MissedReason, Platform, [True, False]):
        told = missed_words(reason, platform, alone=alone)
        assert told.strip()
        assert not any(word in told for word in ("block", "suspend", "withheld"))


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (ObservedKind.BLOCKED_BY_SERVER, "domain suspend", "its whole server is suspended there"),
        (ObservedKind.BLOCKED_BY_SERVER, "account limited", "limited there only"),
        (ObservedKind.BLOCKED_BY_SERVER, "something new", "something new"),
        (ObservedKind.COMPLIANCE, "deleted", "gives the reason “deleted”"),
        (ObservedKind.SEEN_AS, "withheld TR", "restricted in TR (Bluesky app)"),
    ],
)
def test_what_somebody_else_says_is_told_as_theirs(kind: ObservedKind, value: str, said: str) -> None:
    assert observed_words(kind, value, BLUESKY) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("withheld DE TR", "withheld in Germany (DE), Turkey (TR)"),
        ("available", "available"),
        ("withheld", "withheld"),
        ("", "(no name)"),
        ("nonsense XX", "nonsense XX"),
    ],
)
def test_what_another_vantage_saw_is_read_or_shown_as_it_is(value: str, said: str) -> None:
    assert seen_as_words(value, X) == said


AUTHOR = frozenset({Flag.WITH_AUTHOR})


@pytest.mark.parametrize(
    ("state", "platform", "flags", "said"),
    [
        pytest.param(WITHHELD_IN, X, NONE, "withheld in India (IN)", id="X withholds the post"),
        pytest.param(
            WITHHELD_IN,
            X,
            AUTHOR,
            "withheld in India (IN) with its author's account",
            id="X withholds the author's account, and with it the post",
        ),
        pytest.param(
            TR,
            BLUESKY,
            AUTHOR,
            "restricted in TR (Bluesky app) with its author's account",
            id="Bluesky hides the author's account in its own app",
        ),
        pytest.param(
            NOT_FOUND,
            X,
            AUTHOR,
            "not shown because of its author's account: suspended or protected, X does not say which",
            id="X does not say what the author's account is",
        ),
        pytest.param(
            NOT_FOUND,
            X,
            NONE,
            "not found: X does not say whether the post was removed or its author's account is gone",
            id="X does not say whether the post alone is gone",
        ),
        pytest.param(
            NOT_FOUND,
            X,
            None,
            "not found: X does not say whether the post was removed or its author's account is gone",
            id="nor is it known where the flags are not known",
        ),
        pytest.param(
            NOT_FOUND, BLUESKY, AUTHOR, "gone with its author's account", id="the author's account is gone"
        ),
        pytest.param(
            NOT_FOUND,
            BLUESKY,
            DELETED,
            "deleted: its server no longer holds it",
            id="the author's server is there, and the post is not",
        ),
        pytest.param(
            DEACTIVATED,
            BLUESKY,
            AUTHOR,
            "gone because its author deactivated their account",
            id="Bluesky says that the author did it",
        ),
        pytest.param(
            DEACTIVATED,
            X,
            AUTHOR,
            "deactivated with its author's account",
            id="a record says that the author's account is deactivated, and not by whom",
        ),
        pytest.param(
            SUSPENDED,
            BLUESKY,
            AUTHOR | HOST,
            "taken down by its server with its author's account",
            id="the author's server took the author's account down",
        ),
        pytest.param(
            SUSPENDED,
            BLUESKY,
            AUTHOR,
            "taken down with its author's account (by whom was not observable)",
            id="the author's account was taken down by somebody",
        ),
        pytest.param(
            NOT_FOUND, YOUTUBE, NONE, "not found: YouTube does not say why", id="a video that is not found"
        ),
    ],
)
def test_the_status_of_a_post_says_whether_it_is_that_of_its_author(
    state: State, platform: Platform, flags: frozenset[Flag] | None, said: str
) -> None:
    assert state_words(state, platform, flags, of_post=True) == said


def test_nothing_invisible_is_left() -> None:
    assert invisible(EVERY_CHARACTER)
    assert invisible(escaped(EVERY_CHARACTER)) == set()
    assert invisible(escaped_lines(EVERY_CHARACTER)) == {"\n"}


@given(st.text(), st.lists(st.text()))
def test_what_is_offered_is_always_a_stored_name(typed: str, names: list[str]) -> None:
    assert nearest(typed, names) in {None, *names}
    assert meant(typed, names) in {None, *names}


PAGE = Path(__file__).parents[4] / "docs/reference/platforms.md"


def between(mark: str) -> str:
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(f"<!-- {mark} -->\n")
    return rest.partition(f"<!-- /{mark} -->")[0]


def test_the_tables_of_the_documentation_are_what_is_declared() -> None:
    assert between("declared") == markdown()
    assert between("unread") == unread_markdown()


ROWS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[3] / "fixtures/time_bins.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("row", ROWS, ids=[row["rule"] for row in ROWS])
def test_a_period_alone_decides_its_bins(row: dict[str, Any]) -> None:
    since, until, start = (datetime.fromisoformat(row[key]) for key in ("from", "to", "start"))
    bins = time_bins(since, until)
    assert bins == TimeBins(start, timedelta(seconds=row["step_s"]), row["n"])
    assert per_bin(bins.step) == row["words"]
    assert (bins.place(since), bins.place(until)) == (0, row["n"] - 1)
