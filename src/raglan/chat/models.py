"""Nouns of chat."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person


class Workspace(models.Model):
    """A connection to a chat platform."""

    ref_kind: ClassVar[str] = "workspace"

    name = models.CharField(max_length=120)
    platform = models.CharField(max_length=20)
    settings = models.JSONField(default=dict, blank=True)
    secrets_sealed = models.TextField(blank=True, default="")
    opens_rooms = models.BooleanField(default=True)
    lobby = models.CharField(max_length=300, blank=True, default="")
    identity = models.CharField(max_length=300, blank=True, default="")
    cursor = models.TextField(blank=True, default="")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    away_since = models.DateTimeField(null=True, blank=True)
    away_why = models.CharField(max_length=500, blank=True, default="")
    held_by = models.CharField(max_length=300, blank=True, default="")
    held_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Room(models.Model):
    """A room there: bound to an incident, or one where commands are heard and no incident is mirrored.

    One that is not opened is none that we are in, and `problem` says why. In one that is, it is of the last line.
    """

    ref_kind: ClassVar[str] = "chat_room"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="rooms")
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, null=True, blank=True, related_name="chat_rooms")
    external_id = models.CharField(max_length=300, blank=True, default="")
    name = models.CharField(max_length=120, blank=True, default="")
    link = models.CharField(max_length=500, blank=True, default="")
    topic = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "incident"], name="chat_room_of_incident_once"),
            models.UniqueConstraint(
                fields=["workspace", "external_id"], condition=~Q(external_id=""), name="chat_room_there_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["workspace", "id"],
                condition=Q(opened_at__isnull=True, problem="", name__gt=""),
                name="chat_room_to_enter",
            )
        ]

    def __str__(self) -> str:
        return self.name or self.external_id


class Post(models.Model):
    """Something that goes to a room, in the order of the ids. Its key is what it is about, so that it goes once."""

    class Kind(models.TextChoices):
        """What is done there."""

        LINE = "line", "A line"
        TOPIC = "topic", "The topic"
        INVITE = "invite", "An invitation"
        WHISPER = "whisper", "Words for one person"  # whose name there is its `who`

    class State(models.TextChoices):
        """How far it came."""

        WAITING = "waiting", "Waits"
        BY_CLAIM = "by_claim", "Waits, and is claimed when it goes out"  # no older node, which claims nothing, sends it
        SENT = "sent", "Sent"
        REFUSED = "refused", "Refused for good"

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="posts")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.LINE)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    key = models.CharField(max_length=64)
    token = models.CharField(max_length=32)
    who = models.CharField(max_length=200, blank=True, default="")
    text = models.TextField()
    entry = models.ForeignKey(Entry, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    external_id = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["room", "key"], name="chat_post_once")]
        indexes: ClassVar = [
            models.Index(fields=["room", "id"], condition=Q(state="waiting"), name="chat_post_waiting"),
            models.Index(fields=["room", "id"], condition=Q(state="by_claim"), name="chat_post_by_claim"),
            models.Index(fields=["room", "sent_at"], name="chat_post_said"),
            models.Index(fields=["sent_at"], name="chat_post_sent"),
        ]

    def __str__(self) -> str:
        return self.text[:80]


class Message(models.Model):
    """That something came in, so that it counts once, and which entry it became."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="+")
    external_id = models.CharField(max_length=300)
    author = models.CharField(max_length=300)
    entry = models.ForeignKey(Entry, on_delete=models.SET_NULL, null=True, blank=True, related_name="chat_messages")
    is_command = models.BooleanField(default=False)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "external_id"], name="chat_heard_once")]
        indexes: ClassVar = [
            models.Index(fields=["room", "at"], name="chat_message_in_room"),
            models.Index(fields=["at"], name="chat_message_at"),
        ]

    def __str__(self) -> str:
        return self.external_id


class Handle(models.Model):
    """Who a person is in a workspace."""

    ref_kind: ClassVar[str] = "handle"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="handles")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="handles")
    address = models.CharField(max_length=300)
    is_confirmed_by_person = models.BooleanField(default=False)
    since = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "address"], name="handle_of_one_person")]

    def __str__(self) -> str:
        return self.address


class Code(models.Model):
    """A short code that says in chat who somebody is here. It works once, for ten minutes."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"for {self.person_id}"


class Signature(models.Model):
    """A signature of a platform that calls us, kept for a while so that nothing counts twice."""

    digest = models.CharField(max_length=64, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.digest[:12]


class ChatImport(models.Model):
    """A chat that was held elsewhere, on its way into a timeline or out of it again.

    Its lines wait in parts; an incident that is made for it exists once somebody said yes to what they looked at.
    `by` brought it, `on_by` let it come in last, `out_by` took it out; `told` is how many new lines events told of.
    """

    ref_kind: ClassVar[str] = "chat_import"

    class State(models.TextChoices):
        """How far it is."""

        LOOKED_AT = "looked_at", "Looked at"
        COMING = "coming", "Coming in"
        STOPPED = "stopped", "Stopped"
        THERE = "there", "In the timeline"
        LEAVING = "leaving", "Being taken out"
        GONE = "gone", "Taken out"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, null=True, blank=True, related_name="chat_imports")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    on_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    out_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    platform = models.CharField(max_length=60)
    state = models.CharField(max_length=10, choices=State.choices, default=State.LOOKED_AT)
    total = models.PositiveIntegerField()
    new = models.PositiveIntegerField(default=0)
    known = models.PositiveIntegerField(default=0)
    removed = models.PositiveIntegerField(default=0)
    stay = models.PositiveIntegerField(default=0)
    told = models.PositiveIntegerField(default=0, db_default=0)
    problems = models.JSONField(default=list)
    past = models.JSONField(null=True, blank=True)
    why = models.CharField(max_length=300, blank=True, default="")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["state", "made_at"], name="chat_import_state")]

    def __str__(self) -> str:
        return f"{self.total} lines"

    @property
    def done(self) -> int:
        """How many of its lines were dealt with."""
        return self.new + self.known


class ImportPart(models.Model):
    """Some lines that wait to come into a timeline, as JSON."""

    chat_import = models.ForeignKey(ChatImport, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    lines = models.TextField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["chat_import", "number"], name="import_part_once")]

    def __str__(self) -> str:
        return str(self.number)


class ImportedLine(models.Model):
    """Which entry came with which import, so that all of them can be taken out again.

    A line that stands in two chats is a line of both imports, whichever brought it.
    """

    chat_import = models.ForeignKey(ChatImport, on_delete=models.CASCADE, related_name="lines")
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["chat_import", "entry"], name="imported_line_once")]

    def __str__(self) -> str:
        return str(self.entry_id)
