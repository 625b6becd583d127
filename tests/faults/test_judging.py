"""What the judge of the fault runs finds in the emails."""

from typing import Any, cast

import pytest
from asyncpg import Record

from tests.faults.judging import in_two_emails, out_of_order

BLOCKED = {"alert_id": 1, "native_id": "1", "status": "suspended", "message_id": "<1>", "state": "sent"}
BACK = BLOCKED | {"alert_id": 2, "status": "available", "message_id": "<2>"}


def rows(*found: dict[str, Any]) -> list[Record]:
    """Records of asyncpg cannot be made; it reads only their keys."""
    return cast("list[Record]", list(found))


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        pytest.param({"<1>": 0, "<2>": 1}, 0, id="the last email is about the last change"),
        pytest.param({"<1>": 1, "<2>": 0}, 1, id="it is about an earlier one"),
        pytest.param({"<1>": 0}, 0, id="none came about the last one, which is lost and not late"),
    ],
)
def test_the_last_email_about_an_account_is_about_its_last_change(place: dict[str, int], wrong: int) -> None:
    assert len(out_of_order(rows(BLOCKED, BACK), place)) == wrong


def test_an_alert_in_two_emails_is_found() -> None:
    assert in_two_emails(rows(BLOCKED, BACK)) == []
    assert len(in_two_emails(rows(BLOCKED, BLOCKED | {"message_id": "<3>"}, BACK))) == 2
