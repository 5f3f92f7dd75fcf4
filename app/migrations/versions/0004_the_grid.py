"""the grid: fields and sheets made at run time, views, change sets, tokens, files in and out, the feed of changes

Revision ID: 0004
Revises: 0003
"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

# Tables whose rows hold values of fields made at run time; with the rows of own sheets, all that a sheet shows.
EXTENDED = ('absence', 'assumption', 'calendar_day', 'category', 'chain_link', 'channel', 'contact',
            'dispatch_entry', 'duty_shift', 'holding', 'limit_rule', 'membership', 'number_series', 'person',
            'portfolio', 'post', 'reminder_rule', 'retention_class', 'unit', 'unit_group')
SHOWN = ('appeal', *EXTENDED, 'own_row')
# What app/services/grants.py computes a standing from; of some tables, the columns that it reads.
STAFFING = ('absence', 'capability_change', 'duty_seat', 'duty_shift', 'holding', 'membership', 'person', 'portfolio',
            'portfolio_place', 'post', 'staffing_change', 'stand_in', 'unit', 'ab_role', 'ab_permission', 'ab_view_menu',
            'ab_permission_view', 'ab_permission_view_role')
PARTLY = {'account': 'user_id, person_id, officer', 'ab_user': 'active, first_name, last_name',
          'coverage_state': 'gaps, by_post'}


def upgrade() -> None:
    op.create_table('change_feed',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('xid', sa.BigInteger(), server_default=sa.text('(pg_current_xact_id()::text)::bigint'), nullable=False),
    sa.Column('table_name', sa.String(length=40), nullable=False),
    sa.Column('row_id', sa.Integer(), nullable=False),
    sa.Column('gone', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_change_feed', 'change_feed', ['table_name', 'xid', 'row_id'], unique=False)
    op.create_index('ix_change_feed_at', 'change_feed', ['at'], unique=False)
    op.create_table('definition_version',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('version', sa.BigInteger(), server_default='1', nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('ledger_count',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('by', sa.String(length=8), nullable=False),
    sa.Column('bucket', sa.String(length=40, collation='C'), nullable=False),
    sa.Column('channel_class', sa.String(length=1), nullable=False),
    sa.Column('n', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_ledger_count', 'ledger_count', ['by', 'bucket', 'channel_class'], unique=False, postgresql_include=['n'])
    op.create_table('staffing_move',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('n', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('own_sheet',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('name_en', sa.String(length=120), server_default='', nullable=False),
    sa.Column('name_pinyin', sa.String(length=400), server_default='', nullable=False),
    sa.Column('intro', sa.String(length=500), server_default='', nullable=False),
    sa.Column('title_field', sa.String(length=40), server_default='', nullable=False),
    sa.Column('reader_post_ids', postgresql.ARRAY(sa.Integer()), server_default='{}', nullable=False),
    sa.Column('writer_post_ids', postgresql.ARRAY(sa.Integer()), server_default='{}', nullable=False),
    sa.Column('is_open', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('sort', sa.Integer(), server_default='0', nullable=False),
    sa.Column('active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('code')
    )
    op.create_table('field_definition',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('table_name', sa.String(length=40), nullable=False),
    sa.Column('own_sheet_id', sa.Integer(), nullable=True),
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.Column('label', sa.String(length=80), nullable=False),
    sa.Column('label_en', sa.String(length=120), server_default='', nullable=False),
    sa.Column('help', sa.String(length=300), server_default='', nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('sort', sa.Integer(), server_default='0', nullable=False),
    sa.Column('required', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('is_unique', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('is_indexed', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('on_form', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('in_reports', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('states', postgresql.ARRAY(sa.String(length=16)), server_default='{}', nullable=False),
    sa.Column('required_states', postgresql.ARRAY(sa.String(length=16)), server_default='{}', nullable=False),
    sa.Column('classes', postgresql.ARRAY(sa.String(length=1)), server_default='{}', nullable=False),
    sa.Column('reader_post_ids', postgresql.ARRAY(sa.Integer()), server_default='{}', nullable=False),
    sa.Column('writer_post_ids', postgresql.ARRAY(sa.Integer()), server_default='{}', nullable=False),
    sa.Column('parameters', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.CheckConstraint("kind IN ('text', 'long', 'number', 'money', 'date', 'moment', 'bool', 'choice', 'choices', 'person', 'unit', 'post', 'files', 'link', 'lookup', 'rollup', 'formula')", name='field_definition_kind'),
    sa.ForeignKeyConstraint(['own_sheet_id'], ['own_sheet.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('table_name', 'own_sheet_id', 'code', name='uq_field_definition_code', postgresql_nulls_not_distinct=True)
    )
    op.create_index(op.f('ix_field_definition_own_sheet_id'), 'field_definition', ['own_sheet_id'], unique=False)
    op.create_table('field_conversion',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('field_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=True),
    sa.Column('old_kind', sa.String(length=12), nullable=False),
    sa.Column('made', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('values', sa.Integer(), server_default='0', nullable=False),
    sa.Column('lost', sa.Integer(), server_default='0', nullable=False),
    sa.Column('coarser', sa.Integer(), server_default='0', nullable=False),
    sa.Column('state', sa.String(length=10), server_default='pending', nullable=False),
    sa.Column('task_id', sa.Integer(), nullable=True),
    sa.Column('lines_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('data_key', sa.LargeBinary(), nullable=True),
    sa.CheckConstraint("state IN ('pending', 'running', 'done', 'cancelled', 'failed')", name='field_conversion_state'),
    sa.ForeignKeyConstraint(['field_id'], ['field_definition.id'], ),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_field_conversion_field_id'), 'field_conversion', ['field_id'], unique=False)
    op.add_column('attachment', sa.Column('field_id', sa.Integer(), nullable=True))
    op.add_column('attachment', sa.Column('row_id', sa.Integer(), nullable=True))
    op.create_foreign_key(None, 'attachment', 'field_definition', ['field_id'], ['id'])
    op.drop_index('ix_attachment_unclaimed', table_name='attachment')
    op.create_index('ix_attachment_unclaimed', 'attachment', ['created_at'], unique=False, postgresql_where=sa.text('appeal_id IS NULL AND field_id IS NULL'))
    op.create_index('ix_attachment_field', 'attachment', ['field_id', 'row_id'], unique=False, postgresql_where=sa.text('field_id IS NOT NULL'))
    op.create_table('presence',
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('sheet', sa.String(length=48), nullable=False),
    sa.Column('row_id', sa.Integer(), nullable=True),
    sa.Column('name', sa.String(length=128), server_default='', nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'sheet'),
    prefixes=['UNLOGGED']
    )
    op.create_index('ix_presence_sheet', 'presence', ['sheet', 'at'], unique=False)
    op.create_table('saved_view',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('sheet', sa.String(length=48), nullable=False),
    sa.Column('code', sa.String(length=40), nullable=True),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('name_en', sa.String(length=120), server_default='', nullable=False),
    sa.Column('owner_id', sa.Integer(), nullable=True),
    sa.Column('share', sa.String(length=8), server_default='own', nullable=False),
    sa.Column('post_ids', postgresql.ARRAY(sa.Integer()), server_default='{}', nullable=False),
    sa.Column('locked', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('spec', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('sort', sa.Integer(), server_default='0', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.ForeignKeyConstraint(['owner_id'], ['ab_user.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('code')
    )
    op.create_index('ix_saved_view_sheet', 'saved_view', ['sheet', 'owner_id'], unique=False)
    op.create_table('first_view',
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('sheet', sa.String(length=48), nullable=False),
    sa.Column('view_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['view_id'], ['saved_view.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'sheet')
    )
    op.create_index(op.f('ix_first_view_view_id'), 'first_view', ['view_id'], unique=False)
    op.create_table('own_row',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('sheet_id', sa.Integer(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('deleted_by_id', sa.Integer(), nullable=True),
    sa.Column('extra', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.ForeignKeyConstraint(['created_by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['deleted_by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['sheet_id'], ['own_sheet.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_own_row_sheet', 'own_row', ['sheet_id', 'id'], unique=False, postgresql_where=sa.text('deleted_at IS NULL'))
    op.create_index('ix_own_row_trash', 'own_row', ['sheet_id', 'deleted_at'], unique=False, postgresql_where=sa.text('deleted_at IS NOT NULL'))
    op.create_table('api_token',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('post_id', sa.Integer(), nullable=True),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('prefix', sa.String(length=12), nullable=False),
    sa.Column('digest', sa.LargeBinary(), nullable=False),
    sa.Column('can_write', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('sheets', postgresql.ARRAY(sa.String(length=48)), server_default='{}', nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.ForeignKeyConstraint(['post_id'], ['post.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('prefix')
    )
    op.create_index(op.f('ix_api_token_user_id'), 'api_token', ['user_id'], unique=False)
    op.create_table('change_set',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('sheet', sa.String(length=48), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=True),
    sa.Column('post_id', sa.Integer(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('request_key', sa.String(length=64), nullable=True),
    sa.Column('spec', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('total', sa.Integer(), server_default='0', nullable=False),
    sa.Column('done', sa.Integer(), server_default='0', nullable=False),
    sa.Column('refused', sa.Integer(), server_default='0', nullable=False),
    sa.Column('state', sa.String(length=10), server_default='done', nullable=False),
    sa.Column('task_id', sa.Integer(), nullable=True),
    sa.Column('undone_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['post_id'], ['post.id'], ),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], ),
    sa.ForeignKeyConstraint(['undone_by_id'], ['change_set.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('user_id', 'request_key', name='uq_change_set_request')
    )
    op.create_index(op.f('ix_change_set_at'), 'change_set', ['at'], unique=False)
    op.create_index('ix_change_set_user', 'change_set', ['user_id', 'sheet', 'id'], unique=False)
    op.create_table('change_set_row',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('change_set_id', sa.Integer(), nullable=False),
    sa.Column('row_id', sa.Integer(), nullable=True),
    sa.Column('what', sa.String(length=8), server_default='edit', nullable=False),
    sa.Column('waits', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('old', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('new', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('row_version', sa.Integer(), nullable=True),
    sa.Column('problem', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.CheckConstraint("what IN ('edit', 'create', 'remove', 'restore')", name='change_set_row_what'),
    sa.ForeignKeyConstraint(['change_set_id'], ['change_set.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_change_set_row_row', 'change_set_row', ['row_id'], unique=False)
    op.create_index('ix_change_set_row_set', 'change_set_row', ['change_set_id', 'id'], unique=False)
    op.create_index('ix_change_set_row_waits', 'change_set_row', ['change_set_id', 'id'], unique=True,
                    postgresql_where=sa.text('waits'))
    op.create_table('sheet_file',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('way', sa.String(length=6), nullable=False),
    sa.Column('sheet', sa.String(length=48), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('state', sa.String(length=12), server_default='pending', nullable=False),
    sa.Column('format', sa.String(length=4), server_default='xlsx', nullable=False),
    sa.Column('filename', sa.String(length=200), server_default='', nullable=False),
    sa.Column('stored', sa.String(length=80), server_default='', nullable=False),
    sa.Column('content_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('data_key', sa.LargeBinary(), nullable=True),
    sa.Column('digest', sa.String(length=64), server_default='', nullable=False),
    sa.Column('size', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('rows', sa.Integer(), server_default='0', nullable=False),
    sa.Column('reason', sa.String(length=200), server_default='', nullable=False),
    sa.Column('spec', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('outcome', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('task_id', sa.Integer(), nullable=True),
    sa.Column('change_set_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.CheckConstraint("way IN ('export', 'import')", name='sheet_file_way'),
    sa.ForeignKeyConstraint(['change_set_id'], ['change_set.id'], ),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_sheet_file_at'), 'sheet_file', ['at'], unique=False)
    op.create_index(op.f('ix_sheet_file_user_id'), 'sheet_file', ['user_id'], unique=False)
    op.add_column('post', sa.Column('export_cap', sa.Integer(), nullable=True))
    op.create_check_constraint('post_export_cap', 'post', 'export_cap > 0')
    op.add_column('appeal', sa.Column('limit_due_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('appeal', sa.Column('limit_open_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('appeal', sa.Column('limit_state', sa.String(length=4), server_default='', nullable=False))
    op.add_column('appeal', sa.Column('extra', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False))
    op.create_index('ix_appeal_due', 'appeal', ['limit_due_at', 'id'], unique=False)
    op.create_index('ix_appeal_ledger_number', 'appeal', [sa.literal_column('number COLLATE "C"'), 'id'], unique=False, postgresql_where=sa.text('number IS NOT NULL'))
    op.create_index('ix_appeal_ledger_received', 'appeal', ['received_at', 'id'], unique=False, postgresql_where=sa.text('number IS NOT NULL'))
    op.create_index('ix_appeal_open_due', 'appeal', ['limit_open_at', 'unit_id'], unique=False, postgresql_where=sa.text('limit_open_at IS NOT NULL'))
    op.create_index('ix_appeal_unit_state_due', 'appeal', ['unit_id', 'state', 'limit_due_at', 'id'], unique=False)
    for table in EXTENDED:
        op.add_column(table, sa.Column('extra', postgresql.JSONB(astext_type=sa.Text()), server_default='{}',
                                       nullable=False))
    op.execute("INSERT INTO definition_version (id, version) VALUES (1, 1)")
    _limits()
    _counts()
    _feed()
    _field_indexes()
    _staffing_moves()


def _limits() -> None:
    """What an appeal's limit says, copied from its clocks: whichever service moves a clock, lists show it."""
    op.execute(
        """
        CREATE FUNCTION appeal_limit(wanted integer, OUT due_at timestamptz, OUT open_at timestamptz, OUT state text)
        LANGUAGE sql STABLE AS $$
            SELECT (array_agg(c.due_at ORDER BY c.id DESC))[1],
                   min(CASE WHEN c.late_when = 'at_or_after' THEN c.due_at - interval '1 microsecond' ELSE c.due_at END)
                       FILTER (WHERE c.stopped_at IS NULL),
                   CASE WHEN bool_or(c.stopped_at > c.due_at OR (c.late_when = 'at_or_after' AND c.stopped_at = c.due_at))
                        THEN 'late'
                        WHEN bool_or(c.stopped_at IS NULL) THEN 'open'
                        WHEN bool_or(c.due_at IS NOT NULL) THEN 'kept' ELSE '' END
            FROM clock c WHERE c.appeal_id = wanted AND c.kind = 'unit_limit'
        $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION follow_limit() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE wanted integer := CASE WHEN TG_OP = 'DELETE' THEN OLD.appeal_id ELSE NEW.appeal_id END;
        BEGIN
            UPDATE appeal a SET limit_due_at = l.due_at, limit_open_at = l.open_at, limit_state = l.state
            FROM appeal_limit(wanted) l
            WHERE a.id = wanted
              AND (a.limit_due_at, a.limit_open_at, a.limit_state) IS DISTINCT FROM (l.due_at, l.open_at, l.state);
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER follow_limit AFTER INSERT OR UPDATE OF due_at, stopped_at, late_when ON clock"
        " FOR EACH ROW WHEN (NEW.kind = 'unit_limit') EXECUTE FUNCTION follow_limit()"
    )
    op.execute(
        "CREATE TRIGGER follow_limit_gone AFTER DELETE ON clock"
        " FOR EACH ROW WHEN (OLD.kind = 'unit_limit') EXECUTE FUNCTION follow_limit()"
    )
    op.execute(
        """
        UPDATE appeal a SET limit_due_at = l.due_at, limit_open_at = l.open_at, limit_state = l.state
        FROM (SELECT DISTINCT appeal_id FROM clock WHERE kind = 'unit_limit') c, LATERAL appeal_limit(c.appeal_id) l
        WHERE a.id = c.appeal_id
        """
    )


def _counts() -> None:
    """How many numbered appeals stand in each part of the ledger's own orders, kept as differences."""
    op.execute(
        """
        CREATE FUNCTION count_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP <> 'INSERT' AND OLD.number IS NOT NULL THEN
                INSERT INTO ledger_count (by, bucket, channel_class, n) VALUES
                    ('received', to_char(OLD.received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), OLD.channel_class, -1),
                    ('number', left(OLD.number, 12), OLD.channel_class, -1);
            END IF;
            IF TG_OP <> 'DELETE' AND NEW.number IS NOT NULL THEN
                INSERT INTO ledger_count (by, bucket, channel_class, n) VALUES
                    ('received', to_char(NEW.received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), NEW.channel_class, 1),
                    ('number', left(NEW.number, 12), NEW.channel_class, 1);
            END IF;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION count_ledger_rows() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO ledger_count (by, bucket, channel_class, n)
            SELECT 'received', to_char(received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), channel_class, count(*)
            FROM fresh WHERE number IS NOT NULL GROUP BY 2, 3
            UNION ALL
            SELECT 'number', left(number, 12), channel_class, count(*)
            FROM fresh WHERE number IS NOT NULL GROUP BY 2, 3;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER count_ledger_fresh AFTER INSERT ON appeal REFERENCING NEW TABLE AS fresh"
        " FOR EACH STATEMENT EXECUTE FUNCTION count_ledger_rows()"
    )
    op.execute(
        "CREATE TRIGGER count_ledger_moved AFTER UPDATE ON appeal FOR EACH ROW"
        " WHEN (OLD.number IS DISTINCT FROM NEW.number OR (NEW.number IS NOT NULL AND"
        " (OLD.received_at <> NEW.received_at OR OLD.channel_class <> NEW.channel_class)))"
        " EXECUTE FUNCTION count_ledger()"
    )
    op.execute(
        "CREATE TRIGGER count_ledger_gone AFTER DELETE ON appeal FOR EACH ROW EXECUTE FUNCTION count_ledger()"
    )
    op.execute(
        """
        INSERT INTO ledger_count (by, bucket, channel_class, n)
        SELECT 'received', to_char(received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), channel_class, count(*)
        FROM appeal WHERE number IS NOT NULL GROUP BY 2, 3
        UNION ALL
        SELECT 'number', left(number, 12), channel_class, count(*) FROM appeal WHERE number IS NOT NULL GROUP BY 2, 3
        """
    )


def _feed() -> None:
    """A row for every row that changed, whoever changed it; a trigger of the statement, so that many cost little."""
    for name, gone, rows in (('note_fresh', 'false', 'fresh'), ('note_gone', 'true', 'gone')):
        op.execute(
            f"""
            CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO change_feed (table_name, row_id, gone) SELECT TG_TABLE_NAME, id, {gone} FROM {rows};
                RETURN NULL;
            END $$
            """  # noqa: S608 - names of ours
        )
    for table in SHOWN:
        for event, word in (('INSERT', 'made'), ('UPDATE', 'changed')):
            op.execute(
                f"CREATE TRIGGER feed_{word} AFTER {event} ON {table} REFERENCING NEW TABLE AS fresh"
                f" FOR EACH STATEMENT EXECUTE FUNCTION note_fresh()"
            )
        op.execute(
            f"CREATE TRIGGER feed_gone AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone"
            f" FOR EACH STATEMENT EXECUTE FUNCTION note_gone()"
        )


def _field_indexes() -> None:
    """An index for a field made at run time, as its definition says. The application's role owns no table: this
    function does it, reads what it builds from the definition alone and takes no other text."""
    listed = ', '.join(f"'{table}'" for table in SHOWN)
    op.execute(
        f"""
        CREATE FUNCTION settle_field_index(wanted integer) RETURNS boolean
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
        DECLARE
            d public.field_definition;
            value text;
            condition text;
        BEGIN
            SELECT * INTO d FROM public.field_definition WHERE id = wanted FOR UPDATE;
            IF d.id IS NULL OR d.table_name NOT IN ({listed}) OR d.code !~ '^[a-z][a-z0-9_]*$' THEN
                RETURN false;
            END IF;
            EXECUTE format('DROP INDEX IF EXISTS public.fx_%s', d.id);
            EXECUTE format('DROP INDEX IF EXISTS public.fu_%s', d.id);
            IF d.retired_at IS NOT NULL OR d.kind IN ('lookup', 'rollup', 'formula', 'files') THEN
                RETURN false;
            END IF;
            value := CASE WHEN d.kind IN ('number', 'money', 'person', 'unit', 'post', 'link')
                          THEN format('((extra ->> %L)::numeric)', d.code) ELSE format('(extra ->> %L)', d.code) END;
            condition := value || ' IS NOT NULL' || CASE WHEN d.own_sheet_id IS NULL THEN ''
                         ELSE format(' AND sheet_id = %s AND deleted_at IS NULL', d.own_sheet_id) END;
            IF d.is_unique THEN
                EXECUTE format('CREATE UNIQUE INDEX fu_%s ON public.%I (%s) WHERE %s', d.id, d.table_name, value, condition);
            END IF;
            IF d.is_indexed AND d.kind = 'choices' THEN
                EXECUTE format('CREATE INDEX fx_%s ON public.%I USING gin ((extra -> %L)) WHERE %s',
                               d.id, d.table_name, d.code, condition);
            ELSIF d.is_indexed AND d.kind <> 'long' THEN
                EXECUTE format('CREATE INDEX fx_%s ON public.%I (%s, id) WHERE %s', d.id, d.table_name, value, condition);
            END IF;
            RETURN true;
        END $$
        """  # noqa: S608 - names of ours
    )


def _staffing_moves() -> None:
    """A row for every statement that changes what standings follow from; each with a number of its own."""
    op.execute(
        """
        CREATE FUNCTION note_staffing() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO staffing_move (n) VALUES (nextval('staffing_move_id_seq'));
            RETURN NULL;
        END $$
        """
    )
    for table in (*STAFFING, *PARTLY):
        columns = f' OF {PARTLY[table]}' if table in PARTLY else ''
        op.execute(
            f"CREATE TRIGGER staffing_moved AFTER INSERT OR UPDATE{columns} OR DELETE ON {table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION note_staffing()"
        )
        op.execute(
            f"CREATE TRIGGER staffing_emptied AFTER TRUNCATE ON {table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION note_staffing()"
        )


def downgrade() -> None:
    for table in (*STAFFING, *PARTLY):
        op.execute(f'DROP TRIGGER staffing_moved ON {table}')
        op.execute(f'DROP TRIGGER staffing_emptied ON {table}')
    op.execute('DROP FUNCTION note_staffing()')
    op.drop_table('staffing_move')
    op.drop_index(op.f('ix_field_conversion_field_id'), table_name='field_conversion')
    op.drop_table('field_conversion')
    op.execute('DELETE FROM attachment WHERE field_id IS NOT NULL')
    op.drop_index('ix_attachment_field', table_name='attachment')
    op.drop_index('ix_attachment_unclaimed', table_name='attachment')
    op.drop_column('attachment', 'row_id')
    op.drop_column('attachment', 'field_id')
    op.create_index('ix_attachment_unclaimed', 'attachment', ['created_at'], unique=False, postgresql_where=sa.text('appeal_id IS NULL'))
    for table in SHOWN:
        for word in ('made', 'changed', 'gone'):
            op.execute(f'DROP TRIGGER feed_{word} ON {table}')
    for name in ('note_fresh()', 'note_gone()', 'settle_field_index(integer)'):
        op.execute(f'DROP FUNCTION {name}')
    for word in ('fresh', 'moved', 'gone'):
        op.execute(f'DROP TRIGGER count_ledger_{word} ON appeal')
    op.execute('DROP FUNCTION count_ledger()')
    op.execute('DROP FUNCTION count_ledger_rows()')
    op.execute('DROP TRIGGER follow_limit ON clock')
    op.execute('DROP TRIGGER follow_limit_gone ON clock')
    op.execute('DROP FUNCTION follow_limit()')
    op.execute('DROP FUNCTION appeal_limit(integer)')
    for table in EXTENDED:
        op.drop_column(table, 'extra')
    op.drop_index('ix_appeal_unit_state_due', table_name='appeal')
    op.drop_index('ix_appeal_open_due', table_name='appeal', postgresql_where=sa.text('limit_open_at IS NOT NULL'))
    op.drop_index('ix_appeal_ledger_received', table_name='appeal', postgresql_where=sa.text('number IS NOT NULL'))
    op.drop_index('ix_appeal_ledger_number', table_name='appeal', postgresql_where=sa.text('number IS NOT NULL'))
    op.drop_index('ix_appeal_due', table_name='appeal')
    op.drop_column('post', 'export_cap')
    op.drop_column('appeal', 'extra')
    op.drop_column('appeal', 'limit_state')
    op.drop_column('appeal', 'limit_open_at')
    op.drop_column('appeal', 'limit_due_at')
    op.drop_index(op.f('ix_sheet_file_user_id'), table_name='sheet_file')
    op.drop_index(op.f('ix_sheet_file_at'), table_name='sheet_file')
    op.drop_table('sheet_file')
    op.drop_index('ix_change_set_row_waits', table_name='change_set_row', postgresql_where=sa.text('waits'))
    op.drop_index('ix_change_set_row_set', table_name='change_set_row')
    op.drop_index('ix_change_set_row_row', table_name='change_set_row')
    op.drop_table('change_set_row')
    op.drop_index('ix_change_set_user', table_name='change_set')
    op.drop_index(op.f('ix_change_set_at'), table_name='change_set')
    op.drop_table('change_set')
    op.drop_index(op.f('ix_api_token_user_id'), table_name='api_token')
    op.drop_table('api_token')
    op.drop_index('ix_own_row_trash', table_name='own_row', postgresql_where=sa.text('deleted_at IS NOT NULL'))
    op.drop_index('ix_own_row_sheet', table_name='own_row', postgresql_where=sa.text('deleted_at IS NULL'))
    op.drop_table('own_row')
    op.drop_index(op.f('ix_first_view_view_id'), table_name='first_view')
    op.drop_table('first_view')
    op.drop_index('ix_saved_view_sheet', table_name='saved_view')
    op.drop_table('saved_view')
    op.drop_index('ix_presence_sheet', table_name='presence')
    op.drop_table('presence')
    op.drop_index(op.f('ix_field_definition_own_sheet_id'), table_name='field_definition')
    op.drop_table('field_definition')
    op.drop_table('own_sheet')
    op.drop_index('ix_ledger_count', table_name='ledger_count', postgresql_include=['n'])
    op.drop_table('ledger_count')
    op.drop_table('definition_version')
    op.drop_index('ix_change_feed_at', table_name='change_feed')
    op.drop_index('ix_change_feed', table_name='change_feed')
    op.drop_table('change_feed')
