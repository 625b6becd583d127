create function shard_of(account_id bigint, shards integer) returns integer
language sql immutable strict parallel safe
return (((account_id * 2654435761) % 4294967296 >> 16) % shards)::integer;
comment on function shard_of(bigint, integer) is
    'The shard of an account, from 0: Knuth''s multiplicative hash. The code of Blockline computes the same.';

create table platform_shards (
    platform text primary key check (platform ~ '^[a-z]{1,20}$'),
    in_force smallint not null check (in_force between 1 and 64),
    wanted smallint not null check (wanted between 1 and 64)
);
comment on table platform_shards is
    'Into how many shards the accounts of a platform are divided, each led by one process. A platform without a row '
    'has one.';
comment on column platform_shards.platform is 'The platform.';
comment on column platform_shards.in_force is 'The number by which leaders read now. It changes only while no shard has a leader.';
comment on column platform_shards.wanted is 'The number that was asked for. Leaders give up their shards when it differs.';

alter table stream_position add column shard smallint not null default 0;
alter table stream_position drop constraint stream_position_pkey;
alter table stream_position add primary key (platform, shard);
comment on column stream_position.shard is 'Which shard of the platform reads it, from 0.';
