"""Releases of a page with ES modules, whose exports have different names in each release."""

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.project import Project

PAGE = """{% load static %}<!doctype html>
<html lang="en" data-release="RELEASE">
  <head>
    <meta charset="utf-8">
    <title>Modules</title>
    <link rel="icon" href="data:,">
    <script type="module" src="{% static 'modules/main.js' %}"></script>
  </head>
  <body><button id="lazy">Now</button><button id="later">Later</button></body>
</html>
"""

MODULES = {
    "main.js": """import { ringRELEASE } from "./ring.js";
import { leafRELEASE, renamedRELEASE } from "./barrel.js";
import "./effect.js";

const page = document.documentElement;
page.dataset.modules = [ringRELEASE(), leafRELEASE, renamedRELEASE, page.dataset.effect].join(" ");
for (const [id, load] of Object.entries({ lazy: () => import("./lazy.js"), later: () => import("./later.js") })) {
  document.getElementById(id).addEventListener("click", async () => {
    page.dataset[id] = await load().then((module) => module.valueRELEASE, (error) => error.message);
  });
}
""",
    # Two that import each other.
    "ring.js": """import { closeRELEASE } from "./close.js";
export const start = "RELEASE";
export const ringRELEASE = () => closeRELEASE();
""",
    "close.js": """import { start } from "./ring.js";
export const closeRELEASE = () => start;
""",
    "barrel.js": """export * from "./leaf.js";
export { partRELEASE as renamedRELEASE } from "./part.js";
""",
    "leaf.js": 'export const leafRELEASE = "RELEASE";\n',
    "part.js": 'export const partRELEASE = "RELEASE";\n',
    "effect.js": 'document.documentElement.dataset.effect = "RELEASE";\n',
    # Only a click loads these, with what they import.
    "lazy.js": 'import { leafRELEASE } from "./leaf.js";\nexport const valueRELEASE = leafRELEASE;\n',
    "later.js": 'export { behindRELEASE as valueRELEASE } from "./behind.js";\n',
    "behind.js": 'export const behindRELEASE = "RELEASE";\n',
}


def write_releases(site: Project, folder: Path, settings: str = "", **variables: str) -> list[Project]:
    """Copies of the site as releases 0, 1 and 2, not published yet; their settings end with `settings`."""
    return [_write_release(site, folder / f"release-{n}", n, settings, variables) for n in range(3)]


def _write_release(site: Project, folder: Path, release: int, settings: str, variables: dict[str, str]) -> Project:
    shutil.copytree(site.path, folder)
    (folder / "static" / "modules").mkdir()
    texts = {f"static/modules/{name}": text for name, text in MODULES.items()}
    texts |= {"pages/templates/pages/home.html": PAGE, "REVISION": "release-RELEASE"}
    for name, text in texts.items():
        (folder / name).write_text(text.replace("RELEASE", str(release)))
    with open(folder / "my_site" / "settings.py", "a") as file:
        file.write(f"\n{settings}\n")
    return Project(folder, site.python, site.variables | variables)


@dataclass
class Visit:
    """A page that was opened with an empty cache. `complaints` are the browser's errors."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, browser: Browser, address: str) -> "Visit":
        visit = cls(browser.new_context().new_page())
        page, complaints = visit.page, visit.complaints
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("response", lambda answer: complaints.append(answer.url) if answer.status >= 400 else None)
        page.goto(address, wait_until="networkidle")
        return visit

    @property
    def modules(self) -> str | None:
        """The releases of what the page has loaded by itself: "1 1 1 1", None if that failed."""
        return self.page.get_attribute("html", "data-modules")

    def click(self, button: str) -> str | None:
        """The release of what the page loads now, or the browser's error."""
        self.page.click(f"#{button}")
        self.page.wait_for_function(f"document.documentElement.dataset.{button}")
        return self.page.get_attribute("html", f"data-{button}")


def hashed_modules(names: Iterable[str]) -> dict[str, int]:
    """How many hashed files there are of each module, given all published names."""
    found = [match[1] for name in names if (match := re.search(r"modules/(\w+)\.[0-9a-f]{12}\.js$", name))]
    return {name: found.count(name) for name in sorted(set(found))}
