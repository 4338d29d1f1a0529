"""Whether this machine can listen on a configured address, and if not, why: in a sentence that says what to change."""

import errno
import socket


def cannot_listen(host: str, port: int, table: str) -> str:
    """Why nothing can listen on ``host:port``, with the way out; empty when something can.

    ``port`` 0 asks about the host alone. ``table`` is where both stand in fireline.toml.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        return f"{host!r} is not the name of a host: set host under [{table}] in fireline.toml, such as 127.0.0.1"
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            return _why(error, host, port, table)
    return ""


def _why(error: OSError, host: str, port: int, table: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken: stop what runs there, or set another port under [{table}] in fireline.toml"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine: set host under [{table}] in fireline.toml, such as 127.0.0.1"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"port {port} needs more rights than this user has: set one above 1023 under [{table}] in fireline.toml"
    return f"{host}:{port} cannot be listened on ({error.strerror}): set host and port under [{table}] in fireline.toml"
