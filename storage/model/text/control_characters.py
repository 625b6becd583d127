"""Text for a log or a terminal: no character in it moves the cursor, ends the line or hides the rest."""


def escaped(text: str) -> str:
    """`text` on one line: what is not printable is written as in Python, a line end as `\\n`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def escaped_lines(text: str) -> str:
    """`text` with its line ends and nothing else that is not printable."""
    return "\n".join(map(escaped, text.split("\n")))
