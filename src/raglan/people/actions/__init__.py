"""Verbs of people: the only writers of this context."""

from raglan.people.actions.contacts import add_contact, confirm_contact, end_contact, remove_contact
from raglan.people.actions.entrance import (
    accept_invitation,
    announce_sign_in_change,
    create_administrator,
    end_sign_in,
    invitation,
    invitation_link,
    invite,
    issue_setup_link,
    note_sign_in,
    set_password,
    setup_link,
)
from raglan.people.actions.persons import (
    add_member,
    add_person,
    check_zone,
    create_team,
    deactivate,
    remove_member,
    set_role,
    update_profile,
)
from raglan.people.actions.tokens import issue_token, revoke_token

__all__ = [
    "accept_invitation",
    "add_contact",
    "add_member",
    "add_person",
    "announce_sign_in_change",
    "check_zone",
    "confirm_contact",
    "create_administrator",
    "create_team",
    "deactivate",
    "end_contact",
    "end_sign_in",
    "invitation",
    "invitation_link",
    "invite",
    "issue_setup_link",
    "issue_token",
    "note_sign_in",
    "remove_contact",
    "remove_member",
    "revoke_token",
    "set_password",
    "set_role",
    "setup_link",
    "update_profile",
]
