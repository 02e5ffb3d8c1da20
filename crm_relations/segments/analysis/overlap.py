"""Count the members that segments have in common. One query for all segments together; writes nothing."""

from functools import reduce
from operator import add
from typing import Any

import frappe
from frappe import _
from frappe.query_builder.functions import Count, Max
from pypika.terms import Case

from crm_relations.segments import queries
from crm_relations.segments.description.builder_schema import MAX_SEGMENTS
from crm_relations.shared.refusals import refuse


def overlap(segments: list[str]) -> dict[str, Any]:
	"""Return `{"segments", "members", "both"}`: `both[i][k]` counts the relations in the i-th and the k-th
	segment.

	Members are those of the last refresh, and only relations that the session's user may read. Each is read
	once, with a number that has one bit per segment it is in, and the numbers are counted.

	:raises frappe.ValidationError: fewer than two segments, or more than `MAX_SEGMENTS`
	"""
	names = list(dict.fromkeys(segments))
	if not 2 <= len(names) <= MAX_SEGMENTS:
		refuse(_("Segments: choose between 2 and {0} different ones."), MAX_SEGMENTS)
	both = [[0] * len(names) for _one in names]
	for bits, count in _by_bits(names):
		held = [i for i in range(len(names)) if int(bits) >> i & 1]
		for i in held:
			for k in held:
				both[i][k] += count
	return {"segments": names, "members": [both[i][i] for i in range(len(names))], "both": both}


def _by_bits(names: list[str]) -> list[tuple[int, int]]:
	"""Yield (bits of the segments, relations that are in exactly these): at most 2 to the power of their
	number.
	"""
	relation, member = frappe.qb.DocType("Relation"), frappe.qb.DocType("Relation Segment Member")
	bits = reduce(
		add,
		(Max(Case().when(member.segment == name, 1 << i).else_(0)) for i, name in enumerate(names)),
	)
	each = (
		queries.readable(frappe.qb.from_(relation))
		.join(member)
		.on(member.relation == relation.name)
		.where(member.segment.isin(names) & member.left_on.isnull())
		.groupby(relation.name)
		.select(relation.name, bits.as_("bits"))
	).as_("each")
	return frappe.qb.from_(each).select(each.bits, Count("*")).groupby(each.bits).run()
