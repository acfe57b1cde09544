#!/usr/bin/env python3
"""Reports events to the telemetry agent: report.py SOCKET OUTBOX (SOCKET.md explains the lines)."""
import datetime, json, os, socket, sys


def connect(path):
    """The two-way text stream of the agent's socket, or on Windows of its pipe."""
    if os.name == "nt":  # GENERIC_WRITE would include serving the pipe's name, and is refused: ask for data alone
        import ctypes, msvcrt
        create = ctypes.windll.kernel32.CreateFileW
        create.restype = ctypes.c_void_p
        handle = create(path, 0x0012019B, 0, None, 3, 0x00110000, None)
        if handle == ctypes.c_void_p(-1).value:
            raise OSError("the agent does not run")
        raw = os.fdopen(msvcrt.open_osfhandle(handle, os.O_RDWR), "r+b", buffering=0)
        return lambda line: (raw.write(line), raw.readline())[1]
    end = socket.socket(socket.AF_UNIX)
    end.settimeout(30)
    end.connect(path)
    lines = end.makefile("rwb")
    return lambda line: (lines.write(line), lines.flush(), lines.readline())[2]


def ask(agent, message):
    """One line there, one line back. A closed connection is no answer: the line may or may not have been taken."""
    answer = agent(json.dumps(message).encode() + b"\n")
    if not answer:
        raise OSError("the agent ended the connection")
    return json.loads(answer)


def event(name, **attributes):
    at = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    return {"event": name, "at": at, **attributes}


def report(agent, what):
    """True: taken and on the disk. A refused event is never sent again as it is: only `busy` is worth another try."""
    answer = ask(agent, what)
    if answer["ok"]:
        print("accepted:", what["event"])
    elif answer["error"] == "busy":
        print("busy: try again in a second")
    elif answer["error"] == "no_consent":
        print("no consent: nothing is collected, and that is no error")
    else:  # a mistake in this program: for its own log
        print(f"refused: {answer['what']} [attribute {answer.get('attribute')}, nearest {answer.get('nearest')}]")
    return answer["ok"]


def leave(outbox, name, events):
    """Leaves a file: written under another name, then renamed, so that the agent sees it only when it is complete."""
    written = os.path.join(outbox, name + ".part")
    with open(written, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(line) + "\n" for line in events)
    os.replace(written, os.path.join(outbox, name + ".ndjson"))


agent = connect(sys.argv[1])
report(agent, event("device.error", code=1042, subsystem="generator", severity="error", repeats=3))
report(agent, event("device.error", code=1042, subsystem="genrator", severity="error", repeats=3))
leave(sys.argv[2], f"python-{os.getpid()}", [event("exposure.failed", mode="cbct")])
notice = ask(agent, {"request": "consent", "action": "show", "purpose": "usage_statistics"})
print("notice:", notice["text"]["en"].splitlines()[0], "(to be shown now)" if notice["ask"] else "(answered)")
for invitation in ask(agent, {"request": "status"})["wishes"]:
    print("the vendor asks for a support bundle:", invitation["case"], invitation["reason"])
