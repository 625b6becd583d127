-- Schema 8, orders: what each names, word for word, and whom that was found to be; what others saw of those
-- names; the numbers in statements; documents. Engagement that others recorded, with the counters beside it.

-- orders -------------------------------------------------------------------------------------------------
-- One name of an order. `outcome` says what became of it: found to be one account, to be several, or none.
-- A name that stands for a post names its author only where the author is in it.
create table order_name (
    order_name_id bigint generated always as identity primary key,
    order_id bigint not null references legal_order,
    said text not null,
    platform text,
    handle text,
    post_id text,
    outcome text not null check (outcome in ('resolved', 'ambiguous', 'unresolvable', 'not tried')),
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

-- What others found when they looked at a name, from one place. `at_from` and `at_to`: between when; null
-- where the source does not say, and then it dates nothing. `status` is null where their answer tells none of ours.
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

-- The number in a statement: "126 of 257 acted on". `claimed_what` is what the number counts, in our words.
alter table order_event
    add column claimed int check (claimed >= 0),
    add column claimed_of int check (claimed_of >= 0),
    add column claimed_at_least boolean not null default false,
    add column claimed_what text check (
        claimed_what in ('withheld', 'suspended', 'blocked', 'restored', 'acted_on', 'available')
    ),
    add check ((claimed is null) = (claimed_what is null)),
    add check (claimed is not null or claimed_of is null);

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

-- Words by which an act is recognised as being about an order: in lower case, a hashtag without its sign.
create table order_keyword (
    order_id bigint not null references legal_order,
    word text not null,
    known_at timestamptz not null,
    primary key (order_id, word)
);

-- executives -----------------------------------------------------------------------------------------------
-- `source` is empty for what our own collector saw. `made_after`: the act lies after this time and by
-- `first_seen_at`. `doubts` say what may be wrong with it. A time that cannot be right is not kept as `made_at`.
alter table signal
    add column source text not null default '',
    add column made_after timestamptz,
    add column doubts text[] not null default '{}';
create index signal_target on signal (target_author_id) where target_author_id is not null;

-- The least of what an act says that is needed: which words of orders it holds. Taken out by a purge.
create table signal_word (
    signal_id bigint not null references signal on delete cascade,
    word text not null,
    primary key (signal_id, word)
);

-- What a profile counted, as others recorded it. A counter that falls does not say that something was undone.
create table engagement_counter (
    account_id bigint not null references executive,
    at timestamptz not null,
    source text not null,
    statuses bigint,
    following bigint,
    followers bigint,
    likes bigint,
    primary key (account_id, source, at)
);
