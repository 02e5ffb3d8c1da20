"""Print the due letters of a campaign as one file, with their addresses as csv.

Writes no record itself: `sends.store` changes the letters, `campaign_files` keeps the files. `print_run`
names the run of a letter, and no other run prints it. Letters count as sent when a user confirms that they
were posted, and are due again if the run is discarded.
"""

from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.query_builder.functions import Count, Min
from frappe.utils import escape_html, format_date, getdate, now_datetime

from crm_relations.campaigns.consents import decisions as consent
from crm_relations.campaigns.content import composer, templates
from crm_relations.campaigns.eligibility import check
from crm_relations.campaigns.sends import campaign_files, store
from crm_relations.campaigns.states import CampaignStatus, Channel, SendState, StepType
from crm_relations.relations.exchange.files import parsing as tables
from crm_relations.shared.access.permissions import readable
from crm_relations.shared.refusals import refuse
from crm_relations.shared.text import pdf

#: letters of one run, as many as a printer and a browser can handle
RUN_SIZE = 500

_PAGE = (
	"<!doctype html><html><head><meta charset='utf-8'><style>"
	"@page { size: A4; margin: 20mm 20mm 25mm 25mm }"
	f"body {{ font-family: {pdf.FONT_FAMILIES}; font-size: 11pt; line-height: 1.4 }}"
	".letter { page-break-after: always } .letter:last-child { page-break-after: auto }"
	".from { font-size: 7pt; height: 22mm; padding-top: 5mm } .to { height: 40mm } .on { text-align: right }"
	"</style></head><body>"
)
_PAGE_END = "</body></html>"


def print_due(campaign: str) -> dict[str, Any]:
	"""Print up to RUN_SIZE letters that are due; the files are kept (`campaign_files`). The caller
	commits.

	:return: `print_run`, `letters` (number), `left_out` (number), `file`, `addresses` (URLs of the files), and `note`: why
		the file is not a PDF. Without a letter, `print_run` is None.
	:raises frappe.ValidationError: the campaign does not run
	"""
	doc = frappe.get_doc("Relation Campaign", campaign)
	if doc.status != CampaignStatus.RUNNING:
		refuse(_("Campaign {0} is not running"), doc.name)
	rows = _lock_due(campaign)
	left_out = _leave_out(doc, rows)
	pages, printed = [], []
	steps = {step.name: step for step in doc.steps}
	imprint = " · ".join((frappe.get_cached_doc("Relation Settings").legal_notice or "").split("\n"))
	for row in rows:
		if row.name in left_out:
			continue
		try:
			pages.append(_letter(row, steps.get(row.step), imprint))
			printed.append(row)
		except templates.TemplateError as e:
			reason = f"The letter cannot be made: {e}"
			store.fail(row.name, reason)
	if not printed:
		return {"print_run": None, "letters": 0, "left_out": len(left_out)}
	run = frappe.generate_hash(length=8)
	store.print_letters([row.name for row in printed], run)
	content, suffix, note = to_pdf(_PAGE + "".join(pages) + _PAGE_END)
	addresses = tables.write_table(_heading(), [_address(row) for row in printed])
	kept = {
		kind: campaign_files.keep(
			campaign, kind, f"{_('letters')}-{run}.{ending}", data, len(printed), print_run=run
		)
		for kind, ending, data in (
			(campaign_files.LETTERS, suffix, content),
			(campaign_files.ADDRESSES, "csv", addresses),
		)
	}
	return {
		"print_run": run,
		"letters": len(printed),
		"left_out": len(left_out),
		"file": kept[campaign_files.LETTERS],
		"addresses": kept[campaign_files.ADDRESSES],
		"note": note,
	}


def runs(campaign: str) -> list[dict[str, Any]]:
	"""Return the print runs that wait to be posted: `print_run`, `letters`, `printed_at`, `files` (name and
	URL).
	"""
	send = DocType(store.SEND)
	found = (
		frappe.qb.from_(send)
		.select(send.print_run, Count("*").as_("letters"), Min(send.modified).as_("printed_at"))
		.where((send.campaign == campaign) & (send.state == SendState.PENDING) & (send.print_run > ""))
		.groupby(send.print_run)
		.orderby(Min(send.modified))
		.run(as_dict=True)
	)
	for run in found:
		run["files"] = campaign_files.of_run(run.print_run)
	return found


def confirm(campaign: str, print_run: str) -> list[frappe._dict]:
	"""Mark the letters of a run as posted; returns their rows (`name`, `relation`, `step`). A second time:
	none.
	"""
	rows = _of_run(campaign, print_run)
	store.post_letters([row.name for row in rows])
	return rows


