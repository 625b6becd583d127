-- Legal orders: what each demands, whom it names, what others said and saw of it. And causes: who says why.

create table legal_order (
    order_id bigint generated always as identity primary key,
    reference text not null unique,
    title text not null,
    issuer text not null,
    country text not null,
    legal_basis text not null,
    issued_at timestamptz not null,
    issued_from timestamptz,
    issued_to timestamptz,
    deadline_at timestamptz,
    named_count int not null check (named_count >= 0),
    list_id bigint not null unique references watch_list,
    known_at timestamptz not null
);
comment on table legal_order is 'A legal demand. Its list is a cohort.';
comment on column legal_order.order_id is 'Our own number of the order.';
comment on column legal_order.reference is 'The reference of the order, by which it is imported and shown.';
comment on column legal_order.title is 'What the team calls it.';
comment on column legal_order.issuer is 'Who issued it.';
comment on column legal_order.country is 'The country, as an ISO 3166 code of two letters.';
comment on column legal_order.legal_basis is 'The law, such as "Section 69A IT Act".';
comment on column legal_order.issued_at is 'When it was issued, as one time to sort and draw by.';
comment on column legal_order.issued_from is 'It was not issued before this. Null: only issued_at is known.';
comment on column legal_order.issued_to is 'It was not issued after this. Null: only issued_at is known.';
comment on column legal_order.deadline_at is 'By when the platform was to comply. Null: no deadline is known.';
comment on column legal_order.named_count is 'How many accounts it names, known to us or not.';
comment on column legal_order.list_id is 'The list of the accounts that it names.';
comment on column legal_order.known_at is 'When the order counts as known.';

alter table name_check add column order_id bigint references legal_order;
create index name_check_order on name_check (order_id) where order_id is not null;
comment on column name_check.order_id is
    'The order whose names these are: what is found of them later joins it. Null: they belong to no order.';

create table order_event (
    order_event_id bigint generated always as identity primary key,
    order_id bigint references legal_order,
    kind text not null check (kind in ('notice', 'claim', 'statement', 'ruling')),
    at timestamptz not null,
    at_from timestamptz,
    at_to timestamptz,
    text text not null,
    source text not null,
    known_at timestamptz not null,
    claimed int check (claimed >= 0),
    claimed_of int check (claimed_of >= 0),
    claimed_at_least boolean not null default false,
    claimed_what text check (
        claimed_what in ('withheld', 'suspended', 'blocked', 'restored', 'acted_on', 'available')
    ),
    claimed_targets text check (claimed_targets in ('accounts', 'posts', 'both')),
    check ((claimed is null) = (claimed_what is null)),
    check (claimed is not null or claimed_targets is null),
    check (claimed is not null or claimed_of is null)
);
comment on table order_event is 'A later notice, claim, statement or ruling, with the number in it if there is one.';
comment on column order_event.order_event_id is 'Number of the event.';
comment on column order_event.order_id is 'The order. Null: it belongs to no order.';
comment on column order_event.kind is 'What it is.';
comment on column order_event.at is 'When it was, as one time to sort and draw by.';
comment on column order_event.at_from is 'It was not before this. Null: only at is known.';
comment on column order_event.at_to is 'It was not after this. Null: only at is known.';
comment on column order_event.text is 'What it says.';
comment on column order_event.source is 'Where it was read.';
comment on column order_event.known_at is 'When it counts as known.';
comment on column order_event.claimed is
    'The number in a statement: 126 of "126 of 257 acted on". Null: there is none.';
comment on column order_event.claimed_of is 'Of how many: 257 of it. Null: the statement does not say.';
comment on column order_event.claimed_at_least is 'True: "at least 126", that many or more.';
comment on column order_event.claimed_what is 'What the number counts, in our words. Null: there is no number.';
comment on column order_event.claimed_targets is
    'Whether the number counts accounts, posts or both. Null: its source does not say, or there is no number.';

create table order_name (
    order_name_id bigint generated always as identity primary key,
    order_id bigint not null references legal_order,
    said text not null,
    platform text,
    handle text,
    post_id text,
    outcome text not null check (
        outcome in ('resolved', 'ambiguous', 'unresolvable', 'not tried', 'not observable')
    ),
    account_id bigint references account,
    note text not null default '',
    source text not null,
    known_at timestamptz not null,
    resolved_at timestamptz,
    unique (order_id, said),
    check ((outcome = 'resolved') = (account_id is not null)),
    check ((outcome = 'resolved') = (resolved_at is not null))
);
create index order_name_account on order_name (account_id) where account_id is not null;
comment on table order_name is 'One name of an order, of an account or of a post, and whom it was found to be.';
comment on column order_name.order_name_id is 'Number of the name.';
comment on column order_name.order_id is 'The order.';
comment on column order_name.said is 'The name, word for word.';
comment on column order_name.platform is 'The platform that it is on. Null: it cannot be told.';
comment on column order_name.handle is
    'The handle in it. Null: it holds none, as where a post is named without its author.';
