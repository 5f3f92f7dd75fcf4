"""the life of an appeal: several units, requests, pauses, reviews, attachments, dispatch catalogue, archive

Revision ID: 0003
Revises: 0002
"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('retention_class',
    sa.Column('years', sa.SmallInteger(), nullable=True),
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
    op.create_table('document_template',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('filename', sa.String(length=200), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('uq_document_template', 'document_template', ['kind'], unique=True, postgresql_where=sa.text('retired_at IS NULL'))
    op.create_table('recount',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('state', sa.String(length=10), server_default='applying', nullable=False),
    sa.Column('change', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('counts', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('task_id', sa.Integer(), nullable=True),
    sa.Column('asked_by_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.CheckConstraint("kind IN ('calendar', 'limit')", name='recount_kind'),
    sa.CheckConstraint("state IN ('applying', 'applied', 'cancelled', 'failed')", name='recount_state'),
    sa.ForeignKeyConstraint(['asked_by_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('calendar_year',
    sa.Column('year', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('notice', sa.String(length=200), server_default='', nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('year')
    )
    op.create_table('archive_seal',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('appeal_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('manifest', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('broken_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['appeal_id'], ['appeal.id'], ),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_archive_seal_appeal_id'), 'archive_seal', ['appeal_id'], unique=False)
    op.create_table('call_back',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('appeal_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('post_id', sa.Integer(), nullable=True),
    sa.Column('reached', sa.Boolean(), nullable=False),
    sa.Column('solved', sa.String(length=8), server_default='', nullable=False),
    sa.Column('satisfied', sa.String(length=8), server_default='', nullable=False),
    sa.Column('remark', sa.String(length=500), server_default='', nullable=False),
    sa.CheckConstraint("reached OR (solved = '' AND satisfied = '')", name='call_back_reached'),
    sa.CheckConstraint("satisfied IN ('', 'yes', 'mostly', 'no')", name='call_back_satisfied'),
    sa.CheckConstraint("solved IN ('', 'yes', 'partly', 'no')", name='call_back_solved'),
    sa.ForeignKeyConstraint(['appeal_id'], ['appeal.id'], ),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['post_id'], ['post.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_call_back_appeal_id'), 'call_back', ['appeal_id'], unique=False)
    op.create_index('ix_call_back_at', 'call_back', ['at'], unique=False)
    op.create_table('instruction',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('slip_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('how', sa.String(length=12), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=True),
    sa.Column('person_name', sa.String(length=64), nullable=False),
    sa.Column('acting_for_id', sa.Integer(), nullable=True),
    sa.Column('instructed_on', sa.Date(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), server_default='', nullable=False),
    sa.CheckConstraint("how IN ('signed', 'transcribed')", name='instruction_how'),
    sa.CheckConstraint("kind IN ('comment', 'instruction')", name='instruction_kind'),
    sa.ForeignKeyConstraint(['acting_for_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['slip_id'], ['slip.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_instruction_slip_id'), 'instruction', ['slip_id'], unique=False)
    op.create_table('attachment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('appeal_id', sa.Integer(), nullable=True),
    sa.Column('assignment_id', sa.Integer(), nullable=True),
    sa.Column('purpose', sa.String(length=40), server_default='', nullable=False),
    sa.Column('form_key', sa.String(length=64), server_default='', nullable=False),
    sa.Column('filename_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('content_type', sa.String(length=100), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('data_key', sa.LargeBinary(), nullable=True),
    sa.Column('content_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('scan', sa.String(length=10), server_default='unscanned', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=True),
    sa.Column('post_id', sa.Integer(), nullable=True),
    sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('removed_by_id', sa.Integer(), nullable=True),
    sa.Column('remove_reason', sa.String(length=500), server_default='', nullable=False),
    sa.CheckConstraint("scan IN ('unscanned', 'clean', 'infected')", name='attachment_scan'),
    sa.ForeignKeyConstraint(['appeal_id'], ['appeal.id'], ),
    sa.ForeignKeyConstraint(['assignment_id'], ['assignment.id'], ),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['post_id'], ['post.id'], ),
    sa.ForeignKeyConstraint(['removed_by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_attachment_appeal_id'), 'attachment', ['appeal_id'], unique=False)
    op.create_index('ix_attachment_unclaimed', 'attachment', ['created_at'], unique=False, postgresql_where=sa.text('appeal_id IS NULL'))
    op.create_table('handling_request',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('appeal_id', sa.Integer(), nullable=False),
    sa.Column('assignment_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('state', sa.String(length=10), server_default='pending', nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('legal_basis', sa.String(length=500), server_default='', nullable=False),
    sa.Column('proposed_unit_id', sa.Integer(), nullable=True),
    sa.Column('amount', sa.Integer(), nullable=True),
    sa.Column('until_on', sa.Date(), nullable=True),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('asked_by_id', sa.Integer(), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by_id', sa.Integer(), nullable=True),
    sa.Column('decision', sa.Text(), server_default='', nullable=False),
    sa.Column('granted_amount', sa.Integer(), nullable=True),
    sa.Column('granted_until_on', sa.Date(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.CheckConstraint("kind IN ('objection', 'extension', 'pause')", name='request_kind'),
    sa.CheckConstraint("state IN ('pending', 'granted', 'refused', 'withdrawn')", name='request_state'),
    sa.ForeignKeyConstraint(['appeal_id'], ['appeal.id'], ),
    sa.ForeignKeyConstraint(['asked_by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['assignment_id'], ['assignment.id'], ),
    sa.ForeignKeyConstraint(['decided_by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['proposed_unit_id'], ['unit.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_handling_request_appeal_id'), 'handling_request', ['appeal_id'], unique=False)
    op.create_index(op.f('ix_handling_request_assignment_id'), 'handling_request', ['assignment_id'], unique=False)
    op.create_index('ix_request_open', 'handling_request', ['kind', 'id'], unique=False, postgresql_where=sa.text("state = 'pending'"))
    op.create_index('uq_request_pending', 'handling_request', ['assignment_id', 'kind'], unique=True, postgresql_where=sa.text("state = 'pending'"))
    op.create_table('review',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('appeal_id', sa.Integer(), nullable=False),
    sa.Column('assignment_id', sa.Integer(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('post_id', sa.Integer(), nullable=True),
    sa.Column('outcome', sa.String(length=10), nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.CheckConstraint("outcome IN ('accepted', 'redo')", name='review_outcome'),
    sa.ForeignKeyConstraint(['appeal_id'], ['appeal.id'], ),
    sa.ForeignKeyConstraint(['assignment_id'], ['assignment.id'], ),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['post_id'], ['post.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_review_appeal_id'), 'review', ['appeal_id'], unique=False)
    op.create_table('dispatch_entry',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('category_id', sa.Integer(), nullable=True),
    sa.Column('place', sa.String(length=100), server_default='', nullable=False),
    sa.Column('keywords', sa.String(length=200), server_default='', nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('basis', sa.String(length=500), server_default='', nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=True),
    sa.Column('valid_until', sa.Date(), nullable=True),
    sa.Column('source', sa.String(length=10), server_default='manual', nullable=False),
    sa.Column('request_id', sa.Integer(), nullable=True),
    sa.Column('active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.CheckConstraint("category_id IS NOT NULL OR place <> '' OR keywords <> ''", name='dispatch_something'),
    sa.CheckConstraint("source IN ('manual', 'objection')", name='dispatch_source'),
    sa.CheckConstraint('valid_until IS NULL OR valid_from IS NULL OR valid_until >= valid_from', name='dispatch_order'),
    sa.ForeignKeyConstraint(['category_id'], ['category.id'], ),
    sa.ForeignKeyConstraint(['request_id'], ['handling_request.id'], ),
    sa.ForeignKeyConstraint(['unit_id'], ['unit.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_dispatch_entry_category_id'), 'dispatch_entry', ['category_id'], unique=False)
    op.create_index(op.f('ix_dispatch_entry_unit_id'), 'dispatch_entry', ['unit_id'], unique=False)
    op.create_table('suggestion_model',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('built_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('n', sa.Integer(), nullable=False),
    sa.Column('labels', sa.Integer(), nullable=False),
    sa.Column('through_id', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('clock_change',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('clock_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('why', sa.String(length=12), nullable=False),
    sa.Column('old_due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('new_due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('old_inputs', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('reason', sa.String(length=500), server_default='', nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=True),
    sa.Column('recount_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("why IN ('extension', 'pause', 'resume', 'calendar', 'limit', 'correction', 'handed_on')", name='clock_change_why'),
    sa.ForeignKeyConstraint(['clock_id'], ['clock.id'], ),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['recount_id'], ['recount.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_clock_change_clock_id'), 'clock_change', ['clock_id'], unique=False)
    op.create_index(op.f('ix_clock_change_recount_id'), 'clock_change', ['recount_id'], unique=False)
    op.create_table('clock_pause',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('clock_id', sa.Integer(), nullable=False),
    sa.Column('request_id', sa.Integer(), nullable=True),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('approved_by_id', sa.Integer(), nullable=False),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('resumed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('ends_at >= starts_at', name='clock_pause_order'),
    sa.ForeignKeyConstraint(['approved_by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['clock_id'], ['clock.id'], ),
    sa.ForeignKeyConstraint(['request_id'], ['handling_request.id'], ),
    sa.ForeignKeyConstraint(['resumed_by_id'], ['person.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_clock_pause_clock_id'), 'clock_pause', ['clock_id'], unique=False)
    op.add_column('appeal', sa.Column('voided_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('appeal', sa.Column('reopened_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('appeal', sa.Column('round', sa.SmallInteger(), server_default='1', nullable=False))
    op.add_column('appeal', sa.Column('nature', sa.String(length=16), server_default='', nullable=False))
    op.add_column('appeal', sa.Column('urgency', sa.String(length=10), server_default='ordinary', nullable=False))
    op.add_column('appeal', sa.Column('merged_into_id', sa.Integer(), nullable=True))
    op.add_column('appeal', sa.Column('split_from_id', sa.Integer(), nullable=True))
    op.add_column('appeal', sa.Column('appellant_representatives_sealed', sa.LargeBinary(), nullable=True))
    op.add_column('appeal', sa.Column('appellant_others_sealed', sa.LargeBinary(), nullable=True))
    op.add_column('appeal', sa.Column('co_unit_ids', postgresql.ARRAY(sa.Integer()), server_default='{}', nullable=False))
    op.add_column('appeal', sa.Column('lawful_route', sa.String(length=20), server_default='', nullable=False))
    op.add_column('appeal', sa.Column('informed_by_id', sa.Integer(), nullable=True))
    op.add_column('appeal', sa.Column('retention_class_id', sa.Integer(), nullable=True))
    op.add_column('appeal', sa.Column('held_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('appeal', sa.Column('hold_reason', sa.String(length=500), server_default='', nullable=False))
    op.create_index('ix_appeal_co_units', 'appeal', ['co_unit_ids'], unique=False, postgresql_using='gin', postgresql_where=sa.text("co_unit_ids <> '{}'"))
    op.create_index('ix_appeal_split', 'appeal', ['split_from_id'], unique=False, postgresql_where=sa.text('split_from_id IS NOT NULL'))
    op.create_index('ix_appeal_merged', 'appeal', ['merged_into_id'], unique=False, postgresql_where=sa.text('merged_into_id IS NOT NULL'))
    op.create_index('ix_appeal_identity', 'appeal', ['appellant_identity_bidx'], unique=False, postgresql_where=sa.text('appellant_identity_bidx IS NOT NULL'))
    op.create_index('ix_appeal_place', 'appeal', ['place', 'id'], unique=False, postgresql_where=sa.text("place <> ''"))
    op.create_index('ix_appeal_petition', 'appeal', [sa.text("(intake ->> 'petition_number')")], unique=False, postgresql_where=sa.text("(intake ->> 'petition_number') <> ''"))
    op.create_foreign_key(None, 'appeal', 'appeal', ['merged_into_id'], ['id'])
    op.create_foreign_key(None, 'appeal', 'retention_class', ['retention_class_id'], ['id'])
    op.create_foreign_key(None, 'appeal', 'appeal', ['split_from_id'], ['id'])
    op.create_foreign_key(None, 'appeal', 'person', ['informed_by_id'], ['id'])
    op.add_column('assignment', sa.Column('part', sa.String(length=4), server_default='lead', nullable=False))
    op.add_column('assignment', sa.Column('state', sa.String(length=12), server_default='assigned', nullable=False))
    op.add_column('assignment', sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('assignment', sa.Column('ended_why', sa.String(length=12), server_default='', nullable=False))
    op.add_column('assignment', sa.Column('task', sa.Text(), server_default='', nullable=False))
    op.add_column('assignment', sa.Column('slip_id', sa.Integer(), nullable=True))
    op.add_column('assignment', sa.Column('due_on', sa.Date(), nullable=True))
    op.add_column('assignment', sa.Column('redone', sa.SmallInteger(), server_default='0', nullable=False))
    op.add_column('assignment', sa.Column('extended', sa.SmallInteger(), server_default='0', nullable=False))
    op.create_index('uq_assignment_lead', 'assignment', ['appeal_id'], unique=True, postgresql_where=sa.text("part = 'lead' AND state <> 'ended'"))
    op.create_index('uq_assignment_unit', 'assignment', ['appeal_id', 'unit_id'], unique=True, postgresql_where=sa.text("state <> 'ended'"))
    op.create_foreign_key(None, 'assignment', 'slip', ['slip_id'], ['id'])
    op.add_column('clock', sa.Column('cancelled', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('clock', sa.Column('assignment_id', sa.Integer(), nullable=True))
    op.add_column('clock', sa.Column('request_id', sa.Integer(), nullable=True))
    op.create_index(op.f('ix_clock_assignment_id'), 'clock', ['assignment_id'], unique=False)
    op.create_foreign_key(None, 'clock', 'handling_request', ['request_id'], ['id'])
    op.create_foreign_key(None, 'clock', 'assignment', ['assignment_id'], ['id'])
    op.add_column('nil_return', sa.Column('channel_id', sa.Integer(), nullable=True))
    op.drop_constraint(op.f('nil_return_post_id_day_key'), 'nil_return', type_='unique')
    op.create_unique_constraint('nil_return_once', 'nil_return', ['post_id', 'day', 'channel_id'], postgresql_nulls_not_distinct=True)
    op.create_foreign_key(None, 'nil_return', 'channel', ['channel_id'], ['id'])
    op.create_table('slip_sheet',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=64), nullable=False),
    sa.Column('section_id', sa.Integer(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_by_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['made_by_id'], ['person.id'], ),
    sa.ForeignKeyConstraint(['section_id'], ['unit.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('number')
    )
    op.create_index(op.f('ix_slip_sheet_made_at'), 'slip_sheet', ['made_at'], unique=False)
    op.create_index(op.f('ix_slip_sheet_section_id'), 'slip_sheet', ['section_id'], unique=False)
    op.add_column('slip', sa.Column('sheet_id', sa.Integer(), nullable=True))
    op.create_index(op.f('ix_slip_sheet_id'), 'slip', ['sheet_id'], unique=False)
    op.create_foreign_key(None, 'slip', 'slip_sheet', ['sheet_id'], ['id'])
    op.add_column('slip', sa.Column('fulfilled_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('slip', sa.Column('noted_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('slip', sa.Column('noted_by_id', sa.Integer(), nullable=True))
    op.create_foreign_key(None, 'slip', 'person', ['noted_by_id'], ['id'])


    _widen()
    _assignments()
    _common_bigrams()


def _common_bigrams() -> None:
    """How common a 2-character gram is, by the statistics of the index, which only its owner may read: what is
    similar is searched for by the rare ones."""
    op.execute(
        """
        CREATE FUNCTION common_bigrams(wanted text[]) RETURNS TABLE (gram text, frequency real)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
            SELECT known.gram, known.frequency
            FROM pg_stats s, unnest(s.most_common_elems::text::text[], s.most_common_elem_freqs) AS known (gram, frequency)
            WHERE s.schemaname = 'public' AND s.tablename = 'ix_appeal_bigrams' AND known.gram = ANY (wanted)
        $$
        """
    )


OLD_STATES = ('draft', 'submitted', 'registered', 'opinion', 'slip_ready', 'with_section', 'with_leader', 'fetched',
              'instructed', 'self_handling', 'assigned', 'in_progress', 'answered', 'closed', 'archived', 'history')
OLD_CLOCKS = ('collection', 'delivery', 'fetch_back', 'sign_in', 'unit_limit')


def _one_of(table: str, name: str, column: str, values: tuple[str, ...], *, replaces: bool = True) -> None:
    listed = ', '.join(f"'{value}'" for value in values)
    if replaces:
        op.drop_constraint(name, table, type_='check')
    op.create_check_constraint(name, table, f'{column} IN ({listed})')


def _widen() -> None:
    """What the new states and clocks want of the checks."""
    _one_of('appeal', 'appeal_state', 'state', (*OLD_STATES, 'under_review', 'merged', 'voided'))
    _one_of('clock', 'clock_kind', 'kind', (*OLD_CLOCKS, 'carry', 'co_limit', 'decision', 'review'))
    op.drop_constraint('appeal_numbered', 'appeal', type_='check')
    op.create_check_constraint('appeal_numbered', 'appeal',
                               "state IN ('draft','submitted','voided') OR number IS NOT NULL")
    op.create_check_constraint('appeal_merged', 'appeal', "state <> 'merged' OR merged_into_id IS NOT NULL")
    natures = ('', 'request', 'complaint', 'report', 'consultation', 'suggestion')
    _one_of('appeal', 'appeal_nature', 'nature', natures, replaces=False)
    _one_of('appeal', 'appeal_urgency', 'urgency', ('ordinary', 'urgent', 'emergency'), replaces=False)
    _one_of('assignment', 'assignment_part', 'part', ('lead', 'co'), replaces=False)
    _one_of('assignment', 'assignment_state', 'state', ('assigned', 'in_progress', 'answered', 'ended'), replaces=False)


def _assignments() -> None:
    """How far each unit has come, and which clocks are of which assignment."""
    op.execute(
        "UPDATE assignment SET state = CASE WHEN answered_at IS NOT NULL THEN 'answered'"
        " WHEN signed_in_at IS NOT NULL THEN 'in_progress' ELSE 'assigned' END")
    op.execute(
        "UPDATE clock c SET assignment_id = s.id FROM assignment s"
        " WHERE s.appeal_id = c.appeal_id AND s.unit_id = c.unit_id AND c.kind IN ('sign_in', 'unit_limit')")


def downgrade() -> None:
    op.execute("UPDATE appeal SET state = 'answered' WHERE state = 'under_review'")
    op.execute("UPDATE appeal SET state = 'registered' WHERE state = 'merged'")
    op.execute("UPDATE appeal SET state = 'archived', number = coalesce(number, 'void-' || id) WHERE state = 'voided'")
    op.execute("UPDATE clock SET kind = 'unit_limit' WHERE kind = 'co_limit'")
    op.execute("UPDATE clock SET kind = 'delivery' WHERE kind = 'carry'")
    op.execute("DELETE FROM urge u USING clock c WHERE c.id = u.clock_id AND c.kind IN ('decision', 'review')")
    op.execute(
        "UPDATE delivery d SET clock_id = NULL FROM clock c WHERE c.id = d.clock_id AND c.kind IN ('decision', 'review')")
    op.execute(
        "UPDATE notice n SET clock_id = NULL FROM clock c WHERE c.id = n.clock_id AND c.kind IN ('decision', 'review')")
    op.execute(
        "DELETE FROM clock_change x USING clock c WHERE c.id = x.clock_id AND c.kind IN ('decision', 'review')")
    op.execute("DELETE FROM clock_pause x USING clock c WHERE c.id = x.clock_id AND c.kind IN ('decision', 'review')")
    op.execute("DELETE FROM clock WHERE kind IN ('decision', 'review')")
    for table, name in (('appeal', 'appeal_nature'), ('appeal', 'appeal_urgency'), ('appeal', 'appeal_merged'),
                        ('assignment', 'assignment_part'), ('assignment', 'assignment_state')):
        op.drop_constraint(name, table, type_='check')
    _one_of('appeal', 'appeal_state', 'state', OLD_STATES)
    _one_of('clock', 'clock_kind', 'kind', OLD_CLOCKS)
    op.drop_constraint('appeal_numbered', 'appeal', type_='check')
    op.create_check_constraint('appeal_numbered', 'appeal', "state IN ('draft','submitted') OR number IS NOT NULL")
    op.drop_column('slip', 'noted_by_id')
    op.drop_column('slip', 'noted_at')
    op.drop_column('slip', 'fulfilled_at')
    op.drop_column('slip', 'sheet_id')
    op.drop_table('slip_sheet')
    op.drop_constraint('nil_return_once', 'nil_return', type_='unique')
    op.execute('DELETE FROM nil_return n USING nil_return o WHERE n.post_id = o.post_id AND n.day = o.day AND n.id > o.id')
    op.create_unique_constraint(op.f('nil_return_post_id_day_key'), 'nil_return', ['post_id', 'day'])
    op.drop_column('nil_return', 'channel_id')
    op.drop_index(op.f('ix_clock_assignment_id'), table_name='clock')
    op.drop_column('clock', 'request_id')
    op.drop_column('clock', 'assignment_id')
    op.drop_column('clock', 'cancelled')
    op.drop_index('uq_assignment_unit', table_name='assignment', postgresql_where=sa.text("state <> 'ended'"))
    op.drop_index('uq_assignment_lead', table_name='assignment', postgresql_where=sa.text("part = 'lead' AND state <> 'ended'"))
    op.drop_column('assignment', 'extended')
    op.drop_column('assignment', 'redone')
    op.drop_column('assignment', 'due_on')
    op.drop_column('assignment', 'slip_id')
    op.drop_column('assignment', 'task')
    op.drop_column('assignment', 'ended_why')
    op.drop_column('assignment', 'ended_at')
    op.drop_column('assignment', 'state')
    op.drop_column('assignment', 'part')
    op.execute('DROP FUNCTION common_bigrams(text[])')
    op.drop_index('ix_appeal_petition', table_name='appeal', postgresql_where=sa.text("(intake ->> 'petition_number') <> ''"))
    op.drop_index('ix_appeal_place', table_name='appeal', postgresql_where=sa.text("place <> ''"))
    op.drop_index('ix_appeal_identity', table_name='appeal', postgresql_where=sa.text('appellant_identity_bidx IS NOT NULL'))
    op.drop_index('ix_appeal_split', table_name='appeal', postgresql_where=sa.text('split_from_id IS NOT NULL'))
    op.drop_index('ix_appeal_merged', table_name='appeal', postgresql_where=sa.text('merged_into_id IS NOT NULL'))
    op.drop_index('ix_appeal_co_units', table_name='appeal', postgresql_using='gin', postgresql_where=sa.text("co_unit_ids <> '{}'"))
    op.drop_column('appeal', 'hold_reason')
    op.drop_column('appeal', 'held_at')
    op.drop_column('appeal', 'retention_class_id')
    op.drop_column('appeal', 'informed_by_id')
    op.drop_column('appeal', 'lawful_route')
    op.drop_column('appeal', 'co_unit_ids')
    op.drop_column('appeal', 'appellant_others_sealed')
    op.drop_column('appeal', 'appellant_representatives_sealed')
    op.drop_column('appeal', 'split_from_id')
    op.drop_column('appeal', 'merged_into_id')
    op.drop_column('appeal', 'urgency')
    op.drop_column('appeal', 'nature')
    op.drop_column('appeal', 'round')
    op.drop_column('appeal', 'reopened_at')
    op.drop_column('appeal', 'voided_at')
    op.drop_index(op.f('ix_clock_pause_clock_id'), table_name='clock_pause')
    op.drop_table('clock_pause')
    op.drop_index(op.f('ix_clock_change_recount_id'), table_name='clock_change')
    op.drop_index(op.f('ix_clock_change_clock_id'), table_name='clock_change')
    op.drop_table('clock_change')
    op.drop_table('suggestion_model')
    op.drop_index(op.f('ix_dispatch_entry_unit_id'), table_name='dispatch_entry')
    op.drop_index(op.f('ix_dispatch_entry_category_id'), table_name='dispatch_entry')
    op.drop_table('dispatch_entry')
    op.drop_index(op.f('ix_review_appeal_id'), table_name='review')
    op.drop_table('review')
    op.drop_index('uq_request_pending', table_name='handling_request', postgresql_where=sa.text("state = 'pending'"))
    op.drop_index('ix_request_open', table_name='handling_request', postgresql_where=sa.text("state = 'pending'"))
    op.drop_index(op.f('ix_handling_request_assignment_id'), table_name='handling_request')
    op.drop_index(op.f('ix_handling_request_appeal_id'), table_name='handling_request')
    op.drop_table('handling_request')
    op.drop_index('ix_attachment_unclaimed', table_name='attachment', postgresql_where=sa.text('appeal_id IS NULL'))
    op.drop_index(op.f('ix_attachment_appeal_id'), table_name='attachment')
    op.drop_table('attachment')
    op.drop_index(op.f('ix_instruction_slip_id'), table_name='instruction')
    op.drop_table('instruction')
    op.drop_index('ix_call_back_at', table_name='call_back')
    op.drop_index(op.f('ix_call_back_appeal_id'), table_name='call_back')
    op.drop_table('call_back')
    op.drop_index(op.f('ix_archive_seal_appeal_id'), table_name='archive_seal')
    op.drop_table('archive_seal')
    op.drop_table('calendar_year')
    op.drop_table('recount')
    op.drop_index('uq_document_template', table_name='document_template', postgresql_where=sa.text('retired_at IS NULL'))
    op.drop_table('document_template')
    op.drop_table('retention_class')
