"""A platform's notice that an owner forwards: what it says, and that other emails are told from it."""

from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.model.causes.causes import CauseKind
from storage.model.causes.platform_notices import LARGEST, NoticeError, PlatformNotice, read_notice
from storage.model.core.accounts import Platform
from storage.model.core.availability import State, Status

SENT = datetime(2022, 6, 26, 12, 30, tzinfo=UTC)
WITHHELD = (
    "Hello @ada_lovelace,\n\nIn order to comply with Twitter’s obligations under India's local laws, we "
    "have\nwithheld the following account in India under the country's Information Technology Act, 2000; the "
    "content remains available elsewhere:\n\n{}\n"
)
ASKED = (
    "In the interest of transparency, we are writing to inform you that X has received a request from {} "
    "regarding your X account, @ada_lovelace, that claims the following content violates the law(s) of "
    "India: https://x.com/ada_lovelace/status/1234 https://twitter.com/ada_lovelace/status/77\n"
)
NOTHING_DONE = "We have not taken any action on the reported content at this time.\n"
BLUESKY = (
    "A Bluesky account you control (ada.example) was reviewed by Bluesky content moderators and was found to "
    "include misleading content, which is in violation of our Community Guidelines. {}\n"
)
TAKEN_DOWN = "As a result of this violation, we have taken down your account."
BLUESKY_LAW = (
    "We have received a formal request from a legal authority in Turkey regarding the removal of your "
    "account associated with the following handle (@ada.example) on Bluesky. The legal authority has claimed "
    "that this content violates local laws in Turkey.\n"
)
RESTRICTED = "In compliance with these provisions, we have restricted access to your account for users.\n"
ADA = PlatformNotice(
    platform=Platform("x"),
    handle="ada_lovelace",
    posts=(),
    kind=CauseKind.GOVERNMENT_ORDER,
    legal_basis="Information Technology Act, 2000",
    country="IN",
    requested_by="",
    sent_at=SENT,
    is_quoted=False,
)


def email(text: str, sender: str = "X <notify@x.com>", html: bool = False) -> EmailMessage:
    one = EmailMessage()
    one["From"], one["To"], one["Subject"] = sender, "ada@example.org", "X Receipt of Correspondence"
    one["Date"] = "Sun, 26 Jun 2022 18:00:00 +0530"
    one.set_content(f"<style>p {{}}</style><p>{text}</p>", subtype="html") if html else one.set_content(text)
    return one


def forwarded(notice: EmailMessage) -> EmailMessage:
    """As an attachment, which keeps its headers."""
    outer = email("Look what they sent me.", "ada@example.org")
    outer.replace_header("Date", "Mon, 27 Jun 2022 09:00:00 +0000")
    outer.add_attachment(notice)
    return outer


def quoted(notice: str) -> EmailMessage:
    lines = "".join(f"> {line}\n" for line in notice.splitlines())
    return email(f"See below.\n\n{lines}", "Ada <ada@example.org>")


