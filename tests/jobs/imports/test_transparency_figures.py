"""Published figures of legal demands are stored as each source says them, and never overwritten.

The real file is used where it is at hand: in `TEST_SHARED_DATA`, else in `shared/data` beside the checkout.
"""

from datetime import UTC, datetime

import pytest

from collectors.x.declaration import X
from jobs.imports.published_records import import_record
from jobs.imports.table_imports import ImportReport
from jobs.imports.transparency_figures import FIGURES, read_figures
from storage.countries.transparency_figures import reports
from storage.model.orders.transparency_figures import TransparencyReport
from storage.model.tables.csv_rows import TableError
from storage.postgres.pool import Pool, transaction

HEADER = ",".join(("period", "country", "iso2", *FIGURES, "source", "source_url")) + "\n"
FEW = "period,iso2,accounts_withheld,source,source_url\n"
INDIA = "2018-H1,India,IN,2,237,,1350,0,,14,5.5,desk,desk:figures\n"
WORLD = "2018-H1,(world),,,,6651,,,,,,press,press:page\n"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
REPORT = TransparencyReport(
    platform=X,
    period="2018-H1",
    country="India",
    source="desk",
    iso2="IN",
    court_orders=2,
    other_legal_demands=237,
    total_demands=None,
    accounts_specified=1350,
    accounts_withheld=0,
    tweets_withheld=None,
    accounts_tos=14,
    pct_some_withheld=5.5,
    source_url="desk:figures",
)


async def imported(
    pool: Pool, text: str | bytes, now: datetime = NOW, *, partial: bool = False
) -> ImportReport:
    content = text.encode() if isinstance(text, str) else text
    return await import_record(
        pool, content, "f.csv", now, lambda _: None, source=None, list_name=None, partial=partial
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "period,iso2,total_demands\n2018-H1,IN,5\n",
            "f.csv, line 1: missing columns source, source_url.",
        ),
        (
            "period,country,demands,source,source_url\n2018-H1,India,5,desk,desk:page\n",
            "f.csv, line 1: figures of legal demands have the columns period, country or iso2, source, "
            f"source_url, and at least one of {', '.join(FIGURES)}.",
        ),
    ],
)
async def test_a_file_that_lacks_what_figures_need_is_refused_with_what_that_is(
    pool: Pool, text: str, fault: str
) -> None:
    with pytest.raises(TableError) as raised:
        await imported(pool, text)
    assert str(raised.value) == fault


@pytest.mark.parametrize("partial", [False, True])
async def test_a_figure_that_changed_is_refused_with_both_values(pool: Pool, *, partial: bool) -> None:
    await imported(pool, HEADER + INDIA)
    changed = INDIA.replace(",237,,", ",238,240,")
    report = await imported(pool, HEADER + changed + WORLD, partial=partial)
    assert [str(p) for p in report.problems] == [
        "f.csv, line 2: India in 2018-H1 by desk is stored with other figures (other_legal_demands 237 and "
        "now 238, total_demands not reported and now 240); give changed figures a source of their own."
    ]
    assert report.stored == partial
    async with transaction(pool) as conn:
        assert [r.source for r in await reports(conn)] == (["press", "desk"] if partial else ["desk"])
        assert REPORT in await reports(conn)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (INDIA.replace("2018-H1", "2018-H3"), "period '2018-H3' is not a half-year like 2018-H1."),
        (INDIA.replace("2018-H1", "2027-H1"), "period '2027-H1' is in the future."),
        (INDIA.replace("2018-H1", "0000-H1"), "period '0000-H1' is impossible."),
        (INDIA.replace(",IN,", ",Ind,"), "'Ind' is not a country code of two capital letters."),
        (INDIA.replace(",237,", ",-1,"), "other_legal_demands '-1' is not a whole number."),
        (INDIA.replace(",5.5,", ",101,"), "pct_some_withheld '101' is not a percentage from 0 to 100."),
        (INDIA.replace("desk,desk", ",desk"), "source is empty."),
        (INDIA.replace("India,IN", ","), "country and iso2 are both empty; give at least one of them."),
        (WORLD + WORLD, "(world) in 2018-H1 by press is already on line 2."),
    ],
)
def test_a_line_that_makes_no_sense_is_named(line: str, fault: str) -> None:
    read = read_figures((HEADER + line).encode(), "f.csv", NOW)
    number = 1 + line.count("\n")
    assert [str(p) for p in read.problems] == [f"f.csv, line {number}: {fault}"]
