"""Define the command group `bench --site S relations …`.

Each command reads its options and calls the package that owns the matter (`actions`); `session` connects to
the site; `text` prints. Answers go to stdout, progress and errors to stderr. The exit code is 0, 1 on an
error or a failed check, and 2 (click's convention) on wrong usage.
"""

from collections.abc import Callable
from typing import Any

import click

from crm_relations.commands.session import answer

json_option = click.option(
	"--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)
company_option = click.option(
	"--company", help="Company; default: the one of Relation Settings, or the only one of the site."
)


def _command(group: click.Group, name: str) -> Callable[[Callable], click.Command]:
	"""Register a command of `group` with --json; the decorated function only names its options."""

	def decorate(function: Callable) -> click.Command:
		return group.command(name)(json_option(click.pass_context(function)))

	return decorate


@click.group("relations")
def relations() -> None:
	"""Relations: contacts, segments, campaigns, and what they earned."""


@relations.group("segment")
def segment() -> None:
	"""Preview and refresh the members of a segment."""


@relations.group("campaign")
def campaign() -> None:
	"""Start and send a campaign, and see its progress."""


@_command(relations, "sync")
@click.option("--dry-run", is_flag=True, help="Count only; change nothing.")
def sync(context: click.Context, dry_run: bool, as_json: bool) -> None:
	"""Create or update the relations of all customers, suppliers, employees, contacts, leads and prospects.

	Can be run any number of times; what is up to date stays as it is.
	"""
	answer(context, "sync", as_json, dry_run=dry_run)


@relations.group("facts")
def facts() -> None:
	"""Show and recompute the figures of the relations."""


@_command(facts, "rebuild")
def facts_rebuild(context: click.Context, as_json: bool) -> None:
	"""Recompute all figures from the documents. Does not lock the site; needed only after changes that bypass
	Frappe.
	"""
	answer(context, "facts_rebuild", as_json)


@_command(facts, "status")
def facts_status(context: click.Context, as_json: bool) -> None:
	"""Show how many figures there are, and how many changes wait to be processed."""
	answer(context, "facts_status", as_json)


@_command(relations, "confirm-live-site")
def confirm_live_site(context: click.Context, as_json: bool) -> None:
	"""Confirm that this site is the live one, after it was restored or moved.

	Never run it on a copy: the copy would write to the same people a second time.
	"""
	answer(context, "confirm_live_site", as_json)


@_command(relations, "check")
def check(context: click.Context, as_json: bool) -> None:
	"""Check whether the site is ready and the numbers agree. Exit code 1 if a finding is an error.

	Readiness: email account, scheduler, workers, default accounts, dimension. Integrity: members, sends,
	attribution and ledger.
	"""
	answer(context, "check", as_json)


@_command(relations, "import-pipeline")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False))
@click.option("--deals", type=click.IntRange(min=0), help="Only the first so many rows of the deals file.")
@company_option
@click.option(
	"--mapping",
	"mapping_file",
	type=click.Path(dir_okay=False),
	help="JSON file that names files and columns.",
)
@click.option("--campaign", help="Relation Campaign that the deals belong to.")
@click.option(
	"--suggest-mapping",
	is_flag=True,
	help="Print a mapping file for DIR, made from the headings and values of its files. Imports nothing.",
)
@click.option(
	"--rejects",
	"rejects_file",
	type=click.Path(dir_okay=False),
	help="Where to write the rejected rows (csv).",
)
def import_pipeline(context: click.Context, as_json: bool, suggest_mapping: bool, **options: Any) -> None:
	"""Import the opportunity export of another CRM: csv files of accounts, products, sales teams and deals in
	DIR.

	Won deals become quotation, order, invoice and payment, with their dates and values. Amounts are in the
	company's currency unless the mapping says otherwise. Every row is imported or rejected with a reason. An
	interrupted run continues where it stopped. One file may hold several of these kinds. A mapping needs the
	deals only: missing records are created from the names in them.
	"""
	if suggest_mapping:
		answer(context, "suggest_mapping", as_json, folder=options["folder"])
	else:
		answer(context, "import_pipeline", as_json, **options)


@_command(relations, "export")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False))
def export(context: click.Context, folder: str, as_json: bool) -> None:
	"""Write everything that the app holds into the new folder DIR, one JSON document per line.

	Use it to move to another site. An uninstall does it automatically. The files hold personal data.
	"""
	answer(context, "export", as_json, folder=folder)


@_command(relations, "restore")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, exists=True))
def restore(context: click.Context, folder: str, as_json: bool) -> None:
	"""Restore what `export` or an uninstall has written to DIR. Existing records of the site stay as they
	are.

	Running campaigns are restored as paused.
	"""
	answer(context, "restore", as_json, folder=folder)


@_command(segment, "preview")
@click.argument("name")
@click.option(
	"--limit", type=click.IntRange(min=0, max=100), default=10, show_default=True, help="Rows of the sample."
)
def segment_preview(context: click.Context, name: str, limit: int, as_json: bool) -> None:
	"""Show how many relations match the rule now, and some of them. Changes nothing."""
	answer(context, "segment_preview", as_json, name=name, limit=limit)


@_command(segment, "refresh")
@click.argument("name")
def segment_refresh(context: click.Context, name: str, as_json: bool) -> None:
	"""Update the members by the rule."""
	answer(context, "segment_refresh", as_json, name=name)


@_command(campaign, "start")
@click.argument("name")
def campaign_start(context: click.Context, name: str, as_json: bool) -> None:
	"""Enroll the members of the segment and plan their messages and calls. Sends nothing yet."""
	answer(context, "campaign_start", as_json, name=name)


@_command(campaign, "send")
@click.argument("name")
def campaign_send(context: click.Context, name: str, as_json: bool) -> None:
	"""Send the emails that are due, each once."""
	answer(context, "campaign_send", as_json, name=name)


@_command(campaign, "status")
@click.argument("name")
def campaign_status(context: click.Context, name: str, as_json: bool) -> None:
	"""Show members, emails by state, and answers."""
	answer(context, "campaign_status", as_json, name=name)


@_command(relations, "statement")
@click.option(
	"--campaign", "campaigns", multiple=True, help="Only this campaign; can be given several times."
)
@click.option(
	"--from", "from_date", metavar="DATE", help="First day, as 2026-01-31; default: the first posting."
)
@click.option("--to", "to_date", metavar="DATE", help="Last day; default: today.")
@click.option("--salesperson", help="Only invoices in whose sales team this Sales Person is.")
@click.option("--segment", help="Only invoices of relations that are in this Relation Segment now.")
@click.option(
	"--consolidated",
	is_flag=True,
	help="The company with all below it, or all companies if none is named, in one currency.",
)
@click.option("--currency", help="Presentation currency of --consolidated; default: that of the company.")
@company_option
def statement(context: click.Context, as_json: bool, **options: Any) -> None:
	"""Show what each campaign has in the ledger. Exit code 1 if the statement differs from the ledger."""
	answer(context, "statement", as_json, **options)


@_command(relations, "demo")
@click.option(
	"--deals", type=click.IntRange(min=1), default=60, show_default=True, help="Deals of the past to import."
)
@click.option(
	"--data", type=click.Path(file_okay=False), help="Folder of a pipeline export; default: generated data."
)
@company_option
def demo(context: click.Context, as_json: bool, **options: Any) -> None:
	"""Run the main job once on this site: from the contact through a campaign to the balance sheet.

	Only for a test site: it creates customers, sends emails to its own mailbox and posts invoices and
	payments. It can be run again without creating duplicates.
	"""
	answer(context, "demo", as_json, **options)


commands = [relations]
