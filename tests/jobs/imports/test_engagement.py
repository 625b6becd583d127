"""Engagement that others recorded goes in by the real command, into the rows of collected acts."""

import asyncio
import csv
import gzip
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from collectors.x.declaration import X
from jobs.imports.engagement_parse import EngagementFile, form_of, read_engagement
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.lookup import accounts_named
from storage.executives.signals import add_executive
from storage.model.core.signals import Doubt, Signal, SignalKind
from storage.postgres.pool import Conn, connect
from storage.purge.purge import purge_account
from tests.support.clients.command_line import Blockline, blockline, forget_settings
from tests.support.samples.readings import T0

NOW = datetime(2024, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
FOLLOWS = "window_start,window_end,actor,signal,target,note\n"
ACTS = "observed_at,event_at,actor,signal,target,post_id\n"
COUNTERS = "actor,observed_at,statuses,following,followers,likes\n"


def at(day: float) -> str:
    return (datetime(2024, 1, 1, tzinfo=UTC) + day * DAY).isoformat().replace("+00:00", "Z")


def follow(day: float, signal: str, target: str, note: str = "") -> str:
    return f"{at(day)},{at(day + 1 / 24)},boss,{signal},{target},{note}\n"


def act(seen: float, made: float | None, post: int, target: str = "ada") -> str:
    return f"{at(seen)},{'' if made is None else at(made)},boss,repost,{target},{post}\n"


def read(text: str) -> EngagementFile:
    form = form_of(text.splitlines()[0].split(","))
    assert form is not None
    return read_engagement(text.encode(), "e.csv", form, X, NOW)


def doubts(read: EngagementFile, doubt: Doubt) -> list[int]:
    """Which of the acts have it, by their place."""
    return [n for n, signal in enumerate(read.signals) if doubt in signal.doubts]


def test_a_follow_lies_between_two_looks_and_has_no_time_of_its_own() -> None:
    (one,) = read(FOLLOWS + follow(1, "follow", "12345")).signals
    until = datetime(2024, 1, 2, 1, tzinfo=UTC)
    assert one == Signal(
        SignalKind.FOLLOW, f"12345:{int(until.timestamp())}", None, "12345", "12345", until, until - HOUR
    )


def count(minute: float, likes: str, followers: str = "100") -> str:
    return f"boss,{at(minute / 1440)},1,2,{followers},{likes}\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (FOLLOWS + "2024-01-02T00:00:00,x,b,follow,a,\n", "has no time zone"),
        (FOLLOWS + f"{at(1)},{at(1)},b,follow,a,\n", "window_end is not after window_start."),
        (FOLLOWS + follow(1, "like", "a"), "unknown signal 'like'; known in this file are follow, unfollow."),
        (FOLLOWS + follow(1, "follow", "no handle"), "is neither an id nor a handle of X."),
        (FOLLOWS + follow(300, "follow", "a"), "is in the future"),
        (ACTS + act(1, 0.9, 1).replace("repost", "unfollow"), "unknown signal 'unfollow'"),
        (ACTS + f"{at(1)},,b,repost,a,\n", "post_id is empty."),
        (
            ACTS + act(1, 0.9, 1) + act(2, 0.9, 1, "eve"),
            "line 2 has another target or time for the same engagement.",
        ),
        (COUNTERS + f"b,{at(1)},1,2,-3,4\n", "followers '-3' is not a whole number."),
        (COUNTERS + count(1, "5") + count(1, "6"), "line 2 has other counts for the same time."),
    ],
)
def test_a_line_that_makes_no_sense_is_refused_by_its_number(text: str, fault: str) -> None:
    (problem,) = read(text).problems
    assert fault in str(problem)
    assert problem.line == len(text.splitlines())


DATA = Path(__file__).parents[4] / "shared" / "data"
ME = ("--as", "x:boss", "--json")
TARGETS = "select kind, target_id, target_author_id from signal order by signal_id"


def on(dsn: str, work: Callable[[Conn], Awaitable[Any]]) -> Any:
    async def done() -> Any:
        conn = await connect(dsn)
        try:
            async with conn.transaction():
                return await work(conn)
        finally:
            await conn.close()

    return asyncio.run(done())


def rows(dsn: str, query: str) -> list[tuple[Any, ...]]:
    async def ask(conn: Conn) -> list[tuple[Any, ...]]:
        return [tuple(r) for r in await conn.fetch(query)]

    return on(dsn, ask)


