"""Uninstall so that nothing of ours stays on ERPNext's doctypes, and its documents and forms work as before.

Frappe drops our doctypes and what carries our module. It leaves the roles, the scheduler's jobs, the patch
log, and everything that names one of our doctypes. Before anything is changed, an archive of all that would
be lost is written (`archive`), and what users have built on our doctypes and fields is listed and made
harmless (`references`). The users' own documents (tasks, emails, files) stay and lose the reference. Records
about our documents only (comments, versions, permissions, filters) are deleted.

Columns of custom fields stay in the tables, as Frappe leaves them; `bench trim-tables` drops them. Ours are
emptied: after another install, an invoice that names a missing campaign could be neither cancelled nor
credited. A foreign field that shares one of our names is left alone.

`bench uninstall-app --dry-run` calls the same hooks. Then the list is printed and nothing is changed.
"""

import json

import click
import frappe
from frappe.query_builder import Table
from frappe.utils.background_jobs import get_queues
from redis.exceptions import ConnectionError as QueueNotReachable

from crm_relations.campaigns.transport import signed_links
from crm_relations.ledger import dimension
from crm_relations.setup import collisions, custom_fields, indexes, shipped
from crm_relations.setup.removal import archive, owned, references, restoring

ROLES = shipped.ROLES
METHODS = "crm_relations.%"
#: documents to which users attach their own files; those of all others were made by the app
_WITH_FILES_OF_USERS = ("Relation", "Relation Campaign", "Relation Interaction")


def before_uninstall() -> None:
	"""Write the archive, print the list, and remove our fields and references while our doctypes still exist."""
	changes = references.plan()
	tasks, files = _open_tasks(), _generated_files()
	_tell(changes, tasks, files)
	if _is_dry_run():
		click.echo("Dry run: nothing was changed.")
		return
	written = archive.write(archive.default_folder(), changes)
	click.echo(f"Archive of everything that goes: {written['folder']}")
	click.echo("After another install, bring it back with: bench --site SITE relations restore FOLDER")
	references.apply(changes)
	if tasks:
		frappe.db.set_value("ToDo", {"name": ["in", tasks]}, "status", "Cancelled", update_modified=False)
	for name in files:
		frappe.delete_doc("File", name, ignore_permissions=True, force=True)
	_remove_queued_jobs()
	columns, forgotten = owned.own_columns(), owned.forgotten_columns()
	dimension.switch_off()
	custom_fields.delete()
	owned.empty(columns)
	owned.empty_forgotten(forgotten)
	frappe.db.delete("DefaultValue", {"defkey": ["like", "relation\\_segments\\_%"]})
	frappe.db.delete("Property Setter", {"module": custom_fields.MODULE})
	_clear_references(list(shipped.doctypes()))
	_clear_list_settings()
	signed_links.forget_secret()
	indexes.drop_on_erpnext()


def _is_dry_run() -> bool:
	"""Tell whether bench was asked for a dry run. Frappe does not pass it to its hooks; the command line has
	it.
	"""
	context = click.get_current_context(silent=True)
	return bool(context and context.params.get("dry_run"))


def _tell(changes: list[references.Change], tasks: list[str], files: list[str]) -> None:
	"""Print what happens to objects of the site, before it happens."""
	if changes:
		click.echo("Objects of the site that refer to the app:")
	for change in changes:
		where = f" of {change.parent[0]} {change.parent[1]}" if change.parent else ""
		click.echo(f"* {change.doctype} {change.name}{where} ({change.because}): {change.action}")
	if tasks:
		click.echo(f"Open tasks that the app has made: {len(tasks)} cancelled")
	if files:
		click.echo(f"Exports, imports, previews and print runs: {len(files)} files deleted")
	for row in _files_of_users():
		click.echo(f"* File {row.file_url} of {row.attached_to_doctype} {row.attached_to_name}: kept")


def _open_tasks() -> list[str]:
	"""Return open tasks that the app has created: calls, letters, follow-ups. Those that users created stay
	open.
	"""
	found: set[str] = set()
	todo = frappe.qb.DocType("ToDo")
	for row in frappe.get_all(
		"DocField",
		{"parent": ["in", shipped.doctypes()], "fieldtype": "Link", "options": "ToDo"},
		["parent", "fieldname"],
		order_by="parent asc",
	):
		ours = frappe.qb.DocType(row.parent)
		query = frappe.qb.from_(todo).join(ours).on(ours[row.fieldname] == todo.name).select(todo.name)
		found |= set(query.where(todo.status == "Open").run(pluck=True))
	return sorted(found)


