"""Figures for report tests: small, fixed, fictional, with every awkward value once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from app.reports.overdue import CLOCK_LABELS, OverdueCount, OverdueReport, OverdueRow, State
from app.reports.quarterly import Measure, QuarterFigures, SectionGroup, SectionRow, Share, UnitGroup, UnitRow
from app.rules.measures import Punctuality, Tally

ZONE = ZoneInfo("Asia/Shanghai")
AS_OF = datetime(2026, 10, 8, 1, 30, tzinfo=UTC)
LOCAL_UNITS = (
    "修水县", "武宁县", "永修县", "德安县", "都昌县", "湖口县", "彭泽县", "瑞昌市", "浔阳区", "庐山区",
    "九江县", "星子县",
    "庐山管理局", "九江经济开发区", "共青城开发区", "云居山-柘林湖风景名胜区管委会",
)
DEPARTMENTS = (
    "市教育局", "市公安局", "市民政局", "市人力资源和社会保障局", "市国土资源局", "市环境保护局", "市规划局",
    "市建设局", "市房产管理局", "市城市管理局", "市交通运输局", "市水利局", "市农业局", "市卫生局",
    "市物价局", "市信访局",
)


def same(message: str) -> str:
    """A translator that leaves English as it is."""
    return message


def marked(message: str) -> str:
    """A translator whose work can be seen."""
    return f"«{message}»"


def overdue_row(
    number: int, state: State = "open_overdue", *, late: timedelta = timedelta(days=2, hours=3),
    clock: str = "unit_limit",
) -> OverdueRow:
    """One clock, late by `late` at AS_OF (or when it stopped)."""
    due = None if state == "no_limit" else AS_OF - late
    stopped = AS_OF - timedelta(days=1) if state == "finished_late" else None
    if stopped:
        due = stopped - late
    return OverdueRow(
        clock_kind=clock, appeal_number=f"九府民〔2026〕{number:04d}号",
        subject=f"示例诉求{number}:小区夜间施工扰民,反映多次未解决",
        unit=DEPARTMENTS[number % len(DEPARTMENTS)], post="总值班室带班主任" if clock != "unit_limit" else "",
        started_at=(due or AS_OF) - timedelta(days=7), due_at=due, stopped_at=stopped, state=state,
        urges=number % 3, link=f"/appeals/{number}",
    )


def many_rows(count: int, state: State = "open_overdue") -> Iterator[OverdueRow]:
    """A stream of clocks of every kind and age."""
    kinds = tuple(CLOCK_LABELS)
    for number in range(count):
        late = timedelta(minutes=37 * number % 90_000)
        yield overdue_row(number, state, late=late, clock=kinds[number % len(kinds)])


def overdue_report(open_rows: int = 12, late_rows: int = 6) -> OverdueReport:
    """A whole report; the counts are made up and do not follow from the rows."""
    count = OverdueCount(5, 4, 3, 3, 1, 1, timedelta(days=12, hours=5))
    return OverdueReport(
        as_of=AS_OF, total=OverdueCount(12, 9, 6, 6, 2, 2, timedelta(days=41)),
        by_clock=tuple((code, count) for code in CLOCK_LABELS),
        by_unit=tuple((name, count) for name in DEPARTMENTS),
        by_post=(("总值班室带班主任", count), ("A类信息收集人", count)),
        by_age=(("under-1-day", count), ("over-30-days", count)),
        rows={
            "open_overdue": many_rows(open_rows), "finished_late": many_rows(late_rows, "finished_late"),
            "no_limit": iter(()),
        },
        calendar="国务院办公厅公布的节假日安排至 2026 年,其后暂定", scope="范围:全部责任单位",
        exported="示例督办人 2026-10-08 09:30 导出",
    )


def tally(number: int) -> Tally:
    """A made-up tally that differs from unit to unit."""
    on_time, late, unlimited = 3 + number * 7 % 11, number % 3, number % 2
    due, running = number * 5 % 4, number % 5
    return Tally(on_time + late + unlimited + due + running, on_time, late, unlimited, due + running, due)


def unit_group(name: str, units: tuple[str, ...], idle: tuple[str, ...] = ()) -> UnitGroup:
    """A group in which one unit has only appeals that still have time."""
    rows = [
        UnitRow(unit, tally(number), number % 2, number % 4, Decimal(number) + Decimal("2.35"))
        for number, unit in enumerate(units)
    ]
    rows[1] = UnitRow(units[1], Tally(assigned=2, unfinished=2))
    total = UnitRow("合计", Tally.total(row.tally for row in rows), 8, 20, Decimal("6.42"))
    return UnitGroup(name, tuple(rows), total, idle)


def quarter_figures() -> QuarterFigures:
    """A whole quarter, with a group that has units without cases and measures without a base."""
    return QuarterFigures(
        period="2026年第三季度", starts_on=date(2026, 7, 1), ends_on=date(2026, 9, 30), as_of=AS_OF,
        overview=(
            Measure("received", 312, 298), Measure("self_handled", 41, 40), Measure("assigned", 260, 250, 0),
            Measure("finished", 214, 221), Measure("on_time", 190, 201), Measure("late", 24, 20),
            Measure("unfinished", 46, 29), Measure("overdue", 17, 9),
            Measure("finish_rate", Decimal("82.31"), Decimal("88.40")),
            Measure("on_time_rate", Decimal("82.25"), Decimal("87.39")),
            Measure("mean_days", Decimal("6.42"), Decimal("5.91")), Measure("history", 2816, 0),
        ),
        local=unit_group("县(市、区)和管理局、管委会", LOCAL_UNITS[:13], LOCAL_UNITS[13:]),
        department=unit_group("市直部门", DEPARTMENTS),
        section=SectionGroup("市政府办公厅内设处室", (
            SectionRow("市政府总值班室", Punctuality(120, 6), Punctuality(), Punctuality(22, 3), 0, 4),
            SectionRow("市长热线中心", Punctuality(88, 1), nil_returns=0, corrections=2),
            SectionRow("市府办信息中心", Punctuality(50, 3), nil_returns=11),
            SectionRow("市府办秘书处", Punctuality(12, 0), Punctuality(24, 1), nil_returns=19),
        )),
        received=312,
        channels=tuple(Share(name, count, before) for name, count, before in (
            ("值班电话", 84, 70), ("市长热线", 101, 110), ("市长信箱", 47, 30), ("网络", 38, 41),
            ("报纸", 9, 12), ("来信", 21, 22), ("来访", 12, None),
        )),
        categories=(
            Share("城乡建设/物业管理", 52, 44), Share("交通运输/公共交通", 31, 31),
            Share("劳动和社会保障", 30, 0),
        ),
        overdue=[overdue_row(number, late=timedelta(hours=5 + 40 * number)) for number in range(17)],
        calendar="国务院办公厅公布的节假日安排至 2026 年,其后暂定", marks=("示例数据",),
    )
