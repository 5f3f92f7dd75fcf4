"""Every word a person reads: each error code has its sentence, each English text its Chinese one."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from app.exchange_messages import EXCHANGE_SENTENCES
from app.messages import SENTENCES
from app.rules.workflow import GUARDS

ROOT = Path(__file__).parents[1]
PO = ROOT / "app" / "translations" / "zh" / "LC_MESSAGES" / "messages.po"
# Who makes a code, and how many arguments stand before it; progress tells it to the page of a task.
FAMILIES = {"Conflict": 0, "Invalid": 0, "NotFound": 0, "Refused": 0, "StaleLogin": 0} | {
    "FieldProblem": 1,
    "wrong": 1,
    "progress": 2,
}
CJK = re.compile(r"[\u3400-\u9fff\u3000-\u303f\uff00-\uffef]")
PLACEHOLDER = re.compile(r"%\((\w+)\)")
# The mark of fictional data is a Chinese word in both languages; the product's name needs no English twin.
CHINESE_IN_ENGLISH = {"示例", "简体中文"}
# What stays Latin in Chinese: names of formats, classes and roles, keys of a keyboard, examples to type.
LATIN_IN_CHINESE = re.compile(
    r"\b(A|B|C|D|E|F|AB|R\d+|Excel|Word|docx|xlsx|XLSX|IP|PDF|MP4|Alt|Ctrl|Enter|Esc|Tab|PostgreSQL|Redis|CSV|MB|KB|ID|h|d|min|seq|year|Wi|"
    r"English|eml|flask|accounts|reset|verify-journal|qwert|kind|amount|json|JSON|UTC|TLS|HTTP|SHA|UTF-8|GB18030)\b|\{[^}]*\}|%\(\w+\)[sd]|%[sd]|<[^>]*>|&\w+;"
)


# --- codes -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Raised:
    """One place where a code is made: its exact text, or a pattern if it has a hole; neither for a variable."""

    where: str
    code: str | None
    pattern: re.Pattern[str] | None
    keys: frozenset[str] | None  # the names of its data, None when they are not written out there


@cache
def raised() -> tuple[Raised, ...]:
    found = []
    for path in sorted(p for folder in ("app", "jobs", "seed") for p in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = getattr(getattr(node, "func", None), "id", getattr(getattr(node, "func", None), "attr", ""))
            if isinstance(node, ast.Call) and name in FAMILIES:
                found.append(_raised(f"{path.relative_to(ROOT)}:{node.lineno}", node, name))
    return tuple(found)


def _raised(where: str, node: ast.Call, name: str) -> Raised:
    given = [*node.args[FAMILIES[name] :], *(kw.value for kw in node.keywords if kw.arg in ("code", "data"))]
    code, pattern, keys = None, None, None
    if given and isinstance(given[0], ast.Constant):
        code = str(given[0].value)
    elif given and isinstance(given[0], ast.JoinedStr):
        parts = [re.escape(v.value) if isinstance(v, ast.Constant) else "[a-z0-9-]+" for v in given[0].values]
        pattern = re.compile("".join(parts))
    data = given[1] if len(given) > 1 else None
    if data is None:
        keys = frozenset()
    elif isinstance(data, ast.Dict) and all(isinstance(key, ast.Constant) for key in data.keys):
        keys = frozenset(str(key.value) for key in data.keys if isinstance(key, ast.Constant))
    return Raised(where, code, pattern, keys)


def test_every_code_has_a_sentence() -> None:
    missing = [f"{r.where} {r.code}" for r in raised() if r.code is not None and r.code not in SENTENCES]
    missing += [
        f"{r.where} {r.pattern.pattern}"
        for r in raised()
        if r.pattern is not None and not any(r.pattern.fullmatch(code) for code in SENTENCES)
    ]
    missing += [
        f"app/rules/workflow.py GUARDS {code}"
        for code, guard in GUARDS.items()
        if code not in SENTENCES and re.search(r"[(,] ?code[,)]", inspect.getsource(guard).split(":\n", 1)[1])
    ]
    assert not missing, "\n".join(missing)


def test_every_code_that_a_rule_returns_has_a_sentence() -> None:
    """Codes that travel in data first (a task's message, a flaw of a row) are found by their look."""
    known = {code.split(".")[0] for code in SENTENCES}
    look = re.compile(rf"({'|'.join(sorted(known))})(\.[a-z0-9]+(-[a-z0-9]+)*)+")
    worded = set(SENTENCES) | _other_words()
    missing = []
    for path in sorted((ROOT / "app" / "rules").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            if look.fullmatch(text) and text not in worded:
                missing.append(f"{path.relative_to(ROOT)}:{node.lineno} {text}")
    assert not missing, "\n".join(missing)


def _other_words() -> set[str]:
    """Codes that have their words in another table: the trace of a deadline, the findings of an import."""
    from app import words

    return {str(code) for table in vars(words).values() if isinstance(table, Mapping) for code in table} | {
        "workflow.orphan",
        "workflow.dead-end",
    }  # for whoever changes the table of the workflow; never shown


def test_every_sentence_gets_the_data_it_names() -> None:
    """A sentence whose data is missing would show its placeholder to a person."""
    wrong = []
    for r in raised():
        if r.code in SENTENCES and r.keys is not None:
            lacking = set(PLACEHOLDER.findall(_plain(r.code))) - r.keys
            if lacking:
                wrong.append(f"{r.where} {r.code} lacks {', '.join(sorted(lacking))}")
    assert not wrong, "\n".join(wrong)


def _plain(code: str) -> str:
    text = SENTENCES[code]
    return str(getattr(text, "_args", (text,))[0])


def test_no_sentence_is_left_over() -> None:
    source = "\n".join(
        path.read_text("utf-8")
        for folder in ("app", "jobs", "seed")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "messages.py"
    )
    made = [r.pattern for r in raised() if r.pattern is not None] + [re.compile(r"http\.\d{3}")]
    idle = [
        code for code in SENTENCES if f'"{code}"' not in source and not any(pattern.fullmatch(code) for pattern in made)
    ]
    assert not idle, idle


def test_codes_stand_in_alphabetical_order() -> None:
    files = [code for code in SENTENCES if code in EXCHANGE_SENTENCES]
    others = [code for code in SENTENCES if code not in EXCHANGE_SENTENCES]
    assert files == sorted(files)
    assert others == sorted(others)


# --- languages ---------------------------------------------------------------------------------------------

_KEYWORDS = {
    "_": None,
    "_l": None,
    "_n": (1, 2),
    "N_": None,
    "gettext": None,
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}


@cache
def texts() -> dict[tuple[str, ...], str]:
    """Every English text of the product (singular, or singular and plural) and one place where it stands."""
    found: dict[tuple[str, ...], str] = {}
    for path in _sources():
        keywords = dict(_KEYWORDS)
        if path.is_relative_to(ROOT / "app" / "reports"):
            keywords["t"] = None  # a report gets its translator as an argument
        method = "jinja2.ext:babel_extract" if path.suffix == ".html" else "python"
        content = BytesIO(path.read_bytes())
        options = {"trimmed": "true"}
        for line, message, _comments, _context in extract(method, content, keywords=keywords, options=options):
            parts = message if isinstance(message, tuple) else (message,)
            found.setdefault(tuple(str(p) for p in parts if p), f"{path.relative_to(ROOT)}:{line}")
    return found


def _sources() -> Iterator[Path]:
    for folder in ("app", "jobs", "seed"):
        yield from sorted((ROOT / folder).rglob("*.py"))
    yield ROOT / "prepare.py"
    yield from sorted((ROOT / "app" / "templates").rglob("*.html"))


@pytest.fixture(scope="module")
def chinese() -> Catalog:
    with open(PO, "rb") as file:
        return read_po(file, locale="zh")


def test_english_texts_hold_no_chinese() -> None:
    mixed = [f"{where}: {' / '.join(parts)}" for parts, where in texts().items() if _has_chinese(" ".join(parts))]
    assert not mixed, "\n".join(mixed)


def _has_chinese(text: str) -> bool:
    for word in CHINESE_IN_ENGLISH:
        text = text.replace(word, "")
    return bool(CJK.search(text))


def test_every_text_has_its_chinese(chinese: Catalog) -> None:
    missing = []
    for parts, where in texts().items():
        message = chinese.get(parts[0])
        if message is None or not message.string or message.fuzzy or not all(_strings(message)):
            missing.append(f"{where}: {parts[0]}")
    assert not missing, f"{len(missing)} texts\n" + "\n".join(missing)


def _strings(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string,)


def test_translations_keep_the_placeholders(chinese: Catalog) -> None:
    wrong = []
    for parts, where in texts().items():
        message = chinese.get(parts[0])
        for string in _strings(message) if message is not None and message.string else ():
            wanted, given = set(PLACEHOLDER.findall(parts[-1])), set(PLACEHOLDER.findall(string))
            if not given <= wanted or (wanted - given) - {"num"}:
                wrong.append(f"{where}: {parts[0]} → {string}")
    assert not wrong, "\n".join(wrong)


def test_translations_are_chinese(chinese: Catalog) -> None:
    """No English word is left over in a Chinese sentence."""
    mixed = []
    for parts, where in texts().items():
        message = chinese.get(parts[0])
        for string in _strings(message) if message is not None and message.string else ():
            if re.search(r"[A-Za-z]{2,}", LATIN_IN_CHINESE.sub("", string)):
                mixed.append(f"{where}: {parts[0]} → {string}")
    assert not mixed, "\n".join(mixed)
