-- Stories that people write: a range of time, moments in it with a caption each, and whose accounts. (What mails
-- report of one cohort, the incident, is in the table `story`.)

create table written_story (
    written_story_id bigint generated always as identity primary key,
    title text not null check (char_length(title) between 1 and 160),
    list_id bigint references watch_list,
    account_ids bigint[] not null,
    since timestamptz not null,
    until timestamptz not null check (until > since),
    view text not null check (view in ('as_it_was', 'as_known_then')),
    known_at timestamptz check (known_at is null or (known_at >= until and view = 'as_it_was')),
    late_after interval not null,
    version int not null default 1,
    written_at timestamptz not null,
    written_by text not null,
    changed_at timestamptz not null,
    changed_by text not null
);
comment on table written_story is 'A story that somebody wrote.';
comment on column written_story.written_story_id is 'Number of the story.';
comment on column written_story.title is 'Its title.';
comment on column written_story.list_id is 'The list that it is about. Null: all that were watched.';
comment on column written_story.account_ids is 'Its accounts, as they were found when it was written.';
comment on column written_story.since is 'Where its range begins.';
comment on column written_story.until is 'Where its range ends.';
comment on column written_story.view is 'Whether it shows what was so, or what was known at each moment.';
comment on column written_story.known_at is
    'By the knowledge of when it is read. Null: each moment as it was known then, or as it is known when the story is '
    'read.';
comment on column written_story.late_after is 'After how long without a reading an account counts as late in it.';
comment on column written_story.version is 'Grows with each edit.';
comment on column written_story.written_at is 'When it was written.';
comment on column written_story.written_by is 'Who wrote it.';
comment on column written_story.changed_at is 'When it was last edited.';
comment on column written_story.changed_by is 'Who edited it last.';

create table written_caption (
    written_caption_id bigint generated always as identity primary key,
    written_story_id bigint not null references written_story on delete cascade,
    at timestamptz not null,
    text text not null check (char_length(text) between 1 and 400)
);
create index written_caption_story on written_caption (written_story_id, at);
comment on table written_caption is 'A moment of a story with its caption.';
comment on column written_caption.written_caption_id is 'Number of the caption.';
comment on column written_caption.written_story_id is 'The story.';
comment on column written_caption.at is 'The moment.';
comment on column written_caption.text is 'The caption.';
