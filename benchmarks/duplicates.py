"""Measure the duplicate search over 100,000 generated relations, against splink on DuckDB over the same
records.

Both search the same persons and companies (`crm_relations/tests/support/people.py`: known duplicates,
families, namesakes). Ours is timed from the raw fields: normalization, keys, blocks, scores. Splink starts
from columns that ours has normalized, so that spelling makes it neither slower nor worse. That time is not
charged to splink. It gets two models, one of persons and one of companies, with the comparisons of its own
library and blocking rules from its manual. Training follows its tutorial: probability of a match by
deterministic rules, `u` by random sampling, `m` by expectation maximization. Its threshold is that of its
best F1, which a user without the truth would not know. Ours has its one fixed configuration and threshold.

Two figures: from raw fields to pairs, where splink trains and ours normalizes and creates keys; and the
search alone, where ours has its keys (as on a site) and splink its trained model. `processor` counts the
seconds of all processors: DuckDB uses all of them, ours one.

Needs no site, only the package `splink` (the extra `benchmarks` of pyproject.toml):

	pip install -e .[benchmarks] && python benchmarks/duplicates.py
"""

import argparse
import gc
import logging
import sys
import warnings
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from measuring import report

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from crm_relations.relations.duplicates import matching
from crm_relations.relations.duplicates.records import Record
from crm_relations.tests.support import people

BAR = 1.0
#: pairs sampled to estimate `u`, as in splink's tutorial
SAMPLED = 1e6
#: splink's pairs below this probability are not read
LEAST = 0.01

Pairs = set[tuple[str, str]]


def main() -> None:
	parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
	parser.add_argument("--records", type=int, default=100_000)
	parser.add_argument("--runs", type=int, default=3)
	parser.add_argument("--seed", type=int, default=2026)
	arguments = parser.parse_args()
	rows = []
	for families in (0.2, 0.0):
		rows += compare(arguments.records, arguments.runs, arguments.seed, families)
	report(rows)


def compare(count: int, runs: int, seed: int, families: float) -> list[dict[str, Any]]:
	"""Run both over the same records, in turn."""
	values, true = people.generate(count, seed=seed, families=families)
	print(f"{count} records, {len(true)} pairs are one, {families:.0%} live with the one before")
	peer = Splink({name: Record(row) for name, row in values.items()})
	ours_runs, peer_runs = [], []
	for number in range(runs):
		for run in (run_ours, peer.run)[:: 1 if number % 2 else -1]:
			gc.collect()
			gc.disable()  # no garbage collection during either run
			(ours_runs if run is run_ours else peer_runs).append(run(values))
			gc.enable()
	ours, splink = _middle(ours_runs), _middle(peer_runs)
	precision, recall, f1, weight = best_threshold(splink.pop("scored"), true)
	splink |= {"precision": precision, "recall": recall, "f1": f1, "weight": weight}
	ours["precision"], ours["recall"], ours["f1"] = matching.quality(ours.pop("pairs"), true)
	for name, figures in (("ours", ours), ("splink", splink)):
		print(name, "  ".join(f"{key} {value:.4f}" for key, value in figures.items()))
	more = {"families": families, "f1": round(ours["f1"], 4), "peer_f1": round(splink["f1"], 4)}
	processor, search_processor = (
		{"processor": round(ours[figure], 2), "peer_processor": round(splink[figure], 2)}
		for figure in ("processor", "search_processor")
	)
	return [
		_row("raw fields to pairs", ours["seconds"], splink["seconds"], runs, **more, **processor),
		_row(
			"prepared and trained to pairs",
			ours["search"],
			splink["search"],
			runs,
			**more,
			**search_processor,
		),
	]


def _row(figure: str, ours: float, peer: float, runs: int, **more: Any) -> dict[str, Any]:
	return {
		"figure": figure,
		"ours": round(ours, 3),
		"peer": round(peer, 3),
		"ratio": round(ours / peer, 4),
		"bar": BAR,
		"runs": runs,
		**more,
	}


