"""Errors of the command line, kept apart so that a command need not load what it does not use."""

import tempfile
import traceback
from typing import cast

from storage.model.text.control_characters import escaped_lines

STOPPED = "Stopped before anything was done."
"""What is said of an interrupt while a command is loaded."""


def first_error(error: BaseException) -> BaseException:
    """The first exception that is not a group: what a user has to hear of."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error


class CommandError(Exception):
    """A command cannot do what was asked. The message is what the user reads, a sentence a line."""


class PortTaken(CommandError):
    """The dashboard cannot listen there. The message is one sentence that names the setting."""


def unknown_error(error: BaseException) -> str:
    """A sentence about an error that nobody foresaw; its traceback goes to a file that the sentence names."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="blockline-error-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write(escaped_lines("".join(traceback.format_exception(error))))
    return (
        f"Blockline met an error that it does not know ({type(error).__name__}: {error}); "
        f"please report it with {file.name}."
    )
