"""The local socket under load, for measure.py: what Kathea waits for while a crowd of clients asks and never reads,
sends partial lines, garbage, and lines without an end. Where this runs as root, the crowd has an account of its own."""

import errno
import multiprocessing
import os
import random
import resource
import selectors
import socket
import time

CLIENTS = 1000
RATE = 5000
NOBODY = 65534
NONSENSE = [
    b'{"request":"status"}\n' * 100,
    b'{"request":"consent","action":"list"}\n' * 100,
    b'{"request":"consent","action":"verify"}\n' * 100,
    b'{"request":"cons',
    random.Random(1).randbytes(4096),
    b"x" * 65536,
]


class Crowd:
    """A thousand clients in a process of its own, each connecting anew when it is closed."""

    def __init__(self, path):
        self.counts = multiprocessing.Array("Q", 3)
        self.process = multiprocessing.Process(target=_crowd, args=(str(path), self.counts), daemon=True)
        self.process.start()

    def end(self):
        """How often one was let in or closed, and the bytes that were taken of them."""
        self.process.terminate()
        self.process.join()
        return tuple(self.counts)


def _crowd(path, counts):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    draw, waiting = random.Random(2), selectors.DefaultSelector()

    def connect():
        client = socket.socket(socket.AF_UNIX)
        client.setblocking(False)
        try:
            client.connect(path)
        except OSError:
            client.close()
            return
        counts[0] += 1
        waiting.register(client, selectors.EVENT_WRITE, draw.choice(NONSENSE))

    while True:
        missing = CLIENTS - len(waiting.get_map())
        for _ in range(min(missing, 50)):
            connect()
        for key, _ in waiting.select(0.01):
            try:
                counts[2] += key.fileobj.send(key.data)
            except OSError as e:
                if e.errno != errno.EAGAIN:
                    waiting.unregister(key.fileobj)
                    key.fileobj.close()
                    counts[1] += 1


def ask_for(site, seconds, lines):
    """Asks one line after the other on a connection that stays: how long each answer took, and how many of them were
    that the agent is busy. At most half as many a second as the agent takes of one account: it refuses the others, also
    those of a crowd that has the same account."""
    talk, taken, busy, end = site.talk(), [], 0, time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        answer = talk.ask(lines[len(taken) % len(lines)])
        taken.append(time.monotonic() - begun)
        if answer.get("error") == "busy":
            busy += 1
        elif not answer["ok"]:
            raise SystemExit(f"refused: {answer['error']}")
        time.sleep(max(0, begun + 1 / RATE - time.monotonic()))
    return taken, busy
