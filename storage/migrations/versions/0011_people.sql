-- Schema 11, people: who may log in, from which browsers they are logged in, and tokens for programs. Of what a
-- browser or a program shows only a hash is kept, so that whoever reads the database cannot act as anybody.

-- A person is never deleted: the audit log and sessions name them. Without a hash nobody logs in by password.
create table person (
    person_id bigint generated always as identity primary key,
    login text not null,
    display_name text not null,
    role text not null check (role in ('viewer', 'analyst', 'admin')),
    password_hash text,
    -- Whom an OpenID Connect provider means, by its own words: names may change there, this does not.
    oidc_issuer text,
    oidc_subject text,
    created_at timestamptz not null,
    disabled_at timestamptz,
    check ((oidc_issuer is null) = (oidc_subject is null))
);
create unique index person_login on person (lower(login));
create unique index person_oidc on person (oidc_issuer, oidc_subject);

create table web_session (
    web_session_id bigint generated always as identity primary key,
    person_id bigint not null references person,
    -- SHA-256 of what the cookie holds.
    digest bytea not null unique check (length(digest) = 32),
    -- From where and with what it was begun, for the person who looks which of them are theirs.
    address text not null,
    browser text not null,
    created_at timestamptz not null,
    seen_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz
);
create index web_session_of_person on web_session (person_id) where ended_at is null;

create table api_token (
    api_token_id bigint generated always as identity primary key,
    person_id bigint not null references person,
    digest bytea not null unique check (length(digest) = 32),
    name text not null,
    -- What it reaches is the lesser of this and the role of its person.
    scope text not null check (scope in ('feeds', 'read', 'write', 'admin')),
    created_at timestamptz not null,
    expires_at timestamptz,
    used_at timestamptz,
    revoked_at timestamptz,
    revoked_by text,
    check ((revoked_at is null) = (revoked_by is null))
);
create index api_token_of_person on api_token (person_id);

-- Failures to log in, by whom they slow down: an address, or a name from an address, hashed. Old ones go as new
-- ones come.
create table login_failure (
    subject bytea primary key check (length(subject) = 32),
    failures int not null,
    since timestamptz not null
);
create index login_failure_since on login_failure (since);
