-- Fictional appeals with their clocks in one statement. Parameters: appeals (how many), now (a moment).
-- They lie over two years, or at 140 a day when there are more; of what came in during the last 45 days a part
-- is still on its way, of the rest of the last 400 days one in a hundred, of what is older nothing: a desk's queue
-- does not grow with the archive.
WITH RECURSIVE seeded AS MATERIALIZED (
    SELECT setseed(0.42)
), unit_list AS MATERIALIZED (
    SELECT array_agg(id ORDER BY id) AS ids FROM unit WHERE active AND kind <> 'section'
), limits AS MATERIALIZED (
    SELECT array_agg(id ORDER BY sort, id) AS ids FROM limit_rule WHERE clock_kind = 'unit_limit'
), posts AS MATERIALIZED (
    SELECT json_object_agg(code, id) AS ids FROM post
), lines AS MATERIALIZED (
    SELECT array_agg(portfolio_id ORDER BY portfolio_id) AS ids, array_agg(unit_id ORDER BY portfolio_id) AS sections
    FROM portfolio_place WHERE place = 'section' AND valid @> %(now)s::timestamptz
), words AS MATERIALIZED (
    SELECT ARRAY['东湖','西山','南门','北桥','长虹','滨江','新桥','荷塘','松林','柳岸','青石','红光','白鹤','金桥','玉泉','龙井',
                 '凤鸣','云谷','星火','前进'] AS names,
           ARRAY['小区','路','大街','新村','广场','巷','花园','市场','桥头','大道'] AS places,
           ARRAY['路灯','电梯','井盖','自来水','燃气','垃圾桶','下水道','围墙','红绿灯','公交站','健身器材','暖气','电线杆','停车位',
                 '绿化带','人行道','消防栓','楼道灯','水表','护栏'] AS things,
           ARRAY['已经三天不亮','停用多日','丢失无人补','忽停忽通','有异味','堆满无人清','堵塞外溢','倾斜要倒','一直故障','被占用',
                 '损坏伤人','不够热','漏水不止','被车撞坏','缺少维护','施工未恢复','没有水压','收费不明','读数不准','夜间扰民'] AS faults
), drawn AS MATERIALIZED (
    SELECT n,
           GREATEST(730.0, %(appeals)s / 140.0) * n / %(appeals)s AS days,
           random() AS fate, random() AS way, random() AS where_to, random() AS speed, random() AS luck,
           random() AS kind, (ARRAY['A','B','B','B','C','D','E','F'])[1 + floor(random() * 8)::int] AS channel_class
    FROM seeded, generate_series(1, %(appeals)s) AS n
), placed AS MATERIALIZED (
    SELECT d.*,
           %(now)s::timestamptz - d.days * interval '1 day' AS received_at,
           CASE WHEN days > 400 THEN CASE WHEN fate < 0.1 THEN 'history' ELSE 'archived' END
                WHEN days > 45 THEN
                CASE WHEN fate < 0.004 THEN 'in_progress' WHEN fate < 0.007 THEN 'answered'
                     WHEN fate < 0.012 THEN 'closed' WHEN fate < 0.1 THEN 'history' ELSE 'archived' END
           ELSE CASE WHEN fate < 0.005 THEN 'draft' WHEN fate < 0.02 THEN 'submitted'
                     WHEN fate < 0.04 THEN 'registered' WHEN fate < 0.043 THEN 'opinion'
                     WHEN fate < 0.046 THEN 'slip_ready' WHEN fate < 0.049 THEN 'with_section'
                     WHEN fate < 0.055 THEN 'with_leader' WHEN fate < 0.058 THEN 'fetched'
                     WHEN fate < 0.061 THEN 'instructed' WHEN fate < 0.08 THEN 'self_handling'
                     WHEN fate < 0.13 THEN 'assigned' WHEN fate < 0.5 THEN 'in_progress'
                     WHEN fate < 0.6 THEN 'answered' WHEN fate < 0.75 THEN 'closed' ELSE 'archived' END
           END AS state
    FROM drawn d
), handled AS MATERIALIZED (
    SELECT p.*,
           CASE WHEN state = 'self_handling' OR (way < 0.12 AND state IN ('answered', 'closed', 'archived')) THEN 'self'
                WHEN way > 0.86 OR state IN ('opinion', 'slip_ready', 'with_section', 'with_leader', 'fetched',
                                             'instructed') THEN 'leader'
                ELSE 'forward' END AS handling
    FROM placed p
), shaped AS MATERIALIZED (
    SELECT p.*,
           p.state IN ('assigned', 'in_progress', 'answered', 'closed', 'archived')
               AND p.handling <> 'self' AS has_unit,
           p.handling = 'leader' AND p.state NOT IN
               ('draft', 'submitted', 'registered', 'self_handling', 'history') AS has_slip,
           received_at + speed * interval '50 minutes' + CASE WHEN luck < 0.06 THEN interval '70 minutes'
               ELSE interval '0' END AS submitted_at,
           received_at + interval '3 hours' + speed * interval '9 hours' AS assigned_at,
           (ARRAY[interval '2 hours', interval '24 hours', interval '9 days', interval '21 days'])
               [CASE WHEN kind < 0.05 THEN 1 WHEN kind < 0.2 THEN 2 WHEN kind < 0.9 THEN 3 ELSE 4 END] AS term,
           CASE WHEN kind < 0.05 THEN 1 WHEN kind < 0.2 THEN 2 WHEN kind < 0.9 THEN 3 ELSE 4 END AS limit_no
    FROM handled p
), added AS (
    INSERT INTO appeal (
        number, state, channel_class, received_at, submitted_at, registered_at, answered_at, closed_at, archived_at,
        subject, body, limit_rule_id, handling, opinion, unit_id, section_id, portfolio_id, result, note,
        informed_at, informed_how, source, source_no, flags, intake, extra, fictional, created_at, updated_at
    )
    SELECT CASE WHEN state IN ('draft', 'submitted') THEN NULL
                ELSE '示例〔' || extract(year FROM received_at) || '〕' || channel_class || '-' || lpad(n::text, 7, '0') END,
           state, channel_class, received_at,
           CASE WHEN state NOT IN ('draft', 'history') THEN submitted_at END,
           CASE WHEN state NOT IN ('draft', 'submitted') THEN submitted_at + interval '30 minutes' END,
           CASE WHEN state IN ('answered', 'closed', 'archived') THEN assigned_at + term * (0.2 + 0.7 * speed) END,
           CASE WHEN state IN ('closed', 'archived') THEN assigned_at + term * (0.3 + 0.7 * speed) END,
           CASE WHEN state = 'archived' THEN assigned_at + term * (0.4 + 0.7 * speed) END,
           '示例：' || w.names[1 + n %% 20] || w.places[1 + n / 20 %% 10] || w.things[1 + n / 200 %% 20]
               || w.faults[1 + n / 4000 %% 20],
           '【示例】' || w.names[1 + n %% 20] || w.places[1 + n / 20 %% 10] || '附近的' || w.things[1 + n / 200 %% 20]
               || w.faults[1 + n / 4000 %% 20] || '，给居民带来不便，已多次反映，请尽快处理。', l.ids[limit_no],
           CASE WHEN state IN ('draft', 'submitted', 'registered', 'history') THEN NULL ELSE handling END,
           CASE WHEN has_slip THEN '示例：拟请阅示。' ELSE '' END,
           CASE WHEN has_unit OR has_slip THEN u.ids[1 + floor(where_to * array_length(u.ids, 1))::int] END,
           CASE WHEN has_slip THEN x.sections[1 + floor(where_to * array_length(x.ids, 1))::int] END,
           CASE WHEN has_slip THEN x.ids[1 + floor(where_to * array_length(x.ids, 1))::int] END,
           CASE WHEN state IN ('answered', 'closed', 'archived', 'history') THEN '示例：已修复。' ELSE '' END,
           CASE WHEN state = 'archived' AND luck > 0.88 THEN '示例：受施工条件影响逾期。' ELSE '' END,
           CASE WHEN state IN ('answered', 'closed', 'archived') THEN assigned_at + term * 0.9 END, 'phone',
           CASE WHEN state = 'history' THEN '示例旧系统' END, CASE WHEN state = 'history' THEN n::text END,
           '{}', '{}', jsonb_build_object('weight', n * 7919::bigint %% 100000, 'room', '示例' || n %% 5000), true,
           received_at, received_at
    FROM shaped, unit_list u, limits l, lines x, words w
    ORDER BY n DESC
    RETURNING id, state, channel_class, received_at, submitted_at, registered_at, handling, unit_id, section_id,
              limit_rule_id, note
), timed AS MATERIALIZED (
    SELECT a.*, a.registered_at + interval '4 hours' AS assigned_at,
           CASE l.code WHEN 'emergency' THEN interval '2 hours' WHEN 'utilities' THEN interval '24 hours'
                       WHEN 'ordinary' THEN interval '9 days' ELSE interval '21 days' END AS term,
           abs(hashint4(a.id)) %% 1000 / 1000.0 AS share
    FROM added a JOIN limit_rule l ON l.id = a.limit_rule_id
    WHERE a.state <> 'history'
)
INSERT INTO clock (appeal_id, kind, post_id, unit_id, limit_rule_id, started_at, due_at, late_when, stopped_at, inputs)
SELECT t.id, c.kind, c.post_id, c.unit_id, NULL, c.started_at, c.due_at, c.late_when, c.stopped_at, '{}'
FROM timed t, posts p, LATERAL (VALUES
    ('collection', (p.ids ->> ('collector_' || lower(t.channel_class)))::int, NULL::int, t.received_at,
     CASE WHEN t.channel_class IN ('A', 'B', 'F') THEN t.received_at + interval '1 hour'
          ELSE date_trunc('day', t.received_at, 'Asia/Shanghai') + interval '35 hours' END,
     CASE WHEN t.channel_class IN ('A', 'B', 'F') THEN 'after' ELSE 'at_or_after' END,
     t.submitted_at, true),
    ('delivery', (p.ids ->> 'liaison')::int, NULL, t.registered_at + interval '2 hours',
     date_trunc('day', t.registered_at + interval '2 hours', 'Asia/Shanghai') + interval '1 day', 'at_or_after',
     CASE WHEN t.state NOT IN ('opinion', 'slip_ready', 'with_section')
          THEN t.registered_at + interval '2 hours' + t.share * interval '14 hours' END,
     t.section_id IS NOT NULL),
    ('fetch_back', (p.ids ->> 'liaison')::int, NULL, t.registered_at + interval '5 hours',
     t.registered_at + interval '53 hours', 'after',
     CASE WHEN t.state <> 'with_leader' THEN t.registered_at + interval '5 hours' + t.share * interval '52 hours' END,
     t.section_id IS NOT NULL AND t.state NOT IN ('opinion', 'slip_ready', 'with_section')),
    ('sign_in', NULL, t.unit_id, t.assigned_at, t.assigned_at + interval '24 hours', 'after',
     CASE WHEN t.state <> 'assigned' THEN t.assigned_at + t.share * interval '26 hours' END,
     t.unit_id IS NOT NULL AND t.state IN ('assigned', 'in_progress', 'answered', 'closed', 'archived')),
    ('unit_limit', CASE WHEN t.handling = 'self' THEN (p.ids ->> 'duty_director')::int END, t.unit_id,
     t.assigned_at, t.assigned_at + t.term, 'after',
     CASE WHEN t.state IN ('answered', 'closed', 'archived')
          THEN t.assigned_at + t.term * CASE WHEN t.note <> '' OR t.share > 0.97 THEN 1 + t.share ELSE t.share END END,
     t.state IN ('self_handling', 'assigned', 'in_progress', 'answered', 'closed', 'archived'))
) AS c (kind, post_id, unit_id, started_at, due_at, late_when, stopped_at, wanted)
WHERE c.wanted
