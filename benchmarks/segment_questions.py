"""Define ten questions to a market of relations (`segment_data.py`): each as a rule, and as the SQL of an
expert.

`count` counts, and `names` selects the names of the relations. `where` selects the matching rows of
`tabRelation` r in a form that stops early, for the first ten by name. All three give the result of the rule;
the benchmarks check it.
"""

from dataclasses import dataclass
from typing import Any

from frappe.utils import add_days, add_months, nowdate
from segment_data import CAMPAIGN, GROUPS, PROVINCES


@dataclass(frozen=True)
class Question:
	"""A question as a rule and as hand-written SQL; the SQL names the days of `days`."""

	key: str
	words: str
	rule: dict[str, Any]
	count: str
	names: str
	where: str


def days() -> dict[str, str]:
	"""Return the dates that the hand-written SQL names."""
	today = nowdate()
	return {
		"today": today,
		"tomorrow": str(add_days(today, 1)),
		"d90": str(add_days(today, -90)),
		"d365": str(add_days(today, -365)),
		"m12": str(add_months(today, -12)),
	}


def field(key: str, operator: str, value: Any = None) -> dict[str, Any]:
	return {"field": key, "operator": operator, **({} if value is None else {"value": value})}


def event(
	key: str, *where: dict[str, Any], measure: str = "count", operator: str = ">=", value: Any = 1
) -> dict[str, Any]:
	return {"event": key, "where": list(where), "measure": measure, "operator": operator, "value": value}


def all_of(*conditions: dict[str, Any]) -> dict[str, Any]:
	return {"version": 1, "all": list(conditions)}


def _column(key: str, words: str, rule: dict[str, Any], where: str) -> Question:
	"""Return a question to columns of Relation alone."""
	return Question(
		key,
		words,
		rule,
		f"SELECT COUNT(*) FROM `tabRelation` r WHERE {where}",
		f"SELECT r.name FROM `tabRelation` r WHERE {where}",
		where,
	)


def _owners(
	key: str, words: str, rule: dict[str, Any], owner: str, rest: str, where: str, having: str = ""
) -> Question:
	"""Return a question to rows of relations: the owners of such a row or, with `having`, of several."""
	names = f"SELECT {owner} AS name {rest} GROUP BY {owner} {having}"
	count = (
		f"SELECT COUNT(DISTINCT {owner}) {rest}" if not having else f"SELECT COUNT(*) FROM ({names}) found"
	)
	return Question(key, words, rule, count, names.replace(" AS name", ""), where)


def _names(top: str, *below: str) -> str:
	"""Return a node of a tree and those below it, written out: faster than a sub-query, by hand as well."""
	return "({})".format(", ".join(f"'{name}'" for name in (top, *below)))


_REGION = _names("BS Region 2", *(f"BS Province 2-{number}" for number in range(PROVINCES)))
_DIVISION = _names("BS Division 1", *(f"BS Group {number}" for number in range(GROUPS, 2 * GROUPS)))
_OTHER_DIVISION = _names("BS Division 3", *(f"BS Group {number}" for number in range(3 * GROUPS, 4 * GROUPS)))

_PARTY = "`tabRelation Party` p"
_IS_CUSTOMER = "p.parenttype = 'Relation' AND p.party_type = 'Customer'"
_SOLD = """si.docstatus = 1 AND COALESCE(si.is_opening, '') <> 'Yes'
	AND COALESCE(si.represents_company, '') <> si.company"""
_SALE = f"{_SOLD} AND si.is_return = 0 AND si.is_debit_note = 0"
_INVOICES = f"{_PARTY} JOIN `tabSales Invoice` si ON si.customer = p.party"
_LINES = f"{_INVOICES} JOIN `tabSales Invoice Item` sii ON sii.parent = si.name"


def _buyers(*conditions: str) -> str:
	"""Return FROM and WHERE of purchases, line by line."""
	return f"FROM {_LINES} WHERE {_IS_CUSTOMER} AND {_SALE} AND {' AND '.join(conditions)}"


def _bought(*conditions: str) -> str:
	"""Return the condition that relation r has bought."""
	return f"EXISTS (SELECT 1 {_buyers('p.parent = r.name', *conditions)})"


