"""Pure: how many accounts and how many posts, and the words for both. They are never added up in silence."""

from collections.abc import Iterable
from dataclasses import dataclass

from storage.model.alerts.alerts import AlertChange
from storage.model.text.units import number


@dataclass(frozen=True, slots=True)
class TargetCount:
    """So many accounts and so many posts. Where there is no post, the words are those of accounts alone."""

    accounts: int = 0
    posts: int = 0

    def __add__(self, other: "TargetCount") -> "TargetCount":
        return TargetCount(self.accounts + other.accounts, self.posts + other.posts)

    def __bool__(self) -> bool:
        return bool(self.total)

    @property
    def total(self) -> int:
        """For ranks and room, and to tell one from several."""
        return self.accounts + self.posts

    def words(self, kind: str = "") -> str:
        """Each kind with its number: "3 accounts and 2 posts", with `kind` "3 more accounts and 2 more
        posts".
        """
        before = f"{kind} " if kind else ""
        posts = number(self.posts, f"{before}post")
        if not self.accounts and self.posts:
            return posts
        accounts = number(self.accounts, f"{before}account")
        return f"{accounts} and {posts}" if self.posts else accounts

    def whole(self, kind: str = "") -> str:
        """All of them together, as what something is a part of: "5 accounts and posts (2 posts)"."""
        if not self.accounts or not self.posts:
            return self.words(kind)
        before = f"{kind} " if kind else ""
        return f"{self.total:,} {before}accounts and posts ({number(self.posts, 'post')})"

    @property
    def nouns(self) -> str:
        """What they are, without their number: "account" of one, "accounts", "accounts and posts"."""
        if not self.posts:
            return "account" if self.accounts == 1 else "accounts"
        if not self.accounts:
            return "post" if self.posts == 1 else "posts"
        return "accounts and posts"

    @property
    def these(self) -> str:
        """ "this account", "these accounts and posts"."""
        return f"{'this' if self.total == 1 else 'these'} {self.nouns}"

    @property
    def each(self) -> str:
        """What begins a sentence about every one of them: "The account", "Each account and post"."""
        of_both = " and ".join(noun for noun, n in (("account", self.accounts), ("post", self.posts)) if n)
        return f"{'The' if self.total == 1 else 'Each'} {of_both or 'account'}"


def count_targets(changes: Iterable[AlertChange]) -> TargetCount:
    """How many accounts and posts these changes are of, each counted once."""
    found = {change.account_id: change.is_post for change in changes}
    posts = sum(found.values())
    return TargetCount(len(found) - posts, posts)
