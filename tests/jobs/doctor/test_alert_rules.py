"""What the doctor says of alert rules, and of templates of an installation's own."""

from pathlib import Path

import pytest

from collectors.core.findings import Finding
from jobs.config.settings import load_settings
from jobs.doctor.alert_rules import rule_findings
from jobs.doctor.mail_templates import template_findings
from jobs.doctor.sample_mails import contents
from storage.alerts.rules import save_rule
from storage.model.alerts.rules import AlertRule, Match
from storage.postgres.audit_log import log
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import T0

NOBODY = (
    "No one receives alerts, because no enabled rule names a recipient. Set recipients, or write "
    "rules (docs/how-to/alerts.md)."
)
RECIPIENTS = {"BLOCKLINE_RECIPIENTS": "desk@example.org"}
SERVER = {"BLOCKLINE_SMTP_HOST": "mail.example.org"}
NEWSROOM = {"BLOCKLINE_CHANNELS": "newsroom=json://localhost/x"}


@pytest.mark.parametrize(
    ("by_hand", "enabled", "environment", "said"),
    [
        pytest.param([], True, {}, [("alert rules", "advice", NOBODY)], id="no rule"),
        pytest.param(
            [AlertRule(("night@example.org",), name="Night")],
            False,
            SERVER,
            [("alert rules", "advice", NOBODY)],
            id="a rule that is off",
        ),
        pytest.param([AlertRule((), name="A")], True, {}, [("alert rules", "advice", NOBODY)], id="nobody"),
        pytest.param(
            [AlertRule(("night@example.org", "desk@example.org"), name="Night")],
            True,
            RECIPIENTS | SERVER,
            [("alert rules", "ok", "2 rules notify 2 recipients.")],
            id="rules of both origins",
        ),
        pytest.param(
            [AlertRule(("night@example.org",), name="Night")],
            True,
            {},
            [
                ("alert rules", "ok", "1 rule notifies 1 recipient."),
                (
                    "mail",
                    "mend",
                    "Rule 'Night' sends email, but setting smtp_host is missing, so its emails wait.",
                ),
            ],
            id="no server for its mails",
        ),
        pytest.param(
            [AlertRule(("apprise:newsroom",), name="Chat")],
            True,
            NEWSROOM,
            [("alert rules", "ok", "1 rule notifies 1 recipient.")],
            id="a channel that there is",
        ),
        pytest.param(
            [AlertRule(("apprise:newsrom",), name="Chat")],
            True,
            NEWSROOM,
            [
                ("alert rules", "ok", "1 rule notifies 1 recipient."),
                (
                    "channels",
                    "mend",
                    "Rule 'Chat' names apprise:newsrom, which is in none of the settings channels, "
                    "webhooks and pagerduty.",
                ),
            ],
            id="a channel that there is not",
        ),
        pytest.param(
            [
                AlertRule(
                    ("night@example.org",),
                    name="Night",
                    match=Match(lists=frozenset({"Pres"}), orders=frozenset({"SYN/9"})),
                )
            ],
            True,
            SERVER,
            [
                ("alert rules", "ok", "1 rule notifies 1 recipient."),
                (
                    "alert rules",
                    "advice",
                    "Rule 'Night': there is no list 'Pres', so nothing matches it.",
                ),
                (
                    "alert rules",
                    "advice",
                    "Rule 'Night': there is no order 'SYN/9', so nothing matches it.",
                ),
            ],
            id="names that are not on file",
        ),
    ],
)
async def test_rules_of_the_database_and_of_the_settings_are_looked_at_together(
    pool: Pool,
    dsn: str,
    by_hand: list[AlertRule],
    enabled: bool,
    environment: dict[str, str],
    said: list[tuple[str, str, str]],
) -> None:
    async with transaction(pool) as conn:
        for rule in by_hand:
            await save_rule(conn, rule, "test", T0, enabled=enabled)
    found = await rule_findings(load_settings(environ=environment), dsn)
    assert [(f.part, f.verdict.value, f.said) for f in found] == said


