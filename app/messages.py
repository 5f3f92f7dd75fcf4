"""Every code of a rule error as a sentence in the reader's language: what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app import words
from app.exchange_messages import EXCHANGE_SENTENCES
from app.rules.errors import FieldErrors, RuleError
from app.rules.formulas import KINDS
from app.rules.values import ValueKind

# Alphabetical. A test finds every code raised in the product here or in app/exchange_messages.py.
SENTENCES: Mapping[str, Any] = {
    **EXCHANGE_SENTENCES,
    "absence.both-away": _l("%(place)s: A and B would both be away from %(starts)s to %(ends)s. Name who stands in."),
    "absence.decided": _l("This request has been decided already."),
    "absence.in-past": _l("This lies in the past."),
    "absence.not-away": _l("This person is not away now."),
    "absence.not-own": _l("Only who goes away hands over."),
    "absence.nothing-to-hand-over": _l("There is no post to hand over."),
    "absence.on-duty": _l(
        "On duty at %(office)s from %(starts)s to %(ends)s, and nobody else sits there. "
        "Have the duty roster changed first."
    ),
    "absence.over": _l("This absence has begun or ended and cannot be taken back any more."),
    "absence.overlap": _l("Another absence from %(starts)s to %(ends)s overlaps with this one."),
    "absence.own": _l("Nobody confirms his own absence."),
    "absence.third-person": _l(
        "%(place)s: A and B would both be away from %(starts)s to %(ends)s, and no leader can stand in. "
        "Name a third person."
    ),
    "absence.too-long": _l("An absence lasts %(days)s days at most."),
    "absence.unknown": _l("There is no such absence, or it is not one of yours."),
    "absences.empty": _l("The workbook has no absences."),
    "absences.kind-unknown": _l(
        "“%(value)s” is no kind of absence. Write leave, business trip, sick leave, training or other."
    ),
    "absences.no-header": _l("No header row was found. It needs the columns name, from and until."),
    "absences.too-many": _l("%(count)s rows are too many; at most %(most)s at a time."),
    "accept.co-handling-open": _l(
        "Co-handling units have not answered yet: %(count)s. Wait for them or release them first."
    ),
    "access.not-granted": _l("None of the posts you act for now allows this."),
    "access.signed-out": _l("You are not logged in. Log in and try again."),
    "account.confirm-first": _l("Type your password once more first."),
    "account.demo-off": _l("Accounts of the sample exist only in the demonstration."),
    "account.exists": _l("This person has an account already."),
    "account.has-one": _l("%(name)s has an account already."),
    "account.language": _l("There is no such language."),
    "account.locked": _l(
        "This account is locked after too many wrong passwords. Try again later, or ask the security officer."
    ),
    "account.not-yours": _l("Accounts are kept by the system officer, sessions and lock-outs by the security officer."),
    "account.officer": _l("An officer's account is reset at the machine, with flask accounts reset."),
    "account.own": _l("You cannot reset or shut your own account."),
    "account.password-change-first": _l("Choose a new password first."),
    "account.unknown": _l("There is no such account."),
    "account.username": _l("A user name has 3 to 64 letters, digits and . _ @ -"),
    "account.username-taken": _l("The user name %(username)s is taken."),
    "answer.not-informed": _l("Say when and how the appellant was told."),
    "appeal.ended": _l("This appeal is archived, voided or of the old records, and its fields are read only."),
    "appeal.fields-missing": _l("Before this step somebody else has to fill in: %(fields)s."),
    "appeal.held": _l("This appeal is under a legal hold: its fields stay as they are until the hold is released."),
    "appeal.stale": _l(
        "Somebody else changed this appeal while you had it open. What you typed is kept below: compare and send again."
    ),
    "appeal.unknown": _l("There is no such appeal, or it is not one of yours."),
    "archive.note-missing": _l("It was overdue or could not be done: add the note first, then archive it (R11)."),
    "assign.twice": _l("%(unit)s has this appeal already."),
    "assumption.elsewhere": _l("This value is kept in another sheet: change it there."),
    "assumption.shape": _l("The value must keep its shape: the same names, numbers where numbers stood."),
    "attachment.active-pdf": _l("This PDF contains scripts or starts programs. Print it to a new PDF or scan it."),
    "attachment.appeal-full": _l(
        "The attachments of one appeal hold at most %(limit)s MB together; %(held)s MB are there already."
    ),
    "attachment.archived": _l("The appeal is archived or voided: its attachments stay as they are."),
    "attachment.damaged": _l("The file is damaged or incomplete."),
    "attachment.disguised": _l("Another file is hidden in this one. Save it anew without it."),
    "attachment.empty": _l("The file is empty."),
    "attachment.encrypted": _l("The file is locked with a password. Remove the password first."),
    "attachment.gone": _l(
        "A file is no longer here: what was chosen and not sent within a day is deleted. Choose it again."
    ),
    "attachment.held": _l("The appeal is under a legal hold: its attachments stay as they are."),
    "attachment.infected": _l("The virus scanner found this file infected. It was not kept."),
    "attachment.macros": _l("The file contains macros. Save it as a file without macros."),
    "attachment.no-form": _l("The form has expired. Open it anew."),
    "attachment.not-yours": _l(
        "Only the post that handed it in, the registrar and the ledger administrator take a file out."
    ),
    "attachment.packed": _l("Archives are not taken. Unpack it and choose the files themselves."),
    "attachment.reason-missing": _l("Say why the file is taken out."),
    "attachment.runnable": _l("Programs, scripts and web pages are not taken (%(extension)s)."),
    "attachment.scanner-failed": _l("The virus scanner gave no answer, so the file was not taken. Try again later."),
    "attachment.too-large": _l("The file is larger than %(limit)s MB."),
    "attachment.too-many": _l("At most %(limit)s files at a time."),
    "attachment.too-many-pixels": _l("The picture has more than %(limit)s million pixels. Make it smaller."),
    "attachment.too-many-unsent": _l("You have %(limit)s files chosen in forms you have not sent. Send or drop them."),
    "attachment.type": _l(
        "Files of this kind are not taken (%(type)s). Pictures, PDF, sound, MP4, Word, Excel, text and mails are."
    ),
    "attachment.unknown": _l("There is no such file, or it is not one of yours."),
    "attachment.unpacks-too-large": _l("The file unpacks to more than is safe to open."),
    "bulk.nothing-chosen": _l("Choose at least one appeal first."),
    "bulk.too-many": _l("At most %(most)s appeals at a time: choose fewer."),
    "calendar.no-working-day": _l("The working calendar has no working day to count: check the calendar."),
    "calendar.other-year": _l("This day is not of the year %(year)s."),
    "calendar.span-empty": _l("The working hours must end after they start."),
    "calendar.span-order": _l("A span ends on the day it begins or later."),
    "calendar.span-too-long": _l("A span has %(days)s days at most."),
    "calendar.span-twice": _l("Another row has this day already."),
    "call-back.not-reached": _l("Whoever was not reached has said nothing: leave this empty."),
    "capability-change.decided": _l("This change was decided already."),
    "capability-change.demo-off": _l("Only the security officer confirms a change of rights."),
    "capability-change.moved": _l("The post was changed since you looked: look at the preview again, then decide."),
    "capability-change.own": _l("Nobody decides his own request: another officer confirms it."),
    "capability-change.pending": _l(
        "Another change of this post's rights waits for the security officer. Withdraw it first, then ask anew."
    ),
    "capability-change.retired": _l("The post is out of use: bring it back into use first, or refuse the change."),
    "capability-change.unknown": _l("There is no such change."),
    "category.too-deep": _l("A category has at most three levels."),
    "cell.in-form": _l("Rights of a post are asked for in its form, with a reason."),
    "cell.only-grows": _l("A note can only be added to: write behind what stands there."),
    "cell.read-only": _l("This column cannot be edited here."),
    "cell.several": _l("Several rows are called “%(value)s”. Choose one from the list."),
    "chain-sheet.empty": _l("No row of the workbook names a unit."),
    "chain-sheet.no-header": _l(
        "No header was found: the first rows must hold the columns Unit and the links with their roles."
    ),
    "chain-sheet.too-many": _l("More than %(most)s rows at once are too many."),
    "chain-sheet.unit-twice": _l("%(name)s stands in row %(row)s already."),
    "chain-sheet.unknown-unit": _l("There is no unit %(name)s in use, or several are called so: use the unit code."),
    "chain-sheet.unreadable": _l("What was shown cannot be read any more. Hand in the workbook again."),
    "chain.changed-meanwhile": _l("Somebody else stands there by now. Look at the chain once more."),
    "chain.derived": _l("This place follows from the portfolio: change the portfolio line instead."),
    "chain.no-such-place": _l("A unit of this kind has no such link in its chain."),
    "chain.nothing-changes": _l("Nothing would change at that moment."),
    "chain.same-person": _l("A-role and B-role of one link must be two persons."),
    "change-set.running": _l("This change is still being written. Wait until it is done, or stop it first."),
    "change-set.undone": _l("This change has been undone already."),
    "change-set.unknown": _l("There is no such change of yours on this sheet."),
    "change.leader-future": _l("The responsible leader changes at once: file this change on the day it takes effect."),
    "change.meanwhile": _l("Somebody else changed this place meanwhile: look at who stands there now, and send again."),
    "change.moment": _l("This moment cannot be right: write the day and time from which the change holds."),
    "change.newcomer-known": _l("%(person)s is in the list already: choose the name there."),
    "change.stands-there": _l("%(person)s stands there at that moment already."),
    "change.unknown": _l("There is no such personnel change, or it is not one of yours."),
    "change.vacant-already": _l("Nobody stands there at that moment: choose who is to."),
    "checklist.unknown": _l("There is no such step."),
    "clock.unknown": _l("There is no such clock, or it is not one of yours."),
    "contact.foreign-class": _l("You keep contact for your own class only."),
    "contact.mobile-elsewhere": _l("This is a mobile number: enter it in its own field, where it is kept sealed."),
    "definition.archived": _l(
        "%(count)s archived appeals hold a value, and their files are sealed. Add a new field and retire this one."
    ),
    "definition.chain": _l("At most %(limit)s computed fields may build on one another."),
    "definition.conversion-unknown": _l("No value was lost by this change."),
    "definition.duplicates": _l("Several rows have the same value: %(values)s. Make them differ first."),
    "definition.figure": _l("This figure needs a column of numbers; least and greatest also take dates."),
    "definition.file": _l("This is no file of definitions."),
    "definition.file-refused": _l("The file changed nothing: an entry was refused. Look at it again."),
    "definition.kind": _l("A field of this kind cannot become one of the other. Add a new field and retire this one."),
    "definition.large": _l("With all the fields it builds on, this formula has more than %(limit)s parts."),
    "definition.link": _l("Where a link leads cannot be changed. Add a new field and retire this one."),
    "definition.loses": _l("%(lost)s of %(values)s values would be lost. Look at the preview and agree to it."),
    "definition.many": _l("A sheet has at most %(limit)s fields made at run time."),
    "definition.many-options": _l("At most %(limit)s choices."),
    "definition.moved": _l("Fields of this sheet have just been changed. Open the page again and repeat what you did."),
    "definition.moving": _l("This field is being changed to another kind and takes no values until that is finished."),
    "definition.no-options": _l("Write at least one choice."),
    "definition.option": _l("The choice “%(label)s” is there twice."),
    "definition.posts": _l("There is no such post here: %(posts)s."),
    "definition.sheet-off": _l("The sheet “%(sheet)s” is switched off here. Switch it on first."),
    "definition.used": _l("These computed fields need it: %(fields)s."),
    "deliver.nobody-here": _l("None of the line's leaders is there: name who received the slip."),
    "dispatch.about-nothing": _l("Say what it is about: a category, a place or words."),
    "dispatch.ends-before-start": _l("The last day must not lie before the first."),
    "document.damaged": _l("The document is damaged or cut off. Open it, save it anew and hand it in again."),
    "document.encrypted": _l("The document is protected by a password. Save it without one and hand it in again."),
    "document.legacy": _l("This is an old .doc or .xls file. Save it as .docx or .xlsx and hand that in."),
    "document.macros": _l("The file contains macros. Save it as .docx or .xlsx without macros and hand that in."),
    "document.not-yet": _l("The record has nothing for this document yet."),
    "document.unknown": _l("This is neither a workbook (.xlsx) nor a document (.docx)."),
    "document.unknown-kind": _l("There is no such document."),
    "document.unknown-request": _l("There is no such request, or it is out of your sight."),
    "edit.kind": _l("There is no such kind of edit (%(kind)s)."),
    "edit.too-large": _l("At most %(rows)s rows and %(cells)s cells can be written at once."),
    "edit.too-many": _l("A bulk edit reaches at most %(most)s rows. Filter further."),
    "extension.amount": _l("Grant at least one."),
    "extension.too-late": _l("The limit has already passed or been met: it cannot be extended any more."),
    "field.before-first-day": _l("The last day lies before the first."),
    "field.before-opinion": _l("This is before the opinion was proposed (%(on)s)."),
    "field.bool-unreadable": _l("“%(value)s” is neither yes nor no."),
    "field.boolean-unreadable": _l("Choose yes or no."),
    "field.choice": _l("Choose one of the entries of the list."),
    "field.code": _l("A code has lower-case letters, digits and underscores and begins with a letter."),
    "field.computed": _l("This is computed and cannot be written."),
    "field.date-unreadable": _l("“%(value)s” is no certain date. Write it like 2026-11-23, or 11-23 of this year."),
    "field.decimal-unreadable": _l(
        "“%(value)s” is no certain number here. Write it like 1200.5 or 1,200.5; at most 15 digits."
    ),
    "field.email": _l("This is not an e-mail address."),
    "field.in-future": _l("This lies in the future."),
    "field.in-past": _l("This date has passed."),
    "field.int-unreadable": _l("“%(value)s” is not a whole number."),
    "field.json-unreadable": _l("This is not JSON."),
    "field.mask": _l("“%(value)s” does not look like “%(mask)s”: # is a digit, @ a letter, ? one character."),
    "field.mask-unreadable": _l("A mask has at most %(limit)s characters and %(stars)s stars."),
    "field.minute": _l("“%(value)s” is no minute of a programme. Write it like 12:30, or 1:02:30."),
    "field.moment-unreadable": _l("“%(value)s” is no certain moment. Write it like 2026-11-23 14:05, or 11-23 14:05."),
    "field.not-asked": _l("This is not asked for here."),
    "field.not-yours": _l("Another post fills this in."),
    "field.number-range": _l("A whole number from 1 to %(most)s."),
    "field.number-unreadable": _l("“%(value)s” is not a whole number."),
    "field.required": _l("This is needed."),
    "field.time-unreadable": _l("“%(value)s” is not a time of day. Write it like 11:00."),
    "field.too-large": _l("At most %(most)s."),
    "field.too-long": _l("%(length)s characters are too many; %(limit)s fit."),
    "field.too-small": _l("At least %(least)s."),
    "field.type": _l("This is not of the right kind (%(type)s)."),
    "field.unknown": _l("There is no field “%(field)s”."),
    "field.web-address": _l("“%(value)s” is no address of a page. Copy it from the browser."),
    "field.whole": _l("A whole number from %(least)s to %(most)s."),
    "filter.too-long": _l("These filters are too long to be kept (%(limit)s characters): choose fewer entries."),
    "form.invalid": _l("Some fields need your attention."),
    "formula.arguments": _l("%(name)s at character %(at)s does not take so many values (%(count)s)."),
    "formula.cycle": _l("These computed fields need each other in a circle: %(fields)s."),
    "formula.empty": _l("Write a formula, such as {first} + {second}."),
    "formula.format": _l(
        "“%(text)s” at character %(at)s is no pattern for this value. "
        "Numbers are written like 0.00 or #,##0, the days of a week are counted by 1 or 2."
    ),
    "formula.kinds": _l("At character %(at)s %(wanted)s is needed, but this is %(found)s."),
    "formula.too-deep": _l(
        "From character %(at)s on, more than %(limit)s steps stand inside each other. "
        "Divide the formula among two fields, or let one function take many values."
    ),
    "formula.too-long": _l("%(length)s characters are too many for a formula; %(limit)s fit."),
    "formula.unclosed": _l("What begins with %(text)s at character %(at)s is not closed."),
    "formula.unexpected": _l(
        "“%(text)s” at character %(at)s does not fit there. Columns stand in braces, texts in double quotes."
    ),
    "formula.unknown-field": _l("There is no column {%(name)s} (at character %(at)s)."),
    "formula.unknown-function": _l("There is no function %(name)s (at character %(at)s)."),
    "handover.given": _l("This sheet is confirmed already and cannot be changed."),
    "handover.not-given": _l("The sheet can be taken over once it has been handed over."),
    "handover.not-giver": _l("Only who hands over may confirm this."),
    "handover.not-taker": _l("Only who takes over may confirm this."),
    "handover.unknown": _l("There is no such handover sheet, or it is not one of yours."),
    "hold.held": _l("It is under legal hold already."),
    "hold.not-held": _l("It is under no legal hold."),
    "holding.both-roles": _l("Nobody is A and B of one post at the same time."),
    "http.400": _l("The request could not be understood. Go back and try again."),
    "http.401": _l("You are not logged in. Log in and try again."),
    "http.403": _l("You may not do this."),
    "http.404": _l("There is no such page."),
    "http.405": _l("This address does not answer that kind of request."),
    "http.413": _l("The file is too large."),
    "http.429": _l("Too many requests. Wait a minute and try again."),
    "http.500": _l(
        "Something failed on our side. Nothing was half done; try again, or tell the administrator the number below."
    ),
    "identity.birth-date": _l("The date of birth inside the identity number does not exist."),
    "identity.check-digit": _l("The last character of the identity number does not fit: check for a slip of the pen."),
    "identity.invalid": _l("This is not an identity number of 18 characters."),
    "import.applied": _l("The import is applied."),
    "import.checked": _l("The dry run is finished."),
    "import.class-needed": _l("Choose one of the channel classes A to F."),
    "import.column-needed": _l("Choose the column that holds this."),
    "import.column-twice": _l("The column “%(column)s” is chosen twice."),
    "import.no-file": _l("Choose a workbook first."),
    "import.no-header": _l(
        "No header row was found among the first rows of this sheet. Put the titles of the columns into one row."
    ),
    "import.not-checked": _l("Let the dry run of the present choice go first."),
    "import.not-chosen": _l("Choose the columns first."),
    "import.not-open": _l("This import is being applied or is finished and cannot be changed."),
    "import.nothing-to-do": _l("There was nothing left to do."),
    "import.unknown": _l("There is no such import."),
    "import.unknown-column": _l("There is no column “%(column)s” in this sheet."),
    "inform.main-unanswered": _l("The main appeal has no result yet. Tell the appellant once it is answered."),
    "intake.petition-known": _l(
        "The number %(number)s was taken in before: %(appeal)s. Take it in again only if it differs."
    ),
    "intake.unknown-class": _l("There is no channel class %(class)s."),
    "invitations.empty": _l("The workbook names nobody."),
    "invitations.no-header": _l("No column is called Name: the first rows must hold a header."),
    "invitations.nobody": _l("Choose at least one person."),
    "invitations.too-many": _l("%(count)s people at once are too many; the limit is %(most)s."),
    "invitations.twice": _l("%(name)s stands in row %(row)s already."),
    "joint.more-names": _l("%(named)s people are named: correct the number of persons."),
    "joint.number": _l("%(value)s is no number of persons: write 1 or more."),
    "joint.representatives": _l("At most %(most)s represent a joint appeal, the first named among them."),
    "journal.too-long": _l(
        "The chain is too long to be checked whole on a page: run flask verify-journal on the server."
    ),
    "leaver.filed": _l("This person leaves already: the change is filed and takes effect at its moment."),
    "limit.amount-missing": _l("Say how many hours or days."),
    "limit.before-start": _l("This date has already passed."),
    "limit.clock-fixed": _l("The clock of a limit stays as it is: add another limit instead."),
    "limit.date-missing": _l("Name the date."),
    "limit.default-twice": _l("Another limit is the usual one of this clock: take the mark from that one first."),
    "limit.last-one": _l("Without this limit the classes %(classes)s would have none."),
    "limit.missing": _l("The table of limits has no limit for this: ask the system officer to add one."),
    "limit.percent-range": _l("The share must lie between 0 and 100."),
    "limit.proposed-elsewhere": _l("Only handling limits are proposed by urgency, nature or category."),
    "limit.time-missing": _l("Name the time of day."),
    "limit.unnamed": _l("Choose a limit or set a date."),
    "limit.unreadable": _l("This limit cannot be understood: check kind, amount and time."),
    "mail.empty": _l("The file is empty."),
    "mail.no-file": _l("Choose a mail first: a file that ends in .eml."),
    "mail.not-a-mail": _l("This is no mail, or it is damaged. Save the mail as .eml once more, or type it in."),
    "mail.too-large": _l("The mail is larger than %(limit)s MB. Type in what it says, and attach what hangs on it."),
    "mail.too-many-parts": _l("The mail has more than %(most)s parts. Type in what it says."),
    "membership.no-section": _l("Only a section of the General Office has clerks who deliver slips."),
    "merge.closed": _l("%(number)s is finished or merged itself; merge into one that is being handled."),
    "merge.is-main": _l("Others are merged into this one. Take them out first."),
    "merge.itself": _l("%(number)s is this appeal itself; name the one it follows."),
    "merge.unknown": _l("There is no appeal %(number)s that you may see."),
    "moment.invalid": _l("“%(value)s” is not a moment that can be read for certain."),
    "nil-return.day-of-rest": _l("%(on)s is not a working day: no nil return is due."),
    "nil-return.no-cutoff": _l("Only collectors of classes C, D and E sign nil returns."),
    "nil-return.no-paper": _l("Choose at least one paper."),
    "note.not-fulfilled": _l("What was instructed is not reported as done yet."),
    "number.brace-open": _l("Braces in a number format may only enclose a field."),
    "number.collides": _l(
        "With this format a number could be given that exists already or belongs to another series: %(number)s."
    ),
    "number.field-missing": _l("The number format asks for %(field)s, which is not known here."),
    "number.field-twice": _l("A number format names each field once only."),
    "number.field-unknown": _l("The number format does not know the field %(field)s."),
    "number.format-unknown": _l("A field of a number format may only be padded with zeros, as in {seq:06d}."),
    "number.not-printable": _l("The number format contains a character that cannot be printed."),
    "number.seq-missing": _l("The number format needs {seq}."),
    "number.too-long": _l("Numbers of this format would be longer than %(limit)s characters."),
    "number.unknown-series": _l("The number series %(series)s is missing: ask the system officer to add it."),
    "number.year-missing": _l("The number format needs {year}, because numbers start again each year."),
    "object.bounced": _l(
        "An appeal is sent back %(most)s time at most; who has it now handles it. Ask the duty office for a "
        "transfer if need be."
    ),
    "object.twice": _l("Your unit has objected to this assignment before."),
    "officer.combined": _l("An officer of the system holds no post and no function beside it."),
    "officer.unknown": _l("There is no such officer."),
    "own-sheet.filled": _l("Every row was read."),
    "own-sheet.label-twice": _l("“%(label)s” stands twice."),
    "own-sheet.no-choice": _l("Name the choices, one a line."),
    "own-sheet.no-field": _l("A sheet needs at least one field."),
    "own-sheet.too-many-fields": _l("At most %(most)s fields."),
    "page.key-unreadable": _l("The address of this page is damaged. Start again from the first page."),
    "password.common": _l("It contains a common word or number (%(word)s)."),
    "password.contains-name": _l("It contains your user name or your name."),
    "password.control-character": _l("It contains a character that cannot be typed."),
    "password.repeated": _l("It repeats one character four times."),
    "password.sequence": _l("It contains a run such as 12345 or qwert."),
    "password.too-long": _l("At most %(longest)s characters."),
    "password.too-plain": _l("Use at least %(classes)s of four kinds: lower case, upper case, digits, other signs."),
    "password.too-short": _l("At least %(shortest)s characters."),
    "password.used-before": _l("It is one of your last %(remembered)s passwords."),
    "password.wrong": _l("This is not your password."),
    "paste.empty": _l("There is no item in this text."),
    "paste.too-long": _l("The text is too long (%(limit)s characters at most): paste it in parts."),
    "paste.too-many": _l("These are %(count)s items; at most %(most)s at a time."),
    "pattern.backwards": _l("The pattern must not end before it begins."),
    "pattern.empty": _l("No shift begins on these days: there is nothing to repeat."),
    "pattern.no-change": _l("Say at what time of day the shifts change, e.g. 08:00 20:00."),
    "pattern.no-team": _l("Name at least one team."),
    "pattern.too-long": _l("A pattern has at most %(most)s days."),
    "pattern.too-many": _l("At most %(most)s shifts at a time: choose an earlier last day."),
    "pattern.until-past": _l("The last day lies before the first day to be filled."),
    "pause.already": _l("A pause covers this time already."),
    "pause.empty": _l("A pause ends on a later day than it begins."),
    "pause.none": _l("This clock is not paused."),
    "pause.running": _l("The limit is paused already."),
    "pause.too-late": _l("The limit had already passed or been met by then: it cannot be paused any more."),
    "period.ends-before-start": _l("The end must lie after the beginning."),
    "period.overlap": _l("Another period overlaps with this one."),
    "person.ambiguous-name": _l("%(count)s people are called %(name)s: name the unit."),
    "person.in-office": _l("This person still stands here: %(places)s. Use “Leaves” on the page of this person."),
    "person.name-missing": _l("The name is missing."),
    "person.not-in-unit": _l("Nobody called %(name)s belongs to %(unit)s."),
    "person.unknown": _l("There is no such person."),
    "person.unknown-name": _l("Nobody in use is called %(name)s: enter the person first, or correct the name."),
    "phone.invalid": _l("This is not a phone number. Write one number, such as 0792-8123456."),
    "phone.not-mobile": _l("This is not a mobile number of eleven digits."),
    "portfolio.changed-meanwhile": _l("The portfolio or a chain has changed since the preview. Look at it once more."),
    "portfolio.coordinating-same": _l(
        "This person is already the coordinating B-role of: %(units)s. Name somebody else there first."
    ),
    "portfolio.in-use": _l("Somebody or some unit still stands in this line. A change of portfolio moves them."),
    "portfolio.not-under": _l("This unit is not under the line at that moment."),
    "portfolio.nothing-changes": _l("Nothing would change at that moment."),
    "portfolio.same-person": _l("Vice mayor and deputy secretary-general of a line are two persons."),
    "portfolio.under-already": _l("This unit is under the line already at that moment."),
    "portfolio.unknown": _l("There is no such line in use."),
    "post.capability-foreign": _l("A post cannot have the capability %(capability)s."),
    "post.capability-unknown": _l("There is no capability %(capability)s."),
    "post.class-missing": _l("A post that collects, or sees its own class only, needs a channel class."),
    "post.export-cap": _l("A number from 1 to %(most)s."),
    "post.number-range": _l("A post's number lies between 1 and 999."),
    "post.on-duty-roster": _l("The duty roster fills this post: change the roster instead."),
    "post.scope-collect": _l(
        "A collecting post has all appeals or those of its own class: what comes in has no unit yet."
    ),
    "post.scope-unknown": _l("A post cannot have this scope."),
    "post.unknown": _l("There is no such post in use."),
    "propose.line-missing": _l("Choose the portfolio line, or the unit from which it follows."),
    "propose.no-section": _l("This portfolio line has no matching section: choose another, or ask the system officer."),
    "quarter.unknown": _l("There is no such quarter."),
    "query.key": _l("This page of rows cannot be found any more. Load the list again."),
    "query.operator": _l("“%(field)s” cannot be asked that way (%(op)s)."),
    "query.too-large": _l("This asks for too much at once; at most %(most)s are possible."),
    "query.unknown-field": _l("There is no column “%(field)s” that you may see."),
    "query.unreadable": _l("The filter cannot be read (%(at)s)."),
    "query.values": _l("The value for “%(field)s” does not fit (%(op)s)."),
    "recount.began": _l("The change is being applied or was applied: change it once more instead."),
    "recount.changed-since": _l("Somebody changed a row of it since: change it once more instead."),
    "recount.consent-first": _l("This moves %(count)s open appeals: look at what moves first."),
    "recount.done": _l("Every open limit follows the change."),
    "recount.runs": _l("This recount is still running or came to its end."),
    "recount.unknown": _l("There is no such recount."),
    "recount.waits": _l("Waits until an earlier recount is done."),
    "reopen.too-late": _l("It was struck off more than %(days)s days ago. Take the matter in as a new appeal."),
    "report.locale-unknown": _l("There is no such language."),
    "report.not-ready": _l("This report is not ready yet."),
    "report.quarter-not-begun": _l("This quarter begins on %(on)s only."),
    "report.step-moment": _l("Fixing the moment of the figures"),
    "report.step-overview": _l("Counting the overview"),
    "report.step-sections": _l("Comparing the sections"),
    "report.step-shares": _l("Counting channels and categories"),
    "report.step-storing": _l("Storing the file"),
    "report.step-units": _l("Comparing the units"),
    "report.step-workbook": _l("Writing the workbook"),
    "report.too-many-rows": _l(
        "“%(title)s” has more than %(most)s rows, too many for a sheet. Choose a shorter period or fewer units."
    ),
    "report.unknown": _l("There is no such report."),
    "request.csrf": _l("This form is too old to be accepted. Reload the page and send it again."),
    "request.decided": _l("This request has been decided or withdrawn already."),
    "request.extension-pending": _l("An extension has been asked for and waits for a decision."),
    "request.foreign-site": _l("This request came from another site."),
    "request.key-missing": _l("The request lacks its key (1 to %(longest)s characters)."),
    "request.key-used": _l("This key belongs to another request."),
    "request.none-pending": _l("No request of yours waits for a decision."),
    "request.objection-pending": _l("An objection waits for a decision. Withdraw it to sign for the appeal."),
    "request.own": _l("Nobody decides his own request."),
    "request.pause-pending": _l("A pause has been asked for and waits for a decision."),
    "retention.usual-missing": _l("One class is the usual one: choose the other first."),
    "retention.usual-twice": _l("Another class is the usual one already."),
    "retention.years": _l("Between 1 and %(most)s years, or empty for ever."),
    "roster.conflicts": _l("%(count)s conflicts: solve them, or leave those shifts out."),
    "roster.name-ambiguous": _l(
        "“%(name)s” may be several people (%(units)s): write the unit or the code in brackets behind the name."
    ),
    "roster.name-unknown": _l("There is nobody called “%(name)s” here."),
    "roster.no-head": _l(
        "No row names the columns: a roster has date, from, until (or time), main seat, second seat."
    ),
    "roster.no-shift": _l("There is no such shift, or its roster is not one of yours."),
    "roster.not-yours": _l("The roster of this office is planned by its responsible leader and the system officer."),
    "roster.nothing-new": _l("Nothing is new: these shifts stand in the roster already, or lie in the past."),
    "roster.stale": _l("Somebody else changed this shift first. Look at the roster again."),
    "roster.undo-begun": _l("The shift has begun meanwhile: it cannot be undone any more."),
    "roster.undo-late": _l("This cannot be undone any more: somebody changed it since, or it is too long ago."),
    "roster.unknown": _l("There is no such roster, or it is not one of yours."),
    "roster.unreadable": _l("What was read from the workbook got lost. Hand it in again."),
    "row.constraint": _l("The database refused this row (%(constraint)s): it overlaps or repeats another."),
    "row.stale": _l("Somebody else changed this row first. Reload it and try again."),
    "row.taken": _l("There is such a row already."),
    "row.unknown": _l("There is no such row."),
    "send-back.no-unit": _l(
        "The duty office handled it itself; no unit can redo it. Reopen it after striking it off."
    ),
    "session.ended": _l("This session is ended. Log in again."),
    "session.unknown": _l("There is no such session."),
    "setup.schema-newer": _l(
        "The database (%(found)s) is newer than this version of the product: use the newer version."
    ),
    "setup.server-too-old": _l("PostgreSQL %(found)s is too old; %(needed)s or newer is needed."),
    "sheet.fixed": _l("These rows belong to the product and are not added, changed or removed this way."),
    "sheet.nothing-chosen": _l("Choose at least one row first."),
    "sheet.too-many": _l("At most %(most)s rows at a time: choose fewer."),
    "sheet.unknown": _l("There is no sheet “%(sheet)s” that you may see."),
    "shift-note.not-yours": _l("Only who sits this shift writes its handover note."),
    "shift-note.too-early": _l("The note is written from two hours before the end of the shift on."),
    "shift-note.too-late": _l("This shift ended more than a day ago: its note cannot be written any more."),
    "shift.away": _l("%(person)s is away from %(from)s until %(until)s."),
    "shift.begun": _l("This shift has begun: its beginning stays, and it cannot end in the past."),
    "shift.elsewhere": _l("%(person)s has duty at %(office)s from %(from)s until %(until)s."),
    "shift.in-past": _l("This lies in the past: shifts are entered from now on."),
    "shift.nobody": _l("The main seat needs at least one person: swap the two, or put somebody there first."),
    "shift.overlap": _l("Another shift of this office lasts from %(from)s until %(until)s."),
    "shift.past": _l("This shift has passed: it is history and stays as it is."),
    "shift.too-long": _l("A shift lasts at most %(days)s days."),
    "shift.two-places": _l("One of these persons has duty in another shift at that time."),
    "shift.two-seats": _l("Nobody sits in both seats of one shift."),
    "slip-sheet.unknown": _l("There is no such hand-over sheet, or it is out of your sight."),
    "slip.not-found": _l("“%(text)s”: no slip has this code or number, or it is out of your sight."),
    "slip.superseded": _l("A newer slip stands for this appeal: write on that one."),
    "slip.unknown": _l("There is no such slip, or it is not one of yours."),
    "staffing-list.format": _l("The staffing list is there as a workbook and as a document."),
    "staffing-list.unknown": _l("There is no such published staffing list."),
    "staffing-table.both-roles": _l("%(name)s stands as A and as B of the same post."),
    "staffing-table.half-on-duty": _l(
        "The duty roster fills both seats of “%(post)s” or none: write “on-duty staff” into A and leave B empty."
    ),
    "staffing-table.name-unreadable": _l("“%(name)s” cannot be read as a name."),
    "staffing-table.no-heads": _l(
        "No row with the heads of the table was found: "
        "post, duty, responsible office, responsible leader, A-role, B-role."
    ),
    "staffing-table.no-rows": _l("Under the heads of the table stands no post."),
    "staffing-table.office-missing": _l("“%(post)s” has no responsible office."),
    "staffing-table.post-missing": _l("This row names no post."),
    "staffing-table.post-twice": _l("“%(post)s” stands in row %(line)s already."),
    "staffing-table.too-large": _l("The file is larger than %(limit)s MB; a staffing table is not."),
    "staffing-table.too-many-rows": _l("The table has more than %(most)s posts."),
    "staffing-table.two-people": _l("Several people stand in one cell (%(names)s); a role is held by one."),
    "staffing-table.two-phones": _l("Two numbers stand under %(name)s; write one."),
    "staffing-upload.at-once": _l(
        "This table changes posts or leaders, and those change at once: leave the moment empty."
    ),
    "staffing-upload.built-on": _l(
        "Personnel change %(number)s of “%(post)s” builds on this table: change that first."
    ),
    "staffing-upload.closed": _l("This table was applied or dropped already."),
    "staffing-upload.look-again": _l(
        "What would change is not what you were shown: look at the difference below and apply again."
    ),
    "staffing-upload.not-applied": _l("This table was not applied, so there is nothing to undo."),
    "staffing-upload.place-changed": _l("Somebody else stands at “%(post)s” by now: change that first."),
    "staffing-upload.post-in-use": _l("“%(post)s” was given capabilities meanwhile: take it out of use under Posts."),
    "staffing-upload.row-changed": _l("“%(name)s” was changed since: what this table changed cannot be restored."),
    "staffing-upload.unknown": _l("There is no such staffing table."),
    "stand-in.away": _l("This person is away at that time."),
    "stand-in.holder": _l("This person is A or B of the post."),
    "stand-in.not-offered": _l("The responsible leader can stand in: name him."),
    "stand-in.self-away": _l("You are away: report back first, then take the post over."),
    "stand-in.taken": _l("Somebody else has taken this post over already."),
    "stand-in.unfit": _l("This person is not in use any more."),
    "stand-in.unknown": _l("There is no such take-over, or it is not one of yours."),
    "strike-off.call-back-missing": _l("The appellant has not been called back yet."),
    "strike-off.main-open": _l("The main appeal is not struck off yet."),
    "strike-off.merged-not-informed": _l("Appellants of merged appeals still have to be told: %(count)s."),
    "strike-off.not-informed": _l("The appellant has not been told yet: record when and how first."),
    "strike-off.result-missing": _l("Write the result first."),
    "swap.already-there": _l("One of them sits in the other shift already."),
    "swap.not-there": _l("This person does not sit in this shift any more."),
    "swap.same-person": _l("A person cannot swap with himself."),
    "task.cancelled": _l("Cancelled."),
    "task.crashed": _l(
        "It could not be finished because of an error in the system. Try again; if it fails again, tell "
        "the system administrator."
    ),
    "task.done": _l("Finished."),
    "task.ended": _l("This task has ended already and cannot be cancelled."),
    "task.gave-up": _l("It was interrupted several times and is not tried again. Start it anew."),
    "task.kept": _l("This work must not end halfway: take the change back while it has not begun."),
    "task.too-long": _l("It took too long and was stopped."),
    "task.unknown": _l("There is no such task, or it is not one of yours."),
    "template.carries-program": _l(
        "The file carries a program, an embedded file or a template of its own. Save it as a plain Word document."
    ),
    "template.field-forbidden": _l(
        "The field “%(name)s” of the word processor is not allowed; page numbers and dates are."
    ),
    "template.list-printed": _l(
        "“%(name)s” is a list and cannot be printed as it is; walk through it. Paragraph: %(paragraph)s"
    ),
    "template.loop": _l(
        "Lists are walked through one after the other, each by its name, none within another. Paragraph: %(paragraph)s"
    ),
    "template.name-taken": _l(
        "“%(name)s” is a name of the record already; call the row otherwise. Paragraph: %(paragraph)s"
    ),
    "template.no-docx": _l("This is not a Word document (docx)."),
    "template.no-file": _l("Choose a file first."),
    "template.no-list": _l("“%(name)s” is no list and cannot be walked through. Paragraph: %(paragraph)s"),
    "template.not-allowed": _l(
        "A template prints names, walks through lists and leaves things out, nothing else. Paragraph: %(paragraph)s"
    ),
    "template.not-fillable": _l(
        "Filled with examples, the template does not become a Word document. "
        "Check that loops and conditions begin and end in the same table or text."
    ),
    "template.points-elsewhere": _l("The file points to something outside of it: %(name)s. Remove the link."),
    "template.syntax": _l("A tag is written wrongly. Paragraph: %(paragraph)s"),
    "template.tag-hidden": _l(
        "A tag stands where it is not filled in: in a description, a comment or a field. Write it in the text."
    ),
    "template.tag-open": _l("A tag is not closed in its paragraph: %(paragraph)s"),
    "template.too-large": _l("The file is too large for a template."),
    "template.too-many-loops": _l("The template walks through lists too often."),
    "template.too-many-tags": _l("The template has more than %(most)s tags."),
    "template.unknown-placeholder": _l("“%(name)s” is no name of this document. Paragraph: %(paragraph)s"),
    "transcribe.leader-missing": _l("Name the leader who gave the instruction."),
    "transfer.same-unit": _l("The appeal is with this unit already."),
    "undo.changed-since": _l("Somebody has changed this since; it stays as it is."),
    "undo.step-final": _l("A note that was added stays: it cannot be undone."),
    "unit.kind-unknown": _l("There is no such kind of unit."),
    "unit.unknown": _l("There is no such unit in use, or it is not yours."),
    "unmask.reason-missing": _l("Say why you need the appellant's particulars."),
    "urge.clock-stopped": _l("This has been done meanwhile: there is nothing to urge."),
    "view.asks-for-hidden": _l(
        "“%(name)s” filters by a column that you may not see, so it does not open for you. Ask its owner for another."
    ),
    "view.locked": _l("“%(name)s” is locked: only its owner changes it. Save your own copy."),
    "view.name-too-long": _l("The name has at most %(most)s characters."),
    "view.no-name": _l("Give the view a name."),
    "view.no-posts": _l("Choose at least one post."),
    "view.not-yours": _l("Only the owner renames, shares, locks or deletes this view. Save your own copy."),
    "view.outdated": _l("“%(name)s” filters by a column that was changed since. Build the filter anew and save it."),
    "view.partly-hidden": _l("Parts of “%(name)s” are not yours to see, so you cannot change it. Save your own copy."),
    "view.post-gone": _l("One of these posts does not exist any more. Choose again."),
    "view.too-many": _l("You have %(most)s views on this sheet already. Delete some you do not need."),
    "view.unknown": _l("This view is gone, or it is no longer shared with a post you act for."),
    "view.unreadable": _l("This view cannot be read (%(at)s)."),
    "workbook.damaged": _l("The workbook is damaged or cut off. Open it, save it anew and hand it in again."),
    "workbook.empty": _l("The file is empty. Choose the workbook again."),
    "workbook.encrypted": _l(
        "The workbook is protected by a password. Remove the password, save it and hand it in again."
    ),
    "workbook.legacy-xls": _l("This is an old .xls workbook. Save it as .xlsx and hand that in."),
    "workbook.no-rows": _l("No sheet of the workbook has any rows."),
    "workbook.no-such-sheet": _l("There is no sheet “%(sheet)s” in this workbook."),
    "workbook.not-a-workbook": _l(
        "This is not an Excel workbook (.xlsx), whatever its name says. Save the table as .xlsx and hand that in."
    ),
    "workbook.too-large": _l("The file is larger than %(limit)s MB. Split it into several workbooks."),
    "workbook.too-many-cells": _l(
        "A sheet reaches over more than %(limit)s cells. Delete empty rows and columns at its end or split it."
    ),
    "workbook.too-many-columns": _l("A sheet has more than %(limit)s columns. Delete the columns that are not needed."),
    "workbook.too-many-parts": _l(
        "The workbook consists of more than %(limit)s parts. Copy the table into a new workbook."
    ),
    "workbook.too-many-rows": _l("A sheet has more than %(limit)s rows. Split it into several workbooks."),
    "workbook.unpacks-too-large": _l(
        "Unpacked, the workbook is far larger than its file or than %(limit)s MB. Copy the table into a "
        "new workbook or split it."
    ),
    "workbook.unsafe-xml": _l(
        "The workbook contains declarations that no Excel writes. Copy the table into a new workbook."
    ),
    "workflow.not-from-here": _l("This step is not possible any more: the appeal is at “%(state)s” now."),
    "workflow.not-in-bulk": _l("This step wants each appeal looked at by itself."),
    "workflow.unknown-action": _l("There is no step “%(action)s”."),
}


def sentence(code: str, data: Mapping[str, object]) -> str:
    """The sentence of a code, filled with its data; the code itself where words are missing."""
    found = SENTENCES.get(code)
    if found is None:
        return str(gettext("Refused: %(code)s", code=code))
    values = {key: _worded(key, value, data.get(f"{key}_en")) for key, value in data.items()}
    try:
        return str(found) % values if values else str(found)
    except KeyError:
        return str(found)


def sentences_of(error: RuleError) -> list[str]:
    """What an error says, field by field."""
    if isinstance(error, FieldErrors):
        return [sentence(problem.code, problem.data) for problem in error.problems]
    return [sentence(error.code, error.data)]


def by_field(error: RuleError) -> dict[str, list[str]]:
    """The messages of a refused form by field; what belongs to no field stands under ""."""
    if isinstance(error, FieldErrors):
        return {
            field: [sentence(problem.code, problem.data) for problem in problems]
            for field, problems in error.by_field().items()
        }
    return {error.field or "": [sentence(error.code, error.data)]}


def _worded(key: str, value: object, value_en: object = None) -> object:
    """A code by its word; a row, or a name that came with its English one, in the reader's language."""
    if hasattr(value, "name_en"):
        return words.named(value)
    if value_en is not None:
        return words.either(str(value), str(value_en))
    if isinstance(value, ValueKind):
        return gettext(KINDS.get(value, value.value))
    if isinstance(value, list):
        return words.listed(str(one) for one in value)
    table = {"state": words.STATES, "action": words.ACTIONS, "capability": words.CAPABILITIES}.get(key, {})
    return str(table.get(str(value), value))
