"""Verbs that prove: write the report and the evidence of an incident; verify a bundle, or the ledger of this store."""

import json as jsonlib
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from fireline.errors import Stop

Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object on stdout.")]


async def report(
    incident: str,
    *,
    out: Annotated[Path, Parameter(name=("--out", "-o"))] = Path(),
    json: Json = False,
) -> None:
    """Write the after-action report of an incident (HTML and PDF) and its evidence bundle (one signed zip).

    Where archives are configured, the bundle is locked away in them, too, and read back.
    The bundle holds the whole ledger of this installation, other incidents included: mind whom you hand it to.

    Args:
        incident: Such as INC-7.
        out: The folder to write them into; made if it is not there.
    """
    from fireline.session import session
    from integrations import IntegrationError
    from records import NotFound
    from tasks.archive import archive_evidence
    from tasks.documents import HTML, PDF, write_documents
    from tasks.evidence import seal_evidence
    from tasks.progress import under_way
    from tasks.review import put_files
    from tasks.run_history import run_history

    title = f"Report of {incident}"
    async with session() as here, under_way(here, f"report/{incident}", title, total=4, incident=incident) as progress:
        progress.at(0, says="writing the report")
        try:
            written = await write_documents(here, incident, actor="cli")
        except NotFound as missing:
            raise Stop(f"{missing}: `fireline incidents` lists those there are", 1) from None
        except ValueError as altered:
            raise Stop(str(altered), 1) from None
        try:
            path, paper = out / f"{incident}-report.html", out / f"{incident}-report.pdf"
            put_files(out, {path.name: written[HTML], paper.name: written[PDF]})
            progress.at(1, says="copying what Prefect knows")
            history = await run_history(here, incident)
            progress.at(2, says="proving the ledger and sealing the evidence")
            bundle = await seal_evidence(here, incident, out, prefect_history=history, documents=written, actor="cli")
        except OSError as error:
            raise Stop(f"{out} cannot be written to: {error.strerror}") from None
        except ValueError as broken:
            raise Stop(str(broken), 1) from None
        progress.at(3, says="locking it away in the archives")
        try:
            stored = await archive_evidence(here, incident, bundle, actor="cli")
        except IntegrationError as problem:
            raise Stop(f"{bundle} is sealed, but not in every archive: {problem}", 1) from None
    told: dict[str, Any] = {
        "incident": incident,
        "report": str(path),
        "pdf": str(paper),
        "evidence": str(bundle),
        "runs": len(history["runs"]),
    }
    if "unavailable" in history:
        told["runs_unavailable"] = history["unavailable"]
    if stored:
        told["archived"] = [sealed.model_dump(mode="json") for sealed in stored]
    words = f"Report:   {path}\nPDF:      {paper}\nEvidence: {bundle}\nProve it: fireline verify {bundle}"
    words += "".join(f"\nLocked:   {s.place} until {s.retain_until:%Y-%m-%d} ({s.mode})" for s in stored)
    print(jsonlib.dumps(told) if json else words)


async def verify(
    bundle: Path | None = None,
    /,
    *,
    store: Annotated[bool, Parameter(negative="")] = False,
    key: str = "",
    json: Json = False,
) -> int:
    """Prove an evidence bundle, offline and without any store; or, with --store, the ledger of this installation.

    Exit status 0: everything holds. 1: something does not, and the first thing is named. 2: there is nothing to prove.

    Args:
        bundle: The evidence bundle, a zip that `fireline report` wrote.
        store: Prove the ledger of this installation instead.
        key: Fingerprint of the key that must have signed the bundle, which you received by another way.
    """
    if (bundle is None) is not store:
        raise Stop("say what to prove: either the name of a bundle, or --store for this installation's ledger")
    if bundle is None and key:
        raise Stop("--key is for bundles: a store is proven with its own key")
    found = await _verify_store() if bundle is None else _verify_bundle(bundle, key)
    if json:
        print(jsonlib.dumps(found))
    elif found["ok"]:
        print(found["says"])
    else:
        raise Stop(str(found["says"]), 1)
    return 0 if found["ok"] else 1


def _verify_bundle(path: Path, trusted: str) -> dict[str, Any]:
    from crisis.bundle import NotABundle, check_bundle, read_bundle

    try:
        proof = check_bundle(read_bundle(path), trusted=trusted)
    except NotABundle as error:
        raise Stop(str(error)) from None
    except OSError as error:
        raise Stop(f"{path} cannot be read: {error.strerror}") from None
    more = f" ({len(proof.problems) - 1} more)" if len(proof.problems) > 1 else ""
    holds = (
        f"{path.name} holds: {proof.incident}, {proof.files} files, {proof.records} ledger records.\n"
        f"Signed with key {proof.key}. Compare it with one you received by another way."
    )
    holds += "".join(f"\n{line}." for line in proof.erased)
    return {
        "ok": proof.ok,
        "incident": proof.incident,
        "sealed_at": proof.sealed_at.isoformat() if proof.sealed_at else None,
        "files": proof.files,
        "records": proof.records,
        "key": proof.key,
        "problem": proof.problem,
        "problems": [p.model_dump() for p in proof.problems],
        "erased": list(proof.erased),
        "says": holds if proof.ok else f"{path.name} does not hold: {proof.problem}{more}",
    }


async def _verify_store() -> dict[str, Any]:
    import config
    from config.runtime import make_home
    from crisis.personal import ERASURE, told_erased
    from fireline.progress_bar import shown
    from records import open_store
    from tasks.progress import counted

    settings = config.load()
    make_home(settings.home)
    begun = any((settings.home / "keys").glob("*.key"))
    store = await open_store(settings.database_url, keys=settings.home / "keys", clock=config.clock(settings))
    try:
        with shown(), counted("verify", "Proof of the ledger", unit="records") as progress:
            found = await store.verify(progress.at)
        async with store.reading() as tx:
            gone = told_erased(await tx.ledger.list(kinds=("erasure.asked", ERASURE))) if found.ok else []
    finally:
        await store.close()
    told = found.model_dump(mode="json")
    if found.ok and not found.records:
        if not begun:
            raise Stop("there is nothing to prove: this installation has no records yet")
        says = "the ledger is empty, though this installation had begun one: its database was lost or replaced"
        return {**told, "ok": False, "problem": says, "says": says}
    counts = f"{found.records} records, {found.checkpoints} signed checkpoints"
    says = f"The ledger holds: {counts}. The tables say what it recorded." + "".join(f"\n{line}." for line in gone)
    return {**told, "erased": gone, "says": found.fault or says}
