"""The job that sends one delivery: inbox exactly once, mail at most once (SECURITY §2)."""

from __future__ import annotations

import logging

from app.services import outbox, present
from jobs import mail
from jobs.runtime import process_context, without_values

log = logging.getLogger("jobs.outbox")


@without_values
def send_delivery(delivery_id: int) -> None:
    """Claim, recheck, send, mark. Harmless when repeated: what is not due or not free is left alone."""
    with process_context():
        now = present.now()
        lease = outbox.claim(delivery_id, now)
        if lease is None:
            return
        verdict = outbox.recheck(lease, now)
        if verdict.instead:
            outbox.readdress(lease, verdict.instead, verdict.reason, now)
        elif verdict.reason:
            outbox.cancel(lease, verdict.reason)
        elif lease.channel == outbox.INBOX:
            outbox.deliver_to_inbox(lease, now)
        else:
            _send_mail(lease)


def _send_mail(lease: outbox.Lease) -> None:
    """Every way an attempt can end has its mark; an end nobody saw is uncertain, never a second mail."""
    try:
        letter = mail.compose(lease)
        mail.post(letter)
    except mail.DeclinedError as declined:
        outbox.retry(lease, str(declined), present.now())
    except mail.RefusedError as refused:
        outbox.mark_dead(lease, str(refused))
    except mail.UnclearError as unclear:
        log.warning("delivery %d: nobody knows whether the mail went out (%s)", lease.id, unclear)
        outbox.mark_uncertain(lease, str(unclear))
    else:
        outbox.mark_sent(lease, present.now())
