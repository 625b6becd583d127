-- Schema 23: what no server can have accepted may be merged into the later mail that makes it pointless.
alter table mail drop constraint mail_state_check;
alter table mail add constraint mail_state_check check (state in ('queued', 'sent', 'dead', 'merged'));
-- How often it was handed over, and it is not known that no server accepted it. Each claim counts until it failed
-- for certain.
alter table mail add column uncertain_offers int not null default 0 check (uncertain_offers >= 0);
-- Of the attempts of before nothing is known.
update mail set uncertain_offers = attempts where state = 'queued' and attempts > 0;
-- The later mail that says what this one said too.
alter table mail add column merged_into bigint references mail;
alter table mail add constraint mail_merged check ((state = 'merged') = (merged_into is not null));
create index mail_merged_into on mail (merged_into) where merged_into is not null;
