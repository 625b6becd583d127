create table labeled_profile (
    platform text not null check (platform ~ '^[a-z]{1,20}$'),
    subject text not null,
    is_shown boolean,
    handle text,
    followers bigint check (followers >= 0),
    read_at timestamptz not null,
    primary key (platform, subject)
);
comment on table labeled_profile is
    'The public profile of an account that a labeler withholds, or of the author of a post: who it is, when last asked. '
    'No status follows from it.';
comment on column labeled_profile.platform is 'The platform.';
comment on column labeled_profile.subject is 'The account or post, as in label.subject.';
comment on column labeled_profile.is_shown is
    'Whether the platform showed a profile. If not, nothing says why. Null: the subject names no account of the '
    'platform to ask for.';
comment on column labeled_profile.handle is
    'The handle of the account or of the author. Null: none was shown, or one that leads nowhere.';
comment on column labeled_profile.followers is 'How many followers the profile showed. Null: none was shown.';
comment on column labeled_profile.read_at is 'When it was read last.';

create view purged_account as
select distinct a.platform, a.native_id from purge_log join account a using (account_id);
comment on view purged_account is 'Accounts and posts that were purged, by the id that is left of them.';
comment on column purged_account.platform is 'The platform.';
comment on column purged_account.native_id is 'The platform''s own id; of a whole purge, what stands in its place.';
