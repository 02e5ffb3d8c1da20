"""Register where Frappe and ERPNext call this app. Only live lines; at most one path per doctype and event."""

import json
from pathlib import Path

app_name = "crm_relations"
app_title = "CRM Relations"
app_publisher = "The crm_relations contributors"
app_description = (
	"Relationship management for ERPNext: from the contact over the campaign to the balance sheet"
)
app_email = "maintainers@crm-relations.example"
app_license = "GPL-3.0-or-later"
required_apps = ["frappe/erpnext"]

# No app_logo_url: with a third one, version 15 shows Frappe's logo on the whole site instead of ERPNext's.
# Version 16 takes an app's logo from here.
add_to_apps_screen = [
	{
		"name": "crm_relations",
		"logo": "/assets/crm_relations/images/crm_relations.svg",
		"title": "CRM Relations",
		"route": "/app/crm-relations",
		"has_permission": "crm_relations.setup.apps_screen.may_open",
	}
]

before_install = "crm_relations.setup.install.before_install"
after_install = "crm_relations.setup.install.after_install"
after_migrate = "crm_relations.setup.install.after_migrate"
before_uninstall = "crm_relations.setup.removal.uninstall.before_uninstall"
after_uninstall = "crm_relations.setup.removal.uninstall.after_uninstall"

# what each page of the desk loads, and the enumerations that its scripts read
app_include_js = "crm_relations_desk.bundle.js"
extend_bootinfo = "crm_relations.setup.desk.extend_bootinfo"

# Party documents: a relation is created from each, and follows it
_party_documents = ("Customer", "Supplier", "Employee", "Contact", "Lead", "Prospect")
_party_event = "crm_relations.doc_events.party_document."

doc_events = {
	"*": {
		"before_validate": "crm_relations.doc_events.any_document.before_validate",
	},
	**{
		doctype: {
			event: _party_event + event
			for event in (
				"on_update",
				"on_trash",
				"before_rename",
				"after_rename",
				*(["validate"] if doctype == "Lead" else []),
			)
		}
		for doctype in _party_documents
	},
	"Address": {
		"on_update": "crm_relations.doc_events.address.on_update",
		"on_trash": "crm_relations.doc_events.address.on_trash",
	},
	"Company": {
		"after_insert": "crm_relations.doc_events.company.after_insert",
		"on_trash": "crm_relations.doc_events.company.on_trash",
	},
	"Party Link": {
		"on_update": "crm_relations.doc_events.party_link.on_update",
	},
	"Opportunity": {
		"validate": "crm_relations.doc_events.opportunity.validate",
		"on_update": "crm_relations.doc_events.opportunity.on_update",
		"on_trash": "crm_relations.doc_events.opportunity.on_trash",
	},
	"Quotation": {
		"after_mapping": "crm_relations.doc_events.quotation.after_mapping",
		"validate": "crm_relations.doc_events.quotation.validate",
		"on_submit": "crm_relations.doc_events.quotation.on_submit",
		"on_update_after_submit": "crm_relations.doc_events.quotation.on_update_after_submit",
		"on_cancel": "crm_relations.doc_events.quotation.on_cancel",
	},
	"Sales Order": {
		"after_mapping": "crm_relations.doc_events.sales_order.after_mapping",
		"validate": "crm_relations.doc_events.sales_order.validate",
		"on_submit": "crm_relations.doc_events.sales_order.on_submit",
		"on_cancel": "crm_relations.doc_events.sales_order.on_cancel",
	},
	"Delivery Note": {
		"after_mapping": "crm_relations.doc_events.delivery_note.after_mapping",
		"validate": "crm_relations.doc_events.delivery_note.validate",
	},
	"Sales Invoice": {
		"after_mapping": "crm_relations.doc_events.sales_invoice.after_mapping",
		"validate": "crm_relations.doc_events.sales_invoice.validate",
		"on_submit": "crm_relations.doc_events.sales_invoice.on_submit",
		"on_update_after_submit": "crm_relations.doc_events.sales_invoice.on_update_after_submit",
		"on_cancel": "crm_relations.doc_events.sales_invoice.on_cancel",
	},
	"POS Invoice": {
		"after_mapping": "crm_relations.doc_events.pos_invoice.after_mapping",
		"validate": "crm_relations.doc_events.pos_invoice.validate",
	},
	"Payment Ledger Entry": {
		"on_submit": "crm_relations.doc_events.payment_ledger_entry.on_submit",
	},
	"Payment Entry": {
		"validate": "crm_relations.doc_events.payment_entry.validate",
		"on_submit": "crm_relations.doc_events.payment_entry.on_submit",
		"on_update_after_submit": "crm_relations.doc_events.payment_entry.on_update_after_submit",
		"on_cancel": "crm_relations.doc_events.payment_entry.on_cancel",
	},
	"Unreconcile Payment": {
		"on_submit": "crm_relations.doc_events.unreconcile_payment.on_submit",
	},
	"Journal Entry": {
		"validate": "crm_relations.doc_events.journal_entry.validate",
		"on_submit": "crm_relations.doc_events.journal_entry.on_submit",
		"on_update_after_submit": "crm_relations.doc_events.journal_entry.on_update_after_submit",
		"on_cancel": "crm_relations.doc_events.journal_entry.on_cancel",
	},
	"Call Log": {
		"on_update": "crm_relations.doc_events.call_log.on_update",
	},
	"Email Unsubscribe": {
		"on_update": "crm_relations.doc_events.email_unsubscribe.on_update",
	},
	"Communication": {
		"after_insert": "crm_relations.doc_events.communication.after_insert",
	},
	"ToDo": {
		"on_trash": "crm_relations.doc_events.todo.on_trash",
	},
	"Version": {
		"before_insert": "crm_relations.doc_events.version.before_insert",
	},
	"Relation": {
		"on_update": "crm_relations.doc_events.relation.on_update",
		"on_trash": "crm_relations.doc_events.relation.on_trash",
		"after_fold": "crm_relations.doc_events.relation.after_fold",
	},
	"Relation Link": {
		"on_update": "crm_relations.doc_events.relation_link.on_update",
		"on_trash": "crm_relations.doc_events.relation_link.on_trash",
	},
	"Relation Consent": {
		"after_insert": "crm_relations.doc_events.relation_consent.after_insert",
	},
	"Relation Interaction": {
		"on_update": "crm_relations.doc_events.relation_interaction.on_update",
		"on_trash": "crm_relations.doc_events.relation_interaction.on_trash",
	},
	"Relation Campaign": {
		"on_change": "crm_relations.doc_events.relation_campaign.on_change",
		"after_rename": "crm_relations.doc_events.relation_campaign.after_rename",
		"on_trash": "crm_relations.doc_events.relation_campaign.on_trash",
	},
	"Relation Qualification Scheme": {
		"on_update": "crm_relations.doc_events.relation_qualification_scheme.on_update",
	},
	"Relation Campaign Response": {
		"after_insert": "crm_relations.doc_events.relation_campaign_response.after_insert",
	},
}

