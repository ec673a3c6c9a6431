"""The file of who is told: what it means, and what it says of mistakes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from streams.notify.addresses import is_public
from streams.notify.target_file import parse_targets, read_targets
from streams.notify.targets import Kind, Target, Targets
from streams.settings import SettingsError
from tests.streams.notify.alerts import alert

KEY = "whsec_" + "QUJD" * 8
GOOD = f'name = "ops"\nkind = "webhook"\nurl = "https://example.com/hook"\nsecret = "{KEY}"\n'


def targets(text: str, environ: dict[str, str] | None = None) -> Targets:
    return parse_targets("notify.toml", tomllib.loads(text), environ or {})


def one(text: str, environ: dict[str, str] | None = None) -> Target:
    [it] = targets(f"[[target]]\n{text}", environ).targets
    return it


def test_a_target_has_defaults_of_its_kind() -> None:
    it = one(GOOD)
    assert (it.name, it.kind, it.url, it.secret, it.per_minute) == (
        "ops", Kind.WEBHOOK, "https://example.com/hook", KEY, 600,
    )  # fmt: skip
    assert it.wants(alert()) and it.wants(alert(state="provisional"))
    ding = one('name = "d"\nkind = "dingtalk"\nurl = "https://oapi.dingtalk.com/robot/send?access_token=x"')
    assert ding.per_minute == 20


def test_rules_scopes_and_states_choose() -> None:
    it = one(GOOD + 'rules = ["record.*"]\nscopes = ["cluster:fur", "platform"]\nstates = ["confirmed"]')
    assert it.wants(alert("cluster:fur")) and it.wants(alert("platform:all"))
    assert not it.wants(alert("cluster:down"))
    assert not it.wants(alert("cluster:fur", state="provisional"))
    assert not it.wants(alert("cluster:fur", rule="peak.hour"))


def test_quiet_hours_and_age() -> None:
    it = targets("old_after_min = 5\n[[target]]\n" + GOOD + 'quiet = ["23:00-08:30"]')
    assert it.targets[0].quiet == ((1380, 510),)
    assert it.old_after_ms == 300_000


def test_secrets_come_from_files_and_the_environment(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY + "\n")
    text = f'name = "a"\nkind = "webhook"\nurl_env = "HOOK"\nsecret_file = "{tmp_path}/key"'
    it = one(text, {"HOOK": "https://example.com/x"})
    assert (it.url, it.secret) == ("https://example.com/x", KEY)
    assert KEY not in repr(it) and "example.com" not in repr(it)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "Ops!"', "name = 'Ops!': not a name (valid: up to 40 of the characters a-z 0-9 _ -)"),
        ('kind = "pager"', "kind = 'pager': no kind of target (valid: webhook | feishu | dingtalk | wecom"),
        ("per_minute = 0", "per_minute = 0: not a number in that range (valid: a whole number from 1 to 6000)"),
        ("per_minute = true", "per_minute = True: not a number"),
        ('rules = ["peak.day"]', "rules = ['peak.day']: 'peak.day' names none (valid: a list of peak.hour"),
        ('scopes = ["shop:1"]', "'shop:1' names none (valid: a list of dimensions, or dimension:id: platform"),
        ('states = "confirmed"', "states = 'confirmed': not a list of texts (valid: a list of provisional"),
        ('quiet = ["25:00-08:00"]', "'25:00-08:00' is no span of the day (valid: a list of spans on the local clock"),
        ('allow_private = "yes"', "allow_private = 'yes': neither true nor false (valid: true | false)"),
        ('chanel = "x"', "chanel: there is no such key (valid: name, kind, rules"),
        ('url_env = "NOPE"', "url and url_env: only one of them can be"),
        ('secret = "hunter2"', "secret: it does not start with whsec_ (valid: whsec_ and base64 of 24 to 64 bytes)"),
        ('secret = "whsec_QUJD"', "secret: it stands for 3 bytes, not 24 to 64"),
        ('url = "http://example.com/"', "url: not https (valid: https://…; http only with allow_private = true)"),
        ('url = "https://10.0.0.1/"', "url: 10.0.0.1 is a private address (allow_private = true permits it)"),
        ('url = "https://[::ffff:127.0.0.1]/"', "is a private address"),
        ('url = "ftp://example.com/"', "url: no address (valid: https://host"),
        ('url = "https://user:pass@example.com/"', "url: no address (valid: https://host"),
    ],
)
def test_a_mistake_names_file_target_key_value_and_what_is_valid(text: str, said: str) -> None:
    key = text.partition(" ")[0]
    rest = "\n".join(line for line in GOOD.splitlines() if not line.startswith(f"{key} "))
    with pytest.raises(SettingsError) as caught:
        one(f"{rest}\n{text}")
    message = str(caught.value)
    assert message.startswith("notify.toml: target ")
    assert said in message
    assert "hunter2" not in message and "user:pass" not in message


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        targets('older = 1\n[[target]]\nname = "a"\n[[target]]\nkind = "x"\nname = "b"\n')
    lines = str(caught.value).splitlines()
    assert any("older: there is no such key" in line for line in lines)
    assert any("'a': kind is missing" in line for line in lines)
    assert any("'b': kind = 'x'" in line for line in lines)
    with pytest.raises(SettingsError, match="name = 'ops': stands twice"):
        targets(f"[[target]]\n{GOOD}[[target]]\n{GOOD}")
    with pytest.raises(SettingsError, match=r"valid: \[\[target\]\]"):
        targets("target = 1")


def test_a_file_that_can_not_be_read(tmp_path: Path) -> None:
    assert read_targets("", {}) == Targets()
    with pytest.raises(SettingsError, match=r"HIGHTIDE_NOTIFY='/nowhere/x\.toml': can not be read"):
        read_targets("/nowhere/x.toml", {})
    (tmp_path / "x.toml").write_text("[[target]\n")
    with pytest.raises(SettingsError, match="not TOML"):
        read_targets(str(tmp_path / "x.toml"), {})


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1::1", True), ("127.0.0.1", False), ("10.1.2.3", False),
        ("169.254.169.254", False), ("::1", False), ("fd00:ec2::254", False), ("fe80::1%eth0", False),
        ("::ffff:10.0.0.1", False), ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False), ("224.0.0.1", False),
        ("0.0.0.0", False), ("100.64.0.1", False), ("nonsense", False),
    ],
)  # fmt: skip
def test_addresses_of_the_internet(address: str, public: bool) -> None:
    assert is_public(address) is public
