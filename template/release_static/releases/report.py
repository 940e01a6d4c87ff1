"""The output of `manage.py releases`: releases, changes and plans, as text or as values for JSON."""

from datetime import datetime, timedelta
from typing import Any

from release_static.errors import printable
from release_static.publishing.marker import timestamp
from release_static.releases.changes import Changes
from release_static.releases.inventory import Inventory
from release_static.releases.prune import Plan
from release_static.releases.retention import Policy, Release, Usage, environments, history, superseded
from release_static.releases.text import ago, count, size, span, table
from release_static.releases.verify import Findings

_HEAD = ("RELEASE", "PUBLISHED (UTC)", "", "SUPERSEDED", "FILES", "SIZE", "ONLY HERE", "ENVIRONMENTS", "")
_TO_THE_RIGHT = (4, 5, 6)
_IDLE = timedelta(days=30)


def as_data(releases: list[Release], usage: dict[str, Usage], current: str | None) -> list[dict[str, Any]]:
    """Sizes in bytes, times as ISO 8601 in UTC."""
    superseded_at = superseded(releases)
    return [
        {
            "id": release.id,
            "published_at": _iso(release.published_at),
            "published_by": release.created_by or None,
            "superseded_at": _iso(_end(superseded_at[release.id])),
            "environments": {
                name: {"published_at": _iso(release.published[name]), "superseded_at": _iso(end)}
                for name, end in superseded_at[release.id].items()
            },
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
            ago(_end(superseded_at[release.id]), now) or "-",
            str(usage[release.id].files),
            size(usage[release.id].size),
            size(usage[release.id].own),
            _environments(superseded_at[release.id]),
            ", ".join(mark for mark, set_ in [("current", release.id == current), ("pinned", release.pinned)] if set_),
        )
        for release in inventory.releases
    ]
    return table([_HEAD, *rows], _TO_THE_RIGHT)


def warnings(inventory: Inventory, current: str | None) -> list[str]:
    """Warnings about these releases."""
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


def details(
    release: Release, usage: Usage, ends: dict[str, datetime | None], current: str | None, now: datetime
) -> str:
    """`ends` maps each environment to when the release was superseded there."""
    facts = [
        ("Release", release.id),
        ("Published", f"{release.published_at:%Y-%m-%d %H:%M:%S} UTC, {ago(release.published_at, now)}"),
        ("By", release.created_by or "unknown"),
        ("Environments", _environments(ends) or "none"),
        ("Superseded", ago(_end(ends), now) or "no"),
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


def new_bytes(total: int | None) -> str:
    return "The size of the new files is unknown." if total is None else f"{size(total)} in new files."


def intact(release_ids: list[str], findings: Findings) -> str:
    files = count(findings.expected, "hashed file")
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
        lines.append(f"{count(findings.files, 'file')} missing or damaged.")
    for release_id, names in findings.affected.items():
        lines.append(f"Release {printable(release_id)}:")
        lines += [f"  {printable(name)} {findings.files[name]}" for name in names]
    if findings.files:
        lines.append("To repair them, check out the code of the release and run: manage.py releases verify --repair")
    return "\n".join(lines)


def plan(plan: Plan, policy: Policy, now: datetime) -> str:
    """What a prune does to each release, and why."""
    all_releases = [decision.release for decision in plan.decisions]
    several = len(environments(all_releases)) > 1
    superseded_at = superseded(all_releases)
    words = {
        "current": "current",
        "pinned": "pinned",
        "newest": f"among the newest {policy.keep}",
        "recent": f"superseded less than {policy.days:g} days ago",
    }
    rows = []
    for decision in plan.decisions:
        release_id, why = decision.release.id, []
        for kind, text in words.items():
            if found := [reason.environment for reason in decision.reasons if reason.kind == kind]:
                why.append(f"{text} in {', '.join(found)}" if several and any(found) else text)
        if why:
            rows.append((release_id, "stays", "; ".join(why)))
        elif end := _end(superseded_at[release_id]):
            rows.append((release_id, "expires", f"superseded {ago(end, now)}"))
        else:
            rows.append((release_id, "expires", "in no environment"))
    known = {decision.release.id for decision in plan.decisions}
    rows += [(id, "expired", "an earlier prune was interrupted") for id in plan.interrupted if id not in known]
    return table(rows, ())


def idle(plan: Plan, now: datetime) -> list[str]:
    """How to retire environments in which nothing has been published for a long time."""
    all_releases = [decision.release for decision in plan.decisions]
    latest = {name: history(all_releases, name)[0][0].published[name] for name in environments(all_releases)}
    return [
        f"Nothing was published in {printable(name)} for {span(at, now)}. If that environment no longer "
        f"exists: manage.py releases retire {printable(name)}"
        for name, at in latest.items()
        if len(latest) > 1 and now - at > _IDLE
    ]


def freed(plan: Plan, *, dry_run: bool) -> str:
    would = "would be " if dry_run else ""
    releases, files = count(plan.gone, "release"), count(plan.files, "file")
    return (
        f"{releases} and {files} {would}deleted, {size(sum(entry.size for entry in plan.files))} {would}freed; "
        f"{count(plan.kept, 'release')} {'stays' if len(plan.kept) == 1 else 'stay'}."
    )


def _environments(ends: dict[str, datetime | None]) -> str:
    return ", ".join(f"{name} (newest)" if end is None else name for name, end in ends.items())


def _end(ends: dict[str, datetime | None]) -> datetime | None:
    """When a release was superseded in the last of its environments, or None if it is still the newest in one."""
    times = [end for end in ends.values() if end is not None]
    return max(times) if times and len(times) == len(ends) else None


def _iso(time: datetime | None) -> str | None:
    return None if time is None else timestamp(time)
