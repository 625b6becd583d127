-- Schema 15: a ceiling on what a platform bills by the account and UTC day.
alter table roster drop constraint roster_out_of_turn_check;
alter table roster add check (out_of_turn in ('ahead', 'promised', 'again', 'sentinel'));

-- Who was asked for on a day, and so counts as paid for. Written before the request; days that are over are
-- forgotten. It must outlive a crash, or the same money would be spent twice.
create table account_day (
    platform text not null,
    day date not null,
    native_id text not null,
    -- Null: a control account, or whoever was asked for before the ceiling was set.
    why text check (why in ('turn', 'ahead', 'promised', 'again', 'sentinel')),
    primary key (platform, day, native_id)
);

-- The ceiling, and how its day is divided, as the process that reads last said.
create table account_ceiling (
    platform text primary key,
    day date not null,
    most integer not null,
    in_turn integer not null,
    sentinels integer not null,
    -- Days in which everybody has had a turn; null: the ceiling leaves no turn.
    round_days integer,
    -- Accounts that were to be read out of turn today, and wait for the next day.
    waiting integer not null
);
