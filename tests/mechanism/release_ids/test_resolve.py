"""Where the id of a release comes from, and which ids are invalid."""

import pytest

from release_static.release_ids.resolve import ReleaseIdError, explain, resolve, stated

STRATEGY = f"{__name__}.build_number"


def build_number():
    return "build-7\n"


def no_variable():
    raise KeyError("BUILD_NUMBER")


def nothing():
    return None


@pytest.fixture(autouse=True)
def revision(tmp_path, project_at, monkeypatch):
    project_at(tmp_path)
    monkeypatch.delenv("RELEASE_ID", raising=False)
    return tmp_path / "REVISION"


def test_the_option_wins_over_the_variable_over_the_file_over_the_strategy(revision, monkeypatch):
    found = [resolve(None, STRATEGY)]
    revision.write_text("from-file\n")
    found.append(resolve(None, STRATEGY))
    monkeypatch.setenv("RELEASE_ID", "from-variable")
    found.append(resolve(None, STRATEGY))
    found.append(resolve("from-option", STRATEGY))

    assert [release_id.value for release_id in found] == ["build-7", "from-file", "from-variable", "from-option"]
    assert [release_id.source for release_id in found] == [
        f"the strategy {STRATEGY}",
        f"the file {revision}",
        "the variable RELEASE_ID",
        "the storage's option release_id",
    ]


def test_each_place_is_explained_up_to_the_one_that_decides(revision):
    lines, found = explain(None, STRATEGY)
    assert lines == [
        "the storage's option release_id: not set",
        "the variable RELEASE_ID: not set",
        f"the file {revision}: not found",
        f"the strategy {STRATEGY}: build-7  <- this is the id",
    ]
    assert found == resolve(None, STRATEGY)

    revision.write_text("from-file")
    lines, found = explain(None, STRATEGY)
    assert lines[2:] == [f"the file {revision}: from-file  <- this is the id", f"the strategy {STRATEGY}: not checked"]
    assert found == resolve(None, STRATEGY)


def test_a_problem_decides_too(revision, monkeypatch):
    revision.write_text("from-file")
    monkeypatch.setenv("RELEASE_ID", "a/b")
    lines, found = explain(None, STRATEGY)
    assert "the variable RELEASE_ID: 'a/b' is not a valid release id." in lines[1]
    assert lines[2:] == [f"the file {revision}: not checked", f"the strategy {STRATEGY}: not checked"]
    assert found is None


def test_no_strategy_is_no_place(revision):
    assert stated(None) is None
    assert len(explain(None, None)[0]) == 3
    revision.write_text("from-file")
    assert stated(None) == resolve(None, None)


@pytest.mark.parametrize(("value", "shown"), [("", "an empty string"), ("a/b", "'a/b'")])
def test_an_invalid_id_is_not_reported_as_a_missing_one(revision, monkeypatch, value, shown):
    monkeypatch.setenv("RELEASE_ID", value)

    with pytest.raises(ReleaseIdError) as caught:
        resolve(None, None)

    first, _, variable, *_ = str(caught.value).splitlines()
    assert first == "This release has no valid id. Checked in this order:"
    assert variable.startswith(f"  - the variable RELEASE_ID: {shown} is not a valid release id.")


def test_no_id_is_an_error_with_every_place_and_the_remedy(revision):
    with pytest.raises(ReleaseIdError) as caught:
        resolve(None, f"{__name__}.no_variable")

    message = str(caught.value)
    places = ["option release_id", "variable RELEASE_ID", str(revision), "test_resolve.no_variable"]
    assert [place for place in places if place not in message] == []
    assert "KeyError: 'BUILD_NUMBER'" in message
    assert "Set RELEASE_ID" in message


@pytest.mark.parametrize(
    ("strategy", "problem"),
    [
        (f"{__name__}.nothing", "returned None"),
        (f"{__name__}.misspelt", "cannot be imported"),
        ("no.such.module", "cannot be imported"),
        ("nodots", "cannot be imported"),
    ],
)
def test_a_strategy_that_cannot_be_used_says_why(strategy, problem):
    with pytest.raises(ReleaseIdError, match=problem):
        resolve(None, strategy)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "unknown",
        "UNKNOWN",
        "HEAD",
        "head",
        "../../escape",
        "a/b",
        ".hidden",
        "-x",
        "ä",
        "a b",
        "a\n",
        "x" * 129,
    ],
)
def test_an_invalid_id_is_refused_and_nothing_else_is_asked(value, monkeypatch):
    monkeypatch.setenv("RELEASE_ID", value)
    for find in (lambda: resolve(None, STRATEGY), lambda: stated(None)):
        with pytest.raises(ReleaseIdError, match="the variable RELEASE_ID: .* is not a valid release id"):
            find()


def test_an_option_that_is_not_a_string_is_refused():
    with pytest.raises(ReleaseIdError, match="option release_id: 7 is not a valid release id"):
        resolve(7, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["7", "v1.2.3", "0a1b2c3d", "deployment-01H9RK9EYO9PGNBYAKGXSHV0PH", "x" * 128])
def test_what_builds_are_named_after_is_an_id(value, monkeypatch):
    monkeypatch.setenv("RELEASE_ID", value)
    assert resolve(None, None).value == value


def test_a_revision_file_that_cannot_be_read_is_not_passed_over(revision):
    revision.mkdir()
    for find in (lambda: resolve(None, STRATEGY), lambda: stated(None)):
        with pytest.raises(ReleaseIdError, match="REVISION: it cannot be read"):
            find()


def test_an_empty_revision_file_is_not_passed_over(revision):
    revision.touch()
    with pytest.raises(ReleaseIdError, match="REVISION: an empty string is not a valid release id"):
        resolve(None, STRATEGY)
