"""The words of the product in both languages, and what may stand on a page of the other."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from babel.support import Translations

from tests.e2e.product import Product

FOLDER = Path(__file__).parents[2] / "app" / "translations"
CHINESE = re.compile(r"[\u3400-\u9fff]+")
# Letters inside a number (of a problem, of a file) are no word.
LATIN = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{2,}(?![0-9A-Za-z])")
# On an English page: the mark of the product, the mark of fictional data, the way to the other language.
CHINESE_ANYWHERE = {"民", "示例", "中文", "简体中文"}
# On a Chinese page: the way to the other language, names of formats and keys, letters of classes and roles.
LATIN_ANYWHERE = {"EN", "English", "Excel", "xlsx", "XLSX", "IP", "Ctrl", "Enter", "Esc", "JSON", "PDF", "CSV"}
LATIN_ANYWHERE |= {"KB", "MB", "Shift", "docx", "UTF"}  # units, keys, kinds of files


def chinese(label: Any) -> str:
    """The Chinese of a label of app/words.py."""
    return str(_catalogue().gettext(label._args[0]))


@cache
def _catalogue() -> Translations:
    return Translations.load(FOLDER, ["zh"])  # type: ignore[return-value]


# What people typed and what has no twin in the other language. Not what the journal remembers: it is put into words;
# nor the chain an assignment froze: its names have their twins.
_CHINESE = """
    SELECT table_name, column_name FROM information_schema.columns c
    WHERE table_schema = 'public' AND data_type IN ('text', 'character varying', 'jsonb')
      AND NOT EXISTS (SELECT 1 FROM information_schema.columns t
                      WHERE t.table_schema = 'public' AND t.table_name = c.table_name
                        AND t.column_name = c.column_name || '_en')
      AND table_name NOT IN ('seed_row', 'audit', 'assumption')
      AND NOT (table_name IN ('journal', 'assignment') AND data_type = 'jsonb')
"""
_LATIN = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = 'public'
      AND table_name || '.' || column_name IN (
        'ab_user.username', 'channel.address', 'person.email', 'number_series.template', 'import_batch.filename',
        'report.filename', 'own_sheet.name', 'own_sheet.code', 'field_definition.code', 'appeal.intake',
        'appeal.source', 'login_session.user_agent')
"""
# A dictionary's own pages show both names of a row, its code and its parameters.
_DICTIONARIES = """
    SELECT table_name, column_name FROM information_schema.columns c
    WHERE table_schema = 'public' AND data_type IN ('text', 'character varying', 'jsonb') AND table_name <> 'seed_row'
      AND (column_name IN ('code', 'name', 'title', 'duty', 'explanation', 'value', 'parameters', 'name_pinyin')
           OR right(column_name, 3) = '_en' OR table_name IN ('journal', 'audit'))
"""
_NAMED = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND column_name IN ('name_en', 'label_en')
"""


def data_of(product: Product, language: str, *, dictionaries: bool = False) -> str:
    """Every text of the database that is shown as it is on a page of that language, one after the other."""
    columns = product.sql({"zh": _LATIN, "en": _CHINESE}[language])
    columns += product.sql(_DICTIONARIES) if dictionaries else []
    own = [_column(product, row["table_name"], row["column_name"]) for row in columns]
    # A row without an English name shows its Chinese one.
    for row in product.sql(_NAMED):
        twin = row["column_name"]
        own.append(_column(product, row["table_name"], twin.removesuffix("_en"), f"{twin} = ''"))
    return "\n".join(own)


def _column(product: Product, table: str, column: str, condition: str = "true") -> str:
    texts = f"string_agg(DISTINCT \"{column}\"::text, E'\\n')"
    return str(product.one(f"SELECT COALESCE({texts}, '') FROM \"{table}\" WHERE {condition}"))


def foreign_words(text: str, language: str, data: str) -> list[str]:
    """What of the text belongs to the other language and is no data."""
    if language == "en":
        return [run for run in CHINESE.findall(text) if run not in data and not _made_of(run, CHINESE_ANYWHERE)]
    return [word for word in LATIN.findall(text) if word not in LATIN_ANYWHERE and word not in data]


def _made_of(run: str, known: set[str]) -> bool:
    for word in sorted(known, key=len, reverse=True):
        run = run.replace(word, "")
    return not run
