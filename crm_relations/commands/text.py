"""Format answers of the commands as text: one function per command, tables with aligned columns."""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

Data = dict[str, Any]


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], numbers: Iterable[int] = ()) -> str:
	"""Return aligned columns; those in `numbers` are right-aligned."""
	lines = [[str(cell) for cell in line] for line in [head, *rows]]
	right = set(numbers)
	width = [max(len(line[column]) for line in lines) for column in range(len(head))]
	lines.insert(1, ["─" * size for size in width])
	return "\n".join(
		"  ".join(
			cell.rjust(width[column]) if column in right else cell.ljust(width[column])
			for column, cell in enumerate(line)
		).rstrip()
		for line in lines
	)


def _pairs(data: Data) -> str:
	width = max(len(str(key)) for key in data)
	return "\n".join(f"{str(key).replace('_', ' ').ljust(width)}  {value}" for key, value in data.items())


def _sections(*parts: str) -> str:
	return "\n\n".join(part for part in parts if part)


def sync(data: Data) -> str:
	counts = ("rows_in", "adopted", "updated", "unchanged", "rejected")
	rows = [(doctype, *(row[key] for key in counts)) for doctype, row in data["by"].items()]
	total = ("in all", *(sum(row[key] for row in data["by"].values()) for key in counts))
	return _sections(
		"Dry run: nothing was changed." if data["dry_run"] else "",
		table(("Document", *(key.replace("_", " ") for key in counts)), [*rows, total], range(1, 6)),
		"\n".join(
			f"rejected: {doctype} {reason['name']}: {reason['reason']}"
			for doctype, row in data["by"].items()
			for reason in row["reasons"]
		),
	)


def export(data: Data) -> str:
	rows = [(name, number) for name, number in data["rows"].items() if number]
	return _sections(f"Archive: {data['folder']}", table(("File", "lines"), rows, (1,)))


def restore(data: Data) -> str:
	counts = ("restored", "kept", "left_out")
	rows = [
		(doctype, *(row[key] for key in counts)) for doctype, row in data["by"].items() if any(row.values())
	]
	return _sections(
		table(("Document", *(key.replace("_", " ") for key in counts)), rows, (1, 2, 3)),
		"\n".join(f"paused: campaign {name}" for name in data["paused"]),
	)


def confirm_live_site(data: Data) -> str:
	return (
		f"{data['site']} is the live site now: what was held back leaves with the next run of the scheduler."
	)


def facts_rebuild(data: Data) -> str:
	return _pairs(data)


def facts_status(data: Data) -> str:
	return _pairs(data)


def check(data: Data) -> str:
	lines = [
		f"{finding['level']:<8}{finding['code']}: {finding['message']}"
		+ (f"\n        → {finding['remedy']}" if finding["remedy"] else "")
		for finding in data["findings"]
	]
	return _sections("\n".join(lines), _summary(data["findings"]))


def _summary(findings: list[Data]) -> str:
	"""Return how many errors and warnings there are; all is well only without either."""
	levels = [finding["level"] for finding in findings]
	errors, warnings = levels.count("error"), levels.count("warning")
	if errors:
		return f"There are errors: {errors}. Warnings: {warnings}."
	return f"No errors. Warnings: {warnings}." if warnings else "All is well."


def import_pipeline(data: Data) -> str:
	counts = ("rows_in", "imported", "new", "unchanged", "rejected")
	rows = [(file, *(row[key] for key in counts)) for file, row in data["by"].items()]
	total = ("in all", *(sum(row[key] for row in data["by"].values()) for key in counts))
	variants = [
		(row["column"], row["written"], row["taken_as"], row["by"], row["rows"]) for row in data["variants"]
	]
	return _sections(
		f"{data['source']}",
		table(("File", "rows in", "imported", "new", "as before", "rejected"), [*rows, total], range(1, 6)),
		table(("Column", "written", "taken as", "by", "rows"), variants, [4]) if variants else "",
		"\n".join(
			f"unclear: {row['column']}: {row['reason']} ({row['rows']} rows)" for row in data["unclear"]
		),
		_pairs(
			{
				"value of the won deals": data["won_value"],
				"income in the ledger": data["income_posted"],
				"difference": data["difference"],
				"rejected rows are in": data["rejects_file"],
			}
		),
	)


def suggest_mapping(data: Data) -> str:
	return json.dumps(data, ensure_ascii=False, indent=1)


def segment_preview(data: Data) -> str:
	columns = ("name", "relation_name", "stage", "industry", "territory", "city")
	rows = [tuple(row.get(column) or "" for column in columns) for row in data["sample"]]
	head = ("Relation", "Name", "Stage", "Industry", "Territory", "City")
	return _sections(f"{data['segment']}: {data['count']} relations", table(head, rows) if rows else "")


def segment_refresh(data: Data) -> str:
	return _pairs(data)


def campaign_start(data: Data) -> str:
	return _pairs(data)


def campaign_send(data: Data) -> str:
	return _pairs(data)


def campaign_status(data: Data) -> str:
	return _pairs(data)


def statement(data: Data) -> str:
	amounts = ("revenue", "credit_notes", "tax", "receivable_open", "cash_received")
	campaigns = [(row["campaign"], *(row[key] for key in amounts)) for row in data["campaigns"]]
	further = [key for key in (data.get("details") or [{}])[0] if key != "campaign"]
	# one line per figure: side by side they are wider than a terminal
	details = [
		(row["campaign"] if number == 0 else "", key.replace("_", " "), "–" if row[key] is None else row[key])
		for row in data.get("details", [])
		for number, key in enumerate(further)
	]
	accounts = [
		(row["campaign"], row["account"], row["root_type"], row["debit"], row["credit"])
		for row in data.get("accounts", [])
	]
	ledger = ("campaigns", "other_campaigns", "not_attributed", "not_in_selection", "ledger", "difference")
	by_account = [
		(row["account"], *(row[key] for key in ledger))
		for row in data.get("ledger", [])
		if any(Decimal(row[key]) for key in ("campaigns", "other_campaigns", "difference"))
	]
	selected = "".join(f", {key} {data[key]}" for key in ("salesperson", "segment") if data.get(key))
	closing = (
		"settled_income",
		"other_campaigns",
		"not_attributed",
		"not_in_selection",
		"rounding",
		"ledger_income",
		"difference",
	)
	return _sections(
		f"{data['company']}, {data['from_date'] or 'from the first posting'} to {data['to_date']}, in {data['currency']}{selected}",
		"\n".join(
			f"{row['company']}: 1 {data['currency']} = {row['rate']} {row['currency']} on {row['date']}, closing rate"
			for row in data.get("rates", [])
		),
		table(("Campaign", *(key.replace("_", " ") for key in amounts)), campaigns, range(1, 6)),
		table(("Campaign", "further", "amount"), details, [2]) if details else "",
		table(("Campaign", "Account", "Type", "debit", "credit"), accounts, (3, 4)) if accounts else "",
		table(("Ledger by account", *(key.replace("_", " ") for key in ledger)), by_account, range(1, 7))
		if by_account
		else "",
		_pairs({key: data[key] for key in closing if key in data}),
		"\n".join(
			f"differs: {row['voucher_type']} {row['voucher_no']}, {row['account']}: {row['difference']}"
			for row in data.get("problems", [])
		),
		*(statement(company) for company in data.get("companies", [])),
	)


def demo(data: Data) -> str:
	stations = [(row["station"], row["count"], row["what"]) for row in data["stations"]]
	return _sections(
		table(("Station", "count", "what"), stations, [1]),
		statement(data["statement"]),
	)
