-- Schema 16: which countries the answers of a platform could speak of, and since when. A platform without a
-- row speaks of all. Rows are added when the settings change that, and never rewritten.
create table country_scope (
    platform text not null,
    since timestamptz not null,
    countries text[] not null,
    primary key (platform, since)
);
create trigger country_scope_append_only before update or delete on country_scope
    for each row execute function refuse_rewriting();
create trigger country_scope_no_truncate before truncate on country_scope
    for each statement execute function refuse_rewriting();

-- What was asked before is not recorded. Taken to have been heard are the labelers that came with this
-- version, and every country that some answer spoke of.
insert into country_scope (platform, since, countries)
select 'bluesky', '2000-01-01T00:00Z', array(
    select unnest(array['AU', 'BR', 'DE', 'ES', 'EU', 'GB', 'IN', 'JP', 'PK', 'RU', 'TR', 'US'])
    union
    select unnest(withheld_in) from change where source = 'bluesky'
    order by 1
)
where exists (select from roster where platform = 'bluesky');
