"""Describe the entries of the timeline: label and icon of each kind, the filters, the meaning of each status.

Writes nothing. The browser gets it with the data of the desk's start (`setup.desk`).
"""

from typing import Any

from frappe import _, _lt

from crm_relations.interactions.timeline import GROUPS, Group

#: kind → label and icon; the icons are in the sets of versions 15 and 16
KINDS = {
	"Call": (_lt("Call"), "call"),
	"Letter": (_lt("Letter"), "edit"),
	"Meeting": (_lt("Meeting"), "users"),
	"Visit": (_lt("Visit"), "users"),
	"Complaint": (_lt("Complaint"), "support"),
	"Wish": (_lt("Wish"), "heart"),
	"Observation": (_lt("Observation"), "view"),
	"Email": (_lt("Email"), "mail"),
	"Telephone": (_lt("Telephone Call"), "call"),
	"Task": (_lt("Task"), "today"),
	"Campaign": (_lt("Campaign"), "share"),
	"Response": (_lt("Response"), "reply"),
	"Handover": (_lt("Handover"), "assign"),
	"File": (_lt("File"), "attachment"),
	"Contract": (_lt("Contract"), "file"),
	"Opportunity": (_lt("Opportunity"), "crm"),
	"Quotation": (_lt("Quotation"), "file"),
	"Order": (_lt("Order"), "sell"),
	"Delivery": (_lt("Delivery"), "stock"),
	"Invoice": (_lt("Invoice"), "accounting"),
	"Payment": (_lt("Payment"), "income"),
}
_GROUP_LABELS: dict[Group, Any] = {
	"contacts": _lt("Contacts"),
	"documents": _lt("Documents"),
	"money": _lt("Money"),
}
#: the states of all documents of a timeline, ERPNext's included, that are good or bad news
_GOOD = (
	"Paid",
	"Completed",
	"Successful",
	"Solved",
	"Accepted",
	"Interested",
	"Submitted",
	"Closed",
)
_BAD = (
	"Overdue",
	"Cancelled",
	"Lost",
	"Refused",
	"Returned",
	"Error",
	"Expired",
	"Not Interested",
)
STATUS_COLORS = {**dict.fromkeys(_GOOD, "green"), **dict.fromkeys(_BAD, "red")}


def legend() -> dict[str, Any]:
	"""Return `{"groups": [{value, label}], "kinds": {kind: {label, icon}}, "colors": {status: color}}`."""
	return {
		"groups": [
			{"value": "", "label": _("All")},
			*({"value": group, "label": str(_GROUP_LABELS[group])} for group in GROUPS),
		],
		"kinds": {kind: {"label": str(label), "icon": icon} for kind, (label, icon) in KINDS.items()},
		"colors": STATUS_COLORS,
	}
