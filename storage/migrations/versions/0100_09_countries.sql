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
comment on column network_day.confirmed is 'Measurements in which OONI recognised a block.';
comment on column network_day.anomaly is 'Measurements in which something differed: a block, or a fault.';
comment on column network_day.failure is 'Measurements that failed themselves and say nothing.';
comment on column network_day.ok is 'Measurements in which the domain could be opened.';

-- Labels: whom the regional labelers of a platform withhold, as they publish it. No status follows from them.

create table labeler (
    labeler text primary key,
    platform text not null check (platform ~ '^[a-z]{1,20}$'),
    country text not null check (country ~ '^[A-Z]{2}$'),
    withholding text[] not null,
    began_at timestamptz not null,
    seq bigint not null default 0 check (seq >= 0),
    heard_at timestamptz,
    lost_at timestamptz,
    lost_why text not null default '',
    gap text,
    gap_at timestamptz,
    listed_at timestamptz,
    unlisted_at timestamptz,
    unlisted_why text not null default '',
    ended_at timestamptz,
    refused_dropped bigint not null default 0 check (refused_dropped >= 0),
    check ((gap is null) = (gap_at is null))
);
comment on table labeler is 'A labeler whose labels are collected, and how far they were read.';
comment on column labeler.labeler is 'Its own id on the platform.';
comment on column labeler.platform is 'The platform.';
comment on column labeler.country is 'The country for which it withholds, as an ISO 3166 code of two letters.';
comment on column labeler.withholding is 'The values of labels by which it withholds, as the settings have them.';
comment on column labeler.began_at is 'When we began to collect its labels.';
comment on column labeler.seq is 'The number of the newest message of its stream that is stored. 0: none.';
comment on column labeler.heard_at is
    'When its stream last sent labels, or had been connected for a while without any. Null: never.';
comment on column labeler.lost_at is
    'When its stream was lost, if nothing was heard of it since. Null: it is connected, or never was.';
comment on column labeler.lost_why is 'Why not, in a sentence. Empty: we are, or never tried.';
comment on column labeler.gap is
    'Why labels of its stream may be missing. Null: nothing says so since its list was last read whole.';
comment on column labeler.gap_at is 'When that was noticed last. Null: as gap.';
comment on column labeler.listed_at is 'When the newest reading of its whole list began. Null: it was never read whole.';
comment on column labeler.unlisted_at is 'When its list could last not be read whole. Null: never, or it was since.';
comment on column labeler.unlisted_why is 'Why not, in a sentence. Empty: as unlisted_at.';
comment on column labeler.ended_at is 'When we ceased to collect its labels. Null: we collect them.';
comment on column labeler.refused_dropped is
    'How many of its refused labels were received and are no longer kept. One that is received again counts again.';

-- The key is what a label says. A number in the stream is none: lists have no numbers, a label that replaces another
-- gets a new one, and a labeler that moves begins to count again.
create table label (
    label_id bigint generated always as identity primary key,
    labeler text not null references labeler,
    subject text not null,
    value text not null,
    made_at timestamptz not null,
    is_negated boolean not null,
    expires_at timestamptz,
    cid text,
    kind text not null check (kind in ('account', 'post', 'record')),
    seq bigint,
    received_at timestamptz not null,
    channel text not null check (channel in ('stream', 'query')),
    signature bytea not null,
    signed_by text not null,
    is_added boolean not null default false,
    is_lifted boolean not null default false,
    replaced_at timestamptz,
    unique nulls not distinct (labeler, subject, value, made_at, is_negated, expires_at, cid)
);
create index label_subject on label (subject);
-- Lists show the newest first.
create index label_made_at on label (made_at);
create index label_newest on label (labeler, subject) where replaced_at is null;
create index label_received_at on label (received_at);
create index label_expires_at on label (expires_at) where expires_at is not null;
comment on table label is
    'A label that a labeler signed. The newest one of a labeler, a subject and a value holds, by the time that the '
    'labeler gives it.';
comment on column label.label_id is 'Number of the label here, in the order in which they were received.';
comment on column label.labeler is 'The labeler.';
comment on column label.subject is 'The account or record that it is about, by the platform''s own id.';
comment on column label.value is 'What it says of the subject, as the labeler names it.';
comment on column label.made_at is 'When it was made. It is the labeler''s claim.';
comment on column label.is_negated is 'True: it withdraws what earlier ones said.';
comment on column label.expires_at is 'When it ends by itself. Null: it does not.';
comment on column label.cid is 'The version of a record that it is about. Null: all versions, or an account.';
comment on column label.kind is 'Whether it is about an account, a post, or another record.';
comment on column label.seq is 'Its number in the stream. Null: it was first received from the list.';
comment on column label.received_at is 'When we received it first.';
comment on column label.channel is 'How it came to us first: from the stream, or from the list.';
comment on column label.signature is 'The signature, which was verified.';
comment on column label.signed_by is 'The key that signed it, as did:key.';
comment on column label.is_added is 'Whether it attaches a value that its labeler did not attach to the subject until then.';
comment on column label.is_lifted is 'Whether it withdraws a value that held until then, or of which nothing earlier is known.';
comment on column label.replaced_at is
    'When the next label of the same labeler, subject and value was made. Null: it is the newest.';

create view label_step as
select label_id, labeler, kind, value, 'added' as step, false as has_expired, made_at as stated_at,
    received_at as known_at
from label where is_added
union all
select label_id, labeler, kind, value, 'lifted', false, made_at, received_at from label where is_lifted
union all
select label_id, labeler, kind, value, 'lifted', true, expires_at, greatest(expires_at, received_at) from label
where not is_negated and expires_at is not null and (replaced_at >= expires_at) is not false;
comment on view label_step is
    'When a labeler began or ceased to attach a value to a subject. A label that expires is in two rows, the second of '
    'which may lie in the future.';
comment on column label_step.label_id is 'The label that attaches, withdraws or expires.';
comment on column label_step.labeler is 'The labeler.';
comment on column label_step.kind is 'What the label is about.';
comment on column label_step.value is 'The value.';
comment on column label_step.step is 'Added or lifted.';
comment on column label_step.has_expired is 'Whether the label expired and was not withdrawn.';
comment on column label_step.stated_at is 'When it happened, by the labeler''s own time.';
comment on column label_step.known_at is 'When it was received. An expiry is known when it comes.';

create table refused_label (
    labeler text not null references labeler,
    digest bytea not null,
    reason text not null,
    content bytea not null,
    received_at timestamptz not null,
    channel text not null check (channel in ('stream', 'query')),
    primary key (labeler, digest, reason)
);
create index refused_label_received_at on refused_label (labeler, received_at);
comment on table refused_label is
    'Labels that count for nothing: their labeler is not known to have signed them. They are never shown as labels. '
    'The newest 1,000 of each labeler are kept.';
comment on column refused_label.labeler is 'The labeler that sent it.';
comment on column refused_label.digest is 'SHA-256 of its content.';
comment on column refused_label.reason is 'Why it does not count.';
comment on column refused_label.content is 'What was received, as DAG-CBOR, or its beginning.';
comment on column refused_label.received_at is 'When it was received first.';
comment on column refused_label.channel is 'How it came to us first.';
