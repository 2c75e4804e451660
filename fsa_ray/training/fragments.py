"""Which values of which parameters lie where in a worker's flat tensors: the arithmetic of ZeRO's partitions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Fragment:
    """Values `start` to `start + count` of a flattened parameter; they lie from `offset` on in flat tensor `flat`."""

    name: str
    start: int
    count: int
    flat: int
    offset: int


def joined(sizes: Mapping[str, int], *, flat: int, partition: int, rank: int) -> list[Fragment]:
    """ZeRO-1 and 2: parameters one after another, cut into partitions of `partition` values, the last one filled up."""
    found: list[Fragment] = []
    low, begin = rank * partition, 0
    for name, size in sizes.items():
        start, end = max(low, begin), min(low + partition, begin + size)
        if start < end:
            found.append(Fragment(name, start - begin, end - start, flat, start - low))
        begin += size
    return found


def sliced(sizes: Mapping[str, int], *, flat: int, workers: int, rank: int) -> list[Fragment]:
    """ZeRO-3: each parameter cut into pieces of one size, filled up at its end; a worker's pieces one after another."""
    found: list[Fragment] = []
    offset = 0
    for name, size in sizes.items():
        piece = -(-size // workers)
        start = min(rank * piece, size)
        if start < size:
            found.append(Fragment(name, start, min(piece, size - start), flat, offset))
        offset += piece
    return found


def shared(fragments: Iterable[Fragment], *, workers: int, rank: int) -> list[Fragment]:
    """Of whole parameters that every worker has: the values for which this one answers."""
    return [
        Fragment(whole.name, piece.start, piece.count, whole.flat, whole.offset + piece.start)
        for whole in fragments
        for piece in sliced({whole.name: whole.count}, flat=whole.flat, workers=workers, rank=rank)
    ]


def common(fragment: Fragment, start: int, count: int) -> tuple[slice, slice] | None:
    """What a fragment and values `start` to `start + count` of its parameter share: where it lies in the flat tensor,
    and where among those values. None if they share nothing."""
    low, high = max(fragment.start, start), min(fragment.start + fragment.count, start + count)
    if low >= high:
        return None
    shift = fragment.offset - fragment.start
    return slice(low + shift, high + shift), slice(low - start, high - start)


def is_whole(pieces: Iterable[tuple[int, int]], size: int) -> bool:
    """Whether pieces (start, count) are a parameter of `size` values, each value once."""
    end = 0
    for start, count in sorted(pieces):
        if start != end:
            return False
        end += count
    return end == size


def gaps(fragments: Iterable[Fragment], size: int) -> list[slice]:
    """Where a flat tensor of `size` values holds nothing but filling."""
    found: list[slice] = []
    end = 0
    for fragment in sorted(fragments, key=lambda fragment: fragment.offset):
        found.append(slice(end, fragment.offset))
        end = fragment.offset + fragment.count
    return [gap for gap in [*found, slice(end, size)] if gap.start < gap.stop]
