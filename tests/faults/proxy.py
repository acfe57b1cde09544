"""A TCP proxy on loopback that treats connections badly, as the case asks."""

import random
import socket
import struct
import threading
import time

from workstation import until


class Fault:
    """What happens to a connection. Bytes are counted after TLS, so nothing else is visible from outside.

    kind: pass | cut (after `after` bytes upwards) | deaf (cut after `after` bytes downwards) | reset (with RST, after
    `after` bytes upwards) | hole (takes everything, passes nothing) | drip (one byte at a time, `pause` seconds apart) |
    refuse
    """

    def __init__(self, kind="pass", after=0, pause=0.0):
        self.kind, self.after, self.pause = kind, after, pause


class Proxy:
    """Passes connections on to `target`; the next ones have the faults of `faults`, then `usual`."""

    def __init__(self, target):
        self.target, self.faults, self.usual = target, [], Fault()
        self.connections, self.last = 0, (0, 0)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            near, _ = self.listener.accept()
            self.connections += 1
            fault = self.faults.pop(0) if self.faults else self.usual
            threading.Thread(target=self._serve, args=(near, fault), daemon=True).start()

    def _serve(self, near, fault):
        if fault.kind == "refuse":
            return _reset(near)
        if fault.kind == "hole":
            self.open.append(near)
            return
        try:
            far = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            return _reset(near)
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        passed = [0, 0]
        self.open += [near, far]
        both = [threading.Thread(target=self._pass, args=(near, far, 0, passed, fault), daemon=True),
                threading.Thread(target=self._pass, args=(far, near, 1, passed, fault), daemon=True)]
        for way in both:
            way.start()
        for way in both:
            way.join()
        self.last = tuple(passed)
        for end in (near, far):
            end.close()
            self.open.remove(end)

    def _pass(self, source, sink, way, passed, fault):
        ends = {("cut", 0), ("reset", 0), ("deaf", 1)}
        left = fault.after if (fault.kind, way) in ends else None
        try:
            while data := source.recv(1 if fault.kind == "drip" and way == 1 else 1 << 16):
                time.sleep(fault.pause)
                if left is not None and len(data) >= left:
                    data, left = data[:left], 0
                elif left is not None:
                    left -= len(data)
                passed[way] += len(data)
                sink.sendall(data)
                if left == 0:
                    return self._end(source, sink, fault)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            for end in (source, sink):
                _shut(end)

    @staticmethod
    def _end(source, sink, fault):
        if fault.kind == "reset":
            linger = struct.pack("ii", 1, 0)
            for end in (source, sink):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        for end in (source, sink):
            _shut(end)

    def finished(self):
        """Bytes up and down of the last connection, once it is over."""
        if not until(lambda: not self.open and any(self.last)):
            raise AssertionError("no connection came to its end")
        return self.last

    def drop_all(self):
        """Ends every connection that is open."""
        for end in list(self.open):
            _shut(end)


def _shut(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def _reset(end):
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.close()


def any_fault(draw: random.Random, size):
    """Some fault that ends the connection somewhere in `size` bytes."""
    return Fault(draw.choice(["cut", "deaf", "reset", "refuse"]), after=draw.randrange(1, size))
