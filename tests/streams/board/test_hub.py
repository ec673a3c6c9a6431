"""The hub: one snapshot, then every change once, whoever comes back when."""

import asyncio
import json

import pytest

from schemas.live import Change, Freshness, Snapshot
from streams.board.hub import HELD, KEEP_ALIVE, Hub, Place, parse_place
from streams.board.poller import changes
from streams.board.state import nothing
from streams.board.told import Entry


def state(as_of_ms: int, now_ms: int = 0) -> Snapshot:
    fresh = Freshness(as_of_ms=as_of_ms, now_ms=now_ms, behind_ms=now_ms - as_of_ms, unread=False, store=True)
    return nothing(fresh)


def alert(number: int) -> Entry:
    return Entry(f"{number}-0", b'{"alert_id":"%d"}' % number)


def told(frame: bytes) -> tuple[str, str, dict[str, object]]:
    event, id, data = (line.partition(": ")[2] for line in frame.decode().strip().splitlines())
    return event, id, json.loads(data)


def push(hub: Hub, as_of_ms: int, *alerts: Entry) -> None:
    new = state(as_of_ms)
    hub.publish(new, changes(hub.state, new, say_fresh=False), list(alerts))


def test_who_joins_has_everything_and_is_told_what_follows_once() -> None:
    hub = Hub()
    push(hub, 1, alert(1))
    frame, number = hub.snapshot()
    event, id, data = told(frame)
    assert (event, id, data["alerts_after"]) == ("snapshot", f"{hub.board}.1.1-0", None)
    assert data["alerts"] == [{"entry": "1-0", "alert": {"alert_id": "1"}}]
    assert hub.after(number) == (b"", number)
    push(hub, 2)
    push(hub, 3, alert(2))
    frames, number = hub.after(number) or (b"", 0)
    first, second = frames.strip().split(b"\n\n")
    assert told(first)[1:] == (f"{hub.board}.2.1-0", {"freshness": {**FRESH, "as_of_ms": 2, "behind_ms": -2}})
    assert told(second)[1] == f"{hub.board}.3.2-0" and told(second)[2]["alerts"] == [
        {"entry": "2-0", "alert": {"alert_id": "2"}}
    ]
    assert hub.after(number) == (b"", 3)


FRESH = {"as_of_ms": 0, "now_ms": 0, "behind_ms": 0, "unread": False, "store": True}


def test_alerts_alone_are_a_change() -> None:
    hub = Hub()
    push(hub, 1)
    hub.publish(hub.state, None, [alert(7)])
    found = hub.after(1)
    assert found is not None
    assert told(found[0])[2] == {"alerts": [{"entry": "7-0", "alert": {"alert_id": "7"}}]}


def test_who_lies_further_behind_than_is_held_is_cut_and_begins_anew() -> None:
    hub = Hub()
    for at in range(HELD + 5):
        push(hub, at)
    assert hub.after(4) is None and hub.after(5) is not None
    assert not hub.holds(Place(hub.board, 4, "0-0")) and hub.holds(Place(hub.board, 5, "0-0"))


def test_only_the_same_board_goes_on_where_one_was() -> None:
    hub = Hub()
    push(hub, 1)
    assert hub.holds(Place(hub.board, 1, "0-0"))
    assert not hub.holds(Place(hub.board, 2, "0-0")), "a number of the future is none of ours"
    assert not hub.holds(Place("other", 1, "0-0")) and not hub.holds(None)


def test_who_comes_from_another_board_is_given_the_alerts_behind_his_last() -> None:
    hub = Hub()
    push(hub, 1, alert(1), alert(2), alert(3))
    event, id, data = told(hub.caught_up([alert(2).raw(), alert(3).raw()], "1-0", hub.number, hub.entry))
    assert (event, id, data["alerts_after"]) == ("snapshot", f"{hub.board}.1.3-0", "1-0")
    assert [each["entry"] for each in data["alerts"]] == ["2-0", "3-0"]  # type: ignore[attr-defined,index]


@pytest.mark.parametrize(
    "text",
    ["", "a", "a.1", "a.x.1-0", "a.1.1", "a.1.x-0", "a.1.1-0.2", "a.-1.1-0", "a.1.1-²", "a." + "9" * 16 + ".1-0"],
)
def test_what_is_no_id_of_ours_is_a_new_listener(text: str) -> None:
    assert parse_place(text) is None


def test_an_id_reads_as_it_was_sent() -> None:
    assert parse_place("d7889ded.5.118-0") == Place("d7889ded", 5, "118-0")


def test_a_comment_keeps_the_connection() -> None:
    hub = Hub()
    push(hub, 1)
    hub.keep_alive()
    assert hub.after(1) == (KEEP_ALIVE, 2)


async def test_listeners_wait_for_the_next_frame_and_are_let_go_at_the_end() -> None:
    hub = Hub()
    push(hub, 1)
    waiting = asyncio.create_task(hub.changed())
    await asyncio.sleep(0)
    push(hub, 2)
    assert await waiting
    hub.close()
    assert not await hub.changed()


def test_time_alone_is_no_change() -> None:
    assert changes(state(5, now_ms=10), state(5, now_ms=20), say_fresh=False) is None
    assert changes(state(5), state(5), say_fresh=True) == Change(freshness=state(5).freshness)
    assert changes(state(5), state(6), say_fresh=False) == Change(freshness=state(6).freshness)
    everything = changes(None, state(5), say_fresh=False)
    assert everything is not None and everything.hour is None
