-- Schema 12: stories that people write: a range of time, moments in it with a caption each, and whose accounts.
-- (What mails told of one cohort, wave after wave, is in `story`.)
create table written_story (
    written_story_id bigint generated always as identity primary key,
    title text not null check (char_length(title) between 1 and 160),
    -- Null: of all that were watched.
    list_id bigint references watch_list,
    -- Who is watched and who is on a list is not dated: so it is kept here whose story it is.
    account_ids bigint[] not null,
    since timestamptz not null,
    until timestamptz not null check (until > since),
    view text not null check (view in ('as_it_was', 'as_known_then')),
    -- Null: each moment as it was known then, or as it is known when the story is read.
    known_at timestamptz check (known_at is null or (known_at >= until and view = 'as_it_was')),
    late_after interval not null,
    version int not null default 1,
    written_at timestamptz not null,
    written_by text not null,
    changed_at timestamptz not null,
    changed_by text not null
);

create table written_caption (
    written_caption_id bigint generated always as identity primary key,
    written_story_id bigint not null references written_story on delete cascade,
    at timestamptz not null,
    text text not null check (char_length(text) between 1 and 400)
);
create index written_caption_story on written_caption (written_story_id, at);
