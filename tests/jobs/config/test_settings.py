"""Settings: where they come from, and the sentence that a wrong one gets."""

import os
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from jobs.config.dashboard_login import doubts_about_login, login_of, require_login
from jobs.config.database import ready
from jobs.config.secret_files import other_readers, permission_warnings
from jobs.config.settings import Settings, SettingsError, load_settings
from jobs.runtime.app import refuse_unknown_channels
from storage.model.core.people import Role
from storage.postgres.errors import SchemaTooNew, SchemaTooOld, StorageError
from storage.postgres.schema import check_schema

DID = "did:plc:5q524mlvslhwwlcomnk7dzj4"


def from_file(tmp_path: Path, text: str, **environ: str) -> Settings:
    path = tmp_path / "blockline.toml"
    path.write_text(text)
    return load_settings(path, environ)


@pytest.mark.parametrize(
    ("text", "environ", "sentence"),
    [
        pytest.param(
            "port = 99999", {}, r"^Setting port \(in .*blockline\.toml\): .*65535", id="too large a port"
        ),
        pytest.param(
            "prot = 1",
            {},
            r"^Setting prot \(in .*blockline\.toml\) does not exist; check its spelling\.$",
            id="a misspelt name",
        ),
        pytest.param('sweep_every = "soon"', {}, r"^Setting sweep_every .*15m", id="a duration that is none"),
        pytest.param(
            'recipients_zone = "India"', {}, r"^Setting recipients_zone .*Asia/Kolkata", id="no zone"
        ),
        pytest.param('smtp_security = "ssl"', {}, r"^Setting smtp_security .*starttls", id="an unknown word"),
        pytest.param(
            'x_canaries = ["X"]',
            {},
            r"^Setting x_canaries \(in .*blockline\.toml\): 'X' .*id:handle:status",
            id="half a canary",
        ),
        pytest.param(
            f'x_canaries = ["{DID}:bsky.app:available"]',
            {},
            r"^Setting x_canaries .*783214:X:available",
            id="a canary of another platform",
        ),
        pytest.param(
            f'bluesky_canaries = ["{DID}:bsky.app:fine"]', {}, "^Setting bluesky_canaries", id="a status"
        ),
        pytest.param(
            'platforms = ["myspace"]', {}, "^Setting platforms .*'bluesky'", id="no platform of ours"
        ),
        pytest.param("platforms = []", {}, "^Setting platforms .*at least one", id="no platform at all"),
        pytest.param(
            'bluesky_labelers = { tr = "did:web:a.b" }',
            {},
            "^Setting bluesky_labelers .*'tr'",
            id="no country",
        ),
        pytest.param(
            'bluesky_labelers = { TR = "x" }', {}, "^Setting bluesky_labelers .*DID", id="no labeler"
        ),
        pytest.param(
            "", {"BLOCKLINE_BLUESKY_LABELERS": "TR"}, "^Setting bluesky_labelers .*entry 1", id="half a table"
        ),
        pytest.param(
            "",
            {"BLOCKLINE_BLUESKY_LABELERS": "TR=did:web:a.b,TR=did:web:c.d"},
            "^Setting bluesky_labelers .*twice",
            id="a name that is there twice",
        ),
        pytest.param(
            'bluesky_jetstream = "https://a.b"', {}, "^Setting bluesky_jetstream", id="no websocket"
        ),
        pytest.param(
            'trusted_proxies = ["proxy.example"]',
            {},
            "^Setting trusted_proxies .*10.0.0.0/8",
            id="a proxy by its name, which others may change",
        ),
        pytest.param('x_base_url = "api.x.com"', {}, "^Setting x_base_url .*https://", id="no scheme"),
        pytest.param(
            'trusted_hosts = ["https://a.b"]', {}, "^Setting trusted_hosts", id="an address, no host"
        ),
        pytest.param('mastodon_observers = ["a.b:0x1"]', {}, "^Setting mastodon_observers", id="an odd port"),
        pytest.param(
            'mastodon_watched_posts = ["https://a.b/@c"]', {}, "^Setting mastodon_watched_posts", id="no post"
        ),
        pytest.param('operators = ["me"]', {}, "^Setting operators .*email address", id="no mail address"),
        pytest.param(
            'recipients = ["Desk <desk@x.org>"]',
            {},
            r"^Setting recipients \(in .*\): 'Desk <desk@x.org>' is neither an email address",
            id="a name beside the address",
        ),
        pytest.param(
            'operators = ["dësk@x.org"]', {}, "^Setting operators .*email address", id="no plain address"
        ),
        pytest.param(
            "x_daily_cost = 20", {}, '^Setting x_daily_cost .*needs planner = "adaptive"', id="a cost, swept"
        ),
        pytest.param(
            "x_daily_cost = 20",
            {"BLOCKLINE_PLANNER": "adaptive", "BLOCKLINE_X_FOLLOWS_EVERY": "1d"},
            "^Setting x_daily_cost .*cannot be combined with x_follows_every",
            id="a cost, and follows of any number",
        ),
        pytest.param(
            'x_daily_cost = "20"',
            {"BLOCKLINE_PLANNER": "adaptive", "BLOCKLINE_SWEEP_EVERY": "2d"},
            "^Setting x_daily_cost .*needs a sweep_every of at most 1d",
            id="a cost, and a sweep of days",
        ),
        pytest.param('x_daily_cost = "1.99"', {}, "^Setting x_daily_cost .*between 2 and", id="too little"),
        pytest.param('x_follows_every = "1h"', {}, "^Setting x_follows_every .*1d", id="follows too often"),
        pytest.param(
            'mastodon_origins = { "a.b" = "mirror" }',
            {},
            "^Setting mastodon_origins .*'mirror'",
            id="no origin",
        ),
        pytest.param('role = "owner"', {}, "^Setting role .*'viewer', 'analyst' or 'admin'", id="no role"),
        pytest.param("port = ", {}, r"blockline\.toml: the file is not valid TOML", id="not TOML"),
        pytest.param(
            f"port = {'9' * 5000}",
            {},
            r"valid TOML \(it contains a number that is too long\)",
            id="a long number",
        ),
        pytest.param(
            f"platforms = {'[' * 5000}",
            {},
            r"TOML \(it contains brackets that are nested too",
            id="deep brackets",
        ),
        pytest.param(
            "smtp_per_minute = 0",
            {},
            r"^Setting smtp_per_minute \(in .*\): it must be at least 1\.$",
            id="too small a number",
        ),
        pytest.param('port = "x"', {}, "^Setting port .*: it must be a whole number", id="no number"),
        pytest.param("x_compliance = 3", {}, "^Setting x_compliance .* must be true or false", id="no flag"),
        pytest.param(
            'operators = ["a@b.org", 1]',
            {},
            "^Setting operators .*: entry 2 must be text in quotes",
            id="no text",
        ),
        pytest.param(
            "[channels]\nnewsroom = 1",
            {},
            "^Setting channels .*: 'newsroom' must be text in quotes",
            id="no address of a channel",
        ),
        pytest.param("mail_templates = 1", {}, "^Setting mail_templates .* name of a file", id="no folder"),
        pytest.param("recipients = 1", {}, r"^Setting recipients .*: it must be a list\.$", id="no list"),
        pytest.param(
            "port = 1\n[[rules]]\nname = 'A'\nrecipients = []\nzone = 'India'\n",
            {},
            r"^Setting rules \(in .*blockline\.toml, line 5\): rule 'A': 'India' is not a time zone",
            id="a key of a rule",
        ),
        pytest.param(
            "port = 1\n[[rules]]\nname = 'A'\n",
            {},
            r"^Setting rules \(in .*blockline\.toml, line 2\): rule 'A': recipients is missing",
            id="a rule that lacks a key",
        ),
        pytest.param(
            "[[rules]]\nname = 'A'\nrecipients = []\n[[rules]]\nname = 'A'\nrecipients = []\n",
            {},
            r"^Setting rules \(in .*, line 5\): the name 'A' is already taken",
            id="two rules of one name",
        ),
        pytest.param(
            "rules = [{ name = 'A' }]",
            {},
            r"^Setting rules \(in .*blockline\.toml\): rule 'A': recipients is missing",
            id="a rule without a line of its own",
        ),
        pytest.param(
            "",
            {"BLOCKLINE_PORT": "many"},
            r"^Setting port \(in the environment, as BLOCKLINE_PORT\)",
            id="a wrong value in the environment",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_its_place(
    tmp_path: Path, text: str, environ: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        from_file(tmp_path, text, **environ)


@pytest.mark.parametrize(
    ("text", "environ", "sentence"),
    [
        pytest.param(
            '[[rules]]\nname = "Chat"\nrecipients = ["apprise:newsrom"]\n',
            {},
            r"^Setting rules \(in .*blockline\.toml\): rule 'Chat' names apprise:newsrom, which is "
            "in none of the settings channels, webhooks and pagerduty",
            id="in a rule of the file",
        ),
        pytest.param(
            "",
            {"BLOCKLINE_RECIPIENTS": "webhook:desk"},
            r"^Setting recipients \(in the environment, as BLOCKLINE_RECIPIENTS\): .* names webhook:desk",
            id="among the recipients",
        ),
        pytest.param(
            'operators = ["webhook:desk"]',
            {},
            r"^Setting operators \(in .*toml\) names the channel webhook:desk, which is in none "
            r"of the settings channels, webhooks and pagerduty\.$",
            id="among the operators",
        ),
    ],
)
def test_a_channel_that_there_is_not_is_named_with_the_place_and_the_rule(
    tmp_path: Path, text: str, environ: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        refuse_unknown_channels(from_file(tmp_path, text, **environ))


def test_a_settings_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml: the file does not exist"):
        load_settings(tmp_path / "none.toml", {})


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org"])
def test_without_a_login_no_other_machine_may_reach_the_dashboard(host: str) -> None:
    with pytest.raises(SettingsError, match="Setting host"):
        require_login(Settings(host=host, auth="none"))


OIDC = """
auth = "oidc"
oidc_issuer = "https://id.example.org/realm/"
oidc_client_id = "blockline"
oidc_client_secret = "hush-hush"
"""


def test_with_a_login_other_machines_may_reach_the_dashboard(tmp_path: Path) -> None:
    for settings in (Settings(host="0.0.0.0", auth="password"), from_file(tmp_path, OIDC)):
        require_login(settings)
    login = login_of(from_file(tmp_path, OIDC + 'dashboard_url = "https://watch.example.org"'))
    assert login is not None
    assert login.is_secure
    assert login.provider is not None
    assert (login.provider.issuer, login.provider.client_secret) == (
        "https://id.example.org/realm",
        "hush-hush",
    )
    assert "hush-hush" not in repr(login)
    assert login_of(Settings(auth="none")) is None
    required = login_of(Settings(auth="password", second_factor_role="analyst"))
    assert required is not None
    assert [r for r in Role if required.requires_second_factor(r)] == [Role.ANALYST, Role.ADMIN]
    assert not any(map(replace(required, second_factor_role=None).requires_second_factor, Role))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('auth = "oidc"', r"Setting auth \(in .*\): \"oidc\" needs oidc_issuer, oidc_client_id and"),
        (OIDC.replace("https", "http"), r"Setting oidc_issuer .*: the address must start with https://\."),
        (OIDC + 'oidc_role_claim = "groups"', "Set both oidc_role_claim and oidc_roles, or neither"),
        (OIDC + '[oidc_roles]\nstaff = "admin"', "Set both oidc_role_claim and oidc_roles, or neither"),
    ],
)
def test_a_provider_that_lacks_something_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        require_login(from_file(tmp_path, text))


def test_a_role_that_is_none_is_refused(tmp_path: Path) -> None:
    text = OIDC + 'oidc_role_claim = "groups"\n[oidc_roles]\nstaff = "boss"'
    with pytest.raises(SettingsError, match=r"Setting oidc_roles .*: 'boss' is not a role"):
        from_file(tmp_path, text)


@pytest.mark.parametrize(
    ("settings", "admins", "said"),
    [
        pytest.param(Settings(auth="none"), 0, [], id="without a login nothing is missing"),
        pytest.param(Settings(auth="password"), 1, [], id="somebody can make the others"),
        pytest.param(
            Settings(auth="password"), 0, ["blockline users add NAME --role admin"], id="nobody can"
        ),
        pytest.param(
            Settings(auth="password", host="0.0.0.0"), 1, ["Set dashboard_url"], id="nobody else knows it"
        ),
        pytest.param(
            Settings(auth="password", host="0.0.0.0", dashboard_url="http://watch.example.org"),
            1,
            ["unencrypted"],
            id="passwords can be read on the way",
        ),
        pytest.param(
            Settings(auth="password", host="0.0.0.0", dashboard_url="https://watch.example.org"),
            1,
            [],
            id="behind a proxy with TLS",
        ),
        pytest.param(
            Settings(auth="password", dashboard_url="https://watch.example.org"),
            1,
            ["trusted_proxies"],
            id="behind a proxy on this machine whose word is not taken",
        ),
        pytest.param(
            Settings(
                auth="password",
                dashboard_url="https://watch.example.org",
                trusted_proxies=("127.0.0.1",),
            ),
            1,
            [],
            id="behind a proxy on this machine whose word is taken",
        ),
        pytest.param(
            Settings(auth="none", dashboard_url="https://watch.example.org"),
            0,
            ["has the role admin without login"],
            id="behind a proxy without a login",
        ),
    ],
)
def test_whoever_starts_it_is_told_what_a_login_lacks(
    settings: Settings, admins: int, said: list[str]
) -> None:
    doubts = doubts_about_login(settings, admins)
    assert len(doubts) == len(said)
    assert all(words in doubt for words, doubt in zip(said, doubts, strict=True))


SECRET = "hush-hush"


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"VANTAGES": f"tr=socks5://me:{SECRET}@p:1"}, "entry 1 is not the address of a proxy"),
        ({"VANTAGES": f"tr=http://me:{SECRET}, {SECRET}@p:1"}, "entry 2 does not have the form"),
        ({"VANTAGES": f"{SECRET}!=http://p:1"}, "the name of entry 1"),
        ({"X_LIKES": f"7:7-token:{SECRET}:more", "X_CONSUMER_KEY": "k"}, "entry 1 does not have the form"),
        ({"X_LIKES": f"7:8-token:{SECRET}", "X_CONSUMER_KEY": "k"}, "entry 1 does not have the form"),
        (
            {"X_LIKES": f"7:7-token:{SECRET}", "X_CONSUMER_KEY": SECRET},
            "needs x_consumer_key and x_consumer_sec",
        ),
        ({"DATABASE_URL": f"postgresql://u:{SECRET}@db/x", "PORT": "no"}, "Setting port"),
        ({"DATABASE_READ_URL": f"postgresql://u:{SECRET}@db/x"}, "needs database_url, because"),
    ],
)
def test_no_complaint_shows_a_secret(tmp_path: Path, environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError) as refused:
        from_file(tmp_path, "", **{f"BLOCKLINE_{name}": value for name, value in environ.items()})
    assert sentence in str(refused.value)
    assert "(in the environment, as BLOCKLINE_" in str(refused.value)
    assert SECRET not in str(refused.value)


