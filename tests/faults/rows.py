"""The rows of the matrix, in its order."""

import calls
import kills
from matrix import Row

ROWS = [
    Row("F1", "kill -9 at random while lines come in and batches go out", kills.at_random),
    Row("F2", "kill at every named step", kills.at_every_step),
    Row("F3", "the n-th call of the file system fails", calls.nth_call),
    Row("F15", "the answer to a stored batch is lost", kills.cut_replies),
]
