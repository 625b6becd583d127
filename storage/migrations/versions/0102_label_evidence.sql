alter table label add column content bytea;
comment on column label.content is
    'What the labeler signed, as DAG-CBOR. Null: an earlier version received it, and it was not listed since.';

create table labeler_key_log (
    labeler text primary key references labeler,
    content bytea not null,
    read_at timestamptz not null
);
comment on table labeler_key_log is
    'The log of the keys of a labeler, by which others can verify what it signed. The newest one is kept.';
comment on column labeler_key_log.labeler is 'The labeler.';
comment on column labeler_key_log.content is 'The log, as the directory of DIDs answered.';
comment on column labeler_key_log.read_at is 'When this log was first received.';
