"""`top_k` against a stable sort, for every type, shape and kind of value."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import ptarmigan as pt

FORMATS = ["float32", "float16", "bfloat16", "float64"]
ODD = [
    np.nan,
    -np.nan,
    np.inf,
    -np.inf,
    0.0,
    -0.0,
    1.0,
    -1.0,
    1e-40,  # denormal as float32 and bfloat16
    -1e-40,
    1e-7,  # denormal as float16
    -1e-7,
    65504.0,
    -65504.0,
]


def oracle(values: np.ndarray, k: int) -> np.ndarray:
    """Two stable sorts: by falling value, then NaNs behind all else."""
    values = np.asarray(values, np.float64)
    order = np.argsort(-np.where(np.isnan(values), 0, values), axis=-1, kind="stable")
    are_nan = np.take_along_axis(np.isnan(values), order, axis=-1)
    last = np.argsort(are_nan, axis=-1, kind="stable")
    return np.take_along_axis(order, last, axis=-1)[..., :k].astype(np.int32)


def as_format(values: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The logits in the format, and the values that they stand for."""
    with np.errstate(over="ignore"):
        if name == "bfloat16":
            bits = (np.asarray(values, np.float32).view(np.uint32) >> 16).astype(np.uint16)
            return bits, (bits.astype(np.uint32) << 16).view(np.float32)
        logits = np.asarray(values).astype(name)
    return logits, logits


def check(values: np.ndarray, name: str, ks: list[int]) -> None:
    logits, stand_for = as_format(values, name)
    expected = oracle(stand_for, max(ks))
    for k in ks:
        np.testing.assert_array_equal(pt.top_k(logits, k), expected[..., :k], f"{name}, k = {k}")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "classes", [1, 2, 5, 8, 15, 16, 17, 100, 127, 128, 129, 255, 256, 257, 1000, 5089, 20_000]
)
def test_random_rows_agree_with_a_stable_sort(name: str, classes: int) -> None:
    random = np.random.default_rng(classes)
    values = random.normal(0, 3, (7, classes))
    check(values, name, [k for k in range(1, 11) if k <= classes])


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("classes", [10, 130, 1000, 20_000])
def test_rows_of_ties_agree_with_a_stable_sort(name: str, classes: int) -> None:
    random = np.random.default_rng(classes)
    few = random.integers(-2, 3, (6, classes)).astype(np.float64)
    constant = np.repeat([[0.0], [-0.0], [2.5], [-2.5]], classes, axis=1)
    zeros = np.where(random.random((2, classes)) < 0.5, 0.0, -0.0)
    check(np.concatenate([few, constant, zeros]), name, list(range(1, 11)))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("classes", [10, 130, 1000, 20_000])
@pytest.mark.parametrize("odd_share", [0.001, 0.1, 1.0])
def test_odd_values_agree_with_a_stable_sort(name: str, classes: int, odd_share: float) -> None:
    random = np.random.default_rng(classes)
    values = random.normal(0, 3, (8, classes))
    odd = random.random(values.shape) < odd_share
    values[odd] = random.choice(ODD, odd.sum())
    check(values, name, list(range(1, 11)))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("value", [np.nan, -np.nan, np.inf, -np.inf])
def test_rows_that_are_nearly_all_nan_or_infinite_agree(name: str, value: float) -> None:
    values = np.full((4, 5089), value)
    values[1, [3, 700, 5000]] = [1, 3, 2]
    values[2, -1] = -7
    values[3, ::3] = np.nan
    check(values, name, list(range(1, 11)))


@pytest.mark.parametrize("name", FORMATS)
def test_sorted_rows_and_rows_with_one_rising_lane_agree(name: str) -> None:
    rising = np.arange(5089, dtype=np.float64) / 16
    lane = np.where(np.arange(5089) % 16 == 3, rising, 0)
    check(np.stack([rising, rising[::-1], lane, -lane]), name, list(range(1, 11)))


@pytest.mark.parametrize("name", FORMATS)
def test_every_small_row_of_odd_values_agrees(name: str) -> None:
    values = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0]
    for classes in (1, 2, 3, 4):
        rows = np.array(list(itertools.product(values, repeat=classes)))
        check(rows, name, list(range(1, classes + 1)))


@pytest.mark.parametrize("name", FORMATS)
def test_large_k_agrees_up_to_all_classes(name: str) -> None:
    random = np.random.default_rng(3)
    values = random.integers(-40, 40, (5, 700)).astype(np.float64)
    values[random.random(values.shape) < 0.05] = np.nan
    check(values, name, [31, 32, 33, 100, 699, 700])


@settings(max_examples=200, deadline=None)
@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(0, 4), st.integers(1, 300)),
        elements=st.sampled_from(ODD).map(np.float32) | st.floats(width=32),
        fill=st.sampled_from([0.0, -0.0, np.nan, -np.inf]).map(np.float32),
    ),
    st.integers(1, 40),
)
def test_any_row_agrees_with_a_stable_sort(values: np.ndarray, k: int) -> None:
    for name in FORMATS:
        check(values, name, [min(k, values.shape[1])])


def test_the_number_of_threads_changes_nothing() -> None:
    logits = np.random.default_rng(1).normal(size=(3001, 700)).astype(np.float32)
    expected = oracle(logits, 5)
    for threads in (1, 2, 7, None):
        np.testing.assert_array_equal(pt.top_k(logits, 5, threads=threads), expected)


