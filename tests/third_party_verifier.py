"""A verifier of evidence bundles as somebody without Fireline would write it, from docs/evidence.md alone.

It uses the standard library and ``cryptography``, and names what is wrong. Run it: ``python third_party_verifier.py BUNDLE``.
"""

import hashlib
import json
import re
import sys
import zipfile
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

DIGEST = re.compile(r"\$personal:sha256:[0-9a-f]{64}\Z")
FIELDS = ["seq", "at", "kind", "incident", "actor", "via", "reason", "flow_run_id", "data", "previous", "hash"]
COVERED = ["incident", "kind", "audience", "severity", "renderings", "media", "links", "promises"]


def number(value):
    """A number as ECMAScript writes it."""
    if isinstance(value, int):
        return str(value)
    if value == 0:
        return "0"
    sign, value = ("-", -value) if value < 0 else ("", value)
    mantissa, exponent = f"{value!r}", 0
    if "e" in mantissa:
        mantissa, power = mantissa.split("e")
        exponent = int(power)
    whole, _, part = mantissa.partition(".")
    part = "" if part == "0" else part
    digits = (whole + part).lstrip("0")
    n = len(whole) + exponent if whole != "0" else exponent - (len(part) - len(part.lstrip("0")))
    digits = digits.rstrip("0") or "0"
    k = len(digits)
    if k <= n <= 21:
        return sign + digits + "0" * (n - k)
    if 0 < n <= 21:
        return f"{sign}{digits[:n]}.{digits[n:]}"
    if -6 < n <= 0:
        return f"{sign}0.{'0' * -n}{digits}"
    power = f"e{'+' if n > 0 else '-'}{abs(n - 1)}"
    return sign + digits[0] + (f".{digits[1:]}" if k > 1 else "") + power


