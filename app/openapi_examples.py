"""What is sent to each address of the API and what it answers, as examples in its description.

A test holds each against its schema in app/openapi.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ROW = {
    "id": 17, "version": 4, "key": "[\"2026-03-02T08:00:00+08:00\", 17]",
    "cells": {"number": "A-2026-00017", "state": "in_progress", "unit": [12, "示例局"], "limit_due_at": None},
}  # fmt: skip
_LAMP = {"id": 17, "version": 4, "key": "[17]", "cells": {"x_number": "007", "x_state": "mended", "x_costs": 120.5}}
_QUERY = {
    "filter": {"all": [{"field": "state", "op": "in", "value": ["assigned", "in_progress"]}]},
    "sort": [["received_at", "desc"]], "columns": ["number", "state", "unit", "limit_due_at"],
}  # fmt: skip
_KEY = "b3f1c7a09d24"
_PROBLEM = {"id": 18, "field": "x_costs", "code": "field.decimal-unreadable", "message": "This is not a number."}
_REFUSED = {"field": "x_costs", "code": "field.decimal-unreadable", "message": "This is not a number."}
_WRITTEN = {"change_set": 311, "rows": [_LAMP], "problems": [_PROBLEM]}
_ONE = {"row": _LAMP, "change_set": 311}
_TASK = {
    "id": 52, "kind": "sheet_import", "state": "running", "done": 400, "total": 1000, "percent": 40, "message": "",
}  # fmt: skip
_FILE = {
    "file": 9, "sheet": "ledger", "state": "ready", "done": 812, "total": 812, "rows": 812, "format": "xlsx",
    "filename": "示例.xlsx", "size": 90211, "sha256": "9f86d081884c7d65", "at": "2026-03-02T08:00:00+00:00",
    "message": "", "page": "/files/9", "content": "/api/v1/files/9/content",
}  # fmt: skip
_PLAN = {"columns": {"0": "x_number", "1": "x_state"}, "mode": "both", "key": "x_number", "clears": False}
_BROUGHT = {
    "file": 41, "sheet": "own_streetlights", "state": "uploaded", "filename": "lamps.csv", "format": "csv",
    "size": 20480, "rows": 300, "at": "2026-03-02T08:00:00+00:00", "change_set": None, "task": None, "plan": None,
    "tally": None, "done": 0, "total": 300, "broke_off": False,
}  # fmt: skip
_LOOKED = _BROUGHT | {
    "state": "checked", "plan": _PLAN, "tally": {"added": 120, "changed": 30, "same": 149, "refused": 1},
}  # fmt: skip
_VIEW = {
    "id": 6, "name": "Overdue", "version": 2, "share": "posts", "locked": True,
    "spec": {"filter": {"all": [{"field": "limit", "op": "in", "value": ["overdue"]}]}, "columns": ["number", "unit"]},
}  # fmt: skip
_COLUMN = {
    "key": "x_state", "label": "State", "kind": "choice", "refers": "", "write": "extra", "width": 140, "help": "",
    "choices": [{"code": "mended", "label": "Mended", "colour": "green"}], "sortable": True, "filterable": True,
    "listed": True, "operators": ["in", "not_in", "empty", "filled"], "custom": True, "required": False,
}  # fmt: skip

# (endpoint, method) → an example of what is sent (None: nothing, or bytes), one of the answer (None: bytes).
EXAMPLES: Mapping[tuple[str, str], tuple[Any, Any]] = {
    ("sheets.index", "GET"): (None, {"sheets": [{"code": "ledger", "label": "Ledger"}]}),
    ("sheets.schema", "GET"): (None, {"code": "own_streetlights", "label": "Streetlights", "columns": [_COLUMN]}),
    ("sheets.rows", "POST"): ({"query": _QUERY, "after": "", "limit": 100}, {"rows": [_ROW]}),
    ("sheets.row", "GET"): (None, _ROW),
    ("sheets.outline", "POST"): ({"query": _QUERY}, {"total": 812, "step": 500, "marks": [_ROW["key"]]}),
    ("sheets.groups", "POST"): (
        {"query": _QUERY, "group": {"by": ["unit"], "figures": [["round", "sum"]]}},
        {
            "groups": [{"values": [[12, "示例局"]], "count": 31, "overdue": 2, "figures": {"round:sum": 33}}],
            "by": ["unit"],
        },
    ),
    ("sheets.figures", "POST"): (
        {"query": _QUERY, "figures": [["round", "sum"]]}, {"figures": {"round:sum": 845}},
    ),
    ("sheets.changes", "POST"): (
        {"since": 812, "query": _QUERY, "row": 17},
        {"at": 815, "rows": [_ROW], "gone": [21], "people": [{"name": "示例人员", "row": 17}], "definitions": 3},
    ),
    ("integration.rows", "GET"): (None, {"rows": [_ROW], "next": "WyIyMDI2LTAzLTAyIiwgMTdd"}),
    ("integration.changes", "GET"): (
        None, {"rows": [_ROW], "gone": [21], "next": "812.2147483647.1790000000", "more": False},
    ),
    ("integration.openapi", "GET"): (None, {"openapi": "3.1.0"}),
    ("integration.sheet_openapi", "GET"): (None, {"openapi": "3.1.0"}),
    ("sheet_edits.edit", "PATCH"): ({"version": 3, "values": {"x_state": "mended"}, "request_key": _KEY}, _ONE),
    ("sheet_edits.add", "POST"): ({"values": {"x_number": "007", "x_state": "mended"}, "request_key": _KEY}, _ONE),
    ("sheet_edits.remove", "DELETE"): ({"version": 4, "request_key": _KEY}, {"change_set": 312}),
    ("sheet_edits.write", "POST"): (
        {
            "kind": "paste", "cells": [{"id": 17, "version": 3, "values": {"x_state": "mended"}}],
            "new": [{"x_number": "008"}], "request_key": _KEY,
        },
        _WRITTEN,
    ),
    ("sheet_edits.bulk", "POST"): (
        {"query": {"search": "示例"}, "values": {"x_state": "mended"}, "request_key": _KEY}, _WRITTEN | {"task": 52},
    ),
    ("sheet_edits.undo", "POST"): ({"request_key": _KEY}, _WRITTEN),
    ("sheet_edits.mine", "GET"): (
        None,
        {
            "edits": [
                {
                    "id": 311, "kind": "cell", "at": "2026-03-02T08:00:00+00:00", "total": 1, "done": 1, "refused": 0,
                    "state": "done", "task": None, "undone": None,
                }
            ]
        },
    ),
    ("sheet_edits.history", "GET"): (
        None,
        {
            "history": [
                {
                    "at": "2026-03-02T08:00:00+00:00", "person": "示例人员", "post": "示例岗", "action": "Changed",
                    "old": "broken", "new": "mended", "why": "", "change_set": 311,
                }
            ]
        },
    ),
    ("sheet_edits.trash", "GET"): (
        None,
        {"rows": [{"id": 21, "version": 2, "title": "009", "at": "2026-03-02T08:00:00+00:00", "person": "示例人员"}]},
    ),
    ("sheet_edits.restore", "POST"): ({"request_key": _KEY}, _ONE),
    ("sheet_edits.options", "GET"): (None, {"options": [{"value": 12, "label": "示例局", "pinyin": "shi li ju"}]}),
    ("sheet_edits.find_options", "POST"): (
        {"q": "路灯"}, {"options": [{"value": 7, "label": "民〔2026〕A-000012 · 示例路灯不亮", "pinyin": ""}]},
    ),
    ("cell_files.receive", "POST"): (None, {"id": 77, "name": "scan.pdf"}),
    ("cell_files.discard", "POST"): (None, {"discarded": 77}),
    ("cell_files.content", "GET"): (None, None),
    ("sheet_imports.receive", "POST"): (None, _BROUGHT),
    ("sheet_imports.listed", "GET"): (None, {"files": [_LOOKED]}),
    ("sheet_imports.show", "GET"): (None, _LOOKED),
    ("sheet_imports.columns", "GET"): (
        None,
        {
            "header": 1, "fillable": ["x_number", "x_state"], "keys": ["x_number"], "plan": _PLAN,
            "columns": [
                {"place": 0, "label": "No.", "kind": "text", "samples": ["007"], "filled": 300, "goes_into": "x_number"}
            ],
        },
    ),
    ("sheet_imports.check", "POST"): (_PLAN, _LOOKED),
    ("sheet_imports.changes", "GET"): (
        None, {"changes": [{"row": 2, "old": {"x_state": "broken"}, "new": {"x_state": "mended"}}]},
    ),
    ("sheet_imports.problems", "GET"): (
        None,
        {"refused": [{"row": 5, "problems": [_REFUSED]}], "next": None},
    ),
    ("sheet_imports.refused", "GET"): (None, None),
    ("sheet_imports.apply", "POST"): ({"request_key": _KEY}, _LOOKED | {"state": "done", "change_set": 313}),
    ("sheet_imports.reopen", "POST"): (None, _BROUGHT | {"plan": _PLAN}),
    ("sheet_imports.cancel", "POST"): (None, _BROUGHT | {"plan": _PLAN}),
    ("sheet_imports.drop", "DELETE"): (None, {"file": 41, "state": "dropped"}),
    ("sheet_files.export", "POST"): (
        {"query": _QUERY, "format": "xlsx", "reason": "Weekly meeting", "request_key": _KEY}, _FILE,
    ),
    ("sheet_files.listed", "GET"): (None, {"files": [_FILE]}),
    ("sheet_files.show", "GET"): (None, _FILE),
    ("sheet_files.content", "GET"): (None, None),
    ("sheet_files.drop", "DELETE"): (None, {"file": 9, "state": "dropped"}),
    ("views.index", "GET"): (
        None,
        {"views": [_VIEW], "posts": [{"id": 8, "name": "Ledger"}], "me": {"person": 3, "units": [12]}},
    ),
    ("views.create", "POST"): (
        {"name": "Overdue", "spec": _VIEW["spec"], "share": "posts", "post_ids": [8], "request_key": _KEY},
        {"view": _VIEW},
    ),
    ("views.first", "POST"): ({"view": 6}, {}),
    ("views.names", "POST"): ({"ids": {"unit": [12]}}, {"names": {"unit": {"12": "示例局"}}}),
    ("views.one", "GET"): (None, {"view": _VIEW}),
    ("views.change", "PATCH"): (
        {"version": 2, "name": "Late", "request_key": _KEY}, {"view": _VIEW | {"name": "Late"}},
    ),
    ("views.remove", "DELETE"): ({"version": 2, "request_key": _KEY}, {}),
    ("api.feed", "GET"): (None, {"badges": {"inbox": 3}, "toasts": []}),
    ("api.people", "POST"): (
        {"q": "sl"}, {"options": [{"value": 3, "label": "示例人员", "pinyin": "slry shi li ren yuan"}]},
    ),
    ("api.task", "GET"): (None, _TASK),
    ("api.cancel_task", "POST"): (None, _TASK | {"state": "cancelled"}),
}  # fmt: skip
REFUSAL = {
    "error": {
        "code": "row.stale", "message": "Somebody changed this row. Look at it again.", "request_id": "5c1e0f",
        "fields": {"x_state": ["Somebody changed this row. Look at it again."]}, "current": _LAMP,
    }
}  # fmt: skip
