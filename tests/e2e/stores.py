"""A sheet of one's own with a column of every kind and as many rows as a test wants, put past the application."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

SQL = Callable[..., list[dict[str, Any]]]

KINDS = [
    {"code": "o1", "label": "示例办公", "colour": "blue"},
    {"code": "o2", "label": "示例抢险", "colour": "orange"},
    {"code": "o3", "label": "示例防汛", "colour": "yellow"},
]
# Code, label, English label, kind, parameters; the first is what a row is called by.
FIELDS: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
    ("name", "示例名称", "Item", "text", {}),
    ("count", "数量", "Count", "number", {}),
    ("price", "单价", "Price", "money", {}),
    ("sort", "类别", "Sort", "choice", {"options": KINDS}),
    ("uses", "用途", "Uses", "choices", {"options": KINDS}),
    ("on", "入库日期", "Stored on", "date", {}),
    ("at", "盘点时间", "Counted at", "moment", {}),
    ("ok", "完好", "Sound", "bool", {}),
    ("keeper", "保管人", "Keeper", "person", {}),
    ("memo", "说明", "Memo", "long", {}),
)


def make(sql: SQL, code: str, rows: int = 0) -> str:
    """Make the sheet anew, written by every post; the address of its page."""
    drop(sql, code)
    sql(
        """INSERT INTO own_sheet (code, name, name_en, title_field, is_open, writer_post_ids)
           SELECT %(code)s, %(name)s, 'Stores', 'name', true, array_agg(id) FROM post""",
        code=code,
        name="示例物资" + code,
    )
    for place, (key, label, english, kind, parameters) in enumerate(FIELDS):
        sql(
            """INSERT INTO field_definition
                 (table_name, own_sheet_id, code, label, label_en, kind, sort, required, parameters)
               SELECT 'own_row', id, %(key)s, %(label)s, %(english)s, %(kind)s, %(place)s, %(required)s, %(more)s::jsonb
               FROM own_sheet WHERE code = %(code)s""",
            key=key, label=label, english=english, kind=kind, place=place, required=place == 0,
            more=json.dumps(parameters), code=code,
        )  # fmt: skip
    sql(
        """INSERT INTO own_row (sheet_id, extra)
           SELECT s.id, jsonb_build_object('name', '示例物资' || n, 'count', n %% 50, 'sort', 'o' || (1 + n %% 3))
           FROM own_sheet s, generate_series(1, %(rows)s) n WHERE s.code = %(code)s""",
        rows=rows,
        code=code,
    )
    sql("UPDATE definition_version SET version = version + 1")
    return f"/grid/own_{code}"


def drop(sql: SQL, code: str) -> None:
    """Take the sheet out of use under its name."""
    sql("UPDATE own_sheet SET active = false, code = code || '-' || id WHERE code = %(code)s", code=code)
    sql("UPDATE definition_version SET version = version + 1")