comment on column order_name.post_id is 'The id of the post that it names. Null: it names an account.';
comment on column order_name.outcome is
    'What became of it: found to be one account; several fit; none does; its platform gave no answer; or its site is '
    'not read.';
comment on column order_name.account_id is 'The account that it was found to be. Null unless resolved.';
comment on column order_name.note is 'Why it is not resolved, and what was cut from it. Empty: nothing.';
comment on column order_name.source is 'Where the name was read.';
comment on column order_name.known_at is 'When the name counts as known.';
comment on column order_name.resolved_at is 'When it was found to be the account. Null unless resolved.';

create table order_name_past (
    order_name_id bigint not null references order_name on delete cascade,
    until timestamptz not null,
    outcome text not null check (outcome in ('ambiguous', 'unresolvable', 'not tried', 'not observable')),
    note text not null,
    primary key (order_name_id, until)
);
comment on table order_name_past is
    'What had become of a name until it became what it is now. Without it, a name that is resolved later would change '
    'what is answered for a time at which it was not.';
comment on column order_name_past.order_name_id is 'The name.';
comment on column order_name_past.until is 'Until when this was its outcome.';
comment on column order_name_past.outcome is 'What had become of it by then.';
comment on column order_name_past.note is 'Why it was not resolved by then.';

create table order_name_withdrawal (
    order_name_id bigint not null references order_name on delete cascade,
    since timestamptz not null,
    until timestamptz check (until > since),
    withdrawn_by text not null,
    reason text not null check (reason <> ''),
    primary key (order_name_id, since)
);
create unique index order_name_withdrawal_now on order_name_withdrawal (order_name_id) where until is null;
comment on table order_name_withdrawal is
    'A time in which an order no longer named a name: the authority took it back, or it was entered by mistake.';
comment on column order_name_withdrawal.order_name_id is 'The name.';
comment on column order_name_withdrawal.since is 'When it was withdrawn.';
comment on column order_name_withdrawal.until is 'When it was added again. Null: it is withdrawn.';
comment on column order_name_withdrawal.withdrawn_by is 'Who withdrew it here.';
comment on column order_name_withdrawal.reason is 'Why, in the words of who withdrew it.';

create table order_check (
    order_check_id bigint generated always as identity primary key,
    order_name_id bigint not null references order_name on delete cascade,
    source text not null,
    place text not null,
    of_post boolean not null,
    answer text not null,
    status text,
    withheld_in text[] not null default '{}',
    at_from timestamptz,
    at_to timestamptz,
    known_at timestamptz not null,
    unique (order_name_id, source, place, of_post)
);
comment on table order_check is 'What others found when they looked at a name of an order, from one place.';
comment on column order_check.order_check_id is 'Number of the look.';
comment on column order_check.order_name_id is 'The name.';
comment on column order_check.source is 'Who looked.';
comment on column order_check.place is 'Where they looked from.';
comment on column order_check.of_post is 'True: they looked at the post; false: at the account.';
comment on column order_check.answer is 'What they found, in their words.';
comment on column order_check.status is 'The same as one of our statuses. Null: it tells none of them.';
comment on column order_check.withheld_in is 'The countries that it was withheld in. Empty unless withheld.';
comment on column order_check.at_from is 'They looked after this. Null: the source does not say, and it dates nothing.';
comment on column order_check.at_to is 'They looked before this. Null: the source does not say.';
comment on column order_check.known_at is 'When it counts as known.';

create table order_document (
    order_document_id bigint generated always as identity primary key,
    order_id bigint not null references legal_order,
    name text not null,
    media_type text not null,
    source text not null,
    sha256 bytea not null check (octet_length(sha256) = 32),
    content bytea not null,
    added_at timestamptz not null,
    added_by text not null,
    unique (order_id, sha256)
);
comment on table order_document is 'A document of an order, such as a scan of it.';
comment on column order_document.order_document_id is 'Number of the document.';
comment on column order_document.order_id is 'The order.';
comment on column order_document.name is 'The name of the file.';
comment on column order_document.media_type is 'What it is, as a media type.';
comment on column order_document.source is 'Where it comes from.';
comment on column order_document.sha256 is 'SHA-256 of the content.';
comment on column order_document.content is 'The bytes of the file.';
comment on column order_document.added_at is 'When it was added.';
comment on column order_document.added_by is 'Who added it.';

create table order_keyword (
    order_id bigint not null references legal_order,
    word text not null,
    known_at timestamptz not null,
    primary key (order_id, word)
);
comment on table order_keyword is 'Words by which an engagement of an executive is recognised as being about an order.';
comment on column order_keyword.order_id is 'The order.';
comment on column order_keyword.word is 'The word, in lower case; a hashtag without its sign.';
comment on column order_keyword.known_at is 'When it counts as known.';

-- causes: who says why -------------------------------------------------------------------------------------
create table cause_document (
    sha256 bytea primary key check (octet_length(sha256) = 32),
    name text not null,
    media_type text not null,
    content bytea not null,
    added_at timestamptz not null,
    added_by text not null
);
comment on table cause_document is
    'A document that says what the cause of something was, such as the notice of a platform as it was forwarded. Only '
    'the purge of the last account that it is about removes it.';