# External texts in our own documents: Frappe does not clean a text that happens to be JSON
_own_doctypes = [
	json.loads(path.read_text(encoding="utf-8"))["name"]
	for path in sorted((Path(__file__).parent / "crm_relations" / "doctype").glob("*/*.json"))
]
for _doctype in _own_doctypes:
	doc_events.setdefault(_doctype, {})["before_save"] = "crm_relations.doc_events.own_document.before_save"

# Hooks for other apps, which add to these lists: docs/developer/hooks.md has signatures and examples.

# The doctypes that are party documents, and the documents that prove their roles
relation_sources = [
	"crm_relations.relations.party_documents.sources.SOURCES",
	"crm_relations.pipeline.erpnext_crm.sources.SOURCES",
]

# What the timeline of a relation shows
relation_timeline_sources = [
	"crm_relations.interactions.timeline_sources.SOURCES",
	"crm_relations.pipeline.erpnext_crm.timeline.SOURCES",
]

# What the figures of a relation are computed from
relation_fact_sources = [
	"crm_relations.relations.facts.sales_sources.SOURCES",
	"crm_relations.campaigns.fact_sources.SOURCES",
	"crm_relations.interactions.fact_sources.SOURCES",
	"crm_relations.pipeline.erpnext_crm.fact_sources.SOURCES",
]

# Fields and events of segment rules, in addition to those that segments declare themselves
relation_segment_fields = [
	"crm_relations.campaigns.segment_fields.FIELDS",
	"crm_relations.interactions.segment_fields.FIELDS",
	"crm_relations.pipeline.erpnext_crm.segment_fields.FIELDS",
	"crm_relations.pipeline.erpnext_crm.segment_fields.custom_fields",
]

# The next actions for a relation in a role; the role type's playbook decides which of them are shown
relation_actions = [
	"crm_relations.pipeline.erpnext_crm.actions.ACTIONS",
	"crm_relations.campaigns.actions.ACTIONS",
	"crm_relations.relations.actions.ACTIONS",
	"crm_relations.interactions.actions.ACTIONS",
]

# Called with the names of relations that changed, and without arguments if all may have changed
relation_changes = [
	"crm_relations.segments.members.queue.add",
	"crm_relations.campaigns.planning.recipients.follow",
]
all_relations_changed = ["crm_relations.segments.members.queue.add_everything"]
# Asked for relations that changed since a moment, if too many rows are written at once to announce them
relation_changes_since = ["crm_relations.campaigns.recent_changes.since"]

