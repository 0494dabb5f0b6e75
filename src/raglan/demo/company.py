"""Loomhaven, a marketplace for handmade things that does not exist: people, teams, rotas, services. Data only."""

from dataclasses import dataclass

NAME = "Loomhaven"
SITE = "loomhaven"
TIME_ZONE = "America/New_York"
MAIL_DOMAIN = "example.test"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the company."""

    key: str
    name: str
    team: str
    role: str = "responder"
    is_lead: bool = False

    @property
    def email(self) -> str:
        """Return an address that reaches nobody outside."""
        return f"{self.key}@{MAIL_DOMAIN}"


@dataclass(frozen=True, slots=True)
class Team:
    """A team; its rota lists who takes turns, whoever is on call in the story first."""

    slug: str
    name: str
    rota: tuple[str, ...] = ()
    handoff_weekday: int = 4
    handoff_time: str = "09:00"


@dataclass(frozen=True, slots=True)
class Service:
    """Something that a team runs or relies on."""

    slug: str
    name: str
    team: str = ""
    kind: str = "service"
    purposes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    instead: str = ""


PEOPLE = (
    Person("noor", "Noor Haddad", "systems", role="manager", is_lead=True),
    Person("ike", "Ike Okafor", "systems"),
    Person("mara", "Mara Novak", "systems"),
    Person("hana", "Hana Lind", "web", role="manager", is_lead=True),
    Person("jun", "Jun Tan", "web"),
    Person("kei", "Kei Sato", "web"),
    Person("lior", "Lior Berg", "search", is_lead=True),
    Person("ana", "Ana Reyes", "search"),
    Person("dee", "Dee Kaya", "data", is_lead=True),
    Person("tess", "Tess Berg", "data"),
    Person("bo", "Bo Silva", "payments", is_lead=True),
    Person("uma", "Uma Rao", "payments"),
    Person("sol", "Sol Park", "support", is_lead=True),
    Person("wren", "Wren Abbott", "support"),
    Person("rowan", "Rowan Ellis", "provisioning", is_lead=True),
)
BY_KEY = {person.key: person for person in PEOPLE}

TEAMS = (
    Team("systems", "Systems", ("ike", "mara", "noor")),
    Team("web", "Web", ("jun", "hana", "kei")),
    Team("search", "Search", ("lior", "ana"), handoff_weekday=0),
    Team("data", "Data", ("dee", "tess")),
    Team("payments", "Payments", ("bo", "uma"), handoff_weekday=3),
    Team("support", "Support", ("sol", "wren"), handoff_time="17:00"),
    Team("provisioning", "Provisioning"),
)

# In this order: what is needed comes before what needs it.
SERVICES = (
    Service("card-network", "Card network", kind="vendor"),
    Service("httpd", "Apache on web, api and tools hosts", "systems"),
    Service("mysql", "Listings database", "data", kind="datastore"),
    Service("search-index", "Search index", "search", kind="datastore"),
    Service("yum-mirror", "Package mirror", "provisioning", needs=("httpd",)),
    Service("ssh", "SSH and dsh", "systems", kind="tool", purposes=("get_in", "change")),
    Service("host-logs", "Logs on the hosts", "systems", kind="tool", purposes=("see",), needs=("ssh",)),
    Service("chef", "Chef", "provisioning", kind="tool", purposes=("change",), needs=("yum-mirror",)),
    Service("api", "Public API", "web", needs=("httpd", "mysql")),
    Service("marketplace", "Marketplace site", "web", needs=("httpd", "mysql")),
    Service("search", "Search suggestions", "search", needs=("httpd", "search-index")),
    Service("checkout", "Checkout", "payments", needs=("marketplace", "card-network")),
    Service(
        "graphite",
        "Graphite and dashboards",
        "data",
        kind="tool",
        purposes=("see",),
        needs=("httpd",),
        instead="Host checks by SSH, and the logs on the hosts",
    ),
    Service(
        "nagios",
        "Nagios pages",
        "systems",
        kind="tool",
        purposes=("see",),
        needs=("httpd",),
        instead="Alerts still arrive here",
    ),
    Service(
        "deployinator",
        "Deployinator",
        "web",
        kind="tool",
        purposes=("change",),
        needs=("httpd",),
        instead="Deploy by hand, runbook 31",
    ),
    Service(
        "runbooks",
        "Runbooks and internal docs",
        "support",
        kind="tool",
        purposes=("know",),
        needs=("httpd",),
        instead="The copies in your own checkout",
    ),
    Service("review-tool", "Old review tool", "systems", kind="tool", purposes=("know",), needs=("httpd", "mysql")),
    Service(
        "alert-context", "Alert context", "systems", kind="tool", purposes=("know",), needs=("nagios", "deployinator")
    ),
    Service("chat", "Chat", kind="vendor", purposes=("talk",)),
    Service("mail", "Mail provider", kind="vendor"),
    Service("raglan", "raglan", "systems", kind="tool", purposes=("wake", "talk", "know"), needs=("mail",)),
    Service("status-page", "Status page", "support", kind="vendor", purposes=("tell_customers",)),
)
TOOL_NAMES = {service.slug: service.name for service in SERVICES if service.kind == "tool"}


@dataclass(frozen=True, slots=True)
class Source:
    """Where alerts come from."""

    slug: str
    name: str


SOURCES = (Source("nagios", "Nagios"), Source("graphite", "Graphite"))


@dataclass(frozen=True, slots=True)
class Policy:
    """Whom a page goes to: the rota of a team, then the whole team."""

    slug: str
    name: str
    team: str
    wait_s: int = 300


POLICIES = tuple(Policy(f"{team.slug}-on-call", f"{team.name} on call", team.slug) for team in TEAMS if team.rota)


@dataclass(frozen=True, slots=True)
class Route:
    """Which alerts go to which policy."""

    position: int
    label: str
    value: str
    policy: str
    group_by: tuple[str, ...]


# High positions: routes that an installation has made for itself are read first, and these ask for the site's label.
ROUTES = (
    Route(9010, "kind", "response-tool", "data-on-call", ("kind",)),
    Route(9020, "service", "httpd", "systems-on-call", ("service",)),
)


# What is written down, and who is where ------------------------------------------------------------------------------

PROCESS = {
    "title": "Change a cookbook",
    "outcome": "A surprise shows on one host first, and somebody else has seen the change before all hosts have it.",
    "team": "provisioning",
}
STEPS = (
    ("Reserve the test environment", 40),
    ("Put one host on the safelist and run Chef there", 15),
    ("Ask somebody to look over it", None),
    ("Take the host off the safelist", 5),
)
SKIP_NOTES = (  # the step, why, and the minutes that it would have cost; nobody gave them
    (1, "blocked", 120),
    (1, "blocked", 90),
    (1, "too_slow", 40),
    (1, "too_slow", 60),
    (1, "not_worth_it", 40),
    (2, "too_slow", 30),
)
AUTOMATION = {
    "title": "Chef",
    "acts_on": "all web, api and tools hosts, every 10 minutes with a stagger",
    "team": "provisioning",
}
ANSWERS = {
    "notice": "The graph of failed runs pages after five minutes. Its page needs httpd, which Chef looks after.",
    "try": "One host on the safelist, one run by hand, and a look at its services.",
    "by_hand": "Yes: by dsh, four minutes a host. The runbook needs httpd.",
}
PRACTISED = ("by_hand", "Put a package on three hosts by dsh on the last quiet Friday")
CLAIMED_BY = "rowan"
CLAIM: dict[str, str | int] = {"place": "test environment", "what": "the pin of httpd", "minutes": 90}
