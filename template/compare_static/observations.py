"""The observations in one configuration, and conclusions from them."""

from dataclasses import dataclass

from compare_static.stores import File


@dataclass(frozen=True)
class Reading:
    """What a visitor gets from a process, for the link to the file that differs between the releases.

    `release` is the release of the process, and `content` the release whose file the link returns. If it is None, the link
    returns something else, which `status` describes. `link` is None if the page itself fails.
    """

    release: str
    link: str | None
    status: int
    content: str | None

    @property
    def is_own(self) -> bool:
        return self.content == self.release


@dataclass(frozen=True)
class Moment:
    """A moment of the deploy: the responses of processes of both releases, and the content of the store.

    `files` are the releases whose file is in the store, `manifests` those whose manifest is.
    """

    old: Reading
    new: Reading | None
    files: list[str]
    manifests: list[str]


@dataclass(frozen=True)
class Changes:
    """What the second collectstatic did to the files of the first, by name."""

    overwritten: list[str]
    # Written again with the same content.
    rewritten: list[str]
    deleted: list[str]
    added: list[str]


@dataclass(frozen=True)
class Observation:
    """One configuration. `moments` are t0 to t3; URLs are those that the first release linked to at t0."""

    config: str
    storage: str
    moments: list[Moment]
    changes: Changes
    # The names that have the first release's content of the changed file at the end.
    survivors: list[str]
    # The manifests that exist at the end.
    manifests: list[str]
    urls: int
    # URLs that return 404 at the end, and URLs whose content differs from t0.
    missing: list[str]
    different: list[str]


def changes(before: dict[str, File], after: dict[str, File]) -> Changes:
    both = sorted(before.keys() & after.keys())
    return Changes(
        overwritten=[name for name in both if before[name].content != after[name].content],
        rewritten=[
            name
            for name in both
            if before[name].content == after[name].content and before[name].written != after[name].written
        ],
        deleted=sorted(before.keys() - after.keys()),
        added=sorted(after.keys() - before.keys()),
    )
