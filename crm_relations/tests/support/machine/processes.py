"""Several test processes at once (pytest-xdist), each on a site with a cache of its own, as `scripts/test` makes them;
the queue is each process's own in any case.

Nothing but the database server and the files of the bench is shared, so any two files may run side by side. The
tests of one file stay together, in their order.
"""

import os
from collections import Counter

import pytest

#: the files that take longest, and how long beside each other; whoever comes late with one of them lets the other
#: processes wait. `--durations=…` tells the seconds of each file at the end of a run.
SLOWEST = {
	"test_won_deals.py": 102,
	"test_dimension.py": 91,
	"test_round_trip.py": 90,
	"test_chains.py": 90,
	"test_balance_repair.py": 72,
	"test_sync.py": 66,
	"test_segment_browser.py": 60,
	"test_import_pipeline.py": 55,
	"test_segment_refresh.py": 47,
	"test_attribution_by_rule.py": 44,
	"test_browser.py": 40,
	"test_balance_sheet.py": 38,
	"test_facts.py": 32,
	"test_identity.py": 32,
	"test_playbook.py": 29,
	"test_campaign_reliability.py": 28,
	"test_process_chain.py": 28,
	"test_segment_oracle.py": 26,
	"test_browser_campaign.py": 26,
	"test_handover.py": 26,
}


def take_own_site() -> None:
	"""The second process takes the site and the cache in CRM_RELATIONS_PROCESS_1, the third those in …_2.

	:raises pytest.UsageError: there is none for this process; two on one site would disturb each other
	"""
	number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
	if number == "0" or not os.environ.get("SITE"):
		return
	own = os.environ.get(f"CRM_RELATIONS_PROCESS_{number}")
	if not own:
		raise pytest.UsageError(
			f"Process {int(number) + 1} has no site of its own: scripts/test --processes N makes them."
		)
	os.environ.update(variable.split("=", 1) for variable in own.split())


def slowest_first(items: list[pytest.Item]) -> None:
	"""The order in which processes take files: the longest first, and what fills gaps, without a site, at the end."""
	if "PYTEST_XDIST_WORKER" in os.environ:
		items.sort(key=lambda item: (-SLOWEST.get(item.path.name, 0), not item.get_closest_marker("site")))


def tell_files(reporter) -> None:
	"""The seconds of the slowest files, fixtures included."""
	seconds: Counter[str] = Counter()
	for reports in reporter.stats.values():
		for report in reports:
			if hasattr(report, "duration"):
				seconds[report.nodeid.split("::")[0]] += report.duration
	reporter.write_sep("=", f"slowest files, of {sum(seconds.values()):.0f} s in all")
	for file, took in seconds.most_common(40):
		reporter.write_line(f"{took:.1f}s {file}")
