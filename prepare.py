"""Bring the database up to the code and the seed: `python -m prepare`, which run.py calls at every start.

Standard output is what the person at the terminal needs: the demo accounts, or the officers' one-time codes.
What that person can mend ends in one line on standard error and exit code 2.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import config
from app import create_app, embedded

if TYPE_CHECKING:
    from seed.sample import DemoAccount

CODES_FILE = "officer-codes.txt"


def main() -> int:
    """The exit code; migrates, loads the seed, generates the roles, makes the accounts."""
    from flask_babel import force_locale

    from app.messages import sentence
    from app.rules.errors import RuleError
    from seed.load import SeedError

    settings = embedded.resolve(config.load(os.environ))
    app = create_app(config.flask_settings(settings))
    with app.test_request_context(), force_locale(config.language(os.environ)):
        try:
            load(settings)
            notice = demo_notice(settings) if settings.demo else officers_notice(settings)
        except SeedError as error:
            return _refuse(str(error))
        except RuleError as error:
            if not error.code.startswith("setup."):
                raise
            return _refuse(sentence(error.code, error.data))
    print(notice)
    return 0


def _refuse(reason: str) -> int:
    print(" ".join(reason.split()), file=sys.stderr)
    return 2


def load(settings: config.Settings) -> None:
    """Migrations, the seed and the generated roles; repeating it changes nothing."""
    from app.models import db
    from app.services import grants, setup
    from app.services.transaction import transaction
    from seed.load import load_seed

    setup.migrate(settings.database_url)
    with transaction():
        load_seed(db.session())
    with transaction():
        grants.regenerate_roles()


def demo_notice(settings: config.Settings) -> str:
    """The sample, loaded for SAMPLE_DATE or today, and its accounts as a table."""
    from app.services import present
    from seed.sample import load_sample

    return account_table(load_sample(settings.sample_date or present.today()))


def account_table(accounts: Sequence[DemoAccount]) -> str:
    """Columns that stand under each other although a Chinese character is two cells wide."""
    from flask_babel import gettext as _

    heads = (_("Account"), _("Password"), _("Name"), _("What the account does"))
    rows = [heads, *((one.username, one.password, one.name, one.note) for one in accounts)]
    widths = [max(_cells(row[column]) for row in rows) for column in range(3)]
    lines = []
    for row in rows:
        padded = [cell + " " * (width - _cells(cell)) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join([*padded, row[3]]).rstrip())
    return "\n".join(lines)


def _cells(text: str) -> int:
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def officers_notice(settings: config.Settings) -> str:
    """The officers' new one-time codes, also kept in a file that only its owner can read; or nothing."""
    from flask_babel import gettext as _

    from app.services import accounts

    codes = accounts.ensure_officers()
    if not codes:
        return ""
    path = settings.secrets_dir / CODES_FILE
    lines = "".join(f"{username}  {code}\n" for username, code in codes)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
        file.write(lines)
    heading = _("One-time codes of the officers, kept in %(path)s:", path=path)
    return f"{heading}\n{lines}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
