"""Whose law the checks may name: that of the countries in which the site's companies are."""

import frappe

#: European Economic Area, as ERPNext names the countries: the GDPR holds there
EEA = frozenset(
	(
		"Austria", "Belgium", "Bulgaria", "Croatia", "Cyprus", "Czech Republic", "Denmark", "Estonia", "Finland", "France",
		"Germany", "Greece", "Hungary", "Iceland", "Ireland", "Italy", "Latvia", "Liechtenstein", "Lithuania", "Luxembourg",
		"Malta", "Netherlands", "Norway", "Poland", "Portugal", "Romania", "Slovakia", "Slovenia", "Spain", "Sweden",
	)
)  # fmt: skip
#: country → the paragraph that asks for an imprint in commercial mails
IMPRINT = {"Germany": "§ 5 DDG", "Austria": "§ 5 ECG"}


def countries() -> set[str]:
	"""The countries of the site's companies."""
	return set(frappe.get_all("Company", filters={"country": ["is", "set"]}, pluck="country", distinct=True))


def imprint() -> str:
	"""The paragraphs on the imprint that hold for the site's companies, as `§ 5 DDG`; empty if none does."""
	here = countries()
	return ", ".join(paragraph for country, paragraph in IMPRINT.items() if country in here)


def has_gdpr() -> bool:
	"""Whether the GDPR holds for one of the site's companies by its seat."""
	return not EEA.isdisjoint(countries())
