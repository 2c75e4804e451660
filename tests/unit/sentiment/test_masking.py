import pyarrow as pa
import pytest

from fsa_ray.sentiment.masking import mask_contacts


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("write to jo.o'neil+x@mail.example.co.uk, or not", "write to [email], or not"),
        ("пишите иван@пример.рф!", "пишите [email]!"),
        ("call (555) 123-4567 or 555-123-4567 or 555.123.4567.", "call [phone] or [phone] or [phone]."),
        ("+44 20 7946 0958, +1 (555) 123-4567", "[phone], [phone]"),
        ("Tel. 030 1234 5678 / 01-23-45-67-89", "Tel. [phone] / [phone]"),
        ("5551234567", "[phone]"),
        (None, None),
    ],
)
def test_contacts_are_masked(text: str | None, masked: str | None) -> None:
    assert mask_contacts(pa.array([text], pa.string()))[0].as_py() == masked


@pytest.mark.parametrize(
    "text",
    [
        "In 2019-2020 I paid $1,200.50 for 3-4 nights", "on 12/05/2021, 05-12-2021 at 10:30",
        "RTX 3080, i7-9700K, 1920x1080",
        "me @home, 5/5 stars, a @ b", "16 GB of 2400 MHz memory, 100 000 km", "0.5-0.75 inch, 24-7, 555-1234",
    ],
)  # fmt: skip
def test_other_numbers_and_signs_pass(text: str) -> None:
    assert mask_contacts(pa.array([text]))[0].as_py() == text


def test_a_megabyte_takes_linear_time() -> None:
    units = ["a.", "a@", "1", "0 1", "+1 ", "a@a."]
    mask_contacts(pa.array([unit * (1_000_000 // len(unit)) for unit in units]))
