"""``fireline init`` and ``fireline check``: a first configuration that works, and the proof that the present one does.

``init`` never overwrites. ``check`` publishes nothing and shows no secret; it tells, part by part, what is right and
what is wrong, and exits with 0 (all is well), 1 (something is found wanting) or 2 (the configuration cannot be read).
"""

import asyncio
import json as jsonlib
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from crisis.visible import visible
from fireline.addresses import cannot_listen
from fireline.errors import Stop
from tasks.proving import Finding, parts_of, proven

if TYPE_CHECKING:
    from config import Settings


def init(directory: Path = Path(), *, playbooks: bool = False) -> None:
    """Write a commented fireline.toml that works at once in the sandbox.

    Existing files are left as they are.

    Args:
        directory: where to write; made when it is missing.
        playbooks: also copy the packaged playbooks and statement templates, to be edited.
    """
    import config

    packaged = Path(config.__file__).parent
    file = directory / "fireline.toml"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        new = not file.exists()
        if new:
            text = (packaged / "starter" / "fireline.toml").read_text(encoding="utf-8")
            if playbooks:
                text = text.replace("\n#playbooks_dir", "\nplaybooks_dir").replace(
                    "\n#templates_dir", "\ntemplates_dir"
                )
            file.write_text(text, encoding="utf-8")
        print(f"{'wrote' if new else 'left as it is:'} {file}")
        if playbooks:
            for kind, pattern in (("playbooks", "*.yaml"), ("templates", "*.txt.j2")):
                print(_copied(packaged / kind, directory / kind, pattern))
            if not new:
                print(f'To use them, {file} needs: playbooks_dir = "playbooks" and templates_dir = "templates"')
    except OSError as error:
        raise Stop(
            f"{error.filename or directory}: cannot be written ({error.strerror}): name another folder"
        ) from None
    there = "" if directory == Path() else f"cd {directory} && "
    print(f"\nNext: {there}fireline check")


def _copied(packaged: Path, folder: Path, pattern: str) -> str:
    folder.mkdir(exist_ok=True)
    wrote = 0
    for source in sorted(packaged.glob(pattern)):
        if not (folder / source.name).exists():
            shutil.copyfile(source, folder / source.name)
            wrote += 1
    left = sum(1 for _ in packaged.glob(pattern)) - wrote
    return f"wrote {wrote} files to {folder}" + (f" and left {left} as they are" if left else "")


def check(*, json: bool = False, timeout: float = 10.0) -> None:
    """Tell what is right and what is wrong with the configuration, channel by channel. Publishes nothing.

    Args:
        json: one JSON object a line: {"part", "name", "ok", "says"}.
        timeout: seconds that each service has to answer.
    """
    from config import ConfigError, load
    from config.runtime import reach
    from tasks.kinds import refuse_unknown_kinds

    try:
        settings = load()
        reach(
            settings.home, drill=settings.drill is not None
        )  # the blocks of a running installation hold credentials, too
        refuse_unknown_kinds(settings)
    except ConfigError as error:
        if json:
            for line in str(error).splitlines():
                print(jsonlib.dumps(asdict(Finding("configuration", "fireline.toml", False, line))))
        raise Stop(str(error), 2) from None
    findings = asyncio.run(_tell(settings, json=json, timeout=timeout))
    wanting = [f for f in findings if not f.ok]
    if any(f.part in ("playbooks", "templates") for f in wanting):
        raise Stop("the configuration cannot be used: mend the lines above", 2)
    if wanting:
        raise Stop(f"{len(wanting)} of {len(findings)} found wanting", 1)
    print("All is well. Next: fireline up", file=sys.stderr)


async def _tell(settings: "Settings", *, json: bool, timeout: float) -> list[Finding]:
    from fireline.progress_bar import shown
    from tasks.progress import counted

    findings = []
    with shown(), counted("check", "Check", unit="findings") as progress:
        async for finding in findings_of(settings, timeout=timeout):
            findings.append(finding)
            progress.more(says=f"{finding.part} {finding.name}")
            _print_finding(finding, json=json)
    return findings


def _print_finding(finding: Finding, *, json: bool) -> None:
    if json:
        print(jsonlib.dumps(asdict(finding), ensure_ascii=False), flush=True)
    else:
        mark = "ok   " if finding.ok else "WRONG"
        print(visible(f"{mark}  {finding.part:<13} {finding.name:<26} {finding.says}"), flush=True)


