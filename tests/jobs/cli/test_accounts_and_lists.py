"""Watch lists, executives and listings, through the real entry and on a real database."""

from pathlib import Path

import pytest

from tests.support.clients.command_line import Blockline

WATCH = "platform,handle,account_id,list\n"


def file(content: str, name: str = "watch.csv") -> str:
    """Written where the command runs."""
    Path(name).write_text(content)
    return name


def said_of(run: Blockline, handle: str) -> tuple[list[str], int | None]:
    """Tags and followers on file."""
    listed = run("accounts", "list", "--json").json["accounts"]
    (found,) = [a for a in listed if a["handle"] == handle]
    assert (found["followers"] is None) == (found["followers_at"] is None)
    return found["tags"], found["followers"]


def test_tags_are_added_and_followers_replaced_and_what_a_file_does_not_say_stays(run: Blockline) -> None:
    described = "platform,handle,account_id,list,tags,followers\n"
    first = run(
        "accounts", "import", file(described + "x,alpha,1001,L,press farm;press,1200\nx,beta,1002,L,,\n")
    )
    assert first.said[:2] == [
        "watch.csv, line 2: @alpha (1001) is watched from now on, now on the list L, tagged press, farm, "
        "with 1,200 followers.",
        "watch.csv, line 3: @beta (1002) is watched from now on, now on the list L.",
    ]
    assert said_of(run, "alpha") == (["farm", "press"], 1200)
    assert said_of(run, "beta") == ([], None)
    assert run("accounts", "import", file(described + "x,alpha,1001,L,press,1300\n")).said[:1] == [
        "watch.csv, line 2: @alpha (1001) was watched already, with 1,300 followers."
    ]
    run("accounts", "import", file(described + "x,alpha,1001,L,,\n"))
    run("accounts", "import", file(WATCH + "x,alpha,1001,L\n"))
    assert said_of(run, "alpha") == (["farm", "press"], 1300)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nobody", "--add", "a"], "No stored account is called nobody."),
        (["alpha", "--add", "a,b"], "tag 'a,b' holds a comma; separate tags by spaces or semicolons."),
        (["alpha", "--add", "a" * 41], f"tag '{'a' * 41}' must have 1 to 40 visible characters."),
        (["alpha", "--add", "a", "--remove", "a"], "a: a tag cannot be in both --add and --remove."),
        (
            ["alpha", "--add", "a", "--platform", "bluesky"],
            "'alpha' is not a handle, an id or an address of an account of Bluesky.",
        ),
    ],
    ids=["nobody", "a comma", "too long", "both ways", "another platform"],
)
def test_a_tag_that_cannot_be_is_refused(run: Blockline, arguments: list[str], complaint: str) -> None:
    run("accounts", "import", file(WATCH + "x,alpha,1001,L\n"))
    ran = run("accounts", "tag", *arguments)
    assert (ran.code, ran.out, ran.err) == (1, "", complaint + "\n")
    assert run("accounts", "tag", "alpha").code == 2
    assert said_of(run, "alpha") == ([], None)


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ('"a,b",1', "tag 'a,b' holds a comma; separate tags by spaces or semicolons."),
        ("a,1.2M", "followers '1.2M' is not a number in plain digits."),
        ("a,-1", "followers '-1' is not a number in plain digits."),
        ("\u202ea,1", "tag '\\u202ea' must have 1 to 40 visible characters."),
    ],
    ids=["a comma", "shortened", "negative", "what cannot be seen"],
)
def test_tags_and_followers_that_cannot_be_are_refused_with_their_line(
    run: Blockline, cells: str, sentence: str
) -> None:
    described = "platform,handle,account_id,tags,followers\n"
    ran = run("accounts", "import", file(f"{described}x,alpha,1001,{cells}\n"))
    assert (ran.code, ran.complaints[0]) == (1, f"watch.csv, line 2: {sentence}")
    assert run("accounts", "list", "--json").json == {"accounts": []}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "watch.csv: the file does not exist."),
        (b"", "watch.csv: the file is empty."),
        (b"\x7fELF\0\0\0", "watch.csv: the file is not a text file; save the table as CSV UTF-8."),
        (
            b"platform,handle\nx,caf\xe9\n",
            "watch.csv, line 2: the file is not UTF-8 text; save it as CSV UTF-8.",
        ),
        (b"handle,name,title\nalpha,A,B\n", "watch.csv, line 1: missing column platform."),
    ],
    ids=["missing", "empty", "binary", "latin-1", "no platform"],
)
@pytest.mark.parametrize("what", ["accounts", "executives"])
def test_a_file_that_is_no_table_is_one_sentence(
    run: Blockline, what: str, content: bytes | None, sentence: str
) -> None:
    if content is not None:
        Path("watch.csv").write_bytes(content)
    ran = run(what, "import", "watch.csv")
    assert (ran.code, ran.out) == (1, "")
    assert ran.complaints == [sentence]


def test_a_folder_is_no_file(run: Blockline) -> None:
    ran = run("orders", "import", ".")
    assert (ran.code, ran.err) == (1, ". is a folder; name a CSV file in it.\n")


def test_columns_without_a_meaning_are_named(run: Blockline) -> None:
    ran = run("accounts", "import", file("platform,handle,account_id,colour\nx,alpha,1001,red\n"))
    assert ran.code == 0
    assert "watch.csv: ignored columns: colour." in ran.said


