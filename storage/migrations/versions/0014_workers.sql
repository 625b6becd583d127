-- Schema 14: many machines read what one process plans. All this is on its way, in tables that are not logged
-- and in no backup: after a crash of the database it is reported and asked anew.

-- The processes that read, as each last reported itself.
create unlogged table worker (
    worker_id uuid primary key,
    name text not null,
    address text not null,
    sources text[] not null,
    started_at timestamptz not null,
    seen_at timestamptz not null,
    clock_off interval not null,
    paused jsonb not null
);

-- What a worker was answered, until the process that plans has recorded it.
create unlogged table answered (
    question text primary key,
    source text not null,
    worker_id uuid not null,
    asked jsonb not null,
    asked_at timestamptz not null,
    at timestamptz not null,
    answer bytea not null
);
-- Rows come and go many times a second: what is gone is skipped in the index.
create index answered_source_at on answered (source, at);

-- What a platform lets one address or one credential ask, shared by all who use it: storage/model/limits/rate_limits.py.
create unlogged table budget (
    budget text primary key,
    platform text not null,
    -- When somebody last took a request, or an answer taught something.
    taken_at timestamptz not null,
    basis text not null check (basis in ('unknown', 'counted', 'no_limit')),
    -- Counted: the end of the window, as the platform last said. No limit: when that is looked at again.
    until timestamptz not null,
    most integer,
    -- How many requests of the window are left that nobody was given.
    left_over integer not null check (left_over >= 0),
    -- The request whose answer is to tell how many there are, and until when it is waited for.
    probe bigint,
    probe_until timestamptz not null,
    -- Until when the requests that were given keep the place busy.
    busy_until timestamptz not null,
    version bigint not null
);
