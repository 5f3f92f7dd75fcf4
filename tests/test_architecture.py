"""The layers of DESIGN.md section 5: imports point one way, services commit once, rules know nothing."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {"app", "benchmarks", "config", "jobs", "prepare", "run", "seed", "tests", "wsgi"}
LIMITS = {"app/views.py": 1200}  # a whole family moves out of it at once
USUAL_LIMIT = 700

# What each layer may import of ours, by prefix. The longest prefix that fits a module names its layer.
LAYERS: dict[str, tuple[str, ...]] = {
    "config": (),
    "app.rules": ("app.rules",),
    "app.reports": ("app.reports", "app.rules"),
    # One layer in six files: what every table stands on, four families, the rest and the door to all.
    "app.tables": (),
    "app.staffing_tables": ("app.tables",),
    "app.rule_tables": ("app.staffing_tables", "app.tables"),
    "app.handling_tables": ("app.staffing_tables", "app.tables"),
    "app.grid_tables": ("app.staffing_tables", "app.tables"),
    "app.appeal_tables": ("app.handling_tables", "app.rule_tables", "app.staffing_tables", "app.tables"),
    "app.models": (
        "app.models",
        "app.appeal_tables",
        "app.grid_tables",
        "app.handling_tables",
        "app.rule_tables",
        "app.staffing_tables",
        "app.tables",
    ),
    "app.services": ("app.services", "app.models", "app.rules", "app.reports"),
    # Starting and watching processes knows the settings and nothing of appeals.
    "app.embedded": ("app.embedded", "app.leash", "config"),
    "app.leash": ("app.leash",),
    "app.supervision": ("app.supervision", "app.embedded", "app.leash"),
    "app.migrations": ("app.models",),
    # The edges: they may use everything below, and each other.
    "app": ("app",),
    "jobs": ("jobs", "app", "config"),
    "seed": ("seed", "app"),
    "prepare": ("app", "seed", "config"),
    "run": ("run", "app.embedded", "app.leash", "app.supervision", "config"),
    "wsgi": ("app", "config"),
}


@dataclass(frozen=True)
class Module:
    """A source file, its dotted name, its tree and what it imports as absolute dotted names."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def layer(self) -> str:
        fitting = [prefix for prefix in LAYERS if _within(self.name, prefix)]
        return max(fitting, key=len)

    def imports(self) -> Iterator[tuple[int, str]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node)
                # `from app import words` imports the module app.words, `from app.models import db` a name.
                yield from ((node.lineno, self._deepest(base, alias.name)) for alias in node.names)

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.name.split(".") if self.path.name == "__init__.py" else self.name.split(".")[:-1]
        start = package[: len(package) - node.level + 1]
        return ".".join([*start, *([node.module] if node.module else [])])

    @staticmethod
    def _deepest(base: str, name: str) -> str:
        inner = ROOT.joinpath(*base.split("."), name)
        return f"{base}.{name}" if inner.with_suffix(".py").exists() or inner.is_dir() else base


def _within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def _modules() -> list[Module]:
    files = [ROOT / f"{name}.py" for name in ("config", "prepare", "run", "wsgi")]
    for folder in ("app", "jobs", "seed"):
        files += sorted((ROOT / folder).rglob("*.py"))
    found = []
    for path in files:
        relative = path.relative_to(ROOT).with_suffix("")
        parts = relative.parts[:-1] if relative.name == "__init__" else relative.parts
        found.append(Module(".".join(parts), path, ast.parse(path.read_text("utf-8"), str(path))))
    return found


MODULES = _modules()
BY_NAME = {module.name: module for module in MODULES}


def _where(module: Module, line: int) -> str:
    return f"{module.path.relative_to(ROOT)}:{line}"