async def findings_of(settings: "Settings", *, timeout: float = 10.0) -> AsyncIterator[Finding]:
    """Everything there is to say about an installation, the outside world asked in parallel."""
    says = f"{settings.organisation}; watches: {len(settings.watches)}, channels: {len(settings.channels)}"
    yield Finding("configuration", settings.file.name if settings.file else "settings", True, says)
    for finding in (
        *_home(settings),
        *_keys(settings),
        *_addresses(settings),
        *_policies(settings),
        *_emptiness(settings),
    ):
        yield finding
    yield await _database(settings, timeout)
    parts = parts_of(settings)
    asked = [asyncio.create_task(proven(what, part, timeout)) for what, part in parts]
    working: set[str] = set()
    for task, (what, part) in zip(asked, parts, strict=True):
        finding = await task
        if finding.ok and what == "notifier":
            working.add(part.name)
        yield finding
    for finding in (*await _provider(settings, timeout), *await _heard(settings, timeout)):
        yield finding
    for person in settings.stakeholders:
        routes = person.contact_routes()
        usable = [str(route) for route in routes if route.notifier in working]
        says = f"by {usable[0]}" if usable else f"no route works: {', '.join(map(str, routes))}: mend its notifier"
        yield Finding("stakeholder", person.email, bool(usable), says)


def _home(settings: "Settings") -> Iterator[Finding]:
    """Whether the folder can be made and written to, by trying: rights alone do not tell."""
    at = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    if not at.is_dir():
        yield Finding("home", str(settings.home), False, f"{at} is a file: set home to a folder")
        return
    try:
        with tempfile.TemporaryDirectory(dir=at, prefix=".fireline-check-"):
            says = "can be written" if at == settings.home else "will be made at the first start"
        yield Finding("home", str(settings.home), True, says)
    except OSError as error:
        does = "cannot be written to" if at == settings.home else f"cannot be made in {at}"
        says = f"{does} ({error.strerror}): set home to a folder that can"
        yield Finding("home", str(settings.home), False, says)


def _addresses(settings: "Settings") -> Iterator[Finding]:
    """Whether what ``fireline up`` starts could listen here; whether a port is free is seen when it does."""
    for table, host in (("desk", settings.desk.host), ("prefect", settings.prefect.host)):
        if table == "prefect" and settings.prefect.api_url:
            continue
        problem = cannot_listen(host, 0, table)
        yield Finding("address", f"{table} {host}", not problem, problem or "can be listened on")
    if warning := _unheard(settings):  # right for a trial, so nothing is found wanting
        yield Finding("address", settings.desk.url, True, f"mind: {warning}")


def _unheard(settings: "Settings") -> str:
    """Why people cannot follow the links in their messages; empty when they can, or when messages reach nobody anyway."""
    real = [part.name for part in settings.notifiers if part.kind != "sandbox"]
    published = [part.name for part in settings.channels if part.kind != "sandbox"]
    host = urlsplit(settings.desk.url).hostname or ""
    here_only = host in ("localhost", "0.0.0.0", "::", "::1") or host.startswith("127.")  # noqa: S104
    if real and here_only:
        says = f"links in messages by {', '.join(real)} lead to this machine only"
        return f"{says}: set public_url under [desk] to the address by which people reach the desk"
    if published and settings.notifiers and not real:
        says = f"{', '.join(published)} publishes for real, and every notifier is a sandbox: nobody would be told"
        return f"{says}. Add a [[notifiers]] that reaches people"
    return ""


def _keys(settings: "Settings") -> Iterator[Finding]:
    """Whether keys that were made can be used; nothing is made for it."""
    from records.keys import CODES_KEY, LEDGER_KEY, open_keys
    from records.unusable import Unusable

    folder = settings.home / "keys"
    if all(os.path.lexists(folder / name) for name in (LEDGER_KEY, CODES_KEY)):
        try:
            open_keys(folder)
            yield Finding("keys", str(folder), True, "can be used")
        except Unusable as error:
            yield Finding("keys", str(folder), False, str(error))


def _policies(settings: "Settings") -> Iterator[Finding]:
    """Templates and playbooks can be used, and the people exist who approve what they ask for."""
    from config import ConfigError, playbooks, templates

    try:
        names = templates(settings).names
        yield Finding("templates", str(settings.templates_dir or "packaged"), True, f"{len(names)} can be filled in")
    except ConfigError as error:
        for line in str(error).splitlines():
            yield Finding("templates", str(settings.templates_dir or "packaged"), False, line)
        return
    try:
        books = playbooks(settings)
    except ConfigError as error:
        for line in str(error).splitlines():
            yield Finding("playbooks", str(settings.playbooks_dir or "packaged"), False, line)
        return
    yield Finding("playbooks", str(settings.playbooks_dir or "packaged"), True, f"{len(books)} causes")
    needs: dict[tuple[tuple[str, int], ...], list[str]] = {}
    for cause, book in books.items():
        for kind, policy in book.approval.items():
            needs.setdefault(tuple(sorted(policy.roles.items())), []).append(f"{cause} {kind}")
    for roles, uses in sorted(needs.items()):
        yield _approvers(settings, dict(roles), uses)


