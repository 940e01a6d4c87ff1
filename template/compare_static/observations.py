"""What was seen in one configuration, and what follows from it: plain values."""

from dataclasses import dataclass

from compare_static.stores import File


@dataclass(frozen=True)
class Reading:
    """What a visitor gets who follows a link of a process to the file that the releases differ in.

    `release` is that of the process, `content` the one whose content is behind the link: None if that is neither's,
    and `status` then says what came instead. `link` is None where the page itself fails.
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
    """A moment of the deploy: what the processes of both releases hand out, and what the store holds.

    `files` are the releases whose file is in the store, `manifests` those of which a manifest is.
    """

    old: Reading
    new: Reading | None
    files: list[str]
    manifests: list[str]


@dataclass(frozen=True)
class Changes:
    """What the second collectstatic did to the files of the first, by name."""

    overwritten: list[str]
    # Written again, with the content that was there.
    rewritten: list[str]
    deleted: list[str]
    added: list[str]


@dataclass(frozen=True)
class Observation:
    """One configuration. `moments` are t0 to t3; URLs are those that the first release had handed out at t0."""

    config: str
    storage: str
    moments: list[Moment]
    changes: Changes
    # Names under which the first release's content of the changed file is there in the end.
    survivors: list[str]
    # Manifests that are there in the end.
    manifests: list[str]
    urls: int
    # URLs that answer 404 in the end, and URLs with other content than at t0.
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
