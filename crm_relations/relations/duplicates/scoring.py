"""Score how likely two relations are one: a weight for each agreement or difference, with its reason.

Imports no frappe. Method: I. P. Fellegi, A. B. Sunter, A Theory for Record Linkage, Journal of the American
Statistical Association 64 (1969), 1183-1210. For every comparison and level there are two probabilities: `m`,
that the same party shows this level in two records (typing errors, moves, marriages), and `u`, that two
different parties show it. The weight is log2(m / u). The sum of the weights and of the prior is the log2 of
the odds. Similarity of words: Jaro-Winkler (W. E. Winkler 1990) and the number of typing errors (optimal
string alignment), by rapidfuzz. What is unknown on one side weighs nothing.

There is one fixed configuration, the numbers below. `m` are error rates of hand-typed addresses. `u` are
chance agreements in a German register (Müller is one in a hundred; 8,200 postcodes; 60 years of births).
"""

from collections.abc import Callable
from math import log2
from typing import NamedTuple

from rapidfuzz.distance import OSA, JaroWinkler

from crm_relations.relations.duplicates.records import Record

#: log2 of the odds that two relations with a common key are one, before anything is compared
PRIOR = -9.0
#: from this probability on, a pair is a candidate
THRESHOLD = 0.5


class Level(NamedTuple):
	"""One outcome of a comparison; `reason` is a constant that the desk translates."""

	reason: str
	m: float
	u: float

	@property
	def weight(self) -> float:
		return log2(self.m / self.u)


LEVELS = {
	"last_same": Level("Last name is the same", 0.75, 0.004),
	"last_alike": Level("Last name is alike", 0.15, 0.004),
	"last_differs": Level("Last name differs", 0.08, 0.98),
	"first_same": Level("First name is the same", 0.75, 0.014),
	"first_alike": Level("First name is alike", 0.15, 0.01),
	"first_initial": Level("First name begins alike", 0.05, 0.05),
	"first_differs": Level("First name differs", 0.08, 0.93),
	"first_unknown": Level("First name is known of one only", 0.05, 0.8),
	"birth_same": Level("Date of birth is the same", 0.85, 0.0001),
	"birth_alike": Level("Date of birth differs in one place", 0.06, 0.004),
	"birth_differs": Level("Date of birth differs", 0.09, 0.996),
	"name_same": Level("Name of several words is the same", 0.65, 0.00005),
	"name_same_short": Level("Name of one word is the same", 0.65, 0.0005),
	"name_alike": Level("Name is alike", 0.2, 0.002),
	"name_contained": Level("One name is contained in the other", 0.1, 0.004),
	"name_differs": Level("Name differs", 0.05, 0.99),
	"form_same": Level("Legal form is the same", 0.8, 0.5),
	"form_differs": Level("Legal form differs", 0.1, 0.5),
	"email_same": Level("Email address is the same", 0.6, 0.00001),
	"email_alike": Level("Email address is alike", 0.08, 0.06),
	"email_differs": Level("Email address differs", 0.32, 0.99),
	"phone_same": Level("Telephone number is the same", 0.6, 0.0001),
	"phone_differs": Level("Telephone number differs", 0.4, 0.99),
	"tax_same": Level("Tax number is the same", 0.95, 0.00001),
	"tax_differs": Level("Tax number differs", 0.05, 0.99),
	"domain_same": Level("Web domain is the same", 0.8, 0.001),
	"domain_differs": Level("Web domain differs", 0.2, 0.99),
	"street_same": Level("Street is the same", 0.75, 0.002),
	"street_alike": Level("Street is alike", 0.1, 0.004),
	"street_differs": Level("Street differs", 0.15, 0.98),
	"number_same": Level("House number is the same", 0.85, 0.05),
	"number_differs": Level("House number differs", 0.15, 0.95),
	"pincode_same": Level("Postcode is the same", 0.85, 0.001),
	"pincode_alike": Level("Postcode differs in one place", 0.08, 0.006),
	"pincode_differs": Level("Postcode differs", 0.07, 0.99),
	"city_same": Level("City is the same", 0.85, 0.05),
	"city_differs": Level("City differs", 0.15, 0.95),
	"address_differs": Level("Address is another one", 0.015, 0.97),
	"names_only": Level("Nothing but the names agrees", 0.03, 0.96),
	"area_only": Level("Different last names, and only the area agrees", 0.01, 0.95),
	"household": Level("Perhaps another person of the household", 0.1, 0.9),
	"neighbours": Level("Perhaps another company in the same house", 0.1, 0.9),
}
WEIGHTS = {name: level.weight for name, level in LEVELS.items()}

_jaro = JaroWinkler.similarity
_slips = OSA.distance


class Score(NamedTuple):
	#: 0 to 1
	probability: float
	#: names in LEVELS, in the order of the comparisons
	reasons: list[str]


