"""Dates of annotations, read beside the standard library."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ptarmigan as pt
from field_values import moment
from ptarmigan.annotations import Strings
from ptarmigan.dates import read_dates


def strings_of(texts: list[str]) -> Strings:
    data = [text.encode() for text in texts]
    ends = np.cumsum([len(one) for one in data], dtype=np.uint64)
    lengths = np.array([len(one) for one in data], np.uint64)
    return Strings(np.frombuffer(b"".join(data), np.uint8), ends - lengths, ends)


@given(st.lists(st.tuples(st.datetimes(datetime.datetime(1, 1, 1)), st.integers(0, 5)), max_size=8))
def test_dates_are_those_of_the_standard_library(moments):
    texts, expected = [], []
    for time, kind in moments:
        zone = datetime.timezone(datetime.timedelta(hours=kind - 3, minutes=30))
        time = time.replace(year=max(2, min(9998, time.year)))
        text = [
            time.date().isoformat(),
            time.isoformat(" ", "seconds"),
            time.isoformat("T", "microseconds"),
            time.replace(tzinfo=zone).isoformat(" ", "seconds"),
            time.replace(tzinfo=zone).isoformat("T", "milliseconds"),
            time.isoformat(" ", "minutes"),
        ][kind]
        texts += [text, ""]
        expected += [moment(text), np.datetime64("NaT")]
    found = read_dates(strings_of(texts), np.arange(len(texts)))
    assert found.dtype == "datetime64[s]"
    np.testing.assert_array_equal(found, np.array(expected, "datetime64[s]"))


@pytest.mark.parametrize(
    "text",
    [
        "now",
        "today",
        "NaT",
        "2017",
        "2017-13-01",
        "2017-02-29",
        "2017-1-1",
        "01/02/2017",
        "2017-01-01 25:00",
        "2017-01-01 10:00:00 CET",
        "2017-01-01 10:00:00+1",
        "2017-01-01T",
        "2017-01-01 10:00+00:00",
        "2017-01-01 10:00:00" + "0" * 40,
        "é017-01-01",
        "-017-01-01",
    ],
)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(pt.AnnotationError, match="image 12: expected a date"):
        read_dates(strings_of(["2017-01-01", "", text]), np.array([10, 11, 12]))


def test_many_dates_are_read_in_parts():
    texts = [f"20{n % 90 + 10}-01-02 03:04:{n % 60:02d}" for n in range(70_000)]
    found = read_dates(strings_of(texts), np.arange(len(texts)))
    assert found[[0, 65_536, 69_999]].tolist() == [
        datetime.datetime.fromisoformat(texts[row]) for row in (0, 65_536, 69_999)
    ]
