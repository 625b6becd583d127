"""Watch lists, executives and listings, through the real entry and on a real database."""

import asyncio
from pathlib import Path

import pytest

from storage.accounts.accounts import watch_version
from storage.model.tables.watch_import_plan import DEFAULT_LIST
from storage.postgres.pool import open_pool, transaction
from tests.support.clients.command_line import Blockline

WATCH = "platform,handle,account_id,list\n"
EXECUTIVES = "platform,handle,name,title\n"


def file(content: str, name: str = "watch.csv") -> str:
    """Written where the command runs."""
    Path(name).write_text(content)
    return name


def version(dsn: str) -> int:
    """What a running monitor looks at to know that it must load again."""

    async def read() -> int:
        async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
            return (await watch_version(conn, 0)).number

    return asyncio.run(read())


def test_every_line_of_a_watch_list_is_reported(run: Blockline) -> None:
    watch = file(WATCH + "x,alpha,1001,Farmers;Press\nx,@beta,1002,Farmers\n")
    first = run("accounts", "import", watch)
    assert (first.code, first.err) == (0, "")
    assert first.said == [
        "watch.csv, line 2: @alpha (1001) is watched from now on, now on the lists Farmers, Press.",
        "watch.csv, line 3: @beta (1002) is watched from now on, now on the list Farmers.",
        "2 accounts of watch.csv watched; 2 lines added or changed data.",
    ]
    assert run("accounts", "import", watch).said == [
        "watch.csv, line 2: @alpha (1001) was watched already.",
        "watch.csv, line 3: @beta (1002) was watched already.",
        "2 accounts of watch.csv watched; no line added or changed data.",
    ]
    listed = run("accounts", "list", "--json").json["accounts"]
    assert [(a["handle"], a["lists"], a["status"], a["watched"]) for a in listed] == [
        ("alpha", ["Farmers", "Press"], None, True),
        ("beta", ["Farmers"], None, True),
    ]
    assert run("lists", "--json").json["lists"] == [
        {"name": "Farmers", "accounts": 2, "posts": 0, "watched": 2, "order": None, "evidence_days": None},
        {"name": "Press", "accounts": 1, "posts": 0, "watched": 1, "order": None, "evidence_days": None},
    ]


def test_the_posts_of_a_watch_list_are_not_called_accounts(run: Blockline) -> None:
    ran = run("accounts", "import", file(WATCH + "x,alpha,1001,Farmers\nx,alpha/77,post:77,Farmers\n"))
    assert ran.said[-1] == "1 account and 1 post of watch.csv watched; 2 lines added or changed data.", ran
    (listed,) = run("lists", "--json").json["lists"]
    assert (listed["accounts"], listed["posts"]) == (2, 1)


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


def test_tags_are_changed_by_hand_and_put_on_record(run: Blockline) -> None:
    run("accounts", "import", file(WATCH + "x,alpha,1001,L\n"))
    ran = run("accounts", "tag", "@Alpha", "--add", "press farm", "--add", "court")
    assert (ran.code, ran.said) == (0, ["@alpha (1001) is tagged court, farm, press."])
    tags = run("accounts", "tag", "x alpha", "--add", "press", "--remove", "farm;court", "--json").json
    assert tags == {"platform": "x", "account_id": "1001", "tags": ["press"]}
    run("accounts", "tag", "alpha", "--add", "press")
    assert run("accounts", "tag", "alpha", "--remove", "press").said == ["@alpha (1001) has no tags."]
    log = run("alerts", "log", "--json").json["log"]
    assert [(act["action"], act["subject"], act["detail"].get("tags")) for act in log] == [
        ("tags changed", "account 1", []),
        ("tags changed", "account 1", ["press"]),
        ("tags changed", "account 1", ["court", "farm", "press"]),
        ("accounts imported", "watch.csv", {}),
    ]
    assert log[-1]["detail"] == {"accounts": [1], "lists": {"L": [1]}, "tags": {}}


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