def score(one: Record, other: Record) -> Score:
	"""Return the probability that the two are one, and why. Symmetric. A person and an organization are never
	one.
	"""
	if one.is_person != other.is_person:
		return Score(0.0, [])
	reasons = compare(one, other)
	return Score(probability(sum(map(WEIGHTS.__getitem__, reasons)) + PRIOR), reasons)


def is_hopeless(one: Record, other: Record) -> bool:
	"""Tell from two outlines that their relations cannot be candidates, whatever else is known about them.

	Holds for relations that share no email address, telephone number, tax number or web domain. For these,
	only a similar address still supports the pair. It also removes a deduction that is made for want of
	evidence.
	"""
	if one.is_person != other.is_person:
		return True
	known = sum(WEIGHTS[level] for level in compare(one, other) if level not in _FOR_WANT_OF_EVIDENCE)
	return probability(known + WEIGHTS["email_alike"] + PRIOR) < THRESHOLD


def probability(weight: float) -> float:
	"""Return the probability for log2 of the odds."""
	if weight > 60:
		return 1.0
	odds = float(2.0**weight)
	return odds / (1.0 + odds)


def compare(one: Record, other: Record) -> list[str]:
	"""Return the level of each comparison for which both sides have a value."""
	levels: list[str] = []
	add = levels.append
	if one.is_person:
		_persons(one, other, add)
	else:
		_organisations(one, other, add)
	if one.emails and other.emails:
		add(_email(one, other))
	if one.tax and other.tax:
		add("tax_same" if one.tax == other.tax else "tax_differs")
	known_apart = _OWN.isdisjoint(levels)
	if known_apart and one.is_person and _two_persons(levels):
		# what a household shares proves nothing if the first names differ: the rest is not compared
		return [level for level in levels if level != "last_same"] + ["household"]
	if one.phones and other.phones:
		add("phone_differs" if one.phones.isdisjoint(other.phones) else "phone_same")
	if known_apart and "name_differs" in levels:
		return [*levels, "neighbours"]  # nor a house between two names
	_places(one, other, add)
	if _another_address(levels):
		# a move changes the whole address: its parts are not separate evidence
		levels = [level for level in levels if level not in _OF_ADDRESS] + ["address_differs"]
	if _EVIDENCE.isdisjoint(levels):
		levels.append("names_only")  # there are many Peter Müller; a difference does not make them one
	elif _only_area_agrees(levels):
		levels.append("area_only")
	return levels


def _another_address(levels: list[str]) -> bool:
	"""Tell whether two of street, postcode and city differ, and the third does not agree.

	The postcodes of one town differ in one digit only: that is not a typing error if street and house number
	differ as well.
	"""
	differ = sum(level in levels for level in ("street_differs", "pincode_differs", "city_differs"))
	if differ >= 2:
		return _STREET.isdisjoint(levels)
	return differ == 1 and {"street_differs", "number_differs", "pincode_alike"}.issubset(levels)


def _only_area_agrees(levels: list[str]) -> bool:
	"""Tell whether persons with different last names share only the first name and the area they live in.

	A marriage changes the last name; an email address, telephone, tax number, date of birth or house still
	identifies the person.
	"""
	if "last_differs" not in levels:
		return False
	evidence = _EVIDENCE.intersection(levels) - _OF_AREA
	if "first_differs" in levels:
		evidence -= _BIRTH
	if "number_differs" in levels:
		evidence -= _STREET
	return not evidence


#: deductions that one more agreement removes
_FOR_WANT_OF_EVIDENCE = frozenset(("names_only", "area_only"))
#: agreements that do not occur between two members of a household or two companies in a house
_OWN = frozenset(("birth_same", "birth_alike", "email_same", "tax_same"))
_NAMES = frozenset(level for level in LEVELS if level.startswith(("first_", "last_", "name_", "form_")))
#: agreements beyond the names
_EVIDENCE = frozenset(level for level in LEVELS if level.endswith(("_same", "_alike"))) - _NAMES
_OF_AREA = frozenset(("pincode_same", "pincode_alike", "city_same", "number_same"))
_STREET = frozenset(("street_same", "street_alike"))
_BIRTH = frozenset(("birth_same", "birth_alike"))
_OF_ADDRESS = frozenset(
	[
		*("street_differs", "number_same", "number_differs"),
		*("pincode_differs", "pincode_alike", "city_same", "city_differs"),
	]
)


def _two_persons(levels: list[str]) -> bool:
	"""Tell whether the first names, or the rest if one is unknown, indicate two persons."""
	if "first_unknown" in levels:
		return not _AGAINST.isdisjoint(levels)
	return "first_differs" in levels


#: if the first name of one is unknown, each of these indicates two persons
_AGAINST = frozenset(("last_differs", "birth_differs", "email_differs"))

