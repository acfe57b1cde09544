"""A collector of its own kind, written from protocol/WIRE.md with the standard library and the openssl program: no
code of the product is in it, so a mistake that agent and collector share is none that it makes too."""

import base64
import hashlib
import http.server
import json
import ssl
import subprocess
import sys
import threading
import time
from email.utils import formatdate
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import wire_decoder  # noqa: E402
from tus import BUNDLES, Uploads, granted  # noqa: E402

JSON, PROBLEM = "application/json", "application/problem+json"
BATCHES = "/v1/streams/usage_statistics/batches/"


class Authority:
    """The vendor's CA, by openssl, at another time if `clock` starts it so."""

    clock = ()

    def __init__(self, home):
        self.home, self.serial, self.lock = Path(home), 1, threading.Lock()
        self.home.mkdir(parents=True, exist_ok=True)
        self.ca, self.key = self.home / "ca.pem", self.home / "ca.key"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9000",
                      "-subj", "/CN=faults", "-keyout", self.key, "-out", self.ca)

    def server(self, name="server", host="IP:127.0.0.1,DNS:collector.test", days=9000):
        """Certificate and key of a server, as files."""
        key, request = self.home / f"{name}.key", self.home / f"{name}.csr"
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=server",
                      "-keyout", key, "-out", request)
        return self.sign(request.read_text(), name, f"subjectAltName={host}\nextendedKeyUsage=serverAuth\n", days), key

    def sign(self, request, name, extensions, days=90):
        """The file of the certificate for a signing request (PEM)."""
        with self.lock:
            self.serial += 1
            extended, out = self.home / f"{name}.ext", self.home / f"{name}.pem"
            extended.write_text("basicConstraints=CA:FALSE\n" + extensions)
            self._openssl("x509", "-req", "-CA", self.ca, "-CAkey", self.key, "-set_serial", str(self.serial), "-days",
                          str(days), "-extfile", extended, "-out", out, input=request.encode())
            return out

    def _openssl(self, *words, input=None):
        subprocess.run([*self.clock, "openssl", *map(str, words)], check=True, capture_output=True, input=input)


class Received:
    """What arrived, by epoch and number."""

    def __init__(self):
        self.records, self.gaps, self.batches, self.privacy = {}, {}, [], []
        self.uploads = Uploads()
        self.twice = 0
        self.wrong = []

    def take(self, batch):
        """Keeps a decoded batch; what is held already must be the same."""
        self.batches.append((time.time(), batch["epoch"], batch["lo"], batch["hi"]))
        for at, record in enumerate(batch["records"]):
            name = (batch["epoch"], batch["lo"] + at)
            if name in self.records:
                self.twice += 1
                if self.records[name] != record:
                    self.wrong.append(f"{name} came with two contents")
            self.records.setdefault(name, record)
        for gap in batch["gaps"]:
            for seq in range(gap["lo"], gap["hi"] + 1):
                self.gaps[gap["epoch"], seq] = gap["reason"]

    def in_order(self):
        """The records by epoch and number: the order that the wire promises."""
        return [self.records[name] for name in sorted(self.records, key=lambda name: (name[0], name[1]))]

    def forks(self):
        """Epochs with one counter and different random halves."""
        counters = {}
        for epoch, _ in self.records:
            counters.setdefault(epoch[:16], set()).add(epoch)
        return sum(len(epochs) - 1 for epochs in counters.values())


