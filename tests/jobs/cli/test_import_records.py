"""Taking in published records through the real entry, on a real database."""

import gzip
from pathlib import Path

import pytest

from tests.jobs.imports.test_histories import SPANS, span
from tests.jobs.imports.test_transparency_figures import HEADER, INDIA
from tests.support.clients.command_line import Blockline

GOOD = span("5", "suspended", 1, 2) + span("5", "available", 4, 4)


def file(content: str, name: str = "h.csv") -> str:
    """Written where the command runs."""
    packed = gzip.compress(content.encode()) if name.endswith(".gz") else content.encode()
    Path(name).write_bytes(packed)
    return name


def test_a_name_and_a_list_can_be_given(run: Blockline) -> None:
    ran = run("import", file(SPANS + GOOD), "--name", "Some study", "--list", "Studied")
    assert ran.said[0].endswith("They are stored as import:Some study; no account is watched because of it.")
    assert [c["name"] for c in run("lists", "--json").json["lists"]] == ["Studied"]


BAD = span("6", "available", 3, 2)


def test_one_line_that_is_refused_keeps_the_whole_file_out(run: Blockline) -> None:
    refused = run("import", file(SPANS + GOOD + BAD), file(HEADER + INDIA, "figures.csv"))
    assert (refused.code, refused.out) == (1, "")
    assert refused.complaints == [
        "h.csv, line 4: seen_to is before seen_from.",
        "1 line was refused, so nothing was stored. Correct h.csv, or store the rest with --partial.",
        "Not read: figures.csv.",
    ]
    assert run("lists", "--json").json == {"lists": []}


def test_with_partial_the_rest_is_stored_and_the_refusal_is_said(run: Blockline) -> None:
    ran = run("import", file(SPANS + GOOD + BAD), "--partial", "--json")
    assert ran.code == 1
    assert ran.json == {
        "files": [
            {
                "file": "h.csv",
                "kind": "history",
                "stored": True,
                "lines_taken": 2,
                "accounts": 1,
                "new_accounts": 1,
                "new_changes": 2,
                "corrected_changes": 0,
                "refused": [{"line": 4, "why": "h.csv, line 4: seen_to is before seen_from."}],
                "ignored_columns": [],
            }
        ]
    }
    assert ran.complaints[-1] == "1 line was refused; the other lines of h.csv are stored."


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "h.csv: the file does not exist."),
        (b"", "h.csv: the file is empty."),
        (b"\x7fELF\0\0\0", "h.csv: the file is not a text file; save the table as CSV UTF-8."),
        (b"account_id,caf\xe9\n", "h.csv, line 1: the file is not UTF-8 text; save it as CSV UTF-8."),
        (
            b"account_id;platform\n5;x\n",
            "h.csv, line 1: the columns are not separated by commas; save the file with commas.",
        ),
        (
            b"platform,handle\nx,a\n",
            "h.csv, line 1: the columns are not those of a record that Blockline knows (see `blockline "
            "import --help`). Import a watch list with `blockline accounts import`, and orders with "
            "`blockline orders import`.",
        ),
    ],
    ids=["missing", "empty", "binary", "latin-1", "semicolons", "a watch list"],
)
def test_a_file_that_is_no_record_is_one_sentence(
    run: Blockline, content: bytes | None, sentence: str
) -> None:
    if content is not None:
        Path("h.csv").write_bytes(content)
    ran = run("import", "h.csv")
    assert (ran.code, ran.out, ran.complaints) == (1, "", [sentence])


def test_a_gzip_file_that_is_cut_off_is_one_sentence(run: Blockline) -> None:
    Path("h.csv.gz").write_bytes(gzip.compress((SPANS + GOOD).encode())[:-9])
    ran = run("import", "h.csv.gz")
    assert (ran.code, ran.err) == (1, "h.csv.gz: the file is not a complete gzip file.\n")


def test_what_went_in_before_a_bad_file_is_told(run: Blockline) -> None:
    ran = run("import", file(SPANS + GOOD), "missing.csv")
    assert (ran.code, ran.err) == (1, "missing.csv: the file does not exist.\n")
    assert ran.said[0].startswith("h.csv: 2 lines about 1 account: 1 account and 2 changes are new.")


@pytest.mark.parametrize("option", ["--name", "--list"])
def test_a_name_with_a_line_end_in_it_is_refused(run: Blockline, option: str) -> None:
    ran = run("import", file(SPANS + GOOD), option, "a\nb")
    assert (ran.code, ran.err) == (1, f"{option}: 'a\ufffdb' must be one line of text.\n")


@pytest.mark.parametrize("option", ["--name", "--list"])
def test_a_name_for_what_has_none_is_refused(run: Blockline, option: str) -> None:
    ran = run("import", file(HEADER + INDIA, "figures.csv"), option, "Some study")
    assert (ran.code, ran.out, ran.complaints) == (
        1,
        "",
        [
            "figures.csv: figures of legal demands name their source on each line and belong to no list. "
            "Import them without --name and --list."
        ],
    )
