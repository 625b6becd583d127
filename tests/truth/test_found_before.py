"""What was found by chance, as short as it could be made: each stays mended."""

from collections.abc import Callable

import pytest

from storage.model.core.availability import State, Status
from tests.support.samples.readings import AVAILABLE, SUSPENDED, WITHHELD_IN
from tests.truth.invented_truth import Fault
from tests.truth.test_whatever_happens import NAMES, Databases, WhateverHappens

DEACTIVATED = State(Status.DEACTIVATED)
EVERYBODY = set(NAMES)
OK = Fault.NOTHING


def the_last_answer_is_the_one_that_was_asked_first(it: WhateverHappens) -> None:
    it.another_labeler_is_heard()
    it.accounts_are_asked_for(whom=EVERYBODY)
    it.an_account_changes_and_is_read(who="1", state=AVAILABLE, seconds=1)
    it.another_labeler_is_heard()
    it.accounts_are_read(whom={"1"}, seconds=1, part=0.0, fault=Fault.SILENT_ON_BRAZIL)


def an_account_comes_back_to_the_watch_as_it_was_sighted(it: WhateverHappens) -> None:
    it.an_account_changes(who="2", state=DEACTIVATED)
    it.accounts_are_asked_for(whom=EVERYBODY)
    it.an_answer_comes(which=0, seconds=1, part=0.0, fault=OK)
    it.an_account_leaves_the_watch_or_comes_back(who="2")
    it.an_account_leaves_the_watch_or_comes_back(who="1")
    it.an_account_changes_and_is_read(who="2", state=AVAILABLE, seconds=61)
    it.an_account_changes(who="2", state=State(Status.WITHHELD, ("BR", "IN")))
    it.an_account_leaves_the_watch_or_comes_back(who="2")


def a_suspension_is_seen_before_and_after_a_break_of_the_watch(it: WhateverHappens) -> None:
    it.an_account_changes_and_is_read(who="1", state=SUSPENDED, seconds=1)
    it.an_account_leaves_the_watch_or_comes_back(who="1")
    it.an_account_leaves_the_watch_or_comes_back(who="1")
    it.an_account_changes_and_is_read(who="1", state=SUSPENDED, seconds=1)


def an_account_leaves_when_it_was_just_sighted(it: WhateverHappens) -> None:
    it.accounts_are_asked_for(whom=EVERYBODY)
    it.an_answer_comes(which=0, seconds=0, part=0.0, fault=OK)
    it.accounts_are_read(whom={"2"}, seconds=20_000, part=0.0, fault=OK)
    it.accounts_are_read(whom=EVERYBODY, seconds=20_000, part=0.0, fault=OK)
    it.an_account_changes_and_is_read(who="3", state=DEACTIVATED, seconds=61)
    it.an_account_is_taken_off_a_list(who="1", name="Desk")
    it.an_account_leaves_the_watch_or_comes_back(who="3")


def one_country_after_another_behind_a_suspension(it: WhateverHappens) -> None:
    it.accounts_are_read(whom=EVERYBODY, seconds=1, part=0.0, fault=OK)
    it.an_account_changes_and_is_read(who="2", state=SUSPENDED, seconds=1)
    it.accounts_are_read(whom=EVERYBODY, seconds=20_000, part=0.0, fault=OK)
    it.accounts_are_read(whom=EVERYBODY, seconds=1, part=0.0, fault=OK)
    it.an_account_changes_and_is_read(who="2", state=WITHHELD_IN, seconds=1)
    it.an_account_changes_and_is_read(who="1", state=AVAILABLE, seconds=1)
    it.an_account_changes_and_is_read(who="2", state=State(Status.WITHHELD, ("BR",)), seconds=900)


def an_answer_is_out_of_date_when_an_account_is_suspended(it: WhateverHappens) -> None:
    it.accounts_are_read(whom={"1"}, seconds=1, part=0.0, fault=Fault.OUT_OF_DATE)
    it.an_account_changes_and_is_read(who="2", state=WITHHELD_IN, seconds=1)
    it.accounts_are_read(whom={"2", "1"}, seconds=1, part=0.3, fault=Fault.OUT_OF_DATE)
    it.accounts_are_asked_for(whom={"2", "3"})
    it.an_account_changes_and_is_read(who="2", state=SUSPENDED, seconds=61)
    it.an_account_leaves_the_watch_or_comes_back(who="2")
    it.accounts_are_read(whom={"1", "3"}, seconds=1, part=0.0, fault=OK)
    it.an_account_leaves_the_watch_or_comes_back(who="2")
    it.accounts_are_read_until_it_is_certain(whom={"2"}, seconds=900)


