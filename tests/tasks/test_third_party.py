"""Somebody without Fireline, who has docs/evidence.md alone, proves a bundle and names what was done to one."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from staged import stage
from third_party_verifier import Wrong, check, duration, jcs, read

from crisis.bundle import MANIFEST, PERSONAL, RECORDS, SIGNATURE, check_bundle
from crisis.triage import Narrative
from crisis.watch import Mention
from tasks import erase as erasing
from tasks.evidence import seal_evidence

Files = dict[str, bytes]
LENA = "lena@example.com"


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Files, Files, Ed25519PrivateKey]:
    """A bundle, one of after an author was erased, and the installation's key."""
    home = tmp_path_factory.mktemp("third")

    async def seal() -> tuple[Path, Path]:
        here, incident = await stage(home)
        posts = [Mention(id=f"q{n}", text=text, author=who, created_at=here.clock.now()) for n, who, text in SAID]
        async with here.store.transaction() as tx:
            await tx.mentions.relied_on(incident, posts)
            before = (await tx.incidents.get(incident)).assessment
            quoted = tuple(Narrative(id=p.id, label="late", size=3, quote=p.text) for p in posts)
            await tx.incidents.assess(incident, before.model_copy(update={"narratives": quoted}), actor="triage")
        first = await seal_evidence(here, incident, home / "first")
        await erasing.erase(here, author="kim.b", actor=LENA, reason="request 12")
        second = await seal_evidence(here, incident, home / "second")
        await here.close()
        return first, second

    first, second = asyncio.run(seal())
    key = load_pem_private_key((home / "keys" / "ledger.key").read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    return read(first), read(second), key


SAID = (
    (1, "kim.b", "Three hours at Brugge with two children and not a word from acme, wonderful"),
    (2, "jo~/x", 'Acme says nothing again, "as ever" \u2603 \U0001f525'),
)


def resealed(files: Files, key: Ed25519PrivateKey, **more: Any) -> Files:
    """``files`` with a manifest that fits them, and a signature by ``key``."""
    manifest = json.loads(files[MANIFEST]) | more
    content = {name: data for name, data in files.items() if name not in (MANIFEST, SIGNATURE)}
    manifest["files"] = [
        {"path": name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in content.items()
    ]
    written = json.dumps(manifest).encode()
    return content | {MANIFEST: written, SIGNATURE: key.sign(written).hex().encode()}


def lines(files: Files, name: str, change: Callable[[list[Any]], None]) -> Files:
    """``files`` with the lines of one of them changed."""
    told = [json.loads(line) for line in files[name].splitlines()]
    change(told)
    return files | {name: "".join(json.dumps(line) + "\n" for line in told).encode()}


def wrong(files: Files) -> str:
    """What the third party finds wrong; Fireline's own verifier must find something, too."""
    assert not check_bundle(files).ok
    with pytest.raises(Wrong) as found:
        check(files)
    return str(found.value)


def test_good_bundles_hold_before_and_after_an_erasure(bundles: tuple[Files, Files, Ed25519PrivateKey]) -> None:
    before, after, _ = bundles
    for files in (before, after):
        proof = check_bundle(files)
        assert proof.ok, proof.problem
        assert check(files, proof.key) == proof.records
    assert SAID[0][2].encode() in before[PERSONAL]
    assert check_bundle(before).erased == ()
    assert "by lena@example.com (E-1)" in check_bundle(after).erased[0]
    assert all(SAID[0][2].encode() not in data for data in after.values())


def test_what_was_done_to_a_bundle_is_named(bundles: tuple[Files, Files, Ed25519PrivateKey]) -> None:
    good, _, _key = bundles
    assert "report.html was altered" in wrong(good | {"report.html": b"<p>"})
    assert "deliveries.json is missing" in wrong({n: d for n, d in good.items() if n != "deliveries.json"})
    assert "x.txt was added" in wrong(good | {"x.txt": b""})
    other = Ed25519PrivateKey.generate()
    assert "manifest.sig" in wrong(resealed(good, other))
    pem = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert "another key" in wrong(resealed(good | {"public_key.pem": pem}, other))


def _altered(told: list[Any]) -> None:
    told[20]["reason"] = "another"


def _dropped(told: list[Any]) -> None:
    del told[20]


def _swapped(told: list[Any]) -> None:
    told[20], told[21] = told[21], told[20]


def _truncated(told: list[Any]) -> None:
    del told[-3:]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_altered, "record 21 was altered"),
        (_dropped, "record 21 is missing"),
        (_swapped, "record 21 is missing or out of place"),
        (_truncated, "the ledger ends elsewhere"),
    ],
)
def test_a_ledger_that_was_changed_is_named_even_under_a_good_signature(
    change: Callable[[list[Any]], None], says: str, bundles: tuple[Files, Files, Ed25519PrivateKey]
) -> None:
    good, _, key = bundles
    assert says in wrong(resealed(lines(good, RECORDS, change), key))


