"""A real build of Vite in a bucket."""

import json
import re

from tests.conftest import PACKAGES
from tests.deploy.http import get
from tests.servers import free_port
from tests.vite import follow_guide, write_release, written

FOREVER = "public, max-age=31536000, immutable"


def test_a_page_finds_its_lazy_chunk_in_the_bucket_after_the_next_release(
    render, virtual_environment, server, bucket_name, visitor, node_modules, start, tmp_path
):
    project = render(
        python=virtual_environment("6.1", *PACKAGES["s3"], "django-vite", "gunicorn"), storage_backend="s3"
    )
    project.variables = server.variables | {"AWS_STORAGE_BUCKET_NAME": bucket_name}
    follow_guide(project, node_modules)
    one, two = (write_release(project, tmp_path / f"release-{n}", n) for n in (1, 2))
    client = server.client()
    text = (project.path / "docs" / "s3.md").read_text().replace("my-bucket", bucket_name)
    policy, cors, *_ = map(json.loads, re.findall(r"```json\n(.*?)```", text, flags=re.DOTALL))
    # moto, which knows no accounts, would keep everybody from the manifests.
    del policy["Statement"][1:]
    client.put_bucket_policy(Bucket=bucket_name, Policy=json.dumps(policy))
    client.put_bucket_cors(Bucket=bucket_name, CORSConfiguration=cors)

    def run(release):
        """The port of a new process of this release."""
        port = free_port()
        command = ("gunicorn", "--no-control-socket", f"--bind=127.0.0.1:{port}", "my_site.wsgi")
        start(release, *command).until_listening(port)
        return port

    def script(port):
        """The name of the script in the page."""
        page = get(port, "/")
        assert page.status == 200
        (address,) = re.findall(r'<script[^>]* src="([^"]+)"', page.body.decode())
        return address.removeprefix(f"{server.endpoint}/{bucket_name}/static/")

    def published():
        names = (key.removeprefix("static/") for key in server.names(bucket_name))
        return {name for name in names if name.startswith("vite/")}

    done = one.manage("check", "--tag", "staticfiles")
    assert "no issues" in done.stdout + done.stderr
    one.manage("collectstatic", "--noinput")
    visitor.open(run(one))

    two.manage("collectstatic", "--noinput")

    assert visitor.click() == "Release 1!"
    (one.path / "staticfiles.json").unlink()  # as on another machine
    assert script(run(one)) in written(one) - written(two)
    assert script(run(two)) in written(two) - written(one)
    assert published() == written(one) | written(two)
    headers = [client.head_object(Bucket=bucket_name, Key=f"static/{name}") for name in published()]
    assert {header["CacheControl"] for header in headers} == {FOREVER}

    two.manage("releases", "prune", "--keep=1", "--days=0")

    assert published() == written(two)
    visitor.open(run(two))
    assert visitor.click() == "Release 2!"
    assert visitor.complaints == []
