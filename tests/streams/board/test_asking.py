"""What may be asked, and what is said of the rest."""

import pytest

from schemas.events import MAX_ID
from streams.board import asking
from streams.board.asking import read
from streams.board.problems import Refused
from streams.board.routes import ROUTES

TALLIES = next(route.parameters for route in ROUTES if route.name == "tallies")
RANKING = next(route.parameters for route in ROUTES if route.name == "ranking")
ALERTS = next(route.parameters for route in ROUTES if route.name == "alerts")
PATH = {"dimension": "anchor", "id": "a"}


def refused(parameters: tuple[asking.Parameter, ...], path: dict[str, str], *query: tuple[str, str]) -> str:
    with pytest.raises(Refused) as caught:
        read(parameters, path, list(query))
    assert caught.value.status == 400
    return caught.value.detail


def test_what_is_not_given_has_its_default() -> None:
    assert read(TALLIES, PATH, []) == {
        "dimension": "anchor", "id": "a", "grain": "hour", "from_ms": None, "to_ms": None, "cursor": None,
    }  # fmt: skip
    asked = read(RANKING, {"ranking": "clusters"}, [])
    assert (asked["by"], asked["window"], asked["limit"], asked["above_fen"]) == ("gmv", "hour", 10, 10_000_000_000)


@pytest.mark.parametrize("id", ["中\n/x", "(none)", "a:b|c", "'\"<>", "\u202e", "x" * MAX_ID])
def test_an_id_may_have_any_characters(id: str) -> None:
    assert read(TALLIES, {"dimension": "cluster", "id": id}, [])["id"] == id
    assert read(RANKING, {"ranking": "hours"}, [("scope", f"cluster:{id}")])["scope"] == ("cluster", id)


@pytest.mark.parametrize("id", ["", "x" * (MAX_ID + 1)])
def test_an_id_has_a_length(id: str) -> None:
    assert "1 to 128" in refused(TALLIES, {"dimension": "anchor", "id": id})


@pytest.mark.parametrize("text", ["", "-1", "1.5", "1e3", "１", " 1", "32503680000001", "9" * 30])
def test_an_instant_is_a_whole_number_of_milliseconds(text: str) -> None:
    assert "from_ms: valid: a whole number" in refused(TALLIES, PATH, ("from_ms", text))


def test_what_is_said_twice_or_not_known_is_refused_by_name() -> None:
    assert refused(TALLIES, PATH, ("grain", "day"), ("grain", "day")) == "grain is given twice"
    assert "grian: there is no such parameter here" in refused(TALLIES, PATH, ("grian", "day"))
    assert "id: there is no such parameter here" in refused(TALLIES, PATH, ("id", "b"))


@pytest.mark.parametrize("text", ["cluster", "cluster:", "town:x", ":x", "cluster:" + "x" * 129])
def test_a_scope_is_a_dimension_and_an_id(text: str) -> None:
    assert "scope: valid: dimension:id" in refused(ALERTS, {}, ("scope", text))


@pytest.mark.parametrize("text", ["118", "118-", "-0", "a-0", "118-0-0"])
def test_a_cursor_of_alerts_is_an_entry(text: str) -> None:
    assert "cursor: valid: an entry" in refused(ALERTS, {}, ("cursor", text))


def test_no_parameter_stands_twice_in_a_route() -> None:
    for route in ROUTES:
        names = [each.name for each in route.parameters]
        assert len(names) == len(set(names))
        assert {name for name in names if f"{{{name}}}" in route.path} == {
            part.strip("{}") for part in route.path.split("/") if part.startswith("{")
        }
