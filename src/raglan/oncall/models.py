"""Nouns of on call."""

from typing import ClassVar

from django.db import models

from raglan.people.models import Person, Team


class Schedule(models.Model):
    """Who is on call when, for a duty."""

    ref_kind: ClassVar[str] = "schedule"

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="schedules")
    time_zone = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Layer(models.Model):
    """One turn order of several in a schedule. The first one of a schedule needs no row: it has no name."""

    ref_kind: ClassVar[str] = "layer"

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="layers")
    name = models.CharField(max_length=60)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["schedule", "name"], name="layer_name_once")]

    def __str__(self) -> str:
        return self.name


class Rotation(models.Model):
    """The turn order of a layer from a day on. A change adds a row, so that the past stays as it was.

    It counts from its first handoff, yet not before `effective_from`, until the next one or `ends_at`. Without a zone
    it has that of the schedule; without a layer it belongs to the one that has no name.
    """

    class Unit(models.TextChoices):
        """What a turn is counted in; with weekdays, each of them is a handoff."""

        HOURS = "hours"
        DAYS = "days"
        WEEKS = "weeks"
        MONTHS = "months"
        WEEKDAYS = "weekdays"

    ref_kind: ClassVar[str] = "rotation"

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="rotations")
    layer = models.ForeignKey(Layer, on_delete=models.CASCADE, null=True, blank=True, related_name="rotations")
    rank = models.SmallIntegerField(default=0, db_default=0)
    starts_on = models.DateField()
    handoff_weekday = models.PositiveSmallIntegerField(null=True, blank=True)
    handoff_time = models.TimeField()
    unit = models.CharField(max_length=10, choices=Unit, default=Unit.WEEKS, db_default=Unit.WEEKS)
    every = models.PositiveSmallIntegerField(default=1, db_column="weeks")
    weekdays = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    windows = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    active_days = models.BooleanField(default=False, db_default=False)
    time_zone = models.CharField(max_length=64, blank=True, default="")
    effective_from = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(handoff_weekday__lte=6), name="rotation_weekday"),
            models.CheckConstraint(condition=models.Q(every__gte=1), name="rotation_length"),
        ]

    def __str__(self) -> str:
        return f"rotation of {self.schedule_id} from {self.starts_on}"


class RotationMember(models.Model):
    """A person's place in a turn order; several in one place are on call together."""

    rotation = models.ForeignKey(Rotation, on_delete=models.CASCADE, related_name="members")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rotation", "position", "person"], name="rotation_place_taken_once")
        ]
        ordering: ClassVar = ["position", "pk"]

    def __str__(self) -> str:
        return f"{self.person_id} at {self.position}"


class Override(models.Model):
    """A time that does not go by the layers. Of those that overlap the higher rank counts, else the later one.

    `person` takes the place of everybody, or of `instead_of` only, or comes beside, or is taken out.
    """

    class Kind(models.TextChoices):
        """What it does to those who are on call."""

        REPLACE_EVERYBODY = "replace_everybody"
        REPLACE_ONE = "replace_one"
        ADD = "add"
        REMOVE = "remove"

    ref_kind: ClassVar[str] = "override"

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="overrides")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    kind = models.CharField(
        max_length=20, choices=Kind, default=Kind.REPLACE_EVERYBODY, db_default=Kind.REPLACE_EVERYBODY
    )
    instead_of = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    rank = models.SmallIntegerField(default=0, db_default=0)
    reason = models.CharField(max_length=200, blank=True, default="")
    created_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="override_ends_after_start"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["schedule", "ends_at"], name="override_end")]

    def __str__(self) -> str:
        return f"{self.person_id} from {self.starts_at}"


class Feed(models.Model):
    """The address of a calendar that goes out: of a schedule, or of the person's own shifts. Its secret is hashed."""

    ref_kind: ClassVar[str] = "feed"

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person", "schedule"],
                condition=models.Q(ended_at__isnull=True, schedule__isnull=False),
                name="feed_of_a_schedule_once",
            ),
            models.UniqueConstraint(
                fields=["person"],
                condition=models.Q(ended_at__isnull=True, schedule__isnull=True),
                name="feed_of_own_shifts_once",
            ),
        ]

    def __str__(self) -> str:
        return f"calendar of {self.person_id}"


