-- Work: what the leader plans and the workers read. What is on its way is in tables that are not logged and in no
-- backup: after a crash of the database it is reported and asked again.

create unlogged table worker (
    worker_id uuid primary key,
    name text not null,
    address text not null,
    sources text[] not null,
    started_at timestamptz not null,
    seen_at timestamptz not null,
    clock_off interval not null,
    paused jsonb not null
);
comment on table worker is 'The processes that read, as each last reported itself.';
comment on column worker.worker_id is 'The worker.';
comment on column worker.name is 'Its machine and process, for people.';
comment on column worker.address is
    'What the platforms count its requests by: machines that go out by one address share a name.';
comment on column worker.sources is 'What it can read.';
comment on column worker.started_at is 'When it started, by its own clock.';
comment on column worker.seen_at is 'When it last reported itself, by its own clock.';
comment on column worker.clock_off is 'How far its clock is ahead of the clock of the database.';
comment on column worker.paused is 'The sources that it asks nothing of for a while: until when, and why.';

create unlogged table answered (
    question text primary key,
    source text not null,
    worker_id uuid not null,
    asked jsonb not null,
    asked_at timestamptz not null,
    at timestamptz not null,
    answer bytea not null
);
-- Rows come and go many times a second: what is gone is skipped in the index.
create index answered_source_at on answered (source, at);
comment on table answered is 'What a worker was answered, until the leader has recorded it.';
comment on column answered.question is 'Key of the request: the same for each repeat.';
comment on column answered.source is 'Which of the sources of workers it was asked of.';
comment on column answered.worker_id is 'The worker.';
comment on column answered.asked is 'The request.';
comment on column answered.asked_at is 'When it was made.';
comment on column answered.at is 'When the answer came.';
comment on column answered.answer is 'The answer, packed by jobs.dispatch.answer_codec.';

create unlogged table budget (
    budget text primary key,
    platform text not null,
    taken_at timestamptz not null,
    basis text not null check (basis in ('unknown', 'counted', 'no_limit')),
    until timestamptz not null,
    most integer,
    left_over integer not null check (left_over >= 0),
    probe bigint,
    probe_until timestamptz not null,
    busy_until timestamptz not null,
    version bigint not null
);
comment on table budget is
    'What a platform lets one address or one credential ask, shared by all who use it '
    '(storage/model/limits/rate_limits.py).';
comment on column budget.budget is 'Which address or credential, at which place.';
comment on column budget.platform is 'The platform.';
comment on column budget.taken_at is 'When somebody last took a request, or an answer taught something.';
comment on column budget.basis is
    'What is known of the limit: nothing, how many requests are left, or that there is none.';
comment on column budget.until is
    'Counted: the end of the window, as the platform last said. No limit: when that is looked at again. Unknown: no '
    'request goes before.';
comment on column budget.most is 'How many requests a window has. Null: not known.';
comment on column budget.left_over is 'How many requests of the window are left that nobody was given.';
comment on column budget.probe is 'The request whose answer is to tell how many there are. Null: none.';
comment on column budget.probe_until is 'Until when that answer is waited for.';
comment on column budget.busy_until is 'Until when the requests that were given keep the place busy.';
comment on column budget.version is 'Grows with each write: who read an older one reads again.';

