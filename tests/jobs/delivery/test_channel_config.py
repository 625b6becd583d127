"""Channels of the settings, and which sender a mail goes to."""

from collections.abc import Callable, Mapping

import pytest
from pydantic import SecretStr

from jobs.delivery.channel_address import PAGERDUTY_URL
from jobs.delivery.channel_config import (
    Channels,
    channels_of,
    events_address,
    integration_keys,
    service_addresses,
    webhook_secrets,
    webhook_urls,
)
from jobs.delivery.channel_router import channel_router
from jobs.delivery.local_inbox import Inbox
from jobs.delivery.sender import DeliveryFault, Undeliverable
from tests.support.samples.readings import minutes
from tests.support.servers.mail import SECRET, a_mail, an_alert_for, receiving, says, serving


def table(**entries: str) -> dict[str, SecretStr]:
    return {name.replace("_", "-"): SecretStr(value) for name, value in entries.items()}


@pytest.mark.parametrize(
    ("check", "value", "clause"),
    [
        pytest.param(
            service_addresses,
            table(desk="hush://desk"),
            "Apprise does not support the address of 'desk'. Use one such as slack://…, tgram://… or workflows://….",
            id="a scheme that nobody knows",
        ),
        pytest.param(
            service_addresses,
            table(desk="slack://hush"),
            "Apprise does not support the address of 'desk'. Use one such as slack://…, tgram://… or workflows://….",
            id="half an address",
        ),
        *(
            pytest.param(
                integration_keys,
                table(duty=key),
                "entry 1 is not an integration key of PagerDuty: 32 letters and digits. PagerDuty shows "
                "the key of a service under Integrations, Events API V2.",
                id=why,
            )
            for key, why in (
                ("hush", "a short key"),
                ("hush" * 9, "a long key"),
                ("hush/" * 6 + "hu", "signs"),
            )
        ),
        pytest.param(
            webhook_urls,
            table(desk="http://desk.example/hush"),
            "the address of 'desk' begins with http, so alerts would be sent unencrypted.",
            id="http to another machine",
        ),
        *(
            pytest.param(
                webhook_urls,
                table(desk=url),
                "the address of 'desk' is not one such as https://desk.example/alerts.",
                id=why,
            )
            for url, why in (
                ("desk.example/hush", "no scheme"),
                ("ftp://desk.example/hush", "another scheme"),
                ("https:///hush", "no host"),
                ("https://desk.example:0/hush", "a port that is none"),
                ("https://desk.example:hush/", "a port of letters"),
                ("https://me:hush@desk.example/", "user and password, which a signature makes needless"),
                ("https://desk.example/#hush", "a fragment, which is never sent"),
                ("https://desk.example/hush hush", "a space"),
                ("https://desk.example/hush\r\nX: y", "a line end"),
                ("https://dösk.example/hush", "letters that are not ASCII"),
            )
        ),
        pytest.param(
            webhook_secrets,
            table(desk="hush-0123456789"),
            "a secret of entry 1 is shorter than 16 characters.",
            id="a short secret",
        ),
        *(
            pytest.param(
                webhook_secrets,
                table(desk=f"whsec_{key}"),
                "a secret of entry 1 begins with whsec_, and what follows is not a key in Base64. Make one, "
                'for example with: echo "whsec_$(openssl rand -base64 32)"',
                id=why,
            )
            for key, why in (
                ("hush?0123456789abcdefghij", "a key that is not Base64"),
                ("A" * 45, "a key that lacks characters"),
                ("aHVzaA==" + "=" * 8, "a key of four bytes"),
            )
        ),
        pytest.param(
            webhook_secrets,
            table(desk="0123456789abcdef,hush"),
            "a secret of entry 1 is shorter than 16 characters.",
            id="a short one beside a long one",
        ),
        pytest.param(
            webhook_secrets,
            table(desk=","),
            "a secret of entry 1 is shorter than 16 characters.",
            id="no secret",
        ),
        *(
            pytest.param(
                check,
                {name: SecretStr(right)},
                "the name of entry 1 must be 1 to 32 lowercase letters, digits and hyphens.",
                id=f"a name that is none, {check.__name__}",
            )
            for check, name, right in (
                (service_addresses, "Hush", "json://127.0.0.1"),
                (webhook_urls, "hush:hush", "https://desk.example"),
                (webhook_secrets, "hush" * 9, SECRET),
            )
        ),
    ],
)
def test_what_is_wrong_gets_a_clause_that_quotes_no_secret(
    check: Callable[[Mapping[str, SecretStr]], object], value: Mapping[str, SecretStr], clause: str
) -> None:
    with pytest.raises(ValueError) as refused:
        check(value)
    assert str(refused.value) == clause
    assert "hush" not in clause


