// Roles, stages and actions on the form of a relation. What comes from documents is escaped before it becomes HTML.
frappe.provide("crm_relations");

(() => {
	const escape = (text) => frappe.utils.escape_html(String(text ?? ""));
	const date = (value) => escape(frappe.datetime.str_to_user(value));

	const openers = {
		new: (action) => frappe.new_doc(action.target, action.values),
		mapped: (action) =>
			frappe.model.open_mapped_doc({
				method: action.target,
				source_name: action.values.source_name,
			}),
		report: (action) => frappe.set_route("query-report", action.target, action.values),
		form: (action) => frappe.set_route("Form", action.target, action.values.name),
		call: (action, frm) => call(action, frm),
	};

	async function call(action, frm) {
		const answers = action.asks.length ? await ask(action) : await confirm(action);
		if (!answers) return;
		const result = await frappe.xcall(action.target, { ...action.values, ...answers });
		if (result?.message) {
			frappe.show_alert({ message: escape(result.message), indicator: "green" });
		}
		frm.reload_doc();
	}

	function ask(action) {
		return new Promise((resolve) => {
			const fields = action.asks.map(({ filters, ...df }) => ({
				...df,
				...(filters ? { get_query: () => ({ filters }) } : {}),
			}));
			const dialog = frappe.prompt(fields, resolve, __(action.label));
			dialog.onhide = () => setTimeout(() => resolve(null)); // after the answer, if there is one
		});
	}

	function confirm(action) {
		if (!action.confirm) return {};
		return new Promise((resolve) => {
			frappe.confirm(
				escape(action.confirm),
				() => resolve({}),
				() => resolve(null),
			);
		});
	}

	function show_actions(frm, actions) {
		for (const action of actions) {
			frm.add_custom_button(
				__(action.label),
				() => openers[action.opens](action, frm),
				__(action.role),
			);
		}
	}

	function days_text(days) {
		return days === 1 ? __("1 day") : __("{0} days", [days]);
	}

	function evidence_html(spell) {
		if (!spell.document_name) return "";
		const label = `${__(spell.document_type)} ${spell.document_name}`;
		if (!frappe.model.can_read(spell.document_type)) return escape(label);
		const href = frappe.utils.get_form_link(spell.document_type, spell.document_name);
		return `<a href="${escape(href)}">${escape(label)}</a>`;
	}

	function show_way(frm, { way, days }) {
		const $wrapper = frm.get_field("stages_html").$wrapper.empty();
		if (!way.length) return;
		const rows = way.map(
			(spell) => `<tr>
				<td>${escape(__(spell.stage))}</td>
				<td>${date(spell.since)}</td>
				<td>${spell.until ? date(spell.until) : __("today")}</td>
				<td class="text-right">${days_text(spell.days)}</td>
				<td>${evidence_html(spell)}</td>
			</tr>`,
		);
		const totals = Object.entries(days)
			.map(([stage, number]) => `${escape(__(stage))}: ${days_text(number)}`)
			.join(" · ");
		$wrapper.html(`<div class="form-group" data-part="stages">
			<div class="clearfix"><label class="control-label">${__("Way through the Stages")}</label></div>
			<div class="table-responsive"><table class="table table-sm table-bordered mb-1">
				<thead><tr>
					<th>${__("Stage")}</th><th>${__("Since")}</th><th>${__("Until")}</th>
					<th class="text-right">${__("Duration")}</th><th>${__("Reason")}</th>
				</tr></thead>
				<tbody>${rows.join("")}</tbody>
			</table></div>
			<p class="text-muted small">${totals}</p>
		</div>`);
	}

	frappe.ui.form.on("Relation", {
		setup(frm) {
			frm.set_query("role", "roles", () => ({ filters: { is_standard: 0 } }));
		},
		async refresh(frm) {
			frm.get_field("stages_html").$wrapper.empty();
			if (frm.is_new()) return;
			const name = frm.doc.name;
			const panel = await frappe.xcall(
				"crm_relations.relations.api.role_panel",
				{ relation: name },
				"GET",
			);
			if (frm.doc.name !== name) return; // another relation was opened meanwhile
			show_actions(frm, panel.actions);
			show_way(frm, panel);
		},
	});

	frappe.ui.form.on("Relation Role", {
		before_roles_remove(frm, cdt, cdn) {
			const row = frappe.get_doc(cdt, cdn);
			if (row.derived) {
				frappe.throw(
					__("{0} follows from the documents in ERPNext and cannot be removed here.", [
						escape(__(row.role)),
					]),
				);
			}
		},
	});
})();