BAD_LINES = {
    "too few columns": ("x,beta\n", "expected 4 columns, found 2."),
    "unknown platform": ("y,beta,1002,\n", "unknown platform 'y'; known are bluesky, mastodon, x, youtube."),
    "shortened id": (
        "x,beta,1e17,\n",
        "'1e17' is an account id that a spreadsheet has shortened; keep ids as text.",
    ),
    "no handle": (
        "x,be ta,1002,\n",
        "'be ta' is not a handle, an id or an address of an account of X.",
    ),
    "duplicate": (
        "x,ALPHA,,\n",
        "account @ALPHA is already on line 2; name all lists of an account on one line, with semicolons "
        "between them.",
    ),
    "no id, no token": (
        "x,beta,,\n",
        "@beta has no account_id. It cannot be looked up: set x_bearer_token.",
    ),
    "an id of another platform": (
        "bluesky,a.bsky.social,1002,\n",
        "'1002' is not an account id of Bluesky, such as did:plc:z72i7hdynmk6r22z27h6tvur.",
    ),
}
each_bad_line = pytest.mark.parametrize(("line", "sentence"), BAD_LINES.values(), ids=BAD_LINES)


@each_bad_line
def test_one_line_that_is_refused_keeps_the_whole_file_out(run: Blockline, line: str, sentence: str) -> None:
    refused = run("accounts", "import", file(f"{WATCH}x,alpha,1001,Farmers\n{line}"))
    assert (refused.code, refused.out) == (1, "")
    assert refused.complaints == [
        f"watch.csv, line 3: {sentence}",
        "1 line was refused, so nothing was stored. Correct the file, or store the rest with --partial.",
    ]
    assert run("accounts", "list", "--json").json == {"accounts": []}
    assert run("lists", "--json").json == {"lists": []}


@each_bad_line
def test_partial_stores_the_rest_and_still_fails(run: Blockline, line: str, sentence: str) -> None:
    watch = file(f"{WATCH}x,alpha,1001,Farmers\n{line}")
    ran = run("accounts", "import", watch, "--partial", "--json")
    assert ran.code == 1
    did = "is watched from now on, now on the list Farmers"
    assert ran.json == {
        "file": "watch.csv",
        "kind": "watch_list",
        "stored": True,
        "taken": 1,
        "changed": 1,
        "lines": [{"line": 2, "what": "@alpha (1001)", "did": did, "changed": True}],
        "refused": [{"line": 3, "why": f"watch.csv, line 3: {sentence}"}],
        "ignored_columns": [],
    }
    assert ran.complaints == [
        f"watch.csv, line 3: {sentence}",
        "1 line was refused; the other lines are stored.",
    ]
    assert [a["handle"] for a in run("accounts", "list", "--json").json["accounts"]] == ["alpha"]


def test_a_file_of_refused_lines_only_stores_nothing_even_in_part(run: Blockline) -> None:
    ran = run("accounts", "import", file(WATCH + "y,beta,1002,New list\n"), "--partial", "--json")
    assert (ran.code, ran.json["stored"]) == (1, False)
    assert run("lists", "--json").json == {"lists": []}


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


def test_an_account_without_a_list_is_put_on_one_unless_it_is_on_one(run: Blockline) -> None:
    watch = file("platform,handle,account_id\nx,alpha,1001\n")
    run("accounts", "import", watch)
    run("accounts", "import", watch)
    run("accounts", "import", file(WATCH + "x,beta,1002,Farmers\n", "more.csv"))
    run("accounts", "import", file("platform,handle,account_id\nx,beta,1002\n", "again.csv"))
    assert [(c["name"], c["accounts"]) for c in run("lists", "--json").json["lists"]] == [
        ("Farmers", 1),
        (DEFAULT_LIST, 1),
    ]


def test_a_handle_is_resolved_once_to_the_id_that_stays(online: Blockline) -> None:
    ran = online("accounts", "import", file("platform,handle,list\nx,ALPHA,L\nx,@beta,L\n"))
    assert (ran.code, ran.err) == (0, "")
    listed = online("accounts", "list", "--json").json["accounts"]
    assert [(a["account_id"], a["handle"]) for a in listed] == [("1001", "alpha"), ("1002", "Beta")]


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


