"""What a list says of the evidence of its accounts, and what leaves the store by it."""

from datetime import timedelta
from pathlib import Path

import pytest

from collectors.x.declaration import X
from jobs.runtime.evidence_retention import keep_to_lists, parse_keeping
from storage.accounts.evidence_retention import list_rules, set_rule
from storage.model.core.accounts import Account
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.clients.command_line import Blockline, blockline, forget_settings
from tests.support.samples.readings import AVAILABLE, T0, WITHHELD_IN
from tests.support.seeds.changes import become, enlist, roster_of

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "days"),
    [("forever", None), ("1d", 1), ("365d", 365), ("36500d", 36_500)],
)
def test_a_time_to_keep_is_read(text: str, days: int | None) -> None:
    assert parse_keeping(text) == days


@pytest.mark.parametrize("text", ["", "0d", "36501d", "12h", "-1d", "1.5d", "for ever", "d", "365"])
def test_what_is_no_time_to_keep_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(ValueError, match="Write 1d to 36500d, or forever"):
        parse_keeping(text)


async def rule(conn: Conn, name: str, days: int | None) -> None:
    found = {r.name: r.list_id for r in await list_rules(conn)}
    await set_rule(conn, found[name], days)


async def blocked(conn: Conn, native_id: str, lists: tuple[str, ...], day: int, said: bytes) -> Account:
    """An account that was withheld on that day, with two pieces of evidence."""
    (one,) = await enlist(conn, X, [native_id], lists)
    roster = await roster_of(conn, [one])
    await become(conn, roster, one, None, AVAILABLE, T0 + day * DAY - timedelta(hours=1))
    await become(conn, roster, one, AVAILABLE, WITHHELD_IN, T0 + day * DAY, evidence=said)
    return one


async def kept(conn: Conn) -> set[str]:
    """The accounts whose evidence is there."""
    rows = await conn.fetch(
        """
        select a.native_id from change c join account a using (account_id)
        join evidence e on e.sha256 = c.new_evidence where e.packed is not null
        """
    )
    return {r[0] for r in rows}


async def test_a_run_logs_a_row_a_list_and_says_once_what_expired(
    pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    async with transaction(pool) as conn:
        await blocked(conn, "1", ("short",), 0, b"one")
        await blocked(conn, "2", ("ever",), 0, b"two")
        await rule(conn, "short", 10)
    caplog.set_level("INFO", "jobs")
    for days in (11, 12):
        await keep_to_lists(pool, T0 + days * DAY)
    assert [r.message for r in caplog.records] == [
        "2 pieces of evidence removed, as the retention of the lists requires; the hashes are kept."
    ]
    async with transaction(pool) as conn:
        log = await conn.fetch("select at, days, pieces from retention_log order by at")
    assert [tuple(r) for r in log] == [(T0 + 11 * DAY, 10, 2), (T0 + 12 * DAY, 10, 0)]


@pytest.fixture
def command(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Blockline:
    """Commands on an installation of its own with two lists, one of an order."""
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", dsn)
    ran = blockline(capsys)
    (tmp_path / "a.csv").write_text("platform,handle,account_id,list\nx,alpha,1001,desk\nx,beta,1002,order\n")
    (tmp_path / "o.csv").write_text(
        "reference,title,issuer,country,legal_basis,issued_at,deadline_at,named_count,list\n"
        "R/1,Order,Court,IN,Act,2021-02-01T00:00:00Z,,1,order\n"
    )
    assert ran("accounts", "import", "a.csv").code == 0
    assert ran("orders", "import", "o.csv").code == 0
    return ran


def test_lists_say_how_long_they_keep_and_can_be_told(command: Blockline) -> None:
    told = command("lists", "retention", "desk", "90d")
    assert (told.code, told.err) == (0, "")
    assert told.said == [
        "The evidence of the accounts on the list desk is kept for 90 days, or longer if another of "
        "their lists requires it. Hashes, statuses, changes and times are always kept."
    ]
    listed = {row["name"]: row["evidence_days"] for row in command("lists", "--json").json["lists"]}
    assert listed == {"desk": 90, "order": None}
    assert "90 days" in command("lists").out
    assert command("lists", "retention", "desk", "forever").said == [
        "The evidence of the accounts on the list desk is kept without a limit."
    ]
    assert "90 days" not in command("lists").out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nobody", "90d"), "There is no list 'nobody'; there are: desk, order."),
        (("desk", "90"), "'90' is not a retention time. Write 1d to 36500d, or forever."),
        (
            ("order", "1094d"),
            "The list order belongs to the order R/1, whose evidence is kept at least 1095 days. "
            "Nothing was changed.",
        ),
    ],
)
def test_a_retention_that_cannot_be_is_one_sentence(
    command: Blockline, arguments: tuple[str, ...], sentence: str
) -> None:
    ran = command("lists", "retention", *arguments)
    assert (ran.code, ran.out, ran.err) == (1, "", f"{sentence}\n")
