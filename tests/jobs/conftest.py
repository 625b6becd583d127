"""Simulators of several platforms, started once per module that asks for them."""

from collections.abc import Generator, Mapping

import pytest

from tests.support.simulated.several_platforms import HISTORY, simulated


@pytest.fixture(scope="module")
def platforms(tmp_path_factory: pytest.TempPathFactory) -> Generator[Mapping[str, str]]:
    """The addresses by platform. The simulators serve HISTORY."""
    history = tmp_path_factory.mktemp("platforms") / "history.csv"
    history.write_text(HISTORY)
    with simulated(history) as addresses:
        yield addresses