def jcs(value):
    """Canonical JSON (RFC 8785)."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ",".join(map(jcs, value)) + "]"
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    return "{" + ",".join(f"{jcs(name)}:{jcs(value[name])}" for name in names) + "}"


def sha(value):
    return hashlib.sha256(value if isinstance(value, bytes) else jcs(value).encode()).hexdigest()


class Wrong(Exception):
    """What does not hold."""


def need(holds, says):
    if not holds:
        raise Wrong(says)


def signed(key, signature, message, says):
    try:
        key.verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        raise Wrong(says) from None


def at_pointer(record, pointer):
    value = record
    for escaped in pointer.split("/")[1:]:
        name = escaped.replace("~1", "/").replace("~0", "~")
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value


def replace(record, pointer, text):
    *path, last = pointer.split("/")
    inside = at_pointer(record, "/".join(path))
    last = last.replace("~1", "/").replace("~0", "~")
    inside[int(last) if isinstance(inside, list) else last] = text


def marks(value, pointer=""):
    """Pointers of every digest in a JSON value."""
    if isinstance(value, str):
        return [pointer] if DIGEST.match(value) else []
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    escaped = ((str(n).replace("~", "~0").replace("/", "~1"), v) for n, v in inside)
    return [found for name, v in escaped for found in marks(v, f"{pointer}/{name}")]


def check(files, trusted=""):
    """Raises ``Wrong`` with the first thing that does not hold; returns the number of records."""
    try:
        key = load_pem_public_key(files["public_key.pem"])
        fingerprint = sha(key.public_bytes(Encoding.Raw, PublicFormat.Raw))
    except (KeyError, ValueError):
        raise Wrong("public_key.pem is no key") from None
    need(not trusted or fingerprint == trusted, "signed with another key than the trusted one")
    need("manifest.json" in files and "manifest.sig" in files, "there is no signed manifest")
    signed(key, files["manifest.sig"].decode("ascii", "replace"), files["manifest.json"], "manifest.sig does not fit")
    manifest = json.loads(files["manifest.json"])
    need(manifest["format"] == "fireline-evidence/2", "another format")
    need(manifest["key"] == fingerprint, "the manifest names another key")
    told = {f["path"]: f for f in manifest["files"]}
    for path, f in told.items():
        need(path in files, f"{path} is missing")
        need((sha(files[path]), len(files[path])) == (f["sha256"], f["bytes"]), f"{path} was altered")
    extra = set(files) - set(told) - {"manifest.json", "manifest.sig"}
    need(not extra, f"{min(extra, default='')} was added")
    records = chain(files, manifest, key, fingerprint)
    personal(files, records, manifest["incident"])
    story(files, [r for r in records if r["incident"] == manifest["incident"]])
    return len(records)


def chain(files, manifest, key, fingerprint):
    records, before = [], "0" * 64
    for n, line in enumerate(files["ledger/records.jsonl"].decode().splitlines(), start=1):
        record = json.loads(line)
        need(sorted(record) == sorted(FIELDS), f"record {n} has other fields")
        need(record["seq"] == n, f"record {n} is missing or out of place")
        body = {name: value for name, value in record.items() if name != "hash"}
        need(sha(body) == record["hash"], f"record {n} was altered")
        need(record["previous"] == before, f"record {n} follows another record")
        before = record["hash"]
        records.append(record)
    need(len(records) == manifest["records"] and before == manifest["head"], "the ledger ends elsewhere")
    checkpoints = [(None, c) for c in json.loads(files["ledger/checkpoints.json"])]
    checkpoints += [(r["seq"], r["data"]) for r in records if r["kind"] == "ledger.checkpoint"]
    for seq, c in checkpoints:
        need(seq is None or c["seq"] == seq - 1, f"record {seq} signs another record than the one before it")
        need(0 < c["seq"] <= len(records), f"record {c['seq']} was signed and is missing")
        need(records[c["seq"] - 1]["hash"] == c["hash"], f"record {c['seq']} is not the one that was signed")
        need(c["key"] == fingerprint, f"checkpoint {c['seq']} is of another key")
        at = re.sub(r"Z\Z", "+00:00", c["at"])
        message = {"at": at, "hash": c["hash"], "seq": c["seq"], "signs": "fireline ledger checkpoint"}
        signed(key, c["signature"], jcs(message).encode(), f"checkpoint {c['seq']} is not signed")
    return records


def personal(files, records, incident):
    """Check the personal values, and put those that are disclosed in their places."""
    there = set()
    for line in files["ledger/personal.jsonl"].decode().splitlines():
        told = json.loads(line)
        seq, pointer = told["seq"], told["pointer"]
        need(pointer == "/reason" or pointer.startswith("/data/"), f"{pointer} is no place of a record")
        try:
            mark = at_pointer(records[seq - 1], pointer)
        except (LookupError, ValueError, TypeError):
            mark = None
        digest = "$personal:sha256:" + sha([told["salt"], told["value"]])
        need(mark == digest, f"the personal value {pointer} of record {seq} is not the one recorded")
        there.add((seq, pointer))
        told["into"] = records[seq - 1]
    erased = {
        (int(seq), pointer)
        for r in records
        if r["kind"] == "personal.erased"
        for seq, pointers in r["data"]["values"].items()
        for pointer in pointers
    }
    back = there & erased
    need(not back, f"a personal value of record {min(back, default=(0,))[0]} was erased and is back")
    for r in records:
        if r["incident"] == incident:
            for pointer in [*marks(r["data"], "/data"), *marks(r["reason"], "/reason")]:
                seen = (r["seq"], pointer) in there | erased
                need(seen, f"the personal value {pointer} of record {r['seq']} is gone without a record of it")
    for line in files["ledger/personal.jsonl"].decode().splitlines():
        told = json.loads(line)
        replace(records[told["seq"] - 1], told["pointer"], told["value"])


def story(files, records):
    def of_kind(*kinds, **fields):
        found = (r for r in records if r["kind"] in kinds)
        return [r for r in found if all(r["data"].get(name) == value for name, value in fields.items())]

    def read(name):
        return json.loads(files[name])

    statements = {}
    for entry in read("statements.json"):
        s = entry["statement"]
        facts = [{"id": f["id"], "text": f["text"], "status": f["status"]} for f in s["facts"]]
        found = sha({name: s[name] for name in COVERED} | {"facts": facts})
        need(found == s["content_hash"], f"{s['id']} v{s['version']} does not have its content hash")
        need(of_kind("statement.drafted", content_hash=found), f"{s['id']} v{s['version']} was never recorded")
        for picture in s["media"]:
            there = [data for path, data in files.items() if path.startswith(f"pictures/{picture['sha256']}.")]
            need(there and sha(there[0]) == picture["sha256"], f"a picture of {s['id']} is missing or another")
        statements[s["id"], s["version"]] = s
    proposals = {(p["statement"], p["version"]): p for p in read("proposals.json")}
    for p in proposals.values():
        same = {name: p[name] for name in ("statement", "version", "content_hash", "policy", "proposed_at")}
        need(of_kind("statement.proposed", **same), f"the proposal of {p['statement']} is not on record")
    decisions = read("decisions.json")
    for d in decisions:
        same = {name: d[name] for name in ("content_hash", "approver", "role", "verdict")}
        made = [r for r in of_kind("decision.made", **same) if r["data"].get("number", 1) == d["number"]]
        need(made, f"the decision of {d['approver']} is not on record")
        d["record"] = made[0]["seq"]
        who = {name: d[name] for name in ("content_hash", "approver", "number")}
        back = bool(of_kind("decision.taken_back", **who))
        need(back == (d["taken_back_at"] is not None), f"whether {d['approver']} took it back is told otherwise")
    deliveries = read("deliveries.json")
    for d in deliveries:
        if d["state"] not in ("accepted", "reconciled"):
            continue
        arrived = of_kind("delivery.accepted", "delivery.reconciled", delivery=d["id"])
        need(arrived, f"the arrival of delivery {d['id']} is not on record")
        told = [r["data"]["receipt"] for r in arrived if r["data"].get("receipt")]
        need(not told or d["receipt"] in told, f"the receipt of delivery {d['id']} is another")
        if d["purpose"] == "statement":
            s = statements.get((d["statement"], d["version"]))
            need(
                s and d["content_hash"] == s["content_hash"] and d["rendering"] in s["renderings"],
                f"delivery {d['id']} is not what {d['statement']} v{d['version']} says",
            )
            published(files, d)
            armed = [r["seq"] for r in of_kind("delivery.armed", delivery=d["id"])]
            approved(d, proposals, decisions, of_kind, min(armed, default=sys.maxsize))
    there = {d["id"] for d in deliveries if d["state"] in ("accepted", "reconciled")}
    known = {(d["content_hash"], d["approver"], d["number"]) for d in decisions}
    for r in of_kind("delivery.accepted", "delivery.reconciled", "decision.made"):
        data = r["data"]
        if r["kind"] == "decision.made":
            one = (data["content_hash"], data["approver"], data.get("number", 1))
            need(one in known, f"the decision of record {r['seq']} is left out")
        elif data.get("purpose") in ("statement", "withdrawal"):
            need(data["delivery"] in there, f"the delivery of record {r['seq']} is left out")


def published(files, d):
    def safe(text):
        return re.sub(r"[^A-Za-z0-9_-]", "_", text)

    folder = (
        f"published/{safe(d['statement'])}-v{d['version']}/{safe(d['rendering']['target']['channel'])}-{d['id'][:12]}"
    )
    for n, part in enumerate(d["rendering"]["parts"], start=1):
        content = files.get(f"{folder}/part-{n}.txt")
        need(content == part["text"].encode(), f"{folder}/part-{n}.txt is not what was delivered")


def approved(d, proposals, decisions, of_kind, armed):
    what = {name: d[name] for name in ("statement", "version", "content_hash")}
    if any(r["seq"] < armed for r in of_kind("statement.released", **what)):
        return
    p = proposals.get((d["statement"], d["version"]))
    need(p and p["content_hash"] == d["content_hash"], f"{d['statement']} was never proposed")
    begun = moment(p["proposed_at"])
    ended = begun + duration(p["policy"]["expires_after"])
    have, people = dict.fromkeys(p["policy"]["roles"], 0), set()
    for one in decisions:
        mine = {name: one[name] for name in what} == what and one["taken_back_at"] is None
        if not mine or not begun <= moment(one["decided_at"]) <= ended or one["record"] >= armed:
            continue
        need(one["verdict"] != "return", f"{d['statement']} v{d['version']} was returned, and went out")
        turns = {one["approver"], one["on_behalf_of"]} - {""}
        if one["verdict"] == "approve" and one["role"] in have and not turns & people:
            have[one["role"]] += 1
            people |= turns
    missing = [role for role, count in p["policy"]["roles"].items() if have[role] < count]
    need(not missing, f"{d['statement']} v{d['version']} went out without {', '.join(missing)}")


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def duration(text):
    days, hours, minutes, seconds = (
        float(n or 0) for n in re.fullmatch(r"P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?", text).groups()
    )
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def read(path):
    with zipfile.ZipFile(path) as bundle:
        names = bundle.namelist()
        need(len(set(names)) == len(names), "two files of one name")
        return {name: bundle.read(name) for name in names}


if __name__ == "__main__":
    try:
        print(f"holds: {check(read(sys.argv[1]), *sys.argv[2:3])} records")
    except Wrong as wrong:
        sys.exit(f"does not hold: {wrong}")