Add = Callable[[str], None]


def _persons(one: Record, other: Record, add: Add) -> None:
	first, last, first2, last2 = one.first, one.last, other.first, other.last
	crossed = False
	if last != last2 and first != first2:
		# one of them may have its names swapped; a name that both have is then the last name, because a
		# household shares the last name
		if first and first == last2:
			first, last, crossed = last, first, True
		elif (first2 and last == first2) or (first and first2 and _look_crossed(first, last, first2, last2)):
			first2, last2, crossed = last2, first2, True
	if last and last2:
		add(_names("last", last, last2))
	if first and first2:
		add(_names("first", first, first2))
	elif (first or first2) and not crossed:
		add("first_unknown")
	if one.birth and other.birth:
		add(_birth(one.birth, other.birth))


def _look_crossed(first: str, last: str, first2: str, last2: str) -> bool:
	crossed = _jaro(first, last2, score_cutoff=0.7) + _jaro(last, first2, score_cutoff=0.7)
	return bool(crossed > 0.9 and crossed > _jaro(first, first2) + _jaro(last, last2) + 0.3)


def _names(part: str, one: str, other: str) -> str:
	if one == other:
		return f"{part}_same"
	longer = max(len(one), len(other))
	if _slips(one, other, score_cutoff=2) <= (1 if longer < 8 else 2) or (
		longer >= 6 and _jaro(one, other, score_cutoff=0.92)
	):
		return f"{part}_alike" if longer > 2 else f"{part}_differs"
	if part == "first" and (len(one) == 1 or len(other) == 1) and one[0] == other[0]:
		return "first_initial"
	return f"{part}_differs"


def _birth(one: str, other: str) -> str:
	if one == other:
		return "birth_same"
	day_and_month_swapped = one[:4] == other[:4] and one[4:6] == other[6:] and one[6:] == other[4:6]
	if day_and_month_swapped or _slips(one, other, score_cutoff=1) <= 1:
		return "birth_alike"
	return "birth_differs"


def _organisations(one: Record, other: Record, add: Add) -> None:
	add(_organisation_names(one.words, other.words))
	if one.forms and other.forms:
		add("form_same" if one.forms == other.forms else "form_differs")
	if one.domain and other.domain:
		add("domain_same" if one.domain == other.domain else "domain_differs")


def _organisation_names(one: tuple[str, ...], other: tuple[str, ...]) -> str:
	joined, joined2 = "".join(one), "".join(other)
	if joined == joined2 or (len(one) == len(other) and sorted(one) == sorted(other)):
		return "name_same" if len(one) + len(other) > 2 else "name_same_short"
	if _jaro(joined, joined2, score_cutoff=0.93):
		return "name_alike"
	if len(one) > 1 and _jaro("".join(sorted(one)), "".join(sorted(other)), score_cutoff=0.93):
		return "name_alike"
	words, words2 = set(one), set(other)
	if (words <= words2 or words2 <= words) and min(len(joined), len(joined2)) > 3:
		return "name_contained"
	return "name_differs"


def _email(one: Record, other: Record) -> str:
	if not one.emails.isdisjoint(other.emails):
		return "email_same"
	if any(_emails_alike(address, address2) for address in one.emails for address2 in other.emails):
		return "email_alike"
	return "email_differs"


def _emails_alike(one: str, other: str) -> bool:
	"""Tell whether one address may be the other with a typing error; in a short one, two errors are another
	address.
	"""
	allowed = 1 if min(len(one), len(other)) < 16 else 2
	return bool(_slips(one, other, score_cutoff=allowed) <= allowed)


def _places(one: Record, other: Record, add: Add) -> None:
	if one.street and other.street:
		add(_street(one, other))
	if one.number and other.number:
		add("number_same" if one.number == other.number else "number_differs")
	if one.pincode and other.pincode:
		add(_pincode(one.pincode, other.pincode))
	if (
		one.city and other.city and (one.pincode != other.pincode or not one.pincode)
	):  # the postcode implies the city
		alike = one.city == other.city or _jaro(one.city, other.city, score_cutoff=0.88) > 0
		add("city_same" if alike else "city_differs")


def _street(one: Record, other: Record) -> str:
	if one.street == other.street:
		return "street_same"
	if _jaro(one.street, other.street, score_cutoff=0.9):
		return "street_alike"
	# the lines of the address in the other order
	if (one.extra and _jaro(one.extra, other.street, score_cutoff=0.9)) or (
		other.extra and _jaro(one.street, other.extra, score_cutoff=0.9)
	):
		return "street_alike"
	return "street_differs"


def _pincode(one: str, other: str) -> str:
	if one == other:
		return "pincode_same"
	if _slips(one, other, score_cutoff=1) <= 1:
		return "pincode_alike"
	return "pincode_differs"
