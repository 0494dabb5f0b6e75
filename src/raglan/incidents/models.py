"""Nouns of incidents."""

from typing import ClassVar

from django.db import models

from raglan.alerts.models import AlertGroup
from raglan.catalog.models import Service
from raglan.incidents import hand_models as _hand  # noqa: F401  # tables of this app that stand in a file of their own
from raglan.paging.models import Page
from raglan.people import reading
from raglan.people.models import Person, Team


class ServiceState(models.TextChoices):
    """What users feel, in the words of the design. Not known is a state of its own."""

    DOWN = "down", "Down"
    SLOW = "slow", "Slow"
    FINE = "fine", "Fine"
    UNKNOWN = "unknown", "Not known"


class Role(models.TextChoices):
    """What one person does for a room. Who speaks to those outside is said at the desk of the outside."""

    LEAD = "lead", "Lead"
    SCRIBE = "scribe", "Scribe"


class Incident(models.Model):
    """A situation that people have declared and coordinate on."""

    ref_kind: ClassVar[str] = "incident"

    class State(models.TextChoices):
        """Open until people stand down."""

        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    class Kind(models.TextChoices):
        """Whether something broke."""

        INCIDENT = "incident", "Incident"
        NEAR_MISS = "near_miss", "Near miss"

    class Severity(models.TextChoices):
        """How bad for users."""

        SEV1 = "sev1", "Users cannot use it"
        SEV2 = "sev2", "Users are held up"
        SEV3 = "sev3", "Some users notice"
        SEV4 = "sev4", "Users do not notice"
        UNKNOWN = "unknown", "Not known yet"

    title = models.CharField(max_length=300)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.INCIDENT, db_default=Kind.INCIDENT)
    kept = models.TextField(blank=True, default="", db_default="")
    severity = models.CharField(max_length=10, choices=Severity.choices, default=Severity.UNKNOWN)
    service_state = models.CharField(max_length=10, choices=ServiceState.choices, default=ServiceState.UNKNOWN)
    state_words = models.CharField(max_length=120, blank=True, default="")
    declared_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    lead = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    scribe = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    declared_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closing_words = models.TextField(blank=True, default="")
    summary = models.TextField(blank=True, default="")
    know = models.JSONField(default=list, blank=True)
    trying = models.JSONField(default=list, blank=True)
    unknown = models.JSONField(default=list, blank=True)
    standing_at = models.DateTimeField(null=True, blank=True)
    standing_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    standing_version = models.PositiveIntegerField(default=0)
    next_update_at = models.DateTimeField(null=True, blank=True)
    update_reminded_at = models.DateTimeField(null=True, blank=True)
    services = models.ManyToManyField(Service, blank=True, related_name="incidents")
    is_private = models.BooleanField(default=False, db_default=False)
    merged_into = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged")
    listed_why = models.CharField(max_length=300, blank=True, default="", db_default="")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["state", "-id"], name="incident_state")]

    def __str__(self) -> str:
        return self.title

    @property
    def is_seen(self) -> bool:
        """Whether whoever reads now may know of it."""
        reader = reading.current() if self.is_private else None
        return reader is None or (reader.person_id is not None and Listed.covers(reader.person_id, self.pk))


class Listed(models.Model):
    """A person or a team that sees a private incident, and why; all others do not know of it."""

    ref_kind: ClassVar[str] = "listed"

    class How(models.TextChoices):
        """How it came to be on the list."""

        MADE = "made", "Made it private"
        LEAD = "lead", "Had the lead"
        HAND = "hand", "Put on the list"
        ROOM = "room", "Was given something to do in the room"
        PAGED = "paged", "Was paged for it"
        EXCEPTION = "exception", "Looked at it by exception"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="listed")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    how = models.CharField(max_length=10, choices=How.choices)
    why = models.CharField(max_length=300, blank=True, default="")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["incident", "person"], name="listed_person_once"),
            models.UniqueConstraint(fields=["incident", "team"], name="listed_team_once"),
            models.CheckConstraint(
                condition=models.Q(person__isnull=True) ^ models.Q(team__isnull=True), name="listed_one_of_two"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id or self.team_id} sees {self.incident_id}"

    @property
    def who(self) -> str:
        """The name of the person or the team."""
        return self.person.name if self.person else self.team.name if self.team else ""

    @classmethod
    def of(cls, person_id: int) -> "models.QuerySet[Listed]":
        """Return the lines that let a person see something."""
        own = models.Q(person_id=person_id)
        return cls.objects.filter(own | models.Q(team__in=Team.objects.filter(memberships__person_id=person_id)))

    @classmethod
    def covers(cls, person_id: int, incident_id: int) -> bool:
        """Whether a person is on the list of an incident, by name or with a team."""
        return cls.of(person_id).filter(incident_id=incident_id).exists()


