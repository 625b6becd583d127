-- Figures that platforms published of the demands that they got.

create table transparency_report (
    platform text not null check (platform ~ '^[a-z]{1,20}$'),
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
comment on table transparency_report is
    'What a platform published of one country in half a year. Sources overlap, so that figures of different sources are '
    'never summed.';
comment on column transparency_report.platform is 'The platform.';
comment on column transparency_report.period is 'The half year, such as 2021-H1.';
comment on column transparency_report.country is 'The country, in the words of the report.';
comment on column transparency_report.source is 'Which report.';
comment on column transparency_report.iso2 is 'The country, as an ISO 3166 code of two letters. Null: it has none.';
comment on column transparency_report.court_orders is 'Court orders to remove. Null: not reported.';
comment on column transparency_report.other_legal_demands is 'Other legal demands to remove. Null: not reported.';
comment on column transparency_report.total_demands is 'All demands to remove. Null: not reported.';
comment on column transparency_report.accounts_specified is 'Accounts that the demands named. Null: not reported.';
comment on column transparency_report.accounts_withheld is 'Accounts that were withheld. Null: not reported.';
comment on column transparency_report.tweets_withheld is 'Posts that were withheld. Null: not reported.';
comment on column transparency_report.accounts_tos is
    'Accounts acted on by the platform''s own terms of service. Null: not reported.';
comment on column transparency_report.pct_some_withheld is
    'Share of the demands after which something was withheld, from 0 to 100. Null: not reported.';
comment on column transparency_report.source_url is 'Where the report can be read.';
comment on column transparency_report.imported_at is 'When it was imported.';

-- What volunteers' devices measured in the networks of a country, as OONI publishes it.

create table network_read (
    country text not null check (country ~ '^[A-Z]{2}$'),
    recorded_at timestamptz not null,
    since date not null,
    until date not null check (until > since),
    failure text,
    primary key (country, recorded_at)
);
comment on table network_read is 'Each time that OONI was asked for its measurements from a country.';
comment on column network_read.country is 'The country, as an ISO 3166 code of two letters.';
comment on column network_read.recorded_at is 'When the answer was recorded.';
comment on column network_read.since is 'The first day that was asked for.';
comment on column network_read.until is 'The day before which the days end that were asked for.';
comment on column network_read.failure is 'Why there was no answer. Null: there was one.';

create table network_day (
    country text not null check (country ~ '^[A-Z]{2}$'),
    domain text not null,
    day date not null,
    recorded_at timestamptz not null,
    confirmed int not null check (confirmed >= 0),
    anomaly int not null check (anomaly >= 0),
    failure int not null check (failure >= 0),
    ok int not null check (ok >= 0),
    primary key (country, domain, day, recorded_at)
);
comment on table network_day is
    'Measurements of one domain from one country on one day (UTC), as published at a time: the newest row of a day '
    'holds, and earlier ones say what was known before. A day without a row had no measurement yet, if network_read '
    'shows that it was asked for.';
comment on column network_day.country is 'The country, as an ISO 3166 code of two letters.';
comment on column network_day.domain is 'The domain that devices tried to open.';
comment on column network_day.day is 'The day of the measurements, in UTC.';
comment on column network_day.recorded_at is 'When these counts were recorded.';
comment on column network_day.confirmed is 'Measurements in which OONI recognised the way of blocking.';
comment on column network_day.anomaly is 'Measurements in which something differed: a block, or a fault.';
comment on column network_day.failure is 'Measurements that failed themselves and say nothing.';
comment on column network_day.ok is 'Measurements in which the domain could be opened.';
