"""Which module writes which doctype: the only place that says so. Pure Python; writes nothing.

`tests/architecture/test_owners.py` reads every write from the source. It fails for a writer that is missing here, and for
an entry without a write. `make docs` makes the table of docs/developer/ownership.md from it. A module that needs a row of
another owner calls that owner.

Users write what the permissions of a doctype let them write, except fields that are `read_only`
(`shared/access/system_fields.py`). The demo writes as a user.
"""

#: doctype → the modules that write it, below crm_relations/
OWNERS: dict[str, tuple[str, ...]] = {
	# our doctypes
	"Relation": (
		"pipeline/importing/masters.py",
		"relations/creation/adoption.py",
		"relations/creation/merge.py",
		"relations/creation/preassign.py",
		"relations/exchange/page_writing.py",
		"relations/exchange/planning.py",
		"relations/identities/identity.py",
		"relations/merging/merging.py",
		"relations/profiles/completeness.py",
		"relations/roles_and_stages/stages.py",
		"setup/removal/restoring.py",
	),
	"Relation Account Pause": ("campaigns/transport/account_pauses.py",),
	"Relation Attribution": (
		"ledger/attributions/attribution.py",
		"ledger/attributions/queries.py",
	),
	"Relation Attribution Rule": ("ledger/attributions/attribution.py",),
	"Relation Blocking Key": ("relations/duplicates/index.py",),
	"Relation Campaign": ("campaigns/lifecycle.py",),
	"Relation Campaign File": ("campaigns/sends/campaign_files.py",),
	"Relation Campaign Member": (
		"campaigns/members/member_rows.py",
		"campaigns/members/member_status.py",
	),
	"Relation Campaign Response": ("campaigns/incoming/responses.py",),
	"Relation Campaign Send": ("campaigns/sends/store.py",),
	"Relation Campaign Step": ("campaigns/members/ab_test.py",),
	"Relation Completeness Field": ("setup/seed.py",),
	"Relation Consent": ("campaigns/consents/decisions.py",),
	"Relation Consent Purpose": ("setup/seed.py",),
	"Relation Contact Facts": (
		"relations/facts/build.py",
		"relations/facts/sql.py",
	),
	"Relation Contact Point": ("relations/exchange/page_writing.py",),
	"Relation Deferred Step": ("shared/side_effects.py",),
	"Relation Duplicate": ("relations/duplicates/pairs.py",),
	"Relation Duplicate Search": ("relations/duplicates/search.py",),
	"Relation Export": ("relations/exchange/exporting.py",),
	"Relation Facts": (
		"relations/facts/build.py",
		"relations/facts/classes.py",
		"relations/facts/sql.py",
	),
	"Relation Facts Classes": ("relations/facts/classes.py",),
	"Relation Facts Item Group": (
		"relations/facts/build.py",
		"relations/facts/sql.py",
	),
	"Relation Facts Queue": ("relations/facts/queue.py",),
	"Relation Handover": ("qualification/handover.py",),
	"Relation Import": ("relations/exchange/importing.py",),
	"Relation Import Record": (
		"pipeline/importing/records.py",
		"relations/exchange/importing.py",
	),
	"Relation Interaction": (
		"interactions/followups.py",
		"interactions/log.py",
	),
	"Relation Link": (
		"relations/creation/merge.py",
		"relations/exchange/page_writing.py",
		"relations/network/links.py",
	),
	"Relation Link Type": ("setup/seed.py",),
	"Relation Mail Address": ("campaigns/consents/deliverability.py",),
	"Relation Mail Review": ("campaigns/incoming/mail_reviews.py",),
	"Relation Mail Spelling": ("campaigns/consents/address_variants.py",),
	"Relation Merge": ("relations/merging/merging.py",),
	"Relation Opt-in Request": ("campaigns/consents/opt_in.py",),
	"Relation Party": (
		"relations/creation/adoption.py",
		"relations/creation/numbering.py",
		"relations/identities/identity.py",
	),
	"Relation Profile Attribute": ("setup/seed.py",),
	"Relation Profile Change": ("relations/profiles/history.py",),
	"Relation Profile Option": (
		"relations/profiles/attributes.py",
		"setup/seed.py",
	),
	"Relation Role": (
		"relations/creation/numbering.py",
		"relations/identities/identity.py",
		"relations/roles_and_stages/roles.py",
	),
	"Relation Role Type": ("setup/seed.py",),
	"Relation Segment": (
		"segments/lists/api.py",
		"segments/members/health.py",
		"segments/members/membership.py",
	),
	"Relation Segment Member": ("segments/members/membership.py",),
	"Relation Segment Queue": ("segments/members/queue.py",),
	"Relation Segment Rule": ("segments/versions.py",),
	"Relation Settings": (
		"setup/seed.py",
		"shared/live_site.py",
	),
	"Relation Stage Log": (
		"relations/roles_and_stages/stages.py",
		"setup/removal/restoring.py",
	),
	"Relation Started Activity": ("relations/roles_and_stages/playbook.py",),
	# documents of ERPNext and Frappe
	"Accounting Dimension": ("ledger/dimension.py",),
	"Accounting Dimension Detail": ("ledger/dimension.py",),
	"Campaign": ("pipeline/erpnext_crm/own_campaign.py",),
	"Communication": (
		"campaigns/content/composer.py",
		"campaigns/incoming/inbox.py",
		"campaigns/sends/store.py",
	),
	"Communication Link": (
		"campaigns/content/composer.py",
		"campaigns/sends/store.py",
	),
	"Custom Field": (
		"ledger/dimension.py",
		"relations/profiles/attributes.py",
		"setup/custom_fields.py",
	),
	"Customer": ("pipeline/importing/masters.py",),
	"DefaultValue": ("setup/removal/uninstall.py",),
	"File": (
		"campaigns/sends/campaign_files.py",
		"relations/exchange/exporting.py",
		"relations/exchange/importing.py",
		"setup/removal/uninstall.py",
	),
	"Fiscal Year": ("pipeline/importing/masters.py",),
	"Industry Type": ("pipeline/importing/masters.py",),
	"Item": ("pipeline/importing/masters.py",),
	"Item Group": ("pipeline/importing/masters.py",),
	"Item Price": ("pipeline/importing/masters.py",),
	"Journal Entry Account": ("pipeline/payment_allocation.py",),
	"Lead": (
		"pipeline/erpnext_crm/actions.py",
		"relations/creation/adoption.py",
		"relations/identities/identity.py",
	),
	"List View Settings": ("setup/removal/uninstall.py",),
	"Opportunity": (
		"pipeline/erpnext_crm/opportunities.py",
		"pipeline/importing/deals.py",
	),
	"Opportunity Lost Reason": ("pipeline/importing/masters.py",),
	"Patch Log": ("setup/removal/uninstall.py",),
	"Payment Entry": (
		"pipeline/importing/deals.py",
		"pipeline/payment_allocation.py",
	),
	"Property Setter": (
		"ledger/dimension.py",
		"relations/profiles/attributes.py",
		"setup/removal/uninstall.py",
	),
	"Quotation": ("pipeline/importing/deals.py",),
	"Repost Accounting Ledger": ("ledger/balance_sheets/repair.py",),
	"Role": ("setup/removal/uninstall.py",),
	"Sales Invoice": ("pipeline/importing/deals.py",),
	"Sales Order": ("pipeline/importing/deals.py",),
	"Sales Person": ("pipeline/importing/masters.py",),
	"Sales Stage": ("pipeline/importing/masters.py",),
	"Scheduled Job Log": ("setup/removal/uninstall.py",),
	"Scheduled Job Type": ("setup/removal/uninstall.py",),
	"Territory": ("pipeline/importing/masters.py",),
	"ToDo": (
		"campaigns/manual/tasks.py",
		"interactions/followups.py",
		"setup/removal/uninstall.py",
		"shared/tasks.py",
	),
	"UTM Campaign": ("pipeline/erpnext_crm/own_campaign.py",),
	"Version": (
		"relations/exchange/page_writing.py",
		"relations/profiles/history.py",
	),
	"Workspace": ("setup/removal/references.py",),
	"__Auth": ("campaigns/transport/signed_links.py",),
	"__UserSettings": ("setup/removal/uninstall.py",),
	"documents of the admin": ("setup/removal/references.py",),
	"documents with our fields": ("setup/removal/owned.py",),
	"documents with the dimension": (
		"ledger/balance_sheets/repair.py",
		"ledger/dimension.py",
		"pipeline/erpnext_crm/own_campaign.py",
		"pipeline/provenance.py",
	),
	"party documents": ("relations/creation/preassign.py",),
}

