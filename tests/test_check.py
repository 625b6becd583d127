"""One look at accounts without a database: a look that failed is never called a block."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.cli_runs import HISTORY, Blockline, blockline, forget_settings, simulated_x
from tests.mail_servers import free_port


@pytest.fixture(scope="module")
def x(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    history = tmp_path_factory.mktemp("x") / "history.csv"
    history.write_text(HISTORY)
    with simulated_x(history) as base_url:
        yield base_url


@pytest.fixture
def run(
    x: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Blockline:
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("BLOCKLINE_X_BASE_URL", x)
    monkeypatch.setenv("BLOCKLINE_X_BEARER_TOKEN", "token")
    return blockline(capsys)


@pytest.mark.parametrize(
    ("asked", "account_id", "status", "countries", "strength"),
    [
        ("alpha", "1001", "withheld", ["IN", "TR"], "strong"),
        ("@BETA", "1002", "available", [], "strong"),
        ("gamma", None, "suspended", [], "strong"),
        ("delta", None, "not_found", [], "weak"),
        ("nobody", None, "not_found", [], "weak"),
        ("id:1001", "1001", "withheld", ["IN", "TR"], "strong"),
        ("id:1003", "1003", "suspended", [], "strong"),
        ("id:999", "999", "not_found", [], "weak"),
    ],
)
def test_a_conclusive_look_ends_well_whatever_it_says(
    run: Blockline,
    asked: str,
    account_id: str | None,
    status: str,
    countries: list[str],
    strength: str,
) -> None:
    ran = run("check", "x", asked, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.json["conclusive"] is True
    (result,) = ran.json["results"]
    assert (result["asked"], result["account_id"], result["status"]) == (asked, account_id, status)
    assert (result["withheld_in"], result["strength"], result["reason"]) == (countries, strength, None)
    evidence = json.loads(result["evidence"])
    if account_id is not None:
        assert account_id in str(evidence)


def test_the_text_names_status_countries_strength_and_the_words_of_x(run: Blockline) -> None:
    ran = run("check", "x", "alpha", "nobody")
    assert ran.code == 0
    assert ran.said[0] == "@alpha (1001): withheld in IN, TR"
    assert ran.said[1].startswith("  evidence strong: the platform said so, at ")
    assert '"country_codes":["IN","TR"]' in ran.said[2]
    assert ran.said[3] == "@nobody: not found: deactivated, deleted, renamed or never existed"
    assert ran.said[4].startswith("  evidence weak: only an absence, at ")


def test_one_look_that_taught_nothing_fails_the_command_and_keeps_the_others(run: Blockline) -> None:
    ran = run("check", "x", "alpha", "not a handle", "id:abc")
    assert ran.code == 1
    assert ran.said[0] == "@alpha (1001): withheld in IN, TR"
    assert ran.complaints == [
        "@not a handle: nothing was learned, which is no sign of a block: that is not a handle of X.",
        "id:abc: nothing was learned, which is no sign of a block: bad_request (not a numeric id of X).",
    ]


def test_an_unreachable_platform_is_a_reason_and_no_status(
    run: Blockline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOCKLINE_X_BASE_URL", f"http://127.0.0.1:{free_port()}")
    ran = run("check", "x", "id:1001", "--json")
    assert ran.code == 1
    assert ran.json["conclusive"] is False
    (result,) = ran.json["results"]
    assert (result["status"], result["strength"]) == (None, None)
    assert result["reason"].startswith("network (")
    assert "which is no sign of a block: network (" in ran.err


def test_without_a_token_the_setting_is_named(run: Blockline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BLOCKLINE_X_BEARER_TOKEN")
    ran = run("check", "x", "alpha")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("Setting x_bearer_token is missing: ")
    assert len(ran.complaints) == 1


def test_a_token_that_cannot_be_one_is_refused_without_being_shown(
    run: Blockline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOCKLINE_X_BEARER_TOKEN", "top secret")
    ran = run("check", "x", "alpha")
    assert ran.code == 1
    assert ran.err.startswith("Setting x_bearer_token: ")
    assert "top secret" not in ran.err


def test_a_platform_that_is_not_read_yet_is_refused(run: Blockline) -> None:
    ran = run("check", "mastodon", "alpha@example.org")
    assert (ran.code, ran.err) == (1, "This version reads X only, not mastodon.\n")


def test_no_handle_is_a_fault_of_usage(run: Blockline) -> None:
    assert run("check", "x").code == 2
