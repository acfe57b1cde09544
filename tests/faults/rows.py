"""The rows of the matrix, in its order."""

import answers
import calls
import clocks
import collector_power
import copies
import damage
import disk
import kills
import lasting
import pairs
import patience
import peers
import power
import promises
import shipped
import sizes
import soak
import sweep
from matrix import Row

ROWS = [
    Row("F1", "kill -9 at random while lines come in and batches go out", kills.at_random),
    Row("F2", "kill at every named step", kills.at_every_step, share=4),
    Row("F3", "the n-th call of the file system fails", calls.nth_call),
    Row("F4", "the power goes: what was not synced is dropped, torn or kept", power.power_loss),
    Row("F5", "the disk is full, or has no names left", disk.both),
    Row("F6", "data_dir is read-only, gone, another's, in use", disk.forbidden),
    Row("F7", "a flipped bit, a cut, zeros or noise in spool, keys, ledger, configuration, bundles, drafts", damage.corruption),
    Row("F8", "an old copy is restored, a disk is cloned", copies.old_copies),
    Row("F9", "clocks that are wrong (faketime)", clocks.wrong),
    Row("F10", "a month without the collector, at twenty times the usual", clocks.outage),
    Row("F11", "every status as the answer to a batch", answers.every_status),
    Row("F12", "a collector that is down or asks to wait, for a service", patience.paced),
    Row("F13", "one record of a batch is refused", answers.one_bad_record),
    Row("F15", "the answer to a stored batch is lost", kills.cut_replies),
    Row("F16", "a success that is no acknowledgement", answers.wrong_success),
    Row("F17", "connections that hang or drip", patience.hangs),
    Row("F18", "a request that is cut at each byte", patience.every_byte),
    Row("F20", "a server that can't prove who it is (openssl s_server)", peers.tls),
    Row("F21", "a proxy that looks into TLS (mitmproxy)", peers.inspection),
    Row("F22", "proxies that tunnel, refuse, are down, are in the environment (tinyproxy)", peers.proxies),
    Row("F23", "names that are not found, late, or another's", peers.names),
    Row("F24", "a way to the collector that comes and goes", peers.flapping),
    Row("F25", "redirects", answers.redirects),
    Row("F26", "answers that would fill the memory", patience.bombs),
    Row("F30", "the system's key is gone or another one", soak.lost_root),
    Row("F31", "a store of an earlier or a later version", clocks.golden),
    Row("F32", "a broken configuration", damage.configuration),
    Row("F33", "everything at once, for long", soak.mixed),
    Row("F34", "the disk over many fills and drains", soak.steady),
    Row("F35", "each read, open and stat of four commands fails once", sweep.every_look, share=4),
    Row("F36", "the power goes after an answer over the socket, an identity, a yes, a key, a no, a sealed bundle",
        promises.every_promise, share=4),
    Row("F37", "a failure that passes, and one that lasts", lasting.passing_and_lasting, share=2),
    Row("F38", "two faults in one run", pairs.two_at_once, share=4),
    Row("F39", "one input that is far too large", sizes.one_input, share=4),
    Row("F40", "everything at once, with the shipped collector at the other end", shipped.everything),
    Row("C4", "the power goes at the collector", collector_power.power_loss),
]
