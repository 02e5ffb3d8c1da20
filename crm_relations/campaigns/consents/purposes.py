"""Read the purposes of consent and their texts from `Relation Consent Purpose`, which administrators
maintain. Writes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import frappe
from frappe import _
from frappe.query_builder import DocType

from crm_relations.campaigns import rules
from crm_relations.shared.refusals import refuse


@dataclass(frozen=True)
class Purpose:
	"""A purpose in one language."""

	name: str
	title: str
	declaration: str
	version: str
	language: str
	on_sign_up: bool = False


def offered(language: str | None, sign_up: bool = False) -> list[Purpose]:
	"""Return the purposes that a person may choose, in this language, else in English, else in the first
	language.

	:param sign_up: only those of the sign-up page
	"""
	purpose, text = DocType("Relation Consent Purpose"), DocType("Relation Consent Text")
	query = (
		frappe.qb.from_(purpose)
		.join(text)
		.on((text.parent == purpose.name) & (text.parenttype == "Relation Consent Purpose"))
		.select(purpose.name, purpose.on_sign_up, text.title, text.declaration, text.version, text.language)
		.where(purpose.disabled == 0)
		.orderby(purpose.sort_order, purpose.name, text.idx)
	)
	if sign_up:
		query = query.where(purpose.on_sign_up == 1)
	texts: dict[str, list[frappe._dict]] = {}
	for row in query.run(as_dict=True):
		texts.setdefault(row.name, []).append(row)
	return [_in(rows, language) for rows in texts.values()]


def chosen(names: Iterable[str], language: str | None) -> list[Purpose]:
	"""Return these purposes without those that are not offered."""
	wanted = set(names)
	return [purpose for purpose in offered(language) if purpose.name in wanted]


def check(doc) -> None:
	"""Validate a purpose: one text per language, and at least one text, as a purpose without words cannot
	be agreed to.
	"""
	languages = [row.language for row in doc.texts]
	if len(set(languages)) < len(languages):
		frappe.throw(_("Texts: each language stands once"))
	before = {row.language: row for row in (doc.get_doc_before_save() or frappe._dict(texts=[])).texts}
	for row in doc.texts:
		old = before.get(row.language)
		if old and old.declaration != row.declaration and old.version == row.version:
			refuse(_("Texts, row {0}: the declaration has changed. Give it a new version"), row.idx)


def _in(rows: list[frappe._dict], language: str | None) -> Purpose:
	wanted = [language or "", (language or "").partition("-")[0], "en"]
	row = min(rows, key=lambda r: wanted.index(r.language) if r.language in wanted else len(wanted))
	return Purpose(row.name, row.title, row.declaration, row.version, row.language, bool(row.on_sign_up))


#: purposes of a new site: purpose, on the sign-up page, language → title and declaration
SEED = (
	(
		rules.GENERAL_PURPOSE,
		1,
		10,
		{
			"de": (
				"Angebote und Neuigkeiten",
				"Ich möchte per E-Mail über Angebote und Neuigkeiten informiert werden. Meine Einwilligung kann ich "
				"jederzeit mit Wirkung für die Zukunft widerrufen, zum Beispiel über den Abmeldelink in jeder E-Mail.",
			),
			"en": (
				"Offers and news",
				"I would like to be told about offers and news by email. I can withdraw my consent at any time for the "
				"future, for example by the unsubscribe link in each email.",
			),
		},
	),
	(
		rules.TRACKING_PURPOSE,
		0,
		20,
		{
			"de": (
				"Messung der Öffnungen",
				"Es darf gemessen werden, ob ich diese E-Mails öffne, damit ihr Inhalt besser wird. Diese Einwilligung "
				"ist freiwillig, und ich kann sie jederzeit mit Wirkung für die Zukunft widerrufen.",
			),
			"en": (
				"Measuring opens",
				"It may be measured whether I open these emails, so that they get better. This consent is voluntary, and "
				"I can withdraw it at any time for the future.",
			),
		},
	),
)

#: days to confirm an opt-in, months in which a sale makes an existing customer, years after which unused
#: consent is reported, soft bounces after which an address counts as undeliverable
SETTINGS = {
	"opt_in_days": 7,
	"existing_customer_months": 24,
	"unused_consent_years": 4,
	"soft_bounce_limit": 5,
}
