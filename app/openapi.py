"""The API of sheets as OpenAPI 3.1: every address of /api/v1 once, its summary from the function that answers.

A test compares it with the addresses there are, so that neither has one the other has not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Flask

from app.openapi_examples import EXAMPLES, REFUSAL
from app.rules.query import UNITS

PREFIX = "/api/v1"
VERSION = "1"
_PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(of: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(of)}


def _object(must: str = "", /, **properties: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": properties}
    return found | ({"required": must.split()} if must else {})


TEXT, WHOLE, BOOL, ANY = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {}  # type: ignore[var-annotated]
BYTES: dict[str, Any] = {"type": "string", "contentMediaType": "application/octet-stream"}
MOMENT = {"type": "string", "format": "date-time"}
KEY = TEXT | {"maxLength": 64, "description": "Chosen by the caller; sent again with the same key, it acts once."}
VALUES, CELLS = _ref("Values"), _ref("Cells")
NULLABLE = {"type": ["string", "null"]}
OFFERED = _object(options=_list(_object(value=WHOLE, label=TEXT, pinyin=TEXT)))

SCHEMAS: dict[str, Any] = {
    "Error": _object(
        "error",
        error=_object(
            "code message", code=TEXT, message=TEXT, request_id=TEXT,
            fields={"type": "object", "additionalProperties": _list(TEXT)}, current=_ref("Row"),
        ),
    ) | {"examples": [REFUSAL]},
    "Row": _object(
        "id version cells key", id=WHOLE, version=WHOLE, key=TEXT | {"description": "Its place in the order asked."},
        cells=CELLS,
    ),
    "Cells": {
        "type": "object", "additionalProperties": True,
        "description": "By column key: text, number, bool, ISO date, ISO moment with offset, code of a choice, "
        "list of codes, reference as [id, name], null.",
    },
    "Values": {
        "type": "object", "additionalProperties": True, "description": "By column key, as typed or as JSON.",
    },
    "Condition": {
        "description": "A group (`all` or `any` of conditions) or one column compared with values.",
        "oneOf": [
            _object("all", all=_list(_ref("Condition"))), _object("any", any=_list(_ref("Condition"))),
            _object("field op", field=TEXT, op=TEXT, value=ANY),
        ],
    },
    "Part": {
        "description": "A column to group by: its key; of dates and moments with a unit, of numbers with a step.",
        "oneOf": [
            TEXT, _object("field unit", field=TEXT, unit={"enum": list(UNITS)}),
            _object(
                "field step", field=TEXT,
                step={"oneOf": [{"type": "number", "exclusiveMinimum": 0}, {"const": "auto"}]},
            ),
        ],
    },
    "Query": _object(
        filter=_ref("Condition"), search=TEXT, columns=_list(TEXT),
        sort=_list({"type": "array", "prefixItems": [TEXT, {"enum": ["asc", "desc"]}]}),
    ),
    "Problem": _object("field code message", id=WHOLE, new=WHOLE, field=TEXT, code=TEXT, message=TEXT),
    "Written": _object(
        "change_set rows problems", change_set=WHOLE, rows=_list(_ref("Row")), problems=_list(_ref("Problem")),
        task=WHOLE,
    ),
    "One": _object("change_set", row={"oneOf": [_ref("Row"), {"type": "null"}]}, change_set=WHOLE),
    "Column": _object(
        "key label kind", key=TEXT, label=TEXT, kind=TEXT, choices=_list(_object(code=TEXT, label=TEXT, colour=TEXT)),
        refers=TEXT, write=TEXT | {"description": "Empty: it is read only."}, width=WHOLE, help=TEXT, sortable=BOOL,
        filterable=BOOL, listed=BOOL, operators=_list(TEXT), custom=BOOL, required=BOOL,
    ),
    "View": _object("id name spec", id=WHOLE, name=TEXT, version=WHOLE, share=TEXT, locked=BOOL, spec=ANY),
    "File": _object(
        "file state", file=WHOLE, sheet=TEXT, done=WHOLE, total=WHOLE, rows=WHOLE, format=TEXT, filename=TEXT,
        size=WHOLE, sha256=TEXT, at=MOMENT, message=TEXT, page=TEXT, content=NULLABLE,
        state={"enum": ["pending", "running", "ready", "failed", "cancelled", "expired", "dropped"]},
    ),
    "Import": _object(
        "file sheet state", file=WHOLE, sheet=TEXT, filename=TEXT, format=TEXT, size=WHOLE, rows=WHOLE, at=MOMENT,
        state={"enum": ["uploaded", "checking", "checked", "applying", "done", "cancelled", "expired", "dropped"]},
        plan={"oneOf": [_ref("ImportPlan"), {"type": "null"}]},
        tally={"oneOf": [_object(added=WHOLE, changed=WHOLE, same=WHOLE, refused=WHOLE), {"type": "null"}]},
        task={"type": ["integer", "null"]}, change_set={"type": ["integer", "null"]}, done=WHOLE, total=WHOLE,
        broke_off=BOOL | {"description": "Nobody works on it although it is not at its end: `reopen` goes on."},
    ),
    "ImportPlan": _object(
        mode={"enum": ["add", "update", "both"]}, key=TEXT | {"description": "Column by which a row is known."},
        also=_list(TEXT) | {"description": "Columns that name a row together with `key`."},
        columns={
            "type": "object", "additionalProperties": TEXT,
            "description": "Place of a column of the file (from 0) → key of the column of the sheet.",
        },
        clears=BOOL | {"description": "An empty cell of the file empties the cell of the sheet."},
    ),
    "Task": _object("id state", id=WHOLE, kind=TEXT, state=TEXT, done=WHOLE, total=WHOLE, percent=WHOLE, message=TEXT),
}  # fmt: skip

_QUERY = _object(query=_ref("Query"))
_FIGURES = _list({"type": "array", "prefixItems": [TEXT, TEXT]})
# (endpoint, method) → what is sent in the body (None: nothing), what is answered.
BODIES: Mapping[tuple[str, str], tuple[Mapping[str, Any] | None, Mapping[str, Any]]] = {
    ("sheets.index", "GET"): (None, _object(sheets=_list(_object(code=TEXT, label=TEXT)))),
    ("sheets.schema", "GET"): (None, _object("code columns", code=TEXT, label=TEXT, columns=_list(_ref("Column")))),
    ("sheets.rows", "POST"): (
        _object(query=_ref("Query"), after=TEXT, skip=WHOLE, limit=WHOLE, backwards=BOOL, offset=WHOLE),
        _object("rows", rows=_list(_ref("Row"))),
    ),
    ("sheets.row", "GET"): (None, _ref("Row")),
    ("sheets.outline", "POST"): (_QUERY, _object(total={"type": ["integer", "null"]}, step=WHOLE, marks=_list(TEXT))),
    ("sheets.groups", "POST"): (
        _object("group", query=_ref("Query"), group=_object("by", by=_list(_ref("Part")), figures=_FIGURES)),
        _object(
            groups=_list(_object(values=_list(ANY), count=WHOLE, overdue=ANY, figures=ANY, filter=ANY)),
            by=_list(_ref("Part")),
        ),
    ),
    ("sheets.figures", "POST"): (_object("figures", query=_ref("Query"), figures=_FIGURES), _object(figures=ANY)),
    ("sheets.changes", "POST"): (
        _object(since=WHOLE, query=_ref("Query"), row=WHOLE),
        _object(at=WHOLE, rows=_list(_ref("Row")), gone=_list(WHOLE), people=_list(ANY), definitions=WHOLE),
    ),
    ("integration.rows", "GET"): (None, _object("rows next", rows=_list(_ref("Row")), next=NULLABLE)),
    ("integration.changes", "GET"): (
        None, _object("rows gone next more", rows=_list(_ref("Row")), gone=_list(WHOLE), next=TEXT, more=BOOL),
    ),
    ("integration.openapi", "GET"): (None, {"type": "object"}),
    ("integration.sheet_openapi", "GET"): (None, {"type": "object"}),
    ("sheet_edits.edit", "PATCH"): (
        _object(
            "version values request_key", version=WHOLE, values=VALUES, request_key=KEY, post_id=WHOLE, reason=TEXT,
        ),
        _ref("One"),
    ),
    ("sheet_edits.add", "POST"): (
        _object("values request_key", values=VALUES, request_key=KEY, post_id=WHOLE), _ref("One"),
    ),
    ("sheet_edits.remove", "DELETE"): (
        _object("version request_key", version=WHOLE, request_key=KEY, post_id=WHOLE),
        _object(change_set=WHOLE),
    ),
    ("sheet_edits.write", "POST"): (
        _object(
            "kind request_key", kind={"enum": ["paste", "fill", "cell"]}, dry=BOOL, request_key=KEY, post_id=WHOLE,
            reason=TEXT,
            cells=_list(_object("id version values", id=WHOLE, version=WHOLE, values=VALUES)), new=_list(VALUES),
        ),
        _ref("Written"),
    ),
    ("sheet_edits.bulk", "POST"): (
        _object("values", query=_ref("Query"), values=VALUES, dry=BOOL, request_key=KEY, post_id=WHOLE, reason=TEXT),
        {"oneOf": [_ref("Written"), _object("count", count=WHOLE, sample=_list(ANY), problems=_list(_ref("Problem")))]},
    ),
    ("sheet_edits.undo", "POST"): (_object("request_key", request_key=KEY), _ref("Written")),
    ("sheet_edits.mine", "GET"): (None, _object(edits=_list(ANY))),
    ("sheet_edits.history", "GET"): (None, _object(history=_list(ANY))),
    ("sheet_edits.trash", "GET"): (None, _object(rows=_list(ANY))),
    ("sheet_edits.restore", "POST"): (_object("request_key", request_key=KEY), _ref("One")),
    ("sheet_edits.options", "GET"): (None, OFFERED),
    ("sheet_edits.find_options", "POST"): (_object("q", q=TEXT), OFFERED),
    ("cell_files.receive", "POST"): (BYTES, _object("id", id=WHOLE, name=TEXT)),
    ("cell_files.discard", "POST"): (None, _object(discarded=WHOLE)),
    ("cell_files.content", "GET"): (None, BYTES),
    ("sheet_files.export", "POST"): (
        _object(
            "query reason request_key", query=_ref("Query"), format={"enum": ["xlsx", "csv"]},
            encoding={"enum": ["utf-8", "gb18030"]}, layout={"enum": ["", "ledger"]}, view=TEXT, reason=TEXT,
            request_key=KEY,
        ),
        _ref("File"),
    ),
    ("sheet_files.listed", "GET"): (None, _object(files=_list(_ref("File")))),
    ("sheet_files.show", "GET"): (None, _ref("File")),
    ("sheet_files.content", "GET"): (None, BYTES),
    ("sheet_files.drop", "DELETE"): (None, _object(file=WHOLE, state=TEXT)),
    ("sheet_imports.receive", "POST"): (BYTES, _ref("Import")),
    ("sheet_imports.listed", "GET"): (None, _object("files", files=_list(_ref("Import")))),
    ("sheet_imports.show", "GET"): (None, _ref("Import")),
    ("sheet_imports.columns", "GET"): (
        None,
        _object(
            "columns plan", header=WHOLE, fillable=_list(TEXT), keys=_list(TEXT), plan=_ref("ImportPlan"),
            columns=_list(_object("place label", place=WHOLE, label=TEXT, kind=TEXT, samples=_list(TEXT), filled=WHOLE,
                                  goes_into=TEXT)),
        ),
    ),
    ("sheet_imports.check", "POST"): (_ref("ImportPlan"), _ref("Import")),
    ("sheet_imports.changes", "GET"): (
        None, _object("changes", changes=_list(_object("row", row=WHOLE, old=CELLS, new=CELLS))),
    ),
    ("sheet_imports.problems", "GET"): (
        None,
        _object("refused next", refused=_list(_object("row", row=WHOLE, problems=_list(_ref("Problem")))),
                next={"type": ["integer", "null"]}),
    ),
    ("sheet_imports.refused", "GET"): (None, BYTES),
    ("sheet_imports.apply", "POST"): (_object("request_key", request_key=KEY), _ref("Import")),
    ("sheet_imports.reopen", "POST"): (None, _ref("Import")),
    ("sheet_imports.cancel", "POST"): (None, _ref("Import")),
    ("sheet_imports.drop", "DELETE"): (None, _object(file=WHOLE, state=TEXT)),
    ("views.index", "GET"): (None, _object(views=_list(_ref("View")), posts=_list(ANY), me=ANY)),
    ("views.create", "POST"): (
        _object("name spec request_key", name=TEXT, spec=ANY, share=TEXT, post_ids=_list(WHOLE), locked=BOOL,
                request_key=KEY),
        _object(view=_ref("View")),
    ),
    ("views.first", "POST"): (_object(view={"type": ["integer", "null"]}, request_key=KEY), _object()),
    ("views.names", "POST"): (_object("ids", ids=ANY), _object(names=ANY)),
    ("views.one", "GET"): (None, _object(view=_ref("View"))),
    ("views.change", "PATCH"): (
        _object("version request_key", version=WHOLE, name=TEXT, spec=ANY, share=TEXT, post_ids=_list(WHOLE),
                locked=BOOL, request_key=KEY),
        _object(view=_ref("View")),
    ),
    ("views.remove", "DELETE"): (_object("version request_key", version=WHOLE, request_key=KEY), _object()),
    ("api.feed", "GET"): (None, _object(badges=ANY, toasts=_list(ANY))),
    ("api.people", "POST"): (_object("q", q=TEXT), OFFERED),
    ("api.task", "GET"): (None, _ref("Task")),
    ("api.cancel_task", "POST"): (None, _ref("Task")),
}  # fmt: skip
# What may stand behind the question mark: endpoint → name, schema, what it means.
HEADERS: Mapping[str, tuple[tuple[str, bool, dict[str, Any], str], ...]] = {
    "sheet_imports.receive": (
        ("X-Request-Key", True, KEY, "the same file sent again with the same key is kept once"),
        ("X-File-Name", False, TEXT, "what the file is called, percent-encoded"),
    ),
}
ASKED: Mapping[str, tuple[tuple[str, Mapping[str, Any], str], ...]] = {
    "integration.rows": (
        ("limit", WHOLE | {"minimum": 1, "maximum": 500, "default": 100}, "rows of a page"),
        ("after", TEXT, "`next` of the page before"),
        ("filter", TEXT, "a Condition as JSON"),
        ("search", TEXT, "words"),
        ("sort", TEXT, "column keys, the first decides; `-` in front: descending"),
        ("columns", TEXT, "column keys; without them all columns"),
    ),
    "integration.changes": (
        ("since", TEXT, "`next` of the answer before; without it the mark to begin with"),
        ("limit", WHOLE | {"minimum": 1, "maximum": 500, "default": 100}, "changed rows of a page"),
        ("columns", TEXT, "column keys; without them all columns"),
    ),
    "cell_files.receive": (("form", TEXT, "chosen by the caller: what belongs together"),),
    "cell_files.content": (("inline", TEXT, "`1`: to be looked at instead of saved"),),
    "sheet_edits.history": (("field", TEXT, "column key"),),
    "sheet_edits.options": (("q", TEXT, "what was typed: part of the name, or initials of its sound"),),
    "sheet_imports.problems": (
        ("after", WHOLE, "`next` of the page before"),
        ("limit", WHOLE | {"minimum": 1, "maximum": 500, "default": 100}, "refused rows of a page"),
    ),
    "sheet_files.listed": (("before", WHOLE, "older than the file of that number"),),
}
# Beside 401, 403 and 404, which any address may answer.
_REFUSED = ("409", "422", "429")
_ALSO = {"POST": _REFUSED, "PATCH": _REFUSED, "DELETE": _REFUSED, "GET": _REFUSED}
_MADE = ("sheet_files.export", "sheet_imports.receive")
_GONE = {"integration.changes": ("410",)}
_SAID = {
    "401": "Not signed in, or the token opens nothing (any more).", "403": "Not allowed.",
    "404": "There is none, or none that the caller may see.",
    "409": "Somebody else was faster, or it is not the time for it; `current` is the row as it is now.",
    "410": "The mark is too old: read the whole sheet again.",
    "422": "What was sent cannot be read or is refused; `fields` says where.", "429": "Too often; see Retry-After.",
}  # fmt: skip


def description(app: Flask) -> dict[str, Any]:
    """The whole description, made from the addresses of the application."""
    paths: dict[str, dict[str, Any]] = {}
    for address, endpoint, method in addresses(app):
        shown = _PARAMETER.sub(r"{\2}", address.removeprefix(PREFIX))
        paths.setdefault(shown, {})[method.lower()] = _operation(app, address, endpoint, method)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "民声直通车", "version": VERSION,
            "description": "Sheets as JSON. Moments are ISO 8601; every change names a request_key and acts once.",
        },
        "servers": [{"url": PREFIX}],
        "security": [{"token": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }  # fmt: skip


def addresses(app: Flask) -> Iterator[tuple[str, str, str]]:
    """(address, endpoint, method) of the API."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda one: str(one)):
        if rule.rule.startswith(PREFIX):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule.rule, rule.endpoint, method