class IncidentGroup(models.Model):
    """An alert group that belongs to an incident. A group belongs to one at most."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="joined_groups")
    group = models.OneToOneField(AlertGroup, on_delete=models.CASCADE, related_name="joined_incident")
    joined_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"group {self.group_id} in incident {self.incident_id}"

    @property
    def is_seen(self) -> bool:
        """Whether whoever reads now may know of its incident."""
        return self.incident.is_seen


class IncidentPage(models.Model):
    """A page that this incident's room follows."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="followed_pages")
    page = models.OneToOneField(Page, on_delete=models.CASCADE, related_name="followed_by")

    def __str__(self) -> str:
        return f"page {self.page_id} in incident {self.incident_id}"


class Move(models.Model):
    """What went from one incident to another in one go, so that it can go back."""

    ref_kind: ClassVar[str] = "move"

    class Kind(models.TextChoices):
        """Why."""

        MERGE = "merge", "Merged"
        SPLIT = "split", "Split"

    kind = models.CharField(max_length=5, choices=Kind.choices)
    key = models.CharField(max_length=64)
    source = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="moves_from")
    target = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="moves_to")
    moved = models.JSONField(default=dict)
    keys = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    services = models.JSONField(default=list)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "key"], name="move_key_once"),
            models.UniqueConstraint(
                fields=["source"], condition=models.Q(kind="merge", undone_at__isnull=True), name="merged_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.source_id} into {self.target_id}"


class HeadsUp(models.Model):
    """A heads-up: I think I broke something, said before the pager says so."""

    ref_kind: ClassVar[str] = "headsup"

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, null=True, related_name="heads_ups")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    author_words = models.CharField(max_length=80, blank=True, default="", db_default="")
    text = models.TextField()
    did = models.TextField(blank=True, default="")
    saw = models.TextField(blank=True, default="")
    reach = models.TextField(blank=True, default="")
    need = models.TextField(blank=True, default="")
    services = models.ManyToManyField(Service, blank=True, related_name="+")
    page = models.ForeignKey(Page, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()
    thanked_at = models.DateTimeField(null=True, blank=True)
    key = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person", "key"], condition=~models.Q(key=""), name="heads_up_once")
        ]

    def __str__(self) -> str:
        return self.text[:80]

    @property
    def who(self) -> str:
        """The name of whoever gave it; of somebody in chat whom nobody here is, the name they have there."""
        return self.person.name if self.person else self.author_words or "Somebody"


