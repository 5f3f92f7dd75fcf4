"""The documentation against the code: what is drawn is current, what can be set or called is named."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import config
from docs import draw_workflow

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text("utf-8")
DECISIONS = ROOT / "docs" / "decisions"


def _settings() -> dict[str, ast.expr]:
    """Each variable that config.load reads, with the expression of its default."""
    tree = ast.parse(Path(config.__file__).read_text("utf-8"))
    load = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "load")
    calls = [node for node in ast.walk(load) if isinstance(node, ast.Call) and ast.unparse(node.func) == "get"]
    return {ast.literal_eval(call.args[0]): call.args[2] for call in calls}


def _documented() -> dict[str, str]:
    """Each variable of the tables of docs/configuration.md, with the cell of its default."""
    return dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|", CONFIGURATION, re.MULTILINE))


def _targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    return set(re.findall(r"^([a-z][a-z0-9-]*):.*## ", makefile, re.MULTILINE))


def _commands() -> Iterator[str]:
    """Commands under `flask`, with the group before the name, as they are declared."""
    for path in sorted((ROOT / "app").glob("*cli.py")):
        functions = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)]
        declared = [(function.name, ast.unparse(d)) for function in functions for d in function.decorator_list]
        groups = {name: call[1] for name, text in declared if (call := re.fullmatch(r"click\.group\('(.+)'\)", text))}
        for _name, text in declared:
            if call := re.fullmatch(r"(\w+)\.command\('(.+)'\)", text):
                yield " ".join(("flask", *([groups[call[1]]] if call[1] in groups else []), call[2]))


def test_the_drawn_workflow_is_current() -> None:
    assert draw_workflow.PAGE.read_text("utf-8") == draw_workflow.page(), "run: python -m docs.draw_workflow"


def test_every_setting_is_documented_and_no_other() -> None:
    assert len(_settings()) > 20
    assert _settings().keys() == _documented().keys()


def test_documented_defaults_are_the_defaults() -> None:
    wrong = []
    for name, default in _settings().items():
        cell = _documented()[name].strip()
        value = default.value if isinstance(default, ast.Constant) else None
        expected = f"`{value}`" if value not in (None, "", b"") else None
        if (expected and cell != expected) or (
            isinstance(default, ast.Constant) and not expected and "none" not in cell
        ):
            wrong.append(f"{name}: {cell}, in the code {ast.unparse(default)}")
    assert not wrong, "\n".join(wrong)


def test_every_make_target_is_documented_and_no_other() -> None:
    assert _targets() == set(re.findall(r"^\| `make ([a-z0-9-]+)` \|", CONFIGURATION, re.MULTILINE))


def test_every_command_is_documented() -> None:
    missing = [name for name in _commands() if not re.search(rf"`{name}[ `]", CONFIGURATION)]
    assert list(_commands())
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    broken = [t for t in targets if "://" not in t and not (page.parent / t.split("#")[0]).exists()]
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_pages_name_exist(page: Path) -> None:
    """Paths in backquotes with a folder of ours in front; a name with a star or a hole is a pattern."""
    pattern = r"`((?:app|docs|frontend|jobs|seed|tests|benchmarks)/[\w./*{}-]+)`"
    named = re.findall(pattern, page.read_text("utf-8"))
    missing = [name for name in named if "{" not in name and not list(ROOT.glob(name)) and "dist" not in name]
    assert not missing


def _on_the_map() -> list[str]:
    """The modules that the map of docs/architecture.md names; one without a folder is in the one of its neighbour."""
    found, folder = [], ""
    for row in re.findall(r"^\| (`.+?) \|", (ROOT / "docs" / "architecture.md").read_text("utf-8"), re.MULTILINE):
        for name in re.findall(r"`([\w./]+\.py)`", row):
            head, slash, last = name.rpartition("/")
            folder = head if slash else folder
            found.append(name if slash else f"{folder}/{last}".lstrip("/"))
    return found


def test_each_module_stands_on_the_map_once() -> None:
    folders = ("app", "app/services", "app/rules", "app/reports")
    modules = [str(path.relative_to(ROOT)) for folder in folders for path in (ROOT / folder).glob("*.py")]
    named = _on_the_map()
    assert sorted({name for name in named if named.count(name) > 1}) == []
    assert sorted({name for name in modules if not name.endswith("/__init__.py")} - set(named)) == []
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_every_decision_is_listed_and_every_decision_cited_exists() -> None:
    files = {path.name for path in DECISIONS.glob("[0-9]*.md")}
    index = (DECISIONS / "README.md").read_text("utf-8")
    assert set(re.findall(r"\]\(([0-9][\w-]*\.md)\)", index)) == files
    sources = [path for folder in ("app", "jobs", "seed") for path in (ROOT / folder).rglob("*.py")]
    cited = {
        number
        for path in [*sources, *ROOT.glob("*.py"), ROOT / "README.md"]
        if path.exists()
        for number in re.findall(r"[Dd]ecision (\d{4})", path.read_text("utf-8"))
    }
    assert cited <= {name[:4] for name in files}
