-- Schema 13: the adaptive planner.
-- Why a roster that is not read in turn is read. Null: it is read in turn, or nobody said why.
alter table roster add out_of_turn text check (out_of_turn in ('ahead', 'promised', 'again'));

-- How often the accounts of a list are promised to be read. Null: in their turn.
alter table watch_list add read_every interval check (read_every >= interval '1 minute');

-- What was learned by reading, by place. It can be lost: it is learned again.
create table planner_memory (
    platform text not null,
    place text not null,
    learned jsonb not null,
    saved_at timestamptz not null,
    primary key (platform, place)
);