def _in(names: str, *, negated: bool = False) -> str:
	return f"r.name {'NOT ' if negated else ''}IN ({names})"


_REVENUE = f"""FROM {_INVOICES} WHERE {_IS_CUSTOMER} AND si.docstatus = 1
	AND si.posting_date > %(m12)s AND si.posting_date <= %(today)s"""
_LATELY = "si.posting_date BETWEEN %(d90)s AND %(today)s"
_THIS_YEAR = "si.posting_date BETWEEN %(d365)s AND %(today)s"
_IN_DIVISION = f"sii.item_group IN {_DIVISION}"
_IN_OTHER = f"sii.item_group IN {_OTHER_DIVISION}"
_CALLED = """FROM `tabRelation Interaction` i WHERE i.kind = 'Call' AND i.happened_on >= %(d365)s
	AND i.happened_on < %(tomorrow)s"""
_SENT = f"FROM `tabRelation Campaign Send` s WHERE s.campaign = '{CAMPAIGN}' AND s.state IN ('Sent', 'Done')"
_CLICKED = f"""FROM `tabRelation Campaign Response` a WHERE a.campaign = '{CAMPAIGN}' AND a.response_type = 'Click'
	AND a.bot = 0"""
_PERSON_WITH_MAIL = "r.relation_kind = 'Person' AND r.email_id <> '' AND r.disabled = 0"
_WITHIN_REGION = f"r.territory IN {_REGION}"
_BRAND = "sii.brand = 'BS Brand 7'"

_Q6_BUYERS = f"SELECT p.parent {_buyers(_LATELY, _IN_DIVISION)}"
_Q7_BUYERS = f"SELECT p.parent {_buyers(_IN_DIVISION)}"
_Q7_LATELY = f"SELECT p.parent {_buyers(_THIS_YEAR, _IN_DIVISION)}"
_Q9_CALLED = f"SELECT i.relation {_CALLED} AND i.relation IS NOT NULL"
_Q9 = f"""r.name IN (SELECT s.relation {_SENT}) AND r.name NOT IN (SELECT a.relation {_CLICKED} AND a.relation IS NOT NULL)
	AND r.name IN ({_Q9_CALLED})"""
_Q10 = f"""r.disabled = 0 AND (
	(r.relation_kind = 'Person' AND r.email_id <> '' AND NOT (r.country = 'Austria' AND r.country IS NOT NULL))
	OR (r.employees >= 50 AND (r.industry IN ('BS Industry 1', 'BS Industry 2', 'BS Industry 3')
		OR {_WITHIN_REGION})))
	AND ({_in(_Q6_BUYERS)} OR {_in(f"SELECT p.parent {_buyers(_THIS_YEAR, _BRAND)}")})
	AND {_in(f"SELECT p.parent {_buyers(_LATELY, _IN_OTHER)}", negated=True)}"""