@pytest.mark.parametrize(
    ("value", "is_right"),
    [
        ("https://events.eu.pagerduty.com/v2/enqueue", True),
        ("http://127.0.0.1:9/v2/enqueue", True),
        ("http://events.pagerduty.com/v2/enqueue", False),
        ("events.pagerduty.com", False),
    ],
)
def test_events_with_their_key_go_out_encrypted(value: str, is_right: bool) -> None:
    if is_right:
        assert events_address(value) == value
    else:
        with pytest.raises(ValueError, match=f"is not an address such as {PAGERDUTY_URL}"):
            events_address(value)


@pytest.mark.parametrize(
    ("webhooks", "secrets", "clause"),
    [
        (table(desk="https://desk.example"), {}, "webhook 'desk' has no secret in webhook_secrets."),
        ({}, table(desk=SECRET), "webhook_secrets names 'desk', which is not in webhooks."),
    ],
    ids=["no secret", "no webhook"],
)
def test_a_webhook_and_its_secret_come_together(
    webhooks: Mapping[str, SecretStr], secrets: Mapping[str, SecretStr], clause: str
) -> None:
    with pytest.raises(ValueError) as refused:
        channels_of({}, webhooks, secrets)
    assert str(refused.value) == clause


async def test_each_mail_goes_where_its_recipient_says() -> None:
    inbox = Inbox()
    async with (
        serving(inbox) as smtp,
        receiving(says(200)) as chat,
        receiving(says(200)) as hook,
        receiving(says(202)) as pager,
    ):
        channels = channels_of(
            table(desk=f"json://127.0.0.1:{chat.port}/"),
            table(desk=hook.url),
            table(desk=SECRET),
            table(desk="k" * 32),
            pager.url,
        )
        sending = channel_router(smtp, channels, lambda: minutes(0), "https://desk.example")
        for recipient in ("desk@example.org", "apprise:desk", "webhook:desk", "pagerduty:desk"):
            await sending.send(an_alert_for(recipient))
        several = a_mail(2, "a@example.org", "b@example.org")
        await sending.send(several)
        await sending.close()
    assert [m.recipients for m in inbox.mails()] == [several.recipients, ("desk@example.org",)]
    assert (len(chat.requests), len(hook.requests), len(pager.requests)) == (1, 1, 1)


@pytest.mark.parametrize(
    "recipient", ["webhook:gone", "apprise:gone", "webhook:", "pigeon:desk", "apprise:DESK"]
)
async def test_a_recipient_that_the_settings_do_not_name_waits(recipient: str) -> None:
    with pytest.raises(Undeliverable) as refused:
        await channel_router(None, Channels(), lambda: minutes(0), "https://desk.example").send(
            an_alert_for(recipient)
        )
    assert str(refused.value).startswith(f"{recipient} names no channel in the settings")
    assert (refused.value.permanent, refused.value.fault) == (False, DeliveryFault.SETTINGS)


@pytest.mark.parametrize("raw", [b"", b"no headers at all", b"Date: yesterday\r\nSubject: \xff\r\n\r\n\xff"])
def test_an_inbox_keeps_even_what_is_not_a_mail(raw: bytes) -> None:
    inbox = Inbox()
    inbox.receive(raw)
    assert [m.raw for m in inbox.mails()] == [raw]
