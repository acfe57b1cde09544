"""F20 to F23: TLS, proxies and names, with programs that are not ours: openssl, mitmproxy, tinyproxy."""

import os
import socket
import subprocess
import threading
import time
from pathlib import Path

from matrix import Skipped, need
from proxy import Fault
from receiver import Authority
from workstation import spawn, until


def stays(bench, site, where, codes=(3,)):
    """Nothing is deleted, and the reason is said."""
    ended = site.once("--close", timeout=60)
    bench.ended(ended, where, codes=codes)
    waits = site.status()["waiting"]["usage"]["records"]
    bench.check("records were deleted" if waits < len(site.given) else None, where)
    bench.check("no word of why" if "collector" not in ended.err + str(site.status()["problems"]) else None, where)


def arrives(bench, site, where):
    site.configure(bench.receiver.url())
    bench.ended(site.once("--close"), where + ", mended", codes=(0,))
    bench.check(site.verify(bench.receiver.received), where)


class Openssl:
    """`openssl s_server`: what it was sent lies in its output."""

    def __init__(self, home, certificate, key, *words):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.out = open(Path(home) / f"s_server-{self.port}", "w+b")
        self.process = spawn(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-cert", certificate, "-key", key, "-quiet", *words],
            stdout=self.out, stderr=subprocess.STDOUT, stdin=subprocess.PIPE)  # it ends at the end of its input
        _await(self.port)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.out.seek(0)
        return self.out.read()


def _await(port):
    def listens():
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return True
        except OSError:
            return False

    if not until(listens, 90):
        raise AssertionError(f"nobody listens on port {port}")


