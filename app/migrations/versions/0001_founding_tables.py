"""founding tables

Revision ID: 0001
Revises: 
"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('ab_group',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('label', sa.String(length=150), nullable=True),
    sa.Column('description', sa.String(length=512), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('name')
    )
    op.create_table('ab_permission',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('name')
    )
    op.create_table('ab_register_user',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('first_name', sa.String(length=64), nullable=False),
    sa.Column('last_name', sa.String(length=64), nullable=False),
    sa.Column('username', sa.String(length=128), nullable=False),
    sa.Column('password', sa.String(length=256), nullable=True),
    sa.Column('email', sa.String(length=320), nullable=False),
    sa.Column('registration_date', sa.DateTime(), nullable=True),
    sa.Column('registration_hash', sa.String(length=256), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('email'),
    sa.UniqueConstraint('username')
    )
    op.create_table('ab_role',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('name')
    )
    op.create_table('ab_user',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('first_name', sa.String(length=64), nullable=False),
    sa.Column('last_name', sa.String(length=64), nullable=False),
    sa.Column('username', sa.String(length=128), nullable=False),
    sa.Column('password', sa.String(length=256), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=True),
    sa.Column('email', sa.String(length=320), nullable=False),
    sa.Column('last_login', sa.DateTime(), nullable=True),
    sa.Column('login_count', sa.Integer(), nullable=True),
    sa.Column('fail_login_count', sa.Integer(), nullable=True),
    sa.Column('created_on', sa.DateTime(), nullable=True),
    sa.Column('changed_on', sa.DateTime(), nullable=True),
    sa.Column('created_by_fk', sa.Integer(), nullable=True),
    sa.Column('changed_by_fk', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['changed_by_fk'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['created_by_fk'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('email'),
    sa.UniqueConstraint('username')
    )
    op.create_table('ab_view_menu',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=250), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('name')
    )
    op.create_table('assumption',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('rule', sa.String(length=16), server_default='', nullable=False),
    sa.Column('title', sa.String(length=128), nullable=False),
    sa.Column('title_en', sa.String(length=160), server_default='', nullable=False),
    sa.Column('explanation', sa.Text(), server_default='', nullable=False),
    sa.Column('explanation_en', sa.Text(), server_default='', nullable=False),
    sa.Column('value', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('code')
    )
    op.create_table('audit',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('event', sa.String(length=40), nullable=False),
    sa.Column('result', sa.String(length=10), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('ip', sa.String(length=45), server_default='', nullable=False),
    sa.Column('object_type', sa.String(length=40), server_default='', nullable=False),
    sa.Column('object_id', sa.String(length=80), server_default='', nullable=False),
    sa.Column('detail', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('request_id', sa.String(length=64), server_default='', nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_audit_at', 'audit', ['at'], unique=False)
    op.create_index('ix_audit_event', 'audit', ['event', 'id'], unique=False)
    op.create_table('calendar_day',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('name', sa.String(length=64), server_default='', nullable=False),
    sa.Column('name_en', sa.String(length=64), server_default='', nullable=False),
    sa.Column('active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.CheckConstraint("kind IN ('holiday', 'makeup', 'half', 'closure')", name='calendar_day_kind'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('day')
    )
    op.create_table('category',
    sa.Column('code', sa.String(length=300), nullable=False),
    sa.Column('parent_id', sa.Integer(), nullable=True),
    sa.Column('level', sa.SmallInteger(), server_default='1', nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=128), nullable=False),
    sa.Column('name_en', sa.String(length=160), server_default='', nullable=False),
    sa.Column('name_pinyin', sa.String(length=400), server_default='', nullable=False),
    sa.Column('sort', sa.Integer(), server_default='0', nullable=False),
    sa.Column('active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.ForeignKeyConstraint(['parent_id'], ['category.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('code')
    )
    op.create_index(op.f('ix_category_parent_id'), 'category', ['parent_id'], unique=False)
    op.create_table('heartbeat',
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name')
    )
    op.create_table('import_mapping',
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('header_hash', sa.String(length=64), nullable=False),
    sa.Column('mapping', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('source', sa.String(length=100), server_default='', nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('kind', 'header_hash')
    )
    op.create_table('journal_seal',
    sa.Column('seq', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('journal_id', sa.BigInteger(), nullable=False),
    sa.Column('previous_hash', sa.LargeBinary(), nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.Column('sealed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('seq'),
    sa.UniqueConstraint('journal_id')
    )
    op.create_table('limit_rule',
    sa.Column('clock_kind', sa.String(length=20), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('amount', sa.Integer(), nullable=False),
    sa.Column('parameters', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('is_default', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=128), nullable=False),
    sa.Column('name_en', sa.String(length=160), server_default='', nullable=False),
    sa.Column('name_pinyin', sa.String(length=400), server_default='', nullable=False),
    sa.Column('sort', sa.Integer(), server_default='0', nullable=False),
    sa.Column('active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('code')
    )
    op.create_index(op.f('ix_limit_rule_clock_kind'), 'limit_rule', ['clock_kind'], unique=False)
    op.create_table('number_counter',
    sa.Column('series', sa.String(length=64), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('last_value', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('series', 'year')
    )
    op.create_table('number_series',
    sa.Column('template', sa.String(length=80), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=128), nullable=False),
    sa.Column('name_en', sa.String(length=160), server_default='', nullable=False),
    sa.Column('name_pinyin', sa.String(length=400), server_default='', nullable=False),
    sa.Column('sort', sa.Integer(), server_default='0', nullable=False),
    sa.Column('active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('code')
    )
    op.create_table('portfolio',
    sa.Column('vice_mayor_id', sa.Integer(), nullable=True),
    sa.Column('deputy_id', sa.Integer(), nullable=True),
    sa.Column('section_id', sa.Integer(), nullable=True),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=128), nullable=False),
    sa.Column('name_en', sa.String(length=160), server_default='', nullable=False),
    sa.Column('name_pinyin', sa.String(length=400), server_default='', nullable=False),
    sa.Column('sort', sa.Integer(), server_default='0', nullable=False),
    sa.Column('active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('code')
    )
    op.create_table('reminder_rule',
    sa.Column('clock_kind', sa.String(length=20), nullable=False),
    sa.Column('offset_minutes', sa.Integer(), nullable=False),
    sa.Column('rung', sa.String(length=20), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=128), nullable=False),
    sa.Column('name_en', sa.String(length=160), server_default='', nullable=False),
    sa.Column('name_pinyin', sa.String(length=400), server_default='', nullable=False),
    sa.Column('sort', sa.Integer(), server_default='0', nullable=False),
    sa.Column('active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('code')
    )
    op.create_index(op.f('ix_reminder_rule_clock_kind'), 'reminder_rule', ['clock_kind'], unique=False)
    op.create_table('seed_row',
    sa.Column('file', sa.String(length=64), nullable=False),
    sa.Column('key', sa.String(length=300), nullable=False),
    sa.Column('values_', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('file', 'key')
    )
    op.create_table('timetable_slot',
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('slot', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ran_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('name', 'slot')
    )
    op.create_table('unit_group',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=128), nullable=False),
    sa.Column('name_en', sa.String(length=160), server_default='', nullable=False),
    sa.Column('name_pinyin', sa.String(length=400), server_default='', nullable=False),
    sa.Column('sort', sa.Integer(), server_default='0', nullable=False),
    sa.Column('active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('code')
    )
    op.create_table('ab_api_key',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('uuid', sa.String(length=36), nullable=False),
    sa.Column('name', sa.String(length=256), nullable=False),
    sa.Column('key_hash', sa.String(length=256), nullable=False),
    sa.Column('lookup_hash', sa.String(length=256), nullable=True),
    sa.Column('key_prefix', sa.String(length=16), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('scopes', sa.Text(), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('created_on', sa.DateTime(), nullable=True),
    sa.Column('expires_on', sa.DateTime(), nullable=True),
    sa.Column('revoked_on', sa.DateTime(), nullable=True),
    sa.Column('last_used_on', sa.DateTime(), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('lookup_hash'),
    sa.UniqueConstraint('uuid')
    )
    op.create_index('idx_api_key_lookup_hash', 'ab_api_key', ['lookup_hash'], unique=True)
    op.create_index('idx_api_key_prefix', 'ab_api_key', ['key_prefix'], unique=False)
    op.create_index('idx_api_key_user_id', 'ab_api_key', ['user_id'], unique=False)
    op.create_table('ab_group_role',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('group_id', sa.Integer(), nullable=True),
    sa.Column('role_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['group_id'], ['ab_group.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['role_id'], ['ab_role.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('group_id', 'role_id')
    )
    op.create_index('idx_group_id', 'ab_group_role', ['group_id'], unique=False)
    op.create_index('idx_group_role_id', 'ab_group_role', ['role_id'], unique=False)
    op.create_table('ab_permission_view',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('permission_id', sa.Integer(), nullable=False),
    sa.Column('view_menu_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['permission_id'], ['ab_permission.id'], ),
    sa.ForeignKeyConstraint(['view_menu_id'], ['ab_view_menu.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('permission_id', 'view_menu_id')
    )
    op.create_index('idx_permission_id', 'ab_permission_view', ['permission_id'], unique=False)
    op.create_index('idx_view_menu_id', 'ab_permission_view', ['view_menu_id'], unique=False)
    op.create_table('ab_user_group',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('group_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['group_id'], ['ab_group.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('user_id', 'group_id')
    )
    op.create_index('idx_user_group_id', 'ab_user_group', ['group_id'], unique=False)
    op.create_index('idx_user_id', 'ab_user_group', ['user_id'], unique=False)
    op.create_table('ab_user_role',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('role_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['role_id'], ['ab_role.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('user_id', 'role_id')
    )
    op.create_table('login_session',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('fresh_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ip', sa.String(length=45), server_default='', nullable=False),
    sa.Column('user_agent', sa.String(length=200), server_default='', nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_login_session_user_id'), 'login_session', ['user_id'], unique=False)
    op.create_table('password_history',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('password', sa.String(length=256), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_password_history_user_id'), 'password_history', ['user_id'], unique=False)
    op.create_table('task',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('queue', sa.String(length=20), nullable=False),
    sa.Column('subject_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=10), server_default='pending', nullable=False),
    sa.Column('done', sa.Integer(), server_default='0', nullable=False),
    sa.Column('total', sa.Integer(), server_default='0', nullable=False),
    sa.Column('message', sa.String(length=200), server_default='', nullable=False),
    sa.Column('cancel_requested', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('lease_token', sa.String(length=40), nullable=True),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('requested_by_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('pending', 'running', 'done', 'failed', 'cancelled')", name='task_state'),
    sa.ForeignKeyConstraint(['requested_by_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_task_waiting', 'task', ['id'], unique=False, postgresql_where=sa.text("state IN ('pending','running')"))
    op.create_table('unit',
    sa.Column('short_name', sa.String(length=64), server_default='', nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('group_id', sa.Integer(), nullable=False),
    sa.Column('portfolio_id', sa.Integer(), nullable=True),
    sa.Column('source', sa.String(length=200), server_default='', nullable=False),
    sa.Column('fictional', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=128), nullable=False),
    sa.Column('name_en', sa.String(length=160), server_default='', nullable=False),
    sa.Column('name_pinyin', sa.String(length=400), server_default='', nullable=False),
    sa.Column('sort', sa.Integer(), server_default='0', nullable=False),
    sa.Column('active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.CheckConstraint("kind IN ('local_government', 'administration', 'department', 'stationed', 'section')", name='unit_kind'),
    sa.ForeignKeyConstraint(['group_id'], ['unit_group.id'], ),
    sa.ForeignKeyConstraint(['portfolio_id'], ['portfolio.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('code')
    )
    op.create_table('ab_permission_view_role',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('permission_view_id', sa.Integer(), nullable=True),
    sa.Column('role_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['permission_view_id'], ['ab_permission_view.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['role_id'], ['ab_role.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('permission_view_id', 'role_id')
    )
    op.create_index('idx_permission_view_id', 'ab_permission_view_role', ['permission_view_id'], unique=False)
    op.create_index('idx_role_id', 'ab_permission_view_role', ['role_id'], unique=False)
    op.create_table('channel',
    sa.Column('channel_class', sa.String(length=1), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('address', sa.String(length=200), server_default='', nullable=False),
    sa.Column('office_id', sa.Integer(), nullable=True),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=128), nullable=False),
    sa.Column('name_en', sa.String(length=160), server_default='', nullable=False),
    sa.Column('name_pinyin', sa.String(length=400), server_default='', nullable=False),
    sa.Column('sort', sa.Integer(), server_default='0', nullable=False),
    sa.Column('active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.CheckConstraint("channel_class IN ('A', 'B', 'C', 'D', 'E', 'F')", name='channel_class'),
    sa.ForeignKeyConstraint(['office_id'], ['unit.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('code')
    )
    op.create_index(op.f('ix_channel_channel_class'), 'channel', ['channel_class'], unique=False)
    op.create_table('duty_shift',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('office_id', sa.Integer(), nullable=False),
    sa.Column('valid', postgresql.TSTZRANGE(), nullable=False),
    sa.Column('fictional', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    postgresql.ExcludeConstraint((sa.text("int4range(office_id, office_id, '[]')"), '&&'), (sa.column('valid'), '&&'), using='gist', name='duty_shift_no_overlap'),
    sa.CheckConstraint('NOT isempty(valid)', name='duty_shift_valid'),
    sa.ForeignKeyConstraint(['office_id'], ['unit.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_duty_shift_office_id'), 'duty_shift', ['office_id'], unique=False)
    op.create_table('person',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('name_en', sa.String(length=128), server_default='', nullable=False),
    sa.Column('name_pinyin', sa.String(length=400), server_default='', nullable=False),
    sa.Column('mobile_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('email', sa.String(length=254), server_default='', nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=True),
    sa.Column('position', sa.String(length=64), server_default='', nullable=False),
    sa.Column('active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('fictional', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.ForeignKeyConstraint(['unit_id'], ['unit.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('code')
    )
    op.create_table('absence',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('valid', postgresql.TSTZRANGE(), nullable=False),
    sa.Column('reason', sa.String(length=200), server_default='', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    postgresql.ExcludeConstraint((sa.text("int4range(person_id, person_id, '[]')"), '&&'), (sa.column('valid'), '&&'), using='gist', name='absence_no_overlap'),
    sa.CheckConstraint('NOT isempty(valid)', name='absence_valid'),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_absence_person_id'), 'absence', ['person_id'], unique=False)
    op.create_table('account',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=True),
    sa.Column('officer', sa.String(length=10), nullable=True),
    sa.Column('must_change_password', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('password_changed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('code_expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failed_count', sa.Integer(), server_default='0', nullable=False),
    sa.Column('last_failed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('locked_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('demo', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('locale', sa.String(length=5), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.CheckConstraint("officer IS NULL OR officer IN ('system','security','audit')", name='account_officer'),
    sa.CheckConstraint('officer IS NULL OR person_id IS NULL', name='account_officer_no_post'),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('person_id'),
    sa.UniqueConstraint('user_id')
    )
    op.create_table('chain_link',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('link', sa.String(length=16), nullable=False),
    sa.Column('role', sa.String(length=1), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.CheckConstraint("link IN ('first', 'direct', 'coordinating', 'final')", name='chain_link_link'),
    sa.CheckConstraint("role IN ('A', 'B')", name='chain_link_role'),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['unit_id'], ['unit.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('unit_id', 'link', 'role')
    )
    op.create_index(op.f('ix_chain_link_person_id'), 'chain_link', ['person_id'], unique=False)
    op.create_index(op.f('ix_chain_link_unit_id'), 'chain_link', ['unit_id'], unique=False)
    op.create_table('duty_seat',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('shift_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('seat', sa.String(length=8), nullable=False),
    sa.CheckConstraint("seat IN ('main', 'second')", name='duty_seat_seat'),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['shift_id'], ['duty_shift.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('shift_id', 'person_id')
    )
    op.create_index(op.f('ix_duty_seat_person_id'), 'duty_seat', ['person_id'], unique=False)
    op.create_table('import_batch',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=12), server_default='appeals', nullable=False),
    sa.Column('number', sa.String(length=64), nullable=True),
    sa.Column('state', sa.String(length=10), server_default='uploaded', nullable=False),
    sa.Column('filename', sa.String(length=200), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('data_key', sa.LargeBinary(), nullable=True),
    sa.Column('content_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('source', sa.String(length=100), server_default='', nullable=False),
    sa.Column('sheet', sa.String(length=100), server_default='', nullable=False),
    sa.Column('sheets', postgresql.JSONB(astext_type=sa.Text()), server_default='[]', nullable=False),
    sa.Column('mapping', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('summary', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('task_id', sa.Integer(), nullable=True),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.CheckConstraint("kind IN ('appeals', 'categories')", name='import_kind'),
    sa.CheckConstraint("state IN ('uploaded', 'checked', 'applying', 'applied', 'failed', 'cancelled')", name='import_state'),
    sa.ForeignKeyConstraint(['created_by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('number')
    )
    op.create_table('membership',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('function', sa.String(length=20), nullable=False),
    sa.Column('active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.CheckConstraint("function IN ('handler', 'section_clerk')", name='membership_function'),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['unit_id'], ['unit.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('person_id', 'unit_id', 'function')
    )
    op.create_index(op.f('ix_membership_person_id'), 'membership', ['person_id'], unique=False)
    op.create_index(op.f('ix_membership_unit_id'), 'membership', ['unit_id'], unique=False)
    op.create_table('post',
    sa.Column('number', sa.SmallInteger(), nullable=False),
    sa.Column('duty', sa.Text(), server_default='', nullable=False),
    sa.Column('duty_en', sa.Text(), server_default='', nullable=False),
    sa.Column('office_id', sa.Integer(), nullable=False),
    sa.Column('leader_id', sa.Integer(), nullable=True),
    sa.Column('filled_by_duty', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('channel_class', sa.String(length=1), nullable=True),
    sa.Column('capabilities', postgresql.ARRAY(sa.String(length=32)), nullable=False),
    sa.Column('scope', sa.String(length=12), server_default='all', nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=128), nullable=False),
    sa.Column('name_en', sa.String(length=160), server_default='', nullable=False),
    sa.Column('name_pinyin', sa.String(length=400), server_default='', nullable=False),
    sa.Column('sort', sa.Integer(), server_default='0', nullable=False),
    sa.Column('active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.CheckConstraint("channel_class IS NULL OR channel_class IN ('A','B','C','D','E','F')", name='post_class'),
    sa.CheckConstraint("scope IN ('all', 'own_class', 'own_unit', 'own_office')", name='post_scope'),
    sa.ForeignKeyConstraint(['leader_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['office_id'], ['unit.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('code'),
    sa.UniqueConstraint('number')
    )
    op.create_table('report',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('state', sa.String(length=10), server_default='pending', nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('quarter', sa.SmallInteger(), nullable=False),
    sa.Column('locale', sa.String(length=5), nullable=False),
    sa.Column('data_moment', sa.DateTime(timezone=True), nullable=True),
    sa.Column('filename', sa.String(length=200), server_default='', nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=True),
    sa.Column('sha256', sa.String(length=64), server_default='', nullable=False),
    sa.Column('size', sa.Integer(), server_default='0', nullable=False),
    sa.Column('task_id', sa.Integer(), nullable=True),
    sa.Column('requested_by_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.CheckConstraint("state IN ('pending', 'compiling', 'ready', 'failed', 'cancelled')", name='report_state'),
    sa.ForeignKeyConstraint(['requested_by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_report_kind', 'report', ['kind', 'id'], unique=False)
    op.create_table('appeal',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=64), nullable=True),
    sa.Column('state', sa.String(length=16), server_default='draft', nullable=False),
    sa.Column('channel_class', sa.String(length=1), nullable=False),
    sa.Column('channel_id', sa.Integer(), nullable=True),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('registered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('archived_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('body', sa.Text(), server_default='', nullable=False),
    sa.Column('place', sa.String(length=200), server_default='', nullable=False),
    sa.Column('category_id', sa.Integer(), nullable=True),
    sa.Column('limit_rule_id', sa.Integer(), nullable=True),
    sa.Column('intake', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('data_key', sa.LargeBinary(), nullable=True),
    sa.Column('appellant_name_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('appellant_phone_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('appellant_identity_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('appellant_address_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('appellant_phone_bidx', sa.LargeBinary(), nullable=True),
    sa.Column('appellant_identity_bidx', sa.LargeBinary(), nullable=True),
    sa.Column('anonymous', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('handling', sa.String(length=10), nullable=True),
    sa.Column('opinion', sa.Text(), server_default='', nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=True),
    sa.Column('section_id', sa.Integer(), nullable=True),
    sa.Column('portfolio_id', sa.Integer(), nullable=True),
    sa.Column('result', sa.Text(), server_default='', nullable=False),
    sa.Column('impossible', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('informed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('informed_how', sa.String(length=20), server_default='', nullable=False),
    sa.Column('reaction', sa.String(length=500), server_default='', nullable=False),
    sa.Column('note', sa.Text(), server_default='', nullable=False),
    sa.Column('corrections', sa.Integer(), server_default='0', nullable=False),
    sa.Column('source', sa.String(length=100), nullable=True),
    sa.Column('source_no', sa.String(length=100), nullable=True),
    sa.Column('import_batch_id', sa.Integer(), nullable=True),
    sa.Column('flags', postgresql.ARRAY(sa.String(length=40)), server_default='{}', nullable=False),
    sa.Column('fictional', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.CheckConstraint("channel_class IN ('A', 'B', 'C', 'D', 'E', 'F')", name='appeal_class'),
    sa.CheckConstraint("state IN ('draft', 'submitted', 'registered', 'opinion', 'slip_ready', 'with_section', 'with_leader', 'fetched', 'instructed', 'self_handling', 'assigned', 'in_progress', 'answered', 'closed', 'archived', 'history')", name='appeal_state'),
    sa.CheckConstraint("state IN ('draft','submitted') OR number IS NOT NULL", name='appeal_numbered'),
    sa.ForeignKeyConstraint(['category_id'], ['category.id'], ),
    sa.ForeignKeyConstraint(['channel_id'], ['channel.id'], ),
    sa.ForeignKeyConstraint(['created_by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['import_batch_id'], ['import_batch.id'], ),
    sa.ForeignKeyConstraint(['limit_rule_id'], ['limit_rule.id'], ),
    sa.ForeignKeyConstraint(['portfolio_id'], ['portfolio.id'], ),
    sa.ForeignKeyConstraint(['section_id'], ['unit.id'], ),
    sa.ForeignKeyConstraint(['unit_id'], ['unit.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('number')
    )
    op.create_index('ix_appeal_class_state_id', 'appeal', ['channel_class', 'state', 'id'], unique=False)
    op.create_index(op.f('ix_appeal_import_batch_id'), 'appeal', ['import_batch_id'], unique=False)
    op.create_index('ix_appeal_phone', 'appeal', ['appellant_phone_bidx'], unique=False, postgresql_where=sa.text('appellant_phone_bidx IS NOT NULL'))
    op.create_index('ix_appeal_received', 'appeal', ['received_at', 'id'], unique=False)
    op.create_index('ix_appeal_registered', 'appeal', ['registered_at'], unique=False)
    op.create_index('ix_appeal_section', 'appeal', ['section_id', 'state'], unique=False, postgresql_where=sa.text('section_id IS NOT NULL'))
    op.create_index('ix_appeal_state_id', 'appeal', ['state', 'id'], unique=False)
    op.create_index('ix_appeal_submitted', 'appeal', ['channel_class', 'submitted_at'], unique=False)
    op.create_index('ix_appeal_unit_state_id', 'appeal', ['unit_id', 'state', 'id'], unique=False)
    op.create_index('uq_appeal_source_no', 'appeal', ['source', 'source_no'], unique=True, postgresql_where=sa.text('source_no IS NOT NULL'))
    op.create_table('holding',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('post_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('role', sa.String(length=1), nullable=False),
    sa.Column('valid', postgresql.TSTZRANGE(), nullable=False),
    sa.Column('reason', sa.String(length=200), server_default='', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    postgresql.ExcludeConstraint((sa.text("int4range(post_id, post_id, '[]')"), '&&'), (sa.text("int4range(ascii(role), ascii(role), '[]')"), '&&'), (sa.column('valid'), '&&'), using='gist', name='holding_no_overlap'),
    sa.CheckConstraint("role IN ('A', 'B')", name='holding_role'),
    sa.CheckConstraint('NOT isempty(valid)', name='holding_valid'),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['post_id'], ['post.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_holding_person_id'), 'holding', ['person_id'], unique=False)
    op.create_index(op.f('ix_holding_post_id'), 'holding', ['post_id'], unique=False)
    op.create_table('import_problem',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('batch_id', sa.Integer(), nullable=False),
    sa.Column('row', sa.Integer(), nullable=False),
    sa.Column('column', sa.String(length=100), server_default='', nullable=False),
    sa.Column('severity', sa.String(length=10), nullable=False),
    sa.Column('code', sa.String(length=60), nullable=False),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.ForeignKeyConstraint(['batch_id'], ['import_batch.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_import_problem_batch_id'), 'import_problem', ['batch_id'], unique=False)
    op.create_table('nil_return',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('post_id', sa.Integer(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('signed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('signed_by_id', sa.Integer(), nullable=False),
    sa.Column('role', sa.String(length=1), nullable=False),
    sa.ForeignKeyConstraint(['post_id'], ['post.id'], ),
    sa.ForeignKeyConstraint(['signed_by_id'], ['person.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('post_id', 'day')
    )
    op.create_table('assignment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('appeal_id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('limit_rule_id', sa.Integer(), nullable=True),
    sa.Column('assigned_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('assigned_by_id', sa.Integer(), nullable=False),
    sa.Column('remark', sa.String(length=500), server_default='', nullable=False),
    sa.Column('chain', postgresql.JSONB(astext_type=sa.Text()), server_default='[]', nullable=False),
    sa.Column('signed_in_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('signed_in_by_id', sa.Integer(), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('feedback', sa.Text(), server_default='', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.ForeignKeyConstraint(['appeal_id'], ['appeal.id'], ),
    sa.ForeignKeyConstraint(['assigned_by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['limit_rule_id'], ['limit_rule.id'], ),
    sa.ForeignKeyConstraint(['signed_in_by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['unit_id'], ['unit.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_assignment_appeal_id'), 'assignment', ['appeal_id'], unique=False)
    op.create_index(op.f('ix_assignment_assigned_at'), 'assignment', ['assigned_at'], unique=False)
    op.create_index(op.f('ix_assignment_unit_id'), 'assignment', ['unit_id'], unique=False)
    op.create_table('clock',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('appeal_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('post_id', sa.Integer(), nullable=True),
    sa.Column('unit_id', sa.Integer(), nullable=True),
    sa.Column('limit_rule_id', sa.Integer(), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('late_when', sa.String(length=12), server_default='after', nullable=False),
    sa.Column('stopped_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('inputs', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.CheckConstraint("kind IN ('collection', 'delivery', 'fetch_back', 'sign_in', 'unit_limit')", name='clock_kind'),
    sa.CheckConstraint("late_when IN ('at_or_after', 'after')", name='clock_late_when'),
    sa.ForeignKeyConstraint(['appeal_id'], ['appeal.id'], ),
    sa.ForeignKeyConstraint(['limit_rule_id'], ['limit_rule.id'], ),
    sa.ForeignKeyConstraint(['post_id'], ['post.id'], ),
    sa.ForeignKeyConstraint(['unit_id'], ['unit.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_clock_appeal', 'clock', ['appeal_id'], unique=False)
    op.create_index('ix_clock_late', 'clock', ['stopped_at', 'id'], unique=False, postgresql_where=sa.text('stopped_at >= due_at'))
    op.create_index('ix_clock_open_appeal', 'clock', ['appeal_id', 'due_at'], unique=False, postgresql_where=sa.text('stopped_at IS NULL'))
    op.create_index('ix_clock_open_due', 'clock', ['due_at', 'id'], unique=False, postgresql_where=sa.text('stopped_at IS NULL'))
    op.create_index('ix_clock_open_post', 'clock', ['post_id', 'due_at'], unique=False, postgresql_where=sa.text('stopped_at IS NULL'))
    op.create_index('ix_clock_open_unit', 'clock', ['unit_id', 'due_at'], unique=False, postgresql_where=sa.text('stopped_at IS NULL'))
    op.create_index('ix_clock_started', 'clock', ['kind', 'started_at'], unique=False)
    op.create_index('ix_clock_unlimited', 'clock', ['started_at'], unique=False, postgresql_where=sa.text('due_at IS NULL'))
    op.create_table('explanation',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('appeal_id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=True),
    sa.Column('kind', sa.String(length=14), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('informed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('informed_how', sa.String(length=20), server_default='', nullable=False),
    sa.Column('reaction', sa.String(length=500), server_default='', nullable=False),
    sa.CheckConstraint("kind IN ('cannot_finish', 'not_permitted')", name='explanation_kind'),
    sa.ForeignKeyConstraint(['appeal_id'], ['appeal.id'], ),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['unit_id'], ['unit.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_explanation_appeal_id'), 'explanation', ['appeal_id'], unique=False)
    op.create_table('journal',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('action', sa.String(length=40), nullable=False),
    sa.Column('object_type', sa.String(length=40), nullable=False),
    sa.Column('object_id', sa.BigInteger(), nullable=False),
    sa.Column('appeal_id', sa.Integer(), nullable=True),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('person_id', sa.Integer(), nullable=True),
    sa.Column('post_id', sa.Integer(), nullable=True),
    sa.Column('role', sa.String(length=1), nullable=True),
    sa.Column('acted_as', sa.String(length=40), server_default='', nullable=False),
    sa.Column('old', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('new', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('request_id', sa.String(length=64), server_default='', nullable=False),
    sa.Column('request_key', sa.String(length=80), nullable=True),
    sa.ForeignKeyConstraint(['appeal_id'], ['appeal.id'], ),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['post_id'], ['post.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_journal_appeal', 'journal', ['appeal_id', 'id'], unique=False)
    op.create_index('ix_journal_object', 'journal', ['object_type', 'object_id', 'id'], unique=False)
    op.create_index('uq_journal_request', 'journal', ['request_key'], unique=True, postgresql_where=sa.text('request_key IS NOT NULL'))
    op.create_table('slip',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=64), nullable=True),
    sa.Column('appeal_id', sa.Integer(), nullable=False),
    sa.Column('section_id', sa.Integer(), nullable=False),
    sa.Column('portfolio_id', sa.Integer(), nullable=False),
    sa.Column('opinion', sa.Text(), nullable=False),
    sa.Column('opinion_by_id', sa.Integer(), nullable=False),
    sa.Column('opinion_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('filled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('filled_by_id', sa.Integer(), nullable=True),
    sa.Column('remark', sa.String(length=500), server_default='', nullable=False),
    sa.Column('instruction', sa.Text(), server_default='', nullable=False),
    sa.Column('instructed_by_id', sa.Integer(), nullable=True),
    sa.Column('instructed_by_name', sa.String(length=64), server_default='', nullable=False),
    sa.Column('instructed_on', sa.Date(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.ForeignKeyConstraint(['appeal_id'], ['appeal.id'], ),
    sa.ForeignKeyConstraint(['filled_by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['instructed_by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['opinion_by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['portfolio_id'], ['portfolio.id'], ),
    sa.ForeignKeyConstraint(['section_id'], ['unit.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('number')
    )
    op.create_index(op.f('ix_slip_appeal_id'), 'slip', ['appeal_id'], unique=False)
    op.create_index(op.f('ix_slip_section_id'), 'slip', ['section_id'], unique=False)
    op.create_table('delivery',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('idem_key', sa.String(length=200), nullable=False),
    sa.Column('channel', sa.String(length=10), nullable=False),
    sa.Column('recipient_id', sa.Integer(), nullable=True),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('appeal_id', sa.Integer(), nullable=True),
    sa.Column('clock_id', sa.Integer(), nullable=True),
    sa.Column('rule_id', sa.Integer(), nullable=True),
    sa.Column('post_id', sa.Integer(), nullable=True),
    sa.Column('task_id', sa.Integer(), nullable=True),
    sa.Column('state', sa.String(length=10), server_default='pending', nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('lease_token', sa.String(length=40), nullable=True),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_error', sa.String(length=200), server_default='', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("channel IN ('inbox', 'mail')", name='delivery_channel'),
    sa.CheckConstraint("recipient_id IS NOT NULL OR state = 'cancelled'", name='delivery_recipient'),
    sa.CheckConstraint("state IN ('pending', 'sending', 'sent', 'uncertain', 'dead', 'cancelled')", name='delivery_state'),
    sa.ForeignKeyConstraint(['appeal_id'], ['appeal.id'], ),
    sa.ForeignKeyConstraint(['clock_id'], ['clock.id'], ),
    sa.ForeignKeyConstraint(['post_id'], ['post.id'], ),
    sa.ForeignKeyConstraint(['recipient_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['rule_id'], ['reminder_rule.id'], ),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('idem_key')
    )
    op.create_index('ix_delivery_alarm', 'delivery', ['state'], unique=False, postgresql_where=sa.text("state IN ('uncertain','dead')"))
    op.create_index('ix_delivery_clock', 'delivery', ['clock_id', 'rule_id'], unique=False, postgresql_where=sa.text('clock_id IS NOT NULL'))
    op.create_index('ix_delivery_due', 'delivery', ['due_at', 'id'], unique=False, postgresql_where=sa.text("state IN ('pending','sending')"))
    op.create_table('slip_handover',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('slip_id', sa.Integer(), nullable=False),
    sa.Column('leg', sa.String(length=8), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=False),
    sa.Column('post_id', sa.Integer(), nullable=True),
    sa.Column('role', sa.String(length=1), nullable=True),
    sa.Column('counterpart', sa.String(length=64), server_default='', nullable=False),
    sa.CheckConstraint("leg IN ('carry', 'deliver', 'fetch')", name='slip_handover_leg'),
    sa.ForeignKeyConstraint(['actor_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['post_id'], ['post.id'], ),
    sa.ForeignKeyConstraint(['slip_id'], ['slip.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_slip_handover_at'), 'slip_handover', ['at'], unique=False)
    op.create_index(op.f('ix_slip_handover_slip_id'), 'slip_handover', ['slip_id'], unique=False)
    op.create_table('urge',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('clock_id', sa.Integer(), nullable=False),
    sa.Column('appeal_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('how', sa.String(length=10), server_default='phone', nullable=False),
    sa.Column('spoke_with', sa.String(length=64), server_default='', nullable=False),
    sa.Column('remark', sa.String(length=500), server_default='', nullable=False),
    sa.ForeignKeyConstraint(['appeal_id'], ['appeal.id'], ),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['clock_id'], ['clock.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_urge_appeal_id'), 'urge', ['appeal_id'], unique=False)
    op.create_index(op.f('ix_urge_clock_id'), 'urge', ['clock_id'], unique=False)
    op.create_table('notice',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('delivery_id', sa.BigInteger(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('appeal_id', sa.Integer(), nullable=True),
    sa.Column('clock_id', sa.Integer(), nullable=True),
    sa.Column('task_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['appeal_id'], ['appeal.id'], ),
    sa.ForeignKeyConstraint(['clock_id'], ['clock.id'], ),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], ),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('delivery_id')
    )
    op.create_index(op.f('ix_notice_person_id'), 'notice', ['person_id'], unique=False)
    op.create_index('ix_notice_unread', 'notice', ['person_id', 'id'], unique=False, postgresql_where=sa.text('read_at IS NULL'))

    # Portfolio, unit and person refer to each other in a ring.
    op.create_foreign_key('portfolio_vice_mayor_fkey', 'portfolio', 'person', ['vice_mayor_id'], ['id'])
    op.create_foreign_key('portfolio_deputy_fkey', 'portfolio', 'person', ['deputy_id'], ['id'])
    op.create_foreign_key('portfolio_section_fkey', 'portfolio', 'unit', ['section_id'], ['id'])

    # Chinese words are mostly two characters, which trigrams miss: an index over the 2-character grams of the text.
    op.execute(
        """
        CREATE FUNCTION text_bigrams(value text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
            SELECT COALESCE(array_agg(DISTINCT this || next), '{}')
            FROM (SELECT letter AS this, lead(letter) OVER (ORDER BY place) AS next
                  FROM unnest(string_to_array(lower(value), NULL)) WITH ORDINALITY AS letters (letter, place)) AS pairs
            WHERE next IS NOT NULL
        $$
        """
    )
    op.execute(
        "CREATE INDEX ix_appeal_bigrams ON appeal USING gin (text_bigrams(subject || ' ' || body))"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_appeal_bigrams")
    op.execute("DROP FUNCTION text_bigrams(text)")
    for name in ('portfolio_vice_mayor_fkey', 'portfolio_deputy_fkey', 'portfolio_section_fkey'):
        op.drop_constraint(name, 'portfolio', type_='foreignkey')
    op.drop_index('ix_notice_unread', table_name='notice', postgresql_where=sa.text('read_at IS NULL'))
    op.drop_index(op.f('ix_notice_person_id'), table_name='notice')
    op.drop_table('notice')
    op.drop_index(op.f('ix_urge_clock_id'), table_name='urge')
    op.drop_index(op.f('ix_urge_appeal_id'), table_name='urge')
    op.drop_table('urge')
    op.drop_index(op.f('ix_slip_handover_slip_id'), table_name='slip_handover')
    op.drop_index(op.f('ix_slip_handover_at'), table_name='slip_handover')
    op.drop_table('slip_handover')
    op.drop_index('ix_delivery_due', table_name='delivery', postgresql_where=sa.text("state IN ('pending','sending')"))
    op.drop_index('ix_delivery_clock', table_name='delivery', postgresql_where=sa.text('clock_id IS NOT NULL'))
    op.drop_index('ix_delivery_alarm', table_name='delivery', postgresql_where=sa.text("state IN ('uncertain','dead')"))
    op.drop_table('delivery')
    op.drop_index(op.f('ix_slip_section_id'), table_name='slip')
    op.drop_index(op.f('ix_slip_appeal_id'), table_name='slip')
    op.drop_table('slip')
    op.drop_index('uq_journal_request', table_name='journal', postgresql_where=sa.text('request_key IS NOT NULL'))
    op.drop_index('ix_journal_object', table_name='journal')
    op.drop_index('ix_journal_appeal', table_name='journal')
    op.drop_table('journal')
    op.drop_index(op.f('ix_explanation_appeal_id'), table_name='explanation')
    op.drop_table('explanation')
    op.drop_index('ix_clock_unlimited', table_name='clock', postgresql_where=sa.text('due_at IS NULL'))
    op.drop_index('ix_clock_started', table_name='clock')
    op.drop_index('ix_clock_open_unit', table_name='clock', postgresql_where=sa.text('stopped_at IS NULL'))
    op.drop_index('ix_clock_open_post', table_name='clock', postgresql_where=sa.text('stopped_at IS NULL'))
    op.drop_index('ix_clock_open_due', table_name='clock', postgresql_where=sa.text('stopped_at IS NULL'))
    op.drop_index('ix_clock_open_appeal', table_name='clock', postgresql_where=sa.text('stopped_at IS NULL'))
    op.drop_index('ix_clock_late', table_name='clock', postgresql_where=sa.text('stopped_at >= due_at'))
    op.drop_index('ix_clock_appeal', table_name='clock')
    op.drop_table('clock')
    op.drop_index(op.f('ix_assignment_unit_id'), table_name='assignment')
    op.drop_index(op.f('ix_assignment_assigned_at'), table_name='assignment')
    op.drop_index(op.f('ix_assignment_appeal_id'), table_name='assignment')
    op.drop_table('assignment')
    op.drop_table('nil_return')
    op.drop_index(op.f('ix_import_problem_batch_id'), table_name='import_problem')
    op.drop_table('import_problem')
    op.drop_index(op.f('ix_holding_post_id'), table_name='holding')
    op.drop_index(op.f('ix_holding_person_id'), table_name='holding')
    op.drop_table('holding')
    op.drop_index('uq_appeal_source_no', table_name='appeal', postgresql_where=sa.text('source_no IS NOT NULL'))
    op.drop_index('ix_appeal_unit_state_id', table_name='appeal')
    op.drop_index('ix_appeal_submitted', table_name='appeal')
    op.drop_index('ix_appeal_state_id', table_name='appeal')
    op.drop_index('ix_appeal_section', table_name='appeal', postgresql_where=sa.text('section_id IS NOT NULL'))
    op.drop_index('ix_appeal_registered', table_name='appeal')
    op.drop_index('ix_appeal_received', table_name='appeal')
    op.drop_index('ix_appeal_phone', table_name='appeal', postgresql_where=sa.text('appellant_phone_bidx IS NOT NULL'))
    op.drop_index(op.f('ix_appeal_import_batch_id'), table_name='appeal')
    op.drop_index('ix_appeal_class_state_id', table_name='appeal')
    op.drop_table('appeal')
    op.drop_index('ix_report_kind', table_name='report')
    op.drop_table('report')
    op.drop_table('post')
    op.drop_index(op.f('ix_membership_unit_id'), table_name='membership')
    op.drop_index(op.f('ix_membership_person_id'), table_name='membership')
    op.drop_table('membership')
    op.drop_table('import_batch')
    op.drop_index(op.f('ix_duty_seat_person_id'), table_name='duty_seat')
    op.drop_table('duty_seat')
    op.drop_index(op.f('ix_chain_link_unit_id'), table_name='chain_link')
    op.drop_index(op.f('ix_chain_link_person_id'), table_name='chain_link')
    op.drop_table('chain_link')
    op.drop_table('account')
    op.drop_index(op.f('ix_absence_person_id'), table_name='absence')
    op.drop_table('absence')
    op.drop_table('person')
    op.drop_index(op.f('ix_duty_shift_office_id'), table_name='duty_shift')
    op.drop_table('duty_shift')
    op.drop_index(op.f('ix_channel_channel_class'), table_name='channel')
    op.drop_table('channel')
    op.drop_index('idx_role_id', table_name='ab_permission_view_role')
    op.drop_index('idx_permission_view_id', table_name='ab_permission_view_role')
    op.drop_table('ab_permission_view_role')
    op.drop_table('unit')
    op.drop_index('ix_task_waiting', table_name='task', postgresql_where=sa.text("state IN ('pending','running')"))
    op.drop_table('task')
    op.drop_index(op.f('ix_password_history_user_id'), table_name='password_history')
    op.drop_table('password_history')
    op.drop_index(op.f('ix_login_session_user_id'), table_name='login_session')
    op.drop_table('login_session')
    op.drop_table('ab_user_role')
    op.drop_index('idx_user_id', table_name='ab_user_group')
    op.drop_index('idx_user_group_id', table_name='ab_user_group')
    op.drop_table('ab_user_group')
    op.drop_index('idx_view_menu_id', table_name='ab_permission_view')
    op.drop_index('idx_permission_id', table_name='ab_permission_view')
    op.drop_table('ab_permission_view')
    op.drop_index('idx_group_role_id', table_name='ab_group_role')
    op.drop_index('idx_group_id', table_name='ab_group_role')
    op.drop_table('ab_group_role')
    op.drop_index('idx_api_key_user_id', table_name='ab_api_key')
    op.drop_index('idx_api_key_prefix', table_name='ab_api_key')
    op.drop_index('idx_api_key_lookup_hash', table_name='ab_api_key')
    op.drop_table('ab_api_key')
    op.drop_table('unit_group')
    op.drop_table('timetable_slot')
    op.drop_table('seed_row')
    op.drop_index(op.f('ix_reminder_rule_clock_kind'), table_name='reminder_rule')
    op.drop_table('reminder_rule')
    op.drop_table('portfolio')
    op.drop_table('number_series')
    op.drop_table('number_counter')
    op.drop_index(op.f('ix_limit_rule_clock_kind'), table_name='limit_rule')
    op.drop_table('limit_rule')
    op.drop_table('journal_seal')
    op.drop_table('import_mapping')
    op.drop_table('heartbeat')
    op.drop_index(op.f('ix_category_parent_id'), table_name='category')
    op.drop_table('category')
    op.drop_table('calendar_day')
    op.drop_index('ix_audit_event', table_name='audit')
    op.drop_index('ix_audit_at', table_name='audit')
    op.drop_table('audit')
    op.drop_table('assumption')
    op.drop_table('ab_view_menu')
    op.drop_table('ab_user')
    op.drop_table('ab_role')
    op.drop_table('ab_register_user')
    op.drop_table('ab_permission')
    op.drop_table('ab_group')
