"""Checks a bill of materials against the published schema of CycloneDX 1.5; a broken one must not pass."""

import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

text = open(sys.argv[1], encoding="utf-8").read()
validator = JsonStrictValidator(SchemaVersion.V1_5)
if validator.validate_str(text.replace('"type": "library"', '"type": "nothing"', 1)) is None:
    sys.exit("the validator takes everything")
error = validator.validate_str(text)
if error is not None:
    sys.exit(f"{sys.argv[1]} is no CycloneDX 1.5: {error}")
print(f"{sys.argv[1]} is valid CycloneDX 1.5")
