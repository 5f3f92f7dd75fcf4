"""Files of fields made at run time in forms and on pages: what was chosen, what is shown, where it is opened."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from flask import g, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from app import attachment_words
from app.rules.errors import FieldErrors, FieldProblem, RuleError
from app.services import attachments, definitions, field_files
from app.services.actors import Actor
from app.services.attachments import File
from app.services.definitions import OWN, Defined
from app.sheets import BY_CODE
from app.standing import current_actor


def sheet_code(one: Defined) -> str:
    """The sheet on which the field stands, as the API calls it."""
    if one.own_sheet_id is not None or one.table == OWN:
        own = definitions.current().sheet_by_id(one.own_sheet_id or 0)
        return f"own_{own.code}" if own is not None else ""
    if one.table == "appeal":
        return "appeals"
    return next((code for code, sheet in BY_CODE.items() if sheet.model.__tablename__ == one.table), "")


def line(code: str, file: File) -> dict[str, Any]:
    """A chosen file as the script of forms and of the spreadsheet shows it."""
    address = url_for("cell_files.content", code=code, file_id=file.id)
    return {
        "id": file.id,
        "name": file.shown_name,
        "size": attachment_words.size(file.size),
        "bytes": file.size,
        "icon": file.type.icon,
        "preview": file.type.preview,
        "preview_url": f"{address}?inline=1" if file.type.preview else "",
        "discard_url": url_for("cell_files.discard", code=code, file_id=file.id),
    }


def field(actor: Actor, one: Defined, ids: Iterable[int]) -> dict[str, Any]:
    """What the input of the field needs beside its label (macro `field` of _macros/files.html)."""
    code = sheet_code(one)
    found = field_files.listed(actor, one, ids)
    address = url_for("cell_files.receive", code=code, key=one.key, form=secrets.token_hex(12))
    return {
        "files": found,
        "lines": [line(code, file) for file in found],
        "most": attachments.limits().per_form,
        "kept": [],
        "address": address,
    }


def chosen(one: Defined, form: MultiDict[str, str]) -> list[int]:
    """The files that a sent form names, and those that a browser without script sent along, kept first.

    Raises FieldErrors at the field for one that is refused; asked again in the same request, those that were kept.
    """
    ids = [int(text) for text in form.getlist(one.key) if text.isascii() and text.isdigit() and len(text) < 10]
    fresh: dict[str, list[int]] = g.setdefault("extra_files", {})
    if one.key not in fresh:
        fresh[one.key] = []
        for file in request.files.getlist(f"{one.key}-files"):
            if file.filename:
                fresh[one.key].append(_kept(one, file.filename, file.stream))
    return list(dict.fromkeys([*ids, *fresh[one.key]]))


def _kept(one: Defined, name: str, stream: Any) -> int:
    try:
        kept = attachments.keep(current_actor(), form_key=f"x-{one.id}", filename=name, stream_or_bytes=stream)
    except RuleError as error:
        raise FieldErrors([FieldProblem(one.key, error.code, error.data)]) from error
    return kept.id


def links(one: Defined, ids: Iterable[int], names: Mapping[int, str]) -> Markup:
    """The files of a value, each a link that saves it."""
    code = sheet_code(one)
    made = [
        Markup('<a href="{}" download data-no-busy>{}</a>').format(
            url_for("cell_files.content", code=code, file_id=row_id), names[row_id]
        )
        if names.get(row_id)
        else _("Anonymised: no longer readable")
        for row_id in ids
    ]
    return Markup("<br>").join(made)
