"""What catching up came to as text for people, and as an SVG. Pure."""

from __future__ import annotations

from streams.lab.bench.catch_up.report import CatchUpReport
from streams.lab.bench.lines import Chart, Line, svg


def table(report: CatchUpReport) -> list[str]:
    """The lines to print."""
    machine, accounts, alerts, done = report.machine, report.accounts, report.alerts, report.caught_up
    states = ", ".join(f"{number} {state}" for state, number in alerts.old_news.items()) or "none"
    cpu = ", ".join(f"{name} {value:.1f}" for name, value in done.cpu_us_per_event.items())
    return [
        f"{report.backlog:,} events of {report.backlog_hours:g} hours; {report.live_events_per_s:,.0f} a second live",
        f"lag zero after       {done.seconds:,.1f} s ({done.started_s:,.1f} s before that to start and to join)",
        f"while catching up    {done.events_per_s:,.0f} events/s; CPU us/event: {cpu}; peak {done.peak_rss_mb:,.0f} MB",
        f"accounts at the end  consumed {accounts['consumed']:,} = counted {accounts['counted']:,} + resends "
        f"{accounts['resends']:,} + rejected {accounts['rejected']:,}",
        f"alerts               {alerts.total:,} revisions; {alerts.told_of_due}",
        f"old news             {alerts.old:,} of them were over an hour old when they were detected ({states}): those "
        "notify nobody",
        "",
        f"{report.settings.partitions} partitions, order index {'on' if report.settings.order_index else 'off'}; "
        f"producer, broker, store and worker share {machine['cores']} cores",
        f"{machine['cpu']}, {machine['system']}, {machine['python']}, {report.measured_at}, load average before "
        f"{machine['load_average']}",
    ]


def plot(report: CatchUpReport) -> str:
    """The lag over time."""
    points = [(each.seconds, float(each.lag)) for each in report.caught_up.lag]
    chart = Chart("catching up", "seconds", "records behind", [Line("lag", points)])
    return svg("Catching up", [chart], f"{report.machine['cpu']}, {report.measured_at}")