class HeadsUpAddress(models.Model):
    """That somebody can give heads-ups by mail. What is secret in the address is hashed."""

    ref_kind: ClassVar[str] = "headsup_address"

    person = models.OneToOneField(Person, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"address of {self.person_id}"


class Thanks(models.Model):
    """The words that thank for a heads-up, chosen here; one row, and none as long as nobody chose."""

    ref_kind: ClassVar[str] = "thanks"

    words = models.CharField(max_length=300)

    def __str__(self) -> str:
        return self.words


class Responder(models.Model):
    """A person who is in the room, and on what. Only what they say themselves."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="responders")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    doing = models.CharField(max_length=200, blank=True, default="")
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)
    offer = models.CharField(max_length=120, blank=True, default="", db_default="")
    offer_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["incident", "person"], name="responder_once")]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.incident_id}"


class Entry(models.Model):
    """One entry of the room's timeline. Its key is made by whoever wrote it, so that sending twice posts once."""

    ref_kind: ClassVar[str] = "entry"

    class Kind(models.TextChoices):
        """What the writer is doing by writing it."""

        NOTE = "note", "Note"
        DOING = "doing", "I’m doing"
        ASK = "ask", "Ask for help"
        VERIFY = "verify", "Ask to verify"
        FOUND = "found", "Found"
        DECIDED = "decided", "Decided"
        TRIED = "tried", "Tried"
        RULED_OUT = "ruled_out", "Ruled out"
        STUCK = "stuck", "I’m stuck"
        HEADS_UP = "heads_up", "Heads-up"
        MACHINE = "machine", "Machine"
        TURN = "turn", "Turn of state"

    class AskState(models.TextChoices):
        """Where an ask, a verification or an intention stands."""

        NONE = "none", "Nothing waits"
        WAITING = "waiting", "Nobody yet"
        TAKEN = "taken", "Somebody is on it"
        ANSWERED = "answered", "Answered"

    class Result(models.TextChoices):
        """What an act did."""

        WORKED = "worked", "It worked"
        NOTHING = "nothing", "It did nothing"
        WORSE = "worse", "It made it worse"
        GIVEN_UP = "given_up", "Given up"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="entries")
    key = models.CharField(max_length=64)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    text = models.TextField()
    author = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    author_words = models.CharField(max_length=80, blank=True, default="")
    at = models.DateTimeField()
    service_state = models.CharField(max_length=10, choices=ServiceState.choices, default=ServiceState.UNKNOWN)
    ask_state = models.CharField(max_length=10, choices=AskState.choices, default=AskState.NONE)
    to_team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    to_person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    to_topic = models.CharField(max_length=80, blank=True, default="", db_default="")
    taken_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    taken_at = models.DateTimeField(null=True, blank=True)
    outcome = models.TextField(blank=True, default="")
    result = models.CharField(max_length=10, choices=Result.choices, blank=True, default="", db_default="")
    outcome_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    outcome_at = models.DateTimeField(null=True, blank=True)
    ping_at = models.DateTimeField(null=True, blank=True)
    ping_after_s = models.PositiveIntegerField(default=0, db_default=0)
    ping_person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    ping_team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    pinged_at = models.DateTimeField(null=True, blank=True)
    link = models.CharField(max_length=300, blank=True, default="")
    corrected_at = models.DateTimeField(null=True, blank=True)
    risky_at = models.DateTimeField(null=True, blank=True)
    risky_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    came_from = models.ForeignKey(Incident, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["incident", "key"], name="entry_key_once")]
        indexes: ClassVar = [
            models.Index(fields=["incident", "-at", "-id"], name="entry_order"),
            models.Index(fields=["ask_state", "-id"], name="entry_ask"),
        ]

    def __str__(self) -> str:
        return self.text[:80]

    @property
    def who(self) -> str:
        """The name of whoever wrote it; of what wrote it, where nobody did."""
        return self.author.name if self.author else self.author_words or "raglan"

    @property
    def is_said(self) -> bool:
        """Whether these are somebody's words, and no line by which raglan tells what was done."""
        return self.kind not in (self.Kind.MACHINE, self.Kind.TURN)


class EarlierText(models.Model):
    """What an entry said before its writer corrected it, or an outcome before another one was told under it.

    The first one is number 1. An outcome has who told it, and its result.
    """

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="earlier")
    number = models.PositiveIntegerField()
    text = models.TextField()
    until = models.DateTimeField()
    is_outcome = models.BooleanField(default=False, db_default=False)
    result = models.CharField(max_length=10, choices=Entry.Result.choices, blank=True, default="", db_default="")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["entry", "number"], name="earlier_text_once")]

    def __str__(self) -> str:
        return self.text[:80]


class Helped(models.Model):
    """That an entry of somebody else helped a person. It belongs to the entry and is counted for nobody."""

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="helped")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["entry", "person"], name="helped_once")]

    def __str__(self) -> str:
        return f"{self.entry_id} helped {self.person_id}"


class Attachment(models.Model):
    """A picture or file at an entry, with its bytes: a backup has it, and so has every node."""

    ref_kind: ClassVar[str] = "attachment"
    THUMBNAIL_BYTES: ClassVar[int] = 400_000
    THUMBNAIL_PIXELS: ClassVar[int] = 25_000_000

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=120)
    content_type = models.CharField(max_length=60)
    size = models.PositiveIntegerField()
    width = models.PositiveBigIntegerField(default=0)
    height = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64)
    data = models.BinaryField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["entry", "digest"], name="attachment_once")]
        indexes: ClassVar = [models.Index(fields=["size"], name="attachment_size")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_picture(self) -> bool:
        """Whether a browser draws it."""
        return self.content_type.startswith("image/")

    @property
    def is_small(self) -> bool:
        """Whether the room draws it at once; a large one is a link, for those on a bad line."""
        pixels = self.width * self.height
        return self.is_picture and self.size <= self.THUMBNAIL_BYTES and 0 < pixels <= self.THUMBNAIL_PIXELS


class Alike(models.Model):
    """That somebody else said within two minutes that they are doing the same; each of the two has one."""

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="alikes")
    other = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["entry", "other"], name="alike_once")]

    def __str__(self) -> str:
        return f"{self.entry_id} is like {self.other_id}"


class Answer(models.Model):
    """One person's answer to a verification, or words under an ask. One answer a person; it may be changed."""

    class Side(models.TextChoices):
        """Which way."""

        YES = "yes", "Yes, me too"
        NO = "no", "No, fine here"

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="answers")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    side = models.CharField(max_length=3, choices=Side.choices)
    text = models.TextField(blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["entry", "person"], name="answer_once")]

    def __str__(self) -> str:
        return f"{self.side} by {self.person_id}"


