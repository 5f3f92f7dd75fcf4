-- What handling an appeal in the duty office writes, by hand: the row is locked and changed, its limit starts, one
-- journal row says so. The same rows as app/services/workflow.py `act` with `handle_self`, committed afterwards.
-- Parameters: appeal, person, post, now, due, inputs, old, new.

SELECT id, state, version FROM appeal WHERE id = %(appeal)s FOR UPDATE;

UPDATE appeal SET state = 'self_handling', handling = 'self', unit_id = NULL, updated_at = %(now)s, version = version + 1
WHERE id = %(appeal)s AND state = 'registered' RETURNING id;

INSERT INTO clock (appeal_id, kind, post_id, limit_rule_id, started_at, due_at, late_when, inputs)
SELECT %(appeal)s, 'unit_limit', %(post)s, a.limit_rule_id, %(now)s, %(due)s, 'after', %(inputs)s
FROM appeal a WHERE a.id = %(appeal)s RETURNING id;

INSERT INTO journal (at, action, object_type, object_id, appeal_id, person_id, post_id, role, acted_as, old, new,
                     reason, request_id)
VALUES (%(now)s, 'handle_self', 'appeal', %(appeal)s, %(appeal)s, %(person)s, %(post)s, 'A', '', %(old)s, %(new)s,
        '', '') RETURNING id