class ReadCalendar(models.Model):
    """A foreign calendar that is read again and again. Its address may be a secret, so it is sealed."""

    sealed_url = models.TextField()
    host = models.CharField(max_length=255)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"calendar from {self.host}"


class CalendarSource(ReadCalendar):
    """A foreign calendar that fills a schedule."""

    ref_kind: ClassVar[str] = "calendar_source"

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="sources")
    rank = models.SmallIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["schedule"], condition=models.Q(ended_at__isnull=True), name="one_calendar_a_schedule"
            )
        ]


class Booking(models.Model):
    """A time that a foreign calendar gave to a person."""

    source = models.ForeignKey(CalendarSource, on_delete=models.CASCADE, related_name="bookings")
    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="bookings")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="booking_ends_after_start"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["schedule", "ends_at"], name="booking_end")]

    def __str__(self) -> str:
        return f"{self.person_id} from {self.starts_at}"


class Notice(models.Model):
    """Words about a shift or a gap that were given, kept so that they are given once."""

    class Kind(models.TextChoices):
        """What it told of."""

        GAP = "gap"
        BEFORE = "before"
        BEGINS = "begins"
        ENDS = "ends"
        AWAY = "away"
        HANDOVER = "handover"

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    about_at = models.DateTimeField()
    told_at = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)  # of a gap: the end that was told

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["schedule", "kind", "about_at", "person"],
                condition=models.Q(person__isnull=False),
                name="notice_of_a_shift_once",
            ),
            models.UniqueConstraint(
                fields=["schedule", "kind", "about_at"],
                condition=models.Q(person__isnull=True),
                name="notice_of_a_gap_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.about_at}"


class CoverRequest(models.Model):
    """Somebody asks another to take a time, perhaps for a time of theirs; it waits until it is answered."""

    class State(models.TextChoices):
        """How it stands."""

        WAITING = "waiting"
        TAKEN = "taken"
        DECLINED = "declined"
        WITHDRAWN = "withdrawn"

    ref_kind: ClassVar[str] = "cover_request"

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="cover_requests")
    asker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    asked = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    back_starts_at = models.DateTimeField(null=True, blank=True)
    back_ends_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True, default="")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    created_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="cover_request_ends_after_start"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["schedule", "state"], name="cover_request_state")]

    def __str__(self) -> str:
        return f"{self.asker_id} asks for {self.starts_at}"


class Holiday(models.Model):
    """A public holiday where a schedule's people live."""

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="holidays")
    day = models.DateField()
    name = models.CharField(max_length=80, blank=True, default="")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["schedule", "day"], name="holiday_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.name}"


class LeaveCalendar(ReadCalendar):
    """A foreign calendar that says when a person is away."""

    ref_kind: ClassVar[str] = "leave_calendar"

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person"], condition=models.Q(ended_at__isnull=True), name="one_leave_calendar_a_person"
            )
        ]


class Leave(models.Model):
    """A time at which a person is away, named by hand or by a calendar. Why is not kept: others see only that."""

    ref_kind: ClassVar[str] = "leave"

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    calendar = models.ForeignKey(LeaveCalendar, on_delete=models.CASCADE, null=True, blank=True, related_name="leaves")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="leave_ends_after_start")
        ]
        indexes: ClassVar = [models.Index(fields=["person", "ends_at"], name="leave_end")]

    def __str__(self) -> str:
        return f"{self.person_id} is away from {self.starts_at}"


class HandoverNote(models.Model):
    """What whoever goes wants the next one to know; kept, and given with what is open when the shift changes."""

    ref_kind: ClassVar[str] = "handover_note"

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="handover_notes")
    author = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    written_at = models.DateTimeField()
    given_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["schedule", "author"], condition=models.Q(given_at__isnull=True), name="one_note_to_hand_over"
            )
        ]

    def __str__(self) -> str:
        return f"note of {self.author_id} for {self.schedule_id}"


class Shadow(models.Model):
    """A time in which a person learns beside those on call: told of their pages, and never one of them."""

    ref_kind: ClassVar[str] = "shadow"

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="shadows")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="shadow_ends_after_start"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["schedule", "ends_at"], name="shadow_end")]

    def __str__(self) -> str:
        return f"{self.person_id} shadows {self.schedule_id}"
