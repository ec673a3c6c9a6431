"""The progress bar: live on a terminal, one line elsewhere."""

import io

from streams.lab.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.seconds = 10.0

    def __call__(self) -> float:
        return self.seconds


def test_only_the_last_line_stands_in_a_file() -> None:
    out, clock = io.StringIO(), Clock()
    progress = Progress("evening", 100, out, clock)
    progress.at(50, "21:00")
    progress.clear()
    clock.seconds = 12.0
    progress.finish(1_000)
    assert out.getvalue() == "evening: 1,000 in 2.0 s, 500 a second\n"


def test_a_terminal_sees_a_bar_that_is_drawn_seldom() -> None:
    out, clock = Terminal(), Clock()
    progress = Progress("evening", 100, out, clock)
    progress.at(25, "20:00")
    progress.at(26, "20:01")
    assert out.getvalue() == "\r\x1b[Kevening [######..................]  25% 25 20:00"
    clock.seconds += 1.0
    progress.at(150)
    assert out.getvalue().endswith("\r\x1b[Kevening [########################] 100% 150")


def test_without_a_total_the_bar_just_counts() -> None:
    out = Terminal()
    Progress("market", None, out, Clock()).at(1_234)
    assert out.getvalue() == "\r\x1b[Kmarket 1,234"


def test_something_can_be_printed_in_between() -> None:
    out, clock = Terminal(), Clock()
    progress = Progress("evening", 2, out, clock)
    progress.at(1)
    progress.clear()
    progress.at(1)
    assert out.getvalue().count("evening") == 2
