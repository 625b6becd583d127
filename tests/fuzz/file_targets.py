"""Parsers of files: imports, rules, settings, backups, evidence packs and time stamps."""

import gzip
import json
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from collectors.simulator.engagement_file import parse_acts
from collectors.simulator.history import HistoryError, parse_history
from jobs.alerting.rules_file import read_rules
from jobs.base.errors import CommandError
from jobs.base.input_files import table_content
from jobs.config.secret_files import read_secret
from jobs.config.settings import load_settings
from jobs.imports.engagement_parse import EngagementForm, form_of, read_engagement
from jobs.imports.histories import is_history, joined, read_histories
from jobs.imports.orders_executives_csv import executive_rows, order_rows
from jobs.imports.transparency_figures import is_figures, read_figures
from jobs.imports.withheld_crawl import is_crawl, read_crawl
from jobs.orders.legal_demands import read_legal_demands
from jobs.orders.lumen import is_json, read_lumen
from jobs.setup.setup_file import read_setup
from storage.model.alerts.rule_toml import to_toml
from storage.model.alerts.rules import AlertRule, Digest, Match
from storage.model.causes.causes_csv import cause_rows
from storage.model.causes.platform_notices import NoticeError, read_notice
from storage.model.core.availability import ChangeKind
from storage.model.orders.keywords import words_of_html
from storage.model.orders.pasted_names import check_lines_of
from storage.model.platforms.registry import USUAL_PLATFORM
from storage.model.tables.account_references import AddressError, read_address
from storage.model.tables.csv_rows import TableError, header_of
from storage.model.tables.name_check import check_lines
from storage.model.tables.said_names import said_names
from storage.model.tables.watch_list_csv import watch_rows
from tests.fuzz.runner import Call, Target, plain
from tests.jobs.imports.test_engagement import ACTS, COUNTERS, act, count, follow
from tests.jobs.imports.test_engagement import FOLLOWS as FOLLOW_COLUMNS
from tests.jobs.imports.test_histories import HISTORY, RESTORATIONS, SPANS, at, span
from tests.jobs.imports.test_transparency_figures import FEW, HEADER, INDIA, WORLD
from tests.jobs.orders.test_legal_demands import notice
from tests.storage.model.causes.test_platform_notices import (
    ASKED,
    BLUESKY,
    TAKEN_DOWN,
    WITHHELD,
    email,
    forwarded,
    quoted,
)

_FIXTURES: Final = Path(__file__).parent.parent / "fixtures"
NOW: Final = datetime(2031, 4, 1, 12, tzinfo=UTC)
_FILE: Final = "file.csv"


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


