"""Install and migrate: the same idempotent steps for both."""

import frappe
from frappe import _

from crm_relations.campaigns import links
from crm_relations.setup import custom_fields, indexes, seed
from crm_relations.shared.refusals import refuse


def before_install() -> None:
	"""Refuse early, in words, what would fail half-way."""
	if "erpnext" not in frappe.get_installed_apps():
		refuse(
			_("CRM Relations needs ERPNext on the site. Run: bench --site {0} install-app erpnext"),
			frappe.local.site,
		)


def after_install() -> None:
	set_up()


def after_migrate() -> None:
	set_up()


def set_up() -> None:
	"""Bring a site to the state that this version needs; changes nothing where that state is reached."""
	custom_fields.create()
	indexes.create()
	seed.seed()
	links.create_secret()
	_restore_dimension()


def _restore_dimension() -> None:
	"""The dimension's fields are ERPNext's to keep; make sure they are there where the switch is on."""
	from crm_relations.ledger import dimension

	dimension.ensure()
