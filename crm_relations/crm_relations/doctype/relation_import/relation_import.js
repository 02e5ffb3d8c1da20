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
			const [label, color] = RESULTS[row.action] || [escape(row.action), "gray"];
			const relation = row.relation
				? `<a href="${escape(
						frappe.utils.get_form_link("Relation", row.relation),
				  )}">${escape(row.relation)}</a>`
				: "";
			return `<tr><td>${escape(row.row)}</td>
				<td><span class="indicator-pill no-indicator-dot ${color}">${label}</span></td>
				<td style="overflow-wrap: anywhere">${escape(row.title)}</td><td>${relation}</td>
				<td style="overflow-wrap: anywhere">${[row.reason, ...(row.details || [])]
					.filter(Boolean)
					.map(escape)
					.join("<br>")}</td></tr>`;
		});
		const more =
			frm.doc.rows_total > rows.length
				? `<p class="text-muted small">${__(
						"{0} of {1} rows; all of them are in the file of the preview.",
						[rows.length, cint(frm.doc.rows_total)],
				  )}</p>`
				: "";
		return `<div class="table-responsive"><table class="table table-sm">
			<thead><tr>${head
				.map((text) => `<th scope="col" class="text-muted">${text}</th>`)
				.join("")}</tr></thead>
			<tbody>${body.join("")}</tbody></table></div>${more}`;
	}

	function findings_html(frm) {
		const { remarks = [], questions = [] } = JSON.parse(frm.doc.findings || "{}");
		const listed = (lines) =>
			`<ul class="mb-0">${lines.map((line) => `<li>${escape(line)}</li>`).join("")}</ul>`;
		const asked = questions.map(
			({ text, examples }) =>
				`<div class="alert alert-warning">${escape(text)}${listed(examples)}</div>`,
		);
		const said = remarks.map(
			({ text, count, examples }) =>
				`<p class="mb-1"><b>${escape(text)}</b>: ${escape(count)}</p>${listed(examples)}`,
		);
		return asked.join("") + (said.length ? `<div class="mb-3">${said.join("")}</div>` : "");
	}

	// A question that the file does not answer is asked before anything is written.
	function answer_questions(frm, go_on) {
		const { questions = [] } = JSON.parse(frm.doc.findings || "{}");
		if (!questions.length || frm.doc.status !== "Checked") return go_on();
		const fields = questions.map(({ field, text, examples }) => ({
			fieldname: field,
			fieldtype: "Select",
			label: __(frappe.meta.get_docfield(frm.doctype, field).label),
			options: frappe.meta.get_docfield(frm.doctype, field).options,
			default: frm.doc[field],
			description: escape([text, ...examples].join(" · ")),
			reqd: 1,
		}));
		frappe.prompt(
			fields,
			async (values) => {
				const changed = Object.keys(values).some((name) => values[name] !== frm.doc[name]);
				if (!changed) return go_on();
				await frm.set_value(values);
				await call(frm, "check_import");
			},
			__("Before the Import"),
			__("Continue"),
		);
	}

	async function call(frm, method) {
		if (frm.is_dirty()) await frm.save();
		const message = await frappe.xcall(API + method, { name: frm.doc.name });
		frappe.show_alert({ message: escape(message), indicator: "green" });
		frm.reload_doc();
	}

	frappe.ui.form.on("Relation Import", {
		async refresh(frm) {
			const status = frm.doc.status;
			frm.get_field("preview_html").$wrapper.html(
				status === "Checked" ? findings_html(frm) + preview_html(frm) : "",
			);
			if (frm.doc.failure) frm.set_intro(escape(frm.doc.failure), "red");
			if (frm.is_new()) return;
			const choices = ["import_file", "existing", "date_order", "names_as"];
			frm.toggle_enable(choices, ["Draft", "Checked"].includes(status));
			if (["Draft", "Checked"].includes(status)) {
				frm.add_custom_button(__("Preview"), () => call(frm, "check_import"));
			}
			if (["Checked", "Failed", "Importing"].includes(status)) {
				const label = status === "Checked" ? __("Start Import") : __("Continue Import");
				frm.add_custom_button(label, () =>
					answer_questions(frm, () => call(frm, "start_import")),
				)
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
