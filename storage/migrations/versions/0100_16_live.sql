-- Live: what the dashboard has to hear of, as it is written.

create table live_event (
    live_event_id bigint generated always as identity primary key,
    topic text not null check (
        topic in (
            'change', 'outcome', 'rename', 'signal', 'mail', 'collector', 'order', 'order_event', 'account', 'label'
        )
    ),
    ref bigint,
    at timestamptz not null default clock_timestamp()
);
create index live_event_account on live_event (live_event_id) where topic = 'account';
comment on table live_event is 'News for the dashboard, in the order of the commits.';
comment on column live_event.live_event_id is
    'Number of the event. A reader who has seen n never misses one below n that commits later.';
comment on column live_event.topic is 'What is new. Account: load again what is watched.';
comment on column live_event.ref is 'The id of the row that is new. Null: there is no single one.';
comment on column live_event.at is 'When it was announced.';

create table watch_edit (
    watch_edit_id bigint generated always as identity primary key,
    account_ids int[] not null
);
comment on table watch_edit is
    'Which accounts an edit of what is watched is about. An event of the topic account names it; without one, the '
    'event may be about any account.';
comment on column watch_edit.watch_edit_id is 'Number of the edit.';
comment on column watch_edit.account_ids is
    'The accounts that began or ceased to be watched, or joined or left a list.';

create function announce(topic text, ref bigint) returns void language plpgsql as $$
declare
    id bigint;
begin
    perform pg_advisory_xact_lock(hashtext('blockline live_event'));
    insert into live_event (topic, ref) values (topic, ref) returning live_event_id into id;
    perform pg_notify('blockline', id::text);
end
$$;
comment on function announce is
    'Announces news. Ids are handed out under a lock that lasts to the end of the transaction, so that they become '
    'visible in their order. Only transactions with news take it.';

create function announce_row() returns trigger language plpgsql as $$
begin
    perform announce(tg_argv[0], (to_jsonb(new) ->> tg_argv[1])::bigint);
    return null;
end
$$;
comment on function announce_row is
    'Announces a row under the topic of the first argument, by the column that the second one names.';

create function announce_rows() returns trigger language plpgsql as $$
declare
    r record;
begin
    if (select count(*) from added) > 1000 then
        perform announce('account', null);
        return null;
    end if;
    for r in select change_id from added order by change_id loop
        perform announce(tg_argv[0], r.change_id);
    end loop;
    return null;
end
$$;
comment on function announce_rows is
    'Announces each change or outcome; a bulk load makes one announcement that says "load everything again".';

create trigger change_live after insert on change
    referencing new table as added for each statement execute function announce_rows('change');
create trigger change_outcome_live after insert on change_outcome
    referencing new table as added for each statement execute function announce_rows('outcome');
-- Labels come a page at a time: one announcement for each labeler in it, by its newest label.
create function announce_labels() returns trigger language plpgsql as $$
begin
    perform announce('label', max(label_id)) from added group by labeler;
    return null;
end
$$;
comment on function announce_labels is 'Announces the newest of the labels that were added of each labeler.';
create trigger label_live after insert on label
    referencing new table as added for each statement execute function announce_labels();
create trigger rename_live after insert on rename
    for each row execute function announce_row('rename', 'rename_id');
create trigger signal_live after insert on signal
    for each row execute function announce_row('signal', 'signal_id');
create trigger mail_live after insert or update on mail
    for each row execute function announce_row('mail', 'mail_id');
create trigger legal_order_live after insert or update on legal_order
    for each row execute function announce_row('order', 'order_id');
create trigger order_event_live after insert or update on order_event
    for each row execute function announce_row('order_event', 'order_event_id');
create trigger collector_state_live after insert or update on collector_state
    for each row execute function announce_row('collector', 'none');
create trigger operator_condition_live after insert or update on operator_condition
    for each row execute function announce_row('collector', 'none');
-- A control account that begins or ceases to be doubted changes what the health of its collector is.
create trigger canary_live after update on canary for each row
    when (
        (old.doubts > 0) is distinct from (new.doubts > 0) or old.retired_at is distinct from new.retired_at
    )
    execute function announce_row('collector', 'none');