def _generated_files() -> list[str]:
	"""Return files with personal data that the app has made or read: exports, imports, previews, print runs,
	answers.
	"""
	made = [name for name in shipped.doctypes() if name not in _WITH_FILES_OF_USERS]
	return frappe.get_all("File", {"attached_to_doctype": ["in", made]}, pluck="name", order_by="name asc")


def _files_of_users() -> list[frappe._dict]:
	return frappe.get_all(
		"File",
		filters={"attached_to_doctype": ["in", _WITH_FILES_OF_USERS]},
		fields=["file_url", "attached_to_doctype", "attached_to_name"],
		order_by="name asc",
	)


def _remove_queued_jobs() -> None:
	"""Remove our waiting jobs of this site from the queues: they would run on tables that no longer exist."""
	try:
		for queue in get_queues():
			for job in queue.get_jobs():
				if job.kwargs.get("site") == frappe.local.site and _is_ours(job.kwargs):
					job.delete()
	except QueueNotReachable as error:
		click.echo(
			f"The job queue does not answer ({error}). Waiting jobs of the app will fail; delete them."
		)


def _is_ours(call: dict) -> bool:
	"""Tell whether a queued call runs a function of the app, directly or by the scheduler."""
	method = call.get("method")
	name = method if isinstance(method, str) else getattr(method, "__module__", "")
	job_type = (call.get("kwargs") or {}).get("job_type") or ""
	return any(str(text).startswith("crm_relations.") for text in (name, job_type))


def _clear_references(doctypes: list[str]) -> None:
	"""Clear or delete what names these doctypes, set-based. A doctype that this version lacks is skipped."""
	for doctype, *fields in references.KEPT:
		if archive.has_fields(doctype, *fields):
			table = frappe.qb.DocType(doctype)
			query = frappe.qb.update(table).where(table[fields[0]].isin(doctypes))
			for field in fields:
				query = query.set(table[field], None)
			query.run()
	for doctype, field in (*references.PARTS, *references.LOGS):
		if archive.has_fields(doctype, field):
			frappe.db.delete(doctype, {field: ["in", doctypes]})


def _clear_list_settings() -> None:
	"""Clear filters and columns that users have chosen in lists: with a missing field, the list would not
	load.
	"""
	ours = collisions.fieldnames()
	settings = Table("__UserSettings")
	doctypes = [*ours, *shipped.doctypes()]
	chosen = settings.data.like("%relation%") | settings.doctype.isin(shipped.doctypes())
	frappe.qb.from_(settings).delete().where(settings.doctype.isin(doctypes) & chosen).run()
	for row in frappe.get_all(
		"List View Settings", {"name": ["in", list(ours)]}, ["name", "fields"], order_by="name asc"
	):
		columns = json.loads(row.fields or "[]")
		kept = [column for column in columns if column.get("fieldname") not in ours[row.name]]
		if len(kept) < len(columns):
			frappe.db.set_value("List View Settings", row.name, "fields", json.dumps(kept))


def after_uninstall() -> None:
	"""Delete what Frappe leaves: the roles and what names them, the jobs, the patch log.

	Commits: Frappe has committed its own part before it calls this, and commits nothing afterwards.
	"""
	if _is_dry_run():
		return
	for role in shipped.ROLES:
		for doctype in ("Has Role", "Custom DocPerm", "DocPerm"):
			frappe.db.delete(doctype, {"role": role})
		frappe.db.set_value("ToDo", {"role": role}, "role", None, update_modified=False)
		if frappe.db.exists("Role", role):
			frappe.delete_doc("Role", role, ignore_permissions=True, force=True)
	jobs = frappe.get_all(
		"Scheduled Job Type", filters={"method": ["like", METHODS]}, pluck="name", order_by="name asc"
	)
	if jobs:
		frappe.db.delete("Scheduled Job Log", {"scheduled_job_type": ["in", jobs]})
		frappe.db.delete("Scheduled Job Type", {"name": ["in", jobs]})
	frappe.db.delete("Patch Log", {"patch": ["like", METHODS]})
	frappe.db.delete("DefaultValue", {"defkey": ["in", [shipped.ROLES_KEY, restoring.RESTORED_KEY]]})
	frappe.db.commit()
	frappe.clear_cache()
