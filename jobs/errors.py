"""Errors of the command line, kept apart so that a command need not load what it does not use."""

from typing import cast


def first_error(error: BaseException) -> BaseException:
    """The first exception that is not a group: what a user has to hear of."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error


class PortTaken(Exception):
    """The dashboard cannot listen there. The message is one sentence that names the setting."""
