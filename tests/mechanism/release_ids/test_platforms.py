"""Each platform's strategy, with the variables that the platform sets at build, release and run time."""

from dataclasses import dataclass, field

import pytest

from release_static import release_id_strategies as strategies
from release_static.release_ids.resolve import ReleaseIdError

COMMIT = "2c3a0b24069af49b3de35b8e8c26765c1dba9ff0"
OLD = "ffffffffffffffffffffffffffffffffffffffff"
TAG = "deployment-01H9RK9EYO9PGNBYAKGXSHV0PH"


@dataclass
class Platform:
    """`phases`: the variables in each phase; `redeploy`: those that a deployment of another configuration changes."""

    strategy: str
    expected: str
    phases: dict[str, dict[str, str]]
    redeploy: dict[str, str] = field(default_factory=dict)


HEROKU_DYNO = {
    "HEROKU_BUILD_COMMIT": COMMIT,
    "HEROKU_SLUG_COMMIT": OLD,
    "HEROKU_RELEASE_VERSION": "v42",
    "DYNO": "web.1",
}
RENDER = {"RENDER": "true", "RENDER_GIT_COMMIT": COMMIT, "RENDER_GIT_BRANCH": "main", "RENDER_INSTANCE_ID": "srv-a"}
RAILWAY = {"RAILWAY_GIT_COMMIT_SHA": COMMIT, "RAILWAY_GIT_BRANCH": "main", "RAILWAY_DEPLOYMENT_ID": "one"}
FLY = {"FLY_IMAGE_REF": f"registry.fly.io/my-app:{TAG}", "FLY_MACHINE_VERSION": "01A", "FLY_MACHINE_ID": "1"}
KAMAL_HOOK = {"KAMAL_VERSION": COMMIT, "KAMAL_SERVICE_VERSION": "app@2c3a0b2", "KAMAL_COMMAND": "deploy"}
KAMAL_CONTAINER = {"KAMAL_VERSION": COMMIT, "KAMAL_CONTAINER_NAME": f"app-web-{COMMIT}", "KAMAL_HOST": "192.0.2.1"}
SCALINGO = {"CONTAINER": "web-1", "CONTAINER_VERSION": COMMIT, "CONTAINER_SIZE": "M"}

PLATFORMS = [
    Platform(
        "heroku_build_commit",
        COMMIT,
        {"build": {"SOURCE_VERSION": COMMIT, "STACK": "heroku-24"}, "release": HEROKU_DYNO, "run": HEROKU_DYNO},
        {"HEROKU_RELEASE_VERSION": "v43", "HEROKU_RELEASE_CREATED_AT": "2026-01-01T00:00:00Z"},
    ),
    Platform(
        "render_git_commit",
        COMMIT,
        {"build": RENDER, "release": RENDER, "run": RENDER},
        {"RENDER_INSTANCE_ID": "srv-b"},
    ),
    Platform(
        "railway_git_commit",
        COMMIT,
        {"build": RAILWAY, "release": RAILWAY, "run": RAILWAY},
        {"RAILWAY_DEPLOYMENT_ID": "two", "RAILWAY_REPLICA_ID": "b"},
    ),
    Platform(
        "fly_image_tag",
        TAG,
        {"build": {}, "release": FLY | {"RELEASE_COMMAND": "1"}, "run": FLY},
        {"FLY_MACHINE_VERSION": "01B", "FLY_MACHINE_ID": "2"},
    ),
    Platform(
        "kamal_version",
        COMMIT,
        {"build": {}, "release": KAMAL_HOOK, "run": KAMAL_CONTAINER},
        {"KAMAL_HOST": "192.0.2.2"},
    ),
    Platform(
        "scalingo_container_version",
        COMMIT,
        {"build": {"SOURCE_VERSION": COMMIT}, "release": SCALINGO | {"CONTAINER": "postdeploy"}, "run": SCALINGO},
        {"CONTAINER": "web-2", "CONTAINER_SIZE": "L"},
    ),
]
BY_STRATEGY = {platform.strategy: platform for platform in PLATFORMS}
VARIABLES = {name for platform in PLATFORMS for phase in platform.phases.values() for name in phase}


