"""The schema explains itself: whatever is in it has a comment."""

from storage.postgres.pool import Pool


async def test_every_table_and_view_has_a_comment_and_each_of_their_columns(pool: Pool) -> None:
    rows = await pool.fetch(
        """
        select concat_ws('.', c.relname, a.attname) as what
        from pg_class c
        left join lateral (
            select null as attname, 0 as attnum
            union all
            select attname, attnum from pg_attribute
            where attrelid = c.oid and attnum > 0 and not attisdropped
        ) a on true
        where c.relnamespace in (current_schema()::regnamespace, 'blockline_read'::regnamespace)
            and c.relkind in ('r', 'p', 'v', 'm', 'c')
            and not c.relispartition and not (c.relkind = 'c' and a.attnum = 0)
            and col_description(c.oid, a.attnum) is null
        order by 1
        """
    )
    assert [r["what"] for r in rows] == []


async def test_every_function_and_type_has_a_comment(pool: Pool) -> None:
    rows = await pool.fetch(
        """
        select p.oid::regprocedure::text as what from pg_proc p
        where p.pronamespace in (current_schema()::regnamespace, 'blockline_read'::regnamespace)
            and obj_description(p.oid, 'pg_proc') is null
            and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
        """
    )
    assert [r["what"] for r in rows] == []
