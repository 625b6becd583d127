-- People: who may log in, from which browsers they are logged in, tokens for programs, and who did what. Of what a
-- browser or a program shows only a hash is kept, so that whoever reads the database cannot act as anybody.

create table person (
    person_id bigint generated always as identity primary key,
    login text not null,
    display_name text not null,
    role text not null check (role in ('viewer', 'analyst', 'admin')),
    password_hash text,
    oidc_issuer text,
    oidc_subject text,
    created_at timestamptz not null,
    disabled_at timestamptz,
    check ((oidc_issuer is null) = (oidc_subject is null))
);
create unique index person_login on person (lower(login));
create unique index person_oidc on person (oidc_issuer, oidc_subject);
comment on table person is 'Who may log in. A person is never deleted: the audit log and sessions name them.';
comment on column person.person_id is 'Number of the person.';
comment on column person.login is 'The name to log in with; upper and lower case are the same.';
comment on column person.display_name is 'The name that is shown.';
comment on column person.role is 'What they may do: viewers look, analysts work, admins decide.';
comment on column person.password_hash is 'A hash of the password. Null: they do not log in by password.';
comment on column person.oidc_issuer is 'The OpenID Connect provider that knows them. Null: none.';
comment on column person.oidc_subject is
    'Whom the provider means, by its own words: names may change there, this does not. Null: no provider.';
comment on column person.created_at is 'When they were added.';
comment on column person.disabled_at is 'Since when they may not log in. Null: they may.';

create table second_factor (
    person_id bigint primary key references person,
    secret text not null,
    last_step bigint not null default 0,
    wrong_codes int not null default 0,
    set_up_at timestamptz not null
);
comment on table second_factor is
    'What people log in with beside a password (TOTP). The secrets stand here as they are: who reads them can make '
    'codes, and still needs the passwords.';
comment on column second_factor.person_id is 'The person.';
comment on column second_factor.secret is 'The secret of the app that makes the codes, in base 32.';
comment on column second_factor.last_step is
    'The time step, in units of 30 s since 1970, of the last code that was accepted: none up to it is accepted again.';
comment on column second_factor.wrong_codes is
    'How many wrong codes in a row followed a right password. From a limit on, codes of the app are not accepted.';
comment on column second_factor.set_up_at is 'When a first code showed that the app has the secret.';

create table recovery_code (
    person_id bigint not null references second_factor on delete cascade,
    digest bytea not null check (length(digest) = 32),
    used_at timestamptz,
    primary key (person_id, digest)
);
comment on table recovery_code is 'Codes that each stand in once for the second factor, as when a phone is lost.';
comment on column recovery_code.person_id is 'The person.';
comment on column recovery_code.digest is 'SHA-256 of the code.';
comment on column recovery_code.used_at is 'When it was used. Null: it was not.';

create table web_session (
    web_session_id bigint generated always as identity primary key,
    person_id bigint not null references person,
    digest bytea not null unique check (length(digest) = 32),
    address text not null,
    browser text not null,
    created_at timestamptz not null,
    seen_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz
);
create index web_session_of_person on web_session (person_id) where ended_at is null;
comment on table web_session is 'A browser in which a person is logged in.';
comment on column web_session.web_session_id is 'Number of the session.';
comment on column web_session.person_id is 'The person.';
comment on column web_session.digest is 'SHA-256 of what the cookie holds.';
comment on column web_session.address is 'From where it was begun, for the person who looks which are theirs.';
comment on column web_session.browser is 'With what it was begun.';
comment on column web_session.created_at is 'When it was begun.';
comment on column web_session.seen_at is 'When it was last used.';
comment on column web_session.expires_at is 'When it ends by itself.';
comment on column web_session.ended_at is 'When somebody ended it. Null: nobody did.';

create table api_token (
    api_token_id bigint generated always as identity primary key,
    person_id bigint not null references person,
    digest bytea not null unique check (length(digest) = 32),
    name text not null,
    scope text not null check (scope in ('feeds', 'read', 'write', 'admin')),
    created_at timestamptz not null,
    expires_at timestamptz,
    used_at timestamptz,
    revoked_at timestamptz,
    revoked_by text,
    check ((revoked_at is null) = (revoked_by is null))
);
create index api_token_of_person on api_token (person_id);
comment on table api_token is 'What a program shows in place of a person.';
comment on column api_token.api_token_id is 'Number of the token.';
comment on column api_token.person_id is 'The person for whom the program acts.';
comment on column api_token.digest is 'SHA-256 of the token.';
comment on column api_token.name is 'What its person calls it.';
comment on column api_token.scope is 'What it reaches: the lesser of this and the role of its person.';
comment on column api_token.created_at is 'When it was made.';
comment on column api_token.expires_at is 'When it ends by itself. Null: never.';
comment on column api_token.used_at is 'When it was last used. Null: never.';
comment on column api_token.revoked_at is 'When it was revoked. Null: it was not.';
comment on column api_token.revoked_by is 'Who revoked it. Null: nobody did.';