def tls(bench):
    """F20: a server that can't prove who it is, or speaks what is too old, gets no byte of a batch."""
    need("openssl")
    good = bench.receiver.authority
    other = Authority(bench.home / "other")
    cases = {
        "another CA": (other.server(), ()), "another host": (good.server("host", "DNS:elsewhere.test"), ()),
        "expired": (good.server("expired", days=-1), ()), "self-signed": ((other.ca, other.key), ()),
        "TLS 1.2": (good.server("old"), ("-tls1_2",)), "TLS 1.1": (good.server("older"), ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")),
        "a weak suite": (good.server("weak"), ("-tls1_2", "-cipher", "AES128-SHA")),
    }
    good.sign((good.home / "server.csr").read_text(), "client", "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=clientAuth\n")
    cases["a client's certificate"] = ((good.home / "client.pem", good.home / "server.key"), ())
    for what, ((certificate, key), words) in cases.items():
        site = bench.site()
        site.fill(bench.draw, 1, 20)
        server = Openssl(bench.home, certificate, key, *words)
        site.configure(f"https://127.0.0.1:{server.port}")
        bench.cases += 1
        stays(bench, site, what)
        received = server.end()
        bench.check("it was sent something" if b"HTTP" in received or b"KT" in received else None, what)
        arrives(bench, site, what)
    site = bench.site()
    site.fill(bench.draw, 1, 20)
    server = Openssl(bench.home, *good.server("honest"), "-tls1_3")
    site.configure(f"https://127.0.0.1:{server.port}")
    process = site.start("run", "--once", "--close")
    until(lambda: b"HTTP" in Path(server.out.name).read_bytes())
    process.kill()
    process.wait()
    bench.control("a server with a good certificate", b"HTTP" in server.end())
    return "0 bytes of a payload"


def inspection(bench):
    """F21: mitmproxy between: refused, unless an administrator adds its root."""
    need("mitmdump", "openssl")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    conf = bench.home / "mitm"
    seen = bench.home / "flows"
    command = ["mitmdump", "-q", "--listen-host", "127.0.0.1", "-p", str(port), "--set", f"confdir={conf}",
               "--ssl-insecure", "--set", f"client_certs={client(bench)}", "-w", str(seen)]

    def serve():
        process = spawn(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _await(port)
        return process

    def saw_payload(process):
        process.terminate()  # it writes at its end
        process.wait(timeout=60)
        return seen.exists() and b"/batches/" in seen.read_bytes()

    process = serve()
    site = bench.site()
    site.fill(bench.draw, 1, 20)
    proxy = f"http://127.0.0.1:{port}"
    site.configure(bench.receiver.url(), proxy=proxy)
    bench.cases += 1
    stays(bench, site, "mitmproxy")
    bench.check("a batch came through" if bench.receiver.received.batches else None, "mitmproxy")
    bench.check("it saw a payload" if saw_payload(process) else None, "mitmproxy")
    process = serve()
    both = bench.home / "both.pem"
    both.write_bytes(bench.receiver.authority.ca.read_bytes() + (conf / "mitmproxy-ca-cert.pem").read_bytes())
    site.configure(bench.receiver.url(), proxy=proxy, ca=both)
    ended = site.once("--close", timeout=60)
    bench.control("an administrator adds the proxy's root", ended.code == 0 and bench.receiver.received.batches)
    bench.control("it sees a payload then", saw_payload(process))
    arrives(bench, site, "mitmproxy")
    return "0 payload bytes through an inspecting proxy"


def client(bench):
    """A client certificate with its key in one file, for a proxy that stands between."""
    good = bench.receiver.authority
    _, key = good.server("between")
    certificate = good.sign((good.home / "between.csr").read_text(), "between", "extendedKeyUsage=clientAuth\n")
    together = bench.home / "between.pem"
    together.write_bytes(key.read_bytes() + certificate.read_bytes())
    return together


def proxies(bench):
    """F22: the proxy that is configured, and only this one."""
    need("tinyproxy")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    conf = bench.home / "tinyproxy.conf"
    log = bench.home / "tinyproxy.log"

    def serve(more=""):
        conf.write_text(f"Port {port}\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\nLogFile \"{log}\"\n{more}")
        process = spawn(["tinyproxy", "-d", "-c", conf], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _await(port)
        return process

    for what, more, address, passes in (
            ("a tunnel", "", f"http://127.0.0.1:{port}", True),
            ("407", "BasicAuth clinic secret\n", f"http://127.0.0.1:{port}", False),
            ("with its password", "BasicAuth clinic secret\n", f"http://clinic:secret@127.0.0.1:{port}", True),
            ("another port is forbidden", "ConnectPort 1\n", f"http://127.0.0.1:{port}", False)):
        process = serve(more)
        site = bench.site()
        site.fill(bench.draw, 1, 20)
        site.configure(bench.receiver.url(), proxy=address)
        bench.cases += 1
        if passes:
            bench.ended(site.once("--close"), what, codes=(0,))
            bench.check(site.verify(bench.receiver.received), what)
        else:
            stays(bench, site, what)
            bench.check("it went around the proxy" if bench.receiver.received.batches else None, what)
            arrives(bench, site, what)
        process.kill()
        process.wait()
    site = bench.site()
    site.fill(bench.draw, 1, 20)
    site.configure(bench.receiver.url(), proxy=f"http://127.0.0.1:{port}")
    bench.cases += 2
    stays(bench, site, "the proxy is down")
    bench.check("it went around the proxy" if bench.receiver.received.batches else None, "the proxy is down")
    listener = socket.create_server(("127.0.0.1", 0))
    came = []
    threading.Thread(target=lambda: came.append(listener.accept()), daemon=True).start()
    hijacked = f"http://127.0.0.1:{listener.getsockname()[1]}"
    site.env = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"), hijacked)
    site.env.update(NO_PROXY="", no_proxy="")
    arrives(bench, site, "a proxy in the environment")
    bench.check("it went to the environment's proxy" if came else None, "a proxy in the environment")
    bench.control("a proxy in between is seen", log.exists() and b"CONNECT" in log.read_bytes())
    return "no way around the configured proxy"


class Names:
    """A name server, whose answers the case chooses."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.address = self._bind()
        self.mode, self.asked = "good", 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _bind(self):
        """Another run on this machine may have the first address."""
        for last in range(53, 60):
            try:
                self.socket.bind((f"127.0.0.{last}", 53))
                return f"127.0.0.{last}"
            except OSError as error:
                why = error.strerror
        raise Skipped(f"port 53 can't be had: {why}")

    def _serve(self):
        while True:
            question, whom = self.socket.recvfrom(1024)
            self.asked += 1
            if self.mode == "slow":
                threading.Timer(20, lambda q=question, w=whom: self.socket.sendto(self._answer(q), w)).start()
            elif self.mode != "silent":
                self.socket.sendto(self._answer(question), whom)

    def _answer(self, question):
        code = {"no such name": 3, "server failure": 2}.get(self.mode, 0)
        end = question.index(b"\0", 12) + 5
        is_v4 = question[end - 4:end - 2] == b"\0\1"
        address = {"good": "127.0.0.1", "slow": "127.0.0.1", "another address": "127.0.0.2"}.get(self.mode)
        answers = bool(address and is_v4 and not code)
        head = question[:2] + bytes([0x81, 0x80 | code]) + b"\0\1" + bytes([0, int(answers)]) + b"\0\0\0\0"
        record = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + socket.inet_aton(address) if answers else b""
        return head + question[12:end] + record


def names(bench):
    """F23: the name of the collector is not to be found, or only late, or is another's."""
    if os.geteuid() or "FAULTS_OWN_VIEW" not in os.environ:
        raise Skipped("a resolver of its own needs root and a view of the file systems of its own")
    server = Names()
    resolver = bench.home / "resolv.conf"
    resolver.write_text(f"nameserver {server.address}\noptions timeout:2 attempts:1\n")
    subprocess.run(["mount", "--bind", resolver, "/etc/resolv.conf"], check=True)
    try:
        for mode in ("no such name", "server failure", "empty", "silent", "slow", "another address"):
            if mode in ("silent", "slow") and not bench.full:
                continue
            site = bench.site()
            site.fill(bench.draw, 1, 20)
            site.configure(f"https://collector.test:{bench.receiver.port}")
            server.mode = mode
            bench.cases += 1
            stays(bench, site, mode)
            server.mode = "good"
            begun = time.monotonic()
            bench.ended(site.once("--close"), mode + ", mended", codes=(0,))
            bench.check("later than 60 s" if time.monotonic() - begun > 60 else None, mode)
            bench.check(site.verify(bench.receiver.received), mode)
        bench.control("the name is asked for", server.asked)
    finally:
        subprocess.run(["umount", "/etc/resolv.conf"], check=False)
    return f"{server.asked} questions"


def flapping(bench):
    """F24: the way to the collector comes and goes."""
    site, proxy = bench.site(), bench.proxy()
    site.configure(bench.receiver.url(proxy.port))
    received = bench.receiver.received
    process = site.start("run", stdout=None, stderr=subprocess.DEVNULL)
    for number in bench.up_to(200, 5):
        proxy.usual = Fault("refuse")
        proxy.drop_all()
        site.fill(bench.draw, 1, 10)
        site.leave([site.event()])
        if number % 20:
            time.sleep(bench.draw.uniform(0.02, 0.3))
            proxy.usual = Fault()
            time.sleep(bench.draw.uniform(0.02, 0.3))
            continue
        # After some refusals a service pauses for longer than anybody waits here; a new one begins with the shortest.
        process.kill()
        process.wait()
        process = site.start("run", stdout=None, stderr=subprocess.DEVNULL)
        tried, came = proxy.connections, len(received.batches)
        bench.check("nobody tried" if not until(lambda: proxy.connections > tried) else None, f"flap {number}")
        proxy.usual = Fault()
        bench.check("nothing came" if not until(lambda: len(received.batches) > came) else None, f"flap {number}")
    process.kill()
    process.wait()
    attempts = proxy.connections / bench.cases
    bench.ended(site.once("--close"), "at the end", codes=(0,))
    bench.check(site.verify(received), "after all")
    bench.check(f"{attempts:.1f} attempts a flap" if attempts > 3 else None, "attempts")
    bench.control("a line that nobody gave", site.given.append(10**9) or site.verify(received))
    return f"{attempts:.1f} connections a flap"

