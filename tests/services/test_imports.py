"""Importing workbooks on the real database: dry run, one transaction, identity, history. All made up."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from flask import Flask
from sqlalchemy import func, select, text

from app.models import Appeal, Category, ImportBatch, ImportProblem, Journal, NumberCounter, Task, db
from app.rules.errors import Conflict, FieldErrors, NotFound, Refused
from app.services import access, imports, present, sheet, tasks
from app.services.actors import Actor, software
from app.services.imports import Choice
from app.services.transaction import transaction
from tests.books import workbook
from tests.factories import Factory

TITLES = ["编号", "姓名", "联系电话", "标题", "时间", "内容", "答复意见", "答复时间"]
TREE = [
    ["一级分类", "二级分类", "三级分类"],
    ["示例建设", "示例安全", "示例事故"],
    ["示例建设", "示例安全", "示例隐患"],
]


def row(number: Any = 1, *, reply: str = "示例：已修复。", **said: Any) -> list[Any]:
    """A row of TITLES without a doubt."""
    given = {
        "编号": number,
        "姓名": "示例网友",
        "联系电话": "13800000001",
        "标题": f"示例：路灯不亮 {number}",
        "时间": "2019/4/25 9:32:09",
        "内容": f"\n\t\t示例小区第{number}栋的路灯已经三天不亮。",
        "答复意见": reply,
        "答复时间": "2019/5/10 14:56:53" if reply else "",
    }
    return [(given | said)[title] for title in TITLES]


@pytest.fixture
def clerk(make: Factory) -> Actor:
    """The ledger administrator."""
    return make.actor(make.holder("ledger_admin"))


def chosen(clerk: Actor, content: bytes, *, source: str = "示例网站", filename: str = "示例.xlsx") -> ImportBatch:
    """A batch handed in and settled as it is suggested."""
    batch = imports.upload(clerk, filename, content)
    shown = imports.preview(clerk, batch.id)
    return imports.choose(
        clerk, batch.id, Choice(shown.sheet, shown.mapping, source, shown.channel_class or "C", shown.kind)
    )


def applied(clerk: Actor, content: bytes, *, source: str = "示例网站") -> ImportBatch:
    """A batch carried out to its end."""
    batch = imports.check(clerk, chosen(clerk, content, source=source).id)
    carry_out(imports.apply(clerk, batch.id))
    db.session.refresh(batch)
    return batch


def carry_out(task: Task) -> str:
    run = tasks.claim(task.id)
    assert run is not None
    message = imports.carry_out(run)
    tasks.finish(run, message)
    return message


def appeals() -> list[Appeal]:
    return list(db.session.scalars(select(Appeal).where(Appeal.source.is_not(None)).order_by(Appeal.id)))


def codes(batch: ImportBatch) -> set[str]:
    return set(db.session.scalars(select(ImportProblem.code).where(ImportProblem.batch_id == batch.id)))


# --- what becomes of rows ----------------------------------------------------------------------------------


def test_a_row_with_a_reply_becomes_history(make: Factory, clerk: Actor) -> None:
    batch = applied(clerk, workbook(TITLES, row(2549)))
    (appeal,) = appeals()
    assert (appeal.state, appeal.source, appeal.source_no, appeal.result) == (
        "history",
        "示例网站",
        "2549",
        "示例：已修复。",
    )
    assert appeal.number is not None
    assert appeal.number.startswith("史")
    assert appeal.body == "示例小区第2549栋的路灯已经三天不亮。"
    assert appeal.closed_at == appeal.answered_at == datetime(2019, 5, 10, 6, 56, 53, tzinfo=UTC)
    assert (appeal.unit_id, appeal.limit_rule_id, appeal.clocks) == (None, None, [])
    assert (batch.state, batch.summary["history"], batch.summary["live"]) == ("applied", 1, 0)


def test_a_row_without_reply_waits_for_its_number(make: Factory, clerk: Actor) -> None:
    applied(clerk, workbook(TITLES, row(1, reply="")))
    (appeal,) = appeals()
    assert (appeal.state, appeal.number, appeal.closed_at) == ("submitted", None, None)
    assert appeal.submitted_at is not None
    registrar = make.actor(make.holder("registrar"))
    assert access.access_appeal(registrar, appeal.id).id == appeal.id


def test_each_appeal_has_one_journal_row_in_the_name_of_who_applied_it(clerk: Actor) -> None:
    applied(clerk, workbook(TITLES, row(1), row(2, reply="")))
    written = db.session.scalars(select(Journal).where(Journal.action == "import").order_by(Journal.id)).all()
    assert [entry.appeal_id for entry in written] == [appeal.id for appeal in appeals()]
    assert {(entry.person_id, entry.user_id) for entry in written} == {(clerk.person_id, clerk.user_id)}
    assert all(entry.post_id for entry in written)
    assert written[0].new["source_no"] == "1"


def test_the_appellant_is_sealed_and_searched_by_phone(app: Flask, clerk: Actor) -> None:
    applied(clerk, workbook(TITLES, row(1), row(2, 姓名="", 联系电话="")))
    first, second = appeals()
    assert sheet.appellant(first)["appellant_name"] == "示例网友"
    assert sheet.appellant(first)["appellant_phone"] == "13800000001"
    assert first.appellant_phone_bidx is not None
    assert (second.data_key, second.appellant_name_sealed) == (None, None)
    stored = db.session.execute(text("SELECT appeal::text FROM appeal WHERE id = :id"), {"id": first.id}).scalar_one()
    assert "示例网友" not in stored
    assert "13800000001" not in stored


def test_a_doubtful_row_is_kept_flagged_and_listed(clerk: Actor) -> None:
    batch = applied(clerk, workbook(TITLES, row(1, 答复时间="2018/4/24"), row(2, 时间="没有写")))
    first, second = appeals()
    assert set(first.flags) == {"answered-time-missing", "answered-before-received"}
    assert set(second.flags) == {"received-unreadable", "received-unknown"}
    assert second.intake["imported"] == {"row": 3, "received_at": "没有写"}
    listed = imports.problems(clerk, batch.id, severity="doubt")
    assert {(found.row, found.column) for found in listed} == {(2, "H 答复时间"), (3, "E 时间")}
    assert [appeal.id for appeal in imports.added(clerk, batch.id, is_flagged=True)] == [first.id, second.id]


def test_a_refused_row_is_listed_and_the_others_come_in(clerk: Actor) -> None:
    batch = applied(clerk, workbook(TITLES, row(1, 标题="", 内容=""), row(2)))
    assert [appeal.source_no for appeal in appeals()] == ["2"]
    (refused,) = imports.problems(clerk, batch.id, severity="error")
    assert (refused.row, refused.code, batch.summary["refused"]) == (2, "nothing-said", 1)


def test_a_second_category_stays_with_its_appeal(clerk: Actor) -> None:
    titles = [*TITLES, "一级分类"]
    batch = applied(clerk, workbook(titles, [*row(1), "城乡建设"], [*row(1), "劳动和社会保障"]))
    (appeal,) = appeals()
    assert appeal.intake["imported"]["also"] == ["劳动和社会保障"]
    assert "second-category" in appeal.flags
    assert batch.summary["again"] == 1


def test_unit_and_limit_of_history_stay_and_of_live_rows_wait(make: Factory, clerk: Actor) -> None:
    unit = make.a_unit()
    titles = [*TITLES, "责任单位", "办理时限"]
    applied(clerk, workbook(titles, [*row(1), unit.name, "一般件"], [*row(2, reply=""), unit.name, "一般件"]))
    history, live = appeals()
    assert history.unit_id == unit.id
    assert history.limit_rule_id is not None
    assert (live.unit_id, live.limit_rule_id) == (None, None)
    assert live.intake["imported"]["unit_id"] == unit.id


# --- identity ----------------------------------------------------------------------------------------------


def test_importing_the_same_file_again_adds_nothing(clerk: Actor) -> None:
    content = workbook(TITLES, row(1), row(2), row(3, reply=""))
    applied(clerk, content)
    before = [(appeal.id, appeal.version) for appeal in appeals()]
    batch = applied(clerk, content)
    assert [(appeal.id, appeal.version) for appeal in appeals()] == before
    assert (batch.summary["here"], batch.summary["history"], batch.summary["live"]) == (3, 0, 0)
    assert codes(batch) == {"already-here"}


def test_a_resaved_copy_adds_nothing(clerk: Actor) -> None:
    applied(clerk, workbook(TITLES, row(1), row(2)))
    resaved = workbook(
        ["备注", *reversed(TITLES)],
        ["", *reversed(row("2", 时间=datetime(2019, 4, 25, 9, 32, 9)))],
        ["", *reversed(row(" 1 ", 标题="示例：路灯不亮 1", 内容="示例小区第1栋的路灯已经三天不亮。"))],
        sheets=("说明", "示例数据"),
    )
    batch = applied(clerk, resaved)
    assert len(appeals()) == 2
    assert codes(batch) == {"already-here"}


def test_a_grown_copy_adds_what_is_new(clerk: Actor) -> None:
    applied(clerk, workbook(TITLES, row(1)))
    batch = applied(clerk, workbook(TITLES, row(1), row(2)))
    assert [appeal.source_no for appeal in appeals()] == ["1", "2"]
    assert (batch.summary["here"], batch.summary["history"]) == (1, 1)


def test_a_changed_row_that_is_here_is_told_and_left_alone(clerk: Actor) -> None:
    applied(clerk, workbook(TITLES, row(1), row(2, reply="")))
    batch = applied(clerk, workbook(TITLES, row(1, 标题="示例：改了"), row(2)))
    assert codes(batch) == {"already-here", "differs-from-here", "reply-not-taken"}
    assert [appeal.state for appeal in appeals()] == ["history", "submitted"]


def test_the_same_number_of_another_source_is_another_appeal_and_the_dry_run_warns(clerk: Actor) -> None:
    content = workbook(TITLES, row(1), row(2))
    applied(clerk, content, source="示例甲")
    batch = imports.check(clerk, chosen(clerk, content, source="示例乙").id)
    assert batch.summary["elsewhere"] == {"示例甲": 2}
    carry_out(imports.apply(clerk, batch.id))
    assert len(appeals()) == 4
    assert all("repeats-stored" in appeal.flags for appeal in appeals()[2:])


def test_a_text_that_an_earlier_import_brought_is_flagged_in_both_runs(clerk: Actor) -> None:
    applied(clerk, workbook(TITLES, row(1)))
    content = workbook(TITLES, row(9, 内容="示例小区第1栋的路灯\n已经三天不亮。"), row(10))
    batch = imports.check(clerk, chosen(clerk, content).id)
    assert (codes(batch), batch.summary["flagged"]) == ({"repeats-stored"}, 1)
    carry_out(imports.apply(clerk, batch.id))
    assert [appeal.flags for appeal in appeals()] == [[], ["repeats-stored"], []]


def test_the_source_is_remembered_with_the_header(clerk: Actor) -> None:
    applied(clerk, workbook(TITLES, row(1)), source="示例信箱")
    again = imports.upload(clerk, "另一个名字 (1).xlsx", workbook([*reversed(TITLES)], [*reversed(row(2))]))
    shown = imports.preview(clerk, again.id)
    assert (shown.source, shown.is_remembered, shown.channel_class) == ("示例信箱", True, "C")


# --- the dry run -------------------------------------------------------------------------------------------


def test_a_dry_run_writes_nothing_but_its_findings(clerk: Actor) -> None:
    batch = chosen(clerk, workbook(TITLES, row(1, 答复时间="2019/5/10"), row(2, 时间="", 答复时间="")))
    before = db.session.scalar(select(func.count()).select_from(Journal))
    imports.check(clerk, batch.id)
    assert appeals() == []
    assert db.session.scalar(select(func.count()).select_from(Journal)) == before
    assert codes(batch) == {"answered-time-missing", "received-missing", "answered-unknown"}
    assert batch.summary["codes"]["received-missing"] == 1
    assert db.session.get(NumberCounter, ("history", present.today().year)) is None


def test_a_dry_run_foretells_what_the_import_does(clerk: Actor) -> None:
    rows = [
        row(1),
        row(1),
        row(2, 内容=row(1)[5]),
        row(3, reply=""),
        row("", 标题="示例无号"),
        row(5, 时间="", 答复时间=""),
    ]
    batch = imports.check(clerk, chosen(clerk, workbook(TITLES, *rows)).id)
    foretold = {
        name: batch.summary[name] for name in ("rows", "history", "live", "again", "refused", "flagged", "codes")
    }
    carry_out(imports.apply(clerk, batch.id))
    db.session.refresh(batch)
    assert {name: batch.summary[name] for name in foretold} == foretold
    assert len(appeals()) == foretold["history"] + foretold["live"]


def test_applying_wants_a_dry_run_of_the_present_choice(clerk: Actor) -> None:
    batch = chosen(clerk, workbook(TITLES, row(1)))
    with pytest.raises(Conflict, match=r"import\.not-checked"):
        imports.apply(clerk, batch.id)
    imports.check(clerk, batch.id)
    imports.choose(clerk, batch.id, Choice("示例表", batch.mapping["columns"], "示例乙", "C"))
    with pytest.raises(Conflict, match=r"import\.not-checked"):
        imports.apply(clerk, batch.id)


def test_a_dry_run_before_the_columns_are_settled_is_refused(clerk: Actor) -> None:
    batch = imports.upload(clerk, "示例.xlsx", workbook(TITLES, row(1)))
    with pytest.raises(Conflict, match=r"import\.not-chosen"):
        imports.check(clerk, batch.id)


def test_the_choice_is_checked_at_each_field(clerk: Actor) -> None:
    batch = imports.upload(clerk, "示例.xlsx", workbook(TITLES, row(1)))
    with pytest.raises(FieldErrors) as refused:
        imports.choose(clerk, batch.id, Choice("示例表", {"body": "无此列"}, " ", ""))
    assert set(refused.value.by_field()) == {"body", "received_at", "source", "channel_class"}
    with pytest.raises(NotFound, match=r"workbook\.no-such-sheet"):
        imports.preview(clerk, batch.id, "无此表")


def test_the_preview_masks_long_numbers_and_skips_empty_sheets(clerk: Actor) -> None:
    content = workbook(TITLES, *[row(number) for number in range(1, 9)], sheets=("空表", "示例表"))
    shown = imports.preview(clerk, imports.upload(clerk, "示例.xlsx", content).id)
    assert (shown.sheet, shown.header_row, len(shown.rows)) == ("示例表", 1, 5)
    assert shown.rows[0][1][2] == "138****0001"
    assert shown.mapping["appellant_phone"] == "联系电话"


# --- applying ----------------------------------------------------------------------------------------------


def test_the_file_is_sealed_until_it_is_applied_and_then_dropped(clerk: Actor) -> None:
    content = workbook(TITLES, row(1))
    batch = chosen(clerk, content)
    assert batch.content_sealed is not None
    assert content[:20] not in batch.content_sealed
    imports.check(clerk, batch.id)
    carry_out(imports.apply(clerk, batch.id))
    db.session.refresh(batch)
    assert (batch.content_sealed, batch.data_key) == (None, None)
    assert batch.number is not None


def test_applying_twice_asks_once(clerk: Actor) -> None:
    batch = imports.check(clerk, chosen(clerk, workbook(TITLES, row(1))).id)
    imports.apply(clerk, batch.id)
    with pytest.raises(Conflict, match=r"import\.not-open"):
        imports.apply(clerk, batch.id)


def test_a_task_run_twice_imports_once(clerk: Actor) -> None:
    batch = imports.check(clerk, chosen(clerk, workbook(TITLES, row(1))).id)
    task = imports.apply(clerk, batch.id)
    run = tasks.claim(task.id)
    assert run is not None
    assert imports.carry_out(run) == "import.applied"
    assert imports.carry_out(run) == "import.nothing-to-do"
    assert len(appeals()) == 1


def test_a_cancelled_import_leaves_nothing_and_may_be_applied_later(clerk: Actor) -> None:
    batch = imports.check(clerk, chosen(clerk, workbook(TITLES, *[row(number) for number in range(20)])).id)
    task = imports.apply(clerk, batch.id)
    run = tasks.claim(task.id)
    assert run is not None
    tasks.cancel(clerk, task.id)
    with pytest.raises(tasks.Stopped):
        imports.carry_out(run)
    tasks.stop(run, "cancelled")
    assert appeals() == []
    db.session.expire_all()
    assert imports.stage(imports.access_batch(clerk, batch.id)) == "cancelled"
    assert carry_out(imports.apply(clerk, batch.id)) == "import.applied"
    assert len(appeals()) == 20
    assert db.session.get(NumberCounter, ("history", present.today().year)).last_value == 20


def test_history_numbers_have_no_gap(clerk: Actor) -> None:
    applied(clerk, workbook(TITLES, row(1), row(2, reply=""), row(3)))
    applied(clerk, workbook(TITLES, row(4)))
    numbers = [appeal.number for appeal in appeals() if appeal.number]
    assert [int(number[-6:]) for number in numbers] == [1, 2, 3]


def test_a_discarded_batch_keeps_neither_file_nor_findings(clerk: Actor) -> None:
    batch = imports.check(clerk, chosen(clerk, workbook(TITLES, row(1, 答复时间="2019/5/10"))).id)
    imports.discard(clerk, batch.id)
    assert (batch.state, batch.content_sealed, codes(batch)) == ("cancelled", None, set())
    with pytest.raises(Conflict, match=r"import\.not-open"):
        imports.check(clerk, batch.id)


def test_a_workbook_that_nobody_applies_does_not_stay(clerk: Actor) -> None:
    content = workbook(TITLES, row(1))
    with present.at(present.now() - imports.KEPT_UNAPPLIED - timedelta(days=1)):
        old = chosen(clerk, content)
    old.updated_at = present.now() - imports.KEPT_UNAPPLIED - timedelta(days=1)
    db.session.commit()
    young = imports.upload(clerk, "示例.xlsx", content)
    db.session.refresh(old)
    assert (old.state, old.content_sealed, imports.is_open(old)) == ("cancelled", None, False)
    assert imports.is_open(young)


def test_merged_cells_are_told_at_their_rows(clerk: Actor) -> None:
    stored = io.BytesIO()
    with xlsxwriter.Workbook(stored, {"in_memory": True}) as book:
        page = book.add_worksheet("示例")
        for at, cells in enumerate([TITLES, row(1), row(2, 标题="")]):
            page.write_row(at, 0, cells)
        page.merge_range(1, 3, 2, 3, "示例：合并的标题")
    applied(clerk, stored.getvalue())
    assert [appeal.flags for appeal in appeals()] == [[], ["merged-cells", "subject-missing"]]


def test_a_large_sheet_is_checked_by_a_worker(clerk: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "CHECKED_AT_ONCE", 1)
    batch = imports.request_check(clerk, chosen(clerk, workbook(TITLES, row(1), row(2))).id)
    assert imports.stage(imports.access_batch(clerk, batch.id)) == "checking"
    run = tasks.claim(batch.task_id)
    assert run is not None
    tasks.finish(run, imports.run_check(run))
    db.session.expire_all()
    assert (imports.stage(batch), batch.summary["history"]) == ("checked", 2)
    carry_out(imports.apply(clerk, batch.id))
    assert len(appeals()) == 2


# --- who may -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("post", ["collector_c", "duty_director", "liaison", "supervisor", "editor"])
def test_it_refuses_a_post_that_neither_records_nor_numbers(make: Factory, clerk: Actor, post: str) -> None:
    batch = imports.upload(clerk, "示例.xlsx", workbook(TITLES, row(1)))
    holder = make.holder(post)
    if holder.id == clerk.person_id:
        pytest.skip("the same person keeps the ledger")
    other = make.actor(holder)
    if other.grants.can("record") or other.grants.can("number"):
        pytest.skip("this person also numbers or keeps the ledger")
    calls: list[Callable[[], object]] = [
        lambda: imports.upload(other, "示例.xlsx", workbook(TITLES, row(1))),
        lambda: imports.access_batch(other, batch.id),
        lambda: imports.check(other, batch.id),
        lambda: imports.apply(other, batch.id),
        lambda: imports.discard(other, batch.id),
        lambda: imports.batches(other),
        lambda: imports.problems(other, batch.id),
    ]
    for call in calls:
        with pytest.raises(Refused):
            call()


def test_an_officer_may_not_import(make: Factory) -> None:
    with pytest.raises(Refused):
        imports.upload(make.actor(officer="system"), "示例.xlsx", workbook(TITLES, row(1)))


def test_an_unknown_batch_is_not_found(clerk: Actor) -> None:
    with pytest.raises(NotFound):
        imports.access_batch(clerk, 2_000_000_000)


def test_the_machine_room_may_import(app: Flask) -> None:
    batch = applied(software("cli"), workbook(TITLES, row(1)))
    assert batch.summary["history"] == 1


# --- categories --------------------------------------------------------------------------------------------


def test_a_tree_is_loaded_once(clerk: Actor) -> None:
    before = db.session.scalar(select(func.count()).select_from(Category))
    journaled = select(func.count()).select_from(Journal).where(Journal.object_type == "category")
    journaled_before = db.session.scalar(journaled)
    first, second = applied(clerk, workbook(*TREE)), applied(clerk, workbook(*TREE))
    assert (first.kind, first.summary["nodes"], second.summary["nodes"]) == ("categories", 4, 0)
    assert db.session.scalar(select(func.count()).select_from(Category)) == before + 4
    leaf = db.session.scalars(select(Category).where(Category.code == "示例建设/示例安全/示例事故")).one()
    assert (leaf.level, leaf.name, leaf.name_en) == (3, "示例事故", "")
    assert db.session.get(Category, leaf.parent_id).code == "示例建设/示例安全"
    assert db.session.scalar(journaled) == journaled_before + 4


def test_an_edited_category_survives_a_reload_and_english_is_filled_in(clerk: Actor) -> None:
    applied(clerk, workbook(*TREE))
    leaf = db.session.scalars(select(Category).where(Category.code == "示例建设/示例安全/示例事故")).one()
    with transaction():
        leaf.name = "示例改名"
    batch = applied(clerk, workbook([*TREE[0], "三级分类英文"], [*TREE[1], "Accident (sample)"]))
    db.session.refresh(leaf)
    assert (leaf.name, leaf.name_en, batch.summary["nodes"]) == ("示例改名", "Accident (sample)", 0)


def test_categories_of_appeals_are_found_by_their_path(clerk: Actor) -> None:
    applied(clerk, workbook(*TREE))
    applied(clerk, workbook([*TITLES, *TREE[0]], [*row(1), *TREE[1]], [*row(2), "示例建设", "", ""]))
    assert [appeal.category.code for appeal in appeals()] == ["示例建设/示例安全/示例事故", "示例建设"]


# --- the real workbooks ------------------------------------------------------------------------------------


def test_the_sample_of_appeals_goes_in_whole_and_only_once(clerk: Actor, sample_workbooks: Path) -> None:
    content = (sample_workbooks / "appeals-with-replies.xlsx").read_bytes()
    first = applied(clerk, content, source="appeals-with-replies")
    assert db.session.scalar(select(func.count()).select_from(Appeal).where(Appeal.state == "history")) == 2816
    assert (first.summary["rows"], first.summary["history"], first.summary["refused"]) == (2816, 2816, 0)
    assert first.summary["codes"] == {"repeats": 37, "answered-time-missing": 1}
    again = applied(clerk, content, source="appeals-with-replies")
    assert (again.summary["here"], again.summary["history"]) == (2816, 0)
    assert codes(again) == {"already-here"}


def test_the_sample_tree_has_517_leaves(clerk: Actor, sample_workbooks: Path) -> None:
    content = (sample_workbooks / "category-tree.xlsx").read_bytes()
    applied(clerk, content)
    assert db.session.scalar(select(func.count()).select_from(Category).where(Category.level == 3)) == 517
    assert applied(clerk, content).summary["nodes"] == 0


def test_the_labelled_sample_waits_for_numbers_under_its_categories(clerk: Actor, sample_workbooks: Path) -> None:
    applied(clerk, (sample_workbooks / "category-tree.xlsx").read_bytes())
    batch = applied(clerk, (sample_workbooks / "labelled-categories.xlsx").read_bytes())
    assert (batch.summary["live"], batch.summary["again"], batch.summary["refused"]) == (244, 1, 0)
    assert all(appeal.category_id for appeal in appeals())
    assert sum("second-category" in appeal.flags for appeal in appeals()) == 1
