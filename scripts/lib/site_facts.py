"""Prints what is true of a site, as words on one line: the installed apps, `setup_complete`, `company` (the
German company of the demo exists), `campaign` (there is at least one).

	cd BENCH/sites && ../env/bin/python site_facts.py SITE
"""

import sys

import frappe


def facts(site: str) -> list[str]:
	"""The words for a site.

	:raises Exception: the site or its database cannot be opened
	"""
	frappe.init(site=site, sites_path=".")
	frappe.connect()
	try:
		found = list(frappe.get_installed_apps())
		if frappe.is_setup_complete():
			found.append("setup_complete")
		if "crm_relations" in found:
			from crm_relations.demo.company import COMPANY

			if frappe.db.exists("Company", COMPANY):
				found.append("company")
			if frappe.db.count("Relation Campaign"):
				found.append("campaign")
		return found
	finally:
		frappe.destroy()


if __name__ == "__main__":
	print(*facts(sys.argv[1]))
