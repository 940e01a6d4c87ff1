from release_static.publish import StagedFile, make_plan


def staged(name: str, hashed: bool = False) -> StagedFile:
    return StagedFile(name, f"/source/{name}", size=3, mtime_ns=1, hashed=hashed)


def test_a_plan_puts_what_is_missing_damaged_or_outdated_and_nothing_else():
    files = [
        staged("new.txt"),
        staged("new.1.txt", hashed=True),
        staged("old.txt"),
        staged("old.1.txt", hashed=True),
        staged("same.txt"),
        staged("same.1.txt", hashed=True),
    ]
    there = {"old.txt": "other", "old.1.txt": "other", "same.txt": "same", "same.1.txt": "same", "foreign.txt": "same"}

    plan = make_plan(files, there, lambda file, content: content == "same", new_release=True, latest=True)

    assert [file.name for file in plan.missing] == ["new.txt", "new.1.txt"]
    assert [file.name for file in plan.damaged] == ["old.1.txt"]
    assert [file.name for file in plan.outdated] == ["old.txt"]
    assert [file.name for file in plan.unchanged] == ["same.txt", "same.1.txt"]


def test_hashed_files_go_before_originals():
    files = [staged("a.txt"), staged("a.1.txt", hashed=True), staged("b.txt"), staged("b.1.txt", hashed=True)]

    plan = make_plan(files, {}, lambda file, content: False, new_release=True, latest=True)

    assert [file.name for file in plan.puts] == ["a.1.txt", "b.1.txt", "a.txt", "b.txt"]