QUESTIONS = (
	_column(
		"attribute",
		"industry is one of 20",
		all_of(field("industry", "=", "BS Industry 3")),
		"r.industry = 'BS Industry 3'",
	),
	_column(
		"tree",
		"persons with e-mail, not disabled, in a region of four provinces",
		all_of(
			field("territory", "within", "BS Region 2"),
			field("kind", "=", "Person"),
			field("has_email", "=", True),
			field("disabled", "=", False),
		),
		f"{_WITHIN_REGION} AND {_PERSON_WITH_MAIL}",
	),
	_column(
		"role",
		"holds the role Customer, stage since a year, no employees known",
		all_of(
			field("role", "=", "Customer"),
			field("stage_since", "last days", 365),
			field("employees", "is empty"),
		),
		"""r.stage_since BETWEEN %(d365)s AND %(today)s AND (r.employees = 0 OR r.employees IS NULL) AND r.name IN (
		SELECT h.parent FROM `tabRelation Role` h
		WHERE h.role = 'Customer' AND h.until IS NULL AND h.parenttype = 'Relation' AND h.parent IS NOT NULL)""",
	),
	_column(
		"facts",
		"revenue in all from 20,000 and five orders and more, as facts, in a region",
		all_of(
			field("revenue_total", ">=", 20000),
			field("orders", ">=", 5),
			field("territory", "within", "BS Region 2"),
		),
		f"""{_WITHIN_REGION} AND r.name IN (SELECT f.relation FROM `tabRelation Facts` f WHERE f.revenue_total >= 20000)
		AND r.name IN (SELECT f.relation FROM `tabRelation Facts` f WHERE f.orders >= 5)""",
	),
	_owners(
		"revenue",
		"revenue of the last 12 months from 5,000, added up from the invoices",
		all_of(field("revenue_12_months", ">=", 5000)),
		"p.parent",
		_REVENUE,
		f"(SELECT SUM(si.base_net_total) {_REVENUE} AND p.parent = r.name) >= 5000",
		"HAVING SUM(si.base_net_total) >= 5000",
	),
	_owners(
		"bought",
		"bought in an item division within 90 days",
		all_of(
			event("bought", field("date", "last days", 90), field("item_group", "within", "BS Division 1"))
		),
		"p.parent",
		_buyers(_LATELY, _IN_DIVISION),
		_bought(_LATELY, _IN_DIVISION),
	),
	Question(
		"not for a year",
		"bought in an item division, but not for a year",
		all_of(
			event("bought", field("item_group", "within", "BS Division 1")),
			event(
				"bought",
				field("date", "last days", 365),
				field("item_group", "within", "BS Division 1"),
				operator="=",
				value=0,
			),
		),
		f"""SELECT COUNT(*) FROM (SELECT p.parent {_buyers(_IN_DIVISION)} GROUP BY p.parent
			HAVING SUM({_THIS_YEAR}) = 0) found""",
		f"SELECT p.parent {_buyers(_IN_DIVISION)} GROUP BY p.parent HAVING SUM({_THIS_YEAR}) = 0",
		f"{_bought(_IN_DIVISION)} AND NOT {_bought(_THIS_YEAR, _IN_DIVISION)}",
	),
	_owners(
		"amount",
		"bought a brand for 500 and more within a year",
		all_of(
			event(
				"bought",
				field("date", "last days", 365),
				field("brand", "=", "BS Brand 7"),
				measure="amount",
				operator=">=",
				value=500,
			)
		),
		"p.parent",
		f"FROM {_LINES} WHERE {_IS_CUSTOMER} AND {_SOLD} AND {_THIS_YEAR} AND {_BRAND}",
		f"""(SELECT SUM(sii.base_net_amount) FROM {_LINES} WHERE p.parent = r.name AND {_IS_CUSTOMER} AND {_SOLD}
			AND {_THIS_YEAR} AND {_BRAND}) >= 500""",
		"HAVING SUM(sii.base_net_amount) >= 500",
	),
	_column(
		"campaign",
		"was sent a campaign, did not click, was called within a year",
		all_of(
			event("was_sent", field("campaign", "=", CAMPAIGN)),
			event("clicked", field("campaign", "=", CAMPAIGN), operator="=", value=0),
			event("called", field("date", "last days", 365)),
		),
		_Q9,
	),
	_column(
		"six groups",
		"six nested groups: kind, e-mail, country, employees, industry or region, two purchases, one that is not",
		{
			"version": 1,
			"all": [
				field("disabled", "=", False),
				{
					"any": [
						{
							"all": [
								field("kind", "=", "Person"),
								field("has_email", "=", True),
								{"none": [field("country", "=", "Austria")]},
							]
						},
						{
							"all": [
								field("employees", ">=", 50),
								{
									"any": [
										field(
											"industry",
											"in",
											["BS Industry 1", "BS Industry 2", "BS Industry 3"],
										),
										field("territory", "within", "BS Region 2"),
									]
								},
							]
						},
					]
				},
				{
					"any": [
						event(
							"bought",
							field("date", "last days", 90),
							field("item_group", "within", "BS Division 1"),
						),
						event("bought", field("date", "last days", 365), field("brand", "=", "BS Brand 7")),
					]
				},
				{
					"none": [
						event(
							"bought",
							field("date", "last days", 90),
							field("item_group", "within", "BS Division 3"),
						)
					]
				},
			],
		},
		_Q10,
	),
)
