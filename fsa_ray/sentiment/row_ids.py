"""Row ids: 128 bits from a text and how often it occurred before, as 32 hexadecimal characters."""

from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def row_ids(texts: pa.Array | pa.ChunkedArray, copies: npt.NDArray[np.int64] | None = None) -> pa.Array:
    """Ids of texts (n,), distinct within a corpus and equal in every run over the same texts in the same order.

    The first occurrence of a text gets the id of the text alone, so one review has one id in all corpora. `copies` (n,)
    says how often each text occurs before in the corpus; without it the texts are taken for the whole of it.
    Errors: ValueError if a text is null.
    """
    digests = plain_ids(texts)
    copies = copies_before(digests) if copies is None else copies
    ids = [digest.hex() for digest in digests.to_pylist()]
    for row in np.flatnonzero(copies):
        text = texts[int(row)].as_py().encode()
        ids[row] = blake2b(text, digest_size=16, salt=int(copies[row]).to_bytes(8, "little")).hexdigest()
    return pa.array(ids, pa.string())


def plain_ids(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """128-bit digests (n,) of texts, which copies share. Errors: ValueError if a text is null."""
    if texts.null_count:
        raise ValueError(f"{texts.null_count} rows have no text: reject them before they get ids")
    digests = [blake2b(text.encode(), digest_size=16).digest() for text in texts.to_pylist()]
    return pa.array(digests, pa.binary(16))


def copies_before(digests: pa.Array) -> npt.NDArray[np.int64]:
    """How many earlier rows (n,) have the same digest."""
    codes = digests.dictionary_encode().indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(codes) else order
    sizes = np.diff(np.append(starts, len(codes)))
    copies = np.empty(len(codes), np.int64)
    copies[order] = np.arange(len(codes)) - np.repeat(starts, sizes)
    return copies
