"""Install and migrate with the same idempotent steps."""

import frappe
from frappe import _
from markupsafe import escape

from crm_relations.campaigns.transport import signed_links
from crm_relations.setup import assets, collisions, custom_fields, indexes, seed, shipped
from crm_relations.shared.refusals import refuse, refuse_all


def before_install() -> None:
	"""Refuse an install early and with a clear message if it would fail half-way or take over foreign
	objects.

	Writes nothing.

	:raises frappe.ValidationError: ERPNext is missing, or an object of the site has a name that the app needs
	"""
	if "erpnext" not in frappe.get_installed_apps():
		refuse(
			_("CRM Relations needs ERPNext on the site. Run: bench --site {0} install-app erpnext"),
			frappe.local.site,
		)
	if found := collisions.before_install():
		lines = [f"{number}. {each.message} {each.remedy}" for number, each in enumerate(found, start=1)]
		head = _("CRM Relations cannot be installed: the site has objects with names that the app needs.")
		refuse_all(map(escape, [head, *lines, _("Nothing was changed. Resolve them and install again.")]))


def after_install() -> None:
	set_up()


def after_migrate() -> None:
	set_up()


def set_up() -> None:
	"""Bring a site to the state that this version needs; change nothing if it is there already."""
	custom_fields.create()
	indexes.create()
	seed.seed()
	signed_links.create_secret()
	frappe.db.set_default(shipped.ROLES_KEY, "\n".join(shipped.ROLES))
	_restore_dimension()
	assets.ensure()


def _restore_dimension() -> None:
	"""Restore the fields of the dimension if it is switched on; ERPNext owns them."""
	from crm_relations.ledger import dimension

	dimension.ensure()
