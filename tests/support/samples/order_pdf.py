"""The text of the PDF of an invented order, as somebody copies it, and the history of its accounts."""

from random import Random

NAMED, POSTS = 257, 20
_SINCE = "2021-02-01T00:00:00Z"
_PER_PAGE = 38


def order_history() -> str:
    """Return the rows of the accounts, without a header."""
    rows = [f"x,{5_000 + n},{handle},{_SINCE},available,,L," for n, handle in enumerate(_of_x())]
    rows += [f"x,{6_000 + n},stopped_{n:03},{_SINCE},suspended,,L," for n in range(6)]
    rows += [f"x,{7_000 + n},poster_{n:03},{_SINCE},available,,L," for n in range(POSTS)]
    rows += [
        f"bluesky,did:plc:{f'farm{letter}':2<24},farmer{letter}.bsky.social,{_SINCE},available,,L,"
        for letter in "abcdefgh"
    ]
    return "".join(f"{row}\n" for row in rows)


def order_text() -> str:
    """Return 257 names between headings, page numbers, bullets and the head of the table on each page.

    Some names are cut, and of some of these it is unclear how they end.
    """
    lines = [
        "GOVERNMENT OF SOMEWHERE",
        "MINISTRY OF ELECTRONICS AND INFORMATION TECHNOLOGY",
        "",
        "No. 15(4)/2021-CLFS                      Dated: 31.01.2021",
        "Subject: Blocking of content for access by the public",
        "S. No.  URL",
    ]
    for number, (kind, name) in enumerate(_named(), 1):
        lines += _written(number, kind, name)
        if number % _PER_PAGE == 0:
            lines += ["", f"Page {number // _PER_PAGE} of 7", "\fSECRET", "S. No.  URL"]
    return "\n".join([*lines, "", "(Authorised officer)"])


def _of_x() -> list[str]:
    return [f"kisan_{('ekta', 'union', 'news', 'voice')[n % 4]}_{n:03}" for n in range(NAMED - 63)]


def _named() -> list[tuple[str, str]]:
    named = [
        *(("handle", name) for name in _of_x()),
        *(("handle", f"deleted_{n:03}") for n in range(22)),
        *(("handle", f"stopped_{n:03}") for n in range(6)),
        *(("domain", f"farmer{letter}.bsky.social") for letter in "abcdefgh"),
        *(
            ("as it is", f"https://twitter.com/poster_{n:03}/status/1355700000000{n:06}?s=20")
            for n in range(POSTS)
        ),
        *(("as it is", f"https://www.facebook.com/farm.group.{n}") for n in range(5)),
        ("as it is", "@alice@mastodon.example"),
        ("as it is", "#Genocide"),
    ]
    Random(7).shuffle(named)
    return named


def _written(number: int, kind: str, name: str) -> list[str]:
    marked = f"{number}. "
    match kind:
        case "as it is":
            return [f"{marked}{name}"]
        case "domain":
            return [f"{marked}https://bsky.app/profile/{name}" if number % 2 else f"{marked}@{name}"]
        case _ if number % 23 == 0:  # The line below goes on.
            return [f"{marked}https://twitter.com/", name]
        case _ if number % 31 == 0:  # Whether these do cannot be known.
            return [f"{marked}https://twitter.com/{name[:7]}-", name[7:]]
        case _ if number % 29 == 0:
            return [f"{marked}https://twitter.com/{name[:8]}", name[8:]]
        case _ if number % 11 == 0:
            return [f"• @{name}"]
        case _ if number % 7 == 0:
            return [f"({number}) {name}"]
        case _ if number % 5 == 0:
            return [f"{number}) https://mobile.twitter.com/{name}"]
        case _:
            return [f"{marked}@{name}" if number % 3 == 0 else f"{marked}https://twitter.com/{name}"]
