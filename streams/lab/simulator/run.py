"""One run of the simulator: topics made ready, the scenario played, its truth worked out."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from streams.errors import Expected
from streams.lab.simulator.catalogue import Scenario
from streams.lab.simulator.clusters import Size
from streams.lab.simulator.pace import Pace
from streams.lab.simulator.partitions import place
from streams.lab.simulator.planned import Planned
from streams.lab.simulator.play import Played, Target, play
from streams.lab.truth import Rules, Truth, compute_truth
from streams.rules.live import read_rules
from streams.settings import Settings
from streams.topic_admin import check_topics, ensure_topics, simulated_topics
from streams.topics import Topics


class TopicsUnfit(Expected):
    """The topics can not take this run: the message says why and which setting helps."""

    exit_code: ClassVar[int] = 1


@dataclass(frozen=True)
class Run:
    """What to simulate. `truth_path` is None if no truth is wanted."""

    scenario: Scenario
    seed: int
    size: Size | None
    truth_path: Path | None

    def records(self) -> Iterator[Planned]:
        """The records of the scenario, in the order of their arrival."""
        return self.scenario.plan(self.seed, self.size)

    def expected(self) -> int:
        """About how many records there will be."""
        return self.scenario.records(self.size)

    def meta(self) -> dict[str, Any]:
        """What the truth file says about where it is from."""
        size = self.size or self.scenario.default_size
        return {
            "scenario": self.scenario.name,
            "seed": self.seed,
            "arguments": size._asdict() if size else {},
        }


async def simulate(run: Run, settings: Settings, pace: Pace, on_slice: Callable[[Played], None]) -> list[Planned]:
    """Play `run` into the topics of `settings`, which are made if they are missing.

    Returns the records if a truth is wanted of them (else nothing: they may be many). Raises TopicsUnfit if the topics
    would overwrite arrivals, or if a truth is wanted and they are not empty; ServerMissing if Kafka does not answer.
    """
    await _make_ready(settings)
    target = target_of(settings)
    if run.truth_path is None:
        await play(run.records(), target, pace, on_slice)
        return []
    kept: list[Planned] = []

    def on_checked_slice(played: Played) -> None:
        _refuse_filled(played)
        on_slice(played)

    await play(_keeping(run.records(), kept), target, pace, on_checked_slice)
    return kept


def target_of(settings: Settings) -> Target:
    """Where the settings say that a scenario is played to."""
    topics = Topics(settings.topic_prefix)
    return Target(settings.kafka, topics.orders, topics.live_sessions)


def truth_of(
    records: Iterable[Planned],
    partitions: dict[str, int],
    settings: Settings,
    meta: dict[str, Any],
    on_step: Callable[[str], None] = lambda step: None,
) -> Truth:
    """The truth of `records` as they lie in topics that were empty before. `partitions` maps topics to numbers.

    `meta` is kept, the settings that decide are added to it.
    """
    rules = rules_of(settings)
    meta = {**meta, "rules": asdict(rules)}
    return compute_truth(place(records, partitions), rules, meta, on_step, drive_again=True)


def rules_of(settings: Settings) -> Rules:
    """The settings that decide, as the truth takes them. Raises `RulesRefused`."""
    return Rules(
        offset_ms=settings.zone.offset_ms,
        lateness_ms=settings.lateness_s * 1_000,
        dedupe_ms=settings.dedupe_s * 1_000,
        min_history=settings.min_history,
        refund_days=settings.refund_days,
        order_index=settings.order_index,
        milestones_fen=read_rules(settings.rules).milestones_fen,
    )


async def _make_ready(settings: Settings) -> None:
    """Arrivals are the simulator's: a topic that stamps records by the broker's clock would change every outcome."""
    inputs = Topics(settings.topic_prefix).inputs
    wanted = [topic for topic in simulated_topics(settings) if topic.name in inputs]
    await ensure_topics(settings, wanted)
    for difference in (await check_topics(settings, wanted)).differences:
        if difference.what == "message.timestamp.type":
            raise TopicsUnfit(
                f"the topic {difference.topic} stamps records with the broker's clock ({difference.found}), which "
                "would overwrite the simulated arrivals: set HIGHTIDE_TOPIC_PREFIX to a new prefix (say sim-), its "
                "topics are then made as the simulator needs them"
            )


def _refuse_filled(played: Played) -> None:
    for (topic, partition), offset in played.first_offsets.items():
        if offset:
            raise TopicsUnfit(
                f"partition {partition} of {topic} already held {offset} records, and a truth is that of whole topics: "
                f"set HIGHTIDE_TOPIC_PREFIX to a new prefix, or leave --truth out "
                f"({played.records} records of this run were sent before this was seen)"
            )


def _keeping(records: Iterable[Planned], kept: list[Planned]) -> Iterator[Planned]:
    for record in records:
        kept.append(record)
        yield record
