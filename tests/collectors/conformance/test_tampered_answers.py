"""Answers that are not as they were: what was left out, doubled, mixed up, cut or added becomes no status."""

import random
from collections.abc import Callable
from copy import deepcopy

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from collectors.core.wire import is_object
from collectors.simulator.platform_simulator import simulator_of
from storage.model.core.accounts import Platform
from storage.model.core.availability import Status
from tests.collectors.conformance.stage import (
    STATES,
    Answered,
    Json,
    Spoil,
    lists_of_objects,
    objects_of,
    staged,
)
from tests.support.samples.readings import T0

ROUNDS = 12
_NAMING = {"id", "did", "uri", "acct", "value", "resource_id"}
"""Fields that say whom something is about."""


@pytest.mark.parametrize("platform", Platform)
async def test_each_status_is_read_as_the_platform_shows_it(platform: Platform) -> None:
    async with staged(platform) as stage:
        answer = await stage.read_truly(T0)
        assert answer.missed == ()
        observable = simulator_of(platform).observable
        assert {r.state.status for r in answer.readings} == {observable(state).status for state in STATES}


@pytest.mark.parametrize("platform", Platform)
async def test_the_order_of_an_answer_means_nothing(platform: Platform) -> None:
    dice = random.Random(1)

    def shuffle(document: Json) -> None:
        for items in lists_of_objects(document):
            dice.shuffle(items)

    async with staged(platform) as stage:
        stage.how = lambda answered: answered.edit(shuffle)
        for _ in range(ROUNDS):
            assert (await stage.read_truly(T0)).missed == ()


@pytest.mark.parametrize("platform", Platform)
async def test_what_an_answer_leaves_out_is_asked_for_or_missed(platform: Platform) -> None:
    dice = random.Random(2)

    def leave_out(document: Json) -> None:
        for items in lists_of_objects(document):
            if dice.random() < 0.5:
                items.pop(dice.randrange(len(items)))

    def of_many(answered: Answered) -> None:
        if answered.number == 0:  # a list in a later one is what is said of one account
            answered.edit(leave_out)

    await _read_spoilt(platform, of_many)


@pytest.mark.parametrize("platform", Platform)
async def test_what_an_answer_says_twice_in_the_same_words_is_one_reading(platform: Platform) -> None:
    dice = random.Random(3)

    def double(document: Json) -> None:
        for items in lists_of_objects(document):
            items.insert(dice.randrange(len(items)), deepcopy(dice.choice(items)))

    await _read_spoilt(platform, lambda answered: answered.edit(double))


@pytest.mark.parametrize("platform", Platform)
async def test_what_an_answer_says_of_others_is_not_heard(platform: Platform) -> None:
    async with staged(platform) as stage:
        everybody = stage.accounts
        stage.accounts, others = everybody[::2], everybody[1::2]
        of_others: list[Json] = []

        def keep(answered: Answered) -> None:
            of_others.extend(item for items in lists_of_objects(answered.document) for item in items)

        def mix_in(document: Json) -> None:
            for items in lists_of_objects(document):
                items += deepcopy(of_others)

        stage.how = keep
        await stage.collector.read([account.native_id for account in others], T0)
        stage.how = lambda answered: answered.edit(mix_in)
        await stage.read_truly(T0)


@pytest.mark.parametrize("platform", Platform)
async def test_an_answer_that_is_cut_is_missed(platform: Platform) -> None:
    dice = random.Random(4)

    def cut(answered: Answered) -> None:
        answered.body = answered.body[: dice.randrange(max(len(answered.body) - 1, 1))]

    async with staged(platform) as stage:
        stage.how = cut
        for _ in range(ROUNDS):
            assert (await stage.read(T0)).readings == ()


@pytest.mark.parametrize("platform", Platform)
async def test_fields_that_nobody_knows_change_nothing(platform: Platform) -> None:
    def add(document: Json) -> None:
        for item in list(objects_of(document)):
            item["blockline_unknown"] = {"status": "suspended", "of": [1, None]}

    async with staged(platform) as stage:
        stage.how = lambda answered: answered.edit(add)
        assert (await stage.read_truly(T0)).missed == ()


@pytest.mark.parametrize("platform", Platform)
@pytest.mark.parametrize("status", [400, 401, 402, 403, 406, 409, 418, 429, 451, 500, 502, 503, 504, 599])
async def test_a_refusal_in_words_that_nobody_knows_is_missed(platform: Platform, status: int) -> None:
    def refuse(answered: Answered) -> None:
        answered.status = status
        answered.hold({"error": "BlocklineUnknown", "message": "", "title": "BlocklineUnknown"})

    async with staged(platform) as stage:
        stage.how = refuse
        assert (await stage.read(T0)).readings == ()


@pytest.mark.parametrize("platform", Platform)
async def test_what_is_said_in_words_that_nobody_knows_is_no_other_status(
    platform: Platform,
) -> None:
    def reword(document: Json) -> None:
        items = [item for items in lists_of_objects(document) for item in items if is_object(item)]
        for item in (document, *items) if is_object(document) else items:
            for name, value in item.items():
                if isinstance(value, str) and name not in _NAMING:
                    item[name] = "BlocklineUnknown"

    await _read_spoilt(platform, lambda answered: answered.edit(reword))


def in_a_list(value: Json) -> Json:
    return [value]


def in_an_object(value: Json) -> Json:
    return {"is": value}


@pytest.mark.parametrize("platform", Platform)
@pytest.mark.parametrize("wrap", [in_a_list, in_an_object])
async def test_a_value_of_another_kind_is_no_other_status(
    platform: Platform, wrap: Callable[[Json], Json]
) -> None:
    dice = random.Random(5)

    def retype(document: Json) -> None:
        for item in list(objects_of(document)):
            for name in list(item):
                if name not in _NAMING and dice.random() < 0.2:
                    item[name] = wrap(item[name])

    await _read_spoilt(platform, lambda answered: answered.edit(retype))


@pytest.mark.parametrize("platform", Platform)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300), status=st.sampled_from([200, 206, 400, 404, 410, 500]))
async def test_whatever_bytes_come_nothing_is_raised_and_nothing_but_an_absence_is_read(
    platform: Platform, body: bytes, status: int
) -> None:
    def replace(answered: Answered) -> None:
        answered.body, answered.status = body, status

    async with staged(platform) as stage:
        stage.accounts = stage.accounts[:3]
        stage.how = replace
        # That a server knows nobody by that name may be said without a body that can be read.
        assert {r.state.status for r in (await stage.read(T0)).readings} <= {Status.NOT_FOUND}


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
_DOCUMENTS = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["data", "errors", "profiles", "id", "did", "uri", "error", "labels", "items"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("platform", Platform)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=_DOCUMENTS)
async def test_whatever_document_comes_nothing_is_raised_and_nothing_is_read(
    platform: Platform, document: Json
) -> None:
    async with staged(platform) as stage:
        stage.accounts = stage.accounts[:3]
        stage.how = lambda answered: answered.hold(document)
        assert (await stage.read(T0)).readings == ()


async def _read_spoilt(platform: Platform, spoil: Spoil) -> None:
    async with staged(platform) as stage:
        stage.how = spoil
        for _ in range(ROUNDS):
            await stage.read_truly(T0)
