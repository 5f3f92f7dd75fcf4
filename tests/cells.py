"""Who may do which step where: every (state, step, post) cell of the table, as one file a person can read.

`python -m tests.cells` writes tests/workflow_cells.yaml anew after a deliberate change; look at its difference.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from app.rules.grants import CAPABILITIES, OFFICERS, Source
from app.rules.workflow import State, actions_for

PAGE = Path(__file__).with_name("workflow_cells.yaml")
POSTS = Path(__file__).parents[1] / "seed" / "posts.csv"
HEAD = """\
# Which post or function may do which step in which state. What is not listed is refused. Written by
# `python -m tests.cells`; tests/test_cells.py compares. Whose appeals a post reaches is a matter of grants, what
# stands in the way of a single appeal a matter of guards.
"""


def posts() -> Mapping[str, frozenset[str]]:
    """The capabilities of each post of the seed, of each function in a unit, and of each officer."""
    with POSTS.open(encoding="utf-8", newline="") as file:
        known = {row["code"]: frozenset(re.split(r"[\s;,|]+", row["capabilities"])) for row in csv.DictReader(file)}
    functions = {f"({c.code})": frozenset({c.code}) for c in CAPABILITIES.values() if c.source is Source.FUNCTION}
    return known | functions | {f"[{officer}]": frozenset({officer}) for officer in OFFICERS}


def allowed() -> dict[str, dict[str, list[str]]]:
    """state → step → who may do it, in the order of the table; a step nobody may do stands with an empty list."""
    everything = frozenset(CAPABILITIES)
    found: dict[str, dict[str, list[str]]] = {}
    for state in State:
        steps = [action.name for action in actions_for(state, everything)]
        may = {who: {action.name for action in actions_for(state, own)} for who, own in posts().items()}
        found[state.value] = {name: [who for who, names in may.items() if name in names] for name in steps}
    return found


def page() -> str:
    """The whole text of the file."""
    return HEAD + yaml.safe_dump(allowed(), sort_keys=False, allow_unicode=True, width=10_000, default_flow_style=None)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
