"""Nouns of people."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower

from raglan.core.clock import now


class PersonManager(BaseUserManager["Person"]):
    """Makes people. Sign-in looks addresses up in small letters, so they are kept that way."""

    def create_person(self, email: str, name: str, **fields: object) -> "Person":
        """Make a person without a password; they can not sign in until one is set."""
        person = self.model(email=email.strip().lower(), name=name.strip(), **fields)
        person.set_unusable_password()
        person.save(using=self._db)
        return person

    def get_by_natural_key(self, username: str | None) -> "Person":
        """Find by mail address, without case."""
        return self.get(email__iexact=username or "")


class Person(AbstractBaseUser):
    """Somebody who uses raglan or is reached by it."""

    ref_kind: ClassVar[str] = "person"

    class Role(models.TextChoices):
        """What a person may do. Everybody can be paged, whatever the role."""

        VIEWER = "viewer", "Viewer"
        RESPONDER = "responder", "Responder"
        MANAGER = "manager", "Manager"
        ADMINISTRATOR = "administrator", "Administrator"

    class Theme(models.TextChoices):
        """Which theme; the system chooses unless the person does."""

        SYSTEM = "system", "As the device"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    class Density(models.TextChoices):
        """How close together things stand."""

        ROOMY = "roomy", "Roomy"
        COMPACT = "compact", "Compact"

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.RESPONDER)
    time_zone = models.CharField(max_length=64, default="UTC")
    theme = models.CharField(max_length=10, choices=Theme.choices, default=Theme.SYSTEM)
    density = models.CharField(max_length=10, choices=Density.choices, default=Density.ROOMY)
    shortcuts_enabled = models.BooleanField(default=False)
    quiet_screen = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(null=True)

    objects = PersonManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    is_staff = False
    is_superuser = False

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(Lower("email"), name="one_person_an_address")]

    def __str__(self) -> str:
        return self.name

    @property
    def initials(self) -> str:
        """Two letters at most."""
        words = [word for word in self.name.split() if word[0].isalnum()]
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"

    @property
    def shortcuts(self) -> bool:
        """The word of the base page for `shortcuts_enabled`."""
        return self.shortcuts_enabled

    @property
    def may_respond(self) -> bool:
        """Whether this person may write in rooms and answer pages on screens."""
        return self.role != self.Role.VIEWER

    @property
    def may_configure(self) -> bool:
        """Whether this person may set up sources, policies and people."""
        return self.role in (self.Role.MANAGER, self.Role.ADMINISTRATOR)


class Team(models.Model):
    """People who share work. Teams are the boundary of visibility."""

    ref_kind: ClassVar[str] = "team"

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """That a person belongs to a team."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="memberships")
    is_lead = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["team", "person"], name="member_once")]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.team_id}"


class ContactMethod(models.Model):
    """An address of a person. `confirmed_at` is when the person answered something sent there."""

    ref_kind: ClassVar[str] = "contact"

    class Kind(models.TextChoices):
        """Which channel."""

        EMAIL = "email", "Email"
        WEBHOOK = "webhook", "Webhook"
        NTFY = "ntfy", "ntfy"
        PUSH = "push", "Browser push"
        SMS = "sms", "Text message"
        VOICE = "voice", "Phone call"
        APPRISE = "apprise", "Apprise"

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="contact_methods")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    address = models.CharField(max_length=500)
    label = models.CharField(max_length=80, blank=True, default="")
    sealed = models.TextField(blank=True, default="")  # what only the channel may know, such as the keys of a browser
    confirmed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person", "kind", "address"], name="contact_once_a_person")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.address}"


class ApiToken(models.Model):
    """A key for programs. Only its hash is stored; a token without a person belongs to the installation."""

    ref_kind: ClassVar[str] = "token"

    person = models.ForeignKey(Person, on_delete=models.CASCADE, null=True, blank=True, related_name="tokens")
    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    @property
    def is_over(self) -> bool:
        """Whether its end has passed."""
        return self.expires_at is not None and self.expires_at <= now()


class SetupLink(models.Model):
    """The one-time link that makes the first administrator."""

    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"setup link of {self.created_at:%Y-%m-%d}"


class Invitation(models.Model):
    """A one-time link that lets somebody choose a password."""

    ref_kind: ClassVar[str] = "invitation"

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="invitations")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"invitation of {self.person_id}"


class SignIn(models.Model):
    """A browser in which a person is signed in. It is listed for them, and they can end it."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="sign_ins")
    session_key = models.CharField(max_length=40, unique=True)
    at = models.DateTimeField()
    browser = models.CharField(max_length=200, blank=True, default="")
    address = models.CharField(max_length=45, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.person_id} since {self.at:%Y-%m-%d}"
