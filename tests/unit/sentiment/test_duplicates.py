import datasketch
import numpy as np
import pyarrow as pa
import pytest

from fsa_ray.sentiment.duplicates import first_of_alike, first_of_equal, signatures, text_digests

rng = np.random.default_rng(7)
VOCABULARY = np.array([f"word{i}" for i in range(3000)])


def texts_with_copies(families: int = 150) -> tuple[list[str], list[int]]:
    """Families of near copies (one word of 60 changed, which leaves 0.9 of the triples) in mixed order."""
    texts, family = [], []
    for f in range(families):
        base = rng.choice(VOCABULARY, 60)
        for _ in range(rng.integers(1, 6)):
            copy = base.copy()
            copy[rng.integers(60)] = "changed"
            texts.append(" ".join(copy))
            family.append(f)
    order = rng.permutation(len(texts))
    return [texts[i] for i in order], [family[i] for i in order]


def triples(text: str) -> set[bytes]:
    words = text.lower().split()
    return {" ".join(words[i : i + 3]).encode() for i in range(len(words) - 2)}


def test_exact_duplicates_ignore_case_and_white_space() -> None:
    texts = pa.array(["Good  food", "bad", "good\nfood ", "Good food!", "bad"])
    assert first_of_equal(text_digests(texts)).tolist() == [0, 1, 0, 3, 1]
    assert first_of_equal(text_digests(pa.array([], pa.string()))).tolist() == []


def test_signatures_estimate_jaccard_similarity_as_well_as_datasketch() -> None:
    ours, theirs = [], []
    for share in np.linspace(0.1, 1.0, 40):
        one = rng.choice(VOCABULARY, 300)
        other = np.where(np.arange(300) < share * 300, one, rng.choice(VOCABULARY, 300))
        pair = [" ".join(one), " ".join(other)]
        a, b = map(triples, pair)
        true = len(a & b) / len(a | b)
        mine = signatures(pa.array(pair))
        ours.append(abs((mine[0] == mine[1]).mean() - true))
        sketches = []
        for words in (a, b):
            sketches.append(datasketch.MinHash(num_perm=128))
            sketches[-1].update_batch(list(words))
        theirs.append(abs(sketches[0].jaccard(sketches[1]) - true))
    assert np.mean(ours) < 1.5 * np.mean(theirs) + 0.005


def test_near_duplicates_are_those_that_datasketch_finds() -> None:
    texts, family = texts_with_copies()
    lsh = datasketch.MinHashLSH(threshold=0.7, num_perm=128, weights=(0.01, 0.99))
    parent = list(range(len(texts)))
    for i, text in enumerate(texts):
        sketch = datasketch.MinHash(num_perm=128)
        sketch.update_batch(list(triples(text)))
        for j in lsh.query(sketch):
            parent = [parent[i] if p == parent[j] else p for p in parent]
        lsh.insert(i, sketch)
    _, first = np.unique(parent, return_index=True)
    oracle = first[np.unique(parent, return_inverse=True)[1]]
    found = first_of_alike(signatures(pa.array(texts)), threshold=0.7)
    assert found.tolist() == oracle.tolist()
    assert all(family[i] == family[j] and j <= i for i, j in enumerate(found))


def test_clusters_do_not_depend_on_batches() -> None:
    texts, _ = texts_with_copies(20)
    halves = [signatures(pa.array(part)) for part in (texts[:17], texts[17:])]
    np.testing.assert_array_equal(np.concatenate(halves), signatures(pa.chunked_array([texts[:5], texts[5:]])))
    assert (signatures(pa.array(texts), seed=2) != signatures(pa.array(texts))).mean() > 0.99


def test_a_crowd_of_one_template_is_one_cluster() -> None:
    texts = pa.array([f"thank you for this lovely stay number {i % 7} " * 12 for i in range(5000)])
    firsts = first_of_alike(signatures(texts), threshold=0.5)
    assert set(firsts.tolist()) <= set(range(7))


def test_wordless_and_empty_texts_are_not_alike() -> None:
    matrix = signatures(pa.array(["🙂", "good", "🙃", "🙂", "!!", ""]))
    assert first_of_alike(matrix).tolist() == [0, 1, 2, 0, 4, 5]
    assert first_of_alike(signatures(pa.array([], pa.string()))).tolist() == []


def test_thresholds_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="threshold"):
        first_of_alike(np.zeros((1, 8), np.uint32), threshold=-0.1)
