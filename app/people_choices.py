"""People to choose from in forms: the first of them stand in the page, the others are found by typing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized

from flask import url_for

from app import extra_forms
from app.services.sheet_rows import Option, options


def offered(keep: Iterable[object] = ()) -> list[Option]:
    """People in use by pinyin, no more than a page holds; `keep`: ids, as sent or kept, offered for certain."""
    texts = {str(one) for one in keep}
    ids = [int(one) for one in texts if one.isascii() and one.isdigit() and len(one) < 10]
    return options("person", keep=ids, most=extra_forms.MOST_OPTIONS)


def searched(choices: Sized) -> Mapping[str, str]:
    """What the script of the page needs to know of a list that is longer than what the page holds."""
    if len(choices) < extra_forms.MOST_OPTIONS:
        return {}
    return {"data-combobox": "", "data-options": url_for("api.people")}
