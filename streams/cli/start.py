"""What every command does first (settings, log), and the kinds of values that options have."""

import argparse
import math
import os

from streams.logs import set_up_logging
from streams.settings import Settings, load


def settings_and_log() -> Settings:
    """The settings of this process; logging is set up by them. Raises SettingsError."""
    settings = load(os.environ)
    set_up_logging(settings.log_level, settings.zone)
    return settings


def port(text: str) -> int:
    """An option's TCP port; 0 means any free one."""
    if not text.isascii() or not text.isdigit() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


def seconds(text: str) -> float:
    """An option's span of time, finite and not negative."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value