def an_answer_from_before_a_break_of_the_watch_is_taken_over_after_it(it: WhateverHappens) -> None:
    it.accounts_are_asked_for(whom=EVERYBODY)
    it.accounts_are_read(whom={"1", "2"}, seconds=1, part=0.0, fault=OK)
    it.an_account_changes_and_is_read(who="2", state=State(Status.WITHHELD, ("BR", "IN")), seconds=1)
    it.another_process_takes_over(part=0.0)
    it.another_labeler_is_heard()
    it.accounts_are_asked_for(whom=EVERYBODY)
    it.accounts_are_read(whom={"1"}, seconds=1, part=0.0, fault=OK)
    it.another_labeler_is_heard()
    it.accounts_are_asked_for(whom=EVERYBODY)
    it.another_process_takes_over(part=0.0)
    it.an_account_leaves_the_watch_or_comes_back(who="2")
    it.time_passes(seconds=1900)
    it.an_account_leaves_the_watch_or_comes_back(who="2")


def a_labeler_is_added_by_a_clock_that_was_set_back(it: WhateverHappens) -> None:
    it.an_account_changes(who="1", state=State(Status.WITHHELD, ("BR",)))
    it.accounts_are_read_until_it_is_certain(whom=EVERYBODY, seconds=61)
    it.another_process_takes_over_by_a_clock_that_is_behind(seconds=1)
    it.another_labeler_is_heard()


def an_answer_that_was_overtaken_is_followed_by_another_one_that_overlaps(it: WhateverHappens) -> None:
    it.accounts_are_read_until_it_is_certain(whom=EVERYBODY, seconds=3700)
    it.accounts_are_asked_for(whom=EVERYBODY)
    it.accounts_are_asked_for(whom=EVERYBODY)
    it.accounts_are_asked_for(whom={"2"})
    it.an_account_changes_and_is_read(who="2", state=State(Status.WITHHELD, ("BR", "IN")), seconds=1)
    it.accounts_are_read_until_it_is_certain(whom={"2"}, seconds=61)
    it.an_answer_comes(which=0, seconds=0, part=1.0, fault=OK)
    it.an_answer_comes(which=0, seconds=20, part=0.7, fault=Fault.OUT_OF_DATE)
    it.an_answer_comes(which=0, seconds=20, part=0.7, fault=OK)


def two_answers_are_on_their_way_when_an_account_leaves(it: WhateverHappens) -> None:
    it.accounts_are_asked_for(whom=EVERYBODY)
    it.an_account_changes(who="3", state=WITHHELD_IN)
    it.accounts_are_asked_for(whom=EVERYBODY)
    it.accounts_are_read(whom=EVERYBODY, seconds=20_000, part=1.0, fault=OK)
    it.an_account_leaves_the_watch_or_comes_back(who="3")


def a_request_from_before_the_first_reading_is_answered_last(it: WhateverHappens) -> None:
    it.accounts_are_asked_for(whom={"2"})
    it.an_account_changes_and_is_read(who="2", state=SUSPENDED, seconds=1)
    it.accounts_are_read(whom={"2"}, seconds=3700, part=0.0, fault=OK)
    it.another_process_takes_over(part=0.0)


@pytest.mark.parametrize(
    "story",
    [
        the_last_answer_is_the_one_that_was_asked_first,
        an_account_comes_back_to_the_watch_as_it_was_sighted,
        a_suspension_is_seen_before_and_after_a_break_of_the_watch,
        an_account_leaves_when_it_was_just_sighted,
        one_country_after_another_behind_a_suspension,
        an_answer_is_out_of_date_when_an_account_is_suspended,
        an_answer_from_before_a_break_of_the_watch_is_taken_over_after_it,
        a_labeler_is_added_by_a_clock_that_was_set_back,
        an_answer_that_was_overtaken_is_followed_by_another_one_that_overlaps,
        two_answers_are_on_their_way_when_an_account_leaves,
        a_request_from_before_the_first_reading_is_answered_last,
    ],
)
def test_what_was_found_stays_mended(
    fresh_database: Databases, story: Callable[[WhateverHappens], None]
) -> None:
    it = WhateverHappens(fresh_database)
    try:
        it.begin()
        story(it)
    finally:
        it.teardown()
