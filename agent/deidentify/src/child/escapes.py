"""Puts the child's filter on this process and tries what a parser that was taken over would try.

Standard input: after this process printed its number, the filter as lines "code jt jf k". Arguments: the numbers of the
calls that are allowed. Standard output: a table as JSON. x86_64 only.
"""

import ctypes
import errno
import json
import os
import struct
import sys
import tempfile

libc = ctypes.CDLL(None, use_errno=True)
parent, own = os.getppid(), os.getpid()
allowed = {int(argument) for argument in sys.argv[1:]}
secret = tempfile.NamedTemporaryFile()
secret.write(b"keys/root")
secret.flush()
path = ctypes.create_string_buffer(secret.name.encode())
name = ctypes.addressof(path)
beside = ctypes.create_string_buffer(secret.name.encode() + b".other")
other = ctypes.addressof(beside)
memory = ctypes.create_string_buffer(f"/proc/{parent}/mem".encode())
shadow = ctypes.create_string_buffer(b"/etc/shadow")
space = ctypes.create_string_buffer(4096)
at = ctypes.addressof(space)
how = ctypes.create_string_buffer(struct.pack("QQQ", 0, 0, 0))
there = -100
pipes = os.pipe()


def call(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(value) for value in arguments])
    return 0 if result >= 0 else ctypes.get_errno()


# What is tried, and whether it works for a process without the filter: the control.
TRIED = [
    ("open a key", True, 2, name, 0),
    ("openat a key", True, 257, there, name, 0),
    ("openat2 a key", True, 437, there, name, ctypes.addressof(how), 24),
    ("openat to write", True, 257, there, name, 2),
    ("openat /etc/shadow", False, 257, there, ctypes.addressof(shadow), 0),
    ("openat /proc/PARENT/mem", False, 257, there, ctypes.addressof(memory), 0),
    ("creat", True, 85, other, 0o600),
    ("open_by_handle_at", False, 304, there, at, 0),
    ("stat", True, 4, name, at),
    ("newfstatat", True, 262, there, name, at, 0),
    ("statx", True, 332, there, name, 0, 0xFFF, at),
    ("access", True, 21, name, 0),
    ("readlink", False, 89, name, at, 4096),
    ("rename", True, 82, other, other),
    ("unlink", True, 87, other),
    ("mkdir", True, 83, other, 0o700),
    ("chmod", True, 90, name, 0o600),
    ("chdir", False, 80, name),
    ("socket unix", True, 41, 1, 1, 0),
    ("socket inet", True, 41, 2, 1, 0),
    ("socketpair", True, 53, 1, 1, 0, at),
    ("connect", False, 42, 0, at, 16),
    ("sendmsg on the parent's socket", False, 46, 0, at, 0),
    ("recvmsg on another descriptor", False, 47, 1, at, 0),
    ("kill another", True, 62, parent, 0),
    ("kill itself", True, 62, own, 0),
    ("tkill another", True, 200, parent, 0),
    ("tgkill another", True, 234, parent, parent, 0),
    ("tgkill a group", False, 234, -1, parent, 0),
    ("pidfd_open another", True, 434, parent, 0),
    ("fcntl F_SETOWN another", True, 72, pipes[0], 8, parent),
    # SIGURG: with SIGKILL the control ended the process that runs the tests.
    ("fcntl F_SETSIG", True, 72, pipes[0], 10, 23),
    ("fcntl F_SETFL O_ASYNC", True, 72, pipes[0], 4, 0o20000),
    ("ptrace another", False, 101, 16, parent, 0, 0),
    ("process_vm_readv", False, 310, parent, at, 1, at, 1, 0),
    ("prlimit of another", True, 302, parent, 7, 0, at),
    ("fork", False, 57),
    ("clone", False, 56, 17, 0, 0, 0, 0),
    ("execve", False, 59, name, 0, 0),
    ("memory that runs", True, 9, 0, 4096, 5, 0x22, -1, 0),
    ("mprotect to run", False, 10, at & ~4095, 4096, 5),
    ("memfd_create", True, 319, name, 0),
    ("eventfd2", True, 290, 0, 0),
    ("inotify_init1", True, 294, 0),
    ("io_uring_setup", False, 425, 1, at),
    ("keyctl", False, 250, 0, -3, 0),
    ("bpf", False, 321, 0, at, 0),
    ("prctl", True, 157, 3),
    ("seccomp", False, 317, 2, 0, at),
    ("ioctl TIOCSTI", False, 16, 0, 0x5412, at),
    ("dup2 over standard output", False, 33, 2, 1),
    ("shmget", False, 29, 0, 4096, 0o1600),
    ("mount", False, 165, name, name, name, 0, 0),
    ("setpriority of another", False, 141, 0, parent, 19),
    ("clock_nanosleep", False, 230, 1, 0, at, 0),
]
# They would end, stop or repeat this process in the control.
UNSAFE = {"fork", "clone", "execve", "ptrace another", "dup2 over standard output", "clock_nanosleep", "seccomp"}


def control():
    """What works without the filter, from a process of its own."""
    out, into = os.pipe()
    if os.fork() == 0:
        tried = {what: call(*rest) for what, _, *rest in TRIED if what not in UNSAFE}
        os.rmdir(beside.value)
        os.write(into, json.dumps(tried).encode())
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as reader:
        worked = json.load(reader)
    os.wait()
    return worked


def confine():
    """Puts on the filter that standard input holds."""
    print(own, flush=True)
    filters = [tuple(int(part) for part in line.split()) for line in sys.stdin]
    packed = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in filters))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(filters), ctypes.addressof(packed)))
    ok = libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.c_void_p(ctypes.addressof(program))) == 0
    if not ok:
        sys.exit("the filter was not taken")


before = control()
confine()
after = {what: call(*rest) for what, _, *rest in TRIED}
# uretprobe and uprobe end who calls them, before any filter is asked: they are the kernel's own way back.
numbers = set(range(0, 512)) - allowed - {335, 336}
sweep = [number for number in sorted(numbers) if call(number, 0, 0, 0, 0, 0, 0) != errno.EPERM]
# The x32 names of the same calls.
sweep += [0x40000000 + number for number in (1, 2, 257) if call(0x40000000 + number, 0, 0, 0) != errno.EPERM]
print(
    json.dumps(
        {
            "control": [what for what, works, *_ in TRIED if works and before.get(what) != 0],
            "escapes": [what for what in after if after[what] != errno.EPERM],
            "sweep": sweep,
            "tried": len(after),
            "own": call(234, own, own, 0),
        }
    ),
    flush=True,
)
os._exit(0)
