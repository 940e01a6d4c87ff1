"""What `manage.py releases` prints: releases, changes and plans as text for people and as plain values for machines."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.timesince import timesince

from release_static.manifest import timestamp
from release_static.prune import Plan
from release_static.retention import Policy, Release, Usage, superseded
from release_static.verify import Findings

_HEAD = ("RELEASE", "PUBLISHED (UTC)", "", "SUPERSEDED", "FILES", "SIZE", "ONLY HERE", "")
_TO_THE_RIGHT = (4, 5, 6)


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


def as_table(releases: list[Release], usage: dict[str, Usage], current: str | None, now: datetime) -> str:
    superseded_at = superseded(releases)
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
        for release in releases
    ]
    return table([_HEAD, *rows], _TO_THE_RIGHT)


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


def changes(paths: dict[str, str], before: dict[str, str]) -> dict[str, list[str]]:
    """The names before hashing that were added, changed and removed since the release `before`."""
    return {
        "added": sorted(paths.keys() - before.keys()),
        "changed": sorted(name for name in paths.keys() & before.keys() if paths[name] != before[name]),
        "removed": sorted(before.keys() - paths.keys()),
    }


def changed(changes: dict[str, list[str]], before: str | None) -> str:
    if before is None:
        return "\nIt is the first."
    lines = [f"{sign} {name}" for sign, how in zip("+~-", changes, strict=True) for name in changes[how]]
    counts = ", ".join(f"{len(names)} {how}" for how, names in changes.items())
    return "\n".join([f"\nSince {before}: {counts}", *lines])


def damage(findings: Findings) -> str:
    lines = [*findings.manifests]
    for release_id, names in findings.affected.items():
        lines.append(f"Release {release_id}:")
        lines += [f"  {name} {findings.files[name]}" for name in names]
    return "\n".join(
        [
            f"{len(findings.files)} files are not as they were published.",
            *lines,
            "To publish them anew, check out the release and run: manage.py releases verify --repair",
        ]
    )


def plan(plan: Plan, policy: Policy, now: datetime) -> str:
    """What a prune does with each release, and why."""
    superseded_at = superseded([verdict.release for verdict in plan.verdicts])
    words = {
        "current": "current",
        "pinned": "pinned",
        "newest": f"among the newest {policy.keep}",
        "recent": f"superseded less than {policy.days:g} days ago",
    }
    rows = []
    for verdict in plan.verdicts:
        release_id, reasons = verdict.release.id, ", ".join(words[reason] for reason in verdict.reasons)
        if reasons:
            rows.append((release_id, "stays", reasons))
        else:
            rows.append((release_id, "expires", f"superseded {ago(superseded_at[release_id], now)}"))
    rows += [(release_id, "expired", "an earlier prune did not finish it") for release_id in plan.leftovers]
    return table(rows, ())


def freed(plan: Plan, *, dry_run: bool) -> str:
    releases = len(plan.expired) + len(plan.leftovers)
    files = [*plan.files, *plan.unclaimed]
    strays = f" ({len(plan.unclaimed)} of them unclaimed)" if plan.unclaimed else ""
    would = "would be " if dry_run else ""
    return (
        f"{releases} release{'s' if releases != 1 else ''} and {len(files)} files{strays} {would}deleted, "
        f"{size(sum(entry.size for entry in files))} {would}freed; {len(plan.kept)} "
        f"release{'s' if len(plan.kept) != 1 else ''} stay{'' if len(plan.kept) != 1 else 's'}."
    )


def table(rows: Iterable[tuple[str, ...]], to_the_right: tuple[int, ...]) -> str:
    rows = list(rows)
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


def size(count: int) -> str:
    return filesizeformat(count).replace("\xa0", " ")


def _iso(time: datetime | None) -> str | None:
    return None if time is None else timestamp(time)