def _operation(app: Flask, address: str, endpoint: str, method: str) -> dict[str, Any]:
    sent, answered = BODIES[endpoint, method]
    example, told = EXAMPLES[endpoint, method]
    summary, _, more = (app.view_functions[endpoint].__doc__ or "").strip().partition("\n")
    found: dict[str, Any] = {
        "operationId": endpoint.replace(".", "_"),
        "summary": summary,
        "tags": [endpoint.partition(".")[0]],
        "responses": {
            "201" if endpoint in _MADE else "200": _answer("Done.", answered, told),
            **{code: _answer(_SAID[code], _ref("Error"), None) for code in sorted(_refusals(endpoint, method))},
        },
    }
    if more.strip():
        found["description"] = more.strip()
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": WHOLE if kind == "int" else TEXT}
        for kind, name in _PARAMETER.findall(address)
    ]
    parameters += [
        {"name": name, "in": "header", "required": must, "schema": dict(schema), "description": words}
        for name, must, schema, words in HEADERS.get(endpoint, ())
    ]
    parameters += [
        {"name": name, "in": "query", "required": False, "schema": dict(schema), "description": words}
        for name, schema, words in ASKED.get(endpoint, ())
    ]
    if parameters:
        found["parameters"] = parameters
    if sent is not None:
        found["requestBody"] = {"required": True, "content": _content(sent, example)}
    return found


def _refusals(endpoint: str, method: str) -> set[str]:
    return {"401", "403", "404", *_ALSO[method], *_GONE.get(endpoint, ())}


def _answer(words: str, schema: Mapping[str, Any], example: Any) -> dict[str, Any]:
    return {"description": words, "content": _content(schema, example)}


def _content(schema: Mapping[str, Any], example: Any) -> dict[str, Any]:
    shown = {} if example is None else {"example": example}
    return {schema.get("contentMediaType", "application/json"): {"schema": dict(schema), **shown}}