def _approvers(settings: "Settings", roles: dict[str, int], uses: list[str]) -> Finding:
    from crisis.approval import Policy
    from crisis.quorum import missing_approvers

    policy = Policy(roles=roles)
    name = " + ".join(role if count == 1 else f"{count} {role}" for role, count in roles.items())
    example = uses[0].replace("_", " ") + (f" and {len(uses) - 1} more" if len(uses) > 1 else "")
    lacking = missing_approvers(policy, settings.stakeholders)
    if lacking:
        wanted = ", ".join(f"{count} × {role}" for role, count in lacking.items())
        says = f"nobody can approve ({example}): give {wanted} to another stakeholder; nobody counts twice"
        return Finding("approvers", name, False, says)
    stuck = [p.name for p in settings.stakeholders if missing_approvers(policy, settings.stakeholders, author=p.email)]
    says = f"there are enough ({example})"
    if stuck:
        says += f"; but nobody else could approve what {' or '.join(stuck)} wrote"
    return Finding("approvers", name, True, says)


def _emptiness(settings: "Settings") -> Iterator[Finding]:
    """Parts without which nothing can happen."""
    for part, there in (
        ("watches", settings.watches),
        ("channels", settings.channels),
        ("notifiers", settings.notifiers),
        ("stakeholders", settings.stakeholders),
    ):
        if not there:
            yield Finding(part, "none", False, f"there are no {part}: add [[{part}]] to fireline.toml")


async def _database(settings: "Settings", timeout: float) -> Finding:
    """Whether records can be kept. The address is not shown beyond its kind: it may hold a password."""
    from sqlalchemy import text
    from sqlalchemy.engine import make_url
    from sqlalchemy.ext.asyncio import create_async_engine

    try:
        address = make_url(settings.database_url)
    except Exception:
        return Finding(
            "database", "records", False, "database_url is no address: write postgresql+asyncpg://user@host/name"
        )
    if address.get_backend_name() == "sqlite":
        return await asyncio.to_thread(_sqlite, Path(address.database or "."), settings.home)
    name = f"{address.host or 'local'}/{address.database or ''}"
    engine = create_async_engine(address)
    try:
        async with asyncio.timeout(timeout), engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        return Finding("database", name, True, "PostgreSQL answers")
    except TimeoutError:
        return Finding("database", name, False, f"no answer within {timeout:g} s: check the host and its firewall")
    except OSError:
        return Finding("database", name, False, "nothing answers there: start PostgreSQL, or set database_url")
    except Exception as error:  # drivers raise many kinds; their messages may repeat the address
        return Finding("database", name, False, f"does not let us in ({type(error).__name__}): check user and password")
    finally:
        await engine.dispose()


def _sqlite(file: Path, home: Path) -> Finding:
    if not file.exists():
        fine = file.parent == home or os.access(file.parent, os.W_OK)
        says = f"SQLite at {file}" if fine else f"{file.parent} cannot be written to: set database_url or home"
        return Finding("database", "sqlite", fine, says)
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=2)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        found = str(error)
    if found == "ok":
        return Finding("database", "sqlite", True, f"SQLite at {file}")
    says = f"{file} cannot be used ({found}): put a copy of it back, or move it away to begin anew"
    return Finding("database", "sqlite", False, says)


async def _provider(settings: "Settings", timeout: float) -> list[Finding]:
    """Whether people can be sent to the provider that they sign in with. Its secret is proven by the first sign-in."""
    oidc = settings.desk.oidc
    if oidc is None:
        return []
    from config import secret_from_environment
    from integrations.oidc import OpenIdProvider
    from integrations.outcomes import IntegrationError

    secret = secret_from_environment("oidc", "client_secret") or ""
    try:
        provider = OpenIdProvider(
            issuer=oidc.issuer, client_id=oidc.client_id, client_secret=secret, redirect_uri="", timeout=timeout
        )
        try:
            await provider.address(state="", nonce="", verifier="x")
        finally:
            await provider.close()
    except IntegrationError as error:
        return [Finding("sign-in", oidc.issuer, False, str(error))]
    says = (
        "answers" if secret else "answers; FIRELINE_OIDC_CLIENT_SECRET is not set, so Fireline is a public client there"
    )
    return [Finding("sign-in", oidc.issuer, True, says)]


async def _heard(settings: "Settings", timeout: float) -> list[Finding]:
    """What the listeners noted of their sources, where a store is there to be read; nothing is made for it."""
    from sqlalchemy.engine import make_url

    from tasks.coverage import coverage
    from tasks.installation import installation

    try:
        address = make_url(settings.database_url)
        if address.get_backend_name() == "sqlite" and not await asyncio.to_thread(
            os.path.isfile, address.database or ""
        ):
            return []
        async with asyncio.timeout(timeout), installation(settings, via="cli") as here:
            found = await coverage(here)
    except Exception:  # the finding on the database says what is wrong with it
        return []
    return [Finding("coverage", c.watch, c.health.in_contact, c.says) for c in found]
