"""Pure: counts of accounts and posts, and the words for both."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from storage.model.core.accounts import Platform
from storage.model.platforms.registry import DECLARED
from storage.model.text.units import number

Noun = Literal["account", "post"]
WITH_ARTICLE: Final[Mapping[Noun, str]] = {"account": "an account", "post": "a post"}


def counted_targets(ids: Iterable[tuple[Platform, str]]) -> "TargetCount":
    """Count accounts and posts by their native ids, each with its platform."""
    kinds = Counter(DECLARED[platform].is_post(native_id) for platform, native_id in ids)
    return TargetCount(kinds[False], kinds[True])


@dataclass(frozen=True, slots=True)
class TargetCount:
    """A number of accounts and a number of posts. Without posts, the words are about accounts alone."""

    accounts: int = 0
    posts: int = 0

    def __add__(self, other: "TargetCount") -> "TargetCount":
        return TargetCount(self.accounts + other.accounts, self.posts + other.posts)

    def __bool__(self) -> bool:
        return bool(self.total)

    @property
    def total(self) -> int:
        """Only for sorting, limits, and singular or plural: no text shows it without `posts`."""
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
        """All of them as one denominator: "5 accounts and posts (2 posts)"."""
        if not self.accounts or not self.posts:
            return self.words(kind)
        before = f"{kind} " if kind else ""
        return f"{self.total:,} {before}accounts and posts ({number(self.posts, 'post')})"

    @property
    def kinds(self) -> str:
        """Their nouns in the plural, whatever their number: "accounts", "posts", "accounts and posts"."""
        return "accounts and posts" if self.accounts and self.posts else "posts" if self.posts else "accounts"

    @property
    def one(self) -> str:
        """Any of them: "an account", "a post", "an account or a post"."""
        if self.accounts and self.posts:
            return " or ".join(WITH_ARTICLE.values())
        return WITH_ARTICLE["post" if self.posts else "account"]

    @property
    def none(self) -> str:
        """The subject of a sentence about not one of them: "No account", "No account or post"."""
        return f"No {self.one.replace('an ', '').replace('a ', '')}"

    @property
    def nouns(self) -> str:
        """Their nouns without their number: "account" for one, "accounts", "accounts and posts"."""
        return self.kinds.removesuffix("s") if self.total == 1 else self.kinds

    @property
    def these(self) -> str:
        """ "this account", "these accounts and posts"."""
        return f"{'this' if self.total == 1 else 'these'} {self.nouns}"

    @property
    def each(self) -> str:
        """The subject of a sentence about every one of them: "The account", "Each account and post"."""
        noun = self.kinds.replace("accounts", "account").replace("posts", "post")
        return f"{'The' if self.total == 1 else 'Each'} {noun}"
