"""a field whose kind changed is held under a name of its own

Revision ID: 0005
Revises: 0004
"""

from alembic import op
import sqlalchemy as sa

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

TABLES = ('appeal', 'absence', 'assumption', 'calendar_day', 'category', 'chain_link', 'channel', 'contact',
          'dispatch_entry', 'duty_shift', 'holding', 'limit_rule', 'membership', 'number_series', 'person', 'portfolio',
          'post', 'reminder_rule', 'retention_class', 'unit', 'unit_group', 'own_row')


def upgrade() -> None:
    op.add_column('field_definition', sa.Column('slot', sa.Integer(), server_default='0', nullable=False))
    op.add_column('field_conversion', sa.Column('begun_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('field_conversion', sa.Column('leftover', sa.String(length=60), nullable=True))
    _settle_field_index("d.code || CASE WHEN d.slot > 0 THEN '.' || d.slot ELSE '' END")


def downgrade() -> None:
    """Values go back under the code of their field, in archived appeals too; what changes of kind left goes first."""
    line = op.get_bind()
    left = line.execute(sa.text(
        'SELECT f.table_name, f.own_sheet_id, c.leftover FROM field_conversion c JOIN field_definition f'
        ' ON f.id = c.field_id WHERE c.leftover IS NOT NULL'
    ))
    for table, sheet, name in left.all():
        query = f'UPDATE {table} SET extra = extra - :name WHERE extra ? :name{_of_sheet(sheet)}'  # noqa: S608 - of ours
        line.execute(sa.text(query), {'name': name})
    fields = line.execute(sa.text(
        'SELECT id, table_name, own_sheet_id, code, code || chr(46) || slot FROM field_definition WHERE slot > 0'
    )).all()
    for _id, table, sheet, code, stored in fields:
        back = '(extra - :stored) || jsonb_build_object(CAST(:code AS text), extra -> :stored)'
        query = f'UPDATE {table} SET extra = {back} WHERE extra ? :stored{_of_sheet(sheet)}'  # noqa: S608 - of ours
        line.execute(sa.text(query), {'code': code, 'stored': stored})
    _settle_field_index('d.code')
    op.drop_column('field_conversion', 'leftover')
    op.drop_column('field_conversion', 'begun_at')
    op.drop_column('field_definition', 'slot')
    for field_id, *_rest in fields:
        line.execute(sa.text('SELECT settle_field_index(:id)'), {'id': field_id})


def _of_sheet(sheet: int | None) -> str:
    return f' AND sheet_id = {sheet}' if sheet is not None else ''


def _settle_field_index(stored: str) -> None:
    """As in 0004, over the name under which rows hold the field."""
    listed = ', '.join(f"'{table}'" for table in TABLES)
    op.execute(
        f"""
        CREATE OR REPLACE FUNCTION settle_field_index(wanted integer) RETURNS boolean
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
        DECLARE
            d public.field_definition;
            stored text;
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
            stored := {stored};
            value := CASE WHEN d.kind IN ('number', 'money', 'person', 'unit', 'post', 'link')
                          THEN format('((extra ->> %L)::numeric)', stored) ELSE format('(extra ->> %L)', stored) END;
            condition := value || ' IS NOT NULL' || CASE WHEN d.own_sheet_id IS NULL THEN ''
                         ELSE format(' AND sheet_id = %s AND deleted_at IS NULL', d.own_sheet_id) END;
            IF d.is_unique THEN
                EXECUTE format('CREATE UNIQUE INDEX fu_%s ON public.%I (%s) WHERE %s', d.id, d.table_name, value, condition);
            END IF;
            IF d.is_indexed AND d.kind = 'choices' THEN
                EXECUTE format('CREATE INDEX fx_%s ON public.%I USING gin ((extra -> %L)) WHERE %s',
                               d.id, d.table_name, stored, condition);
            ELSIF d.is_indexed AND d.kind <> 'long' THEN
                EXECUTE format('CREATE INDEX fx_%s ON public.%I (%s, id) WHERE %s', d.id, d.table_name, value, condition);
            END IF;
            RETURN true;
        END $$
        """  # noqa: S608 - names of ours
    )
