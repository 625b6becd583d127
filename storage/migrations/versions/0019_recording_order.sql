-- Schema 19: what is recorded counts as known at moments in the order of the commits.
-- Nothing will be recorded any more that counts as known before `next_at`. Without a row nothing was yet.
create table recording_order (
    is_only boolean primary key default true check (is_only),
    next_at timestamptz not null
);

-- A clock that was wrong once is not followed for ever.
insert into recording_order (next_at)
select least(max(at), clock_timestamp()) from chain having max(at) is not null;
