-- What the triggers of the product would have written beside appeals and clocks, set by set: the limit on the appeal,
-- how many stand in each part of the ledger's own orders.
UPDATE appeal a SET limit_due_at = l.due_at, limit_open_at = l.open_at, limit_state = l.state
FROM (
    SELECT c.appeal_id, (array_agg(c.due_at ORDER BY c.id DESC))[1] AS due_at,
           min(CASE WHEN c.late_when = 'at_or_after' THEN c.due_at - interval '1 microsecond' ELSE c.due_at END)
               FILTER (WHERE c.stopped_at IS NULL) AS open_at,
           CASE WHEN bool_or(c.stopped_at > c.due_at OR (c.late_when = 'at_or_after' AND c.stopped_at = c.due_at))
                THEN 'late'
                WHEN bool_or(c.stopped_at IS NULL) THEN 'open'
                WHEN bool_or(c.due_at IS NOT NULL) THEN 'kept' ELSE '' END AS state
    FROM clock c WHERE c.kind = 'unit_limit' GROUP BY c.appeal_id
) l WHERE a.id = l.appeal_id;

DELETE FROM ledger_count;

INSERT INTO ledger_count (by, bucket, channel_class, n)
SELECT 'received', to_char(received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), channel_class, count(*)
FROM appeal WHERE number IS NOT NULL GROUP BY 2, 3
UNION ALL
SELECT 'number', left(number, 12), channel_class, count(*) FROM appeal WHERE number IS NOT NULL GROUP BY 2, 3