async def test_who_was_never_told_though_others_were_is_named(pool: Pool, dsn: str) -> None:
    people = tuple(f"{name}@example.org" for name in "abcdefgh")
    settings = load_settings(environ={"BLOCKLINE_RECIPIENTS": ",".join(people), **SERVER})

    async def never() -> list[str]:
        return [f.said for f in await rule_findings(settings, dsn) if f.part == "recipients"]

    assert await never() == []
    async with transaction(pool) as conn:
        await conn.execute(
            """
            insert into mail (
                message_id, recipients, subject, text_body, html_body, created_at, state, sent_at
            ) values ('<1@x>', array['a@example.org'], '', '', '', $1, 'sent', $1)
            """,
            T0,
        )
        await log(conn, T0, "test", "test sent", "Test", {"to": "b@example.org"})
    assert await never() == [
        "No alert was ever sent to c@example.org, d@example.org, e@example.org, f@example.org, "
        "g@example.org and 1 more. Send a test with: blockline alerts test --last --to c@example.org --send"
    ]


def templates(folder: Path, **texts: str | bytes) -> list[Finding]:
    for name, text in texts.items():
        path = folder / name.replace("_", ".")
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return template_findings(load_settings(environ={"BLOCKLINE_MAIL_TEMPLATES": str(folder)}))


OURS = Path(__file__).parent.parent.parent.parent / "jobs" / "messages" / "templates"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        pytest.param(
            "mail_html",
            "\n{% if %}",
            "mail.html, line 2: Expected an expression, got 'end of statement block'.",
            id="not a template",
        ),
        pytest.param(
            "mail_txt", "a\nb\n{{ nope }}", "mail.txt, line 3: 'nope' is undefined.", id="a name we lack"
        ),
        pytest.param(
            "nudge_html",
            '{% extends "frame.html" %}\n{% block content %}{{ 1 + "a" }}{% endblock %}',
            "nudge.html, line 2: unsupported operand type(s) for +: 'int' and 'str'.",
            id="a sum that is none",
        ),
        pytest.param(
            "frame_html", "{{ nope }}", "frame.html, line 1: 'nope' is undefined.", id="the frame of all"
        ),
        pytest.param(
            "operator_txt", b"a\n\xff", "operator.txt, line 2: the file is not UTF-8 text.", id="not text"
        ),
        pytest.param(
            "mail_txt",
            "{% for s in sections %}{% if s.unlisted %}\n{{ s.nope }}{% endif %}{% endfor %}",
            "mail.txt, line 2: 'jobs.messages.wave_content.Section object' has no attribute 'nope'.",
            id="what only a large mail reaches",
        ),
        pytest.param(
            "mail_txt",
            "{% if not dashboard_url %}\n{{ nope }}{% endif %}",
            "mail.txt, line 2: 'nope' is undefined.",
            id="what only a bare mail reaches",
        ),
    ],
)
def test_a_template_that_fails_is_named_once_with_file_and_line(
    tmp_path: Path, name: str, text: str | bytes, said: str
) -> None:
    (found,) = templates(tmp_path, **{name: text})
    assert (found.verdict.value, found.said) == ("mend", f"{tmp_path}/{said}")


def test_a_file_that_replaces_nothing_is_advice(tmp_path: Path) -> None:
    advice, fine = templates(tmp_path, footer_txt="{% if x %}{% endif %}")
    assert (advice.verdict.value, fine.verdict.value) == ("advice", "ok")
    assert advice.said == (
        f"footer.txt in {tmp_path} is not the name of a built-in template. It is used only if another "
        "template names it."
    )


def test_a_folder_that_there_is_not_is_named_by_its_setting(tmp_path: Path) -> None:
    (found,) = templates(tmp_path / "none")
    assert found.verdict.value == "mend"
    assert found.said.startswith("Setting mail_templates: the folder ")


def test_every_template_of_mails_is_tried() -> None:
    tried = contents()
    parts = {"frame.html", "parts.html", "pack.html", "pack.txt"}
    """The frame and the parts are tried with each; packs of evidence are no mails."""
    assert {path.name for path in OURS.iterdir()} - parts == set(tried)