ACCOUNTS: Final = (
    b"platform,handle,account_id,list,tags,followers\n"
    b"x,one,12,India 2021,press;india,1000\nbluesky,a.bsky.social,did:plc:5q524mlvslhwwlcomnk7dzj4,,,\n"
    b"mastodon,alice@mastodon.example,https://mastodon.example/users/alice 109,List,,5\n"
    b"youtube,,UC_x5XG1OV2P6uZZ5FSM9Ttw,,a b,\n",
    b"platform,handle,list\nx,@two,Two\n",
)
ORDERS: Final = (
    b"reference,title,issuer,country,legal_basis,issued_at,issued_from,issued_to,deadline_at,named_count,list\n"
    b"A/1,Title,MeitY,IN,Section 69A,2021-02-01T12:00:00Z,,,2021-02-03T12:00:00Z,257,India\n"
    b'A/2,"A, title",MeitY,IN,Section 69A,2021-02-04,2021-02-03,2021-02-05,,12,Other\n',
)
EXECUTIVES: Final = (b"platform,handle,name,title,account_id\nx,boss,The Boss,CEO,99\nx,two,Second,CTO,\n",)
HISTORIES: Final = (
    (HISTORY + f"x,5,name,{at(1)},available,,L\nx,5,name,{at(3)},withheld,IN TR,L\n").encode(),
    (SPANS + span("5", "available", 1, 2) + span("5", "suspended", 3, 4)).encode(),
    (RESTORATIONS + f"5,{at(1)},{at(4)},100\n6,,{at(2)},\n").encode(),
)
ENGAGEMENT: Final = (
    (FOLLOW_COLUMNS + follow(1, "follow", "ada") + follow(2, "unfollow", "bob", "note")).encode(),
    (ACTS + act(3, 2.9, 901) + act(4, None, 902)).encode(),
    (COUNTERS + count(0, "5") + count(15, "4")).encode(),
)
FIGURES: Final = ((HEADER + INDIA + WORLD).encode(), (FEW + "2018-H1,IN,3,desk,desk:figures\n").encode())
NAMES: Final = (
    b"@one, two;https://x.com/three/status/12 https://twitter.com/four\nhttps://bsky.app/profile/a.bsky.social\n"
    b"https://mastodon.example/@alice did:plc:5q524mlvslhwwlcomnk7dzj4 UC_x5XG1OV2P6uZZ5FSM9Ttw https://t.me/x",
)
ADDRESSES: Final = tuple(word for word in NAMES[0].replace(b",", b" ").replace(b";", b" ").split())
RULES: Final = (
    to_toml(
        (AlertRule(("desk@example.org", "webhook:desk"), name=name, match=match, digest=digest), True)
        for name, match, digest in (
            (
                "Blocks",
                Match(lists=frozenset({"India"}), countries=frozenset({"IN"}), min_followers=5),
                Digest.NONE,
            ),
            ("Digest", Match(kinds=frozenset({ChangeKind.BLOCK}), executives=True), Digest.DAILY),
        )
    ).encode(),
)
SETUPS: Final = (
    (Path(__file__).parents[2] / "docs/how-to/setup.md").read_bytes().split(b"```toml\n")[1].split(b"```")[0],
    b"[[orders]]\n[[orders.events]]\n" * 6_000,
)
MANY_WRONG_RULES: Final = b"[[rules]]\ncolour = 1\n" * 12_000
LONG_KEY: Final = b"a" + b".a" * 30_000 + b" = 1\n"
SETTINGS: Final = (
    b'database_url = "postgresql://a@b/c"\ndashboard_url = "https://b.example"\nsmtp_host = "m.example"\n'
    b'sweep_every = "15m"\nmail_from = "a@b.example"\nx_bearer_token = "t"\ntrusted_proxies = ["::1"]\n'
    b'operators = ["a@b.example"]\nx_daily_cost = 5.5\n[webhooks]\ndesk = "https://a.example/x"\n'
    b'[[rules]]\nname = "Blocks"\nrecipients = ["webhook:desk"]\ncountries = ["IN"]\n',
    b'auth = "oidc"\nplanner = "adaptive"\noidc_issuer = "https://i.example"\noidc_client_id = "b"\n'
    b'oidc_role_claim = "g"\noidc_roles = { desk = "viewer" }\nplatforms = ["x", "bluesky"]\nport = 8050\n'
    b'bluesky_labelers = { TR = "did:plc:nsbsoqexk44e5gozqz74fwrm" }\nrecipients_zone = "Asia/Kolkata"\n',
)
DEMANDS: Final = ((_FIXTURES / "legal_demands.csv").read_bytes(),)
CRAWL: Final = ((_FIXTURES / "withheld_crawl.csv").read_bytes(),)
LUMEN: Final = (
    json.dumps({"notice": notice()}).encode(),
    json.dumps({"notices": [notice(id=6), notice(id=7, jurisdictions=[])]}).encode(),
    json.dumps({"government_request": notice(works=[])}).encode(),
)
ACTS_FILE: Final = (
    b"actor_id,at,kind,post_id,target_id,target_author_id\n"
    b"99,2021-02-01T00:00:00Z,repost,1001,55,5\n99,2021-02-02T00:00:00Z,like,1002,56,\n",
)


def read_records(data: bytes) -> object:
    """Published records: whichever their header says."""
    columns = header_of(data)
    if is_figures(columns):
        return read_figures(data, _FILE, NOW)
    if is_crawl(columns):
        return read_crawl(data, _FILE)
    if is_history(columns):
        found = read_histories(data, _FILE, columns, NOW)
        return found, joined(found, "source", "list", {})
    return None


def read_engagement_file(data: bytes) -> object:
    form = form_of(header_of(data)) or EngagementForm.ACTS
    return read_engagement(data, _FILE, form, USUAL_PLATFORM, NOW)


def read_orders(data: bytes) -> object:
    if is_json(data):
        return read_lumen(data, _FILE, NOW, None), read_lumen(data, _FILE, NOW, "IN")
    return order_rows(data, _FILE, NOW)


def read_demands(data: bytes) -> object:
    return [read_legal_demands(data, _FILE, NOW, by_day=by_day) for by_day in (False, True)]


ORDER_TEXT: Final = (
    "ANNEXURE A\n1. @one\n2. https://x.com/two/\nstatus/12\n  \u2022 name.example.\norg\n"
    "\n- 3 -\nANNEXURE A\n4) x NASA, @five; id:77\n"
).encode()
POST: Final = (
    b'<p>On <a href="https://social.example/tags/IT"><span>#IT</span></a>,<br/>caf&eacute; &amp; tea</p>'
)
MANY_MARKS: Final = ("a" + "\u0300\u0316" * 60_000).encode()
LONG_LINES: Final = (
    b"page" + b" " * 100_000 + b"x",
    b"@a " + b"a." * 100_000 + b"!",
    b"name\n" + b"11111\n" * 40_000,
)
"""A line that is nearly a page number, a word that is nearly a domain, and a name that seems never to end."""
MANY_WORDS: Final = b",".join(b"%x" % number for number in range(330_000))

