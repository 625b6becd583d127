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
