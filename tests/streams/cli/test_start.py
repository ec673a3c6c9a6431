"""Values that options may have."""

import argparse

import pytest

from streams.cli.start import port, seconds


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("9092", 9092), ("65535", 65_535)])
def test_ports(text: str, value: int) -> None:
    assert port(text) == value


@pytest.mark.parametrize("text", ["65536", "-1", "", "http", "１２", "1.0"])
def test_no_ports(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a port"):
        port(text)


@pytest.mark.parametrize(("text", "value"), [("0", 0.0), ("2.5", 2.5), ("1e3", 1000.0)])
def test_seconds(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "", "soon"])
def test_no_seconds(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a number of seconds"):
        seconds(text)
