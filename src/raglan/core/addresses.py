"""Who counts as one by the address that a request comes from."""

from ipaddress import IPv6Address, ip_address, ip_network


def neighbours(remote: str) -> str:
    """Return what stands for an address and all that its owner may have: of IPv6 a whole /64.

    An address of IPv4 that IPv6 carries stands for itself, as it would bare.
    """
    try:
        address = ip_address(remote.partition("%")[0])
    except ValueError:
        return remote
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
    return str(address)
