-- The desk of whoever keeps the numbers and the ledger, by hand: every queue with its length (capped), how many of
-- it are late, and its first rows, most urgent first. The same rows, columns, scope and order as
-- app/services/desk.py `queues`. Parameters: now, cap, rows. Two statements, as the page sends.

WITH queue (key, states) AS (VALUES
    ('number.to_number', ARRAY['submitted']),
    ('number.to_fill', ARRAY['opinion']),
    ('record.without_note', ARRAY['assigned', 'in_progress', 'self_handling', 'under_review', 'answered', 'closed']),
    ('record.to_strike_off', ARRAY['answered']),
    ('record.to_archive', ARRAY['closed'])
)
SELECT q.key, c.length, c.late
FROM queue q, LATERAL (
    SELECT count(*) AS length, count(*) FILTER (WHERE late) AS late
    FROM (
        SELECT (SELECT true FROM clock k WHERE k.appeal_id = a.id AND k.stopped_at IS NULL
                   AND (k.due_at < %(now)s OR (k.late_when = 'at_or_after' AND k.due_at = %(now)s))
                LIMIT 1) AS late
        FROM appeal a
        WHERE a.state = ANY (q.states)
          AND (q.key <> 'record.without_note' OR (a.note = '' AND (a.impossible OR (
                SELECT true FROM clock k WHERE k.appeal_id = a.id AND k.kind = 'unit_limit'
                   AND (k.due_at < COALESCE(k.stopped_at, %(now)s)
                        OR (k.late_when = 'at_or_after' AND k.due_at = COALESCE(k.stopped_at, %(now)s)))
                LIMIT 1))))
        LIMIT %(cap)s + 1
    ) capped
) c;

WITH queue (key, states) AS (VALUES
    ('number.to_number', ARRAY['submitted']),
    ('number.to_fill', ARRAY['opinion']),
    ('record.without_note', ARRAY['assigned', 'in_progress', 'self_handling', 'under_review', 'answered', 'closed']),
    ('record.to_strike_off', ARRAY['answered']),
    ('record.to_archive', ARRAY['closed'])
)
SELECT q.key, r.*
FROM queue q, LATERAL (
    SELECT a.id, a.number, a.subject, a.state, a.channel_class, a.received_at, a.fictional,
           u.name AS unit, u.name_en AS unit_en, k.kind, k.started_at, k.due_at, k.late_when
    FROM appeal a
    LEFT JOIN LATERAL (
        SELECT k.kind, k.started_at, k.due_at, k.late_when FROM clock k
        WHERE k.appeal_id = a.id AND k.stopped_at IS NULL AND k.due_at IS NOT NULL ORDER BY k.due_at LIMIT 1
    ) k ON true
    LEFT JOIN unit u ON u.id = a.unit_id
    WHERE a.state = ANY (q.states)
      AND (q.key <> 'record.without_note' OR (a.note = '' AND (a.impossible OR (
            SELECT true FROM clock k WHERE k.appeal_id = a.id AND k.kind = 'unit_limit'
               AND (k.due_at < COALESCE(k.stopped_at, %(now)s)
                    OR (k.late_when = 'at_or_after' AND k.due_at = COALESCE(k.stopped_at, %(now)s)))
            LIMIT 1))))
    ORDER BY COALESCE(k.due_at, a.received_at), a.id
    LIMIT %(rows)s
) r
