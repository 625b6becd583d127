"""One look at accounts without a database: a look that failed is never called a block."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from collectors.mastodon.declaration import MASTODON
from jobs.collect import one_shot_check
from storage.model.core.availability import Flag, State, Status, Strength
from tests.support.clients.command_line import Blockline, blockline, forget_settings
from tests.support.samples.readings import T0
from tests.support.servers.ports import closed_port
from tests.support.simulated.several_platforms import (
    ALICE,
    APP_ONLY,
    CLOSED,
    FROZEN,
    HEALTHY,
    HIDDEN,
    TAKEN_DOWN,
    leading_to,
)

NOBODY = "did:plc:nobody222222222222222222"


@pytest.fixture
def run(
    platforms: Mapping[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Blockline:
    forget_settings(monkeypatch, tmp_path)
    for name, value in leading_to(platforms).items():
        monkeypatch.setenv(name, value)
    return blockline(capsys)


def test_the_text_names_state_strength_and_each_exchange_with_its_hash(run: Blockline) -> None:
    ran = run("check", "x", "alpha", "nobody")
    assert ran.code == 0
    assert ran.said[0] == "@alpha (1001): withheld in India (IN), Turkey (TR)"
    assert ran.said[1].startswith("  strong evidence (the platform said so), at ")
    assert ran.said[2].startswith("  /2/users?ids=1001: HTTP 200 at ")
    assert ", SHA-256 " in ran.said[2]
    assert '"country_codes":["IN","TR"]' in ran.said[3]
    assert ran.said[4] == "@nobody: not found: deactivated, deleted, renamed or never existed"
    assert ran.said[5].startswith("  weak evidence (only an absence), at ")
    assert ran.said[6] == "  Not Found Error: Could not find user with usernames: [nobody]."


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (TAKEN_DOWN, f"{TAKEN_DOWN}: taken down by its server"),
        (APP_ONLY, f"{APP_ONLY}: taken down in the Bluesky app only; its own server still serves it"),
        (HIDDEN, f"@hidden.test ({HIDDEN}): restricted in DE, TR (Bluesky app)"),
        (CLOSED, f"{CLOSED}: deactivated by its owner"),
        ("@frozen@mastodon.example", f"@frozen@mastodon.example ({FROZEN}): suspended by its server"),
    ],
)
def test_the_verdict_names_the_actor_if_the_platform_does(run: Blockline, asked: str, sentence: str) -> None:
    assert run("check", asked).said[0] == sentence


def test_countries_that_were_not_reported_are_named(run: Blockline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "BLOCKLINE_BLUESKY_LABELERS", "TR=did:plc:cquoj7aozvmkud2gifeinkda,AU=did:web:gone.test"
    )
    ran = run("check", "hidden.test")
    assert ran.said[0] == f"@hidden.test ({HIDDEN}): restricted in TR (Bluesky app)"
    assert "  not known for AU: the answer does not say whether it is hidden there" in ran.said
    assert run("check", "hidden.test", "--json").json["results"][0]["silent_on"] == ["AU"]


def test_side_facts_are_shown_beside_the_state_and_only_once() -> None:
    flags = frozenset({Flag.HOST, Flag.LIMITED, Flag.MOVED})
    state = State(Status.AVAILABLE)
    one = one_shot_check.AccountCheck(
        "a",
        "a@b.test",
        MASTODON,
        T0,
        "id",
        "a@b.test",
        state,
        Strength.STRONG,
        flags,
        "https://c.test/@a",
    )
    assert one_shot_check.sentences(one)[2:] == [
        "  also: limited by its server",
        "  also: moved to https://c.test/@a",
    ]


def test_one_inconclusive_check_fails_the_command_and_keeps_the_others(run: Blockline) -> None:
    ran = run("check", "x", "alpha", "not a handle", "id:abc", "healthy.test")
    assert ran.code == 1
    assert ran.said[0] == "@alpha (1001): withheld in India (IN), Turkey (TR)"
    ending = "This is not a sign of a block."
    assert ran.complaints == [
        "No status for not a handle: 'not a handle' is not a handle, an id or an address of an account of X. "
        f"{ending}",
        f"No status for id:abc: 'id:abc' is not a handle, an id or an address of an account of X. {ending}",
        f"No status for healthy.test: 'healthy.test' names an account of Bluesky, not of X. {ending}",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "asked", "reason"),
    [
        ("X_BASE_URL", "id:1001", "network ("),
        ("X_BASE_URL", "x alpha", "no answer ("),
        ("BLUESKY_APP_VIEW", HEALTHY, "network ("),
        ("BLUESKY_APP_VIEW", "healthy.test", "no answer ("),
        ("BLUESKY_PLC", TAKEN_DOWN, None),
        ("BLUESKY_PLC", NOBODY, "network ("),
        ("MASTODON_ORIGINS", ALICE, "network ("),
        ("MASTODON_ORIGINS", "alice@mastodon.example", "no answer ("),
    ],
)
def test_an_unreachable_server_is_a_reason_and_no_status(
    run: Blockline, monkeypatch: pytest.MonkeyPatch, setting: str, asked: str, reason: str | None
) -> None:
    away = f"http://127.0.0.1:{closed_port()}"
    monkeypatch.setenv(
        f"BLOCKLINE_{setting}", f"mastodon.example={away}" if setting == "MASTODON_ORIGINS" else away
    )
    ran = run("check", asked, "--json")
    (result,) = ran.json["results"]
    if reason is None:
        told = (result["status"], result["flags"])
        assert told == ("suspended", ["scope_unanswered"]), "the directory only tells who did it"
        return
    assert (ran.code, ran.json["conclusive"]) == (1, False)
    assert (result["status"], result["strength"]) == (None, None)
    assert result["reason"].startswith(reason)
    assert "This is not a sign of a block." in ran.err


def test_a_malformed_token_is_refused_without_being_shown(
    run: Blockline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOCKLINE_X_BEARER_TOKEN", "top secret")
    ran = run("check", "x", "alpha")
    assert ran.code == 1
    assert ran.err.startswith("Setting x_bearer_token: ")
    assert "top secret" not in ran.err


@pytest.mark.parametrize(
    "words", [(), ("x",), ("bluesky",), ("alpha",), ("healthy.test", "alpha"), ("ftp://a/b",)]
)
def test_naming_no_account_or_no_platform_is_a_usage_error(run: Blockline, words: tuple[str, ...]) -> None:
    assert run("check", *words).code == 2