def test_a_removed_account_is_not_listed_until_it_comes_back_and_a_monitor_hears_of_both(
    run: Blockline, dsn: str
) -> None:
    watch = file(WATCH + "x,alpha,1001,Farmers\n")
    run("accounts", "import", watch)
    added = version(dsn)
    gone = run("accounts", "remove", "x", "@Alpha")
    assert (gone.code, gone.out) == (
        0,
        "@alpha (1001) is no longer watched. Its readings and changes are kept.\n",
    )
    removed = version(dsn)
    assert run("accounts", "list").out.startswith("No accounts are watched")
    on_list = run("accounts", "list", "--list", "Farmers", "--json").json["accounts"]
    assert [(a["handle"], a["watched"]) for a in on_list] == [("alpha", False)]
    again = run("accounts", "remove", "x", "alpha")
    assert (again.code, again.err) == (1, "No watched account on x has the handle 'alpha'.\n")
    back = run("accounts", "import", watch)
    assert back.said[0] == "watch.csv, line 2: @alpha (1001) is watched from now on."
    assert added < removed < version(dsn)


def watched(run: Blockline) -> list[str]:
    return [account["account_id"] for account in run("accounts", "list", "--json").json["accounts"]]


def test_a_handle_that_two_watched_accounts_have_stops_neither_and_the_id_decides(run: Blockline) -> None:
    run("accounts", "import", file(WATCH + "x,alpha,1001,Farmers\n"))
    run("accounts", "import", file(WATCH + "x,alpha,2002,Farmers\n"))
    ran = run("accounts", "remove", "x", "@Alpha")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "Alpha matches 2 watched accounts. Give one of these ids: id:1001, id:2002.\n"
    assert watched(run) == ["1001", "2002"]
    gone = run("accounts", "remove", "x", "id:2002")
    assert (gone.code, gone.out) == (
        0,
        "@alpha (2002) is no longer watched. Its readings and changes are kept.\n",
    )
    assert watched(run) == ["1001"]
    assert run("accounts", "remove", "x", "id:2002").err == "No watched account on x has the id '2002'.\n"
    again = run("accounts", "remove", "x", "alpha")
    assert (again.code, watched(run)) == (0, []), "the one that is still watched is meant"


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


def test_those_blocked_more_than_once_are_listed_as_of_any_moment(run: Blockline) -> None:
    run("accounts", "import", file(WATCH + "x,alpha,1001,Farmers\nx,beta,1002,Farmers\n"))
    days = (("available", ""), ("withheld", "IN"), ("available", ""), ("withheld", "IN"))
    rows = [
        f"x,1001,alpha,2021-02-0{n}T00:00:00Z,{status},{countries},"
        for n, (status, countries) in enumerate(days, 1)
    ]
    history = Path("history.csv")
    history.write_text("\n".join(["platform,account_id,handle,at,status,withheld_in,list", *rows]) + "\n")
    assert run("import", history).code == 0

    def listed(*options: str) -> list[str]:
        told = run("accounts", "list", "--repeatedly-blocked", "--json", *options).json["accounts"]
        return [a["handle"] for a in told]

    assert listed() == ["alpha"]
    assert listed("--at", "2021-02-04T12:00Z") == ["alpha"]
    assert listed("--at", "2021-02-03T12:00Z") == []
    nobody = run("accounts", "list", "--repeatedly-blocked", "--at", "2021-02-03T12:00Z")
    assert nobody.said == ["No account was seen blocked more than once."]


def test_a_platform_that_does_not_exist_is_a_fault_of_usage(run: Blockline) -> None:
    assert run("accounts", "remove", "myspace", "tom").code == 2


def test_executives_are_stored_updated_and_listed_and_a_monitor_hears_of_it(
    online: Blockline, dsn: str
) -> None:
    before = version(dsn)
    first = online("executives", "import", file(EXECUTIVES + "x,beta,Bea Ta,CEO\n"))
    assert first.code == 0
    assert first.said[0] == "watch.csv, line 2: Bea Ta, @Beta (1002) was added as an executive."
    assert version(dsn) > before
    renamed = online("executives", "import", file(EXECUTIVES + "x,beta,Bea Ta,Chair\n"))
    assert "name and title were updated from the file" in renamed.out
    assert online("executives", "list", "--json").json["executives"] == [
        {
            "platform": "x",
            "handle": "Beta",
            "account_id": "1002",
            "name": "Bea Ta",
            "title": "Chair",
            "last_polled_at": None,
        }
    ]
    assert online("accounts", "list", "--json").json == {"accounts": []}


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
