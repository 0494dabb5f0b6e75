"""Ansible, by a callback plugin that comes with raglan."""

from raglan.fleet import ports
from raglan.integrations.ansible.plays import AnsiblePlays


def integration() -> None:
    """Read what the callback sends."""
    ports.register_decoder(AnsiblePlays())