def test_imports_point_one_way() -> None:
    wrong = [
        f"{_where(module, line)} imports {target} (layer {module.layer})"
        for module in MODULES
        for line, target in module.imports()
        if target.split(".")[0] in OURS
        and not any(_within(target, allowed) for allowed in LAYERS[module.layer])
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("layer", ["app.rules", "config"])
def test_rules_and_settings_use_the_standard_library_only(layer: str) -> None:
    foreign = [
        f"{_where(module, line)} imports {target}"
        for module in MODULES
        if _within(module.name, layer)
        for line, target in module.imports()
        if (top := target.split(".")[0]) not in sys.stdlib_module_names and top not in OURS
    ]
    assert not foreign, "\n".join(foreign)


def test_reports_know_xlsxwriter_and_no_web_or_database() -> None:
    foreign = {
        target.split(".")[0]
        for module in MODULES
        if _within(module.name, "app.reports")
        for _line, target in module.imports()
        if target.split(".")[0] not in sys.stdlib_module_names | OURS
    }
    assert foreign <= {"xlsxwriter", "docx", "docxtpl", "jinja2", "lxml", "segno"}


# "Now" is an argument: no rule and no report asks what time it is, at which chance or in which environment.
_IMPURE = {
    "datetime": {"now", "today", "utcnow"},
    "date": {"today"},
    "time": {"time", "monotonic", "sleep"},
    "random": {"random", "choice", "randrange"},
    "os": {"getenv", "environ", "urandom"},
    "uuid": {"uuid4"},
    "secrets": {"token_hex", "token_urlsafe", "token_bytes"},
}


@pytest.mark.parametrize("layer", ["app.rules", "app.reports"])
def test_pure_layers_ask_nothing_of_the_outside(layer: str) -> None:
    impure = []
    for module in (m for m in MODULES if _within(m.name, layer)):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute):
                owner = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
                if node.attr in _IMPURE.get(owner, ()):
                    impure.append(f"{_where(module, node.lineno)} {owner}.{node.attr}")
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("open", "print")
            ):
                impure.append(f"{_where(module, node.lineno)} {node.func.id}()")
    assert not impure, "\n".join(impure)


def test_only_the_transaction_commits() -> None:
    """One write path: a service, job or page that commits by itself would split a step in two."""
    allowed = {
        "app.services.transaction",
        # Progress of a long task is written beside its own transaction: a page sees it at once.
        "app.services.tasks",
    }
    commits = [
        _where(module, node.lineno)
        for module in MODULES
        if module.name not in allowed and not _within(module.name, "app.migrations")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    ]
    assert not commits, "\n".join(commits)


def test_a_state_changes_in_the_workflow_only() -> None:
    """No second path writes where an appeal stands."""
    writers = {
        module.name
        for module in MODULES
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Attribute)
        and target.attr == "state"
        and ast.unparse(target.value) == "appeal"
    }
    assert writers == {"app.services.workflow"}


def test_pages_write_through_services() -> None:
    """A handler parses, calls one service and renders; what it adds by itself nobody journals."""
    edges = [m for m in MODULES if m.name.endswith("_views") or m.layer == "app" or _within(m.name, "jobs")]
    writes = [
        _where(module, node.lineno)
        for module in edges
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ("add", "add_all", "flush", "delete", "merge")
        and ast.unparse(node.value).endswith("session")
    ]
    assert not writes, "\n".join(writes)


def test_the_flask_application_is_made_in_its_factory_alone() -> None:
    """Importing the package costs nothing: run.py and the supervisor import parts of it without Flask."""
    tree = BY_NAME["app"].tree
    top = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert top <= {"__future__", "collections.abc", "typing"}


def test_modules_stay_readable() -> None:
    long = []
    for module in MODULES:
        relative = module.path.relative_to(ROOT).as_posix()
        lines = module.path.read_text("utf-8").count("\n")
        if lines >= LIMITS.get(relative, USUAL_LIMIT) and "migrations/versions" not in relative:
            long.append(f"{relative}: {lines} lines")
    assert not long, "\n".join(long)


def test_modules_are_nouns_of_the_domain() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc", "base"}
    found = [module.name for module in MODULES if vague & set(module.name.split("."))]
    assert not found, found
