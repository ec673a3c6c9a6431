"""Tokens: hashed in their file, two roles; without them this machine alone."""

from hashlib import sha256

import pytest

from streams.board.access import COOKIE, Access, TokensWrong, is_loopback, new_token, parse_tokens
from streams.board.problems import Refused
from streams.board.serve import tokens_of
from streams.settings import Settings, SettingsError


def status(access: Access, headers: dict[str, str], role: str = "read", cookies: dict[str, str] | None = None) -> int:
    try:
        access.check(headers, cookies or {}, role)
    except Refused as refused:
        return refused.status
    return 200


def test_a_token_is_known_by_its_hash_alone() -> None:
    token, line = new_token("read", "wall-screen")
    assert token not in line and sha256(token.encode()).hexdigest() in line
    access = Access(parse_tokens(line))
    assert status(access, {"authorization": f"Bearer {token}"}) == 200
    assert status(access, {"authorization": f"bearer  {token}"}) == 200
    assert status(access, {}, cookies={COOKIE: token}) == 200
    for wrong in ("", "Bearer", f"Bearer {token}x", f"Basic {token}", token, "Bearer \udcff"):
        assert status(access, {"authorization": wrong}) == 401


def test_who_may_operate_may_read_and_not_the_other_way_round() -> None:
    reader, operator = new_token("read", "a"), new_token("operate", "b")
    access = Access(parse_tokens(f"# ours\n\n{reader[1]}\n{operator[1]}\n"))
    assert [status(access, {"authorization": f"Bearer {token}"}, "operate") for token, _ in (reader, operator)] == [
        403,
        200,
    ]
    assert status(access, {"authorization": f"Bearer {operator[0]}"}) == 200


@pytest.mark.parametrize("line", ["read a", "write a " + "0" * 64, "read a " + "0" * 63, "read a b " + "0" * 64])
def test_a_wrong_line_is_named(line: str) -> None:
    with pytest.raises(TokensWrong, match="line 2"):
        parse_tokens(f"# comment\n{line}\n")


def test_a_file_without_a_token_is_refused() -> None:
    with pytest.raises(TokensWrong, match="no token"):
        parse_tokens("# nothing yet\n")


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "127.9.9.9"])
def test_without_tokens_this_machine_may_ask(host: str) -> None:
    assert status(Access(None), {"host": host}) == 200


@pytest.mark.parametrize("host", ["", "evil.example", "evil.example:8080", "10.0.0.1", "127.0.0.1.evil.example"])
def test_without_tokens_a_page_that_points_its_name_here_may_not(host: str) -> None:
    assert status(Access(None), {"host": host}) == 421


@pytest.mark.parametrize("board", ["0.0.0.0:8080", "[::]:8080", "10.0.0.1:0", "board.example:80"])
def test_an_address_that_others_reach_needs_tokens(board: str) -> None:
    with pytest.raises(SettingsError, match="needs HIGHTIDE_TOKENS"):
        tokens_of(Settings(board=board))


def test_loopback_needs_none_and_a_file_that_is_not_there_is_named() -> None:
    assert tokens_of(Settings(board="[::1]:0")) is None
    with pytest.raises(SettingsError, match="HIGHTIDE_TOKENS='/nowhere'"):
        tokens_of(Settings(tokens="/nowhere"))


def test_names_that_look_like_loopback_are_not() -> None:
    assert [is_loopback(each) for each in ("::1", "a.localhost", "localhost.example", "1.2.3.4")] == [
        True,
        True,
        False,
        False,
    ]
