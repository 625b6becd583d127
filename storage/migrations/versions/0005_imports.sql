-- Schema 5, imports: where a record says that one state lasted, and not only that it was seen twice. What the same
-- record says otherwise of that time, in whatever file, contradicts it.
create table imported_span (
    account_id bigint not null references account,
    source text not null,
    status text not null check (
        status in ('available', 'protected', 'withheld', 'suspended', 'deactivated', 'not_found')
    ),
    withheld_in text[] not null default '{}',
    seen_from timestamptz not null,
    seen_to timestamptz not null check (seen_to > seen_from),
    recorded_at timestamptz not null,
    primary key (account_id, source, seen_from, seen_to)
);