class LostTool(models.Model):
    """A tool that somebody in a room could not reach, until somebody says that it is back."""

    ref_kind: ClassVar[str] = "tool"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="lost_tools")
    name = models.CharField(max_length=120)
    name_key = models.CharField(max_length=360)
    service = models.ForeignKey(Service, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    lost_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    lost_at = models.DateTimeField()
    back_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    back_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["incident", "name_key"], condition=models.Q(back_at__isnull=True), name="lost_tool_once"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Missed(models.Model):
    """That a lost tool is not reachable for one more person."""

    tool = models.ForeignKey(LostTool, on_delete=models.CASCADE, related_name="missed")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tool", "person"], name="missed_once")]

    def __str__(self) -> str:
        return f"{self.tool_id} missed by {self.person_id}"


class Related(models.Model):
    """That two incidents have to do with each other, and how. `incident` is the older one: they are linked once."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="+")
    words = models.CharField(max_length=200, blank=True, default="")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["incident", "other"], name="related_once"),
            models.CheckConstraint(condition=models.Q(incident__lt=models.F("other")), name="related_older_first"),
        ]

    def __str__(self) -> str:
        return f"{self.incident_id} and {self.other_id}"


class Checklist(models.Model):
    """What whoever has a role looks after here, in the place of raglan's own list."""

    role = models.CharField(max_length=10, unique=True)
    items = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.role


class Tick(models.Model):
    """That one thing of a role's list is looked after in a room, in the words that stood there."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="ticks")
    role = models.CharField(max_length=10)
    item = models.CharField(max_length=200)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["incident", "role", "item"], name="tick_once")]

    def __str__(self) -> str:
        return self.item


class SeverityWords(models.Model):
    """What a severity is called here, in the place of raglan's own words."""

    severity = models.CharField(max_length=10, unique=True, choices=Incident.Severity.choices)
    words = models.CharField(max_length=80)

    def __str__(self) -> str:
        return self.words


class Task(models.Model):
    """Something to do in a room: who has it, if anybody, until when, and what became of it."""

    ref_kind: ClassVar[str] = "task"

    class State(models.TextChoices):
        """Open until it is done, or until somebody says why it is not needed."""

        OPEN = "open", "Open"
        DONE = "done", "Done"
        DROPPED = "dropped", "Dropped"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="tasks")
    key = models.CharField(max_length=64)
    text = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    owner = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    due_at = models.DateTimeField(null=True, blank=True)
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    words = models.TextField(blank=True, default="")
    ended_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["incident", "key"], name="task_key_once")]
        indexes: ClassVar = [models.Index(fields=["incident", "state"], name="task_state")]

    def __str__(self) -> str:
        return self.text[:80]


class Availability(models.Model):
    """Whether a person can come, as they say themselves. The row goes when its time is over: nobody is tracked."""

    class State(models.TextChoices):
        """How far somebody can be called away from what they do."""

        FREE = "free", "Free"
        PULLED = "pulled", "Can be pulled"
        HEADS_DOWN = "heads_down", "Heads down"

    person = models.OneToOneField(Person, on_delete=models.CASCADE, related_name="availability")
    state = models.CharField(max_length=12, choices=State.choices)
    words = models.CharField(max_length=120, blank=True, default="")
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.person_id}: {self.state}"


class Script(models.Model):
    """A wording for a recurring moment as it is said here, or in a team, in the place of raglan's own.

    A team has moments of its own, too; those have a title, and a place beside which they stand.
    """

    class Place(models.TextChoices):
        """Where the words for a moment stand."""

        ROOM = "room", "Where one writes to the room"
        HEADS_UP = "heads-up", "Where one gives a heads-up"
        JOINING = "joining", "Where one catches up"
        HANDING_OVER = "handing-over", "Where one hands a role over"
        CLOSING = "closing", "Where one closes an incident"
        SHELF = "shelf", "On the shelf only"

    moment = models.SlugField(max_length=40)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    title = models.CharField(max_length=80, blank=True, default="", db_default="")
    place = models.CharField(max_length=12, choices=Place.choices, default=Place.ROOM, db_default=Place.ROOM)
    words = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["moment"], condition=models.Q(team__isnull=True), name="script_once_for_all"
            ),
            models.UniqueConstraint(fields=["team", "moment"], name="script_once_a_team"),
        ]

    def __str__(self) -> str:
        return self.moment
