"""What is wrong with what goes into sheets or out of them: files, tokens, feeds; part of app/messages.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

# Alphabetical.
EXCHANGE_SENTENCES: Mapping[str, Any] = {
    "access.other-post": _l(
        "The post you act for now does not allow this; another one of yours does. Change the post first."
    ),
    "export.format": _l("Choose a workbook (xlsx) or CSV in UTF-8 or GB18030."),
    "export.grown": _l("The view has grown past what may be exported at once. Narrow its filter and export it again."),
    "export.over-cap": _l(
        "Under your posts at most %(most)s rows may be exported at once, and this view has more. Narrow the filter, or "
        "have the staffing table allow a post more."
    ),
    "export.reason-missing": _l("Say what you need the workbook for."),
    "export.too-many-rows": _l("These are %(rows)s rows; a workbook takes %(most)s. Narrow the choice."),
    "export.too-much-for-paper": _l("The ledger is printed %(most)s items at a time at most. Narrow the filter."),
    "feed.mark": _l("This is no mark of a change feed. Take `next` of an earlier answer, or leave it out to begin."),
    "feed.read-again": _l(
        "Changes are kept for a day, and this mark is older. Read the sheet anew, then go on from a new mark."
    ),
    "import.adds-nothing": _l("There is no such row, and this sheet takes no new ones."),
    "import.changed-since": _l("Somebody changed this row after the file was looked at. Look at the file once more."),
    "import.key-empty": _l("The column by which a row is known is empty here."),
    "import.key-several": _l("Several rows of the sheet have this key."),
    "import.key-twice": _l("This key stands in the file more than once."),
    "import.key-unknown": _l("No row of the sheet that you may see has this key."),
    "import.no-column": _l("Choose at least one column that is to be filled in."),
    "import.no-key": _l("Choose by which column a row is known; it has to be among the columns of the file."),
    "import.read-only": _l("This column is not filled in by hand."),
    "import.two-into-one": _l("Two columns of the file go into the same column."),
    "sheet-file.empty": _l("The file has no row."),
    "sheet-file.expired": _l("The file was kept for %(days)s days and is gone. Export the view once more."),
    "sheet-file.not-ready": _l("This file is not ready. Look at its page for how far it is."),
    "sheet-file.not-text": _l("This is neither a workbook (xlsx) nor a CSV file in UTF-8 or GB18030."),
    "sheet-file.unknown": _l("There is no such file of yours."),
    "sheet-file.used": _l("This file was used already. Hand it in again."),
    "task.waits": _l("It lets others finish who are writing, and goes on in a moment."),
    "token.days": _l("A number of days from 1 to %(most)s."),
    "token.not-here": _l("A token opens sheets alone. This address is for people."),
    "token.officer": _l("An officer has no tokens."),
    "token.reads-only": _l("This token only reads."),
    "token.too-many": _l("You have %(most)s tokens already. Revoke one first."),
    "token.unknown": _l("There is no such token of yours."),
}
