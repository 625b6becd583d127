"""Looking into groups of exceptions."""

from typing import cast


def first_error(error: BaseException) -> BaseException:
    """The first exception that is not a group: what a user has to hear of."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error