MANY_NAMES: Final = b",".join(b"(%x" % number for number in range(49_000))
"""More different ones than a check takes, and none of them is a name."""

CAUSES: Final = (
    b"platform,handle,kind,said_by,source,stated_on,speaker,confidence\n"
    b"x,one,court ruling,court record,A 1,2021-02-04,High Court,documented\n",
    b"change,order,kind,said_by,source,stated_on\n12,,owner,owner,mail,2021-02-04T06:00:00Z\n",
)
NOTICES: Final = tuple(
    one.as_bytes()
    for one in (
        email(WITHHELD.format("@one")),
        email(WITHHELD.format("@one"), html=True),
        quoted(ASKED.format("a court") + WITHHELD.format("")),
        forwarded(email(BLUESKY.format(TAKEN_DOWN), "moderation@bsky.app")),
    )
)
NESTED: Final = b"Content-Type: message/rfc822\n\n" * 20_000
"""Emails in emails."""


def read_names(data: bytes) -> object:
    return said_names(_text(data), _FILE, None)


def read_pasted(data: bytes) -> object:
    return check_lines(_text(data), _FILE, None)


def read_order_text(data: bytes) -> object:
    return check_lines_of(_text(data), _FILE, None)


def read_post(data: bytes) -> object:
    return words_of_html(_text(data))


def read_one_address(data: bytes) -> object:
    return read_address(data.decode("utf-8", "surrogateescape"))


def in_file(
    read: Callable[[Path], object], name: str = "input"
) -> Callable[[], AbstractContextManager[Call]]:
    """A parser of a file of this name."""

    @contextmanager
    def opened() -> Generator[Call]:
        with TemporaryDirectory() as folder:
            path = Path(folder) / name

            def call(data: bytes) -> object:
                path.write_bytes(data)
                return read(path)

            yield call

    return opened


def read_settings(path: Path) -> object:
    """The file is also read as the one that a secret of the settings is in."""
    settings = load_settings(path, {})
    return settings, settings.rules


def read_secret_file(path: Path) -> object:
    return read_secret(path)


def read_history(data: bytes) -> object:
    return parse_history(_text(data).splitlines(keepends=True), _FILE)


def read_acts(data: bytes) -> object:
    return parse_acts(_text(data).splitlines(keepends=True), _FILE)


FILES: tuple[Target, ...] = (
    Target("import.accounts", ACCOUNTS, plain(lambda data: watch_rows(data, _FILE)), (TableError,)),
    Target("import.orders", (*ORDERS, *LUMEN), plain(read_orders), (TableError,)),
    Target("import.executives", EXECUTIVES, plain(lambda data: executive_rows(data, _FILE)), (TableError,)),
    Target("import.names", NAMES, plain(read_names), (TableError,)),
    Target("import.pasted", (*NAMES, *ACCOUNTS, MANY_WORDS, MANY_NAMES), plain(read_pasted), (TableError,)),
    Target("import.order-text", (*NAMES, ORDER_TEXT, *LONG_LINES), plain(read_order_text), (TableError,)),
    Target("engagement.words", (POST, b"<br " * 60_000, MANY_MARKS), plain(read_post)),
    Target("import.addresses", ADDRESSES, plain(read_one_address), (AddressError,)),
    Target("import.records", (*HISTORIES, *CRAWL, *FIGURES), plain(read_records), (TableError,)),
    Target("import.engagement", ENGAGEMENT, plain(read_engagement_file), (TableError,)),
    Target("import.demands", DEMANDS, plain(read_demands), (TableError,)),
    Target(
        "import.gzip",
        tuple(gzip.compress(one, mtime=0) for one in (*ACCOUNTS, *CRAWL)),
        in_file(table_content, "table.csv.gz"),
        (TableError, CommandError),
    ),
    Target(
        "import.rules", (*RULES, MANY_WRONG_RULES), plain(lambda data: read_rules(data, _FILE)), (TableError,)
    ),
    Target("setup.file", SETUPS, plain(lambda data: read_setup(data, _FILE, NOW)), (TableError,)),
    Target("settings.file", (*SETTINGS, LONG_KEY), in_file(read_settings), (CommandError,)),
    Target("settings.secret", (b"secret\n", b"two\nlines"), in_file(read_secret_file), (ValueError,)),
    Target("import.causes", CAUSES, plain(lambda data: cause_rows(data, _FILE, NOW)), (TableError,)),
    Target("causes.notice", (*NOTICES, NESTED), plain(read_notice), (NoticeError,)),
    Target("simulator.history", HISTORIES[:1], plain(read_history), (HistoryError,)),
    Target("simulator.acts", ACTS_FILE, plain(read_acts), (HistoryError,)),
)