def test_a_ledger_cut_off_with_its_manifest_is_named_by_the_checkpoints(
    bundles: tuple[Files, Files, Ed25519PrivateKey],
) -> None:
    good, _, key = bundles
    cut = lines(good, RECORDS, _truncated)
    told = [json.loads(line) for line in cut[RECORDS].splitlines()]
    assert "was signed and is missing" in wrong(resealed(cut, key, records=len(told), head=told[-1]["hash"]))


def test_personal_values_that_are_changed_gone_or_back_are_named(
    bundles: tuple[Files, Files, Ed25519PrivateKey],
) -> None:
    before, after, key = bundles

    def changed(told: list[Any]) -> None:
        told[0]["value"] += "!"

    assert "is not the one recorded" in wrong(resealed(lines(before, PERSONAL, changed), key))
    assert "is gone without a record" in wrong(resealed(lines(before, PERSONAL, lambda told: told.pop(0)), key))
    erased = next(line for line in before[PERSONAL].splitlines() if SAID[0][2].encode() in line)
    back = after | {PERSONAL: after[PERSONAL] + erased + b"\n"}
    assert "was erased and is back" in wrong(resealed(back, key))


def test_a_story_that_the_ledger_does_not_bear_out_is_named(bundles: tuple[Files, Files, Ed25519PrivateKey]) -> None:
    good, _, key = bundles

    def edited(name: str, change: Callable[[Any], None]) -> Files:
        value = json.loads(good[name])
        change(value)
        return resealed(good | {name: json.dumps(value).encode()}, key)

    def reworded(value: Any) -> None:
        value[0]["statement"]["renderings"][0]["parts"][0]["text"] += " (sic)"

    assert "content hash" in wrong(edited("statements.json", reworded))
    assert "is not on record" in wrong(edited("decisions.json", lambda v: v[0].update(role="legal")))
    assert "went out without" in wrong(edited("decisions.json", lambda v: v.pop(0)))
    assert "is left out" in wrong(edited("deliveries.json", lambda v: v.pop(0)))
    assert "is left out" in wrong(edited("deliveries.json", lambda v: v[0].update(state="refused")))
    assert "is not on record" in wrong(edited("deliveries.json", lambda v: v[0].update(id="0" * 32)))
    part = next(name for name in good if name.endswith("part-1.txt"))
    assert "is not what was delivered" in wrong(resealed(good | {part: b"other words"}, key))


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=8,
)


@hypothesis_settings(max_examples=50)
@given(value=values)
def test_the_third_party_writes_canonical_json_as_we_do(value: Any) -> None:
    assert jcs(value).encode() == rfc8785.dumps(value)


def test_the_third_party_reads_durations() -> None:
    assert duration("PT4H") == timedelta(hours=4)
    assert duration("P1DT2H3M4.5S") == timedelta(days=1, hours=2, minutes=3, seconds=4.5)
