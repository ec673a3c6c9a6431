"""Every example file is decoded or refused as its place says."""

from pathlib import Path

import msgspec
import pytest

import schemas
from schemas.alert_text import with_text
from schemas.alerts import decode_alert, encode_alert
from schemas.events import OrderEvent, SessionEvent
from schemas.rejects import Reason, decode_rejected, encode_rejected
from schemas.tallies import decode_tally, encode_tally
from streams.intake.admission import Refusal, admit_order, admit_session
from streams.intake.orders import OrderBook
from streams.tally.windows import DAY_MS, SHANGHAI

EXAMPLES = Path(schemas.__file__).parent / "examples"
#: 2025-01-01 00:00:05.123 in Shanghai, as schemas/examples/README.md says
ARRIVAL_MS = 1_735_660_805_123
ADMIT = {"orders": admit_order, "live-sessions": admit_session}

#: reasons that need more than the record itself
STATEFUL = {Reason.PAID_TWICE}
#: reasons that only an order has
OF_ORDERS = {Reason.CURRENCY, Reason.AMOUNT_OUT_OF_RANGE, Reason.UNKNOWN_ORDER, Reason.REFUND_EXCEEDS_ORDER}


def judged(path: Path) -> Reason | OrderEvent | SessionEvent:
    """What becomes of a record that is the first of its topic."""
    event = ADMIT[path.parts[-3]](path.read_bytes(), ARRIVAL_MS, SHANGHAI)
    if isinstance(event, Refusal):
        return event.reason
    if isinstance(event, OrderEvent) and event.event_type == "order.refunded":
        refunded, _ = OrderBook(SHANGHAI, horizon_ms=DAY_MS).refund(event, 0, ARRIVAL_MS)
        return refunded.what if isinstance(refunded.what, Reason) else refunded.event
    return event


def files(pattern: str) -> list[Path]:
    return sorted(EXAMPLES.glob(pattern))


def name(path: Path) -> str:
    return path.relative_to(EXAMPLES).as_posix()


@pytest.mark.parametrize("path", [*files("orders/accepted/*"), *files("live-sessions/accepted/*")], ids=name)
def test_accepted_events_are_admitted(path: Path) -> None:
    event = judged(path)
    assert not isinstance(event, Reason)
    assert event.event_id.startswith("evt-")


@pytest.mark.parametrize("path", [*files("orders/rejected/*"), *files("live-sessions/rejected/*")], ids=name)
def test_rejected_events_have_the_reason_of_their_file_name(path: Path) -> None:
    assert judged(path) is Reason(path.name.split("__")[0])


@pytest.mark.parametrize(
    ("topic", "reasons"), [("orders", set(Reason) - STATEFUL), ("live-sessions", set(Reason) - STATEFUL - OF_ORDERS)]
)
def test_every_reason_has_an_example(topic: str, reasons: set[Reason]) -> None:
    assert {Reason(path.name.split("__")[0]) for path in files(f"{topic}/rejected/*")} == reasons


def test_every_topic_has_accepted_examples() -> None:
    topics = {"orders", "live-sessions", "tallies", "alerts", "rejects"}
    assert {path.parts[-3] for path in files("*/accepted/*.json")} == topics


@pytest.mark.parametrize("path", files("alerts/accepted/*"), ids=name)
def test_an_alert_reads_as_it_was_written_and_its_text_follows_from_its_facts(path: Path) -> None:
    alert = decode_alert(path.read_bytes())
    assert msgspec.json.format(encode_alert(alert)) == path.read_bytes()
    assert with_text(alert, SHANGHAI.offset_ms) == alert


@pytest.mark.parametrize("path", files("rejects/accepted/*"), ids=name)
def test_a_reject_reads_as_it_was_written(path: Path) -> None:
    assert msgspec.json.format(encode_rejected(decode_rejected(path.read_bytes()))) == path.read_bytes()


@pytest.mark.parametrize("path", files("tallies/accepted/*"), ids=name)
def test_a_tally_reads_as_it_was_written_and_its_sums_agree(path: Path) -> None:
    state = decode_tally(path.read_bytes())
    assert msgspec.json.format(encode_tally(state)) == path.read_bytes()
    assert state.net_gmv_fen == state.gmv_fen - state.refund_fen
    assert state.net_gmv_booked_fen == state.gmv_fen - state.refund_booked_fen
    due = state.closes_ms is not None and state.as_of_ms is not None and state.as_of_ms >= state.closes_ms
    assert state.final == due
