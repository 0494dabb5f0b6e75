"""Every option of raglan, typed, with the help text that its reference page is made from.

Values come from `raglan.toml`, then `RAGLAN_*` variables, then `RAGLAN_*_FILE` files that hold a secret; the later
one wins.
"""

import os
import re
import shlex
from functools import lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

LEAST_KEY = 16
Role = Literal["edge", "web", "engine"]


class Config(BaseSettings):
    """The options of one raglan process."""

    model_config = SettingsConfigDict(env_prefix="RAGLAN_", extra="ignore", validate_default=True)

    data_dir: Path = Field(
        Path("var"), description="Folder for the SQLite database, the secret key and the spool. Made when missing."
    )
    database_url: str = Field(
        "", description="`postgresql://user:password@host:port/name` for several nodes; empty for SQLite in `data_dir`."
    )
    host: str = Field("127.0.0.1", description="Address that raglan listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port that raglan listens on; 0 takes a free one.")
    public_url: str = Field(
        "", description="Address that people and links use. Required when raglan listens beyond loopback."
    )
    secret_key: SecretStr = Field(
        SecretStr(""), description="Signs sessions and page links. Empty: made once and kept in `data_dir/secret.key`."
    )
    roles: Annotated[frozenset[Role], NoDecode] = Field(
        frozenset(("edge", "web", "engine")), description="Parts that this process runs, comma-separated."
    )
    web_threads: int = Field(8, ge=1, le=64, description="Threads that answer screens and REST.")
    engine_threads: int = Field(4, ge=1, le=64, description="Threads that fire due timers.")
    smtp_url: str = Field(
        "smtp://127.0.0.1:25",
        description="Mail server: `smtp://[user:password@]host:port`, `smtps://` for TLS from the start, "
        "`smtp+starttls://` for STARTTLS. Empty switches mail off.",
    )
    smtp_from: str = Field("raglan@localhost", description="Sender address of mail.")
    mail_in_port: int = Field(
        0, ge=0, le=65535, description="Port on which mail comes in by SMTP, such as 8025. 0: no mail comes in."
    )
    mail_in_host: str = Field("127.0.0.1", description="Address that the mail listener listens on.")
    mail_in_domain: str = Field(
        "", description="Domain of addresses such as `alerts+TOKEN@…`; empty: the host name in `public_url`."
    )
    demo: bool = Field(default=False, description="Demonstration: one click on loopback signs in as one of its people.")
    allow_data_loss: bool = Field(
        default=False,
        description="Serve although the database does not keep what it acknowledged. For tests of speed only.",
    )
    live_streams: int = Field(
        5_000, ge=1, le=100_000, description="Pages that may be told of changes at once; others ask every 30 seconds."
    )
    intake_queue: int = Field(10_000, ge=1, description="Signals that may wait for the disk before 503 is answered.")
    send_deadline_s: float = Field(
        10, gt=0, le=60, description="Longest time for one hand-over to a provider, seconds."
    )
    lease_s: float = Field(20, gt=0, le=600, description="How long a claim on due work lasts, seconds.")
    drain_s: float = Field(8, gt=0, le=60, description="Longest time for a shutdown, seconds.")
    trusted_proxy_count: int = Field(0, ge=0, le=8, description="Reverse proxies whose forwarded address is believed.")
    provider_order: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Which providers are asked, in order, by channel and beginning of the number, comma-separated: "
        "`voice:+49=sip/twilio, voice=twilio`. Empty: all that are set up.",
    )
    mail_reply_to: str = Field(
        "",
        description="Address for replies to pages, such as `reply@raglan.example.org`, at a domain whose mail comes in "
        "here (`mail_in_port`). Empty: mails are answered by their link alone.",
    )
    mail_bounces_to: str = Field(
        "",
        description="Address to which mail comes back that was refused later, such as `bounces@raglan.example.org`, "
        "at a domain whose mail comes in here (`mail_in_port`). Empty: it comes back to `smtp_from`, and is not read.",
    )
    ntfy_url: str = Field(
        "", description="Your ntfy server, such as `https://ntfy.example.org`; people then give a topic. Empty: off."
    )
    ntfy_token: SecretStr = Field(
        SecretStr(""), description="Access token for `ntfy_url`, with the right to write to all topics of people."
    )
    apprise_url: SecretStr = Field(
        SecretStr(""),
        description="Service that Apprise brings pages to, with `{address}` where a person's own part stands, such as "
        "`signal://gateway.example.org:8080/+491512345678/{address}`; needs the extra `raglan[apprise]`. Empty: off.",
    )
    twilio_url: str = Field("https://api.twilio.com", description="Twilio's API, or a provider that speaks it.")
    twilio_account: str = Field("", description="Account of Twilio (`AC…`). Empty: no text messages and calls by it.")
    twilio_token: SecretStr = Field(
        SecretStr(""), description="Auth token of that account; it also checks what Twilio calls back."
    )
    twilio_from: str = Field("", description="Number that texts come from, or a messaging service (`MG…`).")
    twilio_voice_from: str = Field("", description="Number that calls come from. Empty: `twilio_from`.")
    twilio_callbacks: bool = Field(
        default=True,
        description="Twilio reaches `public_url`: keys and replies answer. Off: results are fetched, links answer.",
    )
    sms_per_hour: int = Field(
        60, ge=0, description="Text messages that an hour may have from one provider; 0 sets no limit."
    )
    voice_per_hour: int = Field(60, ge=0, description="Calls that an hour may have from one provider; 0 sets no limit.")
    sip_account: str = Field(
        "",
        description="Account of raglan at your telephone system, such as `sip:raglan@pbx.example.org`; "
        "`;transport=tcp` or `;transport=tls` may follow. Empty: no calls over SIP.",
    )
    sip_password: SecretStr = Field(SecretStr(""), description="Password of that account.")
    sip_outbound: str = Field("", description="Outbound proxy, such as `sip:proxy.example.org`. Empty: none.")
    sip_lines: int = Field(2, ge=1, le=20, description="Calls over SIP at once from one node.")
    sip_rtp_ports: str = Field(
        "42000-42999", pattern=r"^\d{4,5}-\d{4,5}$", description="UDP ports for the sound of calls."
    )
    sip_voice: str = Field(
        "en", pattern=r"^[a-z]{2,3}([-+][A-Za-z0-9-]{1,20})*$", description="Voice of espeak-ng that speaks pages."
    )
    allow_networks: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Networks inside your own that webhooks may reach, such as `10.0.0.0/8`; comma-separated.",
    )
    metrics_token: SecretStr = Field(
        SecretStr(""), description="Bearer token for `/metrics` from other machines. Empty: loopback only."
    )
    fleet_days: int = Field(
        180, ge=1, le=4_000, description="Days that moves of packages and turns of services of hosts are kept."
    )
    run_days: int = Field(90, ge=1, le=4_000, description="Days that runs of automation on hosts are kept.")
    signal_days: int = Field(14, ge=1, le=400, description="Days that raw signals are kept.")
    sign_of_life_url: str = Field(
        "",
        description="Address outside that gets a sign of life each minute while raglan can page. Empty: none.",
    )
    peer_url: str = Field("", description="Another raglan; each watches the other, and pages when it is silent.")
    peer_key: SecretStr = Field(SecretStr(""), description="Signs what the two raglans say to each other; 16 or more.")
    peer_every_s: float = Field(30, ge=1, le=300, description="Seconds between two hellos; three misses page.")
    spool_mb: int = Field(
        256,
        ge=0,
        le=100_000,
        description="Room in `data_dir` for signals that come while PostgreSQL is away, MiB; 0 to refuse them.",
    )
    last_resort_after_s: float = Field(
        60,
        ge=0,
        le=3600,
        description="Seconds without PostgreSQL until a node pages for critical signals by itself; 0: never.",
    )
    last_resort_every_s: float = Field(
        60, ge=1, le=3600, description="Seconds between two looks at who would be paged then."
    )
    disk_reserve_mb: int = Field(
        64, ge=0, le=10_000, description="Room in `data_dir` that is given up when the disk is full, MiB; 0 for none."
    )
    files_mb: int = Field(
        2048,
        ge=0,
        le=1_000_000,
        description="Room for pictures and files at the entries of all incidents, MiB; an incident has 200 at most.",
    )
    safe_mode_after: int = Field(
        3,
        ge=0,
        le=20,
        description="Unexpected ends within five minutes after which only intake and engine run; 0: never.",
    )
    storm_groups: int = Field(
        20,
        ge=0,
        description="Groups that may page a policy within a minute; one page takes the rest. 0: no limit.",
    )
    flap_changes: int = Field(
        6,
        ge=0,
        le=1_000,
        description="Openings and ends of one alert from which on it flaps: it pages once and is then held back, "
        "unless its route or source says otherwise. 0: never.",
    )
    flap_within_min: int = Field(60, ge=1, le=1_440, description="Minutes in which those changes are counted.")
    flap_quiet_min: int = Field(
        30, ge=1, le=1_440, description="Minutes without a change after which an alert does not flap any more."
    )
    flap_open_min: int = Field(
        10, ge=0, le=1_440, description="Minutes after which a critical alert that flaps and stays open pages."
    )
    unannounced_hosts: int = Field(
        3,
        ge=0,
        le=10_000,
        description="Hosts on which the same package moves the same way before that is a change which nobody "
        "announced. 0: never.",
    )
    unannounced_within_min: int = Field(10, ge=1, le=1_440, description="Minutes within which they do.")
    status_folders: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Folders below which the public status page may be written, comma-separated. Empty: none.",
    )
    status_commands: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Commands that may bring the public status page somewhere, one a line: "
        "`web=rsync -a {folder}/ web.example.org:/srv/status/`. They are run without a shell.",
    )
    mirror_commands: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Commands that say which packages a mirror has, one a line: `artifacts=/usr/local/bin/list`. "
        "They print a package in a line: name, version, architecture. They are run without a shell.",
    )
    status_per_minute: int = Field(
        120, ge=1, le=10_000, description="Mails and webhooks about the status page that go out in a minute, at most."
    )
    hold_longest_h: int = Field(
        72, ge=1, le=720, description="Hours that a hold may last before somebody has to extend it by hand."
    )
    gate_file: str = Field(
        "", description="File with every hold, kept fresh for hosts, such as `/srv/status/gate.txt`. Empty: none."
    )
    gate_command: str = Field(
        "",
        description="Command that brings that file elsewhere when a hold changes and every four minutes, without a "
        "shell: `rsync {file} web.example.org:/srv/gate.txt`. Empty: none.",
    )
    gate_dns_port: int = Field(
        0, ge=0, le=65535, description="UDP port on which the gate answers by DNS, such as 5353. 0: none."
    )
    gate_dns_host: str = Field("127.0.0.1", description="Address that it answers on by DNS.")
    gate_dns_zone: str = Field("", description="Zone that it answers for, such as `gate.example.org`.")
    gate_dns_networks: Annotated[list[str], NoDecode] = Field(
        default_factory=lambda: ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
        description="Networks whose questions are answered by DNS, comma-separated.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")

    @field_validator("roles", mode="before")
    @classmethod
    def _split_roles(cls, value: object) -> object:
        return frozenset(_words(value)) if isinstance(value, str) else value

    @field_validator("status_commands", "mirror_commands", mode="before")
    @classmethod
    def _split_lines(cls, value: object) -> object:
        return [line.strip() for line in value.splitlines() if line.strip()] if isinstance(value, str) else value

    @field_validator("status_commands", "mirror_commands")
    @classmethod
    def _are_commands(cls, value: list[str]) -> list[str]:
        for line in value:
            if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39} *=.*\S.*", line):
                raise ValueError("write each as `name=program and its arguments`")
            shlex.split(line.partition("=")[2])  # says which mark is missing
        return value

    @field_validator("status_folders")
    @classmethod
    def _are_whole_paths(cls, value: list[str]) -> list[str]:
        for path in value:
            if not Path(path).is_absolute() or len(Path(path).parts) < 3:
                raise ValueError("write whole paths such as /srv/status")
        return value

    @field_validator("allow_networks", "provider_order", "status_folders", "gate_dns_networks", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        return _words(value) if isinstance(value, str) else value

    @field_validator("allow_networks", "gate_dns_networks")
    @classmethod
    def _are_networks(cls, value: list[str]) -> list[str]:
        for word in value:
            ip_network(word)
        return value

    @field_validator("provider_order")
    @classmethod
    def _are_rules(cls, value: list[str]) -> list[str]:
        for rule in value:
            if not re.fullmatch(r"[a-z]+(:\+\d{1,15})?=[a-z]+(/[a-z]+)*", rule):
                raise ValueError("write each rule as `voice=sip/twilio` or `voice:+49=sip/twilio`")
        return value

    @field_validator("mail_reply_to")
    @classmethod
    def _is_mail_address(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Za-z0-9._-]{1,30}@[A-Za-z0-9.-]{1,250}", value):
            raise ValueError("write it as reply@raglan.example.org, without a +")
        return value

    @field_validator("mail_bounces_to")
    @classmethod
    def _is_return_address(cls, value: str) -> str:
        if value and not re.fullmatch(r"[a-z0-9_]{1,16}@[A-Za-z0-9.-]{1,190}", value):
            raise ValueError(
                "write it as bounces@raglan.example.org: up to 16 small letters, digits and _ before the @"
            )
        return value

    @field_validator("apprise_url")
    @classmethod
    def _has_a_place(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url and ("{address}" not in url.partition("://")[2] or "://" not in url):
            raise ValueError("write it as service://…/{address}: {address} stands for what each person gives")
        return value

    @field_validator("ntfy_url", "twilio_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("write it as https://host.example.org")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _fill_public_url(self) -> "Config":
        if not self.public_url:
            if not is_loopback(self.host):
                raise ValueError(
                    "public_url: raglan listens beyond this machine; say by which address people reach it."
                )
            self.public_url = f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"
        parts = urlsplit(self.public_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("public_url: write it as https://raglan.example.org")
        self.public_url = self.public_url.rstrip("/")
        if self.peer_url and len(self.peer_key.get_secret_value()) < LEAST_KEY:
            raise ValueError(f"peer_key: must have {LEAST_KEY} or more characters when peer_url is set")
        if self.gate_dns_port and not self.gate_dns_zone.strip("."):
            raise ValueError("gate_dns_zone: say for which zone the gate answers by DNS")
        if self.lease_s <= self.send_deadline_s:
            raise ValueError("lease_s: must be longer than send_deadline_s, or a slow send is done twice")
        return self

    @model_validator(mode="after")
    def _mail_comes_back_to_us(self) -> "Config":
        local, _, domain = self.mail_bounces_to.partition("@")
        if local and local in ("alerts", "headsup", self.mail_reply_to.partition("@")[0].lower()):
            raise ValueError("mail_bounces_to: takes an address of its own, such as bounces@raglan.example.org")
        if local and domain.lower() != self.mail_domain:
            raise ValueError(f"mail_bounces_to: must be at {self.mail_domain}, whose mail comes in here")
        return self

    @property
    def is_https(self) -> bool:
        """Whether people reach raglan over TLS."""
        return self.public_url.startswith("https://")

    @property
    def mail_domain(self) -> str:
        """The domain of addresses to which mail comes in."""
        return (self.mail_in_domain or self.public_host).lower()

    @property
    def public_host(self) -> str:
        """The host name in `public_url`."""
        return urlsplit(self.public_url).hostname or "localhost"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of sources, strongest first."""
        toml = TomlConfigSettingsSource(settings_cls, Path(os.environ.get("RAGLAN_CONFIG", "raglan.toml")))
        return (init_settings, _FileSecrets(settings_cls), env_settings, toml)


class _FileSecrets(PydanticBaseSettingsSource):
    """Reads `RAGLAN_<NAME>_FILE`: the option's value is the content of that file."""

    def get_field_value(self, field: object, field_name: str) -> tuple[object, str, bool]:
        path = os.environ.get(f"RAGLAN_{field_name.upper()}_FILE")
        return (Path(path).read_text(encoding="utf-8").strip() if path else None, field_name, False)

    def __call__(self) -> dict[str, object]:
        values = {name: self.get_field_value(None, name)[0] for name in self.settings_cls.model_fields}
        return {name: value for name, value in values.items() if value is not None}


def is_loopback(host: str) -> bool:
    """Tell whether an address or name means this machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _words(value: str) -> list[str]:
    return [word.strip() for word in value.split(",") if word.strip()]


@lru_cache(maxsize=1)
def config() -> Config:
    """Return the options of this process, read once."""
    return Config()