def _middle(runs: list[dict[str, Any]]) -> dict[str, Any]:
	return sorted(runs, key=lambda run: run["seconds"])[len(runs) // 2]


def run_ours(values: dict[str, people.Values]) -> dict[str, Any]:
	"""Return the seconds in total, and those for normalization and keys."""
	start, worked = perf_counter(), process_time()
	records = {name: Record(row) for name, row in values.items()}
	prepared, worked_before = perf_counter(), process_time()
	pairs = {(found.one, found.other) for found in matching.find(records)}
	done = perf_counter()
	return {
		"seconds": done - start,
		"search": done - prepared,
		"processor": process_time() - worked,
		"search_processor": process_time() - worked_before,
		"pairs": pairs,
	}


# ── the peer ───────────────────────────────────────────────────────────────────────────────────


class Splink:
	"""Splink on DuckDB, with a model of persons and one of companies."""

	def __init__(self, records: dict[str, Record]):
		try:
			import pandas
			import splink
			import splink.comparison_level_library
			import splink.comparison_library
		except ImportError:
			sys.exit("Install splink: pip install -e .[benchmarks]")
		warnings.filterwarnings("ignore")
		logging.disable(logging.WARNING)
		self.splink = splink
		rows = [_columns(name, record) for name, record in records.items()]
		self.persons = pandas.DataFrame([row for row in rows if row.pop("is_person")])
		companies = [_columns(name, record) for name, record in records.items() if not record.is_person]
		self.companies = pandas.DataFrame(companies).drop(columns=["is_person", "first", "last", "birth"])
		self.persons = self.persons.drop(columns=["company", "domain", "tax"])

	def run(self, _values: dict[str, people.Values]) -> dict[str, Any]:
		"""Return the seconds for training and prediction, those for prediction alone, and the scored pairs."""
		train = predict = predicting = 0.0
		worked = process_time()
		scored: dict[tuple[str, str], float] = {}
		for frame, model in ((self.persons, self.of_persons()), (self.companies, self.of_companies())):
			settings, rules, train_by = model
			start = perf_counter()
			linker = self.splink.Linker(frame, settings, db_api=self.splink.DuckDBAPI())
			linker.training.estimate_probability_two_random_records_match(rules, recall=0.7)
			linker.training.estimate_u_using_random_sampling(max_pairs=SAMPLED, seed=1)
			for rule in train_by:
				linker.training.estimate_parameters_using_expectation_maximisation(rule)
			trained, worked_before = perf_counter(), process_time()
			found = linker.inference.predict(threshold_match_probability=LEAST).as_pandas_dataframe()
			done = perf_counter()
			predicting += process_time() - worked_before
			processor = process_time() - worked
			train, predict = train + trained - start, predict + done - trained
			for one, other, likely in zip(
				found["unique_id_l"], found["unique_id_r"], found["match_weight"], strict=True
			):
				scored[(one, other) if one < other else (other, one)] = likely
		return {
			"seconds": train + predict,
			"search": predict,
			"processor": processor,
			"search_processor": predicting,
			"scored": scored,
		}

	def address(self) -> Any:
		"""Return one comparison, as splink's manual recommends for columns that depend on each other."""
		levels = self.splink.comparison_level_library
		same, typo = levels.ExactMatchLevel, levels.DamerauLevenshteinLevel
		return self.splink.comparison_library.CustomComparison(
			output_column_name="address",
			comparison_levels=[
				levels.And(levels.NullLevel("street"), levels.NullLevel("pincode")),
				levels.And(same("street"), same("number"), same("pincode")),
				levels.And(levels.JaroWinklerLevel("street", 0.9), same("number"), typo("pincode", 1)),
				levels.And(levels.JaroWinklerLevel("street", 0.9), typo("pincode", 1)),
				same("pincode"),
				same("city"),
				levels.ElseLevel(),
			],
		)

	def of_persons(self) -> tuple[Any, list, list]:
		comparisons, block_on = self.splink.comparison_library, self.splink.block_on
		settings = self.splink.SettingsCreator(
			link_type="dedupe_only",
			comparisons=[
				comparisons.NameComparison("first"),
				comparisons.NameComparison("last").configure(term_frequency_adjustments=True),
				comparisons.DateOfBirthComparison("birth", input_is_string=True),
				comparisons.EmailComparison("email"),
				comparisons.ExactMatch("phone"),
				self.address(),
			],
			blocking_rules_to_generate_predictions=[
				block_on("email"),
				block_on("phone"),
				block_on("birth"),
				block_on("first", "last"),
				block_on("last", "pincode"),
				block_on("first", "pincode"),
				block_on("number", "pincode"),
				block_on("last", "city"),
				block_on("street", "number", "city"),
			],
		)
		deterministic = [
			block_on("email"),
			block_on("first", "last", "birth"),
			block_on("first", "last", "pincode"),
		]
		return settings, deterministic, [block_on("first", "last"), block_on("birth")]

	def of_companies(self) -> tuple[Any, list, list]:
		comparisons, block_on = self.splink.comparison_library, self.splink.block_on
		settings = self.splink.SettingsCreator(
			link_type="dedupe_only",
			comparisons=[
				comparisons.JaroWinklerAtThresholds("company", [0.95, 0.88]),
				comparisons.EmailComparison("email"),
				comparisons.ExactMatch("phone"),
				comparisons.ExactMatch("domain"),
				comparisons.ExactMatch("tax"),
				self.address(),
			],
			blocking_rules_to_generate_predictions=[
				block_on("company"),
				block_on("email"),
				block_on("phone"),
				block_on("domain"),
				block_on("tax"),
				block_on("number", "pincode"),
				block_on("substr(company, 1, 4)", "pincode"),
				block_on("substr(company, 1, 4)", "city"),
				block_on("street", "number", "city"),
			],
		)
		return (
			settings,
			[block_on("email"), block_on("tax"), block_on("company", "pincode")],
			[block_on("company"), block_on("domain")],
		)


def _columns(name: str, record: Record) -> dict[str, Any]:
	"""Return our normalized values as splink's columns; unknown values are null."""
	birth = record.birth and f"{record.birth[:4]}-{record.birth[4:6]}-{record.birth[6:]}"
	return {
		"unique_id": name,
		"is_person": record.is_person,
		"first": record.first or None,
		"last": record.last or None,
		"birth": birth or None,
		"company": " ".join(record.words) or None,
		"email": min(record.emails, default=None),
		"phone": min(record.phones, default=None),
		"domain": record.domain or None,
		"tax": record.tax or None,
		"street": record.street or None,
		"number": record.number or None,
		"pincode": record.pincode or None,
		"city": record.city or None,
	}


def best_threshold(scored: dict[tuple[str, str], float], true: Pairs) -> tuple[float, float, float, float]:
	"""Return precision, recall, F1 and the match weight at which F1 is best."""
	best = (0.0, 0.0, 0.0, 0.0)
	right = 0
	for number, (pair, likely) in enumerate(sorted(scored.items(), key=lambda item: -item[1]), start=1):
		right += pair in true
		if right:
			precision, recall = right / number, right / len(true)
			best = max(
				best,
				(precision, recall, 2 * precision * recall / (precision + recall), likely),
				key=lambda b: b[2],
			)
	return best


if __name__ == "__main__":
	main()