# The documents of the document flow, and how a later one names an earlier one
relation_flow_nodes = [
	"crm_relations.pipeline.document_flow.nodes.STATIONS",
	"crm_relations.pipeline.erpnext_crm.document_flow.STATIONS",
	"crm_relations.ledger.reports.document_flow.STATIONS",
]

# Email addresses that have unsubscribed elsewhere, and where they are stored
relation_email_suppressions = ["crm_relations.pipeline.erpnext_crm.suppression.unsubscribed_leads"]
relation_email_fields = ["crm_relations.pipeline.erpnext_crm.suppression.EMAIL_FIELDS"]

# Called with the opt-outs that an imported file brings from another system
relation_import_objections = ["crm_relations.campaigns.consents.imported.record"]

scheduler_events = {
	"all": [
		"crm_relations.campaigns.planning.schedule.run",
		"crm_relations.relations.facts.jobs.refresh_changed",
		"crm_relations.ledger.attributions.attribution.attribute_waiting",
		"crm_relations.segments.members.jobs.take_changes",
	],
	"hourly": [
		"crm_relations.campaigns.consents.opt_in.process_pending",
		"crm_relations.campaigns.planning.schedule.re_enroll",
		"crm_relations.shared.side_effects.retry_deferred",
		"crm_relations.relations.roles_and_stages.playbook.start_planned",
	],
	"daily_long": [
		"crm_relations.relations.duplicates.index.catch_up",
		"crm_relations.campaigns.consents.address_variants.learn",
		"crm_relations.relations.roles_and_stages.roles.refresh_all",
		"crm_relations.relations.facts.jobs.refresh_stale",
		"crm_relations.relations.roles_and_stages.playbook.enter_dated",
		"crm_relations.relations.profiles.completeness.recompute_all",
		"crm_relations.relations.exchange.exporting.delete_old_files",
		"crm_relations.campaigns.sends.campaign_files.delete_old",
		"crm_relations.segments.members.jobs.refresh_daily",
	],
	"weekly_long": ["crm_relations.relations.merging.api.search_weekly"],
}

# the image with which opens are measured
page_renderer = ["crm_relations.campaigns.incoming.open_pixel.Pixel"]

website_route_rules = [
	{"from_route": "/rc/<token>", "to_route": "rc"},
	{"from_route": "/ro/<token>", "to_route": "ro"},
	{"from_route": "/rp/<token>", "to_route": "rp"},
	{"from_route": "/ru/<token>", "to_route": "ru"},
]

# Results of our reports that Frappe stores or sends are only for the user on behalf of which they were
# made
override_doctype_class = {
	"Prepared Report": "crm_relations.shared.access.stored_reports.StoredReport",
	"Auto Email Report": "crm_relations.shared.access.stored_reports.MailedReport",
}

# Requests of the desk that Frappe answers without checking the permissions on rows
override_whitelisted_methods = {
	f"frappe.{path}": f"crm_relations.relations.desk_requests.api.{ours}"
	for path, ours in {
		"desk.doctype.dashboard_chart.dashboard_chart.get": "chart_data",
		"desk.doctype.tag.tag.get_tagged_docs": "tagged_documents",
		"desk.form.load.getdoc": "open_document",
		"desk.form.utils.get_next": "next_document",
		"desk.listview.get_group_by_count": "group_by_count",
		"desk.search.get_link_title": "link_title",
		"utils.global_search.search": "search_everywhere",
	}.items()
}

standard_queries = {"Relation Profile Option": "crm_relations.relations.api.profile_options"}

_chain = "public/js/desk_scripts/process_chain.js"
_party = "public/js/desk_scripts/party.js"

doctype_js = {
	**dict.fromkeys(_party_documents, _party),
	"Lead": [_party, _chain],
	"Prospect": [_party, _chain],
	**dict.fromkeys(["Opportunity", "Quotation", "Sales Order", "Delivery Note", "POS Invoice"], _chain),
	**dict.fromkeys(["Subscription", "Payment Entry", "Journal Entry"], _chain),
	**dict.fromkeys(["Relation Campaign", "Relation Campaign Response", "Relation Handover"], _chain),
	"Sales Invoice": ["public/js/desk_scripts/sales_invoice.js", _chain],
}

# segments in lists: narrow a list to a segment, and make a segment of the rows of a list
_list = "public/js/desk_scripts/list.js"
doctype_list_js = {
	**dict.fromkeys([*_party_documents, "Sales Invoice", "Sales Order", "Delivery Note", "Item"], _list),
	"Relation": _list,
}

