"""Write docs/workflow.md from the state table: `python -m docs.draw_workflow`. A test fails when it is out of date."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from app import words
from app.rules.workflow import (
    ACTIONS,
    FINAL_STATES,
    INITIAL_STATES,
    REGISTERED_STATES,
    WAITS_FOR,
    Action,
    State,
    leads_to,
)

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "workflow.md"
CATALOGUE = ROOT / "app" / "translations" / "zh" / "LC_MESSAGES" / "messages.po"
HEAD = """\
# The course of an appeal

<!-- Written by `python -m docs.draw_workflow` from app/rules/workflow.py. Do not edit. -->

One table in `app/rules/workflow.py` says which step leads from which state to which.
The services do what it allows. The desk shows what it names.
The capabilities below are given to posts in the staffing table; the names of the posts are those of `seed/posts.csv`.
"""
FUNCTIONS = {
    "answer": "unit handler (承办单位经办人)",
    "deliver": "section clerk (对口处室)",
    "lead": "leader (分管副市长、分管副秘书长)",
}


def page() -> str:
    """The whole text of docs/workflow.md."""
    return "\n".join([HEAD, *_diagram(), "", *_states(), "", *_actions(), "", *_notes(), ""])


@cache
def _catalogue() -> Catalog:
    with open(CATALOGUE, "rb") as file:
        return read_po(file, locale="zh")


def _both(label: Any) -> tuple[str, str]:
    """English and Chinese of a label of app/words.py; a lazy string keeps its English text as its argument."""
    english = str(label._args[0])
    message = _catalogue().get(english)
    return english, str(message.string) if message is not None else ""


def _diagram() -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    for state in State:
        yield f"    {state}: {_both(words.STATES[state])[1]} {state}"
    for state in INITIAL_STATES:
        yield f"    [*] --> {state}"
    for source, target, names in _edges():
        yield f"    {source} --> {target}: {' / '.join(names)}"
    for state in FINAL_STATES:
        yield f"    {state} --> [*]"
    yield "```"


def _edges() -> Iterator[tuple[State, State, list[str]]]:
    """Each pair of states once; what stays where it is, is left to the table."""
    found: dict[tuple[State, State], list[str]] = {}
    for action in ACTIONS.values():
        for source in action.sources:
            for target in State:
                if target in leads_to(action, source) - {source}:
                    found.setdefault((source, target), []).append(action.name)
    yield from ((source, target, names) for (source, target), names in found.items())


def _states() -> Iterator[str]:
    yield "## States"
    yield ""
    yield "| code | 状态 | state | waits for |"
    yield "|---|---|---|---|"
    for state in State:
        english, chinese = _both(words.STATES[state])
        yield f"| `{state}` | {chinese} | {english} | {_waits(state)} |"


def _waits(state: State) -> str:
    waits = WAITS_FOR[state]
    return "its main appeal" if waits.kind == "main" else _who(waits.capability)


def _actions() -> Iterator[str]:
    yield "## Steps"
    yield ""
    yield "A step with a unit's assignment moves the appeal only where the unit leads; a co-handling unit's clock is"
    yield "`co_limit` instead of `unit_limit`, and it has no review."
    yield ""
    yield "| step | 步骤 | from | to | unit's assignment | capability | starts clocks | stops clocks | at once |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for action in ACTIONS.values():
        chinese = _both(words.ACTIONS[action.name])[1]
        cells = [
            f"`{action.name}`",
            chinese,
            _sources(action),
            _targets(action),
            _parts(action),
            ", ".join(action.capabilities),
            ", ".join(_starts(action)),
            ", ".join(_stops(action)),
            "yes" if action.bulk else "",
        ]
        yield f"| {' | '.join(cells)} |"


def _sources(action: Action) -> str:
    return "any registered state" if action.sources == REGISTERED_STATES else ", ".join(action.sources)


def _targets(action: Action) -> str:
    if action.target_by is not None:
        name, targets = action.target_by
        found = "; ".join(f"{target or 'the same'} ({name} {value})" for value, target in targets.items())
    else:
        found = "the same" if action.target is None else str(action.target)
    if action.back:
        found += ", instructed where an instruction stands"
    return found


def _parts(action: Action) -> str:
    """Where a unit's own assignment has to stand, and where it goes."""
    if not action.parts:
        return ""
    return ", ".join(action.parts) + (f" → {action.part}" if action.part else "")


def _starts(action: Action) -> Iterator[str]:
    yield from action.starts
    for value, kinds in action.starts_if.items():
        yield from (f"{kind} (if {value})" for kind in kinds)


def _stops(action: Action) -> Iterable[str]:
    """`check` adds one: what policy does not permit is answered by saying so, which stops the unit's limit."""
    return ("unit_limit (if not_permitted)",) if action.name == "explain" else action.stops


def _notes() -> Iterator[str]:
    yield "## Who has a capability"
    yield ""
    yield "| capability | 职能 | seeded posts or function |"
    yield "|---|---|---|"
    for capability in sorted({code for action in ACTIONS.values() for code in action.capabilities}):
        yield f"| {capability} | {_both(words.CAPABILITIES[capability])[1]} | {_who(capability)} |"


def _who(capability: str | None) -> str:
    if capability is None:
        return "nobody"
    if capability in FUNCTIONS:
        return FUNCTIONS[capability]
    with open(ROOT / "seed" / "posts.csv", encoding="utf-8", newline="") as file:
        posts = [row for row in csv.DictReader(file) if capability in row["capabilities"].split("|")]
    return ", ".join(f"{row['name_en']} ({row['name']})" for row in posts)


def main() -> int:
    """Write the page; no arguments."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
