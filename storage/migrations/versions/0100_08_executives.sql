-- Executives and what they visibly do: likes, reposts, quotes, replies, posts, follows.

create table executive (
    account_id bigint primary key references account,
    name text not null,
    title text not null,
    cursor text,
    last_polled_at timestamptz
);
comment on table executive is 'An account whose engagements are collected.';
comment on column executive.account_id is 'The account.';
comment on column executive.name is 'The name of the person.';
comment on column executive.title is 'What they are at their platform.';
comment on column executive.cursor is 'How far we have read, in the platform''s own form. Null: nothing yet.';
comment on column executive.last_polled_at is 'When we last read them. Null: never.';

create table signal (
    signal_id bigint generated always as identity primary key,
    account_id bigint not null references executive,
    kind text not null check (kind in ('like', 'repost', 'quote', 'reply', 'post', 'follow', 'unfollow')),
    native_id text not null,
    made_at timestamptz,
    first_seen_at timestamptz not null,
    target_id text,
    target_author_id text,
    source text not null default '',
    made_after timestamptz,
    doubts text[] not null default '{}',
    recorded_at timestamptz,
    unique (account_id, kind, native_id)
);
create index signal_time on signal (coalesce(made_at, first_seen_at));
create index signal_target on signal (target_author_id) where target_author_id is not null;
-- What was first seen lately is looked for at each turn of the notifier.
create index signal_seen on signal (first_seen_at);
comment on table signal is 'One engagement of an executive.';
comment on column signal.signal_id is 'Number of the engagement.';
comment on column signal.account_id is 'The executive.';
comment on column signal.kind is 'What it is.';
comment on column signal.native_id is 'The platform''s own id of the act.';
comment on column signal.made_at is
    'When it was made, if the platform says. Null: it does not, or says a time that cannot be right.';
comment on column signal.first_seen_at is 'When it was first seen.';
comment on column signal.target_id is
    'The post that was reposted, quoted or answered, or the account that was followed, by the platform''s own id. Null: '
    'none.';
comment on column signal.target_author_id is
    'The account that it is about, by the platform''s own id; @handle where a record says no more. Null: not known.';
comment on column signal.source is 'Who recorded it. Empty: our own collector.';
comment on column signal.made_after is 'It was made after this and by first_seen_at. Null: nothing bounds it.';
comment on column signal.doubts is 'What may be wrong with it. Empty: nothing is known to be.';
comment on column signal.recorded_at is 'When it counts as known. Null: only first_seen_at is known.';

create table signal_word (
    signal_id bigint not null references signal on delete cascade,
    word text not null,
    primary key (signal_id, word)
);
comment on table signal_word is
    'The least of what an engagement says that is needed: which words of orders it holds. A purge removes it.';
comment on column signal_word.signal_id is 'The engagement.';
comment on column signal_word.word is 'The word, as order_keyword has it.';

create table signal_access (
    account_id bigint not null references executive,
    kind text not null,
    since timestamptz not null,
    observable boolean not null,
    reason text not null,
    primary key (account_id, kind, since)
);
comment on table signal_access is
    'Whether a kind of engagement of one executive can be observed, and since when it is so. Not observed is never '
    'zero.';
comment on column signal_access.account_id is 'The executive.';
comment on column signal_access.kind is 'The kind of engagement, as in signal.';
comment on column signal_access.since is 'Since when, until the next row of this kind.';
comment on column signal_access.observable is 'Whether it can be observed.';
comment on column signal_access.reason is 'Why it can or cannot.';

create table follow (
    account_id bigint not null references executive,
    target_id text not null,
    last_absent timestamptz,
    first_seen timestamptz not null,
    last_seen timestamptz,
    first_absent timestamptz,
    primary key (account_id, target_id, first_seen)
);
create unique index follow_open on follow (account_id, target_id) where first_absent is null;
comment on table follow is
    'Whom an executive follows, from complete readings of the list: between which two it began and ended.';
comment on column follow.account_id is 'The executive.';
comment on column follow.target_id is 'Who is followed, by the platform''s own id.';
comment on column follow.last_absent is
    'The last complete reading without it: it began after. Null: it was in the first one.';
comment on column follow.first_seen is 'The first complete reading with it.';
comment on column follow.last_seen is 'The last complete reading with it. Null while it is open.';
comment on column follow.first_absent is 'The first complete reading without it again. Null while it is open.';

create table follow_reading (
    account_id bigint primary key references executive,
    at timestamptz not null,
    follows int not null
);
comment on table follow_reading is 'The last complete reading of whom an executive follows.';
comment on column follow_reading.account_id is 'The executive.';
comment on column follow_reading.at is 'When it was.';
comment on column follow_reading.follows is 'How many they followed.';

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
comment on table engagement_counter is
    'What a profile counted, as others recorded it. A counter that falls does not say that something was undone. All '
    'four null: that look failed.';
comment on column engagement_counter.account_id is 'The executive.';
comment on column engagement_counter.at is 'When it was recorded.';
comment on column engagement_counter.source is 'Who recorded it.';
comment on column engagement_counter.statuses is 'Posts. Null: not recorded.';
comment on column engagement_counter.following is 'How many they follow. Null: not recorded.';
comment on column engagement_counter.followers is 'How many follow them. Null: not recorded.';
comment on column engagement_counter.likes is 'Likes that they gave. Null: not recorded.';