def test_flushing_denormals_to_zero_changes_nothing() -> None:
    torch = pytest.importorskip("torch")
    logits = np.array([[1e-40, 2e-40, -1e-40, 0.0] * 50], np.float32)
    expected = oracle(logits, 5)
    if not torch.set_flush_denormal(True):
        pytest.skip("this CPU cannot flush denormals")
    try:
        found = pt.top_k(logits)
    finally:
        torch.set_flush_denormal(False)
    np.testing.assert_array_equal(found, expected)


def test_the_result_is_writable_aligned_and_int32() -> None:
    found = pt.top_k(np.zeros((3, 9), np.float32))
    assert found.dtype == np.int32
    assert found.shape == (3, 5)
    assert found.flags.writeable
    assert found.flags.c_contiguous
    assert found.ctypes.data % 64 == 0


def test_one_row_gives_one_row() -> None:
    np.testing.assert_array_equal(pt.top_k(np.array([3.0, 9.0, 1.0]), 2), [1, 0])


def test_no_rows_give_no_rows() -> None:
    assert pt.top_k(np.zeros((0, 9), np.float32)).shape == (0, 5)


def test_strided_swapped_and_unaligned_logits_are_copied() -> None:
    logits = np.random.default_rng(2).normal(size=(50, 64)).astype(np.float32)
    expected = oracle(logits, 5)
    unaligned = np.frombuffer(b"\0" + logits.tobytes(), np.uint8)[1:].view(np.float32)
    layouts = [
        np.asfortranarray(logits),
        np.repeat(logits, 2, axis=1)[:, ::2],
        logits[::-1][::-1],
        logits.astype(">f4"),
        unaligned.reshape(logits.shape),
    ]
    for layout in layouts:
        np.testing.assert_array_equal(pt.top_k(layout), expected)
    np.testing.assert_array_equal(pt.top_k(logits[::-1]), expected[::-1])


def test_rows_are_copied_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from ptarmigan import logits as logits_module

    monkeypatch.setattr(logits_module, "READ_BYTES", 1000)
    logits = np.asfortranarray(np.random.default_rng(2).normal(size=(50, 64)))
    np.testing.assert_array_equal(pt.top_k(logits), oracle(logits, 5))


def test_a_memory_mapped_file_is_read(tmp_path: Path) -> None:
    logits = np.random.default_rng(2).normal(size=(50, 64)).astype(np.float16)
    np.save(tmp_path / "logits.npy", logits)
    mapped = np.load(tmp_path / "logits.npy", mmap_mode="r")
    np.testing.assert_array_equal(pt.top_k(mapped), oracle(logits, 5))


def test_lists_and_whatever_has_dlpack_are_taken() -> None:
    class OnlyDlpack:
        def __init__(self, array: np.ndarray) -> None:
            self.array = array

        def __dlpack__(self, **options: object) -> object:
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self) -> tuple[int, int]:
            return self.array.__dlpack_device__()

    np.testing.assert_array_equal(pt.top_k([[1.0, 3.0, 2.0]], 2), [[1, 2]])
    values = OnlyDlpack(np.array([[1.0, 3.0, 2.0]], np.float32))
    np.testing.assert_array_equal(pt.top_k(values, 2), [[1, 2]])


@pytest.mark.parametrize("name", FORMATS)
def test_torch_tensors_are_taken_without_a_copy_of_their_gradient(name: str) -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.randn(20, 333, generator=torch.Generator().manual_seed(1))
    tensor = tensor.to(getattr(torch, name)).requires_grad_()
    expected = oracle(tensor.detach().double().numpy(), 5)
    np.testing.assert_array_equal(pt.top_k(tensor), expected)
    np.testing.assert_array_equal(pt.top_k(torch.nn.Parameter(tensor.detach())), expected)
    np.testing.assert_array_equal(pt.top_k(tensor.T.contiguous().T), expected)


def test_a_tensor_elsewhere_is_refused() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match=r"`meta`.*\.cpu\(\)"):
        pt.top_k(torch.zeros(2, 9, device="meta"))


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool", "complex64", "longdouble"])
def test_what_is_no_logit_is_a_type_error(dtype: str) -> None:
    with pytest.raises(TypeError, match="expected logits of float32"):
        pt.top_k(np.zeros((2, 9), dtype))


@pytest.mark.parametrize("shape", [(), (2, 3, 4)])
def test_another_shape_is_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected logits of shape") as caught:
        pt.top_k(np.zeros(shape, np.float32))
    assert str(shape) in str(caught.value)


@pytest.mark.parametrize(("shape", "k"), [((3, 4), 5), ((3, 4), 0), ((3, 4), -1), ((3, 0), 1)])
def test_k_outside_the_classes_is_named(shape: tuple[int, int], k: int) -> None:
    with pytest.raises(ValueError, match=f"k = {k} for logits of shape"):
        pt.top_k(np.zeros(shape, np.float32), k)


def test_no_threads_are_refused() -> None:
    with pytest.raises(ValueError, match="threads of 1 or more"):
        pt.top_k(np.zeros((1, 9), np.float32), threads=0)