@pytest.mark.parametrize(
    ("message", "found"),
    [
        pytest.param(email(WITHHELD.format("@ada_lovelace")), ADA, id="an account that was withheld"),
        pytest.param(email(WITHHELD.format("@ada_lovelace"), html=True), ADA, id="the same as HTML"),
        pytest.param(forwarded(email(WITHHELD.format(""))), ADA, id="forwarded as an attachment"),
        pytest.param(quoted(WITHHELD.format("")), replace(ADA, is_quoted=True), id="quoted by its owner"),
        pytest.param(
            email(WITHHELD.format("https://twitter.com/ada_lovelace/status/99")),
            replace(ADA, posts=("ada_lovelace/99",)),
            id="a post that was withheld",
        ),
        pytest.param(
            email(ASKED.format("Indian law enforcement") + NOTHING_DONE),
            replace(
                ADA,
                posts=("ada_lovelace/1234", "ada_lovelace/77"),
                kind=None,
                legal_basis="",
                requested_by="Indian law enforcement",
            ),
            id="somebody asked, which is no cause",
        ),
        pytest.param(
            email(ASKED.format("the High Court of Delhi") + WITHHELD.format("")),
            replace(
                ADA,
                posts=("ada_lovelace/1234", "ada_lovelace/77"),
                kind=CauseKind.COURT_RULING,
                requested_by="the High Court of Delhi",
            ),
            id="a court asked, and it was withheld",
        ),
        pytest.param(
            email(BLUESKY.format(TAKEN_DOWN), "moderation@bsky.app"),
            replace(
                ADA,
                platform=Platform("bluesky"),
                handle="ada.example",
                kind=CauseKind.PLATFORM_TERMS,
                legal_basis="",
                country=None,
            ),
            id="Bluesky's terms",
        ),
        pytest.param(
            email(BLUESKY_LAW + RESTRICTED, "moderation@bsky.app"),
            replace(
                ADA,
                platform=Platform("bluesky"),
                handle="ada.example",
                legal_basis="",
                country="TR",
                requested_by="a legal authority in Turkey",
            ),
            id="withheld by Bluesky because an authority asked",
        ),
        pytest.param(
            email(BLUESKY_LAW, "moderation@bsky.app"),
            replace(
                ADA,
                platform=Platform("bluesky"),
                handle="ada.example",
                kind=None,
                legal_basis="",
                country="TR",
                requested_by="a legal authority in Turkey",
            ),
            id="an authority asked Bluesky, which is no cause",
        ),
    ],
)
def test_a_notice_says_what_was_done_to_whom_and_by_what_law(
    message: EmailMessage, found: PlatformNotice
) -> None:
    assert read_notice(message.as_bytes()) == found


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"", "no notice", id="nothing"),
        pytest.param(email("Your weekly digest").as_bytes(), "no notice", id="another email of X"),
        pytest.param(WITHHELD.format("").encode(), "no notice|no date", id="a text without its headers"),
        pytest.param(b"x" * (LARGEST + 1), "the limit is 2,000,000", id="too large"),
        pytest.param(
            email(WITHHELD.replace("Hello @ada_lovelace", "Hello").format("")).as_bytes(),
            "no notice",
            id="to nobody",
        ),
        pytest.param(
            email(BLUESKY.format("As a result, we have taken down your post.")).as_bytes(),
            "no notice",
            id="about a post that it does not name",
        ),
        pytest.param(
            email(BLUESKY_LAW + RESTRICTED.replace("account", "post")).as_bytes(),
            "no notice",
            id="about a post that was restricted",
        ),
        pytest.param(
            email(BLUESKY.format("As a result, we’ve applied a label on your account.")).as_bytes(),
            "no notice",
            id="about a label, which blocks nobody",
        ),
        pytest.param(
            email("@bo sent me this.\n\n" + WITHHELD.format("")).as_bytes(), "no notice", id="to one of two"
        ),
        pytest.param(
            email("Like https://x.com/bo/status/1 before.\n\n" + WITHHELD.format("")).as_bytes(),
            "no notice",
            id="beside the post of somebody else",
        ),
        pytest.param(
            email(ASKED.format("the police") + WITHHELD.replace("ada_lovelace", "bo").format("")).as_bytes(),
            "no notice",
            id="two notices to two accounts",
        ),
        pytest.param(b"\n" * 100_001, "more than 100,000 lines", id="more lines than anybody sends"),
        pytest.param(
            b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 51,
            "more than 50 parts",
            id="more parts than anybody sends",
        ),
        pytest.param(
            email(WITHHELD.format(""))
            .as_bytes()
            .replace(b"Sun, 26 Jun 2022 18:00:00 +0530", b"Fri, 31 Dec 9999 23:59:59 -2300"),
            "no date",
            id="after the last year",
        ),
        # Each of these took minutes, or gigabytes.
        pytest.param(
            b"Content-Type: text/plain" + b";a=b" * 400_000 + b"\n\n", "no notice", id="a header without end"
        ),
        pytest.param(
            b'Content-Type: text/plain; a="' + b"\n ;" * 90_000 + b"\n\n",
            "no notice",
            id="a folded header without end",
        ),
        pytest.param(
            b"Content-Type: message/rfc822\n\n" * 8 + b"Content-Type: text/html\n\n" + b"<" * 1_900_000,
            "no notice",
            id="markup without end",
        ),
        pytest.param(
            b"Content-Type: text/plain; charset=punycode\n\n" + b"a" * 1_900_000,
            "no notice",
            id="in the letters of a domain",
        ),
    ],
)
def test_what_is_no_notice_is_refused_in_one_sentence(content: bytes, why: str) -> None:
    with pytest.raises(NoticeError, match=why):
        read_notice(content)


@given(st.binary(max_size=400), st.integers(0, 600))
def test_an_email_of_any_bytes_is_a_notice_or_refused(noise: bytes, at: int) -> None:
    content = email(WITHHELD.format("")).as_bytes()
    for tried in (noise, content[:at] + noise + content[at:]):
        said = ""
        try:
            read_notice(tried)
        except NoticeError as refused:
            said = str(refused)
        assert said[-1:] in {"", "."}


def withheld(*countries: str) -> State:
    return State(Status.WITHHELD, countries)