@pytest.fixture(autouse=True)
def no_platform(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def ask(monkeypatch):
    """ask("kamal_version", KAMAL_VERSION="1"): the result of the strategy with only these variables."""

    def ask(strategy, **variables):
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            return getattr(strategies, strategy)()

    return ask


@pytest.mark.parametrize(
    ("platform", "phase"),
    [
        pytest.param(platform, phase, id=f"{platform.strategy}-{phase}")
        for platform in PLATFORMS
        for phase, variables in platform.phases.items()
        if variables
    ],
)
def test_every_phase_gives_the_same_id(platform, phase, ask):
    assert ask(platform.strategy, **platform.phases[phase]) == platform.expected


@pytest.mark.parametrize("platform", PLATFORMS, ids=BY_STRATEGY)
def test_a_deployment_that_only_changes_the_configuration_keeps_the_id(platform, ask):
    assert ask(platform.strategy, **platform.phases["run"] | platform.redeploy) == platform.expected


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        (
            "heroku_build_commit",
            "HEROKU_BUILD_COMMIT .* release phase .* heroku labs:enable runtime-dyno-build-metadata",
        ),
        ("render_git_commit", "RENDER_GIT_COMMIT .* build and run time .* from a Git repository"),
        ("railway_git_commit", "RAILWAY_GIT_COMMIT_SHA .* build and run time.* push to GitHub"),
        ("fly_image_tag", "FLY_IMAGE_REF .* not while the image is built: publish in the release_command"),
        ("kamal_version", "KAMAL_VERSION .* in its hooks, but not while the image is built .* -e RELEASE_ID:"),
        ("scalingo_container_version", "SOURCE_VERSION during the build, and CONTAINER_VERSION .* postdeploy"),
        ("release_id_variable", "RELEASE_ID alone"),
        ("revision_file", "git rev-parse HEAD > REVISION"),
    ],
)
def test_a_strategy_that_finds_nothing_names_the_variable_its_phase_and_how_to_switch_it_on(strategy, said, ask):
    with pytest.raises(ReleaseIdError, match=said):
        ask(strategy)


def test_an_empty_variable_is_as_good_as_none(ask):
    with pytest.raises(ReleaseIdError, match="RENDER_GIT_COMMIT is not set"):
        ask("render_git_commit", RENDER_GIT_COMMIT="")


@pytest.mark.parametrize(
    ("strategy", "built", "running"),
    [
        ("heroku_build_commit", "SOURCE_VERSION", "HEROKU_BUILD_COMMIT"),
        ("scalingo_container_version", "SOURCE_VERSION", "CONTAINER_VERSION"),
    ],
)
def test_two_variables_of_a_pair_that_differ_are_an_error(strategy, built, running, ask):
    assert ask(strategy, **{built: COMMIT, running: COMMIT}) == COMMIT
    with pytest.raises(ReleaseIdError, match=f"{built}={OLD} and {running}={COMMIT} differ"):
        ask(strategy, **{built: OLD, running: COMMIT})


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (f"registry.fly.io/my-app:{TAG}@sha256:{COMMIT}", TAG),
        (f"registry.fly.io/my-app@sha256:{COMMIT}", COMMIT),
        ("localhost:5000/my-app:v1", "v1"),
        ("my-app:v1", "v1"),
    ],
)
def test_an_image_is_named_by_its_tag_or_else_its_digest(reference, expected, ask):
    assert ask("fly_image_tag", FLY_IMAGE_REF=reference) == expected


@pytest.mark.parametrize("reference", ["registry.fly.io/my-app", "localhost:5000/my-app"])
def test_an_image_without_a_tag_names_no_release(reference, ask):
    with pytest.raises(ReleaseIdError, match="has no tag"):
        ask("fly_image_tag", FLY_IMAGE_REF=reference)
