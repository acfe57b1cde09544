"""Checks the examples of SOCKET.md against socket.schema.json; what the agent would refuse must not pass."""

import json
import sys
from pathlib import Path

from jsonschema import Draft202012Validator

protocol = Path(sys.argv[1])
schema = json.loads((protocol / "socket.schema.json").read_text())
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
block = (protocol / "SOCKET.md").read_text().split("```json\n")[1].split("```")[0]
examples = [json.loads(line) for line in block.splitlines()]
event = {"event": "device.error", "at": "2026-11-21T10:32:11+01:00", "code": 1042, "subsystem": "generator",
         "severity": "error", "repeats": 1}
examples.append(event)
for example in examples:
    error = next(validator.iter_errors(example), None)
    if error is not None:
        sys.exit(f"{example} does not pass: {error.message}")
for broken in (
    {}, {"request": "sing"}, {"request": "consent"}, {"request": "consent", "action": "grant", "by": "owner"},
    {"request": "support", "action": "preview", "wish": {"case": "case 1", "reason": "error"}},
    {"event": "device.error"}, {"event": "exposure.completed", "at": "now", "patient": ["A"]},
    {**event, "event": "device.eror"}, {**event, "patient": "x"}, {**event, "code": "1042"}, {**event, "code": 65536},
    {**event, "subsystem": "generators"}, {name: value for name, value in event.items() if name != "repeats"},
    {"request": "statsu"}, {"requst": "status"},
):
    if validator.is_valid(broken):
        sys.exit(f"{broken} passes")
print(f"{len(examples)} examples of SOCKET.md pass its schema")
