"""Checks what the vendor says of itself, as `kathea-agent privacy export` keeps it: python3 verify_news.py held.json agent.toml

Use receipts: each is signed by a key that `[vendor] keys` allows for it, is about this device, has the number that comes next
and names the SHA-256 of the text before it. Notices: each is signed by a key that is allowed for them. Written from
protocol/WIRE.md alone, with Python's standard library and the package `cryptography`. Prints a line for each finding and one
with the counts; exit code 1 if there is a finding.
"""

import base64
import hashlib
import json
import sys
import tomllib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

USES = {"export", "access", "proof", "handover"}
ROLES = {"operator", "analyst", "service_engineer", "privacy_officer"}
REASONS = {"support", "quality", "vigilance", "complaint", "legal_claim", "clinic_request", "authority", "audit"}
KINDS = {"material_change", "breach", "advisory", "end_of_support", "newer_version"}


def trusted(config):
    """The keys by their short names, each with what it may sign."""
    with open(config, "rb") as file:
        entries = tomllib.load(file).get("vendor", {}).get("keys", [])
    keys = {}
    for entry in entries:
        raw = base64.b64decode(entry["key"], validate=True)
        keys[hashlib.sha256(raw).hexdigest()[:16]] = (Ed25519PublicKey.from_public_bytes(raw), entry["signs"])
    return keys


def is_signed(signed, context, keys):
    """Whether a key that may do so signed exactly this text."""
    words = signed["signature"].split(" ")
    if len(words) != 4 or words[:2] != ["kathea-signature-1", context]:
        return False
    key, signs = keys.get(words[2], (None, []))
    if context not in signs:
        return False
    digest = hashlib.sha256(signed["text"].encode()).hexdigest()
    try:
        key.verify(base64.b64decode(words[3], validate=True), f"kathea-signature-1 {context} {digest}".encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def receipts(news, device, keys):
    """What is wrong with the chain of receipts."""
    number, head = None, None
    for at, signed in enumerate(news["receipts"], 1):
        if not is_signed(signed, "use_receipt", keys):
            yield f"receipt {at} is not signed as it is"
            continue
        said = json.loads(signed["text"])
        if said["format"] != "kathea-use-1" or said["device"] != device:
            yield f"receipt {at} is not one of this device"
            continue
        if said["what"] not in USES or said["role"] not in ROLES or said.get("why", "audit") not in REASONS:
            yield f"receipt {at} has a word that is not on the list"
        # A device keeps the newest ones: the first of them need not be number 1.
        is_next = number is None or said["number"] == number + 1
        is_linked = said["previous"] == head if number is not None else (said["number"] > 1) == (said["previous"] is not None)
        if not is_next or not is_linked:
            yield f"receipt {at}, number {said['number']}, does not follow the one before"
        number, head = said["number"], hashlib.sha256(signed["text"].encode()).hexdigest()
    if news["receipts"] and (number, head) != (news["newest"], news["head"]):
        yield "the newest receipt is not there"


def notices(news, keys):
    """What is wrong with the notices."""
    for at, signed in enumerate(news["notices"], 1):
        if not is_signed(signed, "notice", keys):
            yield f"notice {at} is not signed as it is"
            continue
        said = json.loads(signed["text"])
        if said["format"] != "kathea-notice-1" or said["kind"] not in KINDS or not said["en"] or not said["da"]:
            yield f"notice {at} is not a notice"


def main(export, config):
    with open(export, encoding="utf-8") as file:
        held = json.load(file)["held"]
    keys, news = trusted(config), held.get("news", {"receipts": [], "notices": []})
    found = [*receipts(news, held["status"]["device"], keys), *notices(news, keys)]
    print("\n".join([*found, f"{len(news['receipts'])} receipts, {len(news['notices'])} notices, {len(found)} findings"]))
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
