"""Row ids: 128 bits from a text and how often it occurred before, as 32 hexadecimal characters."""

from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def row_ids(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Ids of texts (n,), distinct within the call and equal in every run over the same texts in the same order.

    The first occurrence of a text gets the id of the text alone, so one review has one id in all corpora. All texts
    of a corpus must be given at once, since copies are counted. Errors: ValueError if a text is null.
    """
    if texts.null_count:
        raise ValueError(f"{texts.null_count} rows have no text: reject them before they get ids")
    values = [text.encode() for text in texts.to_pylist()]
    digests = [blake2b(value, digest_size=16).hexdigest() for value in values]
    copies = _copies_before(pa.array(digests, pa.string()).dictionary_encode().indices.to_numpy())
    for row in np.flatnonzero(copies):
        salted = blake2b(values[row], digest_size=16, salt=int(copies[row]).to_bytes(8, "little"))
        digests[row] = salted.hexdigest()
    return pa.array(digests, pa.string())


def _copies_before(codes: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """How many earlier rows have the same code."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(codes) else order
    sizes = np.diff(np.append(starts, len(codes)))
    copies = np.empty(len(codes), np.int64)
    copies[order] = np.arange(len(codes)) - np.repeat(starts, sizes)
    return copies
