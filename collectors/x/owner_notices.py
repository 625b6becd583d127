"""Pure: what X writes to the owner of an account when it withholds something, or when somebody asks it to.

Known wordings, each with where it can be read:

- Something was withheld: "In order to comply with Twitter's obligations under India's local laws, we have
  withheld the following account in India under the country's Information Technology Act, 2000; the content
  remains available elsewhere" (nationalheraldindia.com, 27 June 2022).
- Somebody asked: "Twitter has received a request from Indian law enforcement regarding your Twitter account,
  @HANDLE, that claims the following content violates the law(s) of India" (newsanalysisindia.com,
  4 June 2021, of a cartoonist; thehindu.com, 20 February 2020, of an activist to whom nothing was done).

That the same sentences name X since 2023 is recalled, and not documented.
"""

import re

from storage.model.platforms.declaration import OwnerNotice

SENDERS = frozenset({"twitter.com", "x.com"})

_WITHHELD = re.compile(
    r"obligations under (?P<of>[^.]{2,60}?)['’]s local laws, we have withheld (?:this|the following) "
    r"(?:account|content|post|tweet)s? in (?P<country>[^.]{2,60}?)"
    r"(?: under the country['’]s (?P<law>[^.;:]{2,120}?))?[;:.]"
)
_ASKED = re.compile(
    r"has received (?:a request|a legal demand|official correspondence) from (?P<who>.{2,160}?) "
    r"regarding your (?:Twitter|X) account, @(?P<handle>[A-Za-z0-9_]{1,50})"
    r"(?:,? that claims the following content violates the law\(s\) of (?P<country>[^.:]{2,60}))?"
)
_POST = re.compile(
    r"https?://(?:mobile\.)?(?:x|twitter)\.com/(?!i/)(?P<handle>[A-Za-z0-9_]{1,50})/status/(?P<post>\d{1,19})"
)
_HANDLE = re.compile(r"(?<![\w@])@([A-Za-z0-9_]{1,50})\b")


def owner_notice(text: str) -> OwnerNotice | None:
    """Return the notice in the text of an email; None if there is none, or if it names no account. Where
    something was withheld, also if it names several accounts: the notice does not say which of them is meant.
    """
    withheld, asked = _WITHHELD.search(text), _ASKED.search(text)
    if withheld is None and asked is None:
        return None
    posts = list(_POST.finditer(text))
    handles = [asked["handle"]] if asked is not None else [m["handle"] for m in posts]
    handles += _HANDLE.findall(text)
    if not handles:
        return None
    named = {handle.lower() for handle in (*handles, *(m["handle"] for m in posts))}
    if withheld is not None and len(named) > 1:
        return None
    return OwnerNotice(
        handle=handles[0],
        posts=tuple(dict.fromkeys(f"{m['handle']}/{m['post']}" for m in posts)),
        was_done=withheld is not None,
        law="" if withheld is None else withheld["law"] or "",
        country=(withheld or asked or {"country": ""})["country"] or "",
        requested_by="" if asked is None else asked["who"],
    )
