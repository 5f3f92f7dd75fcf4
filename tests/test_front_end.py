"""What the page policy promises: no inline script or style, no other host, a lock file without addresses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = sorted((ROOT / "app" / "templates").rglob("*.html"))
STYLES = sorted((ROOT / "frontend" / "styles").glob("*.css"))
SCRIPTS = sorted((ROOT / "frontend" / "src").rglob("*.ts"))
# The namespace of SVG is a name, not an address.
ADDRESS = re.compile(r"(?:https?:)?//(?!www\.w3\.org/)[a-z0-9.-]+\.[a-z]{2,}", re.IGNORECASE)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_a_template_has_no_style_attribute_and_no_inline_handler(path: Path) -> None:
    found = re.findall(r"<[^>]*\s(?:style|on[a-z]+)\s*=", path.read_text(encoding="utf-8"))
    assert found == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_a_template_runs_only_scripts_that_carry_the_nonce(path: Path) -> None:
    tags = re.findall(r"<script[^>]*>", path.read_text(encoding="utf-8"))
    assert [tag for tag in tags if 'type="application/json"' not in tag and "nonce=" not in tag] == []


@pytest.mark.parametrize("path", [*TEMPLATES, *STYLES, *SCRIPTS], ids=name)
def test_nothing_is_loaded_from_another_host(path: Path) -> None:
    assert ADDRESS.findall(path.read_text(encoding="utf-8")) == []


def test_the_lock_file_pins_by_hash_and_names_no_address() -> None:
    lock = json.loads((ROOT / "frontend" / "package-lock.json").read_text(encoding="utf-8"))
    packages = {key: value for key, value in lock["packages"].items() if key}
    assert packages
    assert [key for key, value in packages.items() if "resolved" in value or "integrity" not in value] == []


def test_every_text_of_the_scripts_is_sent_by_the_server() -> None:
    templates = ROOT / "app" / "templates"
    catalogues = (templates / "appbuilder" / "messages.html", *(templates / "grid").glob("_*messages.html"))
    sent = "\n".join(path.read_text(encoding="utf-8") for path in catalogues)
    source = "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    asked = set(re.findall(r'\btext\(\s*"([^"]+)"', source)) | {
        "Waiting",
        "Running",
        "Done",
        "Failed",
        "Cancelled",
    }
    assert len(asked) > 20
    assert sorted(key for key in asked if f"'{key}': _('{key}')" not in sent) == []