def test_a_handle_without_an_id_is_refused_with_the_reason(online: Blockline) -> None:
    ran = online(
        "accounts", "import", file("platform,handle\nx,gamma\nx,nobody\nx,a_handle_too_long_for_x\n")
    )
    assert (ran.code, ran.out) == (1, "")
    assert ran.complaints[:3] == [
        "watch.csv, line 2: @gamma is suspended, and X does not give the id of a suspended account: add "
        "its id, as x:id:ID or as account_id of a table.",
        "watch.csv, line 3: X knows no account @nobody (deactivated, deleted, renamed or never existed).",
        "watch.csv, line 4: @a_handle_too_long_for_x is not a handle of X.",
    ]


def test_two_handles_of_one_account_are_told(online: Blockline) -> None:
    ran = online("accounts", "import", file("platform,handle,account_id\nx,beta,\nx,old_beta,1002\n"))
    assert ran.code == 1
    assert ran.complaints[0] == "watch.csv, line 3: @old_beta is account 1002, as on line 2."


def watched(run: Blockline) -> list[str]:
    return [account["account_id"] for account in run("accounts", "list", "--json").json["accounts"]]


@pytest.mark.parametrize(
    "command",
    [
        ("accounts", "remove", "x"),
        ("accounts", "tag", "--add", "press"),
        ("alerts", "mute", "--for", "2h", "--account"),
        ("purge", "x", "--yes"),
    ],
    ids=["remove", "tag", "mute", "purge"],
)
def test_an_id_means_its_account_though_it_is_the_handle_of_another(
    run: Blockline, command: tuple[str, ...]
) -> None:
    run("accounts", "import", file(WATCH + "x,alpha,1001,Farmers\nx,1001,2002,Farmers\n"))
    unclear = run(*command, "@1001")
    assert (unclear.code, unclear.out) == (1, "")
    assert "id:1001" in unclear.err
    assert "id:2002" in unclear.err
    for native_id in ("1001", "2002"):
        ran = run(*command, f"id:{native_id}")
        assert (ran.code, ran.err) == (0, "")


def test_a_list_that_is_not_there_is_refused_with_those_that_are(run: Blockline) -> None:
    run("accounts", "import", file(WATCH + "x,alpha,1001,Farmers\n"))
    ran = run("accounts", "list", "--list", "Farmer")
    assert (ran.code, ran.err) == (1, "There is no list 'Farmer': did you mean 'Farmers'?\n")


@pytest.mark.parametrize("option", ["--at", "--as-known-at"])
def test_of_a_time_that_has_not_come_no_status_is_told(run: Blockline, option: str) -> None:
    assert run("accounts", "list", "--at", "2021-02-01", "--as-known-at", "2021-02-01").code == 0
    ran = run("accounts", "list", option, "9021-02-02")
    assert (ran.code, ran.out, ran.complaints) == (
        1,
        "",
        [f"{option} (9021-02-02T00:00:00+00:00) is in the future."],
    )


def test_a_list_is_added_archived_and_restored(run: Blockline) -> None:
    assert run("lists", "add", "Desk").said == ["The list Desk is added. It has no accounts yet."]
    assert run("lists", "add", "Desk").complaints == ["The list 'Desk' already exists."]
    assert run("lists", "add", "A;B").code == 1
    assert run("lists", "archive", "Desk").said == ["The list Desk is archived."]
    assert run("lists", "archive", "Desk").said == ["The list Desk was already archived."]
    assert run("lists", "--json").json == {"lists": []}
    assert [one["name"] for one in run("lists", "--archived", "--json").json["lists"]] == ["Desk"]
    assert run("lists", "restore", "Desk").said == ["The list Desk is in use."]
    assert run("lists", "--archived").said == ["No list is archived."]
    assert run("lists", "archive", "None").complaints == ["There is no list 'None'; there are: Desk."]


def test_accounts_are_put_on_a_list_moved_and_taken_off(run: Blockline) -> None:
    run("accounts", "import", file(WATCH + "x,alpha,1001,Farmers\nx,beta,1002,Farmers\n"))
    run("lists", "add", "Desk")
    assert run("lists", "move", "Farmers", "Desk", "alpha", "beta").said == [
        "2 changed, 0 unchanged, 0 refused."
    ]
    assert run("lists", "put", "Farmers", "id:1001", "--platform", "x").said == [
        "1 changed, 0 unchanged, 0 refused."
    ]
    moved = run("lists", "move", "Desk", "Farmers", "alpha", "beta")
    assert (moved.code, moved.said) == (1, ["1 changed, 0 unchanged, 1 refused."])
    assert moved.complaints == [
        "@alpha (1001): it is on the other list already, so remove it from the first one instead."
    ]
    assert run("lists", "take", "Desk", "alpha").said == ["1 changed, 0 unchanged, 0 refused."]
    assert run("lists", "take", "Desk", "alpha").said == ["0 changed, 1 unchanged, 0 refused."]
    assert run("lists", "move", "Desk", "Desk", "alpha").complaints == ["Choose two different lists."]
    assert run("lists", "put", "Desk", "gamma").complaints == ["No stored account is called gamma."]
    assert run("accounts", "list", "--list", "Desk", "--json").json["accounts"] == []