comment on column cause_document.sha256 is 'SHA-256 of the content.';
comment on column cause_document.name is 'The name of the file.';
comment on column cause_document.media_type is 'What it is, as a media type.';
comment on column cause_document.content is 'The bytes of the file.';
comment on column cause_document.added_at is 'When it was added.';
comment on column cause_document.added_by is 'Who added it.';

create table cause (
    cause_id bigint generated always as identity primary key,
    supersedes bigint unique references cause,
    is_withdrawn boolean not null default false,
    change_id bigint references change,
    account_id bigint references account,
    order_id bigint references legal_order,
    kind text not null check (
        kind in (
            'government order', 'court ruling', 'platform terms', 'copyright', 'owner', 'platform error', 'unknown'
        )
    ),
    said_by text not null check (
        said_by in (
            'platform notice', 'platform answer', 'order text', 'transparency report', 'court record', 'owner',
            'press', 'analyst'
        )
    ),
    speaker text not null,
    legal_basis text not null,
    source text not null check (source <> ''),
    stated_on timestamptz not null,
    confidence text not null check (
        confidence in ('stated by the platform', 'documented', 'reported', 'inferred')
    ),
    disputed_by text not null,
    note text not null,
    document bytea check (octet_length(document) = 32),
    recorded_at timestamptz not null,
    recorded_by text not null,
    check (num_nonnulls(change_id, account_id, order_id) = 1),
    check (not is_withdrawn or supersedes is not null)
);
create index cause_change on cause (change_id) where change_id is not null;
create index cause_account on cause (account_id) where account_id is not null;
create index cause_order on cause (order_id) where order_id is not null;
comment on table cause is
    'What somebody said was the cause of a change, or of the status of an account, a post or an order. A correction is '
    'a new row.';
comment on column cause.cause_id is 'Number of the cause.';
comment on column cause.supersedes is 'The row that it corrects or withdraws. Null: it is the first.';
comment on column cause.is_withdrawn is 'True: it repeats the row that it supersedes in order to take it back.';
comment on column cause.change_id is 'The change that it is about. Null: it is about an account, a post or an order.';
comment on column cause.account_id is 'The account or post that it is about. Null: it is about something else.';
comment on column cause.order_id is 'The order that it is about. Null: it is about something else.';
comment on column cause.kind is 'What is said to be the cause.';
comment on column cause.said_by is 'Who says so.';
comment on column cause.speaker is
    'The person, paper, court or office that says so. Empty: said_by names it well enough.';
comment on column cause.legal_basis is 'The law that is named, such as "Section 69A IT Act". Empty: none is.';
comment on column cause.source is 'The address of the document that says so, or what it is called.';
comment on column cause.stated_on is 'The date of what was said.';
comment on column cause.confidence is 'How sure it is.';
comment on column cause.disputed_by is 'Who says that this is not the cause. Empty: nobody is known to.';
comment on column cause.note is 'What the team adds. Empty: nothing.';
comment on column cause.document is
    'SHA-256 of the document that says so. Null: none was put on record. The document itself may be purged.';
comment on column cause.recorded_at is 'When the row counts as known.';
comment on column cause.recorded_by is 'Who recorded it.';
create trigger cause_append_only before update or delete on cause
    for each row execute function refuse_rewriting();
create trigger cause_no_truncate before truncate on cause
    for each statement execute function refuse_rewriting();

create function chain_statement(c cause) returns text stable language sql as $$
    select row_to_json(s)::text from (
        select 'cause' as statement,
            c.cause_id,
            c.supersedes,
            c.is_withdrawn,
            c.change_id,
            a.platform,
            a.native_id as account,
            o.reference as legal_order,
            c.kind,
            c.said_by,
            c.speaker,
            c.legal_basis,
            c.source,
            chain_time(c.stated_on) as stated_on,
            c.confidence,
            c.disputed_by,
            c.note,
            encode(c.document, 'hex') as document,
            chain_time(c.recorded_at) as recorded_at,
            c.recorded_by
        from (select) one
        left join account a on a.account_id = c.account_id
        left join legal_order o on o.order_id = c.order_id
    ) s
$$;
comment on function chain_statement(cause) is 'The statement of a cause.';

create function chain_causes() returns trigger security definer language plpgsql as $$
begin
    perform chain_append(
        array_agg('cause'::text order by c.cause_id),
        array_agg(c.cause_id order by c.cause_id),
        array_agg(chain_leaf(chain_statement(c)) order by c.cause_id),
        array_agg(c.recorded_at order by c.cause_id)
    ) from added join cause c using (cause_id);
    return null;
end
$$;
comment on function chain_causes is 'Gives each cause that was inserted its entry.';
do $$
begin
    execute format('alter function chain_causes() set search_path = %I, pg_temp', current_schema());
end
$$;
create trigger cause_chain after insert on cause
    referencing new table as added for each statement execute function chain_causes();
