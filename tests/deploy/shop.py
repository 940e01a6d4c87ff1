"""Two releases of a shop. Its page, style sheet, script, lazily loaded module and font identify their release."""

import io
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

PAGE = """{% load static %}<!doctype html>
<html lang="en" data-release="RELEASE">
  <head>
    <meta charset="utf-8">
    <title>Shop</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="{% static 'shop/page.css' %}">
    EXTRA
    <script type="module" src="{% static 'shop/app.js' %}"></script>
  </head>
  <body>
    <button data-module="{% static 'shop/chart.js' %}">Show the chart</button>
  </body>
</html>
"""

STYLE = """/* release RELEASE */
:root { --release: RELEASE; }
@font-face { font-family: Brand; src: url(brand.ttf); }
"""

SCRIPT = """// release RELEASE
const page = document.documentElement;
page.dataset.script = "RELEASE";
document.querySelector("button").addEventListener("click", async (event) => {
  const [chart, fonts] = await Promise.allSettled([
    import(event.target.dataset.module),
    document.fonts.load("1rem Brand"),
  ]);
  page.dataset.chart = chart.status === "fulfilled" ? chart.value.title() : "missing";
  page.dataset.font = fonts.status === "fulfilled" ? fonts.value[0].status : "missing";
});
"""

# The same in both releases, as most files are.
CHART = """import { axis } from "./axis.js";
export const title = () => `chart with ${axis}`;
"""
AXIS = 'export const axis = "axis";\n'

# Only release 2 rewrites the imports of modules, so there the chart has another name.
STORAGES = """from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class Storage(ManifestStaticFilesStorage):
    support_js_module_import_aggregation = RELEASE == 2
"""

URLS = """from django.urls import path
from django.views.generic import TemplateView

urlpatterns = [
    path("", TemplateView.as_view(template_name="pages/home.html")),
    path("offer/", TemplateView.as_view(template_name="pages/offer.html")),
]
"""

# What the two runs differ in.
SETTINGS = {
    "per release": 'STORAGES["staticfiles"]["OPTIONS"]["stage"] = "my_site.storages.Storage"',
    "Django's own": 'STORAGES["staticfiles"] = {"BACKEND": "my_site.storages.Storage"}\n'
    'INSTALLED_APPS.remove("release_static")',
}


def write_release(folder: Path, release: int, storage: str) -> None:
    """Make the rendered project in this folder release 1 or 2 of the shop, published with a key of SETTINGS."""
    # The style sheet of the offer has another name in each release: banner-1.css, banner-2.css.
    banner = f'<link rel="stylesheet" href="{{% static \'shop/banner-{release}.css\' %}}">'
    texts = {
        "my_site/storages.py": STORAGES,
        "my_site/urls.py": URLS,
        "pages/templates/pages/home.html": PAGE.replace("EXTRA", ""),
        "pages/templates/pages/offer.html": PAGE.replace("EXTRA", banner),
        "static/shop/page.css": STYLE,
        "static/shop/app.js": SCRIPT,
        "static/shop/chart.js": CHART,
        "static/shop/axis.js": AXIS,
        f"static/shop/banner-{release}.css": "/* release RELEASE */",
        "REVISION": f"release-{release}",
    }
    (folder / "static" / "shop").mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text.replace("RELEASE", str(release)))
    (folder / "static" / "shop" / "brand.ttf").write_bytes(font(release))
    with open(folder / "my_site" / "settings.py", "a") as settings:
        settings.write(f"\n{SETTINGS[storage]}\n")


def font(release: int) -> bytes:
    """A font with one empty glyph, as wide as the number of the release."""
    builder = FontBuilder(1000)
    builder.setupGlyphOrder([".notdef"])
    builder.setupCharacterMap({})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph()})
    builder.setupHorizontalMetrics({".notdef": (release, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupOS2()
    builder.setupPost()
    builder.setupNameTable({"familyName": "Brand", "styleName": "Regular"})
    # The same bytes in every run.
    builder.font["head"].created = builder.font["head"].modified = 0
    builder.font.recalcTimestamp = False
    stream = io.BytesIO()
    builder.save(stream)
    return stream.getvalue()
