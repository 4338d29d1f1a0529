"""Verbs for the first person on the machine: one-time codes, the address that opens the desk, Prefect's key."""

from fireline.incidents import Json
from fireline.session import session, show


async def enrol(stakeholder: str, *, json: Json = False) -> None:
    """Give a stakeholder one-time codes for approving in the Prefect UI. Codes made before stop working.

    The address printed is a secret: put it into the person's authenticator app and nowhere else.

    Args:
        stakeholder: Their e-mail address.
    """
    async with session() as here:
        person = here.settings.stakeholder(stakeholder)
        async with here.store.transaction() as tx:
            uri = await tx.codes.enrol(person.email)
        words = f"Add this to {person.name}'s authenticator app; it is shown once:\n{uri}"
        show({"stakeholder": person.email, "otpauth": uri}, as_json=json, words=words)


async def desk_link(*, json: Json = False) -> None:
    """Print the address that opens the desk in a browser on this machine. It is a key: keep it to yourself."""
    from desk.access import desk_link as link_to

    async with session() as here:
        link = link_to(here)
        show({"desk": link}, as_json=json, words=link)


def ui_key(*, json: Json = False) -> None:
    """Print what the Prefect page asks for while Fireline runs here. It is a key: keep it to yourself."""
    import config
    from config.runtime import read_runtime
    from fireline.errors import Stop

    runtime = read_runtime(config.load().home)
    if runtime is None:
        raise Stop("Fireline is not running here: start it with `fireline up`", status=1)
    key = runtime.auth.get_secret_value()
    show({"ui": runtime.ui_url, "key": key}, as_json=json, words=key)
