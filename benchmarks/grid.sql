-- What the grid is measured against, by hand: the same rows, columns and order as app/services/grid_rows.py answers to
-- the ledger's administrator. Each part is a case of benchmarks/grid.py; {rows} stands for the columns of all of them.
-- Parameters: now, unit, state, rare, common, offset, limit; of the edit what benchmarks/floor.py gives.

-- == rows
SELECT a.id, a.version, a.number, a.state, a.subject, a.unit_id AS unit, u.name AS unit__name, a.limit_due_at,
       CASE WHEN a.limit_state = 'late' THEN 'late'
            WHEN a.limit_state = 'open' AND a.limit_open_at < %(now)s THEN 'overdue'
            WHEN a.limit_state = 'open' THEN 'running'
            WHEN a.limit_state = 'kept' THEN 'in_time' END AS finished,
       a.received_at, a.channel_class, a.channel_id AS channel, h.name AS channel__name,
       a.category_id AS category, c.name AS category__name, a.place, a.body, a.note, a.result, a.urgency, a.nature,
       a.handling, a.limit_rule_id AS limit_rule, l.name AS limit_rule__name,
       (a.extra ->> 'weight')::numeric AS x_weight, a.extra ->> 'room' AS x_room
FROM appeal a
LEFT JOIN unit u ON u.id = a.unit_id
LEFT JOIN channel h ON h.id = a.channel_id
LEFT JOIN category c ON c.id = a.category_id
LEFT JOIN limit_rule l ON l.id = a.limit_rule_id

-- == newest
{rows}
WHERE a.number IS NOT NULL ORDER BY a.received_at DESC, a.id DESC LIMIT %(limit)s

-- == own_unit
{rows}
WHERE (a.unit_id = %(unit)s OR (a.co_unit_ids && ARRAY[%(unit)s::integer] AND a.co_unit_ids <> '{}'))
  AND a.state NOT IN ('draft', 'submitted', 'registered', 'opinion', 'slip_ready', 'with_section', 'with_leader',
                      'fetched', 'instructed', 'self_handling')
ORDER BY a.received_at DESC, a.id DESC LIMIT %(limit)s

-- == filtered
{rows}
WHERE a.number IS NOT NULL AND a.state = %(state)s AND a.unit_id = %(unit)s
ORDER BY a.limit_due_at, a.id LIMIT %(limit)s

-- == rare
{rows}
WHERE a.number IS NOT NULL AND text_bigrams(a.subject || ' ' || a.body) @> text_bigrams(%(rare)s)
  AND lower(a.subject || ' ' || a.body) LIKE '%%' || %(rare)s || '%%'
ORDER BY a.received_at DESC, a.id DESC LIMIT %(limit)s

-- == common
{rows}
WHERE a.number IS NOT NULL AND lower(a.subject || ' ' || a.body) LIKE '%%' || %(common)s || '%%'
ORDER BY a.received_at DESC, a.id DESC LIMIT %(limit)s

-- == indexed_field
{rows}
WHERE a.number IS NOT NULL AND (a.extra ->> 'weight')::numeric >= 99000
ORDER BY (a.extra ->> 'weight')::numeric, a.id LIMIT %(limit)s

-- == plain_field
{rows}
WHERE a.number IS NOT NULL AND a.extra ->> 'room' = '示例77' ORDER BY a.extra ->> 'room', a.id LIMIT %(limit)s

-- == window
{rows}
WHERE a.number IS NOT NULL ORDER BY a.received_at DESC, a.id DESC LIMIT %(limit)s OFFSET %(offset)s

-- == window_ids
{rows}
WHERE a.id IN (SELECT id FROM appeal WHERE number IS NOT NULL ORDER BY received_at DESC, id DESC
               LIMIT %(limit)s OFFSET %(offset)s)
ORDER BY a.received_at DESC, a.id DESC

-- == groups
SELECT g.unit_id, u.name, g.n, g.overdue
FROM (
    SELECT a.unit_id, count(*) AS n, count(*) FILTER (WHERE a.limit_state = 'open' AND a.limit_open_at < %(now)s) AS overdue
    FROM appeal a WHERE a.number IS NOT NULL GROUP BY a.unit_id
) g LEFT JOIN unit u ON u.id = g.unit_id ORDER BY g.n DESC, g.unit_id

-- == edit
INSERT INTO change_set (sheet, kind, user_id, person_id, at, request_key, spec, total, done, state)
VALUES ('ledger', 'cell', %(user)s, %(person)s, %(now)s, %(key)s, '{}', 1, 1, 'done');

UPDATE appeal SET extra = extra || %(extra)s, updated_at = %(now)s, version = version + 1
WHERE id = %(id)s AND version = %(version)s;

INSERT INTO journal (at, action, object_type, object_id, appeal_id, person_id, post_id, role, acted_as, old, new,
                     reason, request_id)
VALUES (%(now)s, 'fill_in', 'appeal', %(id)s, %(id)s, %(person)s, %(post)s, 'A', '', '{}', %(new)s, '', '');

INSERT INTO change_set_row (change_set_id, row_id, what, old, new, row_version)
VALUES (currval('change_set_id_seq'), %(id)s, 'edit', '{}', %(new)s, %(version)s + 1);

{rows}
WHERE a.id = %(id)s
