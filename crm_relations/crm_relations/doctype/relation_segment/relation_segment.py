# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

import frappe
from frappe import _

from crm_relations.segments.compilation import compiler, selection
from crm_relations.segments import confidential, versions
from crm_relations.segments.members import dependencies, health, membership
from crm_relations.segments.description import describe_segment
from crm_relations.segments.language import rules
from crm_relations.shared.access.documents import RelationDocument
from crm_relations.shared.refusals import refuse


class RelationSegment(RelationDocument):
	"""A set of relations, defined by a rule or a manual list."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		from crm_relations.crm_relations.doctype.relation_segment_pin.relation_segment_pin import (
			RelationSegmentPin,
		)
		from crm_relations.crm_relations.doctype.relation_segment_suppression.relation_segment_suppression import (
			RelationSegmentSuppression,
		)

		description: DF.SmallText | None
		disabled: DF.Check
		refresh_fingerprint: DF.Data | None
		kind: DF.Literal["Dynamic", "Snapshot", "Manual"]
		last_duration: DF.Float
		last_refresh_kind: DF.Literal["", "All Relations", "Changed Relations", "List"]
		last_refreshed: DF.Datetime | None
		member_count: DF.Int
		pins: DF.Table[RelationSegmentPin]
		problem: DF.SmallText | None
		refresh_mode: DF.Literal["As Relations Change", "Daily", "By Hand"]
		rule: DF.JSON | None
		rule_version: DF.Int
		sample: DF.Literal["", "Random", "Top"]
		sample_by: DF.Autocomplete | None
		sample_seed: DF.Data | None
		sample_size: DF.Int
		segment_name: DF.Data
		state: DF.Literal["", "Ready", "Rule Broken"]
		suppressions: DF.Table[RelationSegmentSuppression]
	# end: auto-generated types

	@property
	def rule_in_words(self) -> str:
		return describe_segment.of_segment(self)

	def validate(self) -> None:
		self.normalise_rule()
		selection.check(self)
		dependencies.check_circle(self)
		self.follow_rule_health()
		self.count_rule_versions()

	def on_update(self) -> None:
		versions.keep(self)
		membership.follow_rule(self)

	def on_trash(self) -> None:
		membership.forget(self.name)
		versions.forget(self.name)

	def before_print(self, settings: dict | None = None) -> None:
		self.set("rule_in_words", self.rule_in_words)  # a print takes no computed fields by itself

	def normalise_rule(self) -> None:
		"""Check the rule and store its one normal form; a manual segment needs none."""
		if self.kind == "Manual" and not self.rule:
			return
		if not self.rule:
			frappe.throw(
				_("Rule: this kind of segment needs a rule. Add a condition, or choose the kind Manual.")
			)
		try:
			tree = compiler.parse(self.rule)
		except rules.RuleError as error:
			refuse(_("Rule: {0}"), error.message(_), title=_("The rule cannot be read"))
		self.rule = rules.serialise(tree)
		if self.has_value_changed("rule"):
			confidential.check_saved(tree)

	def follow_rule_health(self) -> None:
		health.follow_save(self)
		if not membership.follows_changes(self):
			self.refresh_fingerprint = None

	def count_rule_versions(self) -> None:
		before = self.get_doc_before_save()
		if self.rule and (not before or before.rule != self.rule):
			self.rule_version = (self.rule_version or 0) + 1