def discard(campaign: str, print_run: str) -> int:
	"""Discard a run: its letters are due again. Returns their number."""
	return store.discard_print([row.name for row in _of_run(campaign, print_run)])


def specimen(row: frappe._dict, step: Document) -> str:
	"""Return a letter as it would be printed, as HTML.

	:param row: with what merge fields and the address need
	"""
	imprint = " · ".join((frappe.get_cached_doc("Relation Settings").legal_notice or "").split("\n"))
	return _PAGE + _letter(row, step, imprint) + _PAGE_END


def to_pdf(html: str) -> tuple[bytes, str, str]:
	"""Return (content, suffix, note): a PDF, or the HTML and a note if WeasyPrint does not run.

	WeasyPrint comes with Frappe and needs libraries of the system. It may load nothing from the network or
	the disk.
	"""
	try:
		return pdf.from_html(html), "pdf", ""
	except (ImportError, OSError) as e:
		why = str(e).splitlines()[0] if str(e) else type(e).__name__
	note = _(
		"No PDF engine runs on this server ({0}). The letters are an HTML file: print it from the browser."
	)
	return html.encode(), "html", note.format(f"WeasyPrint: {why}")


def _lock_due(campaign: str) -> list[frappe._dict]:
	"""Lock the next due letters that the session's user may read, and return them. Rows locked by another
	run are skipped.
	"""
	send = DocType(store.SEND)
	query = readable(frappe.qb.from_(send), store.SEND)
	if query is None:
		return []
	names = (
		query.select(send.name)
		.where(
			(send.campaign == campaign)
			& (send.state == SendState.PENDING)
			& (send.step_type == StepType.LETTER)
		)
		.where((send.due_on <= getdate()) & send.print_run.isnull())
		.where(send.retry_at.isnull() | (send.retry_at <= now_datetime()))
		.orderby(send.due_on, send.name)
		.limit(RUN_SIZE)
		.for_update(skip_locked=True)
		.run(pluck=True)
	)
	rows = composer.rows(names) if names else []
	if rows:
		addresses = _addresses([row.relation for row in rows])
		for row in rows:
			row.update(addresses.get(row.relation, {}))
	return rows


def _addresses(relations: list[str]) -> dict[str, frappe._dict]:
	relation = DocType("Relation")
	rows = (
		frappe.qb.from_(relation)
		.select(relation.name, relation.address_line, relation.pincode, relation.city, relation.country)
		.where(relation.name.isin(relations))
		.run(as_dict=True)
	)
	return {row.pop("name"): row for row in rows}


def _leave_out(campaign: Document, rows: list[frappe._dict]) -> set[str]:
	"""Suppress letters to members that must not get them; returns their names, and those that wait for the
	next run.
	"""
	if not rows:
		return set()
	for row in rows:
		row.recipient = consent.address_key(row.recipient, Channel.LETTER)
	verdict = check.evaluate(campaign, rows)
	found = consent.decide_for(campaign, rows, Channel.LETTER)
	decisions = {row.name: found[row.recipient].unless(verdict.refused.get(row.name, "")) for row in rows}
	store.decide(decisions)
	return {*(name for name, one in decisions.items() if not one.allowed), *verdict.later}


def _letter(row: frappe._dict, step: Document | None, imprint: str) -> str:
	if not step:
		raise templates.TemplateError(_("the step has been deleted"))
	text = templates.render_html(step.letter_text or "", composer.merge_fields(row))
	lines = [
		row.relation_name,
		row.address_line,
		f"{row.pincode or ''} {row.city or ''}".strip(),
		row.country,
	]
	address = "<br>".join(escape_html(line) for line in lines if line)
	today = format_date(getdate())
	return (
		f"<div class='letter'><div class='from'>{escape_html(imprint)}</div><div class='to'>{address}</div>"
		f"<p class='on'>{today}</p>{text}</div>"
	)


def _heading() -> list[str]:
	return [_("Name"), _("Street"), _("Postal Code"), _("City"), _("Country"), _("Relation")]


def _address(row: frappe._dict) -> list[str]:
	values = (row.relation_name, row.address_line, row.pincode, row.city, row.country, row.relation)
	return [str(value or "") for value in values]


def _of_run(campaign: str, print_run: str) -> list[frappe._dict]:
	"""Lock the letters of a run that are not posted yet and that the session's user may read, and return
	them.
	"""
	send = DocType(store.SEND)
	query = readable(frappe.qb.from_(send), store.SEND)
	if query is None or not print_run:
		return []
	return (
		query.select(send.name, send.relation, send.step)
		.where(
			(send.campaign == campaign) & (send.print_run == print_run) & (send.state == SendState.PENDING)
		)
		.for_update()
		.run(as_dict=True)
	)