create table login_failure (
    subject bytea primary key check (length(subject) = 32),
    failures int not null,
    since timestamptz not null
);
create index login_failure_since on login_failure (since);
comment on table login_failure is 'Attempts to log in that are counted, so that they are limited. Old ones go as new ones come.';
comment on column login_failure.subject is
    'What is counted, hashed: attempts from an address, of a name from an address, of a name from elsewhere, or '
    'the entries of the audit log about a name.';
comment on column login_failure.failures is 'How many attempts, counted before it is known how they end.';
comment on column login_failure.since is 'When the first of them was.';

create table audit_log (
    audit_id bigint generated always as identity primary key,
    at timestamptz not null,
    actor text not null,
    action text not null,
    subject text not null,
    detail jsonb not null default '{}'
);
create index audit_log_subject on audit_log (subject, audit_id);
comment on table audit_log is 'Who did what. Only added to, and chained.';
comment on column audit_log.audit_id is 'Number of the entry.';
comment on column audit_log.at is 'When it was done.';
comment on column audit_log.actor is 'Who did it.';
comment on column audit_log.action is 'What was done.';
comment on column audit_log.subject is 'To what it was done.';
comment on column audit_log.detail is 'What belongs to it. Empty: nothing.';
create trigger audit_log_append_only before update or delete on audit_log
    for each row execute function refuse_rewriting();
create trigger audit_log_no_truncate before truncate on audit_log
    for each statement execute function refuse_rewriting();

-- The chain over the audit log has the form of `chain`. It is a chain of its own, because of who writes it: an act is
-- logged anywhere in a transaction, and a lock that is held from there to the commit would make others wait, or
-- deadlock. So its entry is made at the commit, where the lock is the last one that is taken.
create table audit_chain (
    seq bigint primary key,
    audit_id bigint not null unique,
    leaf bytea not null,
    entry bytea not null
);
comment on table audit_chain is
    'The hash chain over the audit log. Only a trigger writes it, at the commit, with the rights of the owner.';
comment on column audit_chain.seq is 'Number of the entry, from 1 and without a gap, in the order of the commits.';
comment on column audit_chain.audit_id is 'The entry of the audit log that it attests.';
comment on column audit_chain.leaf is 'SHA-256 of the statement.';
comment on column audit_chain.entry is 'SHA-256 of the previous entry and the leaf.';
create trigger audit_chain_append_only before update or delete on audit_chain
    for each row execute function refuse_rewriting();
create trigger audit_chain_no_truncate before truncate on audit_chain
    for each statement execute function refuse_rewriting();

create function chain_statement(l audit_log) returns text stable language sql as $$
    select row_to_json(s)::text from (
        select 'audit entry' as statement,
            l.audit_id,
            chain_time(l.at) as at,
            l.actor,
            l.action,
            l.subject,
            l.detail::text as detail
    ) s
$$;
comment on function chain_statement(audit_log) is
    'The statement of an entry of the audit log. Its detail is a text: what the database makes of the stored object.';

create function chain_audit_entry() returns trigger security definer language plpgsql as $$
declare
    last_seq bigint;
    head bytea;
    leaf bytea := chain_leaf(chain_statement(new));
begin
    perform pg_advisory_xact_lock(hashtext('blockline audit_chain'));
    select seq, entry into last_seq, head from audit_chain order by seq desc limit 1;
    insert into audit_chain (seq, audit_id, leaf, entry) values (
        coalesce(last_seq, 0) + 1, new.audit_id, leaf, sha256(coalesce(head, decode(repeat('00', 32), 'hex')) || leaf)
    );
    return null;
end
$$;
comment on function chain_audit_entry is 'Gives an entry of the audit log its entry in the chain.';

create function chain_audit_head(at timestamptz) returns void security definer language plpgsql as $$
declare
    head audit_chain;
    statement text;
begin
    perform pg_advisory_xact_lock(hashtext('blockline live_event'));
    select * into head from audit_chain order by seq desc limit 1;
    if not found or exists (select from chain where audit_seq = head.seq) then
        return;
    end if;
    select row_to_json(s)::text into statement from (
        select 'audit head' as statement,
            head.seq as audit_seq,
            encode(head.entry, 'hex') as head,
            chain_time(chain_audit_head.at) as sealed_at
    ) s;
    perform chain_append(array['audit head'], array[head.seq], array[chain_leaf(statement)], array[at]);
end
$$;
comment on function chain_audit_head is
    'Puts the head of the audit log into the chain of changes, unless it is there already.';
revoke execute on function chain_audit_head(timestamptz) from public;
do $$
begin
    execute format('alter function chain_audit_entry() set search_path = %I, pg_temp', current_schema());
    execute format('alter function chain_audit_head(timestamptz) set search_path = %I, pg_temp', current_schema());
