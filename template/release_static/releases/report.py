"""What `manage.py releases` prints: releases, changes and plans as text for people and as plain values for JSON."""

from collections.abc import Iterable, Sized
from datetime import datetime, timedelta
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.timesince import timesince

from release_static.publishing.marker import timestamp
from release_static.releases.changes import Changes
from release_static.releases.inventory import Inventory
from release_static.releases.prune import Plan
from release_static.releases.retention import Policy, Release, Usage, superseded
from release_static.releases.verify import Findings

_HEAD = ("RELEASE", "PUBLISHED (UTC)", "", "SUPERSEDED", "FILES", "SIZE", "ONLY HERE", "")
_TO_THE_RIGHT = (4, 5, 6)


def printable(text: str, encoding: str | None = None) -> str:
    """A line of text with each character escaped that is not printable, or not in this encoding, such as `\\x1b`.

    The content of a destination is not ours: a name in it must not be able to control a terminal.
    """
    encoding = encoding or "utf-8"
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return shown.encode(encoding, "backslashreplace").decode(encoding)


def as_data(releases: list[Release], usage: dict[str, Usage], current: str | None) -> list[dict[str, Any]]:
    """Sizes in bytes, times as ISO 8601 in UTC. `releases` are the newest first."""
    superseded_at = superseded(releases)
    return [
        {
            "id": release.id,
            "published_at": _iso(release.published_at),
            "published_by": release.published_by or None,
            "superseded_at": _iso(superseded_at[release.id]),
            "files": usage[release.id].files,
            "size": usage[release.id].size,
            "only_here": usage[release.id].own,
            "pinned": release.pinned,
            "current": release.id == current,
        }
        for release in releases
    ]


def releases(inventory: Inventory, usage: dict[str, Usage], current: str | None, now: datetime) -> str:
    if not inventory.releases:
        return f"There are no releases in {inventory.destination}. To publish this one: manage.py collectstatic"
    superseded_at = superseded(inventory.releases)
    rows = [
        (
            release.id,
            f"{release.published_at:%Y-%m-%d %H:%M}",
            ago(release.published_at, now),
            ago(superseded_at[release.id], now) or "-",
            str(usage[release.id].files),
            size(usage[release.id].size),
            size(usage[release.id].own),
            ", ".join(mark for mark, set_ in [("current", release.id == current), ("pinned", release.pinned)] if set_),
        )
        for release in inventory.releases
    ]
    return table([_HEAD, *rows], _TO_THE_RIGHT)


def warnings(inventory: Inventory, current: str | None) -> list[str]:
    """What a person should know about these releases, in sentences."""
    lines = [
        f"A prune of release {printable(release_id)} was interrupted. To complete it: manage.py releases prune"
        for release_id in inventory.interrupted
    ]
    if current and inventory.releases and current not in [release.id for release in inventory.releases]:
        lines.append(f"This release, {current}, is not published. Run: manage.py collectstatic")
    return lines


def unreadable(inventory: Inventory) -> str:
    problems = [printable(problem) for problem in sorted(inventory.unreadable.values())]
    return "\n".join([*problems, "Restore them, or delete them if no process uses their releases."])


def details(release: Release, usage: Usage, superseded_at: datetime | None, current: str | None, now: datetime) -> str:
    facts = [
        ("Release", release.id),
        ("Published", f"{release.published_at:%Y-%m-%d %H:%M:%S} UTC, {ago(release.published_at, now)}"),
        ("By", release.published_by or "unknown"),
        ("Superseded", ago(superseded_at, now) or "no, it is the newest"),
        ("Files", f"{usage.files}, {size(usage.size)}; {size(usage.own)} of it in no other release"),
        ("Pinned", "yes" if release.pinned else "no"),
        ("Current", "yes" if release.id == current else "no"),
    ]
    return table(facts, ())


def changes(changes: Changes, before: str | None) -> str:
    """`before` is the id of the release that it was compared to."""
    if before is None:
        return "\nThis is the first release."
    named = changes._asdict().items()
    lines = [f"{sign} {printable(name)}" for sign, (_, names) in zip("+~-", named, strict=True) for name in names]
    counts = ", ".join(f"{len(names)} {how}" for how, names in named)
    return "\n".join([f"\nSince {printable(before)}: {counts}", *lines])


def intact(release_ids: list[str], findings: Findings) -> str:
    files = _count(findings.expected, "hashed file")
    if len(release_ids) == 1:
        return f"Release {printable(release_ids[0])} is intact: {files}, as published."
    return f"All {len(release_ids)} releases are intact: {files}, as published."


def damage(findings: Findings) -> str:
    lines = [printable(problem) for problem in sorted(findings.manifests)]
    if findings.manifests:
        lines.append(
            "To write the manifest of a release again, check out the code of that release and run: manage.py "
            "collectstatic --replace-release"
        )
    if findings.files:
        lines.append(f"{_count(findings.files, 'file')} missing or damaged.")
    for release_id, names in findings.affected.items():
        lines.append(f"Release {printable(release_id)}:")
        lines += [f"  {printable(name)} {findings.files[name]}" for name in names]
    if findings.files:
        lines.append("To repair them, check out the code of the release and run: manage.py releases verify --repair")
    return "\n".join(lines)


def plan(plan: Plan, policy: Policy, now: datetime) -> str:
    """What a prune does with each release, and why."""
    superseded_at = superseded([decision.release for decision in plan.decisions])
    words = {
        "current": "current",
        "pinned": "pinned",
        "newest": f"among the newest {policy.keep}",
        "recent": f"superseded less than {policy.days:g} days ago",
    }
    rows = []
    for decision in plan.decisions:
        release_id, reasons = decision.release.id, ", ".join(words[reason] for reason in decision.reasons)
        if reasons:
            rows.append((release_id, "stays", reasons))
        else:
            rows.append((release_id, "expires", f"superseded {ago(superseded_at[release_id], now)}"))
    known = {decision.release.id for decision in plan.decisions}
    rows += [(id, "expired", "an earlier prune was interrupted") for id in plan.interrupted if id not in known]
    return table(rows, ())


def freed(plan: Plan, *, dry_run: bool) -> str:
    would = "would be " if dry_run else ""
    releases, files = _count(plan.gone, "release"), _count(plan.files, "file")
    return (
        f"{releases} and {files} {would}deleted, {size(sum(entry.size for entry in plan.files))} {would}freed; "
        f"{_count(plan.kept, 'release')} {'stays' if len(plan.kept) == 1 else 'stay'}."
    )


def table(rows: Iterable[tuple[str, ...]], to_the_right: tuple[int, ...]) -> str:
    rows = [tuple(map(printable, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if place in to_the_right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def ago(then: datetime | None, now: datetime) -> str:
    """Such as "3 days ago", "" for None."""
    if then is None:
        return ""
    if then > now + timedelta(minutes=1):
        return "in the future"
    if now - then < timedelta(minutes=1):
        return "just now"
    return f"{timesince(then, now, depth=1)} ago".replace("\xa0", " ")


def _count(things: Sized, noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def size(count: int) -> str:
    return filesizeformat(count).replace("\xa0", " ")


def _iso(time: datetime | None) -> str | None:
    return None if time is None else timestamp(time)
