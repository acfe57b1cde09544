"""What the receiver does with sealed bundles: tus 1.0 with Creation, and `complete`, from protocol/WIRE.md 2.4."""

import base64
import hashlib
import json

BUNDLES = "/v1/bundles"


class Uploads:
    """Bundles on their way and those that are whole, by the digest that was announced."""

    def __init__(self):
        self.parts, self.whole = {}, {}

    def serve(self, handler, body, consents):
        """Answers one request about bundles."""
        name = handler.path[len(BUNDLES) + 1:].split("/")[0]
        if handler.command == "OPTIONS":
            return handler.reply(204, b"", Tus_Version="1.0.0")
        if handler.command == "POST" and not name:
            return self.announced(handler, consents)
        if handler.command == "POST" and handler.path.endswith("/complete"):
            return self.complete(handler, name, json.loads(body))
        length, part = self.parts.get(name, (0, None))
        if part is None:
            return handler.problem(404, "not_found")
        if handler.command == "PATCH":
            if handler.headers.get("Upload-Offset") != str(len(part)) or len(part) + len(body) > length:
                return handler.problem(409, "offset")
            part += body
            return handler.reply(204, b"", Upload_Offset=str(len(part)))
        return handler.reply(200, b"", Upload_Offset=str(len(part)), Upload_Length=str(length))

    def announced(self, handler, consents):
        words = dict(word.split(" ") for word in handler.headers["Upload-Metadata"].split(","))
        said = {word: base64.b64decode(value).decode() for word, value in words.items()}
        if not all(granted(consents.get(digest)) for digest in said["consents"].split(" ")):
            return handler.problem(428, "consent_required")
        self.parts.setdefault(said["sha256"], (int(handler.headers["Upload-Length"]), bytearray()))
        return handler.reply(201, b"", Location=f"{BUNDLES}/{said['sha256']}")

    def complete(self, handler, name, said):
        """Keeps what is what it was said to be; throws away what is not."""
        length, part = self.parts.pop(name, (0, bytearray()))
        digest = hashlib.sha256(part).hexdigest()
        if (digest, len(part)) != (said["sha256"], said["size"]) or digest != name or len(part) != length:
            return handler.problem(409, "bundle_incomplete")
        self.whole[name] = bytes(part)
        return handler.reply(200, {"sha256": digest, "size": length, "durable": True, "receipt": digest[:32]})


def granted(entry):
    """Whether the ledger's line says yes."""
    return bool(entry) and entry["event"]["type"] == "granted"
