-- The rows behind the report's first figure, by hand: what is open and overdue, longest due first, one page of it, and
-- how many clocks of how many appeals there are. The same as app/services/overdue.py `page`.
-- Parameters: as_of, rows. Two statements, as the page sends.

SELECT k.id, k.appeal_id, a.number, a.subject, a.fictional, k.kind, u.name AS unit, u.name_en AS unit_en,
       p.name AS post, p.name_en AS post_en, k.started_at, k.due_at, %(as_of)s - k.due_at AS age,
       (SELECT count(*) FROM urge WHERE urge.clock_id = k.id) AS urges, k.stopped_at IS NULL AS runs
FROM (
    SELECT * FROM clock WHERE stopped_at IS NULL AND due_at <= %(as_of)s AND started_at <= %(as_of)s
        AND (due_at < %(as_of)s OR late_when = 'at_or_after')
    UNION ALL
    SELECT * FROM clock WHERE stopped_at > %(as_of)s AND stopped_at >= due_at AND due_at <= %(as_of)s
        AND started_at <= %(as_of)s AND (due_at < %(as_of)s OR late_when = 'at_or_after')
) k
JOIN appeal a ON a.id = k.appeal_id
LEFT JOIN post p ON p.id = k.post_id
LEFT JOIN unit u ON u.id = COALESCE(k.unit_id, p.office_id)
ORDER BY k.due_at, k.id
LIMIT %(rows)s + 1;

SELECT count(*), count(DISTINCT appeal_id) FROM (
    SELECT appeal_id FROM clock WHERE stopped_at IS NULL AND due_at <= %(as_of)s AND started_at <= %(as_of)s
        AND (due_at < %(as_of)s OR late_when = 'at_or_after')
    UNION ALL
    SELECT appeal_id FROM clock WHERE stopped_at > %(as_of)s AND stopped_at >= due_at AND due_at <= %(as_of)s
        AND started_at <= %(as_of)s AND (due_at < %(as_of)s OR late_when = 'at_or_after')
) k