class Receiver:
    """Listens on loopback. `answer`, if set, is asked first: it gives True when it has answered by itself."""

    def __init__(self, home, authority=None):
        self.authority = authority or Authority(home)
        self.consents, self.heads, self.answer = {}, {}, None
        self.received = Received()
        receiver = self

        class Handler(_Handler):
            owner = receiver

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.load_cert_chain(*self.authority.server())
        self.context.load_verify_locations(self.authority.ca)
        self.context.verify_mode = ssl.CERT_OPTIONAL
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def begin(self):
        """Forgets what came, for the next case; knows the consents of before, but no newest one: a copy of the
        template whose ledger is behind another copy's would rightly take itself for a restored one."""
        self.received, self.answer = Received(), None
        self.heads.clear()
        return self.received

    def url(self, port=None):
        return f"https://127.0.0.1:{port or self.port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 200
    # Head and body are two writes: without this the second waits 40 ms for the client to confirm the first.
    disable_nagle_algorithm = True

    def setup(self):
        self.request = self.owner.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def log_message(self, *_):
        pass

    def device(self):
        """The device that the certificate names; None without one."""
        certificate = self.request.getpeercert() or {}
        return next((value for part in certificate.get("subject", ()) for name, value in part
                     if name == "commonName"), None)

    def reply(self, status, body, kind=JSON, **headers):
        data = json.dumps(body).encode() if not isinstance(body, bytes) else body
        self.send_response_only(status)
        self.send_header("Date", formatdate(usegmt=True))
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        head = self.owner.heads.get(self.device())
        if head:
            self.send_header("Telemetry-Ledger-Head", f"{head[0]}-{head[1]}")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def problem(self, status, word, rejected=(), **headers):
        body = {"type": word, "title": word, "status": status, "rejected": list(rejected)}
        self.reply(status, body, PROBLEM, **headers)

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        if self.owner.answer and self.owner.answer(self, body):
            return
        self.serve(body)

    do_GET = do_PUT = do_POST = do_HEAD = do_PATCH = do_OPTIONS = handle_any

    def serve(self, body):
        """The honest answer."""
        if self.path == "/v1/enrol":
            return self.enrol(json.loads(body))
        if not self.device():
            return self.problem(401, "unknown_device")
        if self.path == "/v1/capabilities":
            return self.reply(200, {"protocol": [1], "time": "2026-01-01T00:00:00Z", "max_batch": 1 << 20,
                                    "max_records": 1000, "max_bundle": 1 << 30, "residency": "EEA"})
        if self.path.startswith("/v1/consents/"):
            return self.consent(body)
        if self.path.startswith(BATCHES):
            return self.batch(body)
        if self.path.startswith(BUNDLES):
            return self.owner.received.uploads.serve(self, body, self.owner.consents)
        if self.path.startswith("/v1/privacy/"):
            self.owner.received.privacy.append((self.path, json.loads(body)))
            return self.reply(202, {"ticket": "T1", "state": "open"})
        return self.problem(404, "not_found")

    def enrol(self, asked):
        request = Path(self.owner.authority.home) / "asked.csr"
        request.write_text(asked["csr"])
        shown = subprocess.run(["openssl", "req", "-in", request, "-noout", "-subject", "-nameopt", "multiline"],
                               check=True, capture_output=True, text=True).stdout
        device = shown.split("commonName")[1].split("=")[1].strip()
        chain = self.owner.authority.sign(asked["csr"], f"device-{device}", "extendedKeyUsage=clientAuth\n", 9000)
        self.reply(201, {"chain": chain.read_text(), "device_id": device, "not_after": "2036-01-01T00:00:00Z"})

    def consent(self, body):
        digest = hashlib.sha256(body).hexdigest()
        if digest != self.path.rsplit("/", 1)[1]:
            return self.problem(400, "malformed")
        entry = json.loads(body)["entry"]
        known = digest in self.owner.consents
        self.owner.consents[digest] = entry
        head = self.owner.heads.get(self.device(), (-1, ""))
        self.owner.heads[self.device()] = max(head, (entry["header"]["index"], digest))
        self.reply(200 if known else 201, {"hash": digest, "durable": True})

    def batch(self, body):
        digest = hashlib.sha256(body).digest()
        said = self.headers.get("Content-Digest")
        if said != f"sha-256=:{base64.b64encode(digest).decode()}:":
            return self.problem(400, "digest")
        try:
            batch = wire_decoder.decode(body)
        except wire_decoder.NotABatch as error:
            self.owner.received.wrong.append(f"not a batch: {error}")
            return self.problem(400, "malformed")
        name = f"{batch['epoch']}-{batch['lo']}-{batch['hi']}"
        if name != self.path[len(BATCHES):]:
            self.owner.received.wrong.append("a batch under another name")
            return self.problem(400, "malformed")
        if not granted(self.owner.consents.get(batch["header"]["consent"])):
            return self.problem(428, "consent_required")
        self.owner.received.take(batch)
        self.reply(201, self.stored(batch, digest))

    def stored(self, batch, digest):
        name = f"{batch['epoch']}-{batch['lo']}-{batch['hi']}"
        return {"batch": name, "digest": digest.hex(), "durable": True, "accepted": [[batch["lo"], batch["hi"]]],
                "rejected": []}
