"""Every (state, step, post) cell stands in one file, and the file says what the product does."""

from __future__ import annotations

import itertools

import yaml

from app.models import Post, db
from app.rules.workflow import ACTIONS, State, actions_for
from tests import cells
from tests.factories import Factory


def test_every_cell_is_as_the_file_says() -> None:
    """After a deliberate change: `python -m tests.cells`, then look at the difference."""
    golden = yaml.safe_load(cells.PAGE.read_text("utf-8"))
    wrong = []
    for state, name, (who, own) in itertools.product(State, ACTIONS, cells.posts().items()):
        may = name in {action.name for action in actions_for(state, own)}
        if may != (who in golden[state.value].get(name, ())):
            wrong.append(f"{state.value}, {name}, {who}: the product says {'yes' if may else 'no'}")
    assert not wrong, "\n".join([*wrong, "If this is meant: python -m tests.cells"])


def test_the_file_is_written_as_the_command_writes_it() -> None:
    assert cells.PAGE.read_text("utf-8") == cells.page(), "run: python -m tests.cells"


def test_every_step_is_somebodys() -> None:
    golden = yaml.safe_load(cells.PAGE.read_text("utf-8"))
    orphans = [(state, name) for state, steps in golden.items() for name, who in steps.items() if not who]
    assert not orphans
    assert {name for steps in golden.values() for name in steps} == set(ACTIONS)


def test_no_officer_takes_part_in_the_course_of_an_appeal() -> None:
    golden = yaml.safe_load(cells.PAGE.read_text("utf-8"))
    assert not [who for steps in golden.values() for row in steps.values() for who in row if who.startswith("[")]


def test_the_posts_of_the_file_are_those_of_the_product(make: Factory) -> None:
    known = {code: own for code, own in cells.posts().items() if code[0] not in "(["}
    seeded = {post.code: frozenset(post.capabilities) for post in db.session.query(Post)}
    assert known == seeded
