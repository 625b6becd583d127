"""Posts by their stable ids and handles, which are told apart from those of accounts."""

import pytest

from storage.model.core.accounts import Platform
from storage.model.platforms.registry import DECLARED


@pytest.mark.parametrize("platform", Platform)
def test_the_declared_example_of_a_post_is_the_id_of_a_post_and_that_of_an_account_is_not(
    platform: Platform,
) -> None:
    declared = DECLARED[platform]
    assert declared.is_post(declared.post_id_example)
    assert declared.is_native_id(declared.post_id_example)
    assert declared.profile_address(declared.post_id_example, "") != declared.profile_address(
        declared.id_example, declared.handle_example
    )
    assert not declared.is_post(declared.id_example)
    assert declared.statuses_of(declared.post_id_example) == declared.post_statuses
    assert declared.statuses_of(declared.id_example) == declared.statuses