#: module → (what it writes, why the doctype is known only at run time). "*" means any doctype.
CHOSEN_AT_RUN_TIME: dict[str, tuple[tuple[str, ...], str]] = {
	"campaigns/content/composer.py": (
		(
			"Communication",
			"Communication Link",
		),
		"one helper inserts the rows of both",
	),
	"campaigns/incoming/inbox.py": (("Communication",), "the email that Frappe is receiving"),
	"campaigns/lifecycle.py": (("Relation Campaign",), "the locked campaign"),
	"campaigns/transport/signed_links.py": (("__Auth",), "Frappe's table of secrets"),
	"interactions/followups.py": (
		(
			"ToDo",
			"Relation Interaction",
		),
		"the task of the next step",
	),
	"ledger/balance_sheets/repair.py": (
		("documents with the dimension",),
		"the campaign of a voucher that is reposted",
	),
	"ledger/dimension.py": (
		(
			"Accounting Dimension",
			"documents with the dimension",
		),
		"columns that an earlier dimension has left",
	),
	"pipeline/erpnext_crm/own_campaign.py": (
		(
			"Campaign",
			"UTM Campaign",
			"documents with the dimension",
		),
		"version 15 and 16 differ",
	),
	"pipeline/importing/deals.py": (
		(
			"Opportunity",
			"Quotation",
			"Sales Order",
			"Sales Invoice",
			"Payment Entry",
		),
		"made by ERPNext's own functions",
	),
	"pipeline/importing/masters.py": (
		(
			"Customer",
			"Fiscal Year",
			"Industry Type",
			"Item",
			"Item Group",
			"Item Price",
			"Opportunity Lost Reason",
			"Sales Person",
			"Sales Stage",
			"Territory",
		),
		"masters that a file names",
	),
	"pipeline/payment_allocation.py": (
		(
			"Payment Entry",
			"Journal Entry Account",
		),
		"the voucher of an allocation",
	),
	"pipeline/provenance.py": (("documents with the dimension",), "a document and its rows"),
	"relations/creation/adoption.py": (("Lead",), "party documents with a field `relation`"),
	"relations/creation/merge.py": (("*",), "rows that refer to the merged relation, wherever they are"),
	"relations/creation/numbering.py": (
		(
			"Relation Role",
			"Relation Party",
		),
		"the order of child rows",
	),
	"relations/creation/preassign.py": (("party documents",), "the new document that the caller prepared"),
	"relations/exchange/page_writing.py": (
		(
			"Relation",
			"Relation Contact Point",
			"Relation Link",
			"Version",
		),
		"the rows of an imported page",
	),
	"relations/exchange/planning.py": (("Relation",), "the planned relation"),
	"relations/facts/build.py": (
		(
			"Relation Facts",
			"Relation Facts Item Group",
			"Relation Contact Facts",
		),
		"the tables of figures",
	),
	"relations/facts/classes.py": (("Relation Facts",), "classes are fields of the figures"),
	"relations/facts/sql.py": (
		(
			"Relation Facts",
			"Relation Facts Item Group",
			"Relation Contact Facts",
		),
		"statements for `build`",
	),
	"relations/identities/identity.py": (("Lead",), "party documents with a field `relation`"),
	"relations/merging/merge_snapshot.py": (("*",), "rows as they were before a merge"),
	"setup/removal/owned.py": (
		("documents with our fields",),
		"our columns, before the uninstall removes them",
	),
	"setup/removal/references.py": (("documents of the admin",), "references to what the uninstall removes"),
	"setup/removal/restoring.py": (("*",), "rows of the archive"),
	"setup/removal/uninstall.py": (("*",), "everything goes"),
	"shared/table_rows.py": (("*",), "the INSERT of the caller"),
	"shared/text/outside_text.py": (("*",), "the INSERT of the caller, after its texts lost their markup"),
}

