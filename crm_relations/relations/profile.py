"""The profile of a relation: what a form or an import may put into it. Writes nothing."""

import frappe
from frappe import _
from frappe.model.document import Document

#: field of Relation → attribute of its options
OPTION_FIELDS = {
	"age_group": "Age Group",
	"income_group": "Income Group",
	"buying_behaviour": "Buying Behaviour",
	"education": "Education",
	"risk_attitude": "Risk Attitude",
	"market_orientation": "Market Orientation",
}


def check_options(doc: Document) -> None:
	"""An option must belong to the attribute of its field.

	:raises frappe.ValidationError: names the field and the attribute that the option belongs to
	"""
	chosen = {
		field: doc.get(field) for field in OPTION_FIELDS if doc.get(field) and doc.has_value_changed(field)
	}
	if not chosen:
		return
	attributes = dict(
		frappe.get_all(
			"Relation Profile Option",
			filters={"name": ["in", list(chosen.values())]},
			fields=["name", "attribute"],
			order_by="name asc",
			as_list=True,
		)
	)
	for field, option in chosen.items():
		found = attributes.get(option)
		if found and found != OPTION_FIELDS[field]:
			frappe.throw(
				_("{0}: {1} is an option of {2}. Choose an option of {3}.").format(
					_(doc.meta.get_label(field)), option, _(found), _(OPTION_FIELDS[field])
				)
			)


def check_employees(doc: Document) -> None:
	"""A number of employees or a revenue below zero is a slip of the pen."""
	for field in ("employees", "annual_revenue"):
		if (doc.get(field) or 0) < 0:
			frappe.throw(_("{0} cannot be less than 0.").format(_(doc.meta.get_label(field))))
