"""`hightide alerts`: what was told, who got it, and when nobody is to be told."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import time
from typing import TYPE_CHECKING, Any

from streams.cli.start import settings_and_log

if TYPE_CHECKING:
    from schemas.deliveries import Message, Silence
    from streams.notify.showing import Revision
    from streams.settings import Settings

_TIME = "2025-12-31T21:00 (in HIGHTIDE_TIMEZONE) or epoch milliseconds"
_SILENCE = """\
A silence delays: what it names is told when it ends, as it is then, in a digest if it is much. Without --rule, --scope
and --target it is of everything.
"""


def register(subparsers: Any) -> None:
    """Add `alerts list|show|resend|silence`."""
    alerts = subparsers.add_parser("alerts", help="what was told and who got it; silences")
    actions = alerts.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = _action(actions, "list", "show the last alerts, and who got them", run_list)
    listing.add_argument("--limit", type=_count, default=20, metavar="N", help="newest N (default %(default)s; 0: all)")
    listing.add_argument("--rule", metavar="R", help="of this rule; * stands for anything")
    listing.add_argument("--scope", metavar="S", help="of this scope: cluster, or cluster:fur")
    listing.add_argument("--state", metavar="S", help="in this state")
    show = _action(actions, "show", "one alert: all its revisions, and every message with its answer", run_show)
    show.add_argument("alert_id", metavar="ALERT_ID")
    resend = _action(actions, "resend", "tell a revision again", run_resend)
    resend.add_argument("alert_id", metavar="ALERT_ID")
    resend.add_argument("--revision", type=_count, metavar="N", help="this one (default: the last)")
    resend.add_argument("--target", metavar="T", help="to this target (default: to all that it is for)")
    _register_silence(actions)


def _register_silence(actions: Any) -> None:
    silence = actions.add_parser("silence", help="delay what is told", description=_SILENCE)
    kinds = silence.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = _action(kinds, "list", "show silences", run_silences)
    listing.add_argument("--all", action="store_true", help="those that are over, too")
    add = _action(kinds, "add", "begin one", run_add)
    add.add_argument("--until", metavar="TIME", required=True, help=f"its end: 2h (from now; s, m, h, d), {_TIME}")
    add.add_argument("--from", metavar="TIME", dest="since", help=f"its beginning (default: now): {_TIME}")
    add.add_argument(
        "--rule", action="append", default=[], metavar="R", help="of this rule; may be given several times"
    )
    add.add_argument("--scope", action="append", default=[], metavar="S", help="of this scope, e.g. cluster:fur")
    add.add_argument("--target", metavar="T", help="for this target alone")
    add.add_argument("--author", default=None, metavar="NAME", help="who asks for it (default: the user)")
    add.add_argument("--comment", default="", metavar="TEXT", help="why")
    end = _action(kinds, "end", "end one now", run_end)
    end.add_argument("id", metavar="ID")


def _action(actions: Any, name: str, help: str, run: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=help, description=help.capitalize() + ".")
    parser.add_argument("--json", action="store_true", help="print JSON, one object a line")
    parser.set_defaults(run=run, parser=parser)
    return parser


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


# -- alerts ------------------------------------------------------------------------------------
def run_list(arguments: argparse.Namespace) -> int:
    """Show what was told: 0, also if nothing was."""
    from streams.notify.showing import alert_json, alert_line, by_offset

    settings = settings_and_log()
    revisions, messages = asyncio.run(_told(settings, arguments))
    of = by_offset(messages)
    for each in revisions:
        got = of.get(each.offset, [])
        print(
            json.dumps(alert_json(each, got), ensure_ascii=False)
            if arguments.json
            else alert_line(each, got, settings.zone.offset_ms)
        )
    if not revisions and not arguments.json:
        print("no alerts")
    return 0


async def _told(settings: Settings, arguments: argparse.Namespace) -> tuple[list[Revision], list[Message]]:
    from schemas.alerts import Alert
    from streams.notify.holding import matches
    from streams.notify.looking import newest_told

    def wanted(alert: Alert) -> bool:
        here = matches(alert, filter(None, [arguments.rule]), filter(None, [arguments.scope]))
        return here and arguments.state in (None, alert.state.value)

    async with _servers(settings) as (redis, keys, journal):
        revisions = await newest_told(redis, keys, wanted, arguments.limit)
        return revisions, (await journal.read())[0].messages()


def run_show(arguments: argparse.Namespace) -> int:
    """Show one alert: 0; 64 if it was never told."""
    from streams.notify.showing import alert_json, alert_line, by_offset, message_line

    settings = settings_and_log()
    revisions, messages = asyncio.run(_one(settings, arguments.alert_id))
    of = by_offset(messages)
    for each in revisions:
        got = of.get(each.offset, [])
        if arguments.json:
            print(json.dumps(alert_json(each, got), ensure_ascii=False))
        else:
            lines = [message_line(message, settings.zone.offset_ms) for message in got]
            print("\n".join([alert_line(each, got, settings.zone.offset_ms), *lines]))
    return 0


async def _one(settings: Settings, alert_id: str) -> tuple[list[Revision], list[Message]]:
    from streams.notify.looking import newest_told, revision_of

    async with _servers(settings) as (redis, keys, journal):
        await revision_of(redis, keys, alert_id, None)
        revisions = await newest_told(redis, keys, lambda alert: alert.alert_id == alert_id, 0)
        return revisions, (await journal.read())[0].messages()


def run_resend(arguments: argparse.Namespace) -> int:
    """Ask the worker that delivers to tell a revision again: 0; 64 if there is none."""
    from uuid import uuid4

    from schemas.deliveries import Resend
    from streams.notify.looking import revision_of

    settings = settings_and_log()

    async def ask() -> Resend:
        async with _servers(settings) as (redis, keys, journal):
            offset, alert = await revision_of(redis, keys, arguments.alert_id, arguments.revision)
            resend = Resend(
                id=uuid4().hex[:12], author=getpass.getuser(), offset=offset, alert=alert, at_ms=_now_ms(),
                target=arguments.target,
            )  # fmt: skip
            await journal.write(resend)
            return resend

    resend = asyncio.run(ask())
    told = {"id": resend.id, "alert_id": resend.alert.alert_id, "revision": resend.alert.revision}
    to = resend.target or "all that it is for"
    print(json.dumps(told) if arguments.json else f"revision {resend.alert.revision} is told again to {to}")
    return 0


# -- silences ----------------------------------------------------------------------------------
def run_silences(arguments: argparse.Namespace) -> int:
    """Show silences, those that are on and to come: 0."""
    settings = settings_and_log()

    async def read() -> list[Silence]:
        async with _servers(settings) as (_, _, journal):
            return list((await journal.read())[0].silences.values())

    silences = [each for each in asyncio.run(read()) if arguments.all or each.until_ms > _now_ms()]
    for each in sorted(silences, key=lambda each: (each.until_ms, each.id)):
        _print_silence(each, settings, arguments.json)
    if not silences and not arguments.json:
        print("no silences")
    return 0


def run_add(arguments: argparse.Namespace) -> int:
    """Begin a silence: 0. A usage error leaves by SystemExit(2)."""
    from uuid import uuid4

    from schemas.deliveries import Silence

    settings = settings_and_log()
    now_ms = _now_ms()
    from_ms = now_ms if arguments.since is None else _instant_ms(arguments, arguments.since, settings, now_ms)
    until_ms = _instant_ms(arguments, arguments.until, settings, now_ms)
    if until_ms <= max(now_ms, from_ms):
        arguments.parser.error("the silence would end before it begins")
    _check(arguments)
    silence = Silence(
        id=uuid4().hex[:8], author=arguments.author or getpass.getuser(), from_ms=from_ms, until_ms=until_ms,
        target=arguments.target, rules=arguments.rule, scopes=arguments.scope, comment=arguments.comment,
    )  # fmt: skip
    asyncio.run(_write(settings, silence))
    _print_silence(silence, settings, arguments.json)
    return 0


def run_end(arguments: argparse.Namespace) -> int:
    """End a silence now: 0; 64 if there is none of that id."""
    from msgspec.structs import replace

    from streams.notify.looking import NoSuchThing

    settings = settings_and_log()

    async def end() -> Silence:
        async with _servers(settings) as (_, _, journal):
            found: Silence | None = (await journal.read())[0].silences.get(arguments.id)
            if found is None:
                raise NoSuchThing(f"no silence {arguments.id}: `hightide alerts silence list --all` shows them")
            ended = replace(found, until_ms=min(found.until_ms, _now_ms()))
            await journal.write(ended)
            return ended

    _print_silence(asyncio.run(end()), settings, arguments.json)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    """A silence of what there is not would delay nothing, and nobody would see why."""
    from streams.notify.target_file import rule_pattern, scope_pattern

    try:
        for rule in arguments.rule:
            rule_pattern(rule)
        for scope in arguments.scope:
            scope_pattern(scope)
    except ValueError as error:
        arguments.parser.error(str(error))


async def _write(settings: Settings, silence: Silence) -> None:
    async with _servers(settings) as (_, _, journal):
        await journal.write(silence)


def _print_silence(silence: Silence, settings: Settings, as_json: bool) -> None:
    import msgspec

    from streams.notify.showing import silence_line

    if as_json:
        print(json.dumps(msgspec.to_builtins(silence), ensure_ascii=False))
    else:
        print(silence_line(silence, _now_ms(), settings.zone.offset_ms))


def _instant_ms(arguments: argparse.Namespace, text: str, settings: Settings, now_ms: int) -> int:
    from streams.rejects.choice import instant_ms

    try:
        when_ms = instant_ms(text, settings.zone, now_ms)
    except ValueError as error:
        raise SystemExit(arguments.parser.error(str(error))) from error  # error() does not return
    # a span counts from now on, not back: a silence is of what comes
    return 2 * now_ms - when_ms if text[-1:] in "smhd" else when_ms


# -- what all do -------------------------------------------------------------------------------
def _now_ms() -> int:
    return int(time.time() * 1000)


def _servers(settings: Settings) -> Any:
    from streams.notify.looking import both_servers

    return both_servers(settings)
