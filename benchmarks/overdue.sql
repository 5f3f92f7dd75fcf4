-- The figures of the overdue-case report as of a moment, by hand: clocks and appeals by state and in all, by kind,
-- by unit, by post and by age. The same scope and figures as app/services/overdue.py `summary` gives a supervisor.
-- Parameters: as_of, starts, ends (the quarter whose late finishes count).

WITH arms AS (
    SELECT 'open_overdue' AS state, id, appeal_id, kind, post_id, unit_id, %(as_of)s - due_at AS age FROM clock
    WHERE stopped_at IS NULL AND due_at <= %(as_of)s AND started_at <= %(as_of)s
      AND (due_at < %(as_of)s OR late_when = 'at_or_after')
    UNION ALL
    SELECT 'open_overdue', id, appeal_id, kind, post_id, unit_id, %(as_of)s - due_at FROM clock
    WHERE stopped_at > %(as_of)s AND stopped_at >= due_at AND due_at <= %(as_of)s AND started_at <= %(as_of)s
      AND (due_at < %(as_of)s OR late_when = 'at_or_after')
    UNION ALL
    SELECT 'finished_late', id, appeal_id, kind, post_id, unit_id, stopped_at - due_at FROM clock
    WHERE due_at > %(starts)s AND due_at <= %(ends)s AND stopped_at >= %(starts)s AND stopped_at <= %(as_of)s
      AND stopped_at >= due_at AND (due_at < stopped_at OR late_when = 'at_or_after')
    UNION ALL
    SELECT 'no_limit', id, appeal_id, kind, post_id, unit_id, %(as_of)s - started_at FROM clock
    WHERE due_at IS NULL AND started_at <= %(as_of)s AND (stopped_at IS NULL OR stopped_at > %(as_of)s)
), found AS MATERIALIZED (
    SELECT a.state, a.appeal_id, a.kind, a.post_id, COALESCE(a.unit_id, p.office_id) AS unit_id, a.age,
           CASE WHEN a.age < interval '1 day' THEN 'under-1-day' WHEN a.age < interval '3 days' THEN '1-to-3-days'
                WHEN a.age < interval '7 days' THEN '3-to-7-days' WHEN a.age < interval '15 days' THEN '7-to-15-days'
                WHEN a.age < interval '30 days' THEN '15-to-30-days' ELSE 'over-30-days' END AS bucket
    FROM arms a LEFT JOIN post p ON p.id = a.post_id
)
SELECT 'total' AS axis, '' AS key, state, count(*), count(DISTINCT appeal_id), max(age) FROM found GROUP BY state
UNION ALL
SELECT 'clock', kind, state, count(*), count(DISTINCT appeal_id), max(age) FROM found GROUP BY kind, state
UNION ALL
SELECT 'unit', COALESCE(u.code, '-'), state, count(*), count(DISTINCT appeal_id), max(age)
FROM found LEFT JOIN unit u ON u.id = unit_id GROUP BY u.code, state
UNION ALL
SELECT 'post', COALESCE(p.code, '-'), state, count(*), count(DISTINCT appeal_id), max(age)
FROM found LEFT JOIN post p ON p.id = post_id GROUP BY p.code, state
UNION ALL
SELECT 'age', bucket, state, count(*), count(DISTINCT appeal_id), max(age) FROM found GROUP BY bucket, state