#: fields that only some of the doctype's owners write: `doctype.field` → modules
FIELD_OWNERS: dict[str, tuple[str, ...]] = {
	"Relation.completeness": ("relations/profiles/completeness.py", "relations/creation/adoption.py"),
	"Relation.stage": ("relations/roles_and_stages/stages.py", "relations/creation/merge.py"),
	"Relation.stage_since": ("relations/roles_and_stages/stages.py", "relations/creation/merge.py"),
	"Relation Campaign Member.status": (
		"campaigns/members/member_rows.py",
		"campaigns/members/member_status.py",
	),
	"Relation Campaign Member.points": ("campaigns/members/member_status.py",),
	"Relation Campaign Member.last_response": ("campaigns/members/member_status.py",),
	"Relation Campaign Member.held_out": ("campaigns/members/member_status.py",),
	"Relation Campaign Member.left_on": ("campaigns/members/member_rows.py",),
}

#: written by users on their forms, and by no module: settings, children of a form
USERS_ONLY: frozenset[str] = frozenset(
	(
		"Relation Absence",
		"Relation Campaign Attachment",
		"Relation Campaign Item Group",
		"Relation Campaign User",
		"Relation Consent Text",
		"Relation Import Column",
		"Relation Objection Notice",
		"Relation Qualification Criterion",
		"Relation Qualification Scheme",
		"Relation Role Action",
		"Relation Role Activity",
		"Relation Segment Pin",
		"Relation Segment Suppression",
	)
)
