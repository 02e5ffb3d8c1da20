// Import of relations: check first, look at what becomes of each row, then start.
// What comes from files is text; all of it goes through escape() before it becomes HTML.
(() => {
	const escape = (text) => frappe.utils.escape_html(String(text ?? ""));
	const API = "crm_relations.relations.exchange.api.";
	const RESULTS = {
		create: [__("New"), "green"],
		update: [__("Changed"), "blue"],
		unchanged: [__("Unchanged"), "gray"],
		reject: [__("Rejected"), "red"],
	};

	function preview_html(frm) {
		const rows = JSON.parse(frm.doc.preview || "[]");
		if (!rows.length) return "";
		const head = [__("Row"), __("Result"), __("Name"), __("Relation"), __("Details")];
		const body = rows.map((row) => {
			const [label, color] = RESULTS[row.action];
			const relation = row.relation
				? `<a href="${escape(
						frappe.utils.get_form_link("Relation", row.relation),
				  )}">${escape(row.relation)}</a>`
				: "";
			return `<tr><td>${row.row}</td>
				<td><span class="indicator-pill no-indicator-dot ${color}">${label}</span></td>
				<td style="overflow-wrap: anywhere">${escape(row.title)}</td><td>${relation}</td>
				<td style="overflow-wrap: anywhere">${[row.reason, ...row.details]
					.filter(Boolean)
					.map(escape)
					.join("<br>")}</td></tr>`;
		});
		const more =
			frm.doc.rows_total > rows.length
				? `<p class="text-muted small">${__(
						"{0} of {1} rows; all of them are in the file of the preview.",
						[rows.length, frm.doc.rows_total],
				  )}</p>`
				: "";
		return `<div class="table-responsive"><table class="table table-sm">
			<thead><tr>${head
				.map((text) => `<th scope="col" class="text-muted">${text}</th>`)
				.join("")}</tr></thead>
			<tbody>${body.join("")}</tbody></table></div>${more}`;
	}

	async function call(frm, method) {
		if (frm.is_dirty()) await frm.save();
		const message = await frappe.xcall(API + method, { name: frm.doc.name });
		frappe.show_alert({ message, indicator: "green" });
		frm.reload_doc();
	}

	frappe.ui.form.on("Relation Import", {
		async refresh(frm) {
			const status = frm.doc.status;
			frm.get_field("preview_html").$wrapper.html(
				status === "Checked" ? preview_html(frm) : "",
			);
			if (frm.doc.failure) frm.set_intro(escape(frm.doc.failure), "red");
			if (frm.is_new()) return;
			frm.toggle_enable(["import_file", "existing"], ["Draft", "Checked"].includes(status));
			if (["Draft", "Checked"].includes(status)) {
				frm.add_custom_button(__("Preview"), () => call(frm, "check_import"));
			}
			if (["Checked", "Failed", "Importing"].includes(status)) {
				const label = status === "Checked" ? __("Start Import") : __("Continue Import");
				frm.add_custom_button(label, () => call(frm, "start_import"))
					.removeClass("btn-default")
					.addClass("btn-primary");
			}
			const targets = await frappe.xcall(`${API}import_targets`, {}, "GET");
			const labels = Object.fromEntries(targets.map(({ value, label }) => [value, label]));
			const grid = frm.fields_dict.columns.grid;
			grid.update_docfield_property("target", "options", targets);
			grid.update_docfield_property("target", "formatter", (value) =>
				escape(labels[value] || value),
			);
		},
	});
})();
