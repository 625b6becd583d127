-- Schema 9: what had become of a name of an order until it became what it is now. Without it, a name that is
-- resolved later would change what is answered for a time at which it was not.

create table order_name_past (
    order_name_id bigint not null references order_name on delete cascade,
    until timestamptz not null,
    outcome text not null check (outcome in ('ambiguous', 'unresolvable', 'not tried')),
    note text not null,
    primary key (order_name_id, until)
);
