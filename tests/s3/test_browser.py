"""A page whose static files come from another origin, in a browser."""

import json
import re
import shutil
import subprocess
import urllib.request
from contextlib import contextmanager

import pytest
from playwright.sync_api import sync_playwright

from tests.conftest import PACKAGES, environment
from tests.modules import MODULES, Visit, hashed_modules, write_releases

SERVER = """
from wsgiref.simple_server import WSGIRequestHandler, make_server
from my_site.wsgi import application

WSGIRequestHandler.log_message = lambda *arguments: None
server = make_server("127.0.0.1", 0, application)
print(server.server_port, flush=True)
server.serve_forever()
"""
HEAD = """
    <link rel="stylesheet" href="{% static 'type.css' %}">
    <link rel="preload" as="font" type="font/woff2" crossorigin href="{% static 'type.woff2' %}">
    <script type="module" src="{% static 'page.mjs' %}"></script>
  </head>
"""


@pytest.fixture
def browser():
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("takes chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


def open_to_browsers(server, bucket_name, project):
    """Give the bucket the policy and the CORS rule of the guide."""
    text = (project.path / "docs" / "s3.md").read_text().replace("my-bucket", bucket_name)
    policy, cors, *_ = map(json.loads, re.findall(r"```json\n(.*?)```", text, flags=re.DOTALL))
    if not server.is_ceph:  # moto denies without looking at conditions
        policy["Statement"] = [statement for statement in policy["Statement"] if statement["Effect"] == "Allow"]
    server.client().put_bucket_policy(Bucket=bucket_name, Policy=json.dumps(policy))
    server.client().put_bucket_cors(Bucket=bucket_name, CORSConfiguration=cors)


@contextmanager
def running(project):
    """The URL of the site while a process of it runs."""
    process = subprocess.Popen(
        [project.python, "-c", SERVER],
        cwd=project.path,
        env=environment(**project.variables),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/"
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def site_address(render, virtual_environment, server, bucket_name):
    """A running site with a stylesheet, a font and an ES module in a bucket that has the documented policy and CORS."""
    python = virtual_environment("6.1", *PACKAGES["s3"], "django-debug-toolbar")
    project = render(python=python, storage_backend="s3")
    project.variables = server.variables | {
        "AWS_STORAGE_BUCKET_NAME": bucket_name,
        "RELEASE_ID": "one",
        "DJANGO_SECRET_KEY": "secret",
    }
    static = project.path / "static"
    fonts = next((python.parent.parent / "lib").glob("*/site-packages/debug_toolbar/static/**/*.woff2"))
    shutil.copy(fonts, static / "type.woff2")
    (static / "type.css").write_text(
        "@font-face { font-family: Type; src: url(type.woff2) format('woff2') }\nbody { font-family: Type }\n"
    )
    (static / "page.mjs").write_text("document.body.dataset.module = 'ran';\n")
    template = project.path / "pages/templates/pages/home.html"
    template.write_text(template.read_text().replace("  </head>\n", HEAD.lstrip("\n")))
    open_to_browsers(server, bucket_name, project)
    project.manage("collectstatic", "--noinput")
    with running(project) as address:
        yield address


def test_a_page_loads_styles_fonts_and_modules_from_the_bucket_without_an_error(
    browser, site_address, server, bucket_name
):
    page = browser.new_page()
    messages, failed, answers = [], [], {}
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.on("response", lambda response: answers.update({response.url: response.status}))

    page.goto(site_address, wait_until="networkidle")

    assert (messages, failed) == ([], [])
    static = f"{server.endpoint}/{bucket_name}/static/"
    names = [url.removeprefix(static) for url in answers if url.startswith(static)]
    assert sorted(re.sub(r"\.[0-9a-f]{12}\.", ".", name) for name in names) == [
        "page.mjs",
        "pages/home.css",
        "type.css",
        "type.woff2",
    ]
    assert all(re.search(r"\.[0-9a-f]{12}\.", name) for name in names)
    assert set(answers.values()) == {200}
    assert page.evaluate("document.body.dataset.module") == "ran"
    assert page.evaluate("[...document.fonts].map(font => font.status)") == ["loaded"]
    assert page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") == "640px"


def test_without_the_cors_rule_the_browser_complains(browser, site_address, server, bucket_name):
    server.client().delete_bucket_cors(Bucket=bucket_name)
    if not server.is_ceph:
        pytest.skip("moto answers as if there were one")
    page = browser.new_page()
    messages = []
    page.on("console", lambda message: messages.append(message.text))

    page.goto(site_address, wait_until="networkidle")

    assert any("CORS" in message for message in messages)
    assert urllib.request.urlopen(site_address).status == 200


def test_a_page_loads_the_modules_of_its_own_release_from_the_bucket(
    browser, render, virtual_environment, server, bucket_name, tmp_path
):
    site = render(python=virtual_environment("6.1", *PACKAGES["s3"]), storage_backend="s3")
    open_to_browsers(server, bucket_name, site)
    variables = server.variables | {"AWS_STORAGE_BUCKET_NAME": bucket_name, "DJANGO_SECRET_KEY": "secret"}
    releases = write_releases(site, tmp_path, **variables)
    for release in releases[:2]:
        release.manage("collectstatic", "--noinput")
    with running(releases[1]) as address:
        before = Visit.open(browser, address)
    assert before.modules == "1 1 1 1"

    releases[2].manage("collectstatic", "--noinput")

    assert before.click("lazy") == "1"
    with running(releases[2]) as address:
        after = Visit.open(browser, address)
    assert (after.modules, after.click("lazy")) == ("2 2 2 2", "2")
    with running(releases[1]) as address:
        rolled_back = Visit.open(browser, address)
    assert (rolled_back.modules, rolled_back.click("lazy")) == ("1 1 1 1", "1")

    everything = dict.fromkeys(sorted(name.removesuffix(".js") for name in MODULES), 3)
    assert hashed_modules(server.names(bucket_name)) == everything
    releases[1].manage("releases", "prune", "--keep=1", "--days=0")
    assert hashed_modules(server.names(bucket_name)) == dict.fromkeys(everything, 2)
    for visit, value in ((before, "1"), (after, "2"), (rolled_back, "1")):
        assert visit.click("later") == value
        assert visit.complaints == []
