-- Schema 3, imports: figures that platforms published of the demands that they got.
-- Null is "not reported". Sources overlap, so that figures of different sources are never summed.

create table transparency_report (
    platform text not null check (platform in ('x', 'bluesky', 'mastodon')),
    period text not null check (period ~ '^[0-9]{4}-H[12]$'),
    country text not null,
    source text not null,
    iso2 text check (iso2 ~ '^[A-Z]{2}$'),
    court_orders int check (court_orders >= 0),
    other_legal_demands int check (other_legal_demands >= 0),
    total_demands int check (total_demands >= 0),
    accounts_specified int check (accounts_specified >= 0),
    accounts_withheld int check (accounts_withheld >= 0),
    tweets_withheld int check (tweets_withheld >= 0),
    accounts_tos int check (accounts_tos >= 0),
    pct_some_withheld double precision check (pct_some_withheld between 0 and 100),
    source_url text not null,
    imported_at timestamptz not null,
    primary key (platform, period, country, source)
);

