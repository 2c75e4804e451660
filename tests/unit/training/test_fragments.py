import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.training.fragments import Fragment, common, gaps, is_whole, joined, shared, sliced

SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=6).map(lambda n: {f"p{i}": size for i, size in enumerate(n)})
WORKERS = st.integers(1, 5)


def values(sizes: dict[str, int]) -> dict[str, np.ndarray]:
    """Each value of each parameter another number, none of them zero."""
    ends = np.cumsum([0, *sizes.values()])
    return {name: np.arange(ends[i], ends[i + 1]) + 1 for i, name in enumerate(sizes)}


def padded(sizes: dict[str, int], workers: int, alignment: int) -> np.ndarray:
    """One flat array of all parameters, as ZeRO-1 and 2 fill it up, [workers, values of a partition]."""
    whole = np.concatenate(list(values(sizes).values()))
    unit = workers * alignment
    return np.pad(whole, (0, -len(whole) % unit)).reshape(workers, -1)


def cut(kind: str, sizes: dict[str, int], workers: int, alignment: int) -> list[tuple[np.ndarray, list[Fragment]]]:
    """Of each worker: its flat array as DeepSpeed makes it, and what it owns of it."""
    if kind == "joined":
        flats = padded(sizes, workers, alignment)
        return [(flat, joined(sizes, flat=0, partition=flats.shape[1], rank=rank)) for rank, flat in enumerate(flats)]
    if kind == "sliced":
        pieces = [np.pad(v, (0, -len(v) % workers)).reshape(workers, -1) for v in values(sizes).values()]
        return [
            (np.concatenate([piece[rank] for piece in pieces]), sliced(sizes, flat=0, workers=workers, rank=rank))
            for rank in range(workers)
        ]
    whole = np.concatenate(list(values(sizes).values()))
    held = joined(sizes, flat=0, partition=len(whole), rank=0)
    return [(whole, shared(held, workers=workers, rank=rank)) for rank in range(workers)]


KIND = st.sampled_from(["joined", "sliced", "shared"])


@given(KIND, SIZES, WORKERS, st.integers(1, 4))
def test_every_value_is_owned_once_and_lies_where_it_is_said_to(kind, sizes, workers, alignment):
    found: dict[str, list[tuple[int, int]]] = {name: [] for name in sizes}
    expected = values(sizes)
    for flat, owned in cut(kind, sizes, workers, alignment):
        assert len({fragment.name for fragment in owned}) == len(owned)
        for f in owned:
            assert f.count > 0
            assert (flat[f.offset : f.offset + f.count] == expected[f.name][f.start : f.start + f.count]).all()
            found[f.name].append((f.start, f.count))
    assert all(is_whole(found[name], size) for name, size in sizes.items())


@given(KIND, KIND, SIZES, WORKERS, WORKERS, st.integers(1, 4))
def test_what_n_workers_cut_m_workers_put_together(before, after, sizes, n, m, alignment):
    old = cut(before, sizes, n, alignment)
    for expected, held in cut(after, sizes, m, alignment):
        flat = np.full(len(expected), -1)
        for other, owned in old:
            for theirs in owned:
                for mine in (f for f in held if f.name == theirs.name):
                    places = common(mine, theirs.start, theirs.count)
                    if places is not None:
                        here, there = places
                        assert (flat[here] == -1).all()
                        flat[here] = other[theirs.offset : theirs.offset + theirs.count][there]
        for fragment in held:
            inside = slice(fragment.offset, fragment.offset + fragment.count)
            assert (flat[inside] == expected[inside]).all()


@given(st.sampled_from(["joined", "sliced"]), SIZES, WORKERS, st.integers(1, 4))
def test_gaps_are_what_no_parameter_fills(kind, sizes, workers, alignment):
    for flat, held in cut(kind, sizes, workers, alignment):
        filling = np.zeros(len(flat), bool)
        for gap in gaps(held, len(flat)):
            filling[gap] = True
        assert (filling == (flat == 0)).all()


def test_a_parameter_with_a_hole_or_an_overlap_is_not_whole():
    assert is_whole([(5, 5), (0, 5)], 10)
    assert not is_whole([(0, 5), (6, 4)], 10)
    assert not is_whole([(0, 6), (5, 5)], 10)
    assert not is_whole([(0, 5)], 10)