end
$$;
create constraint trigger audit_log_chain after insert on audit_log
    deferrable initially deferred for each row execute function chain_audit_entry();

create table installation_key (
    name text primary key,
    key bytea not null
);
comment on table installation_key is
    'Secrets and marks of this installation, such as the key that signs the links in mails: whoever has it can '
    'acknowledge.';
comment on column installation_key.name is 'What it is for. The mark "synthetic" says that the data is made up.';
comment on column installation_key.key is 'The key. Empty: the row is only a mark.';

create table api_answer (
    actor text not null,
    address text not null,
    key text not null,
    digest bytea not null check (octet_length(digest) = 32),
    at timestamptz not null,
    status int,
    media_type text not null default '',
    body bytea not null default '',
    primary key (actor, address, key)
);
create index api_answer_at on api_answer (at);
comment on table api_answer is
    'Writes over the API that had an Idempotency-Key, with their answers. Removed after a day.';
comment on column api_answer.actor is 'Who wrote.';
comment on column api_answer.address is 'The path of the request.';
comment on column api_answer.key is 'The Idempotency-Key.';
comment on column api_answer.digest is 'SHA-256 of the query and the body, by which another request is recognised.';
comment on column api_answer.at is 'When the request came.';
comment on column api_answer.status is 'The status of the answer. Null: there is no answer yet, or it was lost.';
comment on column api_answer.media_type is 'The media type of the answer.';
comment on column api_answer.body is 'The answer.';

-- who works on an incident --------------------------------------------------------------------------------
alter table story add constraint story_owner foreign key (owner_id) references person;
create index story_of_owner on story (owner_id) where owner_id is not null;

create function story_accounts(wanted bigint)
returns table (account_id bigint, was_away boolean, is_back boolean, back_at timestamptz)
stable language sql as $$
    select told.account_id, told.was_away, coalesce(now.is_back, false), case when now.is_back then now.since end
    from (
        select c.account_id, bool_or(c.status not in ('available', 'protected')) as was_away,
            (array_agg(a.stage order by a.alert_id desc))[1] in ('confirmed', 'withdrawn') as is_certain
        from alert_decision d join alert a using (alert_id) join change c using (change_id)
        where d.story_id = $1 group by c.account_id
    ) told
    left join lateral (
        select lower(s.valid) as since,
            told.is_certain and not s.before_change and s.status in ('available', 'protected')
                and c.source = k.platform
                and not exists (select from pending_change p where p.account_id = told.account_id) as is_back
        from spells_now() s join change c using (change_id) join account k on k.account_id = s.account_id
        where s.account_id = told.account_id
    ) now on true
$$;
comment on function story_accounts is
    'The accounts of an incident: whether it reported one as blocked or gone, whether a reading of ours showed it back, '
    'and since when. An account with a change that is provisional or unresolved is not known to be back.';

create function story_back(wanted bigint)
returns table (accounts bigint, back bigint, is_resolved boolean, back_at timestamptz, posts bigint)
stable language sql as $$
    select count(*), count(*) filter (where k.is_back),
        coalesce(bool_or(k.was_away) and bool_and(k.is_back) and count(*) >= (
            -- Changes of posts have kinds of their own: jobs.alerting.waves.count_by_kind.
            select coalesce(max(t.n::int) filter (where t.kind not like '% of posts'), 0)
                + coalesce(max(t.n::int) filter (where t.kind like '% of posts'), 0)
            from story_wave w cross join jsonb_each_text(w.told) as t (kind, n) where w.story_id = $1
        ), false),
        max(k.back_at), count(*) filter (where a.is_post)
    from story_accounts($1) k join account a using (account_id)
$$;
comment on function story_back is
    'How many accounts an incident has, posts among them, how many of them are back, whether that resolves it, since '
    'when the last one is back, and how many of them are posts. It is resolved if it reported an account as blocked '
    'or gone and all are back. An account that was purged since is not known to be back.';

create function waiting_stories(since timestamptz) returns table (story_id bigint, wave int, closed_at timestamptz)
stable language sql as $$
    select s.story_id, w.wave, w.closed_at
    from (
        select distinct on (v.story_id) v.story_id, v.wave, v.closed_at
        from story_wave v where v.closed_at > $1 and not v.in_round_up order by v.story_id, v.wave desc
    ) w
    join story s using (story_id)
    left join person p on p.person_id = s.owner_id and p.disabled_at is null
    where coalesce(s.acknowledged_wave, 0) < w.wave and coalesce(s.closed_wave, 0) < w.wave
        and p.person_id is null and not (select b.is_resolved from story_back(s.story_id) b)
$$;
comment on function waiting_stories is
    'The incidents that wait for somebody, with the newest grouped alert of each if that was complete after this time: '
    'nobody acknowledged or closed it, nobody who may log in has it, and not all its accounts are back.';
