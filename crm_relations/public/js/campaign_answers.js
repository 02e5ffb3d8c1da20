// Answers to calls and letters from a csv: preview first, then record; rejected lines come back as a file.
{
	const API = "crm_relations.campaigns.incoming.api.";

	frappe.ui.form.on("Relation Campaign", {
		refresh(frm) {
			if (
				frm.is_new() ||
				!frm.perm[0]?.write ||
				["Draft", "Approved"].includes(frm.doc.status)
			)
				return;
			frm.add_custom_button(__("Import Answers"), () => upload(frm));
		},
	});

	function upload(frm) {
		new frappe.ui.FileUploader({
			doctype: "Relation Campaign",
			docname: frm.doc.name,
			folder: "Home/Attachments",
			make_attachments_public: false,
			restrictions: { allowed_file_types: [".csv"], max_number_of_files: 1 },
			on_success: (file) => preview(frm, file.file_url),
		});
	}

	async function preview(frm, file_url) {
		const plan = await frappe.xcall(API + "preview_answers", {
			campaign: frm.doc.name,
			file_url,
		});
		const esc = frappe.utils.escape_html;
		const rows = plan.rows
			.map(
				(row) => `<tr class="${row.problem ? "text-muted" : ""}"><td>${cint(row.line)}</td>
				<td>${esc(row.name)}</td><td>${esc(__(row.type))}</td><td>${esc(__(row.answer))}</td>
				<td>${row.date ? frappe.datetime.str_to_user(row.date) : ""}</td><td>${esc(row.problem)}</td></tr>`,
			)
			.join("");
		const dialog = new frappe.ui.Dialog({
			title: __("Import Answers"),
			size: "large",
			fields: [
				{
					fieldtype: "HTML",
					options: `<p>${__("{0} new, {1} recorded before, {2} rejected", [
						cint(plan.new),
						cint(plan.known),
						cint(plan.rejected),
					])}</p>
					<table class="table table-sm"><thead><tr><th>${__("Line")}</th><th>${__("Member")}</th>
						<th>${__("Type")}</th><th>${__("Answer")}</th><th>${__("Date")}</th><th>${__(
						"Problem",
					)}</th></tr></thead><tbody>${rows}</tbody></table>`,
				},
			],
			primary_action_label: __("Record {0} Answers", [cint(plan.new)]),
			async primary_action() {
				dialog.disable_primary_action();
				const done = await frappe.xcall(API + "import_answers", {
					campaign: frm.doc.name,
					file_url,
				});
				dialog.hide();
				const rejects = done.rejects
					? ` <a href="${esc(done.rejects)}">${__("Rejected answers")}</a>`
					: "";
				frappe.msgprint(
					__("{0} recorded, {1} recorded before, {2} rejected.", [
						cint(done.recorded),
						cint(done.known),
						cint(done.rejected),
					]) + rejects,
				);
				frm.reload_doc();
			},
		});
		if (!plan.new && !plan.rejected) dialog.disable_primary_action();
		dialog.show();
	}
}