OWN = Settings()


async def test_our_own_database_is_migrated(empty_dsn: str) -> None:
    await ready(OWN, empty_dsn)
    await check_schema(empty_dsn)


@pytest.mark.parametrize(
    ("revision", "error", "fix"),
    [("9999", SchemaTooNew, "Upgrade Blockline"), ("0023", SchemaTooOld, "blockline restore FILE")],
)
async def test_our_own_database_of_a_newer_or_a_development_version_is_refused(
    dsn: str, revision: str, error: type[StorageError], fix: str
) -> None:
    conn = await asyncpg.connect(dsn)
    await conn.execute("update alembic_version set version_num = $1", revision)
    await conn.close()
    with pytest.raises(error, match=fix):
        await ready(OWN, dsn)


FILE_SECRET = "hush-hush-hush"


def secret_file(tmp_path: Path, content: bytes) -> str:
    (tmp_path / "secret").write_bytes(content)
    return str(tmp_path / "secret")


def test_a_file_that_cannot_be_read_is_one_sentence_that_quotes_no_secret(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, clause in (
        (FILE_SECRET, "the file does not exist"),
        ("\0", "the file does not exist"),
        (FILE_SECRET * 1000, "the file cannot be read (File name too long)"),
        (str(tmp_path), "the path is not a file"),
        (str(tmp_path / "pipe"), "the path is not a file"),
    ):
        with pytest.raises(SettingsError) as said:
            from_file(tmp_path, "", BLOCKLINE_SMTP_PASSWORD_FILE=name)
        assert str(said.value) == (
            f"Setting smtp_password_file (in the environment, as BLOCKLINE_SMTP_PASSWORD_FILE): {clause}."
        )


def test_a_secret_is_given_once(tmp_path: Path) -> None:
    file = secret_file(tmp_path, FILE_SECRET.encode())
    with pytest.raises(SettingsError) as said:
        from_file(tmp_path, f"smtp_password = '{FILE_SECRET}'", BLOCKLINE_SMTP_PASSWORD_FILE=file)
    assert str(said.value) == (
        f"Set either smtp_password (in {tmp_path}/blockline.toml) or smtp_password_file (in the environment, "
        "as BLOCKLINE_SMTP_PASSWORD_FILE), not both."
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("port_file = '/dev/null'", r"^Setting port_file \(in .*\) does not exist; check its spelling\.$"),
        (
            "smtp_password_file = 5",
            r"^Setting smtp_password_file \(in .*\): it must be the name of a file, in quotes\.$",
        ),
    ],
)
def test_only_the_name_of_a_file_for_a_secret_is_taken(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        from_file(tmp_path, text)


def test_a_secret_that_is_wrong_is_named_with_its_file(tmp_path: Path) -> None:
    file = secret_file(tmp_path, b"hush hush")
    with pytest.raises(SettingsError) as said:
        from_file(tmp_path, "", BLOCKLINE_YOUTUBE_API_KEY_FILE=file)
    assert str(said.value).startswith(
        "Setting youtube_api_key (in the file that youtube_api_key_file names): it is not an API key"
    )


@pytest.mark.parametrize(
    ("mode", "owner", "readers"),
    [
        (0o600, 1000, None),
        (0o400, 0, None),
        (0o644, 1000, "Every user of this machine"),
        (0o644, 0, "Every user of this machine"),
        (0o604, 1000, "Every user of this machine"),
        (0o640, 1000, "The group of the file"),
        pytest.param(0o640, 0, None, id="root lets the group of a service read its settings"),
        pytest.param(0o622, 1000, None, id="who may only write cannot read"),
    ],
)
def test_who_else_can_read_a_file(mode: int, owner: int, readers: str | None) -> None:
    assert other_readers(Path("/etc/blockline.toml"), 0o100000 | mode, owner) == readers


def test_secrets_of_docker_are_readable_in_the_container_only() -> None:
    assert other_readers(Path("/run/secrets/smtp_password"), 0o100444, 0) is None


def test_files_with_secrets_that_others_can_read_are_named_with_the_settings(tmp_path: Path) -> None:
    file = secret_file(tmp_path, FILE_SECRET.encode())
    text = f"port = 1\nsmtp_password = '{FILE_SECRET}'\nx_bearer_token = 'x'\nyoutube_api_key_file = '{file}'"
    settings = from_file(tmp_path, text, BLOCKLINE_SMTP_PASSWORD="from the environment")
    toml = tmp_path / "blockline.toml"
    for mode in (0o600, 0o644):
        toml.chmod(mode)
        Path(file).chmod(mode)
        said = permission_warnings(settings.secret_files)
        assert said == [] if mode == 0o600 else len(said) == 2
    assert said == [
        f"Every user of this machine can read {toml}, which contains smtp_password, x_bearer_token. Let only "
        f"Blockline's user read it, for example with: chmod 600 {toml}",
        f"Every user of this machine can read {file}, which contains youtube_api_key. Let only "
        f"Blockline's user read it, for example with: chmod 600 {file}",
    ]
    Path(file).unlink()
    assert len(permission_warnings(settings.secret_files)) == 1
