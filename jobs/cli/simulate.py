"""The command `simulate`: the simulators alone, to test other clients."""

from datetime import datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from collectors.simulator.core.faults import PROFILES, FaultPlan, profile
from collectors.simulator.core.history import History, HistoryAccount
from collectors.simulator.core.mastodon_ids import actor_of
from collectors.simulator.core.server import first_time
from jobs.base.errors import CommandError
from jobs.base.event_loop import for_ever, run
from jobs.cli.command import examples
from jobs.rehearsal.simulators import TOKEN, Played, acts_for, read_history_file, serving
from storage.model.core.accounts import Platform

_X_CALLS = (
    "GET /2/users?ids=…                    up to 100 accounts; user.fields as X names them",
    "GET /2/users/by?usernames=…           up to 100 accounts by handle",
    "GET /2/users/:id                      one account",
    "GET /2/users/:id/tweets               its posts, in pages",
    "GET /2/users/:id/following            whom it follows, in pages",
    "GET /2/users/:id/liked_tweets         its likes, if the account itself signed the request",
    "POST, GET /2/compliance/jobs          why accounts of a list are no longer shown",
)
_BLUESKY_CALLS = (
    "GET /xrpc/app.bsky.actor.getProfiles       up to 25 accounts; labels for atproto-accept-labelers",
    "GET /xrpc/app.bsky.actor.getProfile        one account, or why it is not shown",
    "GET /xrpc/app.bsky.graph.getRelationships  which of the given accounts an account follows",
    "GET /xrpc/com.atproto.identity.resolveHandle",
    "GET /xrpc/com.atproto.sync.getRepoStatus   the status of the account on its server",
    "GET /xrpc/com.atproto.repo.listRecords     likes, reposts, follows, posts",
    "GET /xrpc/com.atproto.label.queryLabels    labels of the country labelers",
    "GET /:did and /:did/log/audit              the directory of DIDs",
    "WS  /subscribe                             account and identity events, as Jetstream sends them",
)
_MASTODON_CALLS = (
    "GET /api/v1/accounts?id[]=…                 up to 40 accounts",
    "GET /api/v1/accounts/:id, /lookup?acct=…    one account",
    "GET /api/v1/accounts/:id/statuses           its posts, in pages",
    "GET /api/v1/statuses/:id/favourited_by      who favourited a post",
    "GET /users/:name                            the actor document (Accept: application/activity+json)",
    "GET /.well-known/webfinger?resource=…",
    "GET /api/v2/instance, /api/v1/instance/domain_blocks",
)
_CALLS = {
    Platform.X: _X_CALLS,
    Platform.BLUESKY: _BLUESKY_CALLS,
    Platform.MASTODON: _MASTODON_CALLS,
}
_NAMES = {Platform.X: "X", Platform.BLUESKY: "Bluesky", Platform.MASTODON: "Mastodon"}


def fault_plan(name: str) -> FaultPlan:
    """The fault profile given with --faults. Raises CommandError with the names there are."""
    try:
        return profile(name)
    except ValueError as error:
        raise CommandError(f"--faults: {error}.") from error


def guide(platform: Platform, address: str, history: History, now: datetime) -> list[str]:
    """Return instructions for testing a client against the simulator at `address`, a line each."""
    accounts = [account for account in history.accounts if account.platform is platform]
    lines = [f"{_NAMES[platform]} on {address}, {len(accounts):,} accounts", *_notes(platform, accounts)]
    lines += [f"  {call}" for call in _CALLS[platform]]
    clock = f'{{"now": "{now.isoformat()}"}}'
    lines += [
        f"  set its fixed clock:    curl -X PUT {address}/_simulator/clock -d '{clock}'",
        f"  its request counts:     curl {address}/_simulator/counts",
        f"  example request:        {_first_try(address, accounts[0])}",
    ]
    return lines


def register(cli: typer.Typer) -> None:
    """Add the command to the command line."""
    cli.command("simulate", epilog=examples("blockline simulate history.csv --faults light"))(_simulate)


def _simulate(
    history: Annotated[Path, typer.Argument(metavar="FILE", help="Status history: CSV, plain or gzipped.")],
    *,
    platform: Annotated[
        Played | None, typer.Option(help="Serve all accounts on this platform. Default: as in the file.")
    ] = None,
    acts: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Engagements of executives on X, CSV.")
    ] = None,
    faults: Annotated[
        str, typer.Option(metavar="PROFILE", help=f"Faults of the platform: {', '.join(PROFILES)}.")
    ] = "none",
    port: Annotated[
        int,
        typer.Option(
            metavar="PORT",
            help="Port of the first platform; others use the next ports. 0 chooses free ports.",
            min=0,
            max=65533,
        ),
    ] = 8060,
) -> None:
    """Local servers speak the APIs of X, Bluesky and Mastodon, and play back a status history."""
    plan = fault_plan(faults)
    served = read_history_file(history, platform)
    done = acts_for(acts, served)

    async def serve() -> None:
        try:
            async with serving(served, done, plan, port) as addresses:
                for on, address in addresses.items():
                    print("\n".join(guide(on, address, served, first_time(served))), end="\n\n")
                print("Press Ctrl-C to stop.", flush=True)
                await for_ever()
        except ValueError as error:
            raise CommandError(f"{history.name}: {error}.") from error
        except OSError as error:
            raise CommandError(
                f"--port: cannot listen on port {port} and those after it: {error.strerror}."
            ) from error

    run(serve)


def _notes(platform: Platform, accounts: list[HistoryAccount]) -> list[str]:
    match platform:
        case Platform.X:
            return [f"  bearer token {TOKEN!r}; any other also works"]
        case Platform.BLUESKY:
            return [
                "  without a key; one address for the app view, the accounts' server, labelers and directory"
            ]
        case Platform.MASTODON:
            hosts = dict.fromkeys(actor_of(account.native_id).host for account in accounts)
            return [f"  without a key; the header Host names the server: {', '.join(hosts)}"]


def _first_try(address: str, account: HistoryAccount) -> str:
    match account.platform:
        case Platform.X:
            url = f"{address}/2/users?ids={account.native_id}&user.fields=protected,withheld"
            return f"curl -H 'Authorization: Bearer {TOKEN}' '{url}'"
        case Platform.BLUESKY:
            return f"curl '{address}/xrpc/app.bsky.actor.getProfile?actor={quote(account.native_id)}'"
        case Platform.MASTODON:
            actor = actor_of(account.native_id)
            return f"curl -H 'Host: {actor.host}' {address}/api/v1/accounts/{actor.local_id}"