# Doctypes of ours that link to a relation, or name any document: their rows are readable only if these are.
# A test compares the list with the doctypes.
_of_relations = [
	"Relation Attribution",
	"Relation Campaign Member",
	"Relation Campaign Response",
	"Relation Campaign Send",
	"Relation Consent",
	"Relation Contact Facts",
	"Relation Deferred Step",
	"Relation Duplicate",
	"Relation Facts",
	"Relation Facts Item Group",
	"Relation Handover",
	"Relation Import Record",
	"Relation Interaction",
	"Relation Link",
	"Relation Merge",
	"Relation Opt-in Request",
	"Relation Mail Review",
	"Relation Profile Change",
	"Relation Segment Member",
	"Relation Stage Log",
	"Relation Started Activity",
]
# Child tables. Version 15 lists their rows without a look at the parent.
_parts_of_relations = ["Relation Contact Point", "Relation Party", "Relation Role", "Relation Segment Pin"]
# Frappe's tags, comments and messages: narrowed if they belong to a relation or to a row of one
_logs = ["Comment", "Communication", "Tag Link"]
_of_relation = "crm_relations.relations.permissions.condition"
_of_linked = "crm_relations.relations.permissions.condition_of_linked"
_of_segment_list = "crm_relations.segments.lists.narrowing.condition"
# Rows with addresses that have no relation
_addresses = ["Relation Mail Address", "Relation Mail Spelling"]
_of_amounts = "crm_relations.relations.facts.permissions.condition"

permission_query_conditions = {
	**dict.fromkeys([*_of_relations, *_parts_of_relations, *_logs], _of_relation),
	**dict.fromkeys([*_party_documents, "Sales Invoice", "Sales Order", "Delivery Note"], _of_segment_list),
	"Relation": [_of_relation, _of_segment_list],
	# documents with our field `relation`, and the segment with its pins: only if fields of the relation are
	# asked for
	**{
		doctype: [_of_segment_list, _of_linked]
		for doctype in ("Lead", "Sales Invoice", "Sales Order", "Delivery Note")
	},
	**dict.fromkeys(
		["Opportunity", "Quotation", "POS Invoice", "Payment Entry", "Relation Segment"], _of_linked
	),
	"Relation Campaign File": "crm_relations.campaigns.sends.campaign_files.condition",
	# Amounts are only for users that may read the invoices they come from
	"Relation Attribution": [_of_relation, "crm_relations.ledger.permissions.condition"],
	**dict.fromkeys(_addresses, "crm_relations.relations.permissions.condition_of_addresses"),
	"Prepared Report": "crm_relations.shared.access.stored_reports.condition",
	"Relation Facts": [_of_relation, _of_amounts],
	"Relation Facts Item Group": [_of_relation, _of_amounts],
}
# one path per doctype: version 15 asks only the last
has_permission = {
	**dict.fromkeys(
		["Relation", "Comment", "Tag Link", *_of_relations], "crm_relations.relations.permissions.may_read"
	),
	"Relation Attribution": "crm_relations.ledger.permissions.may_read",
	**dict.fromkeys(_addresses, "crm_relations.relations.permissions.may_read_address"),
	"Prepared Report": "crm_relations.shared.access.stored_reports.may_read",
	"Relation Campaign File": "crm_relations.campaigns.sends.campaign_files.may_read",
	**dict.fromkeys(
		["Relation Facts", "Relation Facts Item Group"], "crm_relations.relations.facts.permissions.may_read"
	),
}

# A Transaction Deletion Record empties the tables that name its company by SQL. These are not transactions,
# and others depend on them: members, messages and their unsubscribe links on a campaign. Attribution and
# figures are deleted with their vouchers.
company_data_to_be_ignored = ["Relation Campaign", "Relation Attribution Rule"]

# Logs of ours that refer to ERPNext's documents must not prevent their deletion or cancellation
ignore_links_on_delete = [
	"Relation Attribution",
	"Relation Import Record",
	"Relation Deferred Step",
	"Relation Campaign Response",
	"Relation Campaign Send",
	"Relation Opt-in Request",
	"Relation Mail Review",
	"Relation Interaction",
	"Relation Handover",
	"Relation",
	"Relation Party",
	"Relation Role",
	"Relation Facts",
	"Relation Facts Item Group",
	"Relation Facts Classes",
	"Relation Contact Facts",
	"Relation Stage Log",
	"Relation Started Activity",
	"Relation Duplicate",
	"Relation Merge",
	"Relation Profile Change",
]
auto_cancel_exempted_doctypes = ["Relation Attribution"]

fixtures = [
	{
		"dt": "Role",
		"filters": [["name", "in", ["Relation Manager", "Relation User", "Relation Confidential"]]],
	}
]
