"""How much memory there is: the setting, the container's limit, the machine."""

import os
from pathlib import Path

import pytest

from streams.memory import allowed_bytes

MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
MB = 1 << 20


def files(root: Path, **texts: str) -> Path:
    for path, text in texts.items():
        file = root / path.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def limit(root: Path, path: str, text: str) -> None:
    file = root / "sys/fs/cgroup" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def group(root: Path, text: str) -> None:
    files(root, proc__self__cgroup=text)


def test_the_setting_is_taken_whole() -> None:
    assert allowed_bytes(64) == 64 * MB


def test_without_limits_it_is_half_of_the_machine(tmp_path: Path) -> None:
    assert allowed_bytes(0, tmp_path) == MACHINE // 2


@pytest.mark.parametrize("told_at", ["memory.max", "app/memory.max", "app/worker/memory.max"])
def test_a_container_limit_counts_wherever_it_stands_above_us(tmp_path: Path, told_at: str) -> None:
    group(tmp_path, "0::/app/worker\n")
    limit(tmp_path, told_at, f"{64 * MB}\n")
    assert allowed_bytes(0, tmp_path) == 32 * MB


def test_the_smallest_limit_counts_and_max_is_none(tmp_path: Path) -> None:
    group(tmp_path, "0::/app/worker\n")
    limit(tmp_path, "memory.max", "max\n")
    limit(tmp_path, "app/memory.max", f"{80 * MB}\n")
    limit(tmp_path, "app/worker/memory.max", f"{64 * MB}\n")
    assert allowed_bytes(0, tmp_path) == 32 * MB


def test_the_older_layout_has_a_folder_for_memory(tmp_path: Path) -> None:
    group(tmp_path, "5:devices:/x\n4:cpu,memory:/box\n0::/\n")
    limit(tmp_path, "memory/box/memory.limit_in_bytes", f"{64 * MB}\n")
    limit(tmp_path, "memory/memory.limit_in_bytes", f"{1 << 62}\n")
    assert allowed_bytes(0, tmp_path) == 32 * MB


def test_a_limit_above_the_machine_is_none(tmp_path: Path) -> None:
    group(tmp_path, "0::/\n")
    limit(tmp_path, "memory.max", f"{1 << 62}\n")
    assert allowed_bytes(0, tmp_path) == MACHINE // 2
