"""The import commands: what they print, what they do, how they end."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from app import import_cli
from app.models import Appeal, Category, ImportBatch, db
from tests.books import workbook
from tests.services.test_imports import TITLES, TREE, row


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker runs beside these tests."""
    monkeypatch.setattr(import_cli, "PATIENCE", 0.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "示例 信箱.xlsx"
    path.write_bytes(workbook(TITLES, row(1), row(2, 答复时间="2019/5/10"), row(3, 标题="", 内容="")))
    return path


def appeals() -> int:
    return db.session.scalar(select(func.count()).select_from(Appeal).where(Appeal.source.is_not(None))) or 0


def test_it_imports_without_asking_when_told_so(app: Flask, file: Path) -> None:
    done = app.test_cli_runner().invoke(args=["import-appeals", str(file), "--class", "C", "--yes"])
    assert done.exit_code == 0, done.output
    assert appeals() == 2
    assert db.session.scalars(select(Appeal.source)).first() == "示例 信箱"
    assert "H 答复时间" in done.output


def test_it_asks_and_a_no_adds_nothing(app: Flask, file: Path) -> None:
    done = app.test_cli_runner().invoke(args=["import-appeals", str(file), "--class", "C"], input="n\n")
    assert done.exit_code == 0, done.output
    assert appeals() == 0
    assert db.session.scalars(select(ImportBatch)).one().state == "cancelled"


def test_again_it_adds_nothing_and_says_so(app: Flask, file: Path) -> None:
    run = app.test_cli_runner()
    arguments = ["import-appeals", str(file), "--class", "c", "--source", "示例网站", "--sheet", "示例表", "--yes"]
    run.invoke(args=arguments)
    again = run.invoke(args=arguments)
    assert again.exit_code == 0, again.output
    assert appeals() == 2


@pytest.mark.parametrize(
    "more", [["--class", "X"], ["--sheet", "无此表"], []], ids=["no such class", "no such sheet", "no class to suggest"]
)
def test_what_is_wrong_is_said_with_exit_code_1(app: Flask, file: Path, more: list[str]) -> None:
    done = app.test_cli_runner().invoke(args=["import-appeals", str(file), "--yes", *more])
    assert done.exit_code == 1
    assert appeals() == 0
    assert db.session.scalars(select(ImportBatch.content_sealed)).all() == [None]


def test_a_file_that_is_no_workbook_is_refused(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "示例.xlsx"
    path.write_text("编号,内容")
    done = app.test_cli_runner().invoke(args=["import-appeals", str(path), "--yes"])
    assert done.exit_code == 1


def test_a_tree_is_loaded(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "分类.xlsx"
    path.write_bytes(workbook(*TREE))
    done = app.test_cli_runner().invoke(args=["import-categories", str(path), "--yes"])
    assert done.exit_code == 0, done.output
    assert db.session.scalars(select(Category).where(Category.code == "示例建设/示例安全/示例隐患")).one().level == 3
