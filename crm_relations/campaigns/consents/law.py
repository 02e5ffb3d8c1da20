"""Find the laws that the checks may name, by the countries of the site's companies. Reads only."""

import frappe

#: European Economic Area, as ERPNext names the countries: the GDPR applies there
EEA = frozenset(
	(
		"Austria", "Belgium", "Bulgaria", "Croatia", "Cyprus", "Czech Republic", "Denmark", "Estonia", "Finland", "France",
		"Germany", "Greece", "Hungary", "Iceland", "Ireland", "Italy", "Latvia", "Liechtenstein", "Lithuania", "Luxembourg",
		"Malta", "Netherlands", "Norway", "Poland", "Portugal", "Romania", "Slovakia", "Slovenia", "Spain", "Sweden",
	)
)  # fmt: skip
#: country → the provision that requires a legal notice in commercial emails
IMPRINT = {"Germany": "§ 5 DDG", "Austria": "§ 5 ECG"}


def countries() -> set[str]:
	"""Return the countries of the site's companies."""
	return set(frappe.get_all("Company", filters={"country": ["is", "set"]}, pluck="country", distinct=True))


def imprint() -> str:
	"""Return the provisions on the legal notice for the site's companies, as `§ 5 DDG`; empty if none
	applies.
	"""
	here = countries()
	return ", ".join(paragraph for country, paragraph in IMPRINT.items() if country in here)


def has_gdpr() -> bool:
	"""Tell whether the GDPR applies to one of the site's companies by its seat."""
	return not EEA.isdisjoint(countries())
