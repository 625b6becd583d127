-- Schema 11, notes: what the team writes about an account. A note is never rewritten: who takes it back
-- withdraws it, and both stay. Only a purge empties one, and only a whole purge removes it.
create table account_note (
    account_note_id bigint generated always as identity primary key,
    account_id bigint not null references account,
    written_at timestamptz not null,
    written_by text not null,
    text text not null,
    withdrawn_at timestamptz,
    withdrawn_by text,
    check ((withdrawn_at is null) = (withdrawn_by is null)),
    check (withdrawn_at >= written_at)
);
create index account_note_account on account_note (account_id, written_at);

create function refuse_rewriting_notes() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE'
        and row(new.account_note_id, new.account_id, new.written_at, new.written_by)
            is not distinct from row(old.account_note_id, old.account_id, old.written_at, old.written_by)
        and (new.text = old.text or new.text = '')
        and (
            old.withdrawn_at is null
            or row(new.withdrawn_at, new.withdrawn_by) is not distinct from row(old.withdrawn_at, old.withdrawn_by)
        )
    then
        return new;
    end if;
    if tg_op = 'DELETE' then
        if exists (select from purge_log p where p.account_id = old.account_id and p.whole) then
            return old;
        end if;
    end if;
    raise exception 'table % is append-only: a note is withdrawn, never rewritten', tg_table_name
        using errcode = 'restrict_violation';
end
$$;
create trigger account_note_append_only before update or delete on account_note
    for each row execute function refuse_rewriting_notes();
create trigger account_note_no_truncate before truncate on account_note
    for each statement execute function refuse_rewriting_notes();