-- The queue of requests is PgQueuer's: storage/work/request_queue.py makes its tables, which are not logged.
comment on table pgqueuer is 'PgQueuer: requests that wait for a worker, or that a worker has in hand.';
comment on column pgqueuer.id is 'Number of the job.';
comment on column pgqueuer.priority is 'A higher one is taken first: 1 is urgent, 0 is in turn.';
comment on column pgqueuer.queue_manager_id is 'The worker that has it in hand. Null: none.';
comment on column pgqueuer.created is 'When it was put into the queue.';
comment on column pgqueuer.updated is 'When its status last changed.';
comment on column pgqueuer.heartbeat is 'When its worker was last heard of; after a while another takes it.';
comment on column pgqueuer.execute_after is 'Nobody takes it before this.';
comment on column pgqueuer.status is 'Whether it waits, is in hand, or failed by a fault of ours and is parked.';
comment on column pgqueuer.entrypoint is 'The source that it asks.';
comment on column pgqueuer.dedupe_key is 'Key of the request: it is in the queue once. Null: not used here.';
comment on column pgqueuer.payload is 'The request. Null: not used here.';
comment on column pgqueuer.headers is 'Null: not used here.';
comment on column pgqueuer.attempts is 'How often it was put back into the queue.';
comment on column pgqueuer.slot is 'Null: not used here.';
comment on table pgqueuer_log is 'PgQueuer: what became of jobs. Kept for an hour.';
comment on column pgqueuer_log.id is 'Number of the entry.';
comment on column pgqueuer_log.created is 'When it was written.';
comment on column pgqueuer_log.job_id is 'The job.';
comment on column pgqueuer_log.status is 'Its status from then on.';
comment on column pgqueuer_log.priority is 'Its priority.';
comment on column pgqueuer_log.entrypoint is 'The source that it asks.';
comment on column pgqueuer_log.traceback is 'What went wrong. Null: nothing.';
comment on column pgqueuer_log.aggregated is 'Whether pgqueuer_statistics counts it.';
comment on table pgqueuer_statistics is 'PgQueuer: counts of its log. Blockline reads none.';
comment on column pgqueuer_statistics.id is 'Number of the row.';
comment on column pgqueuer_statistics.created is 'The second that is counted.';
comment on column pgqueuer_statistics.count is 'How many entries.';
comment on column pgqueuer_statistics.priority is 'Their priority.';
comment on column pgqueuer_statistics.status is 'Their status.';
comment on column pgqueuer_statistics.entrypoint is 'Their source.';
comment on table pgqueuer_schedules is 'PgQueuer: repeated jobs. Blockline has none here.';
comment on column pgqueuer_schedules.id is 'Number of the schedule.';
comment on column pgqueuer_schedules.expression is 'When it is due, as a cron expression.';
comment on column pgqueuer_schedules.entrypoint is 'What it starts.';
comment on column pgqueuer_schedules.heartbeat is 'When its process was last heard of.';
comment on column pgqueuer_schedules.created is 'When it was made.';
comment on column pgqueuer_schedules.updated is 'When its status last changed.';
comment on column pgqueuer_schedules.next_run is 'When it is due next.';
comment on column pgqueuer_schedules.last_run is 'When it last ran. Null: never.';
comment on column pgqueuer_schedules.status is 'Whether it waits or runs.';

comment on function fn_pgqueuer_changed is 'PgQueuer: wakes the workers when a request is put into the queue.';

create table planner_memory (
    platform text not null,
    place text not null,
    learned jsonb not null,
    saved_at timestamptz not null,
    primary key (platform, place)
);
comment on table planner_memory is
    'What the adaptive planner learned by reading. It can be lost: it is learned again.';
comment on column planner_memory.platform is 'The platform.';
comment on column planner_memory.place is 'Which server. Empty where one server answers for the whole platform.';
comment on column planner_memory.learned is 'What it learned.';
comment on column planner_memory.saved_at is 'When that was saved.';

create table account_day (
    platform text not null,
    day date not null,
    native_id text not null,
    why text check (why in ('turn', 'ahead', 'promised', 'again', 'sentinel')),
    primary key (platform, day, native_id)
);
comment on table account_day is
    'Who was asked for on a UTC day, and so counts as paid for, where a platform bills by account and day. Written '
    'before the request; it must outlive a crash, or the same money would be spent twice. Days that are over are '
    'forgotten.';
comment on column account_day.platform is 'The platform.';
comment on column account_day.day is 'The UTC day.';
comment on column account_day.native_id is 'The account, by the platform''s own id.';
comment on column account_day.why is
    'Why it was read. Null: a control account, or one that was asked for before the daily cost limit was set.';

create table account_ceiling (
    platform text primary key,
    day date not null,
    most integer not null,
    in_turn integer not null,
    sentinels integer not null,
    round_days integer,
    waiting integer not null
);
comment on table account_ceiling is
    'The daily cost limit of a platform, and how its day is divided, as the process that reads last said.';
comment on column account_ceiling.platform is 'The platform.';
comment on column account_ceiling.day is 'The UTC day.';
comment on column account_ceiling.most is 'How many accounts may be asked for on that day. Never raised on one day.';
comment on column account_ceiling.in_turn is 'How many of them are read in turn.';
comment on column account_ceiling.sentinels is 'How many of them are sentinel accounts.';
comment on column account_ceiling.round_days is
    'Days in which everybody has had a turn. Null: the limit leaves no turn.';
comment on column account_ceiling.waiting is
    'Accounts that were to be read out of turn that day, and wait for the next.';