@pytest.fixture
def run(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Blockline:
    """With one executive on file."""
    on(dsn, lambda conn: add_executive(conn, X, "77", "boss", "Ada Chief", "Chief executive", T0))
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", dsn)
    return blockline(capsys)


def file(content: str, name: str = "e.csv") -> str:
    packed = gzip.compress(content.encode()) if name.endswith(".gz") else content.encode()
    Path(name).write_bytes(packed)
    return name


FORMS = {
    "follows.csv": FOLLOWS + follow(1, "unfollow", "old") + follow(1, "follow", "new"),
    "acts.csv.gz": ACTS + act(1, 0.9, 1) + act(2, 0.9, 1) + act(3, 3.5, 2),
    "counters.csv": COUNTERS + count(0, "5") + count(60, "4"),
}


def test_a_target_on_file_is_found_by_its_handle_also_by_a_later_import(run: Blockline, dsn: str) -> None:
    record = file(FOLLOWS + follow(1, "follow", "Newcomer") + follow(2, "follow", "stranger"))
    run("executives", "engagement", record, *ME)
    on(dsn, lambda conn: add_accounts(conn, [NewAccount(X, "5", "newcomer", ("L",))], T0))
    again = run("executives", "engagement", record, *ME).json
    assert (again["new_signals"], again["targets_on_file"]) == (0, 1)
    assert rows(dsn, TARGETS) == [("follow", "5", "5"), ("follow", "@stranger", "@stranger")]


def test_an_executive_can_be_purged_whole_with_counters(run: Blockline, dsn: str) -> None:
    for name, text in FORMS.items():
        run("executives", "engagement", file(text, name), *ME)

    async def purge(conn: Conn) -> None:
        (account,) = await accounts_named(conn, X, "77")
        await purge_account(conn, account.account_id, T0, whole=True)

    on(dsn, purge)
    assert rows(dsn, "select 1 from signal union all select 1 from engagement_counter") == []


def test_one_line_that_is_refused_keeps_the_file_out_unless_the_rest_is_wanted(
    run: Blockline, dsn: str
) -> None:
    record = file(FORMS["follows.csv"] + follow(2, "like", "a"))
    refused = run("executives", "engagement", record, "--as", "x:boss")
    assert (refused.code, refused.out) == (1, "")
    assert refused.complaints == [
        "e.csv, line 4: unknown signal 'like'; known in this file are follow, unfollow.",
        "1 line was refused, so nothing was stored. Correct the file, or store the rest with --partial.",
    ]
    assert rows(dsn, TARGETS) == []
    partial = run("executives", "engagement", record, *ME, "--partial")
    assert (partial.code, partial.json["new_signals"]) == (1, 2)


@pytest.mark.parametrize(
    ("whose", "sentence"),
    [
        pytest.param(
            "boss",
            "--as: 'boss' is not PLATFORM:HANDLE-OR-ID; the platform is bluesky, mastodon, x, youtube.",
            id="no platform",
        ),
        pytest.param("x:nobody", "No stored account is called nobody.", id="not stored"),
        pytest.param(
            "x:watched",
            "@watched on X is stored, but not as an executive. Add it first with: blockline executives "
            "import FILE",
            id="no executive",
        ),
    ],
)
def test_a_record_about_nobody_known_is_one_message(
    run: Blockline, dsn: str, whose: str, sentence: str
) -> None:
    on(dsn, lambda conn: add_accounts(conn, [NewAccount(X, "5", "watched", ("L",))], T0))
    ran = run("executives", "engagement", file(FORMS["follows.csv"]), "--as", whose)
    assert (ran.code, ran.complaints) == (1, [sentence])


def test_a_file_that_is_no_engagement_is_one_sentence(run: Blockline) -> None:
    ran = run("executives", "engagement", file("platform,handle\nx,a\n"), *ME)
    assert ran.code == 1
    assert ran.complaints[0].startswith("e.csv, line 1: the columns are not those of an engagement record.")


# the real files ------------------------------------------------------------------------------------------


def lines(name: str) -> list[dict[str, str]]:
    path = DATA / name
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    return list(csv.DictReader(text.splitlines()))


@pytest.mark.skipif(
    not (DATA / "engagement_follows.csv").exists(), reason=f"needs the recorded engagement in {DATA}"
)
def test_the_recorded_files_give_the_counts_of_a_query_over_their_lines(run: Blockline, dsn: str) -> None:
    follows, reposts, counters = (
        lines(name)
        for name in ("engagement_follows.csv", "engagement_reposts.csv.gz", "engagement_counters.csv.gz")
    )
    said = [
        run("executives", "engagement", DATA / name, *ME).json
        for name in ("engagement_follows.csv", "engagement_reposts.csv.gz", "engagement_counters.csv.gz")
    ]

    assert Counter(dict(rows(dsn, "select kind, count(*) from signal group by 1"))) == Counter(
        r["signal"] for r in follows
    ) + Counter({"repost": len({r["post_id"] for r in reposts})})
    assert said[1]["repeated_lines"] == len(reposts) - len({r["post_id"] for r in reposts}) == 11
    assert said[0]["likely_renames"] == sum(r["note"] == "likely_rename" for r in follows) == 30
    early = {r["post_id"] for r in reposts if r["observed_at"] < "2022-11"}
    doubted = {r[0] for r in rows(dsn, "select native_id from signal where 'time_impossible' = any(doubts)")}
    assert len(early) == 4
    assert early <= doubted
    assert rows(dsn, "select count(*) from signal where made_at > first_seen_at") == [(0,)]
    assert said[2]["failed_polls"] == sum(not r["likes"] for r in counters) == 41
    assert said[2]["gaps_without_a_poll"] == 3
    assert said[2]["falls_likes"] == 711
    assert rows(dsn, "select count(*), count(likes) from engagement_counter") == [
        (len(counters), len(counters) - 41)
    ]
